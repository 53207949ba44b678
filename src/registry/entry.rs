//! What is known of one node.

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::Vec;

use super::Place;
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// Names an interface. The number means nothing to the core; the host uses the kernel's interface index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// Where a node was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The node's IP address and the TCP port it announced.
    pub socket: SocketAddrV4,
    /// The interface it was last heard on.
    pub link: LinkId,
    /// When it was last heard there.
    pub heard: Instant,
}

/// A node as the registry keeps it. To be read through [`Entry`], which knows what time it is.
pub struct Node {
    /// When it was first heard since it is known.
    first_heard: Instant,
    /// How often it was heard.
    heard: u32,
    id: NodeId,
    /// Freshest first. Empty: no node has this place.
    addresses: Vec<Address, ADDRESSES_PER_NODE, u8>,
}

impl Node {
    pub(super) fn new(id: NodeId, address: Address) -> Self {
        let mut addresses = Vec::new();
        // Infallible: a list of at least one address was empty.
        let _ = addresses.push(address);
        Self { first_heard: address.heard, heard: 1, id, addresses }
    }

    pub(super) fn id(&self) -> &NodeId {
        &self.id
    }

    pub(super) fn freshest(&self) -> Option<Address> {
        self.addresses.first().copied()
    }

    pub(super) fn last_heard(&self) -> Instant {
        self.addresses.first().map_or(Instant::ZERO, |address| address.heard)
    }

    /// Whether it was heard again after the first time.
    pub(super) fn is_established(&self) -> bool {
        self.heard > 1
    }

    /// Puts `address` in front. True if the node was not known to have it.
    pub(super) fn hear(&mut self, address: Address, lease: Duration) -> bool {
        self.heard = self.heard.saturating_add(1);
        let same = |known: &Address| known.socket == address.socket;
        if let Some(first) = self.addresses.first_mut().filter(|first| same(first)) {
            *first = address;
            return false;
        }
        while self.addresses.last().is_some_and(|last| last.heard + lease <= address.heard) {
            self.addresses.pop();
        }
        let known = self.addresses.iter().position(same);
        if let Some(position) = known {
            self.addresses.remove(position);
        } else if self.addresses.is_full() {
            self.addresses.pop();
        }
        // Infallible: there is room now, and the front is always a valid position.
        let _ = self.addresses.insert(0, address);
        known.is_none()
    }

    pub(super) fn clear(&mut self) {
        self.addresses.clear();
    }
}

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
        self.addresses().next().is_some()
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &'a NodeId {
        &self.node.id
    }

    /// Its place in the registry, the same for as long as it is known.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its live addresses, the one heard last first. There is at least one.
    pub fn addresses(&self) -> impl Iterator<Item = &'a Address> + use<'a> {
        let (now, lease) = (self.now, self.lease);
        self.node.addresses.iter().take_while(move |address| address.heard + lease > now)
    }

    /// The address that was heard last.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.node.freshest().map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), |address| address.socket)
    }

    /// The interface it was last heard on.
    #[must_use]
    pub fn link(&self) -> LinkId {
        self.node.freshest().map_or(LinkId(0), |address| address.link)
    }

    /// How long ago it was last heard.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.now.since(self.node.last_heard())
    }

    /// For how long it has been known.
    #[must_use]
    pub fn known(&self) -> Duration {
        self.now.since(self.node.first_heard)
    }

    /// In what time it will be forgotten unless it is heard again.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        (self.node.last_heard() + self.lease).since(self.now)
    }

    /// How often it was heard since it is known.
    #[must_use]
    pub fn heard(&self) -> u32 {
        self.node.heard
    }
}
