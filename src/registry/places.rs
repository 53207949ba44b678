//! The places of a registry: the place of each name, deadlines, and the right to a place.
//!
//! It works on numbers and knows nothing of what a place holds, so every table of the registry can
//! use it. All work is O(1), but for the halving of the arrivals once in a lease.

use super::index::Index;
use super::joint::Joint;
use super::list::List;
use super::place::Place;
use super::rank::Rank;
use super::sources::{Source, Sources};
use super::wheel::{Slots, Wheel};
use crate::random::{Random, half, scaled};
use crate::time::{Duration, Instant};

use heapless::VecView;

/// One source may establish this part of all places...
const SHARE: usize = 8;

/// ...but so many in any case: as many as one daemon announces, if it was not built for more.
const LEAST_SHARE: usize = 8;

/// How many candidates are drawn to find one that gives way.
const DRAWN: usize = 8;

/// Why no place is given to a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refused {
    /// All places are taken by established or expected nodes.
    Full,
    /// Its source brought more names of late than those of the nodes that might give way.
    Share,
}

pub(super) struct Places<'a> {
    joints: &'a mut [Joint],
    index: Index<'a>,
    sources: Sources<'a>,
    /// Those that have a deadline.
    wheel: Wheel<'a>,
    /// Those that were given back.
    free: List,
    /// How many were given out at least once.
    given: usize,
    /// Those that may have to give way, in no order.
    candidates: &'a mut VecView<Place>,
    used: u16,
    /// The first and the last of those that changed.
    changed: Option<(Place, Place)>,
    random: Random,
}

impl<'a> Places<'a> {
    /// Nothing is in any place.
    pub(super) fn new(
        joints: &'a mut [Joint],
        candidates: &'a mut VecView<Place>,
        slots: &'a mut Slots,
        index: Index<'a>,
        sources: Sources<'a>,
        seed: u64,
    ) -> Self {
        joints.fill(Joint::UNUSED);
        candidates.clear();
        Self {
            joints,
            index,
            sources,
            wheel: Wheel::new(slots),
            free: List::EMPTY,
            given: 0,
            candidates,
            used: 0,
            changed: None,
            random: Random(seed),
        }
    }

    /// How many names are known.
    pub(super) fn used(&self) -> usize {
        self.used.into()
    }

    /// How many established nodes one source may have.
    pub(super) fn share(&self) -> usize {
        (self.joints.len() / SHARE).max(LEAST_SHARE)
    }

    pub(super) fn hash(&self, name: &[u8]) -> u32 {
        self.index.hash(name)
    }

    /// The place with that hash that `matches`, if there is one.
    pub(super) fn find(&self, hash: u32, matches: impl Fn(Place) -> bool) -> Option<Place> {
        self.index.find(hash, self.joints, matches)
    }

    /// Where what comes from that address comes from.
    pub(super) fn source(&self, address: &[u8]) -> Source {
        self.sources.source(address)
    }

    pub(super) fn rank(&self, place: Place) -> Rank {
        self.joints.get(place.index()).map_or(Rank::Free, |joint| joint.rank)
    }

    #[cfg(test)]
    pub(super) fn source_of(&self, place: Place) -> Source {
        self.joints.get(place.index()).map_or(Source::NONE, |joint| joint.source)
    }

    #[cfg(test)]
    pub(super) fn established(&self, source: Source) -> usize {
        self.sources.established(source).into()
    }

    /// Files a place under its next deadline, if it is not filed yet: a deadline that moves to a
    /// later time is looked at when the one before has come.
    pub(super) fn file(&mut self, place: Place, deadline: Instant) {
        self.wheel.file(place, deadline, self.joints);
    }

    /// Takes a place out that is filed under a deadline before this time. It may have a later
    /// deadline by now. Then the caller files it again.
    pub(super) fn pop_filed(&mut self, now: Instant) -> Option<Place> {
        self.wheel.pop(now, self.joints)
    }

