//! How a node gets a place, and which other gives way to it.

use core::net::IpAddr;

use super::node::{News, Node};
use super::rank::Rank;
use super::sighting::Heard;
use super::sources::Source;
use super::{Change, Place, Refused, Registry};
use crate::time::Instant;
use crate::wire::NodeId;

impl Registry<'_> {
    /// A node is heard that is remembered or expected, or has expired and was not removed yet.
    #[cold]
    pub(super) fn come_back(
        &mut self,
        place: Place,
        heard: &Heard,
        claimant: IpAddr,
    ) -> Result<Change, Refused> {
        if !self.places.rank(place).is_live() {
            self.unfile(place);
        } else if self.displaced.is_some() {
            return Err(Refused::Full);
        } else {
            self.unfile(place);
            self.displaced = self.remove(heard.now, place);
            if self.places.rank(place) == Rank::Free
                && let Some(id) = self.displaced.as_ref().map(|departed| departed.id.clone())
            {
                // Nothing was worth remembering, and it gave its place back: there is a free one.
                return self.admit(&id, heard, claimant);
            }
            self.unfile(place);
        }
        self.arrive(place, heard, claimant);
        Ok(Change::Added)
    }

    /// A node that has no place is heard.
    #[cold]
    pub(super) fn admit(
        &mut self,
        id: &NodeId,
        heard: &Heard,
        claimant: IpAddr,
    ) -> Result<Change, Refused> {
        if !self.places.has_free() {
            if self.displaced.is_some() {
                return Err(Refused::Full);
            }
            let gone = self.gives_way(heard.now, claimant)?;
            self.displaced = self.departed(gone);
            self.evict(gone);
        }
        let place = self.occupy(Node::absent(id.clone()))?;
        self.arrive(place, heard, claimant);
        Ok(Change::Added)
    }

    /// The place of a node that gives way to one of that claimant.
    pub(super) fn gives_way(&mut self, now: Instant, claimant: IpAddr) -> Result<Place, Refused> {
        if let Some(overdue) = self.pop_overdue(now) {
            self.file(overdue);
            if self.places.rank(overdue) != Rank::Expected {
                return Ok(overdue);
            }
        }
        self.places.draw(self.source(claimant))
    }

    /// A node arrives at a place that is its own already, and is filed nowhere.
    pub(super) fn arrive(&mut self, place: Place, heard: &Heard, claimant: IpAddr) {
        let source = self.source(claimant);
        if let Some(node) = self.nodes.get_mut(place.index()) {
            node.arrive(heard, self.lease);
        }
        self.places.arrive(place, source, heard.now, self.lease);
        self.file(place);
        self.announce(place, News::Found);
    }

    pub(super) fn source(&self, claimant: IpAddr) -> Source {
        match claimant {
            IpAddr::V4(ip) => self.places.source(&ip.octets()),
            IpAddr::V6(ip) => self.places.source(&ip.octets()),
        }
    }

    /// Puts a node where none is. It has no rank yet.
    pub(super) fn occupy(&mut self, node: Node) -> Result<Place, Refused> {
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

    /// A node loses its place, and nothing is remembered of it.
    pub(super) fn evict(&mut self, place: Place) {
        self.unfile(place);
        if let Some(node) = self.nodes.get_mut(place.index()) {
            node.clear();
        }
        self.places.release(place);
    }
}
