//! Version 1 of the announcement protocol: Syncthing's first local discovery protocol (December
//! 2013).
//!
//! One announcement is one UDP datagram. All integers are big-endian.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                   Magic Number (0x00121025)                   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Port Number          |        Length of NodeID       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! /                                                               /
//! \                   NodeID (variable length)                    \
//! /                                                               /
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Four zero bytes follow the `NodeID`, whatever its length: the first implementation sent them, so
//! they are sent here too. A receiver reads no further than the `NodeID`. The node's IP address is
//! the datagram's source.

use core::num::NonZeroU16;

use super::cursor::{OutOfBytes, Reader, Writer};
use super::{Announcement, InvalidNodeId, Malformed, NodeId};

/// The first four bytes of every announcement.
pub const MAGIC: u32 = 0x0012_1025;

/// The UDP port announcements are sent to, unless the network agreed on another.
pub const UDP_PORT: u16 = 21025;

/// Bytes before the `NodeID`.
const HEADER: usize = 8;

/// The bytes after the `NodeID`.
const TRAILER: [u8; 4] = [0; 4];

/// A datagram of this protocol, as far as its lengths are right. Its `NodeID` and its port may be
/// invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    port: u16,
    id: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes a datagram apart.
    ///
    /// # Errors
    ///
    /// [`Malformed::Truncated`] or [`Malformed::Foreign`].
    pub fn new(datagram: &'a [u8]) -> Result<Self, Malformed> {
        // Its length counts before anything else: a few bytes are called truncated whatever they
        // are.
        if datagram.len() < HEADER {
            return Err(Malformed::Truncated);
        }
        let mut reader = Reader::new(datagram);
        if reader.u32()? != MAGIC {
            return Err(Malformed::Foreign);
        }
        let port = reader.u16()?;
        let length = reader.u16()?;
        Ok(Self { port, id: reader.bytes(usize::from(length))? })
    }

    /// The bytes of the `NodeID`.
    #[must_use]
    pub const fn id(&self) -> &'a [u8] {
        self.id
    }

    /// The port.
    ///
    /// # Errors
    ///
    /// [`Malformed::NoPort`]: it is 0.
    pub const fn port(&self) -> Result<NonZeroU16, Malformed> {
        match NonZeroU16::new(self.port) {
            Some(port) => Ok(port),
            None => Err(Malformed::NoPort),
        }
    }

    /// The announcement, if `NodeID` and port are valid.
    ///
    /// # Errors
    ///
    /// [`Malformed`] says why there is none.
    pub fn announcement(&self) -> Result<Announcement, Malformed> {
        let id = NodeId::new(self.id)?;
        Ok(Announcement { id, port: self.port()? })
    }
}

/// Reads one announcement.
///
/// # Errors
///
/// [`Malformed`] says why the datagram is none.
pub fn parse(datagram: &[u8]) -> Result<Announcement, Malformed> {
    Frame::new(datagram)?.announcement()
}

/// Writes one announcement to the front of `buffer` and returns its length in bytes.
/// [`ANNOUNCEMENT_CAPACITY`](crate::limits::ANNOUNCEMENT_CAPACITY) bytes are always enough.
///
/// # Errors
///
/// [`BufferTooSmall`]: nothing that could be sent was written.
pub fn emit(announcement: &Announcement, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
    let id = announcement.id.as_str().as_bytes();
    let length = u16::try_from(id.len()).map_err(|_| BufferTooSmall)?;
    let mut writer = Writer::new(buffer);
    writer.u32(MAGIC)?;
    writer.u16(announcement.port.get())?;
    writer.u16(length)?;
    writer.bytes(id)?;
    writer.bytes(&TRAILER)?;
    Ok(HEADER + id.len() + TRAILER.len())
}

/// The buffer does not hold the announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall;

impl core::fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the buffer is too small for the announcement")
    }
}

impl core::error::Error for BufferTooSmall {}

impl From<OutOfBytes> for BufferTooSmall {
    fn from(_: OutOfBytes) -> Self {
        Self
    }
}

impl From<OutOfBytes> for Malformed {
    fn from(_: OutOfBytes) -> Self {
        Self::Truncated
    }
}

