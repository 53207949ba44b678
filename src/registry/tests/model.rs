//! The registry against the most obvious design: a hash map of all nodes.

use std::boxed::Box;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::*;
use crate::random::Random;

fn below(random: &mut Random, bound: u32) -> u32 {
    u32::try_from(random.next() % u64::from(bound)).unwrap()
}

/// The expected contents of the registry, in a plain form.
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
    fn expired(&self, now: Instant) -> usize {
        self.nodes.values().filter(|node| node.last_heard + LEASE <= now).count()
    }

    /// When the next node expires.
    fn next_expiry(&self) -> Option<Instant> {
        self.nodes.values().map(|node| node.last_heard + LEASE).min()
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

    /// The registry told that a node expired.
    fn lose(&mut self, event: &Event) -> ModelNode {
        assert_eq!(event.kind, EventKind::Lost);
        let node = self.nodes.remove(&event.id).unwrap();
        assert_eq!(event.place, node.place);
        node
    }

    /// A node was refused.
    fn refuse(&self, now: Instant, id: &NodeId, capacity: usize, refused: Refused) {
        assert!(!self.is_live(now, id) && !self.expected.contains(id));
        let may_go = || self.nodes.iter().filter(|(id, node)| self.may_go(id, node, now));
        // One that has expired is overlooked while an expected one has expired, too.
        let is_overlooked = self.expected.iter().any(|id| {
            self.nodes.get(id).is_some_and(|expected| expected.last_heard + LEASE <= now)
        });
        let nobody_may_go = may_go().next().is_none()
            || is_overlooked && may_go().all(|(_, node)| node.last_heard + LEASE <= now);
        let is_full = self.taken() == capacity && nobody_may_go;
        assert!(is_full || refused == Refused::Share, "{refused:?}");
        assert!(may_go().next().is_some() || refused == Refused::Full, "{refused:?}");
    }

    /// A node was heard, and the registry told that. `has_room` says whether its source may have
    /// one more established node.
    fn hear(&mut self, now: Instant, id: &NodeId, has_room: bool, change: Change, told: &[Event]) {
        assert_eq!(change == Change::Added, !self.is_live(now, id), "{change:?}");
        let told = match told {
            [gone, told @ ..] if gone.kind == EventKind::Lost => {
                let node = self.lose(gone);
                assert!(gone.id == *id || self.may_go(&gone.id, &node, now), "{gone:?} had to go");
                told
            }
            told => told,
        };
        let place = match (change, told) {
            (Change::Refreshed { .. } | Change::Joined, []) => self.nodes[id].place,
            (Change::Added, [event]) if event.kind == EventKind::Found => event.place,
            (Change::Moved, [event]) if event.kind == EventKind::Moved => event.place,
            (Change::Contested, [event]) => {
                assert!(matches!(event.kind, EventKind::Contested { .. }));
                event.place
            }
            _ => panic!("{change:?}: {told:?}"),
        };
        assert!(told.iter().all(|event| event.id == *id));
        let new =
            ModelNode { heard: 0, first_heard: now, last_heard: now, established: false, place };
        let node = self.nodes.entry(id.clone()).or_insert(new);
        assert_eq!(node.place, place);
        node.heard += 1;
        node.last_heard = now;
        let is_due = node.heard >= 3 && node.first_heard + Duration::from_secs(45) <= now;
        node.established |= is_due && has_room;
    }

    fn is_live(&self, now: Instant, id: &NodeId) -> bool {
        self.nodes.get(id).is_some_and(|node| node.last_heard + LEASE > now)
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
    assert_eq!(live, model.nodes.len() - model.expired(now));
    assert_eq!(registry.used(), model.nodes.len());
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

/// No node is due before the time of the next expiry.
fn expiry_is_told(registry: &Registry<'_>, model: &Model) {
    let (told, due) = (registry.next_expiry(), model.next_expiry());
    assert_eq!(told.is_some(), due.is_some());
    assert!(told <= due, "{told:?} instead of {due:?}");
}

/// Removes all expired nodes.
fn expire(registry: &mut Registry<'_>, model: &mut Model, now: Instant) {
    while let Some(event) = registry.poll_event(now) {
        assert!(model.lose(&event).last_heard + LEASE <= now);
    }
    assert_eq!(model.expired(now), 0);
}

/// Lets time pass as a program does that wakes when the registry says so. Each node expires at its
/// deadline, to the millisecond.
fn wait(registry: &mut Registry<'_>, model: &mut Model, until: Instant) {
    while let Some(now) = registry.next_expiry().filter(|now| *now <= until) {
        while let Some(event) = registry.poll_event(now) {
            assert_eq!(model.lose(&event).last_heard + LEASE, now);
        }
        assert_eq!(model.expired(now), 0);
        expiry_is_told(registry, model);
    }
    assert_eq!(model.expired(until), 0);
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
        // Over time the registry expects more and more nodes, but not all.
        let most = u32::try_from(N).unwrap() * operation / operations;
        if operation % 64 == 32 && model.expected.len() < usize::try_from(most).unwrap() {
            let id = id(below(&mut random, names));
            assert_eq!(registry.expect(&id).is_ok(), model.expect(&id, N));
        }
        match below(&mut random, 80) {
            0..=3 => expire(&mut registry, &mut model, now),
            4 => {
                expire(&mut registry, &mut model, now);
                let until = now + Duration::from_millis(u64::from(below(&mut random, 60_000)));
                wait(&mut registry, &mut model, until);
                now = until;
            }
            5..=15 => {
                let id = id(below(&mut random, names));
                let known = model.nodes.get(&id).filter(|node| node.last_heard + LEASE > now);
                let found = registry.get(now, id.as_str()).map(|entry| entry.age());
                assert_eq!(found, known.map(|node| now.since(node.last_heard)));
            }
            _ => {
                // Low numbers are heard far more often than high ones, so that nodes of each rank
                // are there.
                let bound = below(&mut random, names) + 1;
                let id = id(below(&mut random, bound));
                let address = address(u8::try_from(below(&mut random, 6)).unwrap());
                let has_room = registry.has_room_for(&id);
                match hear_at(&mut registry, now, &id, address, &Links::new()) {
                    Err(refused) => model.refuse(now, &id, N, refused),
                    Ok(change) => {
                        let told = news(&mut registry, now);
                        model.hear(now, &id, has_room, change, &told);
                    }
                }
            }
        }
        expiry_is_told(&registry, &model);
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

impl Registry<'_> {
    /// Whether the source that a known node came from may have one more established node.
    fn has_room_for(&self, id: &NodeId) -> bool {
        let place = self.find(id.as_str().as_bytes());
        place.is_none_or(|place| {
            self.places.established(self.places.source_of(place)) < self.share()
        })
    }
}
