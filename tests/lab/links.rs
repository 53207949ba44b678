//! Interfaces appear, disappear, get other names and lose their links: a daemon adapts without a
//! restart, and logs each change once.

use std::collections::BTreeSet;
use std::time::Instant;

use foghorn::limits::LINKS;

use crate::common::{Daemon, TIMEOUT, log, skip};
use crate::lan::{Host, Lan};

/// Never due within a test: all announcements are due to changes.
pub(crate) const NEVER: &str = "3600";

/// Starts a daemon that announces `id` at port 22 and then never again without a cause.
pub(crate) fn start(host: &Host<'_>, id: &str) -> Daemon {
    host.daemon(&["--id", id, "--port", "22", "--interval", NEVER])
}

/// Stops a daemon, and returns those of its log lines that contain one of these. It has run all the
/// time.
pub(crate) fn said_of(mut daemon: Daemon, subjects: &[&str]) -> Vec<String> {
    assert!(daemon.stop().success());
    daemon.log.until("stopped");
    let of_subject = |line: &String| subjects.iter().find_map(|subject| line.find(subject));
    daemon.log.seen().iter().filter_map(|line| Some(line[of_subject(line)?..].to_owned())).collect()
}

/// Waits until a daemon knows the address of `id`.
pub(crate) fn wait_for(daemon: &Daemon, id: &str) {
    assert_eq!(daemon.ask(&["lookup", "--wait", "20", id]).code, 0, "{id} is not known");
}

/// Waits until a daemon has answered the only other: then it has nothing more to send. Returns the
/// number of datagrams it has sent.
pub(crate) fn wait_until_told(daemon: &Daemon) -> serde_json::Value {
    daemon.ask_until(&["status", "--json"], |_| daemon.status()["datagrams"]["answers"] == 1);
    daemon.status()["datagrams"]["sent"].clone()
}

#[test]
fn an_interface_that_appears_after_the_daemon_starts_is_used() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let (first, second) = (lan.host(1), lan.bare_host(2));
    let nas = start(&first, "nas");
    let pi =
        second.daemon(&["--id", "pi", "--port", "22", "--interval", NEVER, "--interface", "eth*"]);
    assert!(pi.ask(&["status"]).out.contains("waiting for one"));
    lan.plug(&second, "eth0", "port2", "198.18.0.2/24");
    wait_for(&nas, "pi");
    wait_for(&pi, "nas");
    let waiting =
        "no usable interface matches eth*: waiting for one that is up and has an IPv4 address";
    assert_eq!(
        said_of(pi, &["no usable", "eth0: "]),
        [waiting, "eth0: up with address 198.18.0.2"]
    );
}

#[test]
fn a_renamed_interface_is_still_used() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    // Its answer must not be due while the interface is down.
    wait_until_told(&pi);
    let mut expected = vec!["eth0: up with address 198.18.0.2"];
    // Linux before 6.2 renames only interfaces that are down.
    if second.try_run("ip", "link set eth0 name lan0") {
        pi.log.wait_for("is now called");
        assert!(pi.ask(&["lookup", "--json", "nas"]).out.contains("\"interface\":\"lan0\""));
        expected.push("eth0: is now called lan0");
    } else {
        second.ip("link set eth0 down");
        pi.log.wait_for("no longer used");
        second.ip("link set eth0 name lan0");
        second.ip("link set lan0 up");
        pi.log.wait_for("lan0: up");
        expected.extend([
            "eth0: no longer used, it is down or no longer wanted",
            "lan0: up with address 198.18.0.2",
        ]);
    }
    second.ip("link set lan0 down");
    pi.log.wait_for("no longer used");
    second.ip("link set lan0 name wan0");
    second.ip("link set wan0 up");
    pi.log.wait_for("wan0: up");
    expected.extend([
        "lan0: no longer used, it is down or no longer wanted",
        "wan0: up with address 198.18.0.2",
    ]);
    // It sends and receives there.
    let late = start(&lan.host(3), "late");
    wait_for(&late, "pi");
    wait_for(&pi, "late");
    assert_eq!(nas.ask(&["lookup", "pi"]).out, "198.18.0.2:22\n");
    assert_eq!(said_of(pi, &["eth0: ", "lan0: ", "wan0: "]), expected);
}

