//! From the first time that a node is heard until it expires.

use super::*;

#[test]
fn a_node_is_found_until_it_expires() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    assert_eq!(hear(&mut registry, 0, 1, 1), Ok(Change::Added));
    let found = registry.poll_event(at(0)).unwrap();
    assert_eq!((found.kind, found.id, found.address.socket), (EventKind::Found, id(1), address(1)));
    assert_eq!(registry.poll_event(at(0)), None);
    assert_eq!(hear(&mut registry, 30, 1, 1), Ok(refreshed(30)));
    assert_eq!(events(&mut registry, 30), []);

    let entry = registry.get(at(40), "node-1").unwrap();
    assert_eq!((entry.address(), entry.heard(), entry.link()), (address(1), 2, LINK));
    assert_eq!((entry.age().secs(), entry.known().secs(), entry.expires_in().secs()), (10, 40, 80));
    assert_eq!(entry.place(), found.place);

    assert!(registry.get(at(119), "node-1").is_some());
    assert!(registry.get(at(120), "node-1").is_none());
    assert_eq!(lost(&mut registry, 119), []);
    let lost = registry.poll_event(at(120)).unwrap();
    assert_eq!((lost.kind, lost.id, lost.place), (EventKind::Lost, id(1), found.place));
    assert_eq!(lost.address, Address { socket: address(1), link: LINK, heard: at(30) });
    assert_eq!((registry.used(), registry.next_expiry()), (0, None));
}

#[test]
fn a_claim_by_place_is_the_same_as_one_by_name() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    hear(&mut registry, 0, 1, 1).unwrap();
    let place = registry.find(b"node-1").unwrap();
    let address = Address { socket: address(1), link: LINK, heard: at(30) };
    let claim = Claim { name: Name::Held(place), claimant: address.ip(), address };
    assert_eq!(registry.hear(&claim, &Links::new()), Ok(refreshed(30)));
    assert_eq!(registry.get(at(30), "node-1").unwrap().heard(), 2);
    // A place that has nobody.
    let nobody = Claim { name: Name::Held(Place::from_index(9).unwrap()), ..claim };
    assert_eq!(registry.hear(&nobody, &Links::new()), Err(Refused::Full));
}

#[test]
fn a_node_that_comes_back_after_it_expired_is_lost_and_found() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    assert_eq!(displaced(&mut registry, 0, 1, 1), None);
    hear(&mut registry, 30, 1, 1).unwrap();
    assert_eq!(hear(&mut registry, 200, 1, 9), Ok(Change::Added));
    let told: Vec<_> = news(&mut registry, at(200))
        .into_iter()
        .map(|event| (event.kind, event.id, event.address.socket))
        .collect();
    let expected = [(EventKind::Lost, id(1), address(1)), (EventKind::Found, id(1), address(9))];
    assert_eq!(told, expected);
    let entry = registry.get(at(200), "node-1").unwrap();
    assert_eq!((entry.heard(), entry.known(), entry.addresses().count()), (1, Duration::ZERO, 1));
    assert_eq!(registry.used(), 1);
}

#[test]
fn several_changes_of_a_node_are_one_event() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    // It is found where it is by now.
    hear(&mut registry, 0, 1, 1).unwrap();
    assert_eq!(hear(&mut registry, 1, 1, 2), Ok(Change::Moved));
    hear(&mut registry, 2, 2, 3).unwrap();
    let told: Vec<_> = core::iter::from_fn(|| registry.poll_event(at(2))).collect();
    assert_eq!(told.len(), 2);
    assert_eq!((told[0].kind, told[0].address.socket), (EventKind::Found, address(2)));
    assert_eq!((told[1].kind, told[1].address.socket), (EventKind::Found, address(3)));
    // The event is that of the last change.
    assert_eq!(hear(&mut registry, 3, 1, 1), Ok(Change::Contested));
    assert_eq!(hear(&mut registry, 60, 1, 2), Ok(Change::Moved));
    assert_eq!(events(&mut registry, 60), [(EventKind::Moved, id(1))]);
    // Nodes are told in the order in which they changed.
    for number in [2, 1, 3] {
        hear(&mut registry, 61, number, 50).unwrap();
    }
    let kinds = [(EventKind::Moved, id(2)), (EventKind::Moved, id(1)), (EventKind::Found, id(3))];
    assert_eq!(events(&mut registry, 61), kinds);
}

#[test]
fn a_contest_names_both_addresses() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    hear(&mut registry, 0, 1, 1).unwrap();
    hear(&mut registry, 1, 1, 2).unwrap();
    news(&mut registry, at(1));
    assert_eq!(hear(&mut registry, 2, 1, 1), Ok(Change::Contested));
    let event = registry.poll_event(at(2)).unwrap();
    assert_eq!(event.kind, EventKind::Contested { rival: address(2) });
    assert_eq!(event.address, Address { socket: address(1), link: LINK, heard: at(2) });
}

#[test]
fn iteration_resumes_at_a_place_after_any_change() {
    let mut storage = Storage::<8>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for number in 0..8 {
        let host = u8::try_from(number).unwrap();
        displaced(&mut registry, u64::from(number), number, host);
    }
    let third = registry.iter_after(at(8), None).nth(2).unwrap().place();
    assert_eq!(lost(&mut registry, 92), [0, 1, 2].map(id));
    hear(&mut registry, 92, 100, 1).unwrap();
    let rest: Vec<_> =
        registry.iter_after(at(92), Some(third)).map(|entry| entry.id().clone()).collect();
    assert_eq!(rest, [3, 4, 5, 6, 7].map(id));
    assert_eq!(registry.iter_after(at(92), None).count(), 6);
}

#[test]
fn the_next_expiry_comes_for_each_node_and_never_late() {
    let mut storage = Storage::<64>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    // Nodes that are heard for the last time at 0, 1, 2... seconds, some of them often before.
    for secs in 0..60 {
        for number in (0..60).filter(|number| secs == u64::from(*number) || secs % 7 == 0) {
            if secs <= u64::from(number) {
                hear(&mut registry, secs, number, 1).unwrap();
            }
        }
        news(&mut registry, at(secs));
    }
    let mut steps = 0;
    let mut gone = vec![];
    while let Some(due) = registry.next_expiry() {
        steps += 1;
        while let Some(event) = registry.poll_event(due) {
            gone.push((event.id, due));
        }
    }
    let expected: Vec<_> = (0..60).map(|number| (id(number), at(u64::from(number) + 90))).collect();
    assert_eq!(gone, expected);
    // To wake once for nothing is cheaper than to keep a list in order. A few times are not.
    assert!(steps <= 5 * 60, "{steps}");
}

#[test]
fn an_entry_takes_220_bytes_at_most() {
    const { assert!(budget::ENTRY <= 220) };
}
