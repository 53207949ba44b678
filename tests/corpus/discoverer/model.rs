//! A simple model of the nodes that a discoverer should know.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a check must fail on the unexpected"
)]

use core::net::{IpAddr, SocketAddr};
use std::collections::{HashMap, HashSet};

use foghorn::discoverer::{Discoverer, Event, EventKind};
use foghorn::limits::ADDRESSES_PER_NODE;
use foghorn::net::Address;
use foghorn::registry::{Entry, Place};
use foghorn::time::{Duration, Instant};
use foghorn::wire::NodeId;

use super::rhythm::{Rhythm, is_regular, is_together};

pub(super) struct Model {
    pub(super) nodes: HashMap<NodeId, Node>,
    /// The nodes that were known, with their last state.
    gone: HashMap<NodeId, Node>,
    /// The nodes that the registry reserves room for.
    pub(super) expected: HashSet<NodeId>,
    lease: Duration,
    /// An unfinished walk over all nodes, which continues while they change.
    walk: Option<Walk>,
}

#[derive(Clone)]
pub(super) struct Node {
    place: Place,
    found: Instant,
    heard: u32,
    /// In the order of appearance.
    addresses: Vec<Known>,
    preferred: SocketAddr,
    lease: Duration,
}

/// An address, and its record since it was last silent for longer than a lease.
#[derive(Clone)]
struct Known {
    address: Address,
    times: u32,
    /// The times between announcements, in whole 240ths of a lease.
    parts: u64,
    /// Whether it spoke while another address was preferred.
    is_rival: bool,
    rhythm: Rhythm,
}

/// The effect of an announcement of a known node.
pub(super) enum Change {
    Nothing,
    /// The node has one more address, without an event.
    Joined,
    Told(EventKind, Address),
}

impl Known {
    fn new(address: Address) -> Self {
        let rhythm = Rhythm::default();
        Self { address, times: 1, parts: 0, is_rival: false, rhythm }
    }

    fn renew(&mut self, address: Address, lease: Duration) {
        let silent = address.heard.since(self.address.heard);
        self.address = address;
        if silent <= lease {
            self.times += 1;
            self.parts += silent.times(240).millis() / lease.millis();
        } else if !self.is_established() {
            (self.times, self.parts) = (1, 0);
        }
    }

    /// Whether the node was heard three times, over half a lease or more.
    fn is_established(&self) -> bool {
        self.times >= 3 && self.parts >= 120
    }

    /// Whether the address is kept although it is not preferred.
    fn is_kept(&self, now: Instant, lease: Duration) -> bool {
        let within = |span: Duration| self.address.heard + span > now;
        within(lease)
            || self.is_rival && within(Duration::from_secs(3600))
            || self.is_established() && within(Duration::from_secs(86_400))
    }
}

#[derive(Default)]
struct Walk {
    last: Option<Place>,
    met: HashSet<NodeId>,
    /// The nodes that were known throughout the walk, and that it must still return.
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

    /// Adds a node that was unknown, found at that address. The registry may have remembered it.
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

    /// Whether the registry should remember the node, if no other needed its place.
    pub(super) fn may_be_remembered(&self, now: Instant, id: &NodeId) -> bool {
        self.gone.get(id).is_some_and(|gone| !gone.established(now).is_empty())
    }

    /// The registry remembers nothing of an unknown node.
    pub(super) fn forget(&mut self, id: &NodeId) {
        self.gone.remove(id);
    }

    /// Removes a node that was known.
    pub(super) fn lose(&mut self, now: Instant, event: &Event) -> Node {
        let Some(node) = self.nodes.remove(&event.id) else {
            unreachable!("{event:?} of an unknown node")
        };
        assert_eq!((event.kind, event.place), (EventKind::Lost, node.place));
        // After a longer pause the registry treats all nodes as a week old.
        let mut address = node.preferred();
        address.heard = address.heard.max(now - Duration::from_secs(7 * 86_400));
        assert_eq!(address, event.address);
        if let Some(walk) = &mut self.walk {
            walk.met.remove(&event.id);
            walk.owed.remove(&event.id);
        }
        self.gone.insert(event.id.clone(), node.clone());
        node
    }

