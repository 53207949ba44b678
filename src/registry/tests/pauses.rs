//! Times beyond the 49 days that a stamp in a sighting covers.

use super::*;

const DAY: u64 = 24 * 3600;

#[test]
fn a_registry_that_runs_for_sixty_days_knows_who_is_there() {
    let mut storage = Storage::<8>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    // 1 and 2 are heard each 30 s all the time, and 2 moves each ten days. 3 is there for the first
    // day.
    let start = 5 * DAY;
    for secs in (start..start + 60 * DAY).step_by(30) {
        let mut told = vec![];
        heard_in_time(&mut registry, secs, 1, 1, &mut told);
        let host = 10 + u8::try_from((secs - start) / (10 * DAY)).unwrap();
        heard_in_time(&mut registry, secs, 2, host, &mut told);
        if secs < start + DAY {
            heard_in_time(&mut registry, secs, 3, 3, &mut told);
        }
        told.extend(events(&mut registry, secs));
        let expected: &[_] = match secs - start {
            0 => &[(EventKind::Found, id(1)), (EventKind::Found, id(2)), (EventKind::Found, id(3))],
            now if now % (10 * DAY) == 0 => &[(EventKind::Moved, id(2))],
            now if now == DAY + 60 => &[(EventKind::Lost, id(3))],
            _ => &[],
        };
        assert_eq!(told, expected, "{} s later", secs - start);
        assert_eq!(looked_up(&registry, secs, 1), Some(address(1)));
        assert_eq!(looked_up(&registry, secs, 2), Some(address(host)));
    }
    let end = start + 60 * DAY;
    let entry = registry.get(at(end), "node-1").unwrap();
    assert_eq!((entry.age().secs(), entry.known().secs()), (30, 60 * DAY));
    assert_eq!((entry.heard(), entry.expires_in().secs()), (60 * 2880, 60));
    // Of 3 nothing is left after so long, and its place is free.
    assert_eq!(registry.rank_of(&id(3)), Rank::Free);
    assert_eq!(registry.next_expiry().map(|due| due <= at(end + 60)), Some(true));
    assert_eq!(lost(&mut registry, end + 59), []);
    assert_eq!(lost(&mut registry, end + 60), [id(1), id(2)]);
}

/// Hears a node, and collects its events.
fn heard_in_time(
    registry: &mut Registry<'_>,
    secs: u64,
    number: u32,
    host: u8,
    told: &mut Vec<(EventKind, NodeId)>,
) {
    hear(registry, secs, number, host).unwrap();
    told.extend(news(registry, at(secs)).into_iter().map(|event| (event.kind, event.id)));
}

#[test]
fn after_a_pause_beyond_the_range_of_a_stamp_nothing_counts_as_fresh() {
    // A stamp starts again after 49.7 days: what was heard then looks as if it had been just now.
    let stamp = Duration::from_millis(1 << 32);
    for pause in
        [Duration::from_secs(8 * DAY), Duration::from_secs(50 * DAY), stamp, stamp.times(2)]
    {
        for first_is_heard in [false, true] {
            let mut storage = Storage::<8>::new();
            let mut registry = Registry::new(&mut storage, KEY, LEASE);
            establish(&mut registry, 0, 1, 1);
            establish(&mut registry, 0, 2, 2);
            displaced(&mut registry, 60, 3, 3);
            let now = at(60) + pause;
            for number in [1, 2, 3] {
                assert!(registry.get(now, id(number).as_str()).is_none(), "{pause}");
            }
            assert_eq!(registry.iter_after(now, None).count(), 0);
            assert_eq!(registry.iter_to_save(now).count(), 0, "{pause}");
            if first_is_heard {
                // Another address than before: that one does not outrank it.
                let added = hear_at(&mut registry, now, &id(1), address(9), &Links::new());
                assert_eq!(added, Ok(Change::Added));
                let told: Vec<_> =
                    news(&mut registry, now).into_iter().map(|event| event.kind).collect();
                assert_eq!(told, [EventKind::Lost, EventKind::Found]);
                let entry = registry.get(now, "node-1").unwrap();
                assert_eq!(entry.addresses().count(), 1);
                assert_eq!(entry.sightings().count(), 1, "{pause}");
            }
            let mut gone: Vec<_> =
                core::iter::from_fn(|| registry.poll_event(now)).map(|event| event.id).collect();
            gone.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            let expected = if first_is_heard { &[id(2), id(3)][..] } else { &[1, 2, 3].map(id) };
            assert_eq!(gone, expected);
            assert_eq!(registry.used(), usize::from(first_is_heard));
            assert_eq!(registry.rank_of(&id(2)), Rank::Free);
        }
    }
}
