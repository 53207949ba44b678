//! The crate builds with the version of Rust that it declares, as far as one newer version can
//! check.
//!
//! Clippy's `incompatible_msrv`, which is on by default, finds parts of the standard library that
//! are newer. This finds dependencies that need a newer Rust. Neither replaces a build.

#![expect(clippy::unwrap_used, reason = "a test must fail on the unexpected")]

use std::process::Command;

use serde_json::Value;

/// A version as numbers; a missing one is 0.
fn numbers(version: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn no_dependency_needs_a_newer_rust_than_the_crate_declares() {
    let claimed = numbers(env!("CARGO_PKG_RUST_VERSION"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--locked", "--format-version", "1"]);
    // Dependencies for other systems need not be installed.
    cargo.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 20);
    for package in packages {
        let Some(needed) = package["rust_version"].as_str() else { continue };
        assert!(numbers(needed) <= claimed, "{} needs Rust {needed}", package["name"]);
    }
}
