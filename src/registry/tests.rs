//! The registry against a model, and what it does when it is full.

use core::net::Ipv4Addr;
use core::ops::Range;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::*;
use crate::random::Random;

const LEASE: Duration = Duration::from_secs(90);
const KEY: [u8; 16] = *b"not really secre";
const LINK: LinkId = LinkId(2);

fn at(secs: u64) -> Instant {
    Instant::from_millis(secs * 1000)
}

fn id(number: u32) -> NodeId {
    NodeId::try_from(format!("node-{number}").as_str()).unwrap()
}

fn address(host: u8) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, host), 22000)
}

fn refreshed(silent_secs: u64) -> Change {
    Change::Refreshed { silent: Duration::from_secs(silent_secs) }
}

#[test]
fn a_node_is_found_until_it_expires() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let (place, change) = registry.hear(at(0), &id(1), address(1), LINK).unwrap();
    assert_eq!(change, Change::Added { displaced: None });
    assert_eq!(registry.hear(at(30), &id(1), address(1), LINK), Ok((place, refreshed(30))));

    let entry = registry.get(at(40), "node-1").unwrap();
    assert_eq!((entry.address(), entry.heard(), entry.link()), (address(1), 2, LINK));
    assert_eq!((entry.age().secs(), entry.known().secs(), entry.expires_in().secs()), (10, 40, 80));

    assert_eq!(registry.next_expiry(), Some(at(120)));
    assert!(registry.get(at(119), "node-1").is_some());
    assert!(registry.get(at(120), "node-1").is_none());
    assert_eq!(registry.pop_expired(at(119)), None);
    assert_eq!(registry.pop_expired(at(120)).unwrap().id, id(1));
    assert_eq!((registry.used(), registry.next_expiry()), (0, None));
}

#[test]
fn a_node_that_comes_back_after_it_expired_is_new() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.hear(at(0), &id(1), address(1), LINK).unwrap();
    registry.hear(at(30), &id(1), address(1), LINK).unwrap();
    let (_, change) = registry.hear(at(200), &id(1), address(9), LINK).unwrap();
    let Change::Added { displaced: Some(departed) } = change else { panic!("{change:?}") };
    assert_eq!((departed.id, departed.address.socket), (id(1), address(1)));
    let entry = registry.get(at(200), "node-1").unwrap();
    assert_eq!((entry.heard(), entry.known(), entry.addresses().count()), (1, Duration::ZERO, 1));
    assert_eq!(registry.used(), 1);
}

