//! The data of one node.
//!
//! `contest.rs` decides which of its addresses is preferred.
//!
//! Some addresses are remembered after they have fallen silent for a lease:
//!
//! - A *rival* is remembered for an hour, and the contest with it. A claim that pauses and comes
//!   again is not believed a second time.
//! - An *established* address, where the node spoke three times over half a lease or more, is
//!   remembered for a day. When the owner of a name returns there after a reboot, it outranks an
//!   address that appeared meanwhile.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use heapless::Vec;

use super::link_slots::LinkSlots;
use super::rhythm::Rhythm;
use super::saved::Saved;
use super::sighting::{Heard, Stored};
use crate::limits::ADDRESSES_PER_NODE;
use crate::net::{Address, LinkId};
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// How long an established address is remembered after it was last heard.
pub(super) const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// How long a contest is remembered after the rival was last heard.
const CONTEST: Duration = Duration::from_secs(3600);

/// The age of a node that was never heard.
const FOREVER: Duration = Duration::from_millis(u64::MAX);

/// Addresses besides the preferred one.
pub(super) const OTHERS: usize = ADDRESSES_PER_NODE - 1;

/// A node as the registry keeps it. To be read through [`Entry`](super::Entry), which knows what
/// time it is.
///
/// Its fields have no alignment above 2, so that none of its bytes is padding but one.
#[repr(C)]
pub(super) struct Node {
    id: NodeId,
    /// The position of the address that is looked up, in the lower half. The event that waits is
    /// in the upper half.
    state: u8,
    /// How often it was heard since it is known; 0 if it is not known.
    heard: [u8; 4],
    /// When it was first heard since it is known.
    first_heard: [u8; 8],
    /// Its addresses, in the order in which they appeared.
    pub(super) sightings: Vec<Stored, ADDRESSES_PER_NODE, u8>,
}

/// The bits of [`Node::state`] that are a position.
const POSITION: u8 = 0x0f;

/// The other bits.
const FOUND: u8 = 0x10;
const MOVED: u8 = 0x20;
const CONTESTED: u8 = 0x30;

const _: () = assert!(ADDRESSES_PER_NODE <= 16, "a position has 4 bits");

/// The event that waits for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Nothing,
    Found,
    Moved,
    Contested,
}

impl Node {
    /// A node that is not known.
    pub(super) fn absent(id: NodeId) -> Self {
        Self { id, state: 0, heard: [0; 4], first_heard: [0; 8], sightings: Vec::new() }
    }

    /// As it was when it was saved, without the addresses that are forgotten by now. None if no
    /// other is left.
    pub(super) fn restored(now: Instant, saved: &Saved, slots: &mut LinkSlots) -> Option<Self> {
        let mut sightings = Vec::new();
        // The position of the preferred one among those that are kept, or of the one after it.
        let mut preferred = 0;
        for (position, sighting) in saved.sightings.iter().enumerate() {
            if sighting.address.heard + MEMORY > now {
                preferred += usize::from(position < saved.preferred);
                let _ = sightings.push(Stored::restored(sighting, slots));
            }
        }
        let last = sightings.len().checked_sub(1)?;
        Some(Self {
            id: saved.id.clone(),
            state: u8::try_from(preferred.min(last)).ok()?,
            heard: saved.heard.to_ne_bytes(),
            first_heard: saved.first_heard.millis().to_ne_bytes(),
            sightings,
        })
    }

    pub(super) fn id(&self) -> &NodeId {
        &self.id
    }

    /// Where it is looked up.
    pub(super) fn preferred(&self, clock: Instant, slots: &LinkSlots) -> Address {
        let preferred = self.sightings.get(self.preferred_position());
        preferred.map_or(NOWHERE, |sighting| sighting.sighting(clock, slots).address)
    }

    /// The rival that was heard last.
    pub(super) fn rival(&self, clock: Instant, slots: &LinkSlots) -> Option<Address> {
        let rivals = self.sightings.iter().filter(|sighting| sighting.is_rival());
        let last = rivals.max_by_key(|rival| rival.heard(clock))?;
        Some(last.sighting(clock, slots).address)
    }

    /// All of its addresses, live or remembered, in the order in which they appeared.
    pub(super) fn sightings(&self) -> &[Stored] {
        &self.sightings
    }

    /// Which of them is preferred, by its position.
    pub(super) fn preferred_position(&self) -> usize {
        (self.state & POSITION).into()
    }

    /// The event that waits.
    pub(super) fn news(&self) -> News {
        match self.state & !POSITION {
            FOUND => News::Found,
            MOVED => News::Moved,
            CONTESTED => News::Contested,
            _ => News::Nothing,
        }
    }

    /// Sets the event that waits. One that says that the node was found stays.
    pub(super) fn set_news(&mut self, news: News) {
        let bits = match news {
            News::Nothing => 0,
            _ if self.news() == News::Found => FOUND,
            News::Found => FOUND,
            News::Moved => MOVED,
            News::Contested => CONTESTED,
        };
        self.state = self.state & POSITION | bits;
    }

    pub(super) fn first_heard(&self) -> Instant {
        Instant::from_millis(u64::from_ne_bytes(self.first_heard))
    }

    pub(super) fn heard(&self) -> u32 {
        u32::from_ne_bytes(self.heard)
    }

    pub(super) fn set_heard(&mut self, times: u32) {
        self.heard = times.to_ne_bytes();
    }

    /// Whether another address speaks beside the preferred one.
    pub(super) fn is_contested(&self, clock: Instant, now: Instant, lease: Duration) -> bool {
        let mut sightings = self.sightings.iter();
        sightings.any(|sighting| sighting.is_rival() && sighting.heard(clock) + lease > now)
    }

