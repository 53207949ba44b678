//! A host that claims the name of a node from another network of ours.

use core::net::SocketAddrV4;

use super::pairs::{Ears, FIRST, Machine, SECOND};
use super::*;

/// The claimant.
const CLAIMANT: [u8; 4] = SECOND;

const CONTESTED: EventKind = EventKind::Contested {
    rival: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 1, 7), 22000)),
};

/// A node that has been heard for five minutes, and when it speaks next.
fn settled(storage: &mut Storage<4>, seed: u64) -> (Ears<'_>, Machine) {
    let mut ears = Ears::new(storage);
    let mut owner = Machine::new(seed, 100_000);
    for _ in 0..10 {
        ears.hear(owner.now, FIRST);
        owner.wait();
    }
    (ears, owner)
}

#[test]
fn a_host_that_announces_at_other_times_is_contested_at_its_second_announcement() {
    // When after the owner the claimant speaks.
    for after in [2_500, 7_000, 15_000, 22_000, 27_000] {
        let mut storage = Storage::<4>::new();
        let mut ears = Ears::new(&mut storage);
        for round in 0..20 {
            let now = 100_000 + round * 30_000;
            ears.hear(now, FIRST);
            if round >= 10 {
                let change = ears.hear(now + after, CLAIMANT);
                match round {
                    10 => assert_eq!(change, Change::Moved),
                    11 => assert_eq!(change, Change::Contested, "{after} ms"),
                    _ => assert!(matches!(change, Change::Refreshed { .. })),
                }
                let looked_up = if round == 10 { CLAIMANT } else { FIRST };
                assert_eq!(ears.known(now + after), (looked_up, 2));
            }
        }
        let told = [EventKind::Found, EventKind::Moved, EventKind::Moved, CONTESTED];
        assert_eq!(ears.told, told, "{after} ms");
        assert!(ears.is_contested(100_000 + 19 * 30_000 + after));
    }
}

#[test]
fn a_host_that_speaks_at_its_own_times_is_contested_nearly_all_the_time() {
    for seed in 0..20 {
        let mut storage = Storage::<4>::new();
        let (mut ears, mut owner) = settled(&mut storage, seed);
        let mut claimant = Machine::new(1000 + seed, owner.now - 15_000);
        let (mut contested, mut rounds) = (None, 0);
        for round in 0..2000 {
            while owner.now <= claimant.now {
                ears.hear(owner.now, FIRST);
                owner.wait();
            }
            ears.hear(claimant.now, CLAIMANT);
            if ears.is_contested(claimant.now) {
                contested.get_or_insert(round);
                rounds += 1;
            }
            claimant.wait();
        }
        assert_eq!(contested, Some(1), "seed {seed}");
        // By chance the two are in step for a few rounds, now and then.
        assert!(rounds > 1500, "seed {seed}: {rounds}");
    }
}

#[test]
fn a_host_that_speaks_very_often_is_contested_at_once_with_one_event() {
    for period in [20, 100, 500, 1000, 1900] {
        let mut storage = Storage::<4>::new();
        let (mut ears, mut owner) = settled(&mut storage, period);
        let (start, mut now) = (owner.now - 15_000, owner.now - 15_000);
        let mut contested = None;
        while now < start + 3_600_000 {
            if owner.now <= now {
                ears.hear(owner.now, FIRST);
                owner.wait();
            }
            ears.hear(now, CLAIMANT);
            if ears.is_contested(now) {
                contested.get_or_insert(now - start);
            } else {
                assert_eq!(contested, None, "each {period} ms, after {} ms", now - start);
            }
            now += period;
        }
        // The owner speaks 15 s later, and from then on is looked up.
        assert!(contested.is_some_and(|after| after <= 15_000 + 15 * 1900 + 2000), "{contested:?}");
        assert_eq!(ears.known(now).0, FIRST);
        let told = [EventKind::Found, EventKind::Moved, EventKind::Moved, CONTESTED];
        assert_eq!(ears.told, told, "each {period} ms");
    }
}

#[test]
fn a_host_that_speaks_a_few_times_in_an_interval_is_contested_in_the_end() {
    for period in [3_000, 5_000, 7_000, 10_000, 12_000, 15_000, 20_000, 22_000] {
        for seed in 0..5 {
            let mut storage = Storage::<4>::new();
            let (mut ears, mut owner) = settled(&mut storage, seed);
            let (start, mut now) = (owner.now - 15_000, owner.now - 15_000);
            let mut contested = None;
            while now < start + 24 * 3_600_000 {
                if owner.now <= now {
                    ears.hear(owner.now, FIRST);
                    owner.wait();
                }
                ears.hear(now, CLAIMANT);
                if ears.is_contested(now) {
                    contested.get_or_insert((now - start) / 1000);
                }
                now += period;
            }
            // Half an hour at most, where the times of the two meet often.
            assert!(contested.is_some_and(|secs| secs < 1800), "each {period} ms: {contested:?}");
            let told = [EventKind::Found, EventKind::Moved, EventKind::Moved, CONTESTED];
            assert_eq!(ears.told, told, "each {period} ms");
            assert!(ears.is_contested(now - period));
        }
    }
}

#[test]
fn a_contest_ends_after_three_rounds_in_step() {
    let mut storage = Storage::<4>::new();
    let (mut ears, mut owner) = settled(&mut storage, 1);
    let start = owner.now;
    for round in 0..4 {
        ears.hear(start + round * 30_000, FIRST);
        ears.hear(start + round * 30_000 + 10_000, SECOND);
    }
    assert!(ears.is_contested(start + 100_000));
    owner.now = start + 130_000;
    for round in 0..10 {
        ears.hear(owner.now, FIRST);
        ears.hear(owner.now + 5, SECOND);
        assert_eq!(ears.is_contested(owner.now + 5), round < 2, "round {round}");
        assert_eq!(ears.known(owner.now + 5), (FIRST, 2));
        owner.wait();
    }
    assert_eq!(ears.told, [EventKind::Found, EventKind::Moved, EventKind::Moved, CONTESTED]);
    // Out of step again, it causes an event again.
    for round in 0..4 {
        ears.hear(owner.now + round * 30_000, FIRST);
        ears.hear(owner.now + round * 30_000 + 10_000, SECOND);
    }
    assert_eq!(ears.told[4..], [CONTESTED]);
}

/// The limit of the rule: an attacker that hears both networks can speak right after the owner.
/// He gets a second address into the node, but not the one that is looked up.
#[test]
fn a_host_that_imitates_the_rhythm_is_neither_contested_nor_preferred() {
    let mut storage = Storage::<4>::new();
    let (mut ears, mut owner) = settled(&mut storage, 1);
    for _ in 0..1000 {
        ears.hear(owner.now, FIRST);
        ears.hear(owner.now + 1000, CLAIMANT);
        assert_eq!(ears.known(owner.now + 1000), (FIRST, 2));
        assert!(!ears.is_contested(owner.now + 1000));
        owner.wait();
    }
    assert_eq!(ears.told, [EventKind::Found]);
    // He is looked up when the owner has been silent for two intervals.
    ears.hear(owner.now + 20_000, CLAIMANT);
    assert_eq!(ears.known(owner.now + 20_000).0, FIRST);
    ears.hear(owner.now + 40_000, CLAIMANT);
    assert_eq!(ears.known(owner.now + 40_000).0, CLAIMANT);
    assert_eq!(ears.told, [EventKind::Found, EventKind::Moved]);
}
