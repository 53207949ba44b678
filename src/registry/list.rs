//! Doubly linked lists of places, without an allocation.

use super::joint::Joint;
use super::place::Place;

/// A list of places from the oldest to the newest. A place is in at most one list.
#[derive(Clone, Copy)]
pub(super) struct List {
    oldest: Option<Place>,
    newest: Option<Place>,
}

impl List {
    pub(super) const EMPTY: Self = Self { oldest: None, newest: None };

    pub(super) fn oldest(self) -> Option<Place> {
        self.oldest
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