#[test]
fn an_interface_whose_new_name_matches_no_pattern_is_not_used() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let nas = host.daemon(&["--id", "nas", "--port", "22", "--interface", "!wan*"]);
    let rename = |from: &str, to: &str| {
        host.ip(&format!("link set {from} down"));
        host.ip(&format!("link set {from} name {to}"));
        host.ip(&format!("link set {to} up"));
    };
    rename("eth0", "wan0");
    nas.log.wait_for("eth0: no longer used");
    rename("wan0", "lan0");
    nas.log.wait_for("lan0: up");
    assert_eq!(nas.status()["interfaces"][0]["name"], "lan0");
    let said = said_of(nas, &["eth0: ", "wan0: ", "lan0: "]);
    assert_eq!(said.len(), 3, "{said:#?}");
}

#[test]
fn a_bridge_is_used_while_any_member_has_a_link() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    second.ip("addr flush dev eth0");
    second.ip("link add br0 type bridge forward_delay 0");
    second.ip("addr add 198.18.0.2/24 dev br0");
    second.ip("link set br0 up");
    let nas = start(&first, "nas");
    let pi =
        second.daemon(&["--id", "pi", "--port", "22", "--interval", NEVER, "--interface", "br*"]);
    second.ip("link set eth0 master br0");
    wait_for(&nas, "pi");
    let sent = wait_until_told(&pi);

    // Members join and leave, and the bridge's own link address changes with them: the bridge uses
    // the lowest of theirs.
    for address in ["02:00:00:00:00:01", "fe:00:00:00:00:01"] {
        second.ip("link add wlan0 type veth peer name station");
        second.ip(&format!("link set wlan0 address {address}"));
        second.ip("link set station up");
        second.ip("link set wlan0 master br0 up");
        second.ip("link delete wlan0");
    }
    second.ip("link set br0 address 02:00:00:00:00:02");
    assert_eq!(pi.status()["datagrams"]["sent"], sent);
    let late = start(&lan.host(3), "late");
    wait_for(&late, "pi");

    // The last member leaves and returns.
    second.ip("link set eth0 nomaster");
    pi.log.wait_for("br0: no longer used");
    second.ip("link set eth0 master br0");
    pi.log.wait_for("br0: up");
    assert_eq!(pi.ask(&["lookup", "nas"]).code, 0);
    // The kernel calls a bridge without any member so far up.
    let up = "br0: up with address 198.18.0.2";
    let (again, left) =
        ("br0: has a link again", "br0: no longer used, it is down or no longer wanted");
    assert_eq!(said_of(pi, &["br0: "]), [up, again, left, up]);
}

#[test]
fn a_roaming_host_knows_its_new_neighbours() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let other_lan = lan.another();
    let pi = start(&lan.host(2), "pi");
    // It answers pi's first announcement. Pi may be gone again before the answer is sent.
    let tv = other_lan.host(3).daemon(&["--id", "tv", "--port", "22", "--interval", "5"]);
    let moves = ["lan2", "lan", "lan2", "lan", "lan2"];
    for bridge in moves {
        move_to(&lan, bridge);
    }
    wait_for(&tv, "pi");
    wait_for(&pi, "tv");
    let said = said_of(pi, &["eth0: "]);
    let (left, came): (Vec<_>, Vec<_>) =
        said.iter().partition(|line| line.contains("no longer used"));
    assert!(left.len() <= moves.len() && came.len() <= 1 + moves.len(), "{said:#?}");
    assert!(
        said.windows(2).all(|pair| pair[0] != pair[1] || pair[0].contains("again")),
        "{said:#?}"
    );
}

#[test]
fn a_daemon_announces_again_after_a_brief_loss_of_link() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let other_lan = lan.another();
    let roamer = lan.host(2);
    let pi = start(&roamer, "pi");
    let tv = start(&other_lan.host(3), "tv");
    // All of it happens between two checks by the daemon.
    pi.suspend();
    move_to(&lan, "lan2");
    lan.wait_for_cable(&roamer, "eth0", "port2");
    pi.resume();
    wait_for(&tv, "pi");
    wait_for(&pi, "tv");
    assert_eq!(
        said_of(pi, &["eth0: "]),
        ["eth0: up with address 198.18.0.2", "eth0: has a link again"]
    );
}

/// Makes the host at port2 lose its link and join that bridge, as a Wi-Fi host does.
fn move_to(lan: &Lan, bridge: &str) {
    lan.ip("link set port2 down");
    lan.ip(&format!("link set port2 master {bridge}"));
    lan.ip("link set port2 up");
}

#[test]
fn a_replaced_interface_with_the_same_index_is_used() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let host = lan.bare_host(2);
    lan.plug_numbered(&host, "eth0", 77, "port2");
    let pi = start(&host, "pi");
    pi.suspend();
    host.ip("link delete eth0");
    lan.plug_numbered(&host, "eth0", 77, "port2");
    pi.resume();
    let tv = start(&lan.host(3), "tv");
    wait_for(&tv, "pi");
    wait_for(&pi, "tv");
    assert_eq!(said_of(pi, &["eth0: "]), ["eth0: up with address 198.18.0.2"]);
}

