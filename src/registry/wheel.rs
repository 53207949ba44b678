//! Deadlines: places in the order of their deadlines, in slots that grow with the distance.
//!
//! ```text
//! level 0   64 slots of 1 ms
//! level 1   64 slots of 64 ms
//! level 2   64 slots of 4 s
//! level 3   64 slots of 4 minutes: 4.6 hours
//! ```
//!
//! A place is filed in the slot that its deadline falls into, on the lowest level that reaches so
//! far. When the time of a slot comes, its places are taken out one by one. The caller looks what
//! the deadline of each is by then, and files it again if that is still to come. So a deadline that
//! moves to a later time costs nothing before its slot comes: a node that is heard again stays
//! where it is filed. All work is O(1), and for each lease of a node a few steps.

use super::joint::{Joint, Slot};
use super::list::List;
use super::place::Place;
use crate::time::Instant;

/// Levels of slots.
const LEVELS: usize = 4;

/// Bits of a time that one level covers.
const BITS: u32 = 6;

/// Slots of a level.
const SLOTS: u64 = 1 << BITS;

/// The last level.
const LAST: u32 = 3;

/// How far ahead a place is filed at most: so that no slot has places of two rounds.
const REACH: u64 = (SLOTS - 1) << (LAST * BITS);

/// The memory that a wheel works on.
pub(super) type Slots = [List; LEVELS * 64];

/// Slots with nothing in them.
pub(super) const NO_SLOTS: Slots = [List::EMPTY; LEVELS * 64];

/// The slots with their contents.
pub(super) struct Wheel<'a> {
    slots: &'a mut Slots,
    /// For each level a bit for each slot that is not empty.
    occupied: [u64; LEVELS],
    /// All slots before this time are empty.
    time: u64,
    /// Nothing is due before this time. It spares a look at the slots for each datagram.
    due: u64,
}

impl<'a> Wheel<'a> {
    pub(super) fn new(slots: &'a mut Slots) -> Self {
        slots.fill(List::EMPTY);
        Self { slots, occupied: [0; LEVELS], time: 0, due: u64::MAX }
    }

    /// Files a place that is in no list. A deadline that is past is due at once, and one that is
    /// too far away is filed as far as the last level reaches.
    pub(super) fn file(&mut self, place: Place, deadline: Instant, joints: &mut [Joint]) {
        let deadline = deadline.millis().clamp(self.time, self.time.saturating_add(REACH));
        // The highest digit in which it differs from now.
        let level = (u64::BITS - 1 - ((deadline ^ self.time) | 1).leading_zeros()) / BITS;
        let level = level.min(LAST);
        let digit = (deadline >> (level * BITS)) % SLOTS;
        let start = deadline >> (level * BITS) << (level * BITS);
        self.due = self.due.min(start);
        let slot = u64::from(level) * SLOTS + digit;
        // Infallible: there are 256.
        let Ok(number) = u8::try_from(slot) else { return };
        if let Some(list) = self.slots.get_mut(usize::from(number)) {
            list.push_newest(place, joints);
        }
        self.set_occupied(Slot(number), true);
        if let Some(joint) = joints.get_mut(place.index()) {
            joint.slot = Slot(number);
        }
    }

    /// Takes a place out that is filed.
    pub(super) fn remove(&mut self, place: Place, joints: &mut [Joint]) {
        let Some(slot) = joints.get(place.index()).map(|joint| joint.slot) else { return };
        let Some(list) = self.slots.get_mut(usize::from(slot.0)) else { return };
        list.remove(place, joints);
        if list.oldest().is_none() {
            self.set_occupied(slot, false);
        }
    }

    /// A time before which nothing is due; none if nothing is filed.
    pub(super) fn next(&self) -> Option<Instant> {
        self.first().map(|(_, start)| Instant::from_millis(start))
    }

    /// Takes out a place from a slot whose time has passed: it may be due.
    pub(super) fn pop(&mut self, now: Instant, joints: &mut [Joint]) -> Option<Place> {
        let now = now.millis();
        if now >= self.due {
            let first = self.first();
            self.due = first.map_or(u64::MAX, |(_, start)| start);
            if let Some((slot, start)) = first
                && start <= now
            {
                self.time = start;
                let place = self.slots.get(usize::from(slot.0))?.oldest()?;
                self.remove(place, joints);
                return Some(place);
            }
        }
        self.time = self.time.max(now);
        None
    }

