//! Who is where: a table of fixed size.
//!
//! Each entry is a node with the addresses it was heard at. All work is O(1), whatever names a
//! stranger picks: the hash of a `NodeID` is keyed with a secret that the caller hands in. Expiry
//! is O(1) for each node that expired. Once in a lease all counters of arrivals are halved, which
//! takes longer in a larger registry.
//!
//! # Who gets a place
//!
//! Strangers may want all of them: on a LAN anyone can announce any number of names. Five rules
//! keep places for those that need them.
//!
//! - *While there is room, every node gets a place*, from whatever source it comes.
//! - *A node that is [expected](Registry::expect) has a place*, also while it is not known.
//! - *A node that has been heard for a while is never displaced.* It is established once it was
//!   heard three times, over half a lease or more (with the protocol's times: for 45 s, so with its
//!   third announcement).
//! - *Of the nodes that came from one source address, an eighth of all places at most are
//!   established*, or 8 if that is more. Further ones stay newcomers, however long they speak.
//! - *In a full registry a newcomer displaces a node of the source that brought most names of
//!   late.* Of a few newcomers drawn at random that one goes. If all of them came from sources that
//!   brought fewer names than the newcomer's own, the newcomer is not admitted
//!   ([`Refused::Share`]). If no node can be displaced, it is not admitted either
//!   ([`Refused::Full`]). It can try again with its next announcement.
//!
//! So a host that makes up names displaces its own, from however many addresses it sends. What
//! remains: from eight addresses and more, names that are repeated as a node repeats its own become
//! established and take all places that no established or expected node has, for as long as that
//! goes on.
//!
//! # What is remembered
//!
//! A node that expires stays in its place, with the addresses it was established at, for as long as
//! no newcomer needs the place. It is not known: no lookup finds it. When it comes back within a
//! day, the old address outranks one that appeared meanwhile. Remembered nodes are drawn together
//! with newcomers.
//!
//! # How it is laid out
//!
//! ```text
//! index       2 N places, open addressing with linear probing, from the hash of a NodeID to a place
//! nodes       N entries, each at its place for as long as it is known or remembered
//! joints      for each place: the hash, the source, the rank, and its neighbours in one of two lists:
//!               live   the nodes that are known, the one heard longest ago first
//!               free   places that were given back
//! candidates  the places of newcomers and remembered nodes, in no order, so that one can be drawn
//! sources     counters: how many nodes of which source are established, how many names it brought of late
//! ```
//!
//! All entries live equally long after they were last heard, so the list of the live is in the
//! order of expiry. `places.rs` knows all of this but the nodes.

mod address;
mod entry;
mod index;
mod list;
mod node;
mod places;
mod saved;
mod sources;
mod storage;

use core::net::SocketAddrV4;

use heapless::VecView;

use crate::time::{Duration, Instant};
use crate::wire::NodeId;

pub use address::{Address, LinkId, Sighting};
pub use entry::Entry;
use index::Index;
pub use list::Place;
use node::{Heard, Node};
pub use places::Refused;
use places::{Places, Rank};
pub use saved::Saved;
use sources::{Source, Sources};
pub use storage::Storage;
#[cfg(all(test, feature = "host"))]
pub(crate) use storage::budget;

/// The table, over [`Storage`] that the caller owns. Code that uses it does not depend on its size.
pub struct Registry<'a> {
    nodes: &'a mut VecView<Node>,
    places: Places<'a>,
    lease: Duration,
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
    /// A known node is to be looked up where it was heard now: it had not that address, or has been
    /// silent elsewhere.
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
        /// The node that had to go: it had expired or was a newcomer.
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

impl<'a> Registry<'a> {
    /// An empty registry in that storage, whatever was in it. Entries live for `lease` after they
    /// were last heard.
    ///
    /// `hash_key` is to be random and secret: with it a stranger can make every operation slow, and
    /// foresee which nodes give way.
    #[must_use]
    pub fn new<const N: usize>(
        storage: &'a mut Storage<N>,
        hash_key: [u8; 16],
        lease: Duration,
    ) -> Self {
        storage.nodes.clear();
        let index = Index::new(storage.index.as_flattened_mut(), hash_key);
        let sources = Sources::new(hash_key, &mut storage.established, &mut storage.arrivals);
        let seed = index.hash(b"").into();
        let candidates = storage.candidates.as_mut_view();
        Self {
            nodes: storage.nodes.as_mut_view(),
            places: Places::new(&mut storage.joints, candidates, index, sources, seed),
            lease,
        }
    }