#[test]
fn the_daemon_is_up_to_date_after_more_changes_than_the_kernel_queues() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    wait_for(&nas, "pi");
    pi.suspend();
    // Its socket's buffer has room for some hundreds.
    let change = "addr add 198.19.0.1/16 dev eth0\naddr delete 198.19.0.1/16 dev eth0\n";
    second.ip_batch(&change.repeat(1000));
    second.ip("addr flush dev eth0");
    second.ip("addr add 198.18.0.3/24 dev eth0");
    pi.resume();
    nas.ask_until(&["lookup", "pi"], |pi| pi.out == "198.18.0.3:22\n");
    let changed = "eth0: address changed from 198.18.0.2 to 198.18.0.3";
    assert_eq!(said_of(pi, &["eth0: "]), ["eth0: up with address 198.18.0.2", changed]);
}

#[test]
fn too_many_interfaces_are_reported_once() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let nas = start(&host, "nas");
    let interfaces = |nas: &Daemon| nas.status()["interfaces"].as_array().unwrap().len();
    let add = |number: usize| {
        host.ip_batch(&format!(
            "link add out{number} type veth peer name in{number}\n\
             link set in{number} up\n\
             addr add 198.19.{number}.1/24 dev out{number}\n\
             link set out{number} up\n"
        ));
    };
    (1..=LINKS + 2).for_each(add);
    nas.log.wait_for("more than");
    // An unused interface takes the place of one that is removed.
    host.ip("link delete out1");
    nas.log.wait_for("out1: no longer used");
    assert_eq!(interfaces(&nas), LINKS);
    for number in 2..=LINKS + 2 {
        host.ip(&format!("link delete out{number}"));
    }
    nas.ask_until(&["status", "--json"], |_| interfaces(&nas) == 1);
    (1..=LINKS).for_each(add);
    nas.log.wait_for("more than");
    let said = said_of(nas, &["more than", "eth0: "]);
    let crowded =
        format!("more than {LINKS} interfaces: some are not used; choose with --interface");
    assert_eq!(said, ["eth0: up with address 198.18.0.1", &crowded, &crowded]);
}

/// Gives a host that many pairs of interfaces, the first of each with an address on request. They
/// precede interfaces that are made later.
fn add_pairs(host: &Host<'_>, count: usize, with_address: bool) {
    let pair = |number: usize| {
        let address = format!("addr add 198.19.{number}.1/24 dev vlan{number}\n");
        format!(
            "link add vlan{number} type veth peer name pair{number}\n\
             link set vlan{number} up\n\
             link set pair{number} up\n{}",
            if with_address { &address } else { "" }
        )
    };
    host.ip_batch(&(0..count).map(pair).collect::<String>());
}

/// Runs `foghorn doctor` there until it prints each of these lines.
fn wait_for_doctor(host: &Host<'_>, lines: &[String]) {
    let begin = Instant::now();
    loop {
        let doctor = host.foghorn(&["doctor"]);
        let said: BTreeSet<&str> = doctor.out.lines().collect();
        let Some(missing) = lines.iter().find(|line| !said.contains(line.as_str())) else { return };
        assert!(begin.elapsed() < TIMEOUT, "{missing:?} is not in {doctor:#?}");
    }
}