    /// Reserves a place for a node. False if there is none.
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

    /// Moves on to the next node, or starts again.
    pub(super) fn walk(&mut self, now: Instant, discoverer: &Discoverer<'_>) {
        let nodes = &self.nodes;
        let walk = self.walk.get_or_insert_with(|| {
            let live = nodes.iter().filter(|(_, node)| node.is_live(now)).map(|(id, _)| id.clone());
            Walk { owed: live.collect(), ..Walk::default() }
        });
        if let Some(entry) = discoverer.iter_after(now, walk.last).next() {
            assert!(walk.met.insert(entry.id().clone()), "{} is returned twice", entry.id());
            walk.owed.remove(entry.id());
            walk.last = Some(entry.place());
        } else {
            let missed =
                walk.owed.iter().find(|id| nodes.get(*id).is_some_and(|node| node.is_live(now)));
            assert_eq!(missed, None, "was not returned");
            self.walk = None;
        }
    }

    /// Checks that the discoverer knows the same nodes, with the same data.
    pub(super) fn check(&self, now: Instant, discoverer: &Discoverer<'_>) {
        assert_eq!(discoverer.registry().used(), self.nodes.len());
        // The discoverer reports a loss at most early, never late.
        let expiry = self.nodes.values().map(|node| node.last_heard() + self.lease).min();
        let told = discoverer.registry().next_expiry();
        assert!(told.is_some() == expiry.is_some() && told <= expiry, "{told:?}, not {expiry:?}");
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

    /// Whether the node was heard three times, over half a lease or more: no stranger may take its
    /// place.
    fn is_settled(&self) -> bool {
        self.heard >= 3 && self.last_heard().since(self.found).times(2) >= self.lease
    }

    fn last_heard(&self) -> Instant {
        self.addresses.iter().map(|known| known.address.heard).max().unwrap_or(self.found)
    }

    /// The data that the registry remembers of a lost node.
    fn established(&self, now: Instant) -> Vec<Known> {
        let kept = self.addresses.iter().filter(|known| {
            known.is_established() && known.address.heard + Duration::from_secs(86_400) > now
        });
        kept.map(|known| Known { is_rival: false, ..*known }).collect()
    }

    fn position(&self, socket: SocketAddr) -> Option<usize> {
        self.addresses.iter().position(|known| known.address.socket == socket)
    }

    fn preferred(&self) -> Address {
        let Some(preferred) = self.position(self.preferred).and_then(|at| self.addresses.get(at))
        else {
            unreachable!("{} is not among its addresses", self.preferred)
        };
        preferred.address
    }

    /// The live addresses: the preferred one, then the others by the time of their last
    /// announcement. For equal times, the one that appeared last is first.
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

    /// Notes an announcement from an address. Some addresses are in different networks of ours.
    pub(super) fn hear(
        &mut self,
        address: Address,
        are_apart: &dyn Fn(IpAddr, IpAddr) -> bool,
    ) -> Change {
        self.heard += 1;
        let (now, lease, preferred) = (address.heard, self.lease, self.preferred);
        self.addresses.retain_mut(|known| {
            known.is_rival &= known.address.heard + Duration::from_secs(3600) > now;
            known.address.socket == preferred || known.is_kept(now, lease)
        });
        match self.position(address.socket) {
            Some(_) if address.socket == preferred => self.hear_preferred(address, are_apart),
            Some(position) => self.hear_other(position, address, are_apart),
            None => self.hear_new(address, are_apart),
        }
    }

    /// The addresses in another network that spoke just before have spoken together with this one.
    fn hear_preferred(
        &mut self,
        address: Address,
        are_apart: &dyn Fn(IpAddr, IpAddr) -> bool,
    ) -> Change {
        let (now, lease) = (address.heard, self.lease);
        for known in &mut self.addresses {
            if known.address.socket == address.socket {
                known.renew(address, lease);
            } else if is_together(now.since(known.address.heard), lease)
                && are_apart(known.address.ip(), address.ip())
                && let Some(is_regular) = known.rhythm.waits()
                && known.rhythm.together(is_regular)
            {
                known.is_rival = false;
            }
        }
        Change::Nothing
    }

    fn hear_other(
        &mut self,
        position: usize,
        address: Address,
        are_apart: &dyn Fn(IpAddr, IpAddr) -> bool,
    ) -> Change {
        let (now, lease, preferred) = (address.heard, self.lease, self.preferred());
        let was_contested = self.is_contested(now);
        let (between, silent) = (now.since(preferred.heard), {
            let known = &mut self.addresses[position];
            let silent = now.since(known.address.heard);
            known.renew(address, lease);
            silent
        });
        let quarters = if self.addresses[position].rhythm.is_companion() { 3 } else { 2 };
        if between.times(4) > lease.times(quarters) {
            return self.move_to(address);
        }
        let is_older = Some(position) < self.position(preferred.socket);
        if is_older {
            self.preferred = address.socket;
        }
        let younger = if is_older { self.position(preferred.socket).unwrap() } else { position };
        let younger = &mut self.addresses[younger];
        let is_out_of_step = if !are_apart(preferred.ip(), address.ip()) {
            true
        } else if is_together(between, lease) {
            if younger.rhythm.together(is_regular(silent, lease)) {
                younger.is_rival = false;
            }
            false
        } else {
            !is_older && younger.rhythm.alone(is_regular(silent, lease))
        };
        if is_out_of_step {
            younger.is_rival = true;
            let rival = younger.address.socket;
            if !was_contested {
                return Change::Told(EventKind::Contested { rival }, self.preferred());
            }
        }
        if is_older { Change::Told(EventKind::Moved, address) } else { Change::Nothing }
    }

    fn hear_new(&mut self, address: Address, are_apart: &dyn Fn(IpAddr, IpAddr) -> bool) -> Change {
        let (now, lease, preferred) = (address.heard, self.lease, self.preferred());
        let was_contested = self.is_contested(now);
        let between = now.since(preferred.heard);
        let other = |known: &&Known| known.address.socket != preferred.socket;
        let is_live = |known: &&Known| known.address.heard + lease > now;
        let is_suspicious = self.addresses.iter().any(|known| known.is_rival)
            || self.addresses.iter().filter(other).filter(is_live).count()
                == ADDRESSES_PER_NODE - 1;
        if self.addresses.len() == ADDRESSES_PER_NODE {
            // The youngest is removed, but preferably one that was not established.
            let young = |known: &Known| other(&known) && !known.is_established();
            let gone = self.addresses.iter().rposition(young);
            let gone = gone.or_else(|| self.addresses.iter().rposition(|known| other(&known)));
            self.addresses.remove(gone.unwrap());
        }
        self.addresses.push(Known::new(address));
        let known = self.addresses.last_mut().unwrap();
        if is_suspicious && between.times(2) <= lease {
            known.is_rival = true;
            let rival = address.socket;
            if was_contested {
                return Change::Nothing;
            }
            return Change::Told(EventKind::Contested { rival }, preferred);
        }
        let is_apart = are_apart(preferred.ip(), address.ip());
        if is_apart && !is_suspicious && is_together(between, lease) {
            known.rhythm.together(true);
            return Change::Joined;
        }
        let moved = self.move_to(address);
        self.addresses.last_mut().unwrap().rhythm.alone(true);
        moved
    }

    /// From now on a lookup returns that address, and the node is no longer contested.
    fn move_to(&mut self, address: Address) -> Change {
        self.preferred = address.socket;
        for known in &mut self.addresses {
            (known.is_rival, known.rhythm) = (false, Rhythm::default());
        }
        Change::Told(EventKind::Moved, address)
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
