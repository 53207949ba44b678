//! Events of nodes.

use core::net::SocketAddr;

use super::Place;
use crate::net::Address;
use crate::wire::NodeId;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EventKind {
    /// It was not known and now is.
    Found,
    /// Lookups return another address from now on: the node appeared there, or has been silent at
    /// the other.
    Moved,
    /// It speaks at two addresses: it has two cards in one network, or another host claims its
    /// name.
    /// This is reported once, and again after it has spoken at one alone.
    Contested {
        /// The address besides the one that it is looked up at.
        rival: SocketAddr,
    },
    /// It was not heard for three intervals, or had to give way to a newcomer.
    Lost,
}

impl EventKind {
    /// The word for it on the command line and in the control protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Moved => "moved",
            Self::Contested { .. } => "contested",
            Self::Lost => "lost",
        }
    }
}

/// A change of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event {
    /// Its kind.
    pub kind: EventKind,
    /// The node.
    pub id: NodeId,
    /// The address that a lookup returns; for a lost node the last one.
    pub address: Address,
    /// Its place in the registry.
    pub place: Place,
}
