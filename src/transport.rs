//! The seam between the core and whatever carries its datagrams.

use core::net::{Ipv4Addr, SocketAddrV4};

/// One interface's datagrams: a UDP socket of an operating system, or of a network stack on a
/// microcontroller.
pub trait Transport {
    /// What can go wrong besides having to wait.
    type Error;

    /// Receives one datagram: how many of its bytes are in `buffer`, and the IP address it came
    /// from.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none is waiting, else what the transport says.
    fn recv(&mut self, buffer: &mut [u8]) -> nb::Result<(usize, Ipv4Addr), Self::Error>;

    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room for it now, else what the transport says.
    fn send(&mut self, to: SocketAddrV4, datagram: &[u8]) -> nb::Result<(), Self::Error>;
}
