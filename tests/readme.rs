//! The statements in README.md, the manual page and other prose that a test can check.

#![expect(clippy::unwrap_used, reason = "a test must fail on the unexpected")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Daemon, Directory, FOGHORN, free_udp_port};
use foghorn::limits;
use serde_json::Value;

const CONTRIBUTING: &str = include_str!("../CONTRIBUTING.md");
const README: &str = include_str!("../README.md");
const MANUAL: &str = include_str!("../cross/man/foghorn.1");
const THREATS: &str = include_str!("THREATS.md");
const BUDGET: &str = include_str!("../memory-budget.md");

/// A cell of the first table row that starts with `row`, without thousands separators.
fn cell(page: &str, row: &str, column: usize) -> String {
    let line = page.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap();
    line.split('|').nth(column + 1).unwrap().trim().replace(',', "")
}

/// A page as one line, without thousands separators.
fn in_one_line(page: &str) -> String {
    page.split_whitespace().collect::<Vec<_>>().join(" ").replace(',', "")
}

#[test]
fn the_limits_are_those_of_this_build() {
    for (row, limit) in [
        ("nodes in the registry", limits::REGISTRY_CAPACITY),
        ("bytes of a NodeID", limits::NODE_ID_CAPACITY),
        ("addresses of a node", limits::ADDRESSES_PER_NODE),
        ("addresses of an interface", limits::NETWORKS_PER_LINK),
        ("networks that are allowed", limits::ALLOWED_NETWORKS),
        ("nodes announced by one daemon", limits::OWN_NODES),
        ("interfaces in use", limits::LINKS),
        ("control clients at once", limits::CONTROL_CLIENTS),
    ] {
        assert_eq!(cell(BUDGET, row, 1), limit.to_string(), "{row}");
    }
    let [nodes, bytes, own] =
        [limits::REGISTRY_CAPACITY, limits::NODE_ID_CAPACITY, limits::OWN_NODES];
    let claim = format!(
        "holds {nodes} nodes with names of up to {bytes} bytes and can announce {own} of its own"
    );
    assert!(in_one_line(README).contains(&claim), "{claim}");
}

#[test]
fn the_readme_gives_the_memory_of_the_budget() {
    let sum = cell(BUDGET, "Sum", 1);
    assert!(
        in_one_line(README).contains(&format!("foghorn itself holds is {sum} bytes")),
        "memory-budget.md says {sum}"
    );
}

#[test]
fn the_readme_gives_the_resident_memory_of_the_budget() {
    let (_, table) = BUDGET.split_once("\n| static musl").unwrap();
    let [pc, arm] = [1, 2].map(|column| cell(table, "Sum", column));
    assert_eq!(cell(README, "foghorn 0.1.0, static musl", 1), pc);
    let avahi = cell(README, "avahi 0.8 without D-Bus and chroot", 1);
    for claim in [
        format!("the static daemon has {pc} in RAM avahi {avahi};"),
        format!("and {arm} are resident"),
    ] {
        assert!(in_one_line(README).contains(&claim), "{claim}");
    }
}

#[test]
fn every_command_is_in_the_table() {
    let commands = common::commands();
    assert!(commands.len() >= 6);
    for command in commands {
        assert!(README.contains(&format!("| `foghorn {command}")), "{command}");
    }
}

#[test]
fn the_readme_is_read_in_two_minutes() {
    assert!(README.lines().count() <= 150);
}

/// The paths of all files below a directory, without build output.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !path.is_dir() {
            files.push(path);
        } else if name != "target" && !name.starts_with('.') {
            files.extend(files_in(&path));
        }
    }
    files
}

/// Whether a line may be wide: a table has one line for each row, and a URL cannot be broken.
fn may_be_long(line: &str) -> bool {
    line.starts_with('|') || line.contains("https://")
}

#[test]
fn lines_of_prose_have_up_to_100_columns() {
    let (mut pages, mut long) = (0, vec![]);
    for file in files_in(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        let extension = file.extension().and_then(OsStr::to_str).unwrap_or_default();
        // rustfmt formats Rust, and programs write the others.
        if ["rs", "lock", "prom"].contains(&extension) {
            continue;
        }
        // The inputs of the fuzz targets are binary.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let is_page = extension == "md" || file.ends_with("README.Debian");
        pages += usize::from(is_page);
        let mut is_code = false;
        for (number, line) in (1..).zip(text.lines()) {
            is_code ^= is_page && line.trim_start().starts_with("```");
            let is_prose = if is_page { !is_code } else { line.trim_start().starts_with("# ") };
            if is_prose && !may_be_long(line) && line.chars().count() > 100 {
                long.push(format!("{}:{number}", file.display()));
            }
        }
    }
    assert!(pages > 6, "{pages}");
    assert!(long.is_empty(), "{long:#?}");
}

/// Runs the manual's line for cron with this beginning, and returns the resulting file.
fn run_for_cron(begin: &str, directory: &Directory, control: &Path) -> String {
    let mut lines = MANUAL.lines().filter_map(|line| line.strip_prefix(".Dl "));
    let line = lines.find(|line| line.starts_with(begin)).unwrap().replace("/www/", "");
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("foghorn() {{ $FOGHORN_TEST_RUNNER \"$FOGHORN\" \"$@\"; }}\n{line}"));
    command.env("FOGHORN", FOGHORN).env("FOGHORN_CONTROL", control);
    assert!(command.current_dir(directory.path("")).output().unwrap().status.success());
    fs::read_to_string(directory.path(line.rsplit(' ').next().unwrap())).unwrap()
}

