//! The places of a registry: which name has which, in what order they expire, and who gives way to
//! whom.
//!
//! It works on numbers and knows nothing of what a place holds, so every table of the registry can
//! use it. All work is O(1), but for the halving of the arrivals once in a lease.

use super::index::Index;
use super::list::{Joint, List, Place};
use super::sources::{Source, Sources};
use crate::random::{Random, half, scaled};
use crate::time::{Duration, Instant};

use heapless::VecView;

/// One source may establish this part of all places...
const SHARE: usize = 8;

/// ...but so many in any case: as many as one daemon announces, if it was not built for more.
const LEAST_SHARE: usize = 8;

/// How many candidates are drawn to find one that gives way.
const DRAWN: usize = 8;

/// What right the holder of a place has to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// Nobody holds it.
    Free,
    /// It is kept for a name that is not known now.
    Kept,
    /// It holds what is remembered of a name, for as long as nobody needs the place. A candidate.
    Remembered,
    /// Its name is known, but may have to give way. A candidate.
    Newcomer,
    /// Its name is known and stays.
    Established,
    /// It is kept for its name, which is known.
    Expected,
}

impl Rank {
    fn is_live(self) -> bool {
        matches!(self, Self::Newcomer | Self::Established | Self::Expected)
    }

    /// Whether the place is kept for its name, known or not.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Self::Kept | Self::Expected)
    }

    fn is_candidate(self) -> bool {
        matches!(self, Self::Remembered | Self::Newcomer)
    }
}

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
    /// Those whose names are known, the one heard longest ago first.
    live: List,
    /// Those that were given back.
    free: List,
    /// How many were given out at least once.
    given: usize,
    /// Those that may have to give way, in no order.
    candidates: &'a mut VecView<Place>,
    used: u16,
    random: Random,
}

impl<'a> Places<'a> {
    /// Nothing is in any place.
    pub(super) fn new(
        joints: &'a mut [Joint],
        candidates: &'a mut VecView<Place>,
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
            live: List::EMPTY,
            free: List::EMPTY,
            given: 0,
            candidates,
            used: 0,
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

    /// The live place that was heard longest ago.
    pub(super) fn oldest(&self) -> Option<Place> {
        self.live.oldest()
    }

    /// The live place that was heard last.
    pub(super) fn newest(&self) -> Option<Place> {
        self.live.newest()
    }

    /// The live places, the one heard longest ago first.
    pub(super) fn live(&self) -> impl Iterator<Item = Place> {
        self.live.iter(self.joints)
    }

    /// The places that may have to give way, in no order.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Place> {
        self.candidates.iter().copied()
    }

    /// Whether a place is free.
    pub(super) fn has_free(&self) -> bool {
        self.free.oldest().is_some() || self.given < self.joints.len()
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

    /// A known name was heard again, and may have become established by that.
    pub(super) fn hear(&mut self, place: Place, is_established: bool) {
        self.live.remove(place, self.joints);
        self.live.push_newest(place, self.joints);
        if is_established {
            self.establish(place);
        }
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

    /// Gives a place back.
    pub(super) fn release(&mut self, place: Place) {
        self.index.remove(place, self.joints);
        self.set_rank(place, Rank::Free);
        self.free.push_newest(place, self.joints);
    }

    /// The place that a newcomer from that source gets if none is free.
    ///
    /// A few candidates are drawn. Of these the one goes whose source brought most names of late,
    /// and of equals one that is only remembered. That a source brought one name alone counts as
    /// nothing. A node whose source brought fewer names than the newcomer's before does not give
    /// way. So a flood of names displaces itself, from however many sources it comes.
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
            (false, true) => {
                self.live.push_newest(place, self.joints);
                self.used = self.used.saturating_add(1);
            }
            (true, false) => {
                self.live.remove(place, self.joints);
                self.used = self.used.saturating_sub(1);
            }
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
