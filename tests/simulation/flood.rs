//! Strangers try to take all places of the registry.

use std::net::Ipv4Addr;

use foghorn::discoverer::EventKind;
use foghorn::speaker::v1::{ANSWER_BURST, ANSWER_PERIOD};
use foghorn::stats::Rejected;

use crate::lan::{CAPACITY, Lan, Weather};

/// A host that forges nodes.
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);

/// The number of forged nodes in each millisecond of a flood.
const FORGED: u32 = 2;

/// A NAS before a flood, and neighbours that it has known for a while.
fn established() -> (Lan, usize, Vec<usize>) {
    let mut lan = Lan::new(1, Weather { delay_ms: 2, ..Weather::default() });
    let nas = lan.add("nas");
    let neighbours: Vec<_> = (0..20).map(|number| lan.add(&format!("node{number}"))).collect();
    for node in neighbours.iter().chain([&nas]) {
        lan.start(*node);
    }
    lan.run(100_000);
    assert_eq!(lan.unknown_pairs(), 0);
    lan.nodes[nas].events.clear();
    lan.nodes[nas].sent = 0;
    (lan, nas, neighbours)
}

/// Floods the NAS for some seconds with ever new names, from `source(number)`, and checks it every
/// 100 ms.
fn flood(
    lan: &mut Lan,
    nas: usize,
    secs: u32,
    source: impl Fn(u32) -> Ipv4Addr,
    check: impl Fn(&Lan),
) {
    for millis in 0..secs * 1000 {
        for forged in 0..FORGED {
            let number = millis * FORGED + forged;
            lan.forge(nas, source(number), &format!("forged-{number}"));
        }
        lan.run(1);
        if millis % 100 == 0 {
            check(lan);
        }
    }
}

fn used(lan: &Lan, node: usize) -> usize {
    lan.nodes[node].discoverer.as_ref().unwrap().registry().used()
}

fn are_known(lan: &Lan, nas: usize, neighbours: &[usize]) {
    for neighbour in neighbours {
        assert_eq!(lan.lookup(nas, *neighbour), Some(lan.nodes[*neighbour].address));
    }
}

/// Whether only forged nodes were lost.
fn lost_only_forged(lan: &Lan, nas: usize) -> bool {
    let mut lost = lan.nodes[nas].events.iter().filter(|(kind, _)| *kind == EventKind::Lost);
    lost.all(|(_, id)| id.starts_with("forged-"))
}

#[test]
fn a_forging_host_displaces_only_its_own_nodes() {
    let (mut lan, nas, neighbours) = established();
    let newcomer = lan.add("newcomer");
    let late = lan.add("late");
    flood(&mut lan, nas, 5, |_| STRANGER, |lan| are_known(lan, nas, &neighbours));
    lan.start(newcomer);
    lan.run(5);
    assert_eq!(lan.lookup(nas, newcomer), Some(lan.nodes[newcomer].address), "during the flood");
    flood(
        &mut lan,
        nas,
        100,
        |_| STRANGER,
        |lan| {
            are_known(lan, nas, &neighbours);
            assert!(lan.lookup(nas, newcomer).is_some());
        },
    );
    lan.start(late);
    lan.run(5);
    assert_eq!(lan.lookup(nas, late), Some(lan.nodes[late].address), "after the flood");
    assert!(lost_only_forged(&lan, nas));
    // It empties within a lease.
    lan.run(90_000);
    assert_eq!(used(&lan, nas), neighbours.len() + 2);
}

#[test]
fn a_flood_does_not_cause_a_flood_of_answers() {
    let (mut lan, nas, _) = established();
    let secs = 30;
    flood(
        &mut lan,
        nas,
        secs,
        |number| Ipv4Addr::from_bits(STRANGER.to_bits() ^ (number % 256)),
        |_| {},
    );
    let periods = u64::from(secs) * 1000 / ANSWER_PERIOD.millis();
    // Its own announcement, each 28 s or more, is extra.
    let limit = usize::from(ANSWER_BURST) + usize::try_from(periods).unwrap() + 2;
    assert!(lan.nodes[nas].sent <= limit, "{} datagrams", lan.nodes[nas].sent);
}