    /// Whether it is contested, or was within the last hour.
    pub(super) fn is_wary(&self) -> bool {
        self.sightings.iter().any(Stored::is_rival)
    }

    /// How long ago it was last heard.
    pub(super) fn age(&self, clock: Instant) -> Duration {
        let ages = self.sightings.iter().map(|sighting| sighting.age(clock));
        ages.min().unwrap_or(FOREVER)
    }

    pub(super) fn last_heard(&self, clock: Instant) -> Instant {
        clock - self.age(clock)
    }

    pub(super) fn is_known(&self) -> bool {
        self.heard != [0; 4]
    }

    /// Whether it was heard often and long enough, when it was heard then, that no newcomer
    /// displaces it. Once it is, it remains so.
    pub(super) fn is_established(&self, last_heard: Instant, lease: Duration) -> bool {
        self.heard() >= 3 && last_heard.since(self.first_heard()).times(2) >= lease
    }

    /// The time when its lease ends, or the memory of it. Never if it is vacant.
    pub(super) fn deadline(&self, clock: Instant, lease: Duration) -> Option<Instant> {
        let span = if self.is_known() { lease } else { MEMORY };
        (!self.sightings.is_empty()).then(|| self.last_heard(clock) + span)
    }

    /// It returns, or is heard for the first time.
    pub(super) fn arrive(&mut self, heard: &Heard, lease: Duration) {
        self.remember(heard.now);
        self.set_heard(1);
        self.first_heard = heard.now.millis().to_ne_bytes();
        let known = self.position(heard);
        if let Some(sighting) = known.and_then(|position| self.sightings.get_mut(position)) {
            sighting.renew(heard, lease);
        }
        let position = known.unwrap_or_else(|| self.add(heard));
        self.prefer(position);
    }

    /// It is no longer known. True if there is something to remember of it.
    pub(super) fn depart(&mut self, now: Instant) -> bool {
        self.set_heard(0);
        self.remember(now);
        !self.sightings.is_empty()
    }

    /// Whether nothing of it is known or remembered but its name.
    pub(super) fn is_vacant(&self) -> bool {
        !self.is_known() && self.sightings.is_empty()
    }

    /// It is neither known nor remembered.
    pub(super) fn clear(&mut self) {
        self.set_heard(0);
        self.state = 0;
        self.sightings.clear();
    }

    /// Keeps the addresses that outlive an absence: the established ones, for a day.
    pub(super) fn remember(&mut self, now: Instant) {
        self.sightings.retain_mut(|sighting| {
            sighting.set_rival(false);
            sighting.is_established() && sighting.heard(now) + MEMORY > now
        });
        self.prefer(0);
    }

    /// Makes each of its addresses as old as one that was heard then.
    pub(super) fn set_all_heard(&mut self, heard: Instant) {
        self.sightings.iter_mut().for_each(|sighting| sighting.set_heard(heard));
    }

    pub(super) fn last_heard_at(&self, position: usize, clock: Instant) -> Instant {
        self.sightings.get(position).map_or(Instant::ZERO, |sighting| sighting.heard(clock))
    }

    pub(super) fn position(&self, heard: &Heard) -> Option<usize> {
        self.sightings.iter().position(|sighting| sighting.is_at(heard))
    }

    pub(super) fn prefer(&mut self, position: usize) {
        self.state = self.state & !POSITION | u8::try_from(position).unwrap_or(0) & POSITION;
    }

    /// From now on it is watched anew which addresses speak in step.
    pub(super) fn end_contest(&mut self) {
        for sighting in &mut self.sightings {
            sighting.set_rival(false);
            sighting.rhythm = Rhythm::default();
        }
    }

    /// How many addresses speak besides the preferred one.
    pub(super) fn live_others(&self, now: Instant, lease: Duration) -> usize {
        self.others().filter(|(_, other)| other.heard(now) + lease > now).count()
    }

    fn others(&self) -> impl DoubleEndedIterator<Item = (usize, &Stored)> {
        let preferred = self.preferred_position();
        self.sightings.iter().enumerate().filter(move |(position, _)| *position != preferred)
    }

    /// Adds an address that it did not have, and returns its position. If there is no room, the
    /// youngest goes that is not established: those that claim a name in vain push out each other,
    /// and not its owner.
    pub(super) fn add(&mut self, heard: &Heard) -> usize {
        if self.sightings.is_full() {
            let youngest = self.others().rev().find(|(_, other)| !other.is_established());
            let gone = youngest.or(self.others().next_back()).map(|(position, _)| position);
            gone.inspect(|gone| self.forget(*gone));
        }
        // Infallible: there is room now.
        let _ = self.sightings.push(Stored::first(heard));
        self.sightings.len() - 1
    }

    /// Drops an address that is not preferred.
    fn forget(&mut self, position: usize) {
        self.sightings.remove(position);
        let preferred = self.preferred_position();
        self.prefer(preferred - usize::from(position < preferred));
    }

    /// Drops each address but the preferred one whose time is over.
    pub(super) fn forget_expired(&mut self, now: Instant, lease: Duration) {
        for position in (0..self.sightings.len()).rev() {
            if position == self.preferred_position() {
                continue;
            }
            let Some(other) = self.sightings.get_mut(position) else { continue };
            let heard = other.heard(now);
            other.set_rival(other.is_rival() && heard + CONTEST > now);
            let kept = if other.is_established() {
                MEMORY
            } else if other.is_rival() {
                CONTEST
            } else {
                lease
            };
            if heard + kept <= now {
                self.forget(position);
            }
        }
    }
}

/// The address of a node that was never heard.
const NOWHERE: Address = Address {
    socket: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
    link: LinkId::NONE,
    heard: Instant::ZERO,
};