/// The names of the interfaces that a daemon uses.
fn used_by(daemon: &Daemon) -> Vec<String> {
    let interfaces = daemon.status()["interfaces"].clone();
    interfaces
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_requested_interface_is_used_among_any_number() {
    for (with_address, reason) in [
        (true, "can be used, unless --interface excludes it"),
        (false, "not used, it has no IPv4 address"),
    ] {
        let Some(lan) = Lan::new() else { return };
        let (first, second) = (lan.host(1), lan.bare_host(2));
        add_pairs(&second, 100, with_address);
        // So many addresses of one interface do not hide other interfaces, either.
        let addresses = (0..200).map(|number| format!("addr add 198.20.0.{number}/32 dev pair0\n"));
        second.ip_batch(&addresses.collect::<String>());
        lan.plug(&second, "lan0", "port2", "198.18.0.2/24");
        let nas = start(&first, "nas");
        let pi = second.daemon(&[
            "--id",
            "pi",
            "--port",
            "22",
            "--interval",
            NEVER,
            "--interface",
            "lan0",
        ]);
        wait_for(&nas, "pi");
        wait_for(&pi, "nas");
        assert_eq!(used_by(&pi), ["lan0"]);
        let lines = (0..100).map(|number| format!("ok    vlan{number}: {reason}"));
        wait_for_doctor(&second, &lines.collect::<Vec<_>>());
        assert!(second.foghorn(&["doctor"]).out.contains("ok    lan0: "));
    }
}

#[test]
fn an_interface_with_long_alternative_names_is_used_and_does_not_hide_others() {
    let Some(lan) = Lan::new() else { return };
    let (first, second) = (lan.host(1), lan.bare_host(2));
    add_pairs(&second, 1, true);
    if !second.try_run("ip", "link property add dev vlan0 altname short") {
        skip("the kernel has no alternative names of interfaces");
        return;
    }
    // They are longer than one message of the kernel.
    let names =
        (0..90).map(|number| format!("link property add dev vlan0 altname {number:x>120}\n"));
    second.ip_batch(&names.collect::<String>());
    lan.plug(&second, "lan0", "port2", "198.18.0.2/24");
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    wait_for(&nas, "pi");
    wait_for(&pi, "nas");
    let mut names = used_by(&pi);
    names.sort_unstable();
    assert_eq!(names, ["lan0", "vlan0"]);
    drop(pi);
    wait_for_doctor(
        &second,
        &[
            "pair0: not used, it has no IPv4 address",
            "vlan0: can be used, unless --interface excludes it",
            "lan0: can be used, unless --interface excludes it",
        ]
        .map(|line| format!("ok    {line}")),
    );
    for (pattern, used) in [("short", "vlan0"), ("sho*", "vlan0"), ("!short", "lan0")] {
        assert_eq!(used_by(&second.daemon(&["--interface", pattern])), [used], "{pattern}");
    }
}

#[test]
fn a_host_without_address_or_link_waits_and_recovers() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let watch = nas.watch(&["watch"]);

    // No host here has a default route; this one also has no address.
    second.ip("addr flush dev eth0");
    let pi = start(&second, "pi");
    second.ip("addr add 198.18.0.2/24 dev eth0");
    pi.log.wait_for("eth0: up with address 198.18.0.2");
    watch.lines.wait_for("pi 198.18.0.2:22 eth0");
    // Pi answers it: with its next announcement it will not be a newcomer.
    wait_for(&pi, "nas");

    // The interface goes down and returns with another address.
    second.ip("link set eth0 down");
    pi.log.wait_for("eth0: no longer used");
    assert!(pi.ask(&["status"]).out.contains("waiting for one"));
    second.ip("addr flush dev eth0");
    second.ip("addr add 198.18.0.3/24 dev eth0");
    second.ip("link set eth0 up");
    pi.log.wait_for("eth0: up");
    assert_eq!(watch.lines.next(), "moved pi 198.18.0.3:22 eth0");

    // The cable is out at the other end: no carrier.
    lan.ip("link set port2 down");
    pi.log.wait_for("eth0: no longer used");
    lan.ip("link set port2 up");
    pi.log.wait_for("eth0: up");
    let status = pi.status();
    assert_eq!(status["interfaces"][0]["send_errors"], 0, "{status}");
    assert_eq!(pi.ask(&["lookup", "nas"]).out, "198.18.0.1:22\n");
}

#[test]
fn an_interface_that_is_removed_and_created_again_is_used_again() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    wait_for(&pi, "nas");
    second.ip("link delete eth0");
    pi.log.wait_for("eth0: no longer used");
    // The node found there is still shown for a while; its interface has no name any more.
    assert!(pi.ask(&["list", "--json"]).out.contains("\"interface\":\"-\""));
    lan.plug(&second, "eth0", "port2b", "198.18.0.9/24");
    pi.log.wait_for("eth0: up with address 198.18.0.9");
    nas.ask_until(&["lookup", "pi"], |pi| pi.out == "198.18.0.9:22\n");
}

#[test]
fn an_interface_that_flaps_without_end_does_not_fill_the_log() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let nas = host.daemon(&["--id", "nas", "--port", "22"]);
    for _ in 0..30 {
        for (state, count) in [("down", 0), ("up", 1)] {
            host.ip(&format!("link set eth0 {state}"));
            nas.ask_until(&["status", "--json"], |_| {
                nas.status()["interfaces"].as_array().unwrap().len() == count
            });
        }
    }
    // Each time takes three lines. A burst of them is logged.
    assert_eq!(said_of(nas, &["eth0: ", "no usable"]).len(), 64);
}