#[test]
fn a_network_of_forged_addresses_displaces_no_established_node() {
    let (mut lan, nas, neighbours) = established();
    // The flood also uses the addresses of the neighbours.
    let anyone = |number: u32| Ipv4Addr::new(10, 0, 0, u8::try_from(number * 7 % 254 + 1).unwrap());
    flood(&mut lan, nas, 100, anyone, |lan| are_known(lan, nas, &neighbours));
    assert_eq!(used(&lan, nas), CAPACITY);
    assert!(lost_only_forged(&lan, nas));
    // A node that is heard once is gone after a lease, and its place is free.
    lan.run(90_000);
    assert_eq!(used(&lan, nas), neighbours.len());
    let late = lan.add("late");
    lan.start(late);
    lan.run(5);
    assert_eq!(lan.lookup(nas, late), Some(lan.nodes[late].address));
}

#[test]
fn forged_nodes_that_are_repeated_at_once_are_not_established() {
    let (mut lan, nas, neighbours) = established();
    for second in 0..40_u32 {
        for number in 0..500_u32 {
            let source = Ipv4Addr::new(10, 0, 1, u8::try_from(number % 250).unwrap());
            for _ in 0..3 {
                lan.forge(nas, source, &format!("forged-{second}-{number}"));
            }
        }
        lan.run(1000);
        let late = lan.add(&format!("late{second}"));
        lan.start(late);
        lan.run(5);
        assert!(lan.lookup(nas, late).is_some(), "after {second} s");
        lan.stop(late);
    }
    are_known(&lan, nas, &neighbours);
}

#[test]
fn names_repeated_from_eight_addresses_keep_out_only_newcomers() {
    let (mut lan, nas, neighbours) = established();
    let discoverer = lan.nodes[nas].discoverer.as_mut().unwrap();
    discoverer.expect(&"printer".try_into().unwrap()).unwrap();
    let refused = |lan: &Lan| {
        let mut rejected = lan.nodes[nas].discoverer.as_ref().unwrap().stats().rejected();
        rejected.find(|(reason, _)| *reason == Rejected::RegistryFull).unwrap().1
    };
    // As many names as there are free places, from eight addresses, each as often as a node
    // announces.
    let free = CAPACITY - neighbours.len() - 1;
    let announce = |lan: &mut Lan, known: usize| {
        for number in 0..free {
            let source = Ipv4Addr::new(10, 0, 1, u8::try_from(number % 8).unwrap());
            assert!(lan.forge(nas, source, &format!("forged-{number}")));
        }
        for _ in 0..30 {
            lan.run(1000);
            are_known(lan, nas, &neighbours);
            assert_eq!(used(lan, nas), known);
        }
    };
    for _ in 0..3 {
        announce(&mut lan, CAPACITY - 1);
    }
    assert_eq!(refused(&lan), 0);

    let (newcomer, printer) = (lan.add("newcomer"), lan.add("printer"));
    lan.start(newcomer);
    lan.start(printer);
    lan.run(5);
    assert_eq!(refused(&lan), 1);
    assert_eq!(lan.lookup(nas, printer), Some(lan.nodes[printer].address));
    for _ in 0..7 {
        announce(&mut lan, CAPACITY);
        assert_eq!(lan.lookup(nas, newcomer), None);
        assert_eq!(lan.lookup(nas, printer), Some(lan.nodes[printer].address));
    }
    assert!(refused(&lan) >= 7, "once for each of its announcements");
    assert!(lost_only_forged(&lan, nas));

    // The NAS last heard them half a minute ago. A lease after that they are gone, and it learns of
    // the newcomer by its next announcement.
    lan.run(60_000);
    assert!(used(&lan, nas) <= neighbours.len() + 2);
    let late = lan.add("late");
    lan.start(late);
    lan.run(5);
    assert_eq!(lan.lookup(nas, late), Some(lan.nodes[late].address));
    lan.run(30_000);
    assert_eq!(lan.lookup(nas, newcomer), Some(lan.nodes[newcomer].address));
    assert_eq!(used(&lan, nas), neighbours.len() + 3);
    assert!(lost_only_forged(&lan, nas));
}
