//! What is known of one node at a point in time.

use core::net::SocketAddrV4;

use super::Place;
use super::address::{Address, LinkId, Sighting};
use super::node::Node;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// A node that is known at a point in time.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    node: &'a Node,
    place: Place,
    now: Instant,
    lease: Duration,
}

impl<'a> Entry<'a> {
    pub(super) fn new(node: &'a Node, place: Place, now: Instant, lease: Duration) -> Self {
        Self { node, place, now, lease }
    }

    pub(super) fn is_live(&self) -> bool {
        self.node.is_known() && self.node.last_heard() + self.lease > self.now
    }

    /// Whether it is not known, but something of it is remembered.
    pub(super) fn is_remembered(&self) -> bool {
        !self.node.is_known() && !self.node.sightings().is_empty()
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &'a NodeId {
        self.node.id()
    }

    /// Its place in the registry, the same for as long as it is known.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its live addresses: the one to use first, then the others, the one heard last first. There
    /// is at least one.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + use<'a> {
        self.node.addresses(self.now, self.lease)
    }

    /// The address to use.
    ///
    /// It is the one that the node appeared at last, or if the node is
    /// [contested](Self::is_contested), the oldest that speaks.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.preferred().socket
    }

    /// All its addresses, live or remembered, in the order in which they appeared.
    pub(crate) fn sightings(&self) -> &'a [Sighting] {
        self.node.sightings()
    }

    /// Which of these is preferred, by its position.
    pub(crate) fn preferred_position(&self) -> usize {
        self.node.preferred_position()
    }

    /// Whether several of its addresses speak: it has more than one network card, or somebody
    /// claims its name.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.node.is_contested(self.now, self.lease)
    }

    /// The interface it was last heard on at that address.
    #[must_use]
    pub fn link(&self) -> LinkId {
        self.preferred().link
    }

    /// The preferred address unless that alone has expired.
    fn preferred(&self) -> Address {
        self.addresses().next().unwrap_or(self.node.preferred())
    }

    /// How long ago it was last heard.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.now.since(self.node.last_heard())
    }

    /// For how long it has been known.
    #[must_use]
    pub fn known(&self) -> Duration {
        self.now.since(self.node.first_heard())
    }

    /// In what time it will be forgotten unless it is heard again.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        (self.node.last_heard() + self.lease).since(self.now)
    }

    /// How often it was heard since it is known.
    #[must_use]
    pub fn heard(&self) -> u32 {
        self.node.heard()
    }
}
