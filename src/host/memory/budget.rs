//! The figures in memory-budget.md are those of this build.

use std::mem::size_of;

use super::RECEIVED;
use crate::host::daemon::Daemon;
use crate::host::interfaces::query;
use crate::host::links;
use crate::host::server::Buffers;
use crate::limits::{CONTROL_CLIENTS, LINKS, REGISTRY_CAPACITY};
use crate::registry::{Storage, budget as registry};

const PAGE: &str = include_str!("../../../memory-budget.md");

/// The column of the page that holds for this machine, if one does.
fn column() -> Option<usize> {
    match () {
        () if cfg!(target_arch = "x86_64") => Some(1),
        () if cfg!(target_arch = "arm") => Some(2),
        () => None,
    }
}

/// The parts that the daemon holds from its start to its end, each with its bytes.
fn held() -> Vec<(&'static str, usize)> {
    vec![
        ("Registry: nodes", REGISTRY_CAPACITY * registry::NODE),
        ("Registry: lists and hashes", REGISTRY_CAPACITY * registry::JOINT),
        ("Registry: index", REGISTRY_CAPACITY * registry::INDEX),
        ("Registry: candidates", REGISTRY_CAPACITY * registry::CANDIDATE),
        ("Registry: sources", REGISTRY_CAPACITY * registry::SOURCES),
        ("Registry: deadlines", registry::WHEEL),
        (
            "Registry: length and padding",
            size_of::<Storage<REGISTRY_CAPACITY>>()
                - REGISTRY_CAPACITY * registry::ENTRY
                - registry::WHEEL,
        ),
        ("Daemon: schedule, own nodes, links, counters, handles", size_of::<Daemon<'_>>()),
        ("Control clients: requests and replies", CONTROL_CLIENTS * size_of::<Buffers>()),
        ("Received: a datagram, or what the kernel says", RECEIVED),
        ("Interfaces in use", LINKS * links::LINK),
        (
            "Readiness events",
            (crate::host::daemon::FIRST_LINK + LINKS) * size_of::<nix::libc::epoll_event>(),
        ),
    ]
}

/// The bytes that the page gives for a row.
fn told(row: &str, column: usize) -> usize {
    let line = PAGE.lines().find(|line| line.starts_with(&format!("| {row} |")));
    let line = line.unwrap_or_else(|| panic!("memory-budget.md has no row {row:?}"));
    let figure = line.split('|').nth(column + 1).unwrap_or_default().trim().replace(',', "");
    figure.parse().unwrap_or_else(|_| panic!("no figure in {line:?}"))
}

#[test]
fn the_budget_is_that_of_this_build() {
    // The page is about the capacities that a build has unless it is told otherwise.
    let (Some(column), 256) = (column(), REGISTRY_CAPACITY) else { return };
    let mut rows = held();
    rows.push(("Sum", rows.iter().map(|(_, bytes)| bytes).sum()));
    rows.push(("Each node in the registry", registry::ENTRY));
    for capacity in [64, 256, 1024, 4096, 65_535] {
        let row: &'static str = Box::leak(format!("N = {capacity}").into_boxed_str());
        rows.push((row, capacity * registry::ENTRY));
    }
    rows.push(("What the kernel says of an interface", query::INTERFACE));
    let wrong: Vec<_> = rows.iter().filter(|(row, bytes)| told(row, column) != *bytes).collect();
    assert!(wrong.is_empty(), "memory-budget.md, column {column}, is to say {wrong:#?}");
}
