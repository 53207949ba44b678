//! Several hosts on one LAN, made of network namespaces: daemons that find each other, stop, move
//! and lose their links.
//!
//! The namespaces and all traffic belong to this test. Root needs nothing more; for others the
//! kernel must let users make namespaces (`unshare -Urn`). Where that fails the tests print a
//! message and pass, unless `FOGHORN_REQUIRE_LAB` is set: then they fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test must fail on the unexpected"
)]

mod addresses;
#[path = "../common/mod.rs"]
mod common;
mod dns;
mod doctor;
mod flood;
mod foreign;
mod host_name;
mod lan;
mod links;
mod onlink;
mod peer;
mod privileges;
mod role;
mod server;
mod soak;
mod ssh;
mod suspend;
mod weather;

use common::{log, skip};
use lan::Lan;
use links::start;
use nix::sys::signal::Signal;

/// The recorded datagram of a node of the first implementation: "alpha" at port 22001.
const ALPHA: &[u8] = b"\x00\x12\x10\x25\x55\xf1\x00\x05alpha\0\0\0\0";

#[test]
fn three_foghorns_and_a_recorded_node_find_each_other_in_any_order() {
    for recorded_first in [true, false] {
        let Some(lan) = Lan::new() else { return };
        let hosts = [1, 2, 3, 4].map(|number| lan.host(number));
        let start_recorded = || hosts[3].peer(ALPHA);
        let mut recorded = recorded_first.then(start_recorded);
        let daemons: Vec<_> = (0..3)
            .map(|number| {
                let id = format!("node{}", number + 1);
                hosts[number].daemon(&["--id", &id, "--port", "22"])
            })
            .collect();
        let recorded = recorded.get_or_insert_with(start_recorded);

        // The recorded node announces once, when it starts: daemons that started later can't have
        // heard it.
        for (number, daemon) in daemons.iter().enumerate() {
            for other in (0..3).filter(|other| *other != number) {
                let found = daemon.ask(&["lookup", "--wait", "20", &format!("node{}", other + 1)]);
                assert_eq!(found.out, format!("198.18.0.{}:22\n", other + 1));
            }
            if !recorded_first {
                let found = daemon.ask(&["lookup", "--wait", "20", "alpha"]);
                assert_eq!(found.out, "198.18.0.4:22001\n");
            }
        }
        // The recorded node hears all three: by their first announcement, or by their answer to its
        // own.
        recorded.wait_for_all(["node1 198.18.0.1", "node2 198.18.0.2", "node3 198.18.0.3"]);
    }
}

#[test]
fn a_node_that_starts_later_is_answered() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    // With an interval of an hour, the second can only learn of the first from an answer.
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    let found = pi.ask(&["lookup", "--wait", "20", "nas"]);
    assert_eq!((found.code, found.out.as_str()), (0, "198.18.0.1:22\n"));
    assert_eq!(nas.ask(&["lookup", "--wait", "20", "pi"]).out, "198.18.0.2:22\n");
}

#[test]
fn a_stopped_node_is_lost_after_three_intervals() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = first.daemon(&["--id", "nas", "--port", "22", "--interval", "2"]);
    let mut pi = second.daemon(&["--id", "pi", "--port", "22", "--interval", "2"]);
    let watch = nas.watch(&["watch"]);
    watch.lines.wait_for("pi 198.18.0.2:22 eth0");
    pi.crash();
    assert_eq!(nas.ask(&["lookup", "pi"]).code, 0);
    assert_eq!(watch.lines.next(), "lost pi 198.18.0.2:22 eth0");
    assert_eq!(nas.ask(&["lookup", "pi"]).code, 1);
}

#[test]
fn a_node_with_two_cards_keeps_both_addresses() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    lan.plug(&second, "eth1", "port2b", "198.18.0.22/24");
    let pi = start(&first, "pi");
    let _nas = start(&second, "nas");
    let both =
        pi.ask_until(&["lookup", "--all", "nas"], |ended| ended.out.lines().count() == 2).out;
    let mut both: Vec<_> = both.lines().collect();
    both.sort_unstable();
    assert_eq!(both, ["198.18.0.22:22", "198.18.0.2:22"]);
}

