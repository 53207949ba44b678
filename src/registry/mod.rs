//! Who is where: a table of fixed size.
//!
//! Each entry is a node with the addresses it was heard at. All work is O(1), whatever names a stranger picks:
//! the hash of a `NodeID` is keyed with a secret that the caller hands in. Expiry is O(1) for each node that expired.
//!
//! # Who gets a place
//!
//! Strangers may want all of them: on a LAN anyone can announce any number of names. Three rules keep places for those who need them.
//!
//! - *A node that is [expected](Registry::expect) has a place*, also while it is not known.
//! - *A node that has been heard for a while is never displaced.* It is established once it was heard three times, over half a lease or more
//!   (with the protocol's times: for 45 s, so with its third announcement). When all places are taken, a newcomer takes that of a
//!   node that has expired, else of the one that is not established and was heard longest ago. When all are established, it is not admitted
//!   ([`Refused::Full`]) and can try again with its next announcement.
//! - *Nodes that came from one source address hold at most an eighth of all places*, or 8 if that is more. Further ones from there are not
//!   admitted ([`Refused::Share`]). So who makes up names at one address takes nothing from the others, whatever is sent: they hold their share,
//!   and that drains away within a lease.
//!
//! Who does so at eight addresses or forges those of a whole network, and repeats the names, can take all places that no established or
//! expected node has, by and by for as long as it goes on. It can't displace a node that was there before, and within a lease after the end all places it took are free.
//!
//! # How it is laid out
//!
//! ```text
//! index    2 N places, open addressing with linear probing, from the hash of a NodeID to a place
//! nodes    N entries, each at its place for as long as it is known
//! joints   for each place: the hash, and its neighbours in one of three lists:
//!            newcomers     not established, heard longest ago first
//!            established   heard longest ago first
//!            free          places without a node, but for those that are kept for expected ones
//! sources  for each place two counters: how many nodes came from which source address
//! ```
//!
//! All entries live equally long after they were last heard, so both lists are in the order of expiry.

mod entry;
mod index;
mod list;
mod node;
mod saved;
mod sources;
mod storage;

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::VecView;

use crate::time::{Duration, Instant};
use crate::wire::NodeId;

pub use entry::Entry;
use index::Index;
pub use list::Place;
use list::{Joint, List};
pub use node::{Address, LinkId};
use node::{Heard, Node};
pub use saved::Saved;
use sources::Sources;
pub use storage::Storage;
#[cfg(all(test, feature = "host"))]
pub(crate) use storage::budget;

/// One source may hold this part of all places...
const SHARE: usize = 8;

/// ...but so many in any case: as many as one daemon announces, if it was not built for more.
const LEAST_SHARE: usize = 8;

/// The table, over [`Storage`] that the caller owns. Code that uses it does not depend on its size.
pub struct Registry<'a> {
    nodes: &'a mut VecView<Node>,
    joints: &'a mut [Joint],
    index: Index<'a>,
    sources: Sources<'a>,
    live: LiveLists,
    free: List,
    lease: Duration,
    used: u16,
}

/// The nodes, newcomers apart from the established, each list in the order of expiry.
struct LiveLists {
    newcomers: List,
    established: List,
}

impl LiveLists {
    fn of(&mut self, established: bool) -> &mut List {
        if established { &mut self.established } else { &mut self.newcomers }
    }

    /// The heads of both lists: the node that expires next is one of them.
    fn oldest(&self) -> impl Iterator<Item = Place> + use<> {
        [self.newcomers.oldest(), self.established.oldest()].into_iter().flatten()
    }
}

/// What hearing a node changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// Nothing but the time it was heard: known node, known address.
    Refreshed {
        /// How long it had been silent there.
        silent: Duration,
    },
    /// A known node is to be looked up where it was heard now: it had not that address, or has been silent elsewhere.
    Moved,
    /// A known node speaks at two addresses.
    Contested {
        /// Where it is looked up.
        preferred: Address,
        /// The other one.
        rival: SocketAddrV4,
    },
    /// A node that was not known. Where it needed the place of another, that one is told.
    Added {
        /// The node that had to go: it had expired or was not established.
        displaced: Option<Departed>,
    },
}

/// A node that is no longer in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Departed {
    /// Its name.
    pub id: NodeId,
    /// Where it was heard last.
    pub address: Address,
    /// The place it had.
    pub place: Place,
}

/// Why a newcomer is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refused {
    /// The registry is full of established nodes.
    Full,
    /// As many nodes as one source may hold came from its address.
    Share,
}

