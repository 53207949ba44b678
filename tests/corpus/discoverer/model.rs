//! What a discoverer should know, kept the plain way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a check that meets the unexpected is to fail"
)]

use core::net::SocketAddrV4;
use std::collections::{HashMap, HashSet};

use foghorn::discoverer::{Discoverer, Event, EventKind};
use foghorn::limits::ADDRESSES_PER_NODE;
use foghorn::registry::{Address, Entry, Place};
use foghorn::time::{Duration, Instant};
use foghorn::wire::NodeId;

pub(super) struct Model {
    pub(super) nodes: HashMap<NodeId, Node>,
    /// Those that were known, as they were then.
    gone: HashMap<NodeId, Node>,
    /// Those that places are kept for.
    pub(super) expected: HashSet<NodeId>,
    lease: Duration,
    /// A walk over all nodes that has begun and goes on while they change.
    walk: Option<Walk>,
}

#[derive(Clone)]
pub(super) struct Node {
    place: Place,
    found: Instant,
    heard: u32,
    /// In the order in which they appeared.
    addresses: Vec<Known>,
    preferred: SocketAddrV4,
    lease: Duration,
}

/// An address, and when it was heard since it was last silent for longer than a lease.
#[derive(Clone)]
struct Known {
    address: Address,
    times: Vec<Instant>,
    /// Whether it spoke beside the preferred one.
    is_rival: bool,
}

impl Known {
    fn new(address: Address) -> Self {
        Self { address, times: vec![address.heard], is_rival: false }
    }

    fn renew(&mut self, address: Address, lease: Duration) {
        let was_silent = self.address.heard + lease < address.heard;
        self.address = address;
        if !was_silent {
            self.times.push(address.heard);
        } else if !self.is_established(lease) {
            self.times = vec![address.heard];
        }
    }

    fn is_established(&self, lease: Duration) -> bool {
        let span = self.times.last().unwrap().since(self.times[0]);
        self.times.len() >= 3 && span.times(2) >= lease
    }

