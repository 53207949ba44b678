//! The protocol's port: which program has it, and whether the daemon may take it.

use std::path::Path;

use super::daemon::Daemon;
use super::interfaces::Found;
use super::report::Report;
use crate::host::{forbidden_port, is_running, port_owner};

/// Checks the port, in a system below `root`. Another program may have it, and then the daemon
/// can't. A daemon that does not answer still has it.
pub(super) fn check(report: &mut Report, daemon: &Daemon, root: &Path, port: u16, found: &Found) {
    let is_its_own = daemon.is_silent && is_running(root, "foghorn");
    if !found.used && !is_its_own {
        if let Some(complaint) = port_owner(root, port) {
            report.line("bad   $", &[&complaint]);
        } else if daemon.status.0.is_empty()
            && let Some(complaint) = forbidden_port(root, port)
        {
            report.line("warn  $", &[&complaint]);
        } else if found.usable && !daemon.status.0.is_empty() {
            report.line("bad   the daemon uses no interface: check its --interface", &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::asking::status::Status;
    use crate::scratch::Scratch;

    #[test]
    fn the_port_of_a_daemon_that_gives_no_answer_is_its_own() {
        let root = Scratch::new("doctor-port");
        for directory in ["proc/net", "proc/7"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let socket = "  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 17 2 0 0\n";
        fs::write(root.join("proc/net/udp"), socket).unwrap();
        for (comm, is_silent, is_told) in [
            ("foghorn\n", false, true),
            ("foghorn\n", true, false),
            ("other\n", true, true),
            ("", true, true),
            ("foghorn-hosts\n", true, true),
        ] {
            fs::write(root.join("proc/7/comm"), comm).unwrap();
            let mut report = Report::default();
            let daemon = Daemon { status: Status(vec![]), is_silent };
            let found = Found { used: false, usable: false };
            check(&mut report, &daemon, &root, 1, &found);
            let told = report.text.contains("bad   UDP port 1 is in use by ");
            assert_eq!(told, is_told, "{comm} {is_silent}: {}", report.text);
        }
    }
}
