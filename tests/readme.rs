//! What README.md claims and can be checked.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected is to fail")]

mod common;

use foghorn::limits;

const README: &str = include_str!("../README.md");
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
    let help = common::run(&["--help"]).out;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(commands.len() >= 6);
    for command in commands {
        assert!(README.contains(&format!("| `foghorn {command}")), "{command}");
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
