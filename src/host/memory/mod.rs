//! What the daemon needs room for, in one piece.

#[cfg(test)]
mod budget;

use crate::host::interfaces::query;
use crate::host::server::Buffers;
use crate::limits::{CONTROL_CLIENTS, DATAGRAM_CAPACITY};
use crate::registry::Storage;

/// Room for a daemon that knows up to `N` nodes.
///
/// It is all zero bytes at first, so as a static it takes no room in the binary, and a page of it
/// takes memory only once something is kept there.
pub struct Memory<const N: usize> {
    pub(in crate::host) registry: Storage<N>,
    pub(in crate::host) clients: [Buffers; CONTROL_CLIENTS],
    /// What was received last: a datagram, or what the kernel says of the interfaces.
    pub(in crate::host) received: [u8; RECEIVED],
}

/// Bytes that are received at once.
pub(in crate::host) const RECEIVED: usize = query::BUFFER;

const _: () = assert!(RECEIVED >= DATAGRAM_CAPACITY);

impl<const N: usize> Memory<N> {
    /// Room in which nothing is kept yet.
    #[must_use]
    #[expect(clippy::large_stack_arrays, reason = "meant for a static, where it is on no stack")]
    pub const fn new() -> Self {
        Self {
            registry: Storage::new(),
            clients: [const { Buffers::new() }; CONTROL_CLIENTS],
            received: [0; RECEIVED],
        }
    }
}

impl<const N: usize> Default for Memory<N> {
    fn default() -> Self {
        Self::new()
    }
}