/// The node that a newcomer displaced.
fn displaced(result: Result<(Place, Change), Refused>) -> Option<NodeId> {
    match result {
        Ok((_, Change::Added { displaced })) => displaced.map(|departed| departed.id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn when_full_an_expired_node_goes_first_then_a_newcomer() {
    let mut storage = Storage::<3>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for number in [1, 2, 3] {
        assert_eq!(displaced(registry.hear(at(0), &id(number), address(1), LINK)), None);
    }
    registry.hear(at(10), &id(1), address(1), LINK).unwrap();
    for secs in [30, 50] {
        registry.hear(at(secs), &id(2), address(1), LINK).unwrap();
    }
    // 2 is established, and 3 has expired.
    assert_eq!(displaced(registry.hear(at(95), &id(4), address(1), LINK)), Some(id(3)));
    // None has expired. 1 and 4 are newcomers.
    let gone = displaced(registry.hear(at(96), &id(5), address(1), LINK)).unwrap();
    assert!([id(1), id(4)].contains(&gone), "{gone:?}");
    assert!(registry.get(at(96), "node-2").is_some());
}

#[test]
fn a_newcomer_displaces_a_node_of_the_source_that_brought_most_names() {
    let mut storage = Storage::<64>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    // Source 1 brought 60 names, four other sources one each.
    for number in 0..60 {
        registry.hear(at(0), &id(number), address(1), LINK).unwrap();
    }
    for host in 2..6 {
        registry.hear(at(1), &id(u32::from(host) * 100), address(host), LINK).unwrap();
    }
    // Whatever comes, and from wherever, a name of source 1 goes.
    for number in 0..40_u8 {
        let gone = displaced(registry.hear(
            at(2),
            &id(1000 + u32::from(number)),
            address(50 + number),
            LINK,
        ));
        assert!(gone.is_some_and(|gone| gone.as_str().len() < "node-100".len()), "{number}");
    }
    // A source that brought more names than all that are there gets no place by more of them.
    for number in 0..40 {
        match registry.hear(at(3), &id(2000 + number), address(1), LINK) {
            Err(refused) => assert_eq!(refused, Refused::Share),
            added => assert!(displaced(added).unwrap().as_str().len() <= "node-2000".len()),
        }
    }
    assert!((2..6).all(|host| registry.get(at(3), &format!("node-{host}00")).is_some()));
}

#[test]
fn a_node_heard_for_a_while_is_never_displaced() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for secs in [0, 30, 60] {
        registry.hear(at(secs), &id(1), address(1), LINK).unwrap();
        registry.hear(at(secs), &id(2), address(2), LINK).unwrap();
    }
    assert_eq!(registry.hear(at(61), &id(3), address(3), LINK), Err(Refused::Full));
    assert!(registry.get(at(61), "node-3").is_none());
    assert!(registry.get(at(61), "node-1").is_some() && registry.get(at(61), "node-2").is_some());
    assert_eq!(registry.used(), 2);
}

#[test]
fn to_be_heard_often_at_once_or_twice_in_a_while_is_not_enough() {
    for (seconds, stays) in [
        (&[0, 0, 0, 44][..], false),
        (&[0, 45], false),
        (&[0, 30, 44], false),
        (&[0, 30, 45], true),
    ] {
        let mut storage = Storage::<1>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for secs in seconds {
            registry.hear(at(*secs), &id(1), address(1), LINK).unwrap();
        }
        assert_eq!(registry.hear(at(46), &id(2), address(2), LINK).is_err(), stays, "{seconds:?}");
    }
}

#[test]
fn while_there_is_room_each_node_gets_a_place_and_one_source_establishes_its_share() {
    let mut storage = Storage::<256>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    assert_eq!(registry.share(), 32);
    for secs in [0, 30, 60, 90] {
        for number in 0..255 {
            registry.hear(at(secs), &id(number), address(1), LINK).unwrap();
        }
    }
    assert_eq!(registry.used(), 255);
    let established = |registry: &Registry<'_>| {
        let places =
            (0..255).map(|number| registry.get(at(90), id(number).as_str()).unwrap().place());
        places.filter(|place| registry.places.rank(*place) == Rank::Established).count()
    };
    assert_eq!(established(&registry), 32);
    // Others take the last place and those of newcomers.
    for number in 0..100 {
        let address =
            SocketAddrV4::new(Ipv4Addr::new(192, 0, 3, u8::try_from(number).unwrap()), 22000);
        registry.hear(at(91), &id(1000 + number), address, LINK).unwrap();
    }
    // When some of the source's nodes have expired, others of it can be established.
    while registry.pop_expired(at(180)).is_some() {}
    for secs in [180, 210, 240] {
        for number in 0..32 {
            registry.hear(at(secs), &id(2000 + number), address(1), LINK).unwrap();
        }
    }
    let back =
        (0..32).map(|number| registry.get(at(240), id(2000 + number).as_str()).unwrap().place());
    assert!(back.map(|place| registry.places.rank(place)).eq([Rank::Established; 32]));
}

#[test]
fn a_node_that_was_established_is_remembered_until_its_place_is_needed() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let mut owner = None;
    for secs in [0, 30, 60] {
        owner = Some(registry.hear(at(secs), &id(1), address(1), LINK).unwrap().0);
    }
    // A node that was heard twice leaves nothing behind.
    for secs in [30, 60] {
        registry.hear(at(secs), &id(2), address(2), LINK).unwrap();
    }
    assert_eq!([(), ()].map(|()| registry.pop_expired(at(150)).unwrap().id), [id(1), id(2)]);
    assert_eq!(
        (registry.used(), registry.next_expiry(), registry.pop_expired(at(150))),
        (0, None, None)
    );
    assert!(registry.get(at(150), "node-1").is_none());
    assert_eq!(registry.iter_after(at(150), None).count(), 0);
    // Somebody claims its name. When the owner comes back, it is named, and the claimant is its
    // rival.
    let (place, change) = registry.hear(at(160), &id(1), address(9), LINK).unwrap();
    assert_eq!((Some(place), change), (owner, Change::Added { displaced: None }));
    assert_eq!(registry.get(at(160), "node-1").unwrap().address(), address(9));
    let (_, change) = registry.hear(at(170), &id(1), address(1), LINK).unwrap();
    assert!(matches!(change, Change::Contested { rival, .. } if rival == address(9)), "{change:?}");
    assert_eq!(registry.get(at(170), "node-1").unwrap().address(), address(1));
    // It expires again. What is remembered of it has no right to its place when a newcomer needs
    // that.
    assert_eq!(registry.pop_expired(at(260)).unwrap().id, id(1));
    for number in 10..12 {
        let (_, change) =
            registry.hear(at(260), &id(number.into()), address(number), LINK).unwrap();
        assert_eq!(change, Change::Added { displaced: None }, "{number}");
    }
    assert_eq!(registry.used(), 2);
}

