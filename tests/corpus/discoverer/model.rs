//! What a discoverer should know, kept the plain way.

use core::net::SocketAddrV4;
use std::collections::{HashMap, HashSet};

use foghorn::discoverer::{Discoverer, Event, EventKind};
use foghorn::limits::ADDRESSES_PER_NODE;
use foghorn::registry::{Address, Entry, Place};
use foghorn::time::{Duration, Instant};
use foghorn::wire::NodeId;

pub(super) struct Model {
    pub(super) nodes: HashMap<NodeId, Node>,
    /// Those that places are kept for.
    pub(super) expected: HashSet<NodeId>,
    lease: Duration,
    /// A walk over all nodes that has begun and goes on while they change.
    walk: Option<Walk>,
}

pub(super) struct Node {
    place: Place,
    found: Instant,
    heard: u32,
    /// In the order in which they appeared.
    addresses: Vec<Address>,
    preferred: SocketAddrV4,
    is_contested: bool,
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
        Self { nodes: HashMap::new(), expected: HashSet::new(), lease, walk: None }
    }

    pub(super) fn live(&mut self, now: Instant, id: &NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id).filter(|node| node.is_live(now))
    }

    /// A node that was not known was found at that address.
    pub(super) fn find(&mut self, event: &Event, address: Address) {
        assert_eq!((event.kind, event.address), (EventKind::Found, address));
        assert!(self.nodes.values().all(|node| node.place != event.place));
        let (lease, place) = (self.lease, event.place);
        let node = Node {
            place,
            found: address.heard,
            heard: 1,
            addresses: vec![address],
            preferred: address.socket,
            is_contested: false,
            lease,
        };
        assert!(self.nodes.insert(event.id.clone(), node).is_none());
    }

    /// A node that was known is gone.
    pub(super) fn lose(&mut self, event: &Event) -> Node {
        let Some(node) = self.nodes.remove(&event.id) else { unreachable!("{event:?} of an unknown node") };
        assert_eq!((event.kind, event.place), (EventKind::Lost, node.place));
        assert_eq!(node.preferred(), event.address);
        if let Some(walk) = &mut self.walk {
            walk.met.remove(&event.id);
            walk.owed.remove(&event.id);
        }
        node
    }

    /// A place is to be kept for a node. False if there is none.
    pub(super) fn expect(&mut self, id: &NodeId, capacity: usize) -> bool {
        let missing = self.expected.iter().filter(|id| !self.nodes.contains_key(*id)).count();
        let has_place = self.nodes.contains_key(id) || self.expected.contains(id);
        let is_kept = has_place || self.nodes.len() + missing < capacity;
        if is_kept {
            self.expected.insert(id.clone());
        }
        is_kept
    }

    /// Whether no newcomer may displace a node that was there.
    pub(super) fn is_safe(&self, id: &NodeId, node: &Node) -> bool {
        self.expected.contains(id) || node.is_settled()
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
        let expiry = self.nodes.values().map(|node| node.last_heard() + self.lease);
        assert_eq!(discoverer.registry().next_expiry(), expiry.min());
        let expected: HashSet<_> =
            discoverer.registry().expected_after(None).map(|(_, id)| id.clone()).collect();
        assert_eq!(expected, self.expected);
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
        self.last_heard() + self.lease > now
    }

    /// Whether it was heard three times, over half a lease or more: no stranger may take its place.
    fn is_settled(&self) -> bool {
        self.heard >= 3 && self.last_heard().since(self.found).times(2) >= self.lease
    }

    fn last_heard(&self) -> Instant {
        self.addresses.iter().map(|address| address.heard).max().unwrap_or(self.found)
    }

    fn position(&self, socket: SocketAddrV4) -> Option<usize> {
        self.addresses.iter().position(|address| address.socket == socket)
    }

    fn preferred(&self) -> Address {
        let Some(preferred) = self.addresses.iter().find(|address| address.socket == self.preferred) else {
            unreachable!("{} is not among {:?}", self.preferred, self.addresses)
        };
        *preferred
    }

    /// Live addresses: the preferred one, then those heard last, and of those heard at once the one that appeared last.
    pub(super) fn live(&self, now: Instant) -> Vec<Address> {
        let live = self.addresses.iter().filter(|address| address.heard + self.lease > now);
        let mut live: Vec<_> = live.copied().enumerate().collect();
        live.sort_by_key(|(position, address)| (address.socket == self.preferred, address.heard, *position));
        live.into_iter().rev().map(|(_, address)| address).collect()
    }

    /// What is to be told of it when it was heard at an address.
    pub(super) fn hear(&mut self, address: Address) -> Option<(EventKind, Address)> {
        self.heard += 1;
        let (preferred, lease) = (self.preferred, self.lease);
        self.addresses.retain(|known| known.socket == preferred || known.heard + lease > address.heard);
        self.is_contested &= self.addresses.len() > 1;
        let is_vacant = address.heard.since(self.preferred().heard).times(2) > lease;
        let known = self.position(address.socket);
        let is_older = known < self.position(preferred);
        if let Some(known) = known.and_then(|position| self.addresses.get_mut(position)) {
            *known = address;
        }
        if address.socket == preferred {
            return None;
        }
        let was_contested = self.is_contested;
        let is_full = self.addresses.len() == ADDRESSES_PER_NODE;
        if known.is_none() {
            if is_full {
                // A newcomer takes the place of the last, but when all is to begin anew that of the first.
                let mut others = (0..ADDRESSES_PER_NODE).filter(|at| Some(*at) != self.position(preferred));
                let gone = if is_vacant { others.next() } else { others.next_back() };
                self.addresses.remove(gone.unwrap_or_default());
            }
            self.addresses.push(address);
        }
        let takes_over = is_vacant || if known.is_some() { is_older } else { !was_contested && !is_full };
        if takes_over {
            self.preferred = address.socket;
        }
        self.is_contested = !is_vacant && (known.is_some() || !takes_over);
        if takes_over && (was_contested || !self.is_contested) {
            return Some((EventKind::Moved, address));
        }
        let others = || self.addresses.iter().filter(|known| known.socket != self.preferred);
        // Of those that were heard at once, the one that comes last.
        let rival = others().max_by_key(|known| known.heard).map(|rival| rival.socket);
        (self.is_contested && !was_contested)
            .then_some((EventKind::Contested { rival: rival.unwrap_or(preferred) }, self.preferred()))
    }

    fn check(&self, now: Instant, entry: Entry<'_>) {
        let live = self.live(now);
        assert!(entry.addresses().eq(&live));
        assert!(
            live.first().is_some_and(|first| (entry.address(), entry.link()) == (first.socket, first.link))
        );
        assert_eq!(entry.is_contested(), self.is_contested && live.len() > 1);
        assert_eq!((entry.place(), entry.heard()), (self.place, self.heard));
        let last = self.last_heard();
        assert_eq!((entry.age(), entry.known()), (now.since(last), now.since(self.found)));
        assert_eq!(now + entry.expires_in(), last + self.lease);
    }
}