    /// A time before which no deadline is.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.wheel.next()
    }

    /// Takes note that a place changed.
    pub(super) fn mark_changed(&mut self, place: Place) {
        let Some((first, last)) = self.changed else {
            self.changed = Some((place, place));
            return;
        };
        let is_marked =
            self.joints.get(place.index()).is_none_or(|joint| joint.next_changed.is_some());
        if is_marked || place == last {
            return;
        }
        if let Some(joint) = self.joints.get_mut(last.index()) {
            joint.next_changed = Some(place);
        }
        self.changed = Some((first, place));
    }

    /// Whether a place changed.
    pub(super) fn has_changed(&self) -> bool {
        self.changed.is_some()
    }

    /// The next place that changed, in the order in which they did.
    pub(super) fn pop_changed(&mut self) -> Option<Place> {
        let (first, last) = self.changed?;
        let next = self.joints.get_mut(first.index()).and_then(|joint| joint.next_changed.take());
        self.changed = next.map(|next| (next, last));
        Some(first)
    }

    /// The places that may have to give way, in no order.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Place> {
        self.candidates.iter().copied()
    }

    /// Whether a place is free.
    pub(super) fn has_free(&self) -> bool {
        self.free.oldest().is_some() || self.given < self.joints.len()
    }

    /// Takes a place out that is filed.
    pub(super) fn unfile(&mut self, place: Place) {
        self.wheel.remove(place, self.joints);
    }

    /// Takes a free place for a name with that hash, if there is one. Those that were used before
    /// come first: no page of memory is touched before it is needed.
    pub(super) fn take_free(&mut self, hash: u32) -> Option<Place> {
        let place = if let Some(place) = self.free.oldest() {
            self.free.remove(place, self.joints);
            place
        } else {
            let next =
                Place::from_index(self.given).filter(|next| next.index() < self.joints.len())?;
            self.given += 1;
            next
        };
        self.index.insert(hash, place, self.joints);
        Some(place)
    }

    /// A name is known from now on: it came from that source, just now.
    pub(super) fn arrive(&mut self, place: Place, source: Source, now: Instant, lease: Duration) {
        self.sources.arrived(source, now, lease);
        self.enter(place, source);
    }

    /// A name is known from now on, without having come just now.
    pub(super) fn enter(&mut self, place: Place, source: Source) {
        if let Some(joint) = self.joints.get_mut(place.index()) {
            joint.source = source;
        }
        let is_kept = self.rank(place) == Rank::Kept;
        self.set_rank(place, if is_kept { Rank::Expected } else { Rank::Newcomer });
    }

    /// A newcomer becomes established, unless its source has its share.
    pub(super) fn establish(&mut self, place: Place) {
        let Some(joint) =
            self.joints.get(place.index()).filter(|joint| joint.rank == Rank::Newcomer)
        else {
            return;
        };
        if usize::from(self.sources.established(joint.source)) < self.share() {
            self.set_rank(place, Rank::Established);
        }
    }

    /// A name is no longer known. Something of it is remembered, or not.
    pub(super) fn depart(&mut self, place: Place, is_remembered: bool) {
        match self.rank(place) {
            Rank::Expected => self.set_rank(place, Rank::Kept),
            _ if is_remembered => self.set_rank(place, Rank::Remembered),
            _ => self.release(place),
        }
    }

    /// A place is kept for its name from now on.
    pub(super) fn keep(&mut self, place: Place) {
        let is_live = self.rank(place).is_live();
        self.set_rank(place, if is_live { Rank::Expected } else { Rank::Kept });
    }

    /// Something of the name that has a place is remembered.
    pub(super) fn remember(&mut self, place: Place) {
        if self.rank(place) == Rank::Free {
            self.set_rank(place, Rank::Remembered);
        }
    }

    /// Gives a place back that is not filed.
    pub(super) fn release(&mut self, place: Place) {
        self.index.remove(place, self.joints);
        self.set_rank(place, Rank::Free);
        self.free.push_newest(place, self.joints);
    }

    /// The place that a newcomer from that source gets if none is free.
    ///
    /// A few candidates are drawn. The one with the busiest source gives way: the source that sent
    /// most names lately. Of equals, one that is only remembered gives way. A single name counts as
    /// none. A node never gives way to a newcomer whose source sent more names than its own. So a
    /// flood of names displaces itself, however many sources it has.
    pub(super) fn draw(&mut self, source: Source) -> Result<Place, Refused> {
        let before = self.sources.arrivals(source);
        let mut found = None;
        for _ in 0..DRAWN {
            let position = scaled(half(self.random.next()), self.candidates.len());
            let place = *self.candidates.get(position).ok_or(Refused::Full)?;
            let Some(joint) = self.joints.get(place.index()) else { continue };
            let arrivals = self.sources.arrivals(joint.source);
            let is_remembered = joint.rank == Rank::Remembered;
            let weight = (arrivals.saturating_sub(1), is_remembered);
            let may_go = is_remembered || arrivals >= before;
            if may_go && found.is_none_or(|(most, _)| weight > most) {
                found = Some((weight, place));
            }
        }
        found.map(|(_, place)| place).ok_or(Refused::Share)
    }

    /// Lists and counts follow from the rank.
    fn set_rank(&mut self, place: Place, rank: Rank) {
        let Some(joint) = self.joints.get_mut(place.index()) else { return };
        let (was, source) = (joint.rank, joint.source);
        joint.rank = rank;
        if was.is_candidate() && !rank.is_candidate() {
            self.remove_candidate(place);
        }
        if !was.is_candidate() && rank.is_candidate() {
            self.add_candidate(place);
        }
        if was == Rank::Established {
            self.sources.remove_established(source);
        }
        if rank == Rank::Established {
            self.sources.add_established(source);
        }
        match (was.is_live(), rank.is_live()) {
            (false, true) => self.used = self.used.saturating_add(1),
            (true, false) => self.used = self.used.saturating_sub(1),
            _ => {}
        }
    }

    fn add_candidate(&mut self, place: Place) {
        let position = u16::try_from(self.candidates.len()).unwrap_or(u16::MAX);
        // There is room for all places.
        let _ = self.candidates.push(place);
        if let Some(joint) = self.joints.get_mut(place.index()) {
            joint.position = position;
        }
    }

    fn remove_candidate(&mut self, place: Place) {
        let Some(position) = self.joints.get(place.index()).map(|joint| joint.position) else {
            return;
        };
        if usize::from(position) < self.candidates.len() {
            self.candidates.swap_remove(position.into());
        }
        let moved = self.candidates.get(usize::from(position)).copied();
        if let Some(joint) = moved.and_then(|moved| self.joints.get_mut(moved.index())) {
            joint.position = position;
        }
    }
}
