//! What is known of one node.

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::Vec;

use super::Place;
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// Names an interface. The number means nothing to the core; the host uses the kernel's interface index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub u32);

/// Where a node was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address {
    /// The node's IP address and the TCP port it announced.
    pub socket: SocketAddrV4,
    /// The interface it was last heard on.
    pub link: LinkId,
    /// When it was last heard there.
    pub heard: Instant,
}

/// A node as the registry keeps it. To be read through [`Entry`], which knows what time it is.
///
/// In the order of fields and on cache lines of its own, since in a large registry each line is a wait for memory: a known node
/// that is heard again needs the first two.
#[repr(C, align(64))]
pub struct Node {
    freshest: Address,
    /// When it was first heard since it is known.
    first_heard: Instant,
    /// How often it was heard; 0 if no node has this place.
    heard: u32,
    /// Where it came from when it became known.
    source: Ipv4Addr,
    id: NodeId,
    /// Its other addresses, freshest first.
    others: Vec<Address, OTHERS, u8>,
}

/// Addresses besides the freshest.
const OTHERS: usize = ADDRESSES_PER_NODE - 1;

impl Node {
    pub(super) fn new(id: NodeId, address: Address) -> Self {
        let source = *address.socket.ip();
        Self { freshest: address, first_heard: address.heard, heard: 1, source, id, others: Vec::new() }
    }

    pub(super) fn id(&self) -> &NodeId {
        &self.id
    }

    pub(super) fn freshest(&self) -> Address {
        self.freshest
    }

    pub(super) fn last_heard(&self) -> Instant {
        self.freshest.heard
    }

    /// The address that it came from when it became known: the one whose share it counts for.
    pub(super) fn source(&self) -> Ipv4Addr {
        self.source
    }

    /// Whether it was heard often and long enough to stay whoever comes. Once it is, it remains so.
    pub(super) fn is_established(&self, lease: Duration) -> bool {
        self.heard >= 3 && self.last_heard().since(self.first_heard).times(2) >= lease
    }

    /// Takes note that it was heard at `address`. True if it was not known to have it.
    pub(super) fn hear(&mut self, address: Address, lease: Duration) -> bool {
        self.heard = self.heard.saturating_add(1);
        let last = core::mem::replace(&mut self.freshest, address);
        if last.socket == address.socket {
            return false;
        }
        while self.others.last().is_some_and(|oldest| oldest.heard + lease <= address.heard) {
            self.others.pop();
        }
        let known = self.others.iter().position(|other| other.socket == address.socket);
        if let Some(position) = known {
            self.others.remove(position);
        } else if self.others.is_full() {
            self.others.pop();
        }
        // Infallible: there is room now, and the front is always a valid position.
        let _ = self.others.insert(0, last);
        known.is_none()
    }

    /// Gives the place back.
    pub(super) fn clear(&mut self) {
        self.heard = 0;
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
        self.node.heard > 0 && self.node.last_heard() + self.lease > self.now
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
        let addresses = core::iter::once(&self.node.freshest).chain(&self.node.others);
        addresses.take_while(move |address| address.heard + lease > now)
    }

    /// The address that was heard last.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.node.freshest.socket
    }

    /// The interface it was last heard on.
    #[must_use]
    pub fn link(&self) -> LinkId {
        self.node.freshest.link
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
