//! All memory that the daemon needs, in one piece.

#[cfg(test)]
mod budget;

use crate::host::interfaces::query;
use crate::host::server::Buffers;
use crate::limits::{CONTROL_CLIENTS, DATAGRAM_CAPACITY};
use crate::registry::Storage;

/// Room for a daemon that knows up to `N` nodes.
///
/// It consists of zero bytes at first, so as a static it takes no room in the binary, and a page
/// takes memory only once something is stored there.
pub struct Memory<const N: usize> {
    pub(in crate::host) registry: Storage<N>,
    pub(in crate::host) clients: [Buffers; CONTROL_CLIENTS],
    /// The last received datagram, or message of the kernel about interfaces.
    pub(in crate::host) received: [u8; RECEIVED],
}

/// The size of the receive buffer in bytes.
pub(in crate::host) const RECEIVED: usize = query::BUFFER;

const _: () = assert!(RECEIVED >= DATAGRAM_CAPACITY);

impl<const N: usize> Memory<N> {
    /// Empty room.
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
