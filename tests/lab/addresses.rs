//! An interface gets other addresses, as by DHCP: the node is found there at once, and nothing is
//! logged or sent twice.

use crate::common::log;
use crate::lan::Lan;
use crate::links::{said_of, start, wait_for, wait_until_told};

#[test]
fn a_node_is_found_at_its_new_address_at_once() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    let watch = nas.watch(&["watch"]);
    watch.lines.wait_for("pi 198.18.0.2:22 eth0");
    wait_for(&pi, "nas");
    second.ip("addr flush dev eth0");
    second.ip("addr add 198.18.0.77/24 dev eth0");
    assert_eq!(watch.lines.next(), "moved pi 198.18.0.77:22 eth0");
    assert_eq!(nas.ask(&["lookup", "pi"]).out, "198.18.0.77:22\n");
    // Its old address is shown after the new one until it expires.
    assert_eq!(nas.ask(&["lookup", "--all", "pi"]).out, "198.18.0.77:22\n198.18.0.2:22\n");
    // The node that moved still knows the others.
    assert_eq!(pi.ask(&["lookup", "nas"]).out, "198.18.0.1:22\n");
}

#[test]
fn a_change_of_lease_is_reported_once_in_either_order_of_addresses() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    let watch = nas.watch(&["watch"]);
    watch.lines.wait_for("pi 198.18.0.2:22 eth0");
    // An answer after the change would use the new address, which is nearer, before pi has noticed
    // it.
    wait_until_told(&pi);

    // The new address is first. It has another prefix: otherwise the kernel would treat it as a
    // part of the old one, and remove both.
    second.ip("addr add 198.18.0.77/25 dev eth0");
    pi.log.wait_for("addresses are now");
    second.ip("addr delete 198.18.0.2/24 dev eth0");
    assert_eq!(watch.lines.next(), "moved pi 198.18.0.77:22 eth0");
    pi.log.wait_for("address changed");

    // The old address is removed first.
    second.ip("addr delete 198.18.0.77/25 dev eth0");
    pi.log.wait_for("eth0: no longer used");
    second.ip("addr add 198.18.0.78/24 dev eth0");
    assert_eq!(watch.lines.next(), "moved pi 198.18.0.78:22 eth0");

    assert_eq!(nas.ask(&["lookup", "pi"]).out, "198.18.0.78:22\n");
    assert_eq!(pi.ask(&["lookup", "nas"]).out, "198.18.0.1:22\n");
    let expected = [
        "eth0: up with address 198.18.0.2",
        "eth0: addresses are now 198.18.0.2/24,198.18.0.77/25",
        "eth0: address changed from 198.18.0.2 to 198.18.0.77",
        "eth0: no longer used, it is gone or has no IPv4 address",
        "eth0: up with address 198.18.0.78",
    ];
    assert_eq!(said_of(pi, &["eth0: "]), expected);
}

#[test]
fn a_second_address_is_added_and_removed_without_a_storm() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    wait_for(&nas, "pi");
    let sent = wait_until_told(&pi);
    let changes = [
        ("add", "198.18.0.77/24"),
        ("delete", "198.18.0.77/24"),
        ("add", "198.19.0.1/16"),
        ("delete", "198.19.0.1/16"),
    ];
    let mut said = vec![];
    for (change, address) in changes {
        second.ip(&format!("addr {change} {address} dev eth0"));
        said.push(pi.log.wait_for("eth0: addresses are now 198.18.0.2/24").contains(address));
    }
    assert_eq!(said, [true, false, true, false]);
    // Its next log lines appear after any duplicates of those above.
    second.ip("link set eth0 down");
    let last = pi.log.until("eth0: no longer used");
    assert!(!last.iter().any(|line| line.contains("addresses are now")), "{last:#?}");
    // Each change is announced once; with two networks, to the hosts of both.
    assert_eq!(pi.status()["datagrams"]["sent"].as_u64(), sent.as_u64().map(|sent| sent + 5));
    assert_eq!(nas.ask(&["lookup", "--all", "pi"]).out, "198.18.0.2:22\n");
}

#[test]
fn a_host_without_its_only_address_waits_for_another() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = start(&first, "nas");
    let pi = start(&second, "pi");
    wait_for(&nas, "pi");
    wait_until_told(&pi);
    for _ in 0..2 {
        second.ip("addr delete 198.18.0.2/24 dev eth0");
        pi.log.wait_for("no usable interface");
        // It still shows the nodes that it knows.
        assert_eq!(pi.ask(&["lookup", "nas"]).out, "198.18.0.1:22\n");
        second.ip("addr add 198.18.0.2/24 dev eth0");
        pi.log.wait_for("eth0: up");
    }
    let late = start(&lan.host(3), "late");
    wait_for(&late, "pi");
    wait_for(&pi, "late");
    let up = "eth0: up with address 198.18.0.2";
    let left = "eth0: no longer used, it is gone or has no IPv4 address";
    let waiting = "no usable interface: waiting for one that is up and has an IPv4 address";
    assert_eq!(said_of(pi, &["eth0: ", "no usable"]), [up, left, waiting, up, left, waiting, up]);
}