impl<'a> Registry<'a> {
    /// An empty registry in that storage, whatever was in it. Entries live for `lease` after they were last heard.
    ///
    /// `hash_key` is to be random and secret: who knows it can make every operation slow.
    #[must_use]
    pub fn new<const N: usize>(storage: &'a mut Storage<N>, hash_key: [u8; 16], lease: Duration) -> Self {
        storage.nodes.clear();
        storage.joints.fill(Joint::UNUSED);
        Self {
            nodes: storage.nodes.as_mut_view(),
            joints: &mut storage.joints,
            index: Index::new(storage.index.as_flattened_mut(), hash_key),
            sources: Sources::new(&mut storage.sources, hash_key),
            live: LiveLists { newcomers: List::EMPTY, established: List::EMPTY },
            free: List::EMPTY,
            lease,
            used: 0,
        }
    }

    /// How many nodes it holds, those that expired but were not yet removed among them.
    #[must_use]
    pub fn used(&self) -> usize {
        usize::from(self.used)
    }

    /// How many nodes it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    /// How long an entry lives after it was last heard.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Takes note that `id` was heard at `address`, and tells what that changed and which place the node has.
    ///
    /// [What has expired](Self::pop_expired) is to be removed before: in a full registry, an established node that has expired is overlooked
    /// as long as an expected one that expired before it is still there.
    ///
    /// # Errors
    ///
    /// [`Refused`]: the node is not known and gets no place. Nothing has changed.
    pub fn hear(
        &mut self,
        now: Instant,
        id: &NodeId,
        address: SocketAddrV4,
        link: LinkId,
    ) -> Result<(Place, Change), Refused> {
        let address = Address { socket: address, link, heard: now };
        let hash = self.index.hash(id.as_str());
        let Some(place) = self.find(hash, id.as_str()) else {
            self.check_share(*address.socket.ip())?;
            return self.add(hash, Node::new(id.clone(), address));
        };
        let lease = self.lease;
        // Infallible: it was found at that place.
        let node = self.nodes.get_mut(place.index()).ok_or(Refused::Full)?;
        if !node.is_known() {
            self.arrive(place, Node::new(id.clone(), address));
            return Ok((place, Change::Added { displaced: None }));
        }
        if node.last_heard() + lease <= now {
            return self.renew(place, Node::new(id.clone(), address));
        }
        let was_established = node.is_established(lease);
        let change = match node.hear(address, lease) {
            Heard::Again(silent) => Change::Refreshed { silent },
            Heard::Moved => Change::Moved,
            Heard::Contested(rival) => Change::Contested { preferred: node.preferred(), rival },
        };
        let is_established = node.is_established(lease);
        self.live.of(was_established).remove(place, self.joints);
        self.live.of(is_established).push_newest(place, self.joints);
        Ok((place, change))
    }

    /// Removes one node that has expired, if there is any.
    #[must_use = "a node is gone"]
    pub fn pop_expired(&mut self, now: Instant) -> Option<Departed> {
        let place = self.live.oldest().find(|place| self.expires_at(*place) <= now)?;
        self.remove(place)
    }

