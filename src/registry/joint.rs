//! The bookkeeping of each place. It is apart from the place's node, so that it stays in the cache.

use super::place::Place;
use super::rank::Rank;
use super::sources::Source;

/// The number of a slot of the wheel, on all levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(pub(super) u8);

/// A place in the index, in lists and among the candidates.
#[derive(Clone, Copy)]
pub(super) struct Joint {
    hash: [u8; 4],
    /// Where the name came from.
    pub(super) source: Source,
    pub(super) rank: Rank,
    /// Where it is filed, while it is.
    pub(super) slot: Slot,
    /// Its neighbours in the list that it is in.
    pub(super) older: Option<Place>,
    pub(super) newer: Option<Place>,
    /// Its position among the candidates, while it is one.
    pub(super) position: u16,
    /// The next place in the list of those that changed.
    pub(super) next_changed: Option<Place>,
}

impl Joint {
    pub(super) const UNUSED: Self = Self {
        hash: [0; 4],
        source: Source::NONE,
        rank: Rank::Free,
        slot: Slot(0),
        older: None,
        newer: None,
        position: 0,
        next_changed: None,
    };

    /// The hash of the name that is held there.
    pub(super) fn hash(&self) -> u32 {
        u32::from_ne_bytes(self.hash)
    }

    pub(super) fn set_hash(&mut self, hash: u32) {
        self.hash = hash.to_ne_bytes();
    }
}