    /// How many nodes it knows, those that expired but were not yet removed among them.
    #[must_use]
    pub fn used(&self) -> usize {
        self.places.used()
    }

    /// How many nodes it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    /// How many established nodes one source may have.
    #[must_use]
    pub fn share(&self) -> usize {
        self.places.share()
    }

    /// How long an entry lives after it was last heard.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Takes note that `id` was heard at `address`, and tells what that changed and which place the
    /// node has.
    ///
    /// [What has expired](Self::pop_expired) is to be removed before: in a full registry, a node
    /// that has expired is overlooked as long as an expected one that expired before it is still
    /// there.
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
        match self.find(id.as_str().as_bytes()) {
            Some(place) => self.hear_at(place, address),
            None => self.admit(id, address),
        }
    }

    /// The same for a node that has a place.
    pub(crate) fn hear_at(
        &mut self,
        place: Place,
        address: Address,
    ) -> Result<(Place, Change), Refused> {
        // Infallible: it was found there.
        let node = self.nodes.get_mut(place.index()).ok_or(Refused::Full)?;
        let now = address.heard;
        if !node.is_known() || node.last_heard() + self.lease <= now {
            return self.come_back(place, address);
        }
        let change = match node.hear(address, self.lease) {
            Heard::Again(silent) => Change::Refreshed { silent },
            Heard::Moved => Change::Moved,
            Heard::Contested(rival) => Change::Contested { preferred: node.preferred(), rival },
        };
        self.places.hear(place, node.is_established(now, self.lease));
        Ok((place, change))
    }

    /// A node is heard that is remembered or expected, or has expired and was not removed yet.
    #[cold]
    fn come_back(&mut self, place: Place, address: Address) -> Result<(Place, Change), Refused> {
        let displaced = self.remove(address.heard, place);
        if let Some(departed) = &displaced
            && self.places.rank(place) == Rank::Free
        {
            // Nothing was worth remembering, and it gave its place back: there is a free one.
            let (place, _) = self.admit(&departed.id, address)?;
            return Ok((place, Change::Added { displaced }));
        }
        self.arrive(place, address);
        Ok((place, Change::Added { displaced }))
    }

    /// Removes one node that has expired, if there is any.
    #[must_use = "a node is gone"]
    pub fn pop_expired(&mut self, now: Instant) -> Option<Departed> {
        let place = self.places.oldest().filter(|place| self.expires_at(*place) <= now)?;
        self.remove(now, place)
    }

    /// When the next node expires.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        self.places.oldest().map(|place| self.expires_at(place))
    }

    /// The node of that name, unless it has expired.
    #[must_use]
    pub fn get(&self, now: Instant, id: &str) -> Option<Entry<'_>> {
        self.at(now, self.find(id.as_bytes())?)
    }

    /// The node at a place, unless it has expired.
    pub(crate) fn at(&self, now: Instant, place: Place) -> Option<Entry<'_>> {
        self.entry(now, place).filter(Entry::is_live)
    }

    /// The nodes that have not expired, in the order of their places, from the one after `last` on
    /// (all if `None`).
    ///
    /// A node keeps its place for as long as it is known. A caller that stops at a place and goes
    /// on after it later misses no node that was known all the while, and meets none twice.
    pub fn iter_after(&self, now: Instant, last: Option<Place>) -> impl Iterator<Item = Entry<'_>> {
        Place::all_after(last, self.nodes.len()).filter_map(move |place| self.at(now, place))
    }

    fn entry(&self, now: Instant, place: Place) -> Option<Entry<'_>> {
        let node = self.nodes.get(place.index())?;
        Some(Entry::new(node, place, now, self.lease))
    }

    /// Keeps a place for a node from now on, whatever else comes, and counts it for no source.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`]: all places are taken by nodes that are known or expected.
    pub fn expect(&mut self, id: &NodeId) -> Result<(), Refused> {
        let place = if let Some(place) = self.find(id.as_str().as_bytes()) {
            place
        } else {
            if !self.places.has_free() {
                let is_remembered = |place: &Place| self.places.rank(*place) == Rank::Remembered;
                let remembered = self.places.candidates().find(is_remembered);
                self.evict(remembered.ok_or(Refused::Full)?);
            }
            self.occupy(Node::absent(id.clone()))?
        };
        self.places.keep(place);
        Ok(())
    }

    /// The nodes that places are kept for, in the order of these places, from the one after `last`
    /// on (all if `None`).
    pub fn expected_after(&self, last: Option<Place>) -> impl Iterator<Item = (Place, &NodeId)> {
        Place::all_after(last, self.nodes.len()).filter_map(|place| {
            let id = self.id(place).filter(|_| self.places.rank(place).is_kept())?;
            Some((place, id))
        })
    }

    /// A node that has no place is heard.
    #[cold]
    fn admit(&mut self, id: &NodeId, address: Address) -> Result<(Place, Change), Refused> {
        let displaced = if self.places.has_free() {
            None
        } else {
            let gone = self.gives_way(address)?;
            let departed = self.departed(gone);
            self.evict(gone);
            departed
        };
        let place = self.occupy(Node::absent(id.clone()))?;
        self.arrive(place, address);
        Ok((place, Change::Added { displaced }))
    }

    /// The place of a node that gives way to one that comes from an address.
    fn gives_way(&mut self, address: Address) -> Result<Place, Refused> {
        let expired = self.places.oldest().filter(|place| {
            self.expires_at(*place) <= address.heard && self.places.rank(*place) != Rank::Expected
        });
        match expired {
            Some(expired) => Ok(expired),
            None => self.places.draw(self.source(address)),
        }
    }

    /// A node arrives at a place that is its own already.
    fn arrive(&mut self, place: Place, address: Address) {
        let source = self.source(address);
        if let Some(node) = self.nodes.get_mut(place.index()) {
            node.arrive(address, self.lease);
        }
        self.places.arrive(place, source, address.heard, self.lease);
    }

    fn source(&self, address: Address) -> Source {
        self.places.source(&address.socket.ip().octets())
    }

    /// Puts a node where none is. It has no rank yet.
    fn occupy(&mut self, node: Node) -> Result<Place, Refused> {
        let hash = self.places.hash(node.id().as_str().as_bytes());
        let place = self.places.take_free(hash).ok_or(Refused::Full)?;
        if let Some(unused) = self.nodes.get_mut(place.index()) {
            *unused = node;
        } else {
            // Infallible: places are given out in order.
            let _ = self.nodes.push(node);
        }
        Ok(place)
    }

    /// A node has expired: it is no longer known.
    fn remove(&mut self, now: Instant, place: Place) -> Option<Departed> {
        let departed = self.departed(place)?;
        let is_remembered = self.nodes.get_mut(place.index())?.depart(now, self.lease);
        self.places.depart(place, is_remembered);
        Some(departed)
    }

    /// A node loses its place, and nothing is remembered of it.
    fn evict(&mut self, place: Place) {
        if let Some(node) = self.nodes.get_mut(place.index()) {
            node.clear();
        }
        self.places.release(place);
    }

    /// The node at a place, if it is known.
    fn departed(&self, place: Place) -> Option<Departed> {
        let node = self.nodes.get(place.index()).filter(|node| node.is_known())?;
        Some(Departed { id: node.id().clone(), address: node.preferred(), place })
    }

    /// The place of the node that has that name: one that is known, remembered or expected. All
    /// such names are valid, whatever the bytes are that are looked for.
    pub(crate) fn find(&self, id: &[u8]) -> Option<Place> {
        self.places.find(self.places.hash(id), |place| {
            self.nodes.get(place.index()).is_some_and(|node| node.id().as_str().as_bytes() == id)
        })
    }

    /// The name of the node at a place.
    pub(crate) fn id(&self, place: Place) -> Option<&NodeId> {
        self.nodes.get(place.index()).map(Node::id)
    }

    fn expires_at(&self, place: Place) -> Instant {
        self.nodes.get(place.index()).map_or(Instant::ZERO, Node::last_heard) + self.lease
    }
}

#[cfg(test)]
mod tests;
