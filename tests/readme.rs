//! What README.md claims and can be checked.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected is to fail")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Daemon, Directory, FOGHORN, free_udp_port};
use foghorn::limits;

const README: &str = include_str!("../README.md");
const THREATS: &str = include_str!("THREATS.md");
const BUDGET: &str = include_str!("../memory-budget.md");

/// A cell of the first table row that starts with `row`, without separators of thousands.
fn cell(page: &str, row: &str, column: usize) -> String {
    let line = page.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap();
    line.split('|').nth(column + 1).unwrap().trim().replace(',', "")
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
        assert_eq!(cell(README, row, 1), limit.to_string(), "{row}");
    }
}

#[test]
fn the_memory_it_holds_is_that_of_the_budget() {
    let sum = cell(BUDGET, "Sum", 1);
    let told = README.replace(',', "");
    assert!(
        told.contains(&format!("foghorn itself holds is {sum} bytes")),
        "memory-budget.md says {sum}"
    );
}

#[test]
fn every_command_is_told_of() {
    let commands = common::commands();
    assert!(commands.len() >= 6);
    for command in commands {
        assert!(README.contains(&format!("| `foghorn {command}")), "{command}");
    }
}

/// Runs the line of README for cron that begins so, and returns the file that it makes.
fn run_for_cron(begin: &str, directory: &Directory, control: &Path) -> String {
    let line = README.split('`').find(|code| code.starts_with(begin)).unwrap().replace("/www/", "");
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("foghorn() {{ $FOGHORN_TEST_RUNNER \"$FOGHORN\" \"$@\"; }}\n{line}"));
    command.env("FOGHORN", FOGHORN).env("FOGHORN_CONTROL", control);
    assert!(command.current_dir(directory.path("")).output().unwrap().status.success());
    fs::read_to_string(directory.path(line.rsplit(' ').next().unwrap())).unwrap()
}

#[test]
fn the_files_that_cron_makes_say_so_when_the_daemon_has_died() {
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

/// All Rust files in some directories and below, by their paths in the repository, with their text.
fn code_in(directories: &[&str]) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left: Vec<_> = directories.iter().map(|directory| root.join(directory)).collect();
    let mut code = BTreeMap::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            code.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    code
}

#[test]
fn every_test_that_is_to_prove_something_exists() {
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
fn the_files_with_unsafe_code_are_those_that_are_told() {
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
    let told: BTreeSet<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert!(with_it.eq(told.iter().copied()), "told are {told:?}");
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
    let diagram = README.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    for line in diagram.lines() {
        assert!(code.contains(&format!("//! {line}")), "{line}");
    }
}
