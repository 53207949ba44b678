//! The memory that a registry works on.

use heapless::Vec;

use super::joint::Joint;
use super::node::Node;
use super::place::Place;
use super::sources::{Arrivals, Established};
use super::wheel::{NO_SLOTS, Slots};

/// The memory of a registry of `N` nodes, 1 to 65,535.
///
/// [`new`](Self::new) is const and empty storage is all zero bytes, so that a `static` of it takes
/// no room in the binary and no page of memory before it is used.
pub struct Storage<const N: usize> {
    pub(super) nodes: Vec<Node, N>,
    pub(super) joints: [Joint; N],
    pub(super) index: [[Option<Place>; 2]; N],
    pub(super) candidates: Vec<Place, N>,
    pub(super) slots: Slots,
    pub(super) established: [Established; N],
    pub(super) arrivals: [Arrivals; N],
}

impl<const N: usize> Storage<N> {
    const FITS: () =
        assert!(N >= 1 && N <= u16::MAX as usize, "a registry holds 1 to 65,535 nodes");

    /// Storage with nothing in it.
    #[must_use]
    pub const fn new() -> Self {
        let () = Self::FITS;
        Self {
            nodes: Vec::new(),
            joints: [Joint::UNUSED; N],
            index: [[None; 2]; N],
            candidates: Vec::new(),
            slots: NO_SLOTS,
            established: [[0; 2]; N],
            arrivals: [[0; 8]; N],
        }
    }
}

impl<const N: usize> Default for Storage<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The memory for each node, in bytes.
#[cfg(test)]
pub(crate) mod budget {
    use core::mem::size_of;

    pub(crate) const NODE: usize = size_of::<super::Node>();
    pub(crate) const JOINT: usize = size_of::<super::Joint>();
    pub(crate) const INDEX: usize = size_of::<[Option<super::Place>; 2]>();
    pub(crate) const CANDIDATE: usize = size_of::<super::Place>();
    pub(crate) const SOURCES: usize =
        size_of::<super::Established>() + size_of::<super::Arrivals>();
    #[cfg(feature = "host")]
    pub(crate) const WHEEL: usize = size_of::<super::Slots>();
    pub(crate) const ENTRY: usize = NODE + JOINT + INDEX + CANDIDATE + SOURCES;
}