    /// When the next node expires.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        self.live.oldest().map(|place| self.expires_at(place)).min()
    }

    /// The node of that name, unless it has expired.
    #[must_use]
    pub fn get(&self, now: Instant, id: &str) -> Option<Entry<'_>> {
        let place = self.find(self.index.hash(id), id)?;
        self.entry(now, place)
    }

    /// The nodes that have not expired, in the order of their places, from the one after `last` on (all if `None`).
    ///
    /// A node keeps its place for as long as it is known: who stops at a place and goes on after it later misses
    /// no node that was known all the while, and meets none twice.
    pub fn iter_after(&self, now: Instant, last: Option<Place>) -> impl Iterator<Item = Entry<'_>> {
        Place::all_after(last, self.nodes.len()).filter_map(move |place| self.entry(now, place))
    }

    fn entry(&self, now: Instant, place: Place) -> Option<Entry<'_>> {
        let node = self.nodes.get(place.index())?;
        let entry = Entry::new(node, place, now, self.lease);
        entry.is_live().then_some(entry)
    }

    /// How many nodes may have come from one source.
    #[must_use]
    pub fn share(&self) -> usize {
        (self.capacity() / SHARE).max(LEAST_SHARE)
    }

    fn check_share(&self, source: Ipv4Addr) -> Result<(), Refused> {
        if self.sources.count(source) < self.share() { Ok(()) } else { Err(Refused::Share) }
    }

    /// Keeps a place for a node from now on, whoever else comes, and counts it for no source.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`]: all places are taken.
    pub fn expect(&mut self, id: &NodeId) -> Result<(), Refused> {
        let hash = self.index.hash(id.as_str());
        if let Some(place) = self.find(hash, id.as_str()) {
            self.leave_lists(place);
            if let Some(node) = self.nodes.get_mut(place.index()) {
                node.expect();
                if node.is_known() {
                    self.enter_lists(place);
                }
            }
            return Ok(());
        }
        self.occupy(hash, Node::expected(id.clone())).map(|_| ())
    }

    /// The nodes that places are kept for, in the order of these places, from the one after `last` on (all if `None`).
    pub fn expected_after(&self, last: Option<Place>) -> impl Iterator<Item = (Place, &NodeId)> {
        Place::all_after(last, self.nodes.len()).filter_map(|place| {
            let node = self.nodes.get(place.index()).filter(|node| node.is_expected())?;
            Some((place, node.id()))
        })
    }

    /// A node comes back after it had expired, to the place that it still has.
    fn renew(&mut self, place: Place, node: Node) -> Result<(Place, Change), Refused> {
        let displaced = self.departed(place);
        let share_of = self.nodes.get(place.index()).and_then(Node::in_share_of);
        if share_of.is_some_and(|source| source != node.source()) {
            self.check_share(node.source())?;
        }
        self.leave_lists(place);
        self.arrive(place, node);
        Ok((place, Change::Added { displaced }))
    }

    /// A node that is not known arrives at a place that is its own already.
    fn arrive(&mut self, place: Place, node: Node) {
        if let Some(kept) = self.nodes.get_mut(place.index()) {
            kept.renew(node);
        }
        self.enter_lists(place);
    }

    /// A known node begins to count and to expire.
    fn enter_lists(&mut self, place: Place) {
        let Some(node) = self.nodes.get(place.index()) else { return };
        if let Some(source) = node.in_share_of() {
            self.sources.add(source);
        }
        // Mostly it was heard just now, and none is newer.
        let (nodes, last_heard) = (&*self.nodes, node.last_heard());
        let is_newer =
            |other: Place| nodes.get(other.index()).is_some_and(|other| other.last_heard() > last_heard);
        self.live.of(node.is_established(self.lease)).insert(place, self.joints, is_newer);
        self.used = self.used.saturating_add(1);
    }

    /// A node no longer counts nor expires, if it did.
    fn leave_lists(&mut self, place: Place) {
        let Some(node) = self.nodes.get(place.index()).filter(|node| node.is_known()) else { return };
        if let Some(source) = node.in_share_of() {
            self.sources.remove(source);
        }
        self.live.of(node.is_established(self.lease)).remove(place, self.joints);
        self.used = self.used.saturating_sub(1);
    }

    fn add(&mut self, hash: u32, node: Node) -> Result<(Place, Change), Refused> {
        let displaced = if self.has_unused_place() { None } else { self.make_room(node.last_heard()) };
        let place = self.occupy(hash, node)?;
        self.enter_lists(place);
        Ok((place, Change::Added { displaced }))
    }

    /// Puts a node where none is.
    fn occupy(&mut self, hash: u32, node: Node) -> Result<Place, Refused> {
        let place = self.unused_place().ok_or(Refused::Full)?;
        if let Some(unused) = self.nodes.get_mut(place.index()) {
            *unused = node;
        } else {
            self.nodes.push(node).map_err(|_| Refused::Full)?;
        }
        self.index.insert(hash, place, self.joints);
        Ok(place)
    }

    fn has_unused_place(&self) -> bool {
        self.free.oldest().is_some() || !self.nodes.is_full()
    }

    /// A place that no node has: one that was given back, or the next that was never given out.
    fn unused_place(&mut self) -> Option<Place> {
        if let Some(place) = self.free.oldest() {
            self.free.remove(place, self.joints);
            return Some(place);
        }
        if self.nodes.is_full() { None } else { Place::from_index(self.nodes.len()) }
    }

    /// Some node goes whose place is not kept for it: one that has expired, or the newcomer that was heard longest ago.
    fn make_room(&mut self, now: Instant) -> Option<Departed> {
        let is_expected = |place: &Place| self.nodes.get(place.index()).is_some_and(Node::is_expected);
        let expired = self.live.oldest().find(|place| self.expires_at(*place) <= now && !is_expected(place));
        let place = expired.or_else(|| self.live.newcomers.oldest())?;
        self.remove(place)
    }

    fn remove(&mut self, place: Place) -> Option<Departed> {
        let departed = self.departed(place)?;
        self.leave_lists(place);
        let node = self.nodes.get_mut(place.index())?;
        node.clear();
        if !node.is_expected() {
            self.index.remove(place, self.joints);
            self.free.push_newest(place, self.joints);
        }
        Some(departed)
    }

    fn departed(&self, place: Place) -> Option<Departed> {
        let node = self.nodes.get(place.index())?;
        Some(Departed { id: node.id().clone(), address: node.preferred(), place })
    }

    fn find(&self, hash: u32, id: &str) -> Option<Place> {
        self.index.find(hash, self.joints, |place| {
            self.nodes.get(place.index()).is_some_and(|node| node.id().as_str() == id)
        })
    }

    fn expires_at(&self, place: Place) -> Instant {
        self.nodes.get(place.index()).map_or(Instant::ZERO, Node::last_heard) + self.lease
    }
}

#[cfg(test)]
mod tests;
