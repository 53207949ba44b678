//! Bytes to announcements and back. One file per format.

pub(crate) mod cursor;
mod node_id;
pub(crate) mod printable;
pub mod v1;

use core::fmt;
use core::num::NonZeroU16;

pub use node_id::{InvalidNodeId, NodeId};

/// The announcement of a node. Its IP address is the source of the datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Announcement {
    /// The node's name.
    pub id: NodeId,
    /// The TCP port it can be reached at.
    pub port: NonZeroU16,
}

/// Why a datagram is no announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Malformed {
    /// It has fewer than 8 bytes, or ends before its `NodeID` does.
    Truncated,
    /// It starts with another magic number: some other program's.
    Foreign,
    /// Its `NodeID` has no bytes.
    EmptyNodeId,
    /// Its `NodeID` has more than [`NODE_ID_CAPACITY`](crate::limits::NODE_ID_CAPACITY) bytes.
    NodeIdTooLong,
    /// Its `NodeID` is not printable UTF-8, or contains white space.
    NodeIdNotPrintable,
    /// Its port is 0.
    NoPort,
}

impl Malformed {
    /// Every reason, in the order in which they are looked for.
    pub const ALL: [Self; 6] = [
        Self::Truncated,
        Self::Foreign,
        Self::EmptyNodeId,
        Self::NodeIdTooLong,
        Self::NodeIdNotPrintable,
        Self::NoPort,
    ];

    /// The reason as one word, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Foreign => "foreign",
            Self::EmptyNodeId => "empty_node_id",
            Self::NodeIdTooLong => "node_id_too_long",
            Self::NodeIdNotPrintable => "node_id_not_printable",
            Self::NoPort => "no_port",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for Malformed {}
