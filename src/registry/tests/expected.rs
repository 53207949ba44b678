//! Nodes that places are kept for.

use core::ops::Range;

use super::*;

#[test]
fn an_expected_node_always_has_a_place() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.expect(&id(1)).unwrap();
    assert_eq!((registry.used(), registry.next_expiry()), (0, None));
    assert!(registry.get(at(0), "node-1").is_none());
    assert_eq!(registry.iter_after(at(0), None).count(), 0);
    let place = registry.find(b"node-1").unwrap();
    // Strangers take all that is left.
    establish(&mut registry, 0, 2, 2);
    assert_eq!(hear(&mut registry, 61, 3, 3), Err(Refused::Full));
    assert_eq!(displaced(&mut registry, 61, 1, 1), None);
    assert_eq!(registry.used(), 2);
    // It is not displaced, though it was heard only once.
    assert_eq!(hear(&mut registry, 62, 3, 3), Err(Refused::Full));
    // When it is lost its place is kept, in the same run and in the next.
    assert_eq!(lost(&mut registry, 150), [id(2)]);
    for secs in [151, 400] {
        assert_eq!(lost(&mut registry, secs), [id(1)]);
        assert!(registry.get(at(secs), "node-1").is_none());
        hear(&mut registry, secs, secs.try_into().unwrap(), 3).unwrap();
        news(&mut registry, at(secs));
        assert_eq!(displaced(&mut registry, secs + 1, 1, 1), None);
        let entry = registry.get(at(secs + 1), "node-1").unwrap();
        assert_eq!((entry.heard(), entry.place()), (1, place));
        assert_eq!(lost(&mut registry, secs + 90).len(), 1);
    }
}

#[test]
fn a_known_node_can_become_expected() {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    displaced(&mut registry, 0, 1, 1);
    for _ in 0..2 {
        registry.expect(&id(1)).unwrap();
        assert_eq!(registry.used(), 1);
    }
    assert_eq!(registry.expect(&id(2)), Err(Refused::Full));
    assert_eq!(hear(&mut registry, 1, 2, 2), Err(Refused::Full));
    assert!(registry.expected_after(None).map(|(_, known)| known.clone()).eq([id(1)]));
    let (place, _) = registry.expected_after(None).next().unwrap();
    assert_eq!(registry.expected_after(Some(place)).count(), 0);
    assert_eq!(lost(&mut registry, 90), [id(1)]);
    assert_eq!(registry.used(), 0);
}

#[test]
fn expected_nodes_count_for_no_source() {
    let mut storage = Storage::<64>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let hear_all = |registry: &mut Registry<'_>, numbers: Range<u32>| {
        for secs in [0, 30, 60] {
            for number in numbers.clone() {
                hear(registry, secs, number, 1).unwrap();
            }
        }
    };
    registry.expect(&id(0)).unwrap();
    hear_all(&mut registry, 0..9);
    hear_all(&mut registry, 9..11);
    assert!((1..9).all(|number| registry.rank_of(&id(number)) == Rank::Established));
    assert!((9..11).all(|number| registry.rank_of(&id(number)) == Rank::Newcomer));
    // One of them is expected from now on: another may take its part of the share.
    registry.expect(&id(1)).unwrap();
    hear(&mut registry, 61, 9, 1).unwrap();
    hear(&mut registry, 61, 10, 1).unwrap();
    let ranks = [0, 1, 9, 10].map(|number| registry.rank_of(&id(number)));
    assert_eq!(ranks, [Rank::Expected, Rank::Expected, Rank::Established, Rank::Newcomer]);
}

#[test]
fn an_expected_node_is_remembered_too() {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.expect(&id(1)).unwrap();
    establish(&mut registry, 0, 1, 1);
    assert_eq!(lost(&mut registry, 150), [id(1)]);
    hear(&mut registry, 151, 1, 9).unwrap();
    hear(&mut registry, 152, 1, 1).unwrap();
    assert_eq!(looked_up(&registry, 152, 1), Some(address(1)));
}

#[test]
fn a_remembered_node_gives_way_to_an_expected_node() {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    establish(&mut registry, 0, 1, 1);
    assert_eq!(registry.expect(&id(2)), Err(Refused::Full));
    assert_eq!(lost(&mut registry, 150), [id(1)]);
    assert_eq!(registry.expect(&id(2)), Ok(()));
    assert_eq!(hear(&mut registry, 151, 1, 1), Err(Refused::Full));
}