#[test]
fn a_node_in_two_own_networks_is_one_uncontested_node() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let other_lan = lan.another();
    other_lan.plug(&first, "eth1", "port1b", "198.19.0.1/24");
    other_lan.plug(&second, "eth1", "port2b", "198.19.0.2/24");
    let pi = first.daemon(&["--id", "pi", "--port", "22", "--interval", "3"]);
    let watch = pi.watch(&["watch"]);
    let mut nas = second.daemon(&["--id", "nas", "--port", "22", "--interval", "3"]);
    // Several rounds of announcements in both networks.
    pi.ask_until(&["list", "--json"], |ended| {
        let list: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        let nas = list.as_array().unwrap().iter().find(|node| node["id"] == "nas");
        nas.is_some_and(|nas| {
            assert_eq!(nas["contested"], false, "{nas}");
            nas["heard"].as_u64() >= Some(8) && nas["addresses"].as_array().unwrap().len() == 2
        })
    });
    nas.crash();
    let told = watch.lines.until("lost nas 198.1");
    assert!(!told.iter().any(|line| line.starts_with("contested")), "{told:?}");
}

#[test]
fn a_host_with_two_interfaces_announces_on_both_and_patterns_choose() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let other_lan = lan.another();
    let third = other_lan.host(3);
    other_lan.plug(&first, "eth1", "port1b", "198.18.0.101/24");
    let router = first.daemon(&["--id", "router", "--port", "22"]);
    let pi = second.daemon(&["--id", "pi", "--port", "22"]);
    let tv = third.daemon(&["--id", "tv", "--port", "80"]);
    assert_eq!(pi.ask(&["lookup", "--wait", "20", "router"]).out, "198.18.0.1:22\n");
    assert_eq!(tv.ask(&["lookup", "--wait", "20", "router"]).out, "198.18.0.101:22\n");
    assert_eq!(router.ask(&["lookup", "--all", "router"]).out, "198.18.0.1:22\n198.18.0.101:22\n");
    let list =
        router.ask(&["lookup", "--wait", "20", "tv"]).out + &router.ask(&["list", "--json"]).out;
    assert!(
        list.contains("\"interface\":\"eth0\"") && list.contains("\"interface\":\"eth1\""),
        "{list}"
    );
    drop(router);

    let choosy = first.daemon(&["--id", "choosy", "--port", "22", "--interface", "!eth1"]);
    let interfaces = choosy.status()["interfaces"].clone();
    assert_eq!((interfaces.as_array().unwrap().len(), &interfaces[0]["name"]), (1, &"eth0".into()));
    choosy.ask(&["lookup", "--wait", "20", "pi"]);
    assert_eq!(choosy.ask(&["lookup", "tv"]).code, 1);
}

#[test]
fn an_outage_and_its_end_are_reported_once() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    let mut nas = host.daemon(&["--id", "nas", "--port", "22"]);
    // As with a firewall: sending fails with EPERM, the interface stays up.
    if !host.try_run("ip", "xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block") {
        skip("the kernel has no IPsec policies, which would make sending fail");
        return;
    }
    let announce = || nas.signal(Signal::SIGHUP);
    let send_errors = || nas.status()["interfaces"][0]["send_errors"].as_u64().unwrap();
    for _ in 0..5 {
        let before = send_errors();
        announce();
        nas.ask_until(&["status", "--json"], |_| send_errors() > before);
    }
    assert!(nas.ask(&["status"]).out.contains("cannot-send"));
    host.ip("xfrm policy flush");
    announce();
    let mut told = nas.log.until("sending works again");
    announce();
    nas.log.wait_for("SIGHUP: checking");
    assert!(nas.stop().success());
    told.extend(nas.log.until("stopped"));
    assert_eq!(told.iter().filter(|line| line.contains("cannot send")).count(), 1, "{told:#?}");
    assert_eq!(told.iter().filter(|line| line.contains("works again")).count(), 1, "{told:#?}");
}

#[test]
fn an_unreachable_host_is_not_an_outage() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [lan.host(1), lan.host(2)];
    let mut nas = first.daemon(&["--id", "nas", "--port", "22", "--interval", "3600"]);
    if !first.try_run("ip", "xfrm policy add src 0.0.0.0/0 dst 198.18.0.2/32 dir out action block")
    {
        skip("the kernel has no IPsec policies, which would make sending fail");
        return;
    }
    let _pi = second.daemon(&["--id", "pi", "--port", "22"]);
    let failed = || nas.status()["interfaces"][0]["send_errors"].as_u64() > Some(0);
    nas.ask_until(&["status"], |_| failed());
    // Broadcasts still go out.
    assert!(!nas.ask(&["status"]).out.contains("cannot-send"));
    assert!(nas.stop().success());
    let told = nas.log.until("stopped");
    assert!(!told.iter().any(|line| line.contains("cannot send")), "{told:#?}");
}
