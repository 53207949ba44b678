//! The registry against a model, and what it does when it is full.

use core::net::Ipv4Addr;
use std::collections::{HashMap, HashSet};

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

fn is_added(change: &Change) -> bool {
    matches!(change, Change::Added { .. })
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

#[test]
fn when_full_an_expired_node_goes_first_then_the_newcomer_heard_longest_ago() {
    let mut storage = Storage::<3>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let displaced = |result: Result<(Place, Change), Refused>| match result {
        Ok((_, Change::Added { displaced })) => displaced.map(|departed| departed.id),
        other => panic!("{other:?}"),
    };
    for number in [1, 2, 3] {
        assert_eq!(displaced(registry.hear(at(0), &id(number), address(1), LINK)), None);
    }
    registry.hear(at(10), &id(1), address(1), LINK).unwrap();
    registry.hear(at(50), &id(2), address(1), LINK).unwrap();
    // 1 and 2 were heard since; 3 was heard longest ago.
    assert_eq!(displaced(registry.hear(at(60), &id(4), address(1), LINK)), Some(id(3)));
    // 2 becomes established. 1 has expired.
    registry.hear(at(70), &id(2), address(1), LINK).unwrap();
    assert_eq!(displaced(registry.hear(at(100), &id(5), address(1), LINK)), Some(id(1)));
    // All are alive. 4 is the oldest of those that are not established.
    registry.hear(at(101), &id(5), address(1), LINK).unwrap();
    assert_eq!(displaced(registry.hear(at(110), &id(6), address(1), LINK)), Some(id(4)));
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
    for (seconds, stays) in
        [(&[0, 0, 0, 44][..], false), (&[0, 45], false), (&[0, 30, 44], false), (&[0, 30, 45], true)]
    {
        let mut storage = Storage::<1>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for secs in seconds {
            registry.hear(at(*secs), &id(1), address(1), LINK).unwrap();
        }
        assert_eq!(registry.hear(at(46), &id(2), address(2), LINK).is_err(), stays, "{seconds:?}");
    }
}

#[test]
fn one_source_holds_its_share_and_no_more() {
    let mut storage = Storage::<256>::new();
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    assert_eq!(registry.share(), 32);
    let admitted = |registry: &mut Registry<'_>, now, source| {
        (0..1_000)
            .filter(|number| {
                registry.hear(now, &id(*number + 1_000 * u32::from(source)), address(source), LINK).is_ok()
            })
            .count()
    };
    assert_eq!(admitted(&mut registry, at(0), 1), 32);
    assert_eq!(registry.hear(at(0), &id(5_000), address(1), LINK), Err(Refused::Share));
    // Others are as free as before; and those that are known are heard.
    assert_eq!(admitted(&mut registry, at(0), 2), 32);
    assert_eq!(registry.hear(at(1), &id(1_000), address(1), LINK).unwrap().1, refreshed(1));
    // A known node may move to an address that has its share: it counts for where it came from.
    assert_eq!(registry.hear(at(1), &id(2_000), address(1), LINK).unwrap().1, Change::Moved);
    // What expired counts no more. A node that comes back counts for where it comes from.
    while registry.pop_expired(at(90)).is_some() {}
    assert_eq!(registry.used(), 2);
    assert_eq!(
        registry.hear(at(91), &id(1_000), address(2), LINK).map(|(_, change)| is_added(&change)),
        Ok(true)
    );
    // The one that is known from there, and 32 more.
    assert_eq!(admitted(&mut registry, at(91), 1), 33);
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
    let rest: Vec<_> = registry.iter_after(now, Some(third)).map(|entry| entry.id().clone()).collect();
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
    clock: u64,
}

struct ModelNode {
    heard: u32,
    first_heard: Instant,
    source: Ipv4Addr,
    last_heard: Instant,
    /// The order in which nodes were last heard, also within one millisecond.
    stamp: u64,
}

impl Model {
    fn expired(&self, now: Instant) -> Vec<NodeId> {
        let expired = self.nodes.iter().filter(|(_, node)| node.last_heard + LEASE <= now);
        expired.map(|(id, _)| id.clone()).collect()
    }

    fn is_established(&self, id: &NodeId) -> bool {
        let was_heard_for_a_while = |node: &ModelNode| {
            node.heard >= 3 && node.first_heard + Duration::from_secs(45) <= node.last_heard
        };
        self.expected.contains(id) || self.nodes.get(id).is_some_and(was_heard_for_a_while)
    }