impl From<InvalidNodeId> for Malformed {
    fn from(invalid: InvalidNodeId) -> Self {
        match invalid {
            InvalidNodeId::Empty => Self::EmptyNodeId,
            InvalidNodeId::TooLong => Self::NodeIdTooLong,
            InvalidNodeId::NotPrintable => Self::NodeIdNotPrintable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ANNOUNCEMENT_CAPACITY, NODE_ID_CAPACITY};
    use proptest::prelude::*;

    /// Captured from the first implementation: `NodeID` "alpha" at port 22001.
    const ALPHA: &[u8] = b"\x00\x12\x10\x25\x55\xf1\x00\x05alpha\0\0\0\0";

    /// Captured from the first implementation: a `NodeID` as it makes them, at port 22000.
    const SYNCTHING: &[u8] =
        b"\x00\x12\x10\x25\x55\xf0\x00\x34P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ\0\0\0\0";

    fn announcement(id: &str, port: u16) -> Announcement {
        Announcement { id: NodeId::try_from(id).unwrap(), port: NonZeroU16::new(port).unwrap() }
    }

    fn datagram(port: u16, length: u16, rest: &[u8]) -> Vec<u8> {
        [&MAGIC.to_be_bytes(), &port.to_be_bytes()[..], &length.to_be_bytes(), rest].concat()
    }

    #[test]
    fn golden_bytes_both_ways() {
        for (bytes, id, port) in [
            (ALPHA, "alpha", 22001),
            (SYNCTHING, "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ", 22000),
        ] {
            assert_eq!(parse(bytes), Ok(announcement(id, port)));
            let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
            let length = emit(&announcement(id, port), &mut buffer).unwrap();
            assert_eq!(&buffer[..length], bytes);
            assert!(buffer[length..].iter().all(|byte| *byte == 0xa5));
        }
    }

    #[test]
    fn bytes_after_the_node_id_are_ignored() {
        let expected = Ok(announcement("alpha", 22001));
        assert_eq!(parse(&ALPHA[..13]), expected);
        assert_eq!(parse(&[ALPHA, &[0xff; 500]].concat()), expected);
    }

    #[test]
    fn each_reason_to_reject_has_its_own_error() {
        let long = [b'x'; NODE_ID_CAPACITY + 1];
        let long_length = u16::try_from(long.len()).unwrap();
        for (bytes, reason) in [
            (vec![], Malformed::Truncated),
            (ALPHA[..7].to_vec(), Malformed::Truncated),
            (ALPHA[..12].to_vec(), Malformed::Truncated),
            (b"hello".to_vec(), Malformed::Truncated),
            (b"GET / HTTP/1.1".to_vec(), Malformed::Foreign),
            (datagram(1, 0, b""), Malformed::EmptyNodeId),
            (datagram(1, 0, b"\0\0\0\0"), Malformed::EmptyNodeId),
            (datagram(1, 0xffff, &[0; 8]), Malformed::Truncated),
            (datagram(1, long_length, &long), Malformed::NodeIdTooLong),
            (datagram(1, 3, b"a b"), Malformed::NodeIdNotPrintable),
            (datagram(1, 2, b"\xff\xff"), Malformed::NodeIdNotPrintable),
            (datagram(0, 3, b"nas"), Malformed::NoPort),
        ] {
            assert_eq!(parse(&bytes), Err(reason), "{bytes:x?}");
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_is_refused() {
        let mut buffer = [0; 16];
        assert_eq!(emit(&announcement("alpha", 22001), &mut buffer), Err(BufferTooSmall));
        assert_eq!(emit(&announcement("alpha", 22001), &mut []), Err(BufferTooSmall));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_rejected(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_bytes_after_the_magic_are_parsed_or_rejected(
            port: u16, length in 0..80_u16, rest in proptest::collection::vec(0x1f..0x82_u8, 0..100)
        ) {
            let complete = rest.len() >= usize::from(length);
            let parsed = parse(&datagram(port, length, &rest));
            prop_assert_eq!(parsed == Err(Malformed::Truncated), !complete);
            if let Ok(parsed) = parsed {
                prop_assert_eq!(parsed.id.as_str().as_bytes(), &rest[..usize::from(length)]);
                prop_assert_eq!(parsed.port.get(), port);
            }
        }

        #[test]
        fn everything_emitted_parses_back(id in "[!-~é語]{1,21}", port in 1..=u16::MAX) {
            let announcement = announcement(&id, port);
            let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
            let length = emit(&announcement, &mut buffer).unwrap();
            prop_assert_eq!(length, id.len() + 12);
            prop_assert_eq!(parse(&buffer[..length]), Ok(announcement));
        }
    }
}
