//! The known nodes and their addresses: a table of fixed size.
//!
//! Each entry is a node with its addresses. All work is O(1), whatever names a stranger picks: the
//! hash of a `NodeID` is keyed with a secret that the caller passes in. Expiry is O(1) for each
//! node that expires. Once in a lease all counters of arrivals are halved, which takes longer in a
//! larger registry.
//!
//! # The right to a place
//!
//! On a LAN any host can announce any number of names. Five rules keep a single host from taking
//! all places.
//!
//! - *While there is room, every node gets a place*, whatever its source.
//! - *A node that is [expected](Registry::expect) has a place*, even while it is not known.
//! - *An established node is never displaced.* A node is established after it was heard three
//!   times over at least half a lease. With the protocol's times that is its third announcement.
//! - *The nodes of one source address get at most an eighth of all places as established nodes*,
//!   or 8 if that is more. Further ones stay newcomers, however long they speak.
//! - *In a full registry a newcomer displaces a node of the source that sent most names lately.*
//!   The registry draws a few newcomers at random and evicts that one. If all of their sources sent
//!   fewer names than the newcomer's own, it refuses the newcomer ([`Refused::Share`]). If no node
//!   can be displaced, it refuses the newcomer as well ([`Refused::Full`]). The newcomer's next
//!   announcement is another try.
//!
//! So a host that invents names displaces its own, however many addresses it uses. One attack
//! remains: with eight addresses or more it can repeat its names as nodes do. These become
//! established, and take all places but those of established and expected nodes for as long as the
//! attack lasts.
//!
//! # Memory of expired nodes
//!
//! An expired node keeps its place and its established addresses until a newcomer needs the place,
//! for a day at most. It is not known: no lookup finds it. When it returns within that day, its old
//! address outranks one that appeared meanwhile. Remembered nodes are drawn together with
//! newcomers.
//!
//! # How it is laid out
//!
//! ```text
//! index       2 N places: from the hash of a NodeID to a place, open addressing, linear probing
//! nodes       N entries, each at its place for as long as it is known or remembered
//! joints      for each place: the hash, the source, the rank, and its neighbours in a list
//! wheel       256 lists of places: when the lease or the memory of which node ends
//! candidates  the places of newcomers and remembered nodes, in no order, so that one can be drawn
//! sources     for each source: how many of its nodes are established, how many names it brought
//! ```
//!
//! `places.rs` knows all of this except the nodes.

mod admission;
mod claim;
mod contest;
mod entry;
mod event;
mod expiry;
mod index;
mod joint;
mod link_slots;
mod list;
mod node;
mod place;
mod places;
mod rank;
mod restore;
mod rhythm;
mod saved;
mod sighting;
mod sources;
mod storage;
mod wheel;

use core::net::IpAddr;

use heapless::VecView;

use crate::net::Links;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

pub use claim::{Claim, Name};
use contest::Outcome;
pub use entry::Entry;
pub use event::{Event, EventKind};
use index::Index;
use link_slots::LinkSlots;
use node::{News, Node};
pub use place::Place;
use places::Places;
pub use places::Refused;
use rank::Rank;
pub use saved::Saved;
use sighting::Heard;
pub use sighting::{PARTS, Sighting};
use sources::Sources;
pub use storage::Storage;
#[cfg(test)]
pub(crate) use storage::budget;

/// A registry that was not touched for so long makes all that it remembers as old as this.
const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The table, over [`Storage`] that the caller owns. Code that uses it does not depend on its size.
pub struct Registry<'a> {
    nodes: &'a mut VecView<Node>,
    places: Places<'a>,
    slots: LinkSlots,
    lease: Duration,
    /// When it was last touched. The times in nodes count back from here.
    clock: Instant,
    /// When a node was last heard.
    last_heard: Option<Instant>,
    /// The event of a node that had to give way, until it is handed out.
    displaced: Option<Event>,
}

