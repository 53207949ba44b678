//! Places, and doubly linked lists of them without an allocation.

use core::num::NonZeroU16;

use super::places::Rank;
use super::sources::Source;

/// The number of an entry's place in the registry, 1 to 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Place(NonZeroU16);

impl Place {
    /// The place of the entry at that index of the table; none beyond 65,534.
    pub(super) fn from_index(index: usize) -> Option<Self> {
        u16::try_from(index.checked_add(1)?).ok().and_then(NonZeroU16::new).map(Self)
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0.get()).saturating_sub(1)
    }

    /// The places after `last` (all if `None`) up to the last of a table of `len` entries.
    pub(super) fn all_after(last: Option<Self>, len: usize) -> impl Iterator<Item = Self> {
        (last.map_or(0, |last| usize::from(last.0.get()))..len).filter_map(Self::from_index)
    }
}

/// What is kept for each place beside what it holds, apart from that so that it stays in the cache.
#[derive(Clone, Copy)]
pub(super) struct Joint {
    /// The hash of the name that is held there.
    pub(super) hash: u32,
    /// Where the name came from.
    pub(super) source: Source,
    pub(super) rank: Rank,
    older: Option<Place>,
    newer: Option<Place>,
    /// Its position among the candidates, while it is one.
    pub(super) position: u16,
}

impl Joint {
    pub(super) const UNUSED: Self = Self {
        hash: 0,
        source: Source::NONE,
        rank: Rank::Free,
        older: None,
        newer: None,
        position: 0,
    };
}

/// A list of places from the oldest to the newest. A place is in at most one list.
pub(super) struct List {
    oldest: Option<Place>,
    newest: Option<Place>,
}

impl List {
    pub(super) const EMPTY: Self = Self { oldest: None, newest: None };

    pub(super) fn oldest(&self) -> Option<Place> {
        self.oldest
    }

    pub(super) fn newest(&self) -> Option<Place> {
        self.newest
    }

    /// The places from the oldest to the newest.
    pub(super) fn iter(&self, joints: &[Joint]) -> impl Iterator<Item = Place> {
        core::iter::successors(self.oldest, |place| joints.get(place.index())?.newer)
    }

    /// Puts a place that is in no list at the newest end.
    pub(super) fn push_newest(&mut self, place: Place, joints: &mut [Joint]) {
        let older = self.newest.replace(place);
        if let Some(joint) = joints.get_mut(place.index()) {
            (joint.older, joint.newer) = (older, None);
        }
        match older.and_then(|older| joints.get_mut(older.index())) {
            Some(older) => older.newer = Some(place),
            None => self.oldest = Some(place),
        }
    }

    /// Takes a place out that is in this list.
    pub(super) fn remove(&mut self, place: Place, joints: &mut [Joint]) {
        let Some(Joint { older, newer, .. }) = joints.get(place.index()).copied() else { return };
        match older.and_then(|older| joints.get_mut(older.index())) {
            Some(joint) => joint.newer = newer,
            None => self.oldest = newer,
        }
        match newer.and_then(|newer| joints.get_mut(newer.index())) {
            Some(joint) => joint.older = older,
            None => self.newest = older,
        }
    }
}
