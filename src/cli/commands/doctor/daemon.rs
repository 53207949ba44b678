//! Whether a daemon answers, and of which version it is.

use std::path::Path;

use super::report::Report;
use crate::cli::asking::status::Status;
use crate::cli::failure::Failure;
use crate::client::Error;
use crate::client::places::candidates;
use crate::host::lost_socket;

pub(super) struct Daemon {
    /// Its status; empty if it does not answer.
    pub(super) status: Status,
    /// Whether there is one that does not answer.
    pub(super) is_silent: bool,
}

impl Daemon {
    /// Asks the daemon. `root` is `/` except in tests.
    pub(super) fn ask(
        report: &mut Report,
        root: &Path,
        control: Option<&Path>,
    ) -> Result<Self, Failure> {
        let error = match Status::ask(control) {
            Ok(status) => {
                check_version(report, &status);
                return Ok(Self { status, is_silent: false });
            }
            Err(error @ Error::InvalidPath { .. }) => return Err(error.into()),
            Err(error) => error,
        };
        let is_silent = !matches!(error, Error::NoDaemon { .. });
        let mut sockets = candidates(control).into_iter().filter(|_| !is_silent);
        let lost = sockets.find_map(|socket| lost_socket(root, &socket));
        let complaint = lost.unwrap_or_else(|| Failure::from(error).message);
        report.line("bad   $", &[&complaint]);
        Ok(Self { status: Status(vec![]), is_silent })
    }
}

fn check_version(report: &mut Report, status: &Status) {
    let version = status.get("daemon", "version");
    if version == env!("CARGO_PKG_VERSION") {
        report.line("ok    the daemon answers", &[]);
    } else if version != "?" {
        report.line("warn  the daemon is of another version, $: restart it", &[version]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_of_another_version_is_told_of() {
        let told = |line: &str| {
            let mut report = Report::default();
            check_version(&mut report, &Status::read(&[line]));
            report.text
        };
        let other = "warn  the daemon is of another version, 0.0.1: restart it\n";
        assert_eq!(told("daemon version=0.0.1"), other);
        let own = concat!("daemon version=", env!("CARGO_PKG_VERSION"));
        assert_eq!(told(own), "ok    the daemon answers\n");
        assert_eq!(told("daemon"), "");
    }
}
