//! The memory of nodes that are no longer known.

use super::*;

const DAY: u64 = 24 * 3600;

#[test]
fn a_node_that_was_established_is_remembered_until_its_place_is_needed() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    establish(&mut registry, 0, 1, 1);
    let owner = registry.find(b"node-1");
    // A node that was heard twice leaves nothing behind.
    for secs in [30, 60] {
        hear(&mut registry, secs, 2, 2).unwrap();
    }
    news(&mut registry, at(60));
    assert_eq!(lost(&mut registry, 150), [id(1), id(2)]);
    assert_eq!((registry.used(), registry.next_expiry()), (0, None));
    assert!(registry.get(at(150), "node-1").is_none());
    assert_eq!(registry.iter_after(at(150), None).count(), 0);
    // Somebody claims its name. When the owner comes back, a lookup tells its address, and the
    // claimant is its rival.
    assert_eq!(displaced(&mut registry, 160, 1, 9), None);
    assert_eq!(registry.find(b"node-1"), owner);
    assert_eq!(looked_up(&registry, 160, 1), Some(address(9)));
    assert_eq!(hear(&mut registry, 170, 1, 1), Ok(Change::Contested));
    let event = registry.poll_event(at(170)).unwrap();
    assert_eq!(event.kind, EventKind::Contested { rival: address(9) });
    assert_eq!(looked_up(&registry, 170, 1), Some(address(1)));
    // It expires again. What is remembered of it has no right to its place when a newcomer needs
    // that.
    assert_eq!(lost(&mut registry, 260), [id(1)]);
    for number in 10..12 {
        assert_eq!(displaced(&mut registry, 260, number.into(), number), None, "{number}");
    }
    assert_eq!(registry.used(), 2);
}

#[test]
fn a_remembered_node_is_forgotten_after_a_day_and_its_place_is_free_again() {
    let mut storage = Storage::<4>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.expect(&id(2)).unwrap();
    establish(&mut registry, 0, 1, 1);
    establish(&mut registry, 60, 2, 2);
    // Each was heard last at 60 and 120 s.
    assert_eq!(lost(&mut registry, 1000), [id(1), id(2)]);
    let last = 60 + DAY - 1;
    assert_eq!(events(&mut registry, last), []);
    assert_eq!(registry.rank_of(&id(1)), Rank::Remembered);
    assert_eq!(registry.iter_to_save(at(last)).count(), 2);
    // That causes no event.
    assert_eq!(events(&mut registry, last + 1), []);
    assert_eq!((registry.rank_of(&id(1)), registry.find(b"node-1")), (Rank::Free, None));
    assert_eq!(registry.iter_to_save(at(last + 1)).count(), 1);
    // The place of an expected node stays, but not the memory in it.
    assert_eq!(events(&mut registry, last + 61), []);
    assert_eq!(registry.rank_of(&id(2)), Rank::Kept);
    assert_eq!(registry.iter_to_save(at(last + 61)).count(), 0);
    // There is room for three again, and none of them has to make way for another.
    for number in 10..13 {
        assert_eq!(displaced(&mut registry, last + 62, number, 9), None);
    }
    let gone = displaced(&mut registry, last + 62, 13, 8);
    assert!(gone.is_some_and(|gone| gone != id(2)));
    assert_eq!(displaced(&mut registry, last + 62, 2, 2), None);
}

#[test]
fn a_remembered_node_that_came_back_is_not_forgotten() {
    let mut storage = Storage::<4>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    establish(&mut registry, 0, 1, 1);
    assert_eq!(lost(&mut registry, 200), [id(1)]);
    let mut secs = 300;
    assert_eq!(displaced(&mut registry, secs, 1, 1), None);
    while secs < 2 * DAY {
        secs += 30;
        heard_again(&mut registry, secs, 1, 1);
        assert_eq!(events(&mut registry, secs), []);
    }
    assert_eq!(lost(&mut registry, secs + 90), [id(1)]);
}

#[test]
fn a_lease_lasts_at_most_a_day() {
    let mut storage = Storage::<4>::new();
    let week = Duration::from_secs(7 * DAY);
    let mut registry = Registry::new(&mut storage, KEY, week);
    assert_eq!(registry.lease(), Duration::from_secs(DAY));
    displaced(&mut registry, 0, 1, 1);
    assert_eq!(lost(&mut registry, DAY - 1), []);
    assert_eq!(lost(&mut registry, DAY), [id(1)]);
}
