//! A stranger claims the name of a node.

use std::net::Ipv4Addr;

use foghorn::limits::ADDRESSES_PER_NODE;
use foghorn::registry::Storage;
use foghorn::state::{self, Moment};
use foghorn::time::Duration;
use foghorn::wire::NodeId;

use crate::lan::{CAPACITY, Lan, Weather};

/// The stranger.
const CLAIMANT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);

/// A NAS that knows its neighbour, and the neighbour.
fn neighbours(is_expected: bool) -> (Lan, usize, usize) {
    let mut lan = Lan::new(1, Weather { delay_ms: 2, ..Weather::default() });
    let (nas, owner) = (lan.add("nas"), lan.add("owner"));
    lan.start(nas);
    if is_expected {
        let owner = NodeId::try_from("owner").unwrap();
        lan.nodes[nas].discoverer.as_mut().unwrap().expect(&owner).unwrap();
    }
    lan.start(owner);
    lan.run(100_000);
    (lan, nas, owner)
}

/// Advances some seconds, while the stranger claims the name in each second whose number fits.
/// Returns for how many seconds the NAS has the owner's address.
fn named(
    lan: &mut Lan,
    nas: usize,
    owner: usize,
    secs: usize,
    claims: impl Fn(usize) -> bool,
) -> usize {
    let mut named = 0;
    for second in 0..secs {
        if claims(second) {
            lan.forge(nas, CLAIMANT, "owner");
        }
        lan.run(1000);
        named += usize::from(lan.lookup(nas, owner) == Some(lan.nodes[owner].address));
    }
    named
}

#[test]
fn a_returning_owner_gets_its_name_back_at_once() {
    let announces = |second: usize| second.is_multiple_of(30);
    for is_expected in [false, true] {
        // The claim starts while the owner is still known, or after it has been lost.
        for begins in [10, 120] {
            for away in [130, 3600, 20 * 3600] {
                let (mut lan, nas, owner) = neighbours(is_expected);
                lan.stop(owner);
                named(&mut lan, nas, owner, away, |second| {
                    second >= begins && announces(second - begins)
                });
                assert_eq!(lan.lookup(nas, owner), Some(CLAIMANT));
                lan.start(owner);
                lan.run(5);
                let seconds = named(&mut lan, nas, owner, 3600, announces);
                assert_eq!(seconds, 3600, "away for {away} s, claimed after {begins} s");
            }
        }
    }
}

#[test]
fn an_owner_keeps_its_name_nearly_all_the_time_against_repeated_claims() {
    let (mut lan, nas, owner) = neighbours(false);
    // Claim, stay silent for a lease, claim again.
    let seconds = named(&mut lan, nas, owner, 3600, |second| second.is_multiple_of(95));
    assert!(seconds * 100 >= 3600 * 99, "{seconds} s of an hour");
}

#[test]
fn a_returning_owner_gets_its_name_back_at_once_after_a_restart_with_state() {
    let (mut lan, nas, owner) = neighbours(false);
    lan.stop(owner);
    lan.run(120_000);
    let moment = |lan: &Lan| Moment {
        boot: None,
        since_boot: Duration::ZERO,
        wall: lan.now.since(foghorn::time::Instant::ZERO),
    };
    let mut bytes = vec![0; state::capacity(CAPACITY)];
    let length = {
        let discoverer = lan.nodes[nas].discoverer.as_ref().unwrap();
        state::emit(discoverer.registry(), lan.now, moment(&lan)).fill(&mut bytes)
    };
    bytes.truncate(length);
    lan.stop(nas);
    lan.run(600_000);
    lan.start_in(nas, Box::leak(Box::new(Storage::<CAPACITY>::new())));
    let (now, moment) = (lan.now, moment(&lan));
    let discoverer = lan.nodes[nas].discoverer.as_mut().unwrap();
    let saved: Vec<_> =
        state::parse(&bytes).unwrap().nodes(now, &moment, discoverer.registry().lease()).collect();
    assert!(saved.len() == 1 && saved[0].sightings.len() <= ADDRESSES_PER_NODE);
    assert!(discoverer.restore(now, &saved[0]));
    for _ in 0..3 {
        lan.forge(nas, CLAIMANT, "owner");
        lan.run(30_000);
    }
    assert_eq!(lan.lookup(nas, owner), Some(CLAIMANT));
    lan.start(owner);
    lan.run(5);
    assert_eq!(named(&mut lan, nas, owner, 600, |second| second.is_multiple_of(30)), 600);
}
