//! A node on its way from one registry to another.

use heapless::Vec;

use super::sighting::Sighting;
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::Instant;
use crate::wire::NodeId;

/// All that a registry knew of a node, to be [restored](super::Registry::restore) in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub id: NodeId,
    /// How often it was heard; 0 if it was only remembered.
    pub heard: u32,
    /// When it was first heard since it is known.
    pub first_heard: Instant,
    /// Its addresses, in the order in which they appeared.
    pub sightings: Vec<Sighting, ADDRESSES_PER_NODE, u8>,
    /// The position of the one that is looked up; the last if there are no more than that.
    pub preferred: usize,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Saved {
    fn format(&self, f: defmt::Formatter<'_>) {
        let sightings = self.sightings.as_slice();
        defmt::write!(
            f,
            "Saved {{ id: {}, heard: {=u32}, first_heard: {}, sightings: {}, preferred: {=usize} }}",
            self.id,
            self.heard,
            self.first_heard,
            sightings,
            self.preferred
        );
    }
}
