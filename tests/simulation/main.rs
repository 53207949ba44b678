//! Many nodes on one virtual LAN under a virtual clock, with loss, delay and duplication according
//! to a seed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test must fail on the unexpected"
)]

mod claims;
mod fairness;
mod flood;
mod lan;
mod power_cut;
mod trace;

use std::net::Ipv4Addr;

use foghorn::discoverer::EventKind;

use lan::{Lan, Weather};

#[test]
fn two_nodes_know_each_other_at_once_in_either_order() {
    for seed in 0..50 {
        let mut lan = Lan::new(seed, Weather { delay_ms: 5, ..Weather::default() });
        let (nas, pi) = (lan.add("nas"), lan.add("pi"));
        lan.start(nas);
        lan.run(10_000 + seed * 400);
        lan.start(pi);
        lan.run(120);
        assert_eq!(lan.unknown_pairs(), 0, "seed {seed}");
        assert_eq!(lan.nodes[pi].events, [(EventKind::Found, "nas".to_owned())]);
    }
}

#[test]
fn a_moved_node_is_found_at_its_new_address_and_the_old_one_is_silent() {
    let mut lan = Lan::new(1, Weather::default());
    let (nas, pi) = (lan.add("nas"), lan.add("pi"));
    lan.start(nas);
    lan.start(pi);
    lan.run(5000);
    let new_address = Ipv4Addr::new(10, 0, 0, 200);
    lan.readdress(nas, new_address);
    lan.run(2);
    assert_eq!(lan.lookup(pi, nas), Some(new_address));
    assert_eq!(lan.nodes[pi].events.last(), Some(&(EventKind::Moved, "nas".to_owned())));
    let addresses = |lan: &Lan| {
        lan.nodes[pi]
            .discoverer
            .as_ref()
            .unwrap()
            .lookup(lan.now, "nas")
            .unwrap()
            .addresses()
            .count()
    };
    assert_eq!(addresses(&lan), 2);
    lan.run(100_000);
    assert_eq!(addresses(&lan), 1);
    assert_eq!(lan.lookup(pi, nas), Some(new_address));
}

#[test]
fn a_restarted_node_is_never_lost_and_knows_all_within_an_interval() {
    let mut lan = Lan::new(2, Weather { delay_ms: 5, ..Weather::default() });
    let nodes: Vec<_> = (0..5).map(|number| lan.add(&format!("node-{number}"))).collect();
    for node in &nodes {
        lan.start(*node);
    }
    lan.run(40_000);
    lan.stop(nodes[0]);
    lan.run(10_000);
    lan.start(nodes[0]);
    lan.run(32_000);
    assert_eq!(lan.unknown_pairs(), 0);
    for node in &lan.nodes {
        assert!(node.events.iter().all(|(kind, _)| *kind == EventKind::Found), "{:?}", node.events);
    }
}

#[test]
fn a_silent_node_is_lost_after_three_intervals() {
    let mut lan = Lan::new(3, Weather::default());
    let (nas, pi) = (lan.add("nas"), lan.add("pi"));
    lan.start(nas);
    lan.start(pi);
    lan.run(1000);
    lan.stop(nas);
    lan.run(88_000);
    assert!(lan.lookup(pi, nas).is_some());
    lan.run(4000);
    assert!(lan.lookup(pi, nas).is_none());
    assert_eq!(lan.nodes[pi].events.last(), Some(&(EventKind::Lost, "nas".to_owned())));
}

#[test]
fn a_node_announces_and_forgets_at_once_after_a_long_sleep() {
    let mut lan = Lan::new(4, Weather { delay_ms: 1, ..Weather::default() });
    let [nas, pi, tv] = ["nas", "pi", "tv"].map(|id| lan.add(id));
    for node in [nas, pi, tv] {
        lan.start(node);
        lan.run(1000);
    }
    lan.run(40_000);
    lan.suspend(pi);
    lan.stop(tv);
    lan.run(100_000);
    assert_eq!(lan.lookup(nas, pi), None);
    lan.nodes[pi].events.clear();
    let sent = lan.nodes[pi].sent;

    lan.resume(pi);
    assert_eq!(lan.nodes[pi].sent, sent + 1);
    let mut lost = lan.nodes[pi].events.clone();
    lost.sort_by(|(_, a), (_, b)| a.cmp(b));
    assert_eq!(lost, [(EventKind::Lost, "nas".to_owned()), (EventKind::Lost, "tv".to_owned())]);
    // It is heard, and answered.
    lan.run(2);
    assert_eq!(lan.lookup(nas, pi), Some(lan.nodes[pi].address));
    lan.run(110);
    assert_eq!(lan.nodes[pi].events[2..], [(EventKind::Found, "nas".to_owned())]);
}

#[test]
fn a_short_sleep_loses_no_node() {
    let mut lan = Lan::new(5, Weather::default());
    let (nas, pi) = (lan.add("nas"), lan.add("pi"));
    lan.start(nas);
    lan.start(pi);
    lan.run(1000);
    // Its next announcement is due during the nap: it sends it on waking, and only once however
    // many were due.
    lan.suspend(pi);
    lan.run(70_000);
    let sent = lan.nodes[pi].sent;
    lan.resume(pi);
    lan.run(20_000);
    assert_eq!(lan.nodes[pi].sent, sent + 1);
    for node in &lan.nodes {
        assert!(node.events.iter().all(|(kind, _)| *kind == EventKind::Found), "{:?}", node.events);
    }
}

#[test]
fn nodes_find_each_other_within_intervals_despite_loss_delay_and_duplication() {
    for seed in 0..5 {
        let weather = Weather { loss_percent: 5, duplicate_percent: 10, delay_ms: 300 };
        let mut lan = Lan::new(seed, weather);
        for number in 0..30 {
            let node = lan.add(&format!("node-{number}"));
            let pause = lan.random.below(200);
            lan.run(pause);
            lan.start(node);
        }
        // A node is lost for a while when three announcements in a row are lost: one pair in 8,000.
        // This run has 870 pairs.
        lan.run(180_000);
        assert!(lan.unknown_pairs() <= 2, "seed {seed}: {} pairs", lan.unknown_pairs());
        let most = lan.nodes.iter().map(|node| node.sent).max().unwrap();
        assert!(most <= 20, "seed {seed}: {most} datagrams from one node in three minutes");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut lan =
            Lan::new(9, Weather { loss_percent: 10, duplicate_percent: 10, delay_ms: 50 });
        for number in 0..10 {
            let node = lan.add(&format!("node-{number}"));
            lan.start(node);
            lan.run(70);
        }
        lan.run(60_000);
        lan.nodes.iter().map(|node| (node.sent, node.events.clone())).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
