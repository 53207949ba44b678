//! Admission when no place is vacant.

use super::*;

#[test]
fn when_full_an_expired_node_goes_first_then_a_newcomer() {
    let mut storage = Storage::<3>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for number in [1, 2, 3] {
        assert_eq!(displaced(&mut registry, 0, number, 1), None);
    }
    hear(&mut registry, 10, 1, 1).unwrap();
    for secs in [30, 50] {
        hear(&mut registry, secs, 2, 1).unwrap();
    }
    // 2 is established, and 3 has expired.
    assert_eq!(displaced(&mut registry, 95, 4, 1), Some(id(3)));
    // None has expired. 1 and 4 are newcomers.
    let gone = displaced(&mut registry, 96, 5, 1).unwrap();
    assert!([id(1), id(4)].contains(&gone), "{gone:?}");
    assert!(registry.get(at(96), "node-2").is_some());
}

#[test]
fn a_newcomer_displaces_a_node_of_the_source_that_sent_most_names() {
    let mut storage = Storage::<64>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    // Source 1 brought 60 names, four other sources one each.
    for number in 0..60 {
        displaced(&mut registry, 0, number, 1);
    }
    for host in 2..6 {
        displaced(&mut registry, 1, u32::from(host) * 100, host);
    }
    // A newcomer of any source displaces a name of source 1.
    for number in 0..40_u8 {
        let gone = displaced(&mut registry, 2, 1000 + u32::from(number), 50 + number);
        assert!(gone.is_some_and(|gone| gone.as_str().len() < "node-100".len()), "{number}");
    }
    // A source that brought more names than all that are there gets no place by more of them.
    for number in 0..40 {
        if let Err(refused) = hear(&mut registry, 3, 2000 + number, 1) {
            assert_eq!(refused, Refused::Share);
        } else {
            let gone = news(&mut registry, at(3)).remove(0);
            assert_eq!(gone.kind, EventKind::Lost);
            assert!(gone.id.as_str().len() <= "node-2000".len());
        }
    }
    assert!((2..6).all(|host| registry.get(at(3), &format!("node-{host}00")).is_some()));
}

#[test]
fn a_node_heard_for_a_while_is_never_displaced() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for secs in [0, 30, 60] {
        hear(&mut registry, secs, 1, 1).unwrap();
        hear(&mut registry, secs, 2, 2).unwrap();
    }
    assert_eq!(hear(&mut registry, 61, 3, 3), Err(Refused::Full));
    assert!(registry.get(at(61), "node-3").is_none());
    assert!(registry.get(at(61), "node-1").is_some() && registry.get(at(61), "node-2").is_some());
    assert_eq!(registry.used(), 2);
}

#[test]
fn many_announcements_at_once_or_two_over_time_do_not_establish_a_node() {
    for (seconds, stays) in [
        (&[0, 0, 0, 44][..], false),
        (&[0, 45], false),
        (&[0, 30, 44], false),
        (&[0, 30, 45], true),
    ] {
        let mut storage = Storage::<1>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for secs in seconds {
            hear(&mut registry, *secs, 1, 1).unwrap();
        }
        assert_eq!(hear(&mut registry, 46, 2, 2).is_err(), stays, "{seconds:?}");
    }
}

#[test]
fn while_there_is_room_each_node_gets_a_place_and_one_source_establishes_its_share() {
    let mut storage = Storage::<256>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    assert_eq!(registry.share(), 32);
    for secs in [0, 30, 60, 90] {
        for number in 0..255 {
            hear(&mut registry, secs, number, 1).unwrap();
        }
    }
    news(&mut registry, at(90));
    assert_eq!(registry.used(), 255);
    let established =
        (0..255).filter(|number| registry.rank_of(&id(*number)) == Rank::Established).count();
    assert_eq!(established, 32);
    // Others take the last place and those of newcomers.
    for number in 0..100_u8 {
        let socket = (Ipv4Addr::new(192, 0, 3, number), 22000).into();
        let id = id(1000 + u32::from(number));
        let added = hear_at(&mut registry, at(91), &id, socket, &Links::new());
        assert_eq!(added, Ok(Change::Added));
        news(&mut registry, at(91));
    }
    // When some of the source's nodes have expired, others of it can be established.
    lost(&mut registry, 180);
    for secs in [180, 210, 240] {
        for number in 0..32 {
            hear(&mut registry, secs, 2000 + number, 1).unwrap();
        }
        news(&mut registry, at(secs));
    }
    assert!((2000..2032).all(|number| registry.rank_of(&id(number)) == Rank::Established));
}

#[test]
fn no_second_node_gives_way_before_the_event_of_the_first() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for number in [1, 2] {
        displaced(&mut registry, 0, number, 1);
    }
    assert_eq!(hear(&mut registry, 1, 3, 3), Ok(Change::Added));
    assert_eq!(hear(&mut registry, 1, 4, 4), Err(Refused::Full));
    // Nothing has changed by that: known nodes are heard as ever.
    let stays = [1, 2].into_iter().find(|number| looked_up(&registry, 1, *number).is_some());
    heard_again(&mut registry, 2, stays.unwrap(), 1);
    let told = news(&mut registry, at(2));
    assert_eq!(
        told.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [EventKind::Lost, EventKind::Found]
    );
    assert_eq!(told[1].id, id(3));
    assert!(displaced(&mut registry, 2, 4, 4).is_some());
}

#[test]
fn no_node_returns_before_the_event_of_one_that_gave_way() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    displaced(&mut registry, 0, 1, 1);
    displaced(&mut registry, 0, 2, 2);
    // Both have expired. 1 makes room for 3.
    assert_eq!(hear(&mut registry, 95, 3, 3), Ok(Change::Added));
    assert_eq!(hear(&mut registry, 95, 2, 2), Err(Refused::Full));
    let told: Vec<_> = news(&mut registry, at(95)).into_iter().map(|event| event.id).collect();
    assert_eq!(told, [1, 3].map(id));
    assert_eq!(displaced(&mut registry, 95, 2, 2), Some(id(2)));
}
