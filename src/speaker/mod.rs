//! Sending and receiving, by protocol.
//!
//! A speaker knows one protocol. It makes [claims](crate::registry::Claim) of the datagrams that it
//! hears, and decides which datagrams to send, and when. All speakers have the same few methods:
//! `hear`, `link_up`, `link_down`, `handle_timeout`, `poll_at` and `poll_transmit`. Each call
//! passes their shared data as a `Context`.

mod own;
pub mod v1;

use core::net::SocketAddr;

pub(crate) use own::OwnNodes;
pub use own::{AnnounceError, Rival};

use crate::net::{LinkId, Links};
use crate::registry::Registry;
use crate::stats::Stats;
use crate::time::Instant;

/// A protocol that foghorn speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Protocol {
    /// The protocol of [`wire::v1`](crate::wire::v1).
    Foghorn,
}

/// A datagram to be sent: its first `length` bytes are in the buffer that was handed to
/// [`Discoverer::poll_transmit`](crate::discoverer::Discoverer::poll_transmit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// The protocol whose socket sends it.
    pub protocol: Protocol,
    /// The link to send it on.
    pub link: LinkId,
    /// To whom: one host, or all hosts of one of our networks there.
    pub to: SocketAddr,
    /// Whether it is for all hosts of a network and not for one alone.
    pub to_group: bool,
    /// How many bytes it has.
    pub length: usize,
}

/// Where a datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Received {
    /// The protocol whose socket received it.
    pub protocol: Protocol,
    /// The link it came by.
    pub link: LinkId,
    /// Its source.
    pub from: SocketAddr,
    /// Whether it was sent to a group of hosts and not to this one alone; true where that is not
    /// known.
    pub to_group: bool,
}

/// The data that all speakers share.
pub(crate) struct Context<'c, 'a> {
    pub(crate) now: Instant,
    pub(crate) links: &'c Links,
    pub(crate) own: &'c mut OwnNodes,
    pub(crate) registry: &'c mut Registry<'a>,
    pub(crate) stats: &'c mut Stats,
}
