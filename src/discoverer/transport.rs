//! The interface between the core and the transport that carries its datagrams.

use super::{Discoverer, Event, Received, Transmit};
use crate::stats::Rejected;
use crate::time::Instant;

/// Datagrams of all links and protocols: the UDP sockets of an operating system, or of a network
/// stack on a microcontroller.
pub trait Transport {
    /// An error other than having to wait.
    type Error;

    /// Receives one datagram: where it came from, and how many of its bytes are in `buffer`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none is waiting or other work goes first, else the error of the
    /// transport.
    fn recv(&mut self, buffer: &mut [u8]) -> nb::Result<(Received, usize), Self::Error>;

    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room for it now, else the error of the transport. The datagram
    /// is lost in either case: an announcement is repeated.
    fn send(&mut self, transmit: &Transmit, datagram: &[u8]) -> nb::Result<(), Self::Error>;
}

/// The result of one [`step`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step {
    /// Something happened.
    Event(Event),
    /// A datagram counted.
    Heard(Received),
    /// A datagram did not count.
    Rejected(Received, Rejected),
    /// A datagram was sent.
    Sent(Transmit),
}

/// Moves on by one step: hands out an event, else takes in a datagram, else sends one. `buffer` has
/// room for the longest datagram that is to be received, and for
/// [`ANNOUNCEMENT_CAPACITY`](crate::limits::ANNOUNCEMENT_CAPACITY) bytes.
///
/// A program calls [`Discoverer::handle_timeout`] when it wakes, then this until it would block,
/// and waits for a datagram or until [`Discoverer::poll_at`].
///
/// # Errors
///
/// `WouldBlock` when there is nothing to do now, else the error of the transport.
pub fn step<T: Transport>(
    discoverer: &mut Discoverer<'_>,
    transport: &mut T,
    now: Instant,
    buffer: &mut [u8],
) -> nb::Result<Step, T::Error> {
    if let Some(event) = discoverer.poll_event() {
        return Ok(Step::Event(event));
    }
    match transport.recv(buffer) {
        Ok((received, length)) => {
            let datagram = buffer.get(..length).unwrap_or_default();
            return Ok(match discoverer.handle_datagram(now, &received, datagram) {
                Ok(()) => Step::Heard(received),
                Err(reason) => Step::Rejected(received, reason),
            });
        }
        Err(nb::Error::WouldBlock) => {}
        Err(error) => return Err(error),
    }
    let Ok(transmit) = discoverer.poll_transmit(buffer) else { return Err(nb::Error::WouldBlock) };
    transport.send(&transmit, buffer.get(..transmit.length).unwrap_or_default())?;
    Ok(Step::Sent(transmit))
}