#[test]
fn what_is_remembered_makes_room_for_an_expected_node() {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for secs in [0, 30, 60] {
        registry.hear(at(secs), &id(1), address(1), LINK).unwrap();
    }
    assert_eq!(registry.expect(&id(2)), Err(Refused::Full));
    registry.pop_expired(at(150)).unwrap();
    assert_eq!(registry.expect(&id(2)), Ok(()));
    assert_eq!(registry.hear(at(151), &id(1), address(1), LINK), Err(Refused::Full));
}

#[test]
fn iteration_goes_on_at_a_place_whatever_happened_meanwhile() {
    let mut storage = Storage::<8>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    for number in 0..8 {
        let address = address(u8::try_from(number).unwrap());
        registry.hear(at(u64::from(number)), &id(number), address, LINK).unwrap();
    }
    let now = at(92);
    let third = registry.iter_after(at(8), None).nth(2).unwrap().place();
    while registry.pop_expired(now).is_some() {}
    registry.hear(now, &id(100), address(1), LINK).unwrap();
    let rest: Vec<_> =
        registry.iter_after(now, Some(third)).map(|entry| entry.id().clone()).collect();
    assert_eq!(rest, [3, 4, 5, 6, 7].map(id));
    assert_eq!(registry.iter_after(now, None).count(), 6);
}

fn below(random: &mut Random, bound: u32) -> u32 {
    u32::try_from(random.next() % u64::from(bound)).unwrap()
}

/// What the registry should hold, kept the plain way.
#[derive(Default)]
struct Model {
    /// Those that are known.
    nodes: HashMap<NodeId, ModelNode>,
    /// Those that places are kept for, known or not.
    expected: HashSet<NodeId>,
}

struct ModelNode {
    heard: u32,
    first_heard: Instant,
    last_heard: Instant,
    established: bool,
    place: Place,
}

impl Model {
    fn expired(&self, now: Instant) -> Vec<NodeId> {
        let expired = self.nodes.iter().filter(|(_, node)| node.last_heard + LEASE <= now);
        expired.map(|(id, _)| id.clone()).collect()
    }

    /// How many places are taken or kept.
    fn taken(&self) -> usize {
        self.nodes.len() + self.expected.iter().filter(|id| !self.nodes.contains_key(*id)).count()
    }

    fn expect(&mut self, id: &NodeId, capacity: usize) -> bool {
        let has_a_place = self.nodes.contains_key(id) || self.expected.contains(id);
        let is_kept = has_a_place || self.taken() < capacity;
        if is_kept {
            self.expected.insert(id.clone());
        }
        is_kept
    }

    /// A node was heard, and the registry told of that. `has_room` says whether its source may have
    /// one more established node.
    fn hear(
        &mut self,
        now: Instant,
        id: &NodeId,
        capacity: usize,
        has_room: bool,
        outcome: &Result<(Place, Change), Refused>,
    ) {
        let is_live = self.nodes.get(id).is_some_and(|node| node.last_heard + LEASE > now);
        let (place, change) = match outcome {
            Err(refused) => {
                assert!(!is_live && !self.expected.contains(id));
                let may_go =
                    self.nodes.iter().filter(|(id, node)| self.may_go(id, node, now)).count();
                let is_full = self.taken() == capacity && may_go == 0;
                assert_eq!(*refused == Refused::Full, is_full, "{refused:?}");
                return;
            }
            Ok((place, change)) => (*place, change),
        };
        assert_eq!(matches!(change, Change::Added { .. }), !is_live, "{change:?}");
        if let Change::Added { displaced: Some(gone) } = change {
            let node = self.nodes.remove(&gone.id).unwrap();
            assert_eq!(gone.place, node.place);
            assert!(gone.id == *id || self.may_go(&gone.id, &node, now), "{gone:?} had to go");
        }
        let new =
            ModelNode { heard: 0, first_heard: now, last_heard: now, established: false, place };
        let node = self.nodes.entry(id.clone()).or_insert(new);
        assert_eq!(node.place, place);
        node.heard += 1;
        node.last_heard = now;
        let is_due = node.heard >= 3 && node.first_heard + Duration::from_secs(45) <= now;
        node.established |= is_due && has_room;
    }

