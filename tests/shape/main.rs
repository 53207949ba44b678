//! The shape of the source: how wide and how long its files are, and that imports run one way.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test must fail on the unexpected"
)]

mod arrows;
mod modules;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use arrows::Arrows;
use modules::{Files, Modules};
use tokens::{lines_without_literals, tokens};

/// The greatest width of a line in the Rust source and the scripts below each of these paths.
/// Literals do not count, nor do tables in comments.
const COLUMNS: [(&str, usize); 7] = [
    ("src", 100),
    ("tests", 100),
    ("benches", 100),
    ("examples", 100),
    ("build.rs", 100),
    (".ci", 100),
    ("cross", 100),
];

/// The most lines a file in `src` may have, its tests included.
const LINES: usize = 450;

/// The files that are still longer.
const LONG: [&str; 0] = [];

/// The layers, each with the ones directly below it. A layer may import from all layers below it.
const LAYERS: [(&str, &[&str]); 26] = [
    ("main", &["allocator", "cli"]),
    ("cli", &["cli/commands"]),
    ("cli/commands", &["cli/forms"]),
    ("cli/forms", &["cli/arguments", "cli/asking"]),
    ("cli/arguments", &["cli/failure"]),
    ("cli/asking", &["cli/stdio"]),
    ("cli/stdio", &["cli/failure"]),
    ("cli/failure", &["client", "host"]),
    ("client", &["control", "kernel_clock"]),
    ("host", &["control", "discoverer", "kernel_clock", "log", "state"]),
    ("discoverer", &["speaker"]),
    ("speaker", &["stats", "token_bucket"]),
    ("control", &["stats", "wire"]),
    ("state", &["registry"]),
    ("stats", &["registry"]),
    ("registry", &["random", "wire"]),
    ("wire", &["net"]),
    ("log", &["time"]),
    ("token_bucket", &["time"]),
    ("limits", &[]),
    ("net", &["limits", "time"]),
    ("random", &[]),
    ("time", &[]),
    ("allocator", &[]),
    ("kernel_clock", &[]),
    ("lib", &[]),
];

/// Imports that are forbidden although they go down: the control protocol takes plain data.
const NEVER: [(&str, &str); 1] = [("control", "registry")];

/// The imports that still break these rules: from a layer above, or in a circle. A directory ends
/// with a slash, and stands for its files.
const KNOWN: [(&str, &str); 0] = [];

/// The files and directories of `src` that may use the standard library.
const STD: [&str; 4] = ["main", "cli", "client", "host"];

/// The files below a directory of the repository, or that one file.
fn files(below: &str) -> Files {
    let mut files = Files::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(below), "", &mut files);
    files
}

fn read(path: &Path, name: &str, files: &mut Files) {
    // The packed crate lacks some of them.
    if !path.exists() {
        return;
    }
    if !path.is_dir() {
        // A binary file has no lines.
        files.extend(fs::read_to_string(path).ok().map(|text| (name.to_owned(), text)));
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let inside = entry.file_name().into_string().unwrap();
        let name = if name.is_empty() { inside } else { format!("{name}/{inside}") };
        read(&entry.path(), &name, files);
    }
}

/// The Rust source of `src`.
fn source() -> Files {
    let mut source = files("src");
    source.retain(|file, _| has_ending(file, "rs"));
    assert!(!source.is_empty());
    source
}

fn has_ending(file: &str, ending: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == ending)
}

/// The layer of a file: the one with the longest matching name.
fn layer(file: &str) -> &'static str {
    let path = file.trim_end_matches("/mod.rs").trim_end_matches(".rs");
    let is_in = |layer: &&str| {
        path.strip_prefix(*layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let layers = LAYERS.iter().map(|&(layer, _)| layer).filter(is_in);
    layers.max_by_key(|layer| layer.len()).unwrap_or_else(|| panic!("{file} is in no layer"))
}

/// Whether one layer is below another.
fn is_below(lower: &str, upper: &str) -> bool {
    let (_, next) = LAYERS.iter().find(|&&(layer, _)| layer == upper).unwrap();
    next.iter().any(|&layer| layer == lower || is_below(lower, layer))
}

#[test]
fn lines_are_not_wide() {
    let mut wide = vec![];
    for (below, columns) in COLUMNS {
        for (file, text) in files(below) {
            let lines: Vec<String> = if has_ending(&file, "rs") || below == "build.rs" {
                lines_without_literals(&text)
            } else if has_ending(&file, "sh") || text.starts_with("#!") {
                text.lines().map(str::to_owned).collect()
            } else {
                continue;
            };
            for (number, line) in (1..).zip(&lines) {
                let is_table = line.trim_start_matches(['/', '!', ' ']).starts_with('|');
                let width = line.chars().count();
                if width > columns && !is_table {
                    wide.push(format!("{below}/{file}:{number} has {width} columns"));
                }
            }
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn files_are_not_long() {
    let source = source();
    let long = source.iter().filter(|(_, text)| text.lines().count() > LINES);
    let long: Vec<&str> = long.map(|(file, _)| file.as_str()).collect();
    assert_eq!(long, LONG, "left: the files that are too long, right: LONG");
}

#[test]
fn imports_run_one_way() {
    let mut arrows = Arrows::of("foghorn", &source());
    let is_upward = |from: &str, to: &str| {
        let (upper, lower) = (layer(from), layer(to));
        upper != lower && (!is_below(lower, upper) || NEVER.contains(&(upper, lower)))
    };
    let is_entry = |known: &(&str, &str), from: &str, to: &str| {
        let is_from =
            if known.0.ends_with('/') { from.starts_with(known.0) } else { from == known.0 };
        is_from && to == known.1
    };
    let mut offences = vec![];
    for known in &KNOWN {
        let offends = arrows.0.keys().any(|(from, to)| {
            is_entry(known, from, to)
                && (is_upward(from, to) || arrows.reached(to).contains(from.as_str()))
        });
        if !offends {
            offences.push(format!("{known:?} breaks no rule any more: remove it from KNOWN"));
        }
    }
    arrows.0.retain(|(from, to), line| {
        let is_known = KNOWN.iter().any(|known| is_entry(known, from, to));
        let is_upward = is_upward(from, to);
        if is_upward && !is_known {
            offences.push(format!("src/{from}:{line} imports from {to}, which is not below it"));
        }
        !is_known && !is_upward
    });
    // Within a layer.
    let circles = arrows.circles();
    for ((from, to), line) in &arrows.0 {
        if circles.iter().any(|it| it.contains(from.as_str()) && it.contains(to.as_str())) {
            offences.push(format!("src/{from}:{line} imports from {to}, and so in a circle"));
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn the_core_does_without_the_standard_library() {
    let source = source();
    let modules = Modules::read("foghorn", &source);
    // Test files are not among them.
    let files: BTreeSet<&str> = modules.all.iter().map(|module| module.file.as_str()).collect();
    let may = |file: &str| file.split(['/', '.']).next().is_some_and(|top| STD.contains(&top));
    let mut users = vec![];
    for file in files.into_iter().filter(|file| !may(file)) {
        for token in tokens(&source[file]).iter().filter(|token| token.is("std")) {
            users.push(format!("src/{file}:{} uses std", token.line));
        }
    }
    assert!(users.is_empty(), "{users:#?}");
}
