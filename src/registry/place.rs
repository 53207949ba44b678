//! Places of the registry, by number.

use core::num::NonZeroU16;

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
