//! The right of a name to its place.

/// The right of a name to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// No name has it.
    Free,
    /// It is kept for a name that is not known now.
    Kept,
    /// It holds the memory of a name until a newcomer needs the place. A candidate.
    Remembered,
    /// Its name is known, but may have to give way. A candidate.
    Newcomer,
    /// Its name is known and stays.
    Established,
    /// It is kept for its name, which is known.
    Expected,
}

impl Rank {
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::Newcomer | Self::Established | Self::Expected)
    }

    /// Whether the place is kept for its name, known or not.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Self::Kept | Self::Expected)
    }

    pub(super) fn is_candidate(self) -> bool {
        matches!(self, Self::Remembered | Self::Newcomer)
    }
}
