//! What a discoverer should know, kept the plain way.

use std::collections::{HashMap, HashSet};

use foghorn::discoverer::{Discoverer, Event, EventKind};
use foghorn::limits::ADDRESSES_PER_NODE;
use foghorn::registry::{Address, Entry, Place};
use foghorn::time::{Duration, Instant};
use foghorn::wire::NodeId;

pub(super) struct Model {
    pub(super) nodes: HashMap<NodeId, Node>,
    lease: Duration,
    /// A walk over all nodes that has begun and goes on while they change.
    walk: Option<Walk>,
}

pub(super) struct Node {
    place: Place,
    found: Instant,
    heard: u32,
    /// The one heard last first.
    addresses: Vec<Address>,
    lease: Duration,
}

#[derive(Default)]
struct Walk {
    last: Option<Place>,
    met: HashSet<NodeId>,
    /// Those that were known all the while and are still to be met.
    owed: HashSet<NodeId>,
}

impl Model {
    pub(super) fn new(lease: Duration) -> Self {
        Self { nodes: HashMap::new(), lease, walk: None }
    }

    pub(super) fn live(&mut self, now: Instant, id: &NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id).filter(|node| node.is_live(now))
    }

    /// A node that was not known was found at that address.
    pub(super) fn find(&mut self, event: &Event, address: Address) {
        assert_eq!((event.kind, event.address), (EventKind::Found, address));
        assert!(self.nodes.values().all(|node| node.place != event.place));
        let (lease, place) = (self.lease, event.place);
        let node = Node { place, found: address.heard, heard: 1, addresses: vec![address], lease };
        assert!(self.nodes.insert(event.id.clone(), node).is_none());
    }

    /// A node that was known is gone.
    pub(super) fn lose(&mut self, event: &Event) -> Node {
        let Some(node) = self.nodes.remove(&event.id) else { unreachable!("{event:?} of an unknown node") };
        assert_eq!((event.kind, event.place), (EventKind::Lost, node.place));
        assert_eq!(node.addresses.first(), Some(&event.address));
        if let Some(walk) = &mut self.walk {
            walk.met.remove(&event.id);
            walk.owed.remove(&event.id);
        }
        node
    }

    /// Goes on to the next node, or begins again.
    pub(super) fn walk(&mut self, now: Instant, discoverer: &Discoverer<'_>) {
        let nodes = &self.nodes;
        let walk = self.walk.get_or_insert_with(|| {
            let live = nodes.iter().filter(|(_, node)| node.is_live(now)).map(|(id, _)| id.clone());
            Walk { owed: live.collect(), ..Walk::default() }
        });
        if let Some(entry) = discoverer.iter_after(now, walk.last).next() {
            assert!(walk.met.insert(entry.id().clone()), "{} is met twice", entry.id());
            walk.owed.remove(entry.id());
            walk.last = Some(entry.place());
        } else {
            let missed = walk.owed.iter().find(|id| nodes.get(*id).is_some_and(|node| node.is_live(now)));
            assert_eq!(missed, None, "was not met");
            self.walk = None;
        }
    }

    /// The discoverer knows the same nodes, and the same of each.
    pub(super) fn check(&self, now: Instant, discoverer: &Discoverer<'_>) {
        assert_eq!(discoverer.registry().used(), self.nodes.len());
        let expiry = self.nodes.values().filter_map(|node| Some(node.addresses.first()?.heard + self.lease));
        assert_eq!(discoverer.registry().next_expiry(), expiry.min());
        for (id, node) in &self.nodes {
            let entry = discoverer.lookup(now, id.as_str());
            assert_eq!(entry.is_some(), node.is_live(now), "{id}");
            if let Some(entry) = entry {
                assert_eq!(entry.id(), id);
                node.check(now, entry);
            }
        }
        let known =
            discoverer.iter_after(now, None).inspect(|entry| assert!(self.nodes.contains_key(entry.id())));
        assert_eq!(known.count(), self.nodes.values().filter(|node| node.is_live(now)).count());
    }
}

impl Node {
    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.live(now).next().is_some()
    }

    /// Whether it was heard three times, over half a lease or more: no stranger may take its place.
    pub(super) fn is_settled(&self) -> bool {
        let last_heard = self.addresses.first().map(|address| address.heard);
        self.heard >= 3 && last_heard.is_some_and(|last| last.since(self.found).times(2) >= self.lease)
    }

    fn live(&self, now: Instant) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(move |address| address.heard + self.lease > now)
    }

    /// True if it was not known to have that address.
    pub(super) fn hear(&mut self, address: Address) -> bool {
        self.heard += 1;
        let was_known = self.live(address.heard).any(|known| known.socket == address.socket);
        self.addresses.retain(|known| known.socket != address.socket);
        self.addresses.insert(0, address);
        self.addresses.truncate(ADDRESSES_PER_NODE);
        !was_known
    }

    fn check(&self, now: Instant, entry: Entry<'_>) {
        assert!(entry.addresses().eq(self.live(now)));
        let Some(last) = self.addresses.first() else { unreachable!("a node has an address") };
        assert_eq!((entry.address(), entry.link()), (last.socket, last.link));
        assert_eq!((entry.place(), entry.heard()), (self.place, self.heard));
        assert_eq!((entry.age(), entry.known()), (now.since(last.heard), now.since(self.found)));
        assert_eq!(now + entry.expires_in(), last.heard + self.lease);
    }
}
