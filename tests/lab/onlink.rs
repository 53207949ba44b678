//! The accepted senders on a wire that two networks share.

use crate::common::Daemon;
use crate::lan::{Host, Lan};
use crate::links::wait_for;

/// A host with an address only in the second network.
fn stranger(lan: &Lan, number: u8) -> Host<'_> {
    let host = lan.host(number);
    host.ip("addr flush dev eth0");
    host.ip(&format!("addr add 198.19.0.{number}/24 dev eth0"));
    host
}

/// A node that announces itself when it starts, and later only on request.
fn node(host: &Host<'_>, id: &str, arguments: &[&str]) -> Daemon {
    host.daemon(&[&["--id", id, "--port", "22", "--interval", "3600"], arguments].concat())
}

fn off_link(daemon: &Daemon) -> u64 {
    daemon.status().pointer("/rejected/off_link").unwrap().as_u64().unwrap()
}

/// Waits until one more datagram was rejected for its source address.
fn wait_for_off_link(daemon: &Daemon, before: u64) {
    daemon.ask_until(&["status"], |_| off_link(daemon) > before);
}

#[test]
fn a_node_of_another_network_is_refused_and_counted() {
    let Some(lan) = Lan::new() else { return };
    let [nas, tv] = [lan.host(1), stranger(&lan, 5)];
    let nas = node(&nas, "nas", &[]);
    let tv = node(&tv, "tv", &[]);
    wait_for_off_link(&nas, 0);
    assert_eq!(nas.ask(&["lookup", "tv"]).code, 1);
    let text = nas.ask(&["status"]).out;
    assert!(text.contains("1 off_link") && text.contains("0 answers"), "{text}");
    // The same holds in the other direction.
    nas.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for_off_link(&tv, 0);
    assert_eq!(tv.ask(&["lookup", "nas"]).code, 1);
}

#[test]
fn a_node_of_an_allowed_network_is_accepted_and_not_answered() {
    let Some(lan) = Lan::new() else { return };
    let [first, second, third] = [lan.host(1), stranger(&lan, 5), lan.host(3)];
    let nas = node(&first, "nas", &["--allow", "198.19.0.0/24"]);
    // It would receive an answer.
    let tv = node(&second, "tv", &["--allow", "198.18.0.1"]);
    assert_eq!(nas.ask(&["lookup", "--wait", "20", "tv"]).out, "198.19.0.5:22\n");
    // Another node beside it is answered by unicast, since no other waits for an answer.
    let pi = node(&third, "pi", &[]);
    assert_eq!(pi.ask(&["lookup", "--wait", "20", "nas"]).out, "198.18.0.1:22\n");
    // The daemon did not even try: it has no route to the other.
    assert_eq!(nas.status()["interfaces"][0]["send_errors"], 0);
    assert_eq!(tv.ask(&["lookup", "nas"]).code, 1);
    // Announcements are for everyone.
    nas.signal(nix::sys::signal::Signal::SIGHUP);
    assert_eq!(tv.ask(&["lookup", "--wait", "20", "nas"]).out, "198.18.0.1:22\n");
}

#[test]
fn an_interface_with_a_second_address_accepts_that_network_too() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [lan.host(1), stranger(&lan, 5)];
    let nas = node(&first, "nas", &[]);
    let tv = node(&second, "tv", &[]);
    wait_for_off_link(&nas, 0);
    // The same holds for a second address in the first network, which the kernel lists last.
    first.ip("addr add 198.18.0.7/24 dev eth0");
    first.ip("addr add 198.19.0.1/24 dev eth0");
    let networks = |daemon: &Daemon| daemon.status()["interfaces"][0]["networks"].clone();
    let both = serde_json::json!(["198.18.0.1/24", "198.19.0.1/24", "198.18.0.7/24"]);
    nas.ask_until(&["status"], |_| networks(&nas) == both);
    tv.signal(nix::sys::signal::Signal::SIGHUP);
    assert_eq!(nas.ask(&["lookup", "--wait", "20", "tv"]).out, "198.19.0.5:22\n");
    // It is answered from the address that it can reach.
    assert_eq!(tv.ask(&["lookup", "--wait", "20", "nas"]).out, "198.19.0.1:22\n");
    // Announcements to everyone also use each network's own address as source: a host in only one
    // network does not lose us.
    let third = stranger(&lan, 6);
    let pi = node(&third, "pi", &[]);
    wait_for(&nas, "pi");
    let watch = pi.watch(&["watch"]);
    let heard = |daemon: &Daemon| {
        let nas = daemon.ask(&["lookup", "--json", "--wait", "20", "nas"]).out;
        serde_json::from_str::<serde_json::Value>(&nas).unwrap()["heard"].as_u64().unwrap()
    };
    watch.lines.wait_for("nas 198.19.0.1:22 eth0");
    let before = heard(&pi);
    nas.signal(nix::sys::signal::Signal::SIGHUP);
    pi.ask_until(&["status"], |_| heard(&pi) > before);
    assert_eq!(pi.ask(&["lookup", "--all", "nas"]).out, "198.19.0.1:22\n");

    first.ip("addr del 198.19.0.1/24 dev eth0");
    nas.ask_until(&["status"], |_| {
        networks(&nas) == serde_json::json!(["198.18.0.1/24", "198.18.0.7/24"])
    });
    let before = off_link(&nas);
    tv.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for_off_link(&nas, before);
}

#[test]
fn too_many_addresses_are_reported_once() {
    use crate::common::log;
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let host = lan.host(1);
    for number in 1..6 {
        host.ip(&format!("addr add 10.{number}.0.1/16 dev eth0"));
    }
    let mut nas = node(&host, "nas", &[]);
    assert_eq!(nas.status()["interfaces"][0]["networks"].as_array().unwrap().len(), 4);
    // Another check reports nothing new.
    nas.signal(nix::sys::signal::Signal::SIGHUP);
    let mut told = nas.log.until("SIGHUP: checking");
    host.ip("addr del 10.4.0.1/16 dev eth0");
    host.ip("addr del 10.5.0.1/16 dev eth0");
    nas.signal(nix::sys::signal::Signal::SIGHUP);
    told.extend(nas.log.until("SIGHUP: checking"));
    // The daemon answers this request after its check.
    nas.status();
    host.ip("addr add 10.6.0.1/16 dev eth0");
    told.extend(nas.log.until("ignoring 10.6.0.1/16 and those after it"));
    assert!(nas.stop().success());
    told.extend(nas.log.until("stopped"));
    assert_eq!(told.iter().filter(|line| line.contains("ignoring")).count(), 1, "{told:#?}");
}
