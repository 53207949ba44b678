//! From bytes to the nodes to restore.

use core::hash::Hasher as _;
use core::net::{Ipv6Addr, SocketAddr};
use core::num::NonZeroU128;

use heapless::Vec;
use siphasher::sip::SipHasher13;

use super::{CHECKSUM_KEY, Damaged, MAGIC, Moment, RIVAL, SIGHTING, VERSION};
use crate::net::{Address, LinkId};
use crate::registry::{Saved, Sighting};
use crate::time::{Duration, Instant};
use crate::wire::NodeId;
use crate::wire::cursor::{OutOfBytes, Reader};

/// A state that was saved and is whole.
pub struct State<'a> {
    saved: Moment,
    lease: Duration,
    nodes: Reader<'a>,
}

/// A node as it stands in the bytes.
struct Record<'a> {
    heard: u32,
    known: Duration,
    preferred: usize,
    id: &'a [u8],
    sightings: Reader<'a>,
}

/// Reads all of a state.
///
/// # Errors
///
/// [`Damaged`] says why the bytes are none. Then nothing of them is to be believed.
pub fn parse(bytes: &[u8]) -> Result<State<'_>, Damaged> {
    let mut reader = Reader::new(bytes);
    if reader.u32()? != MAGIC {
        return Err(Damaged::Foreign);
    }
    let version = reader.u32()?;
    if version != VERSION {
        return Err(Damaged::Version(version));
    }
    let (content, checksum) = bytes.split_last_chunk().ok_or(Damaged::Truncated)?;
    let mut hasher = SipHasher13::new_with_key(&CHECKSUM_KEY);
    hasher.write(content);
    if hasher.finish() != u64::from_be_bytes(*checksum) {
        return Err(Damaged::Checksum);
    }
    let mut reader = Reader::new(content);
    // Magic number and version, which were read above.
    reader.u64()?;
    let state = State {
        saved: Moment {
            boot: NonZeroU128::new(reader.u128()?),
            since_boot: Duration::from_millis(reader.u64()?),
            wall: Duration::from_millis(reader.u64()?),
        },
        lease: Duration::from_millis(reader.u64()?),
        nodes: reader.clone(),
    };
    while !reader.is_empty() {
        record(&mut reader)?;
    }
    Ok(state)
}

impl From<OutOfBytes> for Damaged {
    fn from(_: OutOfBytes) -> Self {
        Self::Truncated
    }
}

impl State<'_> {
    /// When it was saved.
    #[must_use]
    pub fn saved(&self) -> &Moment {
        &self.saved
    }

    /// The nodes that were known or remembered, as they are when it is `now` by the core's clock
    /// and `moment` by all others. None if the state can't have been saved before. What a registry
    /// of this build can't hold is left out.
    ///
    /// Entries that were to live shorter than the `lease` that counts now are made older by the
    /// difference, so that they live no longer than they would have.
    pub fn nodes(
        &self,
        now: Instant,
        moment: &Moment,
        lease: Duration,
    ) -> impl Iterator<Item = Saved> {
        let shorter = Duration::from_millis(lease.millis().saturating_sub(self.lease.millis()));
        let passed = moment.since(&self.saved);
        let then =
            passed.and_then(|passed| before(now, passed)).and_then(|then| before(then, shorter));
        let same_boot = moment.is_in_boot_of(&self.saved);
        let mut nodes = self.nodes.clone();
        core::iter::from_fn(move || record(&mut nodes).ok())
            .filter_map(move |record| record.known_at(then?, same_boot))
    }
}

fn record<'a>(reader: &mut Reader<'a>) -> Result<Record<'a>, OutOfBytes> {
    let heard = reader.u32()?;
    let known = Duration::from_millis(reader.u64()?);
    let sightings = usize::from(reader.u8()?);
    let preferred = usize::from(reader.u8()?);
    let id = usize::from(reader.u16()?);
    let id = reader.bytes(id)?;
    let sightings = Reader::new(reader.bytes(sightings * SIGHTING)?);
    Ok(Record { heard, known, preferred, id, sightings })
}

impl Record<'_> {
    /// The node, if its ages count from `then`.
    fn known_at(mut self, then: Instant, same_boot: bool) -> Option<Saved> {
        let mut sightings = Vec::new();
        // The position of the preferred one among those that are kept, or of the one after it.
        let mut preferred = 0;
        for position in 0.. {
            let Ok((age, mut sighting)) = sighting(&mut self.sightings) else { break };
            let Some(heard) = before(then, age) else { continue };
            preferred += usize::from(position < self.preferred);
            sighting.address.heard = heard;
            if !same_boot {
                sighting.address.link = LinkId::NONE;
            }
            // Another build has saved more than there is room for.
            let _ = sightings.push(sighting);
        }
        let id = NodeId::new(self.id).ok()?;
        Some(Saved { id, heard: self.heard, first_heard: then - self.known, sightings, preferred })
    }
}

/// An address, and how long ago the node was heard there.
fn sighting(reader: &mut Reader<'_>) -> Result<(Duration, Sighting), OutOfBytes> {
    let age = Duration::from_millis(reader.u64()?);
    let link = LinkId(reader.u32()?);
    let ip = Ipv6Addr::from_bits(reader.u128()?).to_canonical();
    let socket = SocketAddr::new(ip, reader.u16()?);
    let address = Address { socket, link, heard: Instant::ZERO };
    let spoken = reader.u8()?;
    let times = reader.u8()?;
    let is_rival = times & RIVAL != 0;
    Ok((age, Sighting { address, spoken, times: times & !RIVAL, is_rival }))
}

/// None if that is more than the core's clock can show.
fn before(at: Instant, age: Duration) -> Option<Instant> {
    at.millis().checked_sub(age.millis()).map(Instant::from_millis)
}
