//! Where the resident memory of a process is.

use std::fs;
use std::path::Path;

use crate::common::number;

/// The contents of a mapping, and how much of it is in RAM.
const KINDS: [&str; 7] = [
    "the program: code",
    "the program: constants",
    "variables that begin with a value",
    "variables that begin as zero: the registry, clients, what was received",
    "heap",
    "stack",
    "the kernel's page for asking the time",
];

const LIBRARIES: &str = "shared libraries";

/// Prints how many kB of 1,024 bytes of each kind are in RAM.
pub(crate) fn print(process: &Path) {
    let program = fs::read_link(process.join("exe")).unwrap();
    let smaps = fs::read_to_string(process.join("smaps")).unwrap();
    let mut totals = [0; KINDS.len()];
    let mut libraries = 0;
    let mut end_of_program = "";
    let mut kind = None;
    for line in smaps.lines() {
        if let Some(mapping) = Mapping::parse(line) {
            kind = match mapping.path {
                path if Path::new(path) == program => {
                    end_of_program = mapping.end;
                    Some(match mapping.permissions {
                        "r-xp" => 0,
                        "r--p" => 1,
                        _ => 2,
                    })
                }
                // Data beyond the program's last page continues behind it.
                "" if mapping.start == end_of_program => Some(3),
                "" | "[heap]" => Some(4),
                "[stack]" => Some(5),
                path if path.starts_with("[v") => Some(6),
                _ => None,
            };
        } else if let Some(resident) = number(line, "Rss:") {
            match kind {
                Some(kind) => totals[kind] += resident,
                None => libraries += resident,
            }
        }
    }
    for (kind, total) in KINDS.into_iter().zip(totals).chain([(LIBRARIES, libraries)]) {
        println!("| {kind} | {total} kB |");
    }
    println!("| Sum | {} kB |", totals.iter().sum::<u64>() + libraries);
}

struct Mapping<'a> {
    start: &'a str,
    end: &'a str,
    permissions: &'a str,
    path: &'a str,
}

impl<'a> Mapping<'a> {
    /// As in "7ffe2f040000-7ffe2f061000 rw-p 00000000 00:00 0  [stack]". None for the lines in
    /// between.
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        Some(Self {
            start,
            end,
            permissions: words.next()?,
            path: words.nth(3).unwrap_or_default(),
        })
    }
}