    /// The slot that begins first of those that are not empty, and when it begins.
    fn first(&self) -> Option<(Slot, u64)> {
        let mut first = None;
        for (level, occupied) in (0..).zip(self.occupied) {
            if occupied != 0 {
                let time = self.time >> (level * BITS);
                // Infallible: it is less than 64.
                let digit = u32::try_from(time % SLOTS).unwrap_or(0);
                let ahead = u64::from(occupied.rotate_right(digit).trailing_zeros());
                let start = (time + ahead) << (level * BITS);
                if first.is_none_or(|(_, earliest)| start < earliest) {
                    first = Some((level, start));
                }
            }
        }
        let (level, start) = first?;
        let digit = (start >> (level * BITS)) % SLOTS;
        let number = u8::try_from(u64::from(level) * SLOTS + digit).ok()?;
        // A slot of which some places were taken out has begun before.
        Some((Slot(number), start.max(self.time)))
    }

    fn set_occupied(&mut self, slot: Slot, is_occupied: bool) {
        if let Some(level) = self.occupied.get_mut(usize::from(slot.0) / 64) {
            let bit = 1 << (slot.0 % 64);
            *level = if is_occupied { *level | bit } else { *level & !bit };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn place(number: usize) -> Place {
        Place::from_index(number).unwrap()
    }

    /// Takes out all places that are due until then, and files the others again. Returns the due
    /// places in their order, each with the time when it was taken out.
    fn run(
        wheel: &mut Wheel<'_>,
        joints: &mut [Joint],
        deadlines: &[u64],
        until: u64,
    ) -> Vec<(usize, u64)> {
        let mut due = vec![];
        let (mut steps, start) = (0, wheel.time);
        while let Some(now) = wheel.next().filter(|now| *now <= at(until)) {
            while let Some(place) = wheel.pop(now, joints) {
                steps += 1;
                assert!(steps <= 5 * deadlines.len() as u64 * (1 + (until - start) / REACH));
                let deadline = at(deadlines[place.index()]);
                if deadline <= now {
                    due.push((place.index(), now.millis()));
                } else {
                    wheel.file(place, deadline, joints);
                }
            }
        }
        due
    }

    #[test]
    fn each_place_is_due_at_its_deadline_and_at_no_other_time() {
        let mut random = Random(7);
        let deadlines: Vec<_> =
            (0..500).map(|number| random.next() % (1 << (number % 27)) + 1_000_000).collect();
        let mut joints = vec![Joint::UNUSED; 500];
        let mut slots = NO_SLOTS;
        let mut wheel = Wheel::new(&mut slots);
        assert_eq!((wheel.next(), wheel.pop(at(1_000_000), &mut joints)), (None, None));
        for (number, deadline) in deadlines.iter().enumerate() {
            wheel.file(place(number), at(*deadline), &mut joints);
        }
        // Some are taken out again.
        for number in (0..500).step_by(5) {
            wheel.remove(place(number), &mut joints);
        }
        let due = run(&mut wheel, &mut joints, &deadlines, 200_000_000);
        assert_eq!(due.len(), 400);
        assert!(due.iter().all(|(number, now)| number % 5 != 0 && deadlines[*number] == *now));
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn a_deadline_that_is_past_is_due_at_once() {
        let mut joints = vec![Joint::UNUSED; 2];
        let mut slots = NO_SLOTS;
        let mut wheel = Wheel::new(&mut slots);
        assert_eq!(wheel.pop(at(5_000), &mut joints), None);
        wheel.file(place(0), at(3_000), &mut joints);
        assert_eq!(wheel.next(), Some(at(5_000)));
        assert_eq!(wheel.pop(at(5_000), &mut joints), Some(place(0)));
    }

    #[test]
    fn a_place_that_is_filed_for_years_is_due_each_time() {
        let mut joints = vec![Joint::UNUSED; 1];
        let mut slots = NO_SLOTS;
        let mut wheel = Wheel::new(&mut slots);
        let mut now = 7;
        // Steps of a day and of a lease, over many rounds of the last level.
        for number in 0..20_000 {
            let deadline = now + if number % 3 == 0 { 86_400_000 } else { 90_000 };
            wheel.file(place(0), at(deadline), &mut joints);
            assert_eq!(run(&mut wheel, &mut joints, &[deadline], deadline), [(0, deadline)]);
            now = deadline;
        }
    }

    #[test]
    fn after_a_long_sleep_all_is_due() {
        let deadlines = [70, 90_000, 86_400_000];
        let mut joints = vec![Joint::UNUSED; 3];
        let mut slots = NO_SLOTS;
        let mut wheel = Wheel::new(&mut slots);
        for (number, deadline) in deadlines.iter().enumerate() {
            wheel.file(place(number), at(*deadline), &mut joints);
        }
        let now = at(40 * 365 * 86_400_000);
        let mut due: Vec<_> =
            core::iter::from_fn(|| wheel.pop(now, &mut joints)).map(Place::index).collect();
        due.sort_unstable();
        assert_eq!(due, [0, 1, 2]);
    }
}
