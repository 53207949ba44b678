//! A daemon without privileges, on a network that changes.

use nix::unistd::geteuid;

use crate::common::{log, skip};
use crate::lan::Lan;

/// Only root can switch users. Without a readable log the test can't know when the daemon has
/// switched.
fn can_be_tested_or_skip() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        skip("only root can switch users");
    }
    is_root && log::can_be_read_or_skip()
}

#[test]
fn a_daemon_without_privileges_uses_an_interface_that_appears_later() {
    if !can_be_tested_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    // A port that needs a privilege, and a port that needs none.
    for (port, capabilities) in [("1000", "0000000000000400"), ("21025", "0000000000000000")] {
        let nas = first.daemon(&["--id", "nas", "--port", "22", "--udp-port", port]);
        second.ip("addr flush dev eth0");
        let pi =
            second.daemon(&["--id", "pi", "--port", "22", "--udp-port", port, "--user", "nobody"]);
        assert!(pi.log.seen().iter().any(|line| line.contains("running as nobody")));
        second.ip("addr add 198.18.0.2/24 dev eth0");
        pi.log.wait_for("eth0: up with address 198.18.0.2");
        assert_eq!(nas.ask(&["lookup", "--wait", "20", "pi"]).out, "198.18.0.2:22\n");
        assert_eq!(pi.ask(&["lookup", "--wait", "20", "nas"]).out, "198.18.0.1:22\n");
        assert_eq!(pi.kernel_says("CapEff"), [capabilities], "at port {port}");
        assert_eq!(pi.kernel_says("CapPrm"), [capabilities], "at port {port}");
        // A daemon that stays root has no more privileges.
        assert_eq!(nas.kernel_says("CapPrm"), [capabilities], "at port {port}");
    }
}