#[test]
fn files_from_cron_say_so_after_the_daemon_has_died() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let port = free_udp_port();
    let arguments = ["--interface", "lo", "--udp-port", &port];
    let mut daemon = Daemon::start(&control, &arguments);
    let files = || {
        ["foghorn status --metrics >", "foghorn list --html >"]
            .map(|begin| run_for_cron(begin, &directory, &control))
    };
    let [metrics, page] = files();
    assert!(
        metrics.contains("\nfoghorn_up 1\n") && metrics.contains("\nfoghorn_nodes 0\n"),
        "{metrics}"
    );
    assert!(
        page.contains("<p>As of 20") && page.contains("<p>No node has been heard yet: "),
        "{page}"
    );
    daemon.crash();
    let [metrics, page] = files();
    assert!(metrics.ends_with("\nfoghorn_up 0\n") && metrics.lines().count() == 3, "{metrics}");
    assert!(
        page.contains("<p>As of 20") && page.contains("<p><mark>no daemon answers at "),
        "{page}"
    );
}

/// All Rust files below some directories, by their paths in the repository, with their text.
fn code_in(directories: &[&str]) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = BTreeMap::new();
    for path in directories.iter().flat_map(|directory| files_in(&root.join(directory))) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            code.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    code
}

#[test]
fn every_test_named_in_threats_exists() {
    let code: String = code_in(&["src", "tests"]).into_values().collect();
    let quoted: Vec<_> = THREATS.split('`').skip(1).step_by(2).collect();
    let is_test = |name: &&&str| {
        name.contains('_') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let reasons: Vec<_> =
        foghorn::stats::Rejected::all().map(foghorn::stats::Rejected::name).collect();
    let tests: Vec<_> =
        quoted.iter().filter(is_test).filter(|name| !reasons.contains(name)).collect();
    assert!(tests.len() > 50, "{tests:?}");
    for test in tests {
        assert!(code.contains(&format!("fn {test}(")), "{test}");
    }
    for file in quoted.iter().filter(|name| name.starts_with("src/") || name.starts_with("tests/"))
    {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "{file}");
    }
}

#[test]
fn threats_lists_the_files_with_unsafe_code() {
    let is_unsafe = |line: &str| {
        !line.trim_start().starts_with("//")
            && (line.contains("unsafe ") || line.contains("unsafe("))
    };
    let code = code_in(&["src"]);
    let with_it =
        code.iter().filter(|(_, text)| text.lines().any(is_unsafe)).map(|(file, _)| file.as_str());
    let section = THREATS
        .split("\n## ")
        .find(|section| section.starts_with("Where code is `unsafe`"))
        .unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert!(with_it.eq(listed.iter().copied()), "THREATS.md lists {listed:?}");
}

#[test]
fn the_manual_explains_every_key_and_every_reason() {
    let directory = Directory::new();
    let port = free_udp_port();
    let arguments = ["--interface", "lo", "--udp-port", &port, "--id", "nas", "--port", "22"];
    let daemon = Daemon::start(&directory.path("control.sock"), &arguments);
    let nodes: Value = serde_json::from_str(&daemon.ask(&["list", "--json"]).out).unwrap();
    for (command, answer) in [("list", &nodes[0]), ("status", &daemon.status())] {
        let (_, section) = MANUAL.split_once(&format!(".Ss {command}\n")).unwrap();
        let (section, _) = section.split_once(".Ss ").unwrap();
        for key in answer.as_object().unwrap().keys() {
            assert!(section.contains(&format!("\n.Ql {key}")), "{command}: {key}");
        }
    }
    for reason in foghorn::stats::Rejected::all() {
        assert!(MANUAL.contains(&format!("\n.It {}\n", reason.name())), "{reason}");
    }
}

#[test]
fn the_rust_version_is_that_of_the_package() {
    assert!(README.contains(&format!(
        "With Rust {} or newer",
        env!("CARGO_PKG_RUST_VERSION").trim_end_matches(".0")
    )));
}

#[test]
fn the_packet_is_drawn_as_in_the_code() {
    let code = include_str!("../src/wire/v1.rs");
    let (_, protocol) = MANUAL.split_once(".Sh PROTOCOL\n").unwrap();
    let (_, diagram) = protocol.split_once(".Bd -literal -offset indent\n").unwrap();
    let (diagram, _) = diagram.split_once(".Ed\n").unwrap();
    assert!(diagram.lines().count() > 9, "{diagram}");
    for line in diagram.lines() {
        let line = line.replace("\\e", "\\");
        assert!(code.contains(&format!("//! {line}\n")), "{line}");
    }
}

#[test]
fn every_path_named_in_contributing_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = CONTRIBUTING.split('`').skip(1).step_by(2).filter(|word| {
        ["src/", "tests/", "cross/"].iter().any(|folder| word.starts_with(folder))
            && !word.contains(' ')
            && !word.contains("NAME")
    });
    let missing: Vec<_> = paths.filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
