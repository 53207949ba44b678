//! The contents of a registry, as bytes that outlive the process.
//!
//! All integers are big-endian. Saved state begins with what its ages count from:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |               Magic Number (0x666f6768, "fogh")               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                          Version (3)                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                                                               +
//! |                                                               |
//! +           Boot in which it was saved, 0 if not known          +
//! |                                                               |
//! +                                                               +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                      Time since that boot                     +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                        Time since 1970                        +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                    How long an entry lives                    +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The known nodes and the remembered ones follow, in any order.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             How often heard, 0 if only remembered             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                       For how long known                      +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Addresses   |   Preferred   |        Length of NodeID       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! /                                                               /
//! \                    NodeID (variable length)                   \
//! /                                                               /
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Each is followed by its addresses in the order in which they appeared. The position of the
//! preferred one among them counts from 0.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                How long ago it was heard there                +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                              Link                             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! +                                                               +
//! |                                                               |
//! +        IPv6 Address, or the one that maps to an IPv4 one      +
//! |                                                               |
//! +                                                               +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Port Number          |    Spoken     |R|    Times    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! *Spoken* is for how long the node has spoken there without a pause, in 240ths of a lease, and
//! *Times* how often. *R* is 1 if the address is a rival.
//!
//! The last 8 bytes are a checksum over all before them: `SipHash-1-3` with the key "foghorn's
//! state.". It detects damage, not forgery: a program with permission to write the
//! state can write anything.
//!
//! All times are in milliseconds. The times of a node are ages. So only one thing depends on a
//! clock: how long ago the state was saved, see [`Moment::since`].

mod emit;
mod moment;
mod parse;

use core::fmt;

use crate::limits::{ADDRESSES_PER_NODE, NODE_ID_CAPACITY};

pub use emit::{Emitter, emit};
pub use moment::Moment;
pub use parse::{State, parse};

const MAGIC: u32 = 0x666f_6768;

const VERSION: u32 = 3;

/// Bytes before the first node.
const HEADER: usize = 4 + 4 + 16 + 8 + 8 + 8;

/// Bytes of a node before its name.
const NODE: usize = 4 + 8 + 1 + 1 + 2;

/// Bytes of an address.
const SIGHTING: usize = 8 + 4 + 16 + 2 + 1 + 1;

/// The bit of a rival.
const RIVAL: u8 = 0x80;

/// Bytes after the last node.
const CHECKSUM: usize = 8;

const CHECKSUM_KEY: [u8; 16] = *b"foghorn's state.";

/// Longest piece that is [emitted](emit()) at once, in bytes: a node with all its addresses.
pub const PIECE_CAPACITY: usize = NODE + NODE_ID_CAPACITY + ADDRESSES_PER_NODE * SIGHTING;

const _: () = assert!(PIECE_CAPACITY >= HEADER && PIECE_CAPACITY >= CHECKSUM);
const _: () =
    assert!(ADDRESSES_PER_NODE <= u8::MAX as usize, "a node's addresses are counted by a u8");

/// The bytes that the state of so many nodes has at most.
#[must_use]
pub const fn capacity(nodes: usize) -> usize {
    nodes.saturating_mul(PIECE_CAPACITY).saturating_add(HEADER + CHECKSUM)
}

/// Why bytes are no saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Damaged {
    /// They end too early.
    Truncated,
    /// They start with another magic number: something else was saved.
    Foreign,
    /// They are in a version that this build does not know.
    Version(u32),
    /// They are not those that were saved.
    Checksum,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it was cut short"),
            Self::Foreign => f.write_str("it is not a foghorn's state"),
            Self::Version(version) => {
                write!(f, "another version of foghorn saved it (state version {version})")
            }
            Self::Checksum => f.write_str("its checksum is wrong"),
        }
    }
}

impl core::error::Error for Damaged {}

#[cfg(test)]
mod tests;
