//! A network namespace of our own, so that nothing reaches the LAN and nobody there disturbs.

use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, ExitCode};

/// What this program is told when it is in the namespace.
const PRIVATE: &str = "--in-private-namespace";

pub(crate) fn is_private() -> bool {
    std::env::args().any(|argument| argument == PRIVATE)
}

/// Runs this program once more, in a new namespace. `more` are further arguments for `unshare`.
pub(crate) fn run_again_in_private(more: &[&str]) -> ExitCode {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let flags = if is_root { "-n" } else { "-Urn" };
    let ended = Command::new("unshare")
        .arg(flags)
        .args(more)
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .arg(PRIVATE)
        .status();
    match ended {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => fail(&format!("unshare {flags} or the benchmark in it failed: {status}")),
        Err(error) => fail(&format!("cannot run unshare {flags}: {error}")),
    }
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("NOT MEASURED: {reason}");
    eprintln!("this is measured in a private network namespace: run as root, or allow user namespaces");
    ExitCode::FAILURE
}

/// Runs `ip`.
pub(crate) fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {arguments} failed");
}
