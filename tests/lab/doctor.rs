//! `foghorn doctor`: its findings on healthy and faulty hosts.

use std::time::Instant;

use crate::common::{Ended, TIMEOUT, is_emulated, log, skip};
use crate::lan::{Host, Lan};
use crate::links::{start, wait_for};

/// It found a fault, and one of its lines begins like this.
fn assert_bad(ended: &Ended, line: &str) {
    assert_eq!((ended.code, ended.err.lines().count()), (1, 1), "{ended:?}");
    assert_says(ended, line);
}

/// Runs it there until it exits with that code.
fn ask_until(host: &Host<'_>, code: i32) -> Ended {
    let start = Instant::now();
    loop {
        let ended = host.foghorn(&["doctor"]);
        if ended.code == code {
            return ended;
        }
        assert!(start.elapsed() < TIMEOUT, "{ended:#?}");
    }
}

fn assert_says(ended: &Ended, line: &str) {
    assert!(ended.out.lines().any(|said| said.starts_with(line)), "{line:?} is not in {ended:#?}");
}

#[test]
fn doctor_finds_no_fault_in_a_healthy_pair() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let (nas, pi) = (start(&first, "nas"), start(&second, "pi"));
    wait_for(&nas, "pi");
    wait_for(&pi, "nas");
    for host in [&first, &second] {
        let ended = host.foghorn(&["doctor"]);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
        assert!(ended.out.lines().all(|line| line.starts_with("ok ")), "{ended:?}");
        for line in
            ["ok    the daemon answers", "ok    eth0: ", "ok    lo: not used, it is loopback"]
        {
            assert_says(&ended, line);
        }
    }
}

#[test]
fn without_a_daemon_it_says_how_to_start_one() {
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let ended = host.foghorn(&["doctor"]);
    assert_bad(&ended, "bad   no daemon answers at ");
    assert!(ended.out.contains("foghorn run"), "{ended:?}");
    assert_says(&ended, "ok    eth0: can be used");
}

#[test]
fn doctor_names_a_foreign_program_on_the_port() {
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let peer = host.peer(b"something else");
    let process = format!("(process {})", peer.process());
    let names =
        |text: &str| text.contains("UDP port 21025 is in use by ") && text.contains(&process);
    let before = host.foghorn(&["doctor"]);
    assert_bad(&before, "bad   UDP port 21025 is in use by ");
    assert!(names(&before.out), "{before:?}");
    assert!(!host.foghorn(&["doctor", "--udp-port", "21026"]).out.contains("in use"));

    let nas = start(&host, "nas");
    if log::can_be_read() {
        let said = nas.log.seen();
        assert!(said.iter().any(|line| names(line)), "{said:#?}");
    }
    let after = host.foghorn(&["doctor"]);
    assert_bad(&after, "bad   UDP port 21025 is in use by ");
    assert_says(&after, "ok    the daemon answers");
}

#[test]
fn doctor_names_a_daemon_with_another_control_socket() {
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let nas = start(&host, "nas");
    let ended = host.foghorn(&["doctor", "--control", host.path("other").to_str().unwrap()]);
    assert_bad(&ended, "bad   no daemon answers at ");
    // Under an emulator the process has the emulator's name.
    if !is_emulated() {
        let process = nas.pid();
        let line = format!(
            "bad   UDP port 21025 is in use by foghorn (process {process}): stop it, or give its --control"
        );
        assert_says(&ended, &line);
    }
}

#[test]
fn doctor_reports_a_daemon_without_an_interface() {
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let _nas = host.daemon(&["--id", "nas", "--port", "22", "--interface", "wlan9"]);
    let ended = host.foghorn(&["doctor"]);
    assert_bad(&ended, "bad   the daemon uses no interface: check its --interface");
    assert_says(&ended, "ok    eth0: can be used");
    // If no interface is usable, the daemon is not at fault.
    host.ip("link set eth0 down");
    assert!(!host.foghorn(&["doctor"]).out.contains("uses no interface"));
}

#[test]
fn doctor_reports_a_host_of_another_network_on_the_same_wire() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    second.ip("addr flush dev eth0");
    second.ip("addr add 198.19.0.2/24 dev eth0");
    let nas = start(&first, "nas");
    assert_says(&first.foghorn(&["doctor"]), "warn  no other node is heard");
    let _pi = start(&second, "pi");
    nas.ask_until(&["status"], |ended| ended.out.contains("1 off_link"));
    let ended = first.foghorn(&["doctor"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_says(&ended, "warn  1 announcements came from other networks: see ip addr and --allow");
    assert!(!ended.out.contains("no other node"), "{ended:?}");
}

#[test]
fn doctor_reports_a_host_with_the_same_name_until_it_is_silent() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let arguments = ["--id", "nas", "--port", "22", "--interval", "1"];
    let nas = first.daemon(&arguments);
    let mut twin = second.daemon(&arguments);
    let rivals = |count: usize| {
        nas.ask_until(&["status", "--json"], |ended| {
            let status: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
            status["rivals"].as_array().unwrap().len() == count
        })
    };
    let status: serde_json::Value = serde_json::from_str(&rivals(1).out).unwrap();
    assert_eq!(
        (&status["rivals"][0]["id"], &status["rivals"][0]["address"]),
        (&"nas".into(), &"198.18.0.2".into())
    );
    assert!(status["rivals"][0]["age_s"].as_u64().is_some(), "{status}");
    let line = "198.18.0.2 also announces nas, heard ";
    assert!(nas.ask(&["status"]).out.contains(line));
    let ended = first.foghorn(&["doctor"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_says(&ended, &format!("warn  {line}"));
    assert!(twin.stop().success());
    rivals(0);
    assert!(!first.foghorn(&["doctor"]).out.contains("also announces"));
    assert!(!nas.ask(&["status"]).out.contains("also announces"));
    if log::can_be_read() {
        nas.log.wait_for("198.18.0.2 also announces nas: give one of the two another name");
    }
}

#[test]
fn doctor_reports_an_interface_without_an_address_or_a_link() {
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let _nas = start(&host, "nas");
    host.ip("addr flush dev eth0");
    // The daemon may have to check first.
    let ended = ask_until(&host, 1);
    assert_bad(&ended, "bad   no interface is up and has an IPv4 address");
    assert_says(&ended, "ok    eth0: not used, it has no IPv4 address");
    host.ip("addr add 198.18.0.1/24 dev eth0");
    host.ip("link set eth0 down");
    assert_says(&ask_until(&host, 1), "ok    eth0: not used, it is down");
}

#[test]
fn doctor_reports_a_firewall_that_blocks_everything() {
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    // As with a firewall: incoming datagrams are dropped, the host's own broadcasts too.
    if !host.try_run("ip", "xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir in action block") {
        skip("the kernel has no IPsec policies, which would drop incoming datagrams");
        return;
    }
    let _nas = host.daemon(&["--id", "nas", "--port", "22", "--interval", "1", "--expect", "pi"]);
    let ended = ask_until(&host, 1);
    assert_bad(&ended, "bad   eth0: does not even hear itself: a local firewall blocks UDP 21025");
    assert_says(&ended, "warn  no other node is heard");
    assert_says(&ended, "warn  pi is expected but missing");
    host.ip("xfrm policy flush");
    assert_eq!(ask_until(&host, 0).err, "");
}