    /// Whether a newcomer may take its place.
    fn may_go(&self, id: &NodeId, node: &ModelNode, now: Instant) -> bool {
        !self.expected.contains(id) && (!node.established || node.last_heard + LEASE <= now)
    }
}

fn same(registry: &Registry<'_>, model: &Model, now: Instant) {
    let mut live = 0;
    for entry in registry.iter_after(now, None) {
        let node = &model.nodes[entry.id()];
        assert_eq!(entry.heard(), node.heard);
        assert_eq!(entry.age(), now.since(node.last_heard));
        live += 1;
    }
    assert_eq!(live, model.nodes.len() - model.expired(now).len());
    assert_eq!(registry.used(), model.nodes.len());
    assert_eq!(
        registry.next_expiry(),
        model.nodes.values().map(|node| node.last_heard + LEASE).min()
    );
    let live = registry.places.live().map(|place| registry.nodes[place.index()].last_heard());
    assert!(live.is_sorted());
    // Each place has the rank that its node has earned, and is a candidate if that says so, once.
    let candidates: BTreeSet<_> = registry.places.candidates().collect();
    assert_eq!(candidates.len(), registry.places.candidates().count());
    let mut established = HashMap::<_, usize>::new();
    for place in Place::all_after(None, registry.nodes.len()) {
        let (node, rank) = (&registry.nodes[place.index()], registry.places.rank(place));
        let (is_expected, known) = (model.expected.contains(node.id()), model.nodes.get(node.id()));
        let known = known.filter(|known| known.place == place);
        let expected = match (known, is_expected) {
            (Some(_), true) => Rank::Expected,
            (Some(node), false) if node.established => Rank::Established,
            (Some(_), false) => Rank::Newcomer,
            (None, _) if rank == Rank::Free => Rank::Free,
            (None, true) => Rank::Kept,
            (None, false) => Rank::Remembered,
        };
        assert_eq!(rank, expected, "{:?}", node.id());
        let is_candidate = matches!(rank, Rank::Newcomer | Rank::Remembered);
        assert_eq!(candidates.contains(&place), is_candidate);
        if rank == Rank::Established {
            *established.entry(registry.places.source_of(place)).or_default() += 1;
        }
    }
    for (source, count) in established {
        assert!((count..=registry.share()).contains(&registry.places.established(source)));
    }
}

fn run_model<const N: usize>(seed: u64, operations: u32, names: u32) {
    let mut storage = Box::new(Storage::<N>::new());
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let mut model = Model::default();
    let mut random = Random(seed);
    let mut now = at(1);
    for operation in 0..operations {
        now =
            now + Duration::from_millis(u64::from(below(&mut random, 4) * below(&mut random, 500)));
        // By and by places are kept for more and more nodes, but not all.
        let most = u32::try_from(N).unwrap() * operation / operations;
        if operation % 64 == 32 && model.expected.len() < usize::try_from(most).unwrap() {
            let id = id(below(&mut random, names));
            assert_eq!(registry.expect(&id).is_ok(), model.expect(&id, N));
        }
        match below(&mut random, 20) {
            0 => {
                while let Some(departed) = registry.pop_expired(now) {
                    let node = model.nodes.remove(&departed.id).unwrap();
                    assert!(node.last_heard + LEASE <= now);
                }
                assert!(model.expired(now).is_empty());
            }
            1..=3 => {
                let id = id(below(&mut random, names));
                let known = model.nodes.get(&id).filter(|node| node.last_heard + LEASE > now);
                let found = registry.get(now, id.as_str()).map(|entry| entry.age());
                assert_eq!(found, known.map(|node| now.since(node.last_heard)));
            }
            _ => {
                // Low numbers are heard far more often than high ones, so that both lists fill.
                let bound = below(&mut random, names) + 1;
                let id = id(below(&mut random, bound));
                let address = address(u8::try_from(below(&mut random, 6)).unwrap());
                let has_room = registry.has_room_for(&id);
                let outcome = registry.hear(now, &id, address, LINK);
                model.hear(now, &id, N, has_room, &outcome);
            }
        }
        if operation % 64 == 0 {
            same(&registry, &model, now);
        }
    }
}

#[test]
fn three_hundred_thousand_random_operations_agree_with_a_hash_map() {
    run_model::<1>(1, 20_000, 3);
    run_model::<2>(2, 20_000, 5);
    run_model::<16>(3, 160_000, 40);
    run_model::<61>(4, 100_000, 200);
}