    /// Whether it is kept although it is not preferred.
    fn is_kept(&self, now: Instant, lease: Duration) -> bool {
        let within = |span: Duration| self.address.heard + span > now;
        within(lease)
            || self.is_rival && within(Duration::from_secs(3600))
            || self.is_established(lease) && within(Duration::from_secs(86_400))
    }
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
        Self {
            nodes: HashMap::new(),
            gone: HashMap::new(),
            expected: HashSet::new(),
            lease,
            walk: None,
        }
    }

    pub(super) fn live(&mut self, now: Instant, id: &NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id).filter(|node| node.is_live(now))
    }

    /// A node that was not known was found at that address. The registry may have remembered it.
    pub(super) fn find(&mut self, event: &Event, address: Address, is_remembered: bool) {
        assert_eq!((event.kind, event.address), (EventKind::Found, address));
        assert!(self.nodes.values().all(|node| node.place != event.place));
        let gone = self.gone.remove(&event.id).filter(|_| is_remembered);
        let mut addresses = gone.map_or(vec![], |gone| gone.established(address.heard));
        if let Some(known) =
            addresses.iter_mut().find(|known| known.address.socket == address.socket)
        {
            known.renew(address, self.lease);
        } else {
            addresses.truncate(ADDRESSES_PER_NODE - 1);
            addresses.push(Known::new(address));
        }
        let node = Node {
            place: event.place,
            found: address.heard,
            heard: 1,
            addresses,
            preferred: address.socket,
            lease: self.lease,
        };
        assert!(self.nodes.insert(event.id.clone(), node).is_none());
    }

    /// Whether something of a node is to be remembered, if nobody needed its place.
    pub(super) fn may_be_remembered(&self, now: Instant, id: &NodeId) -> bool {
        self.gone.get(id).is_some_and(|gone| !gone.established(now).is_empty())
    }

    /// A node that was known is gone.
    pub(super) fn lose(&mut self, event: &Event) -> Node {
        let Some(node) = self.nodes.remove(&event.id) else {
            unreachable!("{event:?} of an unknown node")
        };
        assert_eq!((event.kind, event.place), (EventKind::Lost, node.place));
        assert_eq!(node.preferred(), event.address);
        if let Some(walk) = &mut self.walk {
            walk.met.remove(&event.id);
            walk.owed.remove(&event.id);
        }
        self.gone.insert(event.id.clone(), node.clone());
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
            let missed =
                walk.owed.iter().find(|id| nodes.get(*id).is_some_and(|node| node.is_live(now)));
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
        let known = discoverer
            .iter_after(now, None)
            .inspect(|entry| assert!(self.nodes.contains_key(entry.id())));
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
        self.addresses.iter().map(|known| known.address.heard).max().unwrap_or(self.found)
    }

    /// What is remembered of it when it is gone.
    fn established(&self, now: Instant) -> Vec<Known> {
        let kept = self.addresses.iter().filter(|known| {
            known.is_established(self.lease)
                && known.address.heard + Duration::from_secs(86_400) > now
        });
        kept.cloned().map(|known| Known { is_rival: false, ..known }).collect()
    }

    fn position(&self, socket: SocketAddrV4) -> Option<usize> {
        self.addresses.iter().position(|known| known.address.socket == socket)
    }

    fn preferred(&self) -> Address {
        let Some(preferred) = self.position(self.preferred).and_then(|at| self.addresses.get(at))
        else {
            unreachable!("{} is not among its addresses", self.preferred)
        };
        preferred.address
    }

    /// Live addresses: the preferred one, then those heard last, and of those heard at once the one
    /// that appeared last.
    pub(super) fn live(&self, now: Instant) -> Vec<Address> {
        let addresses = self.addresses.iter().map(|known| known.address);
        let mut live: Vec<_> =
            addresses.enumerate().filter(|(_, address)| address.heard + self.lease > now).collect();
        live.sort_by_key(|(position, address)| {
            (address.socket == self.preferred, address.heard, *position)
        });
        live.into_iter().rev().map(|(_, address)| address).collect()
    }

    fn is_contested(&self, now: Instant) -> bool {
        self.addresses.iter().any(|known| known.is_rival && known.address.heard + self.lease > now)
    }

    /// What is to be told of it when it was heard at an address.
    pub(super) fn hear(&mut self, address: Address) -> Option<(EventKind, Address)> {
        self.heard += 1;
        let (now, lease, preferred) = (address.heard, self.lease, self.preferred);
        self.addresses.retain_mut(|known| {
            known.is_rival &= known.address.heard + Duration::from_secs(3600) > now;
            known.address.socket == preferred || known.is_kept(now, lease)
        });
        let was_contested = self.is_contested(now);
        let is_vacant = now.since(self.preferred().heard).times(2) > lease;
        let is_known = self.position(address.socket).is_some();
        let is_older = is_known && self.position(address.socket) < self.position(preferred);
        let others = |known: &&Known| known.address.socket != preferred;
        let is_suspicious = self.addresses.iter().any(|known| known.is_rival)
            || self
                .addresses
                .iter()
                .filter(others)
                .filter(|known| known.address.heard + lease > now)
                .count()
                == ADDRESSES_PER_NODE - 1;
        if let Some(position) = self.position(address.socket) {
            self.addresses[position].renew(address, lease);
        } else {
            if self.addresses.len() == ADDRESSES_PER_NODE {
                // The youngest goes, but rather one where it was not established.
                let other = |known: &Known| known.address.socket != preferred;
                let young = self
                    .addresses
                    .iter()
                    .rposition(|known| other(known) && !known.is_established(lease));
                self.addresses
                    .remove(young.or_else(|| self.addresses.iter().rposition(other)).unwrap());
            }
            self.addresses.push(Known::new(address));
        }
        if address.socket == preferred {
            return None;
        }
        if is_vacant || !is_known && !is_suspicious {
            self.addresses.iter_mut().for_each(|known| known.is_rival = false);
            self.preferred = address.socket;
            return Some((EventKind::Moved, address));
        }
        let rival = if is_older { preferred } else { address.socket };
        let position = self.position(rival).unwrap();
        self.addresses[position].is_rival = true;
        if is_older {
            self.preferred = address.socket;
        }
        match (was_contested, is_older) {
            (false, _) => Some((EventKind::Contested { rival }, self.preferred())),
            (true, true) => Some((EventKind::Moved, address)),
            (true, false) => None,
        }
    }

    fn check(&self, now: Instant, entry: Entry<'_>) {
        let live = self.live(now);
        assert!(entry.addresses().eq(live.iter().copied()));
        assert!(
            live.first()
                .is_some_and(|first| (entry.address(), entry.link()) == (first.socket, first.link))
        );
        assert_eq!(entry.is_contested(), self.is_contested(now));
        assert_eq!((entry.place(), entry.heard()), (self.place, self.heard));
        let last = self.last_heard();
        assert_eq!((entry.age(), entry.known()), (now.since(last), now.since(self.found)));
        assert_eq!(now + entry.expires_in(), last + self.lease);
    }
}
