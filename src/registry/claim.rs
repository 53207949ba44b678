//! The statement of a datagram about a node, independent of its protocol.

use core::net::IpAddr;

use super::Place;
use crate::net::Address;
use crate::wire::NodeId;

/// A node by its name.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// The registry has the name, at that place.
    Held(Place),
    /// The registry may not have it.
    New(&'a NodeId),
}

/// A claimant says that a node is at an address.
///
/// It is believed for a lease. It replaces what was said of that address before, and nothing that
/// was said of another.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The node.
    pub name: Name<'a>,
    /// The source of the datagram. Of the names that one claimant brings only a share is
    /// established.
    pub claimant: IpAddr,
    /// Where the node is, on which link that was heard, and when.
    pub address: Address,
}
