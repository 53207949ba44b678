//! From a registry to bytes.

use core::hash::Hasher as _;
use core::num::NonZeroU128;

use siphasher::sip::SipHasher13;

use super::{CHECKSUM_KEY, MAGIC, Moment, PIECE_CAPACITY, RIVAL, VERSION};
use crate::net::mapped;
use crate::registry::{Entry, Registry, Sighting};
use crate::time::{Duration, Instant};
use crate::wire::cursor::{OutOfBytes, Writer};

/// Hands out the bytes of a state, as many as fit at a time, so that there need never be room for
/// all of them.
pub struct Emitter<I> {
    next: Piece,
    saved: Moment,
    now: Instant,
    lease: Duration,
    nodes: I,
    checksum: SipHasher13,
}

/// The part that is emitted next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Header,
    Node,
    Nothing,
}

/// The state of a registry at a point in time, `now` by the core's clock and `saved` by all others.
#[must_use]
pub fn emit<'a>(
    registry: &'a Registry<'_>,
    now: Instant,
    saved: Moment,
) -> Emitter<impl Iterator<Item = Entry<'a>>> {
    Emitter {
        next: Piece::Header,
        saved,
        now,
        lease: registry.lease(),
        nodes: registry.iter_to_save(now),
        checksum: SipHasher13::new_with_key(&CHECKSUM_KEY),
    }
}

impl<'a, I: Iterator<Item = Entry<'a>>> Emitter<I> {
    /// Writes the next bytes to the front of `buffer`, which is to have room for
    /// [`PIECE_CAPACITY`], and returns how many they are: none at the end.
    #[must_use = "they are handed out once"]
    pub fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| room.len() >= PIECE_CAPACITY)
        {
            // Infallible: no piece is longer.
            let length = self.piece(room).unwrap_or(0);
            if length == 0 {
                break;
            }
            self.checksum.write(room.get(..length).unwrap_or_default());
            filled += length;
        }
        filled
    }

    fn piece(&mut self, room: &mut [u8]) -> Result<usize, OutOfBytes> {
        let before = room.len();
        let mut writer = Writer::new(room);
        match self.next {
            Piece::Header => {
                self.next = Piece::Node;
                self.header(&mut writer)?;
            }
            Piece::Node => {
                if let Some(node) = self.nodes.next() {
                    self.node(node, &mut writer)?;
                } else {
                    self.next = Piece::Nothing;
                    writer.u64(self.checksum.finish())?;
                }
            }
            Piece::Nothing => {}
        }
        Ok(before - writer.room())
    }

    fn header(&self, writer: &mut Writer<'_>) -> Result<(), OutOfBytes> {
        writer.u32(MAGIC)?;
        writer.u32(VERSION)?;
        writer.u128(self.saved.boot.map_or(0, NonZeroU128::get))?;
        for time in [self.saved.since_boot, self.saved.wall, self.lease] {
            writer.u64(time.millis())?;
        }
        Ok(())
    }

    fn node(&self, node: Entry<'_>, writer: &mut Writer<'_>) -> Result<(), OutOfBytes> {
        let (id, sightings) = (node.id().as_str().as_bytes(), node.sightings());
        writer.u32(node.heard())?;
        writer.u64(node.known().millis())?;
        writer.u8(u8::try_from(sightings.len()).map_err(|_| OutOfBytes)?)?;
        writer.u8(u8::try_from(node.preferred_position()).map_err(|_| OutOfBytes)?)?;
        writer.u16(u16::try_from(id.len()).map_err(|_| OutOfBytes)?)?;
        writer.bytes(id)?;
        for Sighting { address, spoken, times, is_rival } in sightings {
            writer.u64(self.now.since(address.heard).millis())?;
            writer.u32(address.link.0)?;
            writer.u128(mapped(address.ip()).to_bits())?;
            writer.u16(address.socket.port())?;
            writer.u8(spoken)?;
            writer.u8(if is_rival { times | RIVAL } else { times })?;
        }
        Ok(())
    }
}
