//! From a `NodeID` to the place of its entry.
//!
//! Open addressing with linear probing at a load of at most one half. Removal moves later entries
//! of the same run back instead of leaving tombstones, so that the table stays as good as new for
//! years.

use siphasher::sip::SipHasher13;

use super::joint::Joint;
use super::place::Place;
use crate::random::{half, scaled};

pub(super) struct Index<'a> {
    slots: &'a mut [Option<Place>],
    hasher: SipHasher13,
}

impl<'a> Index<'a> {
    pub(super) fn new(slots: &'a mut [Option<Place>], key: [u8; 16]) -> Self {
        slots.fill(None);
        Self { slots, hasher: SipHasher13::new_with_key(&key) }
    }

    pub(super) fn hash(&self, name: &[u8]) -> u32 {
        half(self.hasher.hash(name))
    }

    /// The place with that hash that `matches`, if there is one.
    pub(super) fn find(
        &self,
        hash: u32,
        joints: &[Joint],
        matches: impl Fn(Place) -> bool,
    ) -> Option<Place> {
        let mut slot = self.home(hash);
        // The table is at most half full, so an empty slot ends every search.
        while let Some(place) = self.at(slot) {
            if hash_of(place, joints) == hash && matches(place) {
                return Some(place);
            }
            slot = self.after(slot);
        }
        None
    }

    /// Enters a place that is not in the table.
    pub(super) fn insert(&mut self, hash: u32, place: Place, joints: &mut [Joint]) {
        let mut slot = self.home(hash);
        while self.at(slot).is_some() {
            slot = self.after(slot);
        }
        self.set(slot, Some(place));
        if let Some(joint) = joints.get_mut(place.index()) {
            joint.set_hash(hash);
        }
    }

    /// Takes a place out that is in the table.
    pub(super) fn remove(&mut self, place: Place, joints: &[Joint]) {
        let mut hole = self.home(hash_of(place, joints));
        while let Some(other) = self.at(hole) {
            if other == place {
                break;
            }
            hole = self.after(hole);
        }
        let mut slot = self.after(hole);
        while let Some(later) = self.at(slot) {
            // It may move back into the hole unless the hole lies before where its search starts.
            let start = self.home(hash_of(later, joints));
            if self.distance(start, slot) >= self.distance(hole, slot) {
                self.set(hole, Some(later));
                hole = slot;
            }
            slot = self.after(slot);
        }
        self.set(hole, None);
    }

    /// Where the search for a hash starts: the hash scaled to the length of the table, which is no
    /// power of two.
    fn home(&self, hash: u32) -> usize {
        scaled(hash, self.slots.len())
    }

    fn after(&self, slot: usize) -> usize {
        let next = slot + 1;
        if next < self.slots.len() { next } else { 0 }
    }

    /// How many steps forward it is from one slot to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.slots.len() - from }
    }

    fn at(&self, slot: usize) -> Option<Place> {
        self.slots.get(slot).copied().flatten()
    }

    fn set(&mut self, slot: usize, place: Option<Place>) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = place;
        }
    }
}

fn hash_of(place: Place, joints: &[Joint]) -> u32 {
    joints.get(place.index()).map_or(0, Joint::hash)
}
