//! What is known of one node at a point in time.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::Place;
use super::node::{Address, LinkId, Node};
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

    /// Its live addresses: the one to use first, then the others, the one heard last first. There is at least one.
    pub fn addresses(&self) -> impl Iterator<Item = &'a Address> + use<'a> {
        self.node.addresses(self.now, self.lease)
    }

    /// The address to use.
    ///
    /// It is the one that the node appeared at last, or if the node is [contested](Self::is_contested), the oldest that speaks.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.preferred().socket
    }

    /// All its addresses, live or not, in the order in which they appeared, and which of them is preferred.
    pub(crate) fn history(&self) -> (impl Iterator<Item = &'a Address> + use<'a>, usize) {
        self.node.history()
    }

    /// Whether several of its addresses speak: it has more than one network card, or somebody claims its name.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.node.is_contested() && self.addresses().nth(1).is_some()
    }

    /// The interface it was last heard on at that address.
    #[must_use]
    pub fn link(&self) -> LinkId {
        self.preferred().link
    }

    /// The preferred address unless that alone has expired.
    fn preferred(&self) -> Address {
        self.addresses().next().map_or(self.node.preferred(), |address| *address)
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

    /// The address it came from when it became known.
    #[must_use]
    pub fn source(&self) -> Ipv4Addr {
        self.node.source()
    }

    /// How often it was heard since it is known.
    #[must_use]
    pub fn heard(&self) -> u32 {
        self.node.heard()
    }
}
