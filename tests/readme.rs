//! What README.md claims and can be checked.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected is to fail")]

mod common;

use std::path::Path;

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
    assert!(told.contains(&format!("foghorn itself holds is {sum} bytes")), "memory-budget.md says {sum}");
}

#[test]
fn every_command_is_told_of() {
    let commands = common::commands();
    assert!(commands.len() >= 6);
    for command in commands {
        assert!(README.contains(&format!("| `foghorn {command}")), "{command}");
    }
}

/// The text of all Rust files below a directory.
fn code_below(directory: &Path, code: &mut String) {
    for file in std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            code_below(&file, code);
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&std::fs::read_to_string(file).unwrap());
        }
    }
}

#[test]
fn every_test_that_is_to_prove_something_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for directory in ["src", "tests"] {
        code_below(&root.join(directory), &mut code);
    }
    let quoted: Vec<_> = THREATS.split('`').skip(1).step_by(2).collect();
    let is_test = |name: &&&str| {
        name.contains('_') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let reasons: Vec<_> = foghorn::stats::Rejected::all().map(foghorn::stats::Rejected::name).collect();
    let tests: Vec<_> = quoted.iter().filter(is_test).filter(|name| !reasons.contains(name)).collect();
    assert!(tests.len() > 50, "{tests:?}");
    for test in tests {
        assert!(code.contains(&format!("fn {test}(")), "{test}");
    }
    for file in quoted.iter().filter(|name| name.starts_with("src/") || name.starts_with("tests/")) {
        assert!(root.join(file).exists(), "{file}");
    }
}

#[test]
fn the_rust_version_is_that_of_the_package() {
    assert!(
        README.contains(&format!(
            "With Rust {} or newer",
            env!("CARGO_PKG_RUST_VERSION").trim_end_matches(".0")
        ))
    );
}

#[test]
fn the_packet_is_drawn_as_in_the_code() {
    let code = include_str!("../src/wire/v1.rs");
    let diagram = README.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    for line in diagram.lines() {
        assert!(code.contains(&format!("//! {line}")), "{line}");
    }
}