#[test]
fn an_expected_node_always_has_a_place() {
    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.expect(&id(1)).unwrap();
    assert_eq!((registry.used(), registry.next_expiry()), (0, None));
    assert!(registry.get(at(0), "node-1").is_none());
    assert_eq!(registry.iter_after(at(0), None).count(), 0);
    // Strangers take all that is left.
    for secs in [0, 30, 60] {
        registry.hear(at(secs), &id(2), address(2), LINK).unwrap();
    }
    assert_eq!(registry.hear(at(61), &id(3), address(3), LINK), Err(Refused::Full));
    let (place, change) = registry.hear(at(61), &id(1), address(1), LINK).unwrap();
    assert_eq!((change, registry.used()), (Change::Added { displaced: None }, 2));
    // It is not displaced, though it was heard only once.
    assert_eq!(registry.hear(at(62), &id(3), address(3), LINK), Err(Refused::Full));
    // When it is lost its place is kept, in the same run and in the next.
    assert_eq!(registry.pop_expired(at(150)).unwrap().id, id(2));
    for secs in [151, 400] {
        assert_eq!(registry.pop_expired(at(secs)).unwrap().id, id(1));
        assert!(registry.get(at(secs), "node-1").is_none());
        assert_eq!(registry.pop_expired(at(secs)), None);
        registry.hear(at(secs), &id(secs.try_into().unwrap()), address(3), LINK).unwrap();
        let back = registry.hear(at(secs + 1), &id(1), address(1), LINK);
        assert_eq!(back, Ok((place, Change::Added { displaced: None })));
        assert_eq!(registry.get(at(secs + 1), "node-1").unwrap().heard(), 1);
        while registry.pop_expired(at(secs + 90)).is_some_and(|departed| departed.id != id(1)) {}
    }
}

#[test]
fn a_known_node_may_be_expected_from_then_on() {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.hear(at(0), &id(1), address(1), LINK).unwrap();
    for _ in 0..2 {
        registry.expect(&id(1)).unwrap();
        assert_eq!(registry.used(), 1);
    }
    assert_eq!(registry.expect(&id(2)), Err(Refused::Full));
    assert_eq!(registry.hear(at(1), &id(2), address(2), LINK), Err(Refused::Full));
    assert!(registry.expected_after(None).map(|(_, known)| known.clone()).eq([id(1)]));
    let (place, _) = registry.expected_after(None).next().unwrap();
    assert_eq!(registry.expected_after(Some(place)).count(), 0);
    assert_eq!(registry.pop_expired(at(90)).unwrap().id, id(1));
    assert_eq!(registry.used(), 0);
}

#[test]
fn expected_nodes_count_for_no_source() {
    let mut storage = Storage::<64>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let hear_all = |registry: &mut Registry<'_>, numbers: Range<u32>| {
        for secs in [0, 30, 60] {
            for number in numbers.clone() {
                registry.hear(at(secs), &id(number), address(1), LINK).unwrap();
            }
        }
    };
    let rank = |registry: &Registry<'_>, number| {
        registry.places.rank(registry.get(at(60), id(number).as_str()).unwrap().place())
    };
    registry.expect(&id(0)).unwrap();
    hear_all(&mut registry, 0..9);
    hear_all(&mut registry, 9..11);
    assert!((1..9).all(|number| rank(&registry, number) == Rank::Established));
    assert!((9..11).all(|number| rank(&registry, number) == Rank::Newcomer));
    // One of them is expected from now on: another may take its part of the share.
    registry.expect(&id(1)).unwrap();
    registry.hear(at(61), &id(9), address(1), LINK).unwrap();
    registry.hear(at(61), &id(10), address(1), LINK).unwrap();
    let ranks = [0, 1, 9, 10].map(|number| rank(&registry, number));
    assert_eq!(ranks, [Rank::Expected, Rank::Expected, Rank::Established, Rank::Newcomer]);
}

#[test]
fn an_expected_node_is_remembered_too() {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    registry.expect(&id(1)).unwrap();
    for secs in [0, 30, 60] {
        registry.hear(at(secs), &id(1), address(1), LINK).unwrap();
    }
    registry.pop_expired(at(150)).unwrap();
    registry.hear(at(151), &id(1), address(9), LINK).unwrap();
    registry.hear(at(152), &id(1), address(1), LINK).unwrap();
    assert_eq!(registry.get(at(152), "node-1").unwrap().address(), address(1));
}

impl Registry<'_> {
    /// Whether the source that a known node came from may have one more established node.
    fn has_room_for(&self, id: &NodeId) -> bool {
        let place = self.find(id.as_str().as_bytes());
        place.is_none_or(|place| {
            self.places.established(self.places.source_of(place)) < self.share()
        })
    }
}
