//! A network namespace of our own, so that nothing reaches the LAN and nobody there disturbs.

use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, ExitCode};

use crate::common::is_bench_run;

/// The argument of this program inside the namespace.
const PRIVATE: &str = "--in-private-namespace";

pub(crate) fn is_private() -> bool {
    std::env::args().any(|argument| argument == PRIVATE)
}

/// Runs this program once more, in a new namespace. `more` are further arguments for `unshare`.
pub(crate) fn run_again_in_private(more: &[&str]) -> ExitCode {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.arg(if is_root { "-n" } else { "-Urn" }).args(more);
        unshare
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("NOT MEASURED: unshare makes no private network namespace");
        eprintln!("run this as root, or allow user namespaces");
        // As for the tests that need one.
        let is_required = is_bench_run() || std::env::var_os("FOGHORN_REQUIRE_LAB").is_some();
        return if is_required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let mut again = unshare();
    again.arg(std::env::current_exe().unwrap()).args(std::env::args_os().skip(1)).arg(PRIVATE);
    let status = again.status().unwrap();
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs `ip`.
pub(crate) fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {arguments} failed");
}