/// The change that a claim made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// Nothing but the time it was heard: known node, known address.
    Refreshed {
        /// How long it had been silent there.
        silent: Duration,
    },
    /// A known node speaks in another network of ours, too. It is still looked up where it was.
    Joined,
    /// A known node is looked up at this address from now on: the address is new, or the other one
    /// has been silent.
    Moved,
    /// A known node speaks at two addresses.
    Contested,
    /// A node that was not known.
    Added,
}

impl<'a> Registry<'a> {
    /// An empty registry in that storage, whatever was in it. Entries live for `lease` after they
    /// were last heard, a day at most.
    ///
    /// `hash_key` must be random and secret: with it a stranger can make every operation slow, and
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
        let (joints, slots) = (&mut storage.joints, &mut storage.slots);
        Self {
            nodes: storage.nodes.as_mut_view(),
            places: Places::new(joints, candidates, slots, index, sources, seed),
            slots: LinkSlots::new(),
            lease: lease.min(node::MEMORY),
            clock: Instant::ZERO,
            last_heard: None,
            displaced: None,
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

    /// Takes in a claim, and returns what it changed.
    ///
    /// [Events](Self::poll_event) are to be drained before: in a full registry, a node that has
    /// expired is overlooked as long as an expected one that expired before it is still there, and
    /// at most one node gives way.
    ///
    /// # Errors
    ///
    /// [`Refused`]: the node is not known and gets no place. Nothing has changed.
    pub fn hear(&mut self, claim: &Claim<'_>, links: &Links) -> Result<Change, Refused> {
        self.touch(claim.address.heard);
        let heard = Heard::new(claim.address, &mut self.slots);
        let change = match claim.name {
            Name::Held(place) => self.hear_at(place, &heard, claim.claimant, links)?,
            Name::New(id) => match self.find(id.as_str().as_bytes()) {
                Some(place) => self.hear_at(place, &heard, claim.claimant, links)?,
                None => self.admit(id, &heard, claim.claimant)?,
            },
        };
        self.last_heard = Some(heard.now);
        Ok(change)
    }

    /// A node is heard that has a place.
    #[inline]
    fn hear_at(
        &mut self,
        place: Place,
        heard: &Heard,
        claimant: IpAddr,
        links: &Links,
    ) -> Result<Change, Refused> {
        // Infallible: it was found there.
        let node = self.nodes.get_mut(place.index()).ok_or(Refused::Full)?;
        if !node.is_known() || node.age(heard.now) >= self.lease {
            return self.come_back(place, heard, claimant);
        }
        let (change, news) = match node.hear(heard, self.lease, links) {
            Outcome::Again(silent) => (Change::Refreshed { silent }, News::Nothing),
            Outcome::Joined => (Change::Joined, News::Nothing),
            Outcome::Moved => (Change::Moved, News::Moved),
            Outcome::Contested => (Change::Contested, News::Contested),
        };
        if self.places.rank(place) == Rank::Newcomer && node.is_established(heard.now, self.lease) {
            self.places.establish(place);
        }
        if news != News::Nothing {
            self.announce(place, news);
        }
        Ok(change)
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
        Some(Entry::new(node, place, self, now))
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

    /// When a node was last heard.
    #[must_use]
    pub fn last_heard(&self) -> Option<Instant> {
        self.last_heard
    }

    /// The place of the node that has that name: one that is known, remembered or expected. All
    /// such names are valid, whatever the bytes are that are looked for.
    pub(crate) fn find(&self, id: &[u8]) -> Option<Place> {
        self.places.find(self.places.hash(id), |place| {
            self.nodes.get(place.index()).is_some_and(|node| node.id().as_str().as_bytes() == id)
        })
    }

    /// The name of the node at a place.
    fn id(&self, place: Place) -> Option<&NodeId> {
        self.nodes.get(place.index()).map(Node::id)
    }
}

#[cfg(test)]
mod tests;