    /// The one that was heard longest ago, of the established or of the others.
    fn oldest(&self, established: bool) -> Option<NodeId> {
        let nodes = self.nodes.iter().filter(|(id, _)| self.is_established(id) == established);
        nodes.min_by_key(|(_, node)| (node.last_heard, node.stamp)).map(|(id, _)| id.clone())
    }

    /// Whether each place is taken or kept.
    fn is_full(&self, capacity: usize) -> bool {
        let kept = self.expected.iter().filter(|id| !self.nodes.contains_key(*id)).count();
        self.nodes.len() + kept == capacity
    }

    /// How many nodes count for that source.
    fn held(&self, source: Ipv4Addr) -> usize {
        let nodes = self.nodes.iter().filter(|(id, _)| !self.expected.contains(*id));
        nodes.filter(|(_, node)| node.source == source).count()
    }

    fn expect(&mut self, id: &NodeId, capacity: usize) -> bool {
        let has_a_place = self.nodes.contains_key(id) || self.expected.contains(id);
        if !has_a_place && self.is_full(capacity) {
            return false;
        }
        self.clock += 1;
        self.expected.insert(id.clone());
        if let Some(node) = self.nodes.get_mut(id) {
            // Among the established that were heard at the same time, it comes last.
            node.stamp = self.clock;
        }
        true
    }

    fn hear(
        &mut self,
        now: Instant,
        id: &NodeId,
        address: SocketAddrV4,
        capacity: usize,
        has_its_share: bool,
    ) -> bool {
        self.clock += 1;
        let expired = self.expired(now).contains(id);
        if (expired || !self.nodes.contains_key(id)) && has_its_share && !self.expected.contains(id) {
            return false;
        }
        if expired {
            self.nodes.remove(id);
        }
        let has_a_place = self.nodes.contains_key(id) || self.expected.contains(id);
        if !has_a_place && self.is_full(capacity) {
            let newcomer = self.oldest(false);
            let has_expired = |id: &NodeId| self.nodes[id].last_heard + LEASE <= now;
            // One that has expired is overlooked behind an expected one: see `Registry::hear`.
            let established = self.oldest(true).filter(|id| !self.expected.contains(id) && has_expired(id));
            // Among the expired, newcomers go before the others.
            let expired = newcomer.clone().filter(has_expired).or(established);
            let Some(victim) = expired.or(newcomer) else { return false };
            self.nodes.remove(&victim);
        }
        let source = *address.ip();
        let new = ModelNode { heard: 0, first_heard: now, source, last_heard: now, stamp: 0 };
        let node = self.nodes.entry(id.clone()).or_insert(new);
        node.heard += 1;
        node.stamp = self.clock;
        node.last_heard = now;
        true
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
    assert_eq!(registry.next_expiry(), model.nodes.values().map(|node| node.last_heard + LEASE).min());
}

fn run_model<const N: usize>(seed: u64, operations: u32, names: u32) {
    let mut storage = Box::new(Storage::<N>::new());
    let mut registry = Registry::new(&mut storage, KEY, LEASE);
    let mut model = Model::default();
    let mut random = Random(seed);
    let mut now = at(1);
    for operation in 0..operations {
        now = now + Duration::from_millis(u64::from(below(&mut random, 4) * below(&mut random, 500)));
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
                let source = *address.ip();
                let renewed = model.nodes.get(&id).is_some_and(|node| node.source == source);
                let counted = registry.sources.count(source);
                // In so small a table, some sources share their counters.
                assert!(counted >= model.held(source));
                let has_its_share = counted >= registry.share() && !renewed;
                let admitted = registry.hear(now, &id, address, LINK).is_ok();
                assert_eq!(admitted, model.hear(now, &id, address, N, has_its_share));
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
        assert_eq!((registry.used(), registry.sources.count(*address(1).ip())), (1, 0));
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
    for number in 0..8 {
        registry.hear(at(0), &id(number), address(1), LINK).unwrap();
    }
    assert_eq!(registry.hear(at(0), &id(8), address(1), LINK), Err(Refused::Share));
    registry.expect(&id(8)).unwrap();
    assert!(registry.hear(at(0), &id(8), address(1), LINK).is_ok());
    registry.expect(&id(0)).unwrap();
    assert!(registry.hear(at(0), &id(9), address(1), LINK).is_ok());
    assert_eq!(registry.hear(at(0), &id(10), address(1), LINK), Err(Refused::Share));
    // It comes back after it expired, before anybody noticed.
    assert!(registry.hear(at(100), &id(8), address(2), LINK).is_ok_and(|(_, change)| is_added(&change)));
    assert_eq!(registry.sources.count(*address(2).ip()), 0);
}
