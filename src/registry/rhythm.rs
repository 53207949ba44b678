//! Whether two addresses of a node speak in step.
//!
//! A machine with two networks of ours announces itself in both at once, interval by interval.
//! A host in another network that claims its name speaks at times of its own. So two addresses
//! in different networks of ours are *in step* while one speaks within two seconds of the other.
//! After three such rounds they are companions: one machine, and no contest.
//!
//! A machine also speaks in one network alone, when it answers a newcomer there, and some datagrams
//! are lost. So an address is not out of step at once. It is when it has spoken alone twice as a
//! node announces itself, a companion three times, or more often at shorter times.

use crate::time::Duration;

/// Two addresses that speak within this time speak together. With short leases it is a part of
/// these: see [`is_together`].
const TOGETHER: Duration = Duration::from_secs(2);

/// Rounds in step after which two addresses are companions.
const ROUNDS: u8 = 3;

/// An address that has spoken alone so often is out of step.
const OUT_OF_STEP: u8 = 15;

/// An announcement that comes after such a part of a lease or more is a regular one, not an answer.
const REGULAR_PART: u64 = 4;

/// A regular announcement alone counts as often as this.
const REGULAR: u8 = 8;

/// One of a companion counts less. The other's may be lost, and the next may come a moment later.
const COMPANION: u8 = 5;

/// An answer together takes so many alone back.
const FORGIVEN: u8 = 4;

/// How an address has spoken beside the one that is looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rhythm {
    /// The lower half counts how often it spoke alone, and the three bits above that the rounds in
    /// step. The highest bit says whether it spoke regularly when it spoke alone last.
    packed: u8,
}

impl Rhythm {
    /// It spoke together with the other, regularly or not. True if the two are companions from now
    /// on.
    pub(super) fn mark_together(&mut self, is_regular: bool) -> bool {
        let was_companion = self.is_companion();
        if is_regular {
            self.set(self.rounds().saturating_add(1).min(ROUNDS), 0, false);
        } else {
            self.set(self.rounds(), self.alone().saturating_sub(FORGIVEN), false);
        }
        self.is_companion() && !was_companion
    }

    /// It spoke alone. True if it is out of step by that.
    pub(super) fn mark_alone(&mut self, is_regular: bool) -> bool {
        let weight = match (is_regular, self.is_companion()) {
            (false, _) => 1,
            (true, true) => COMPANION,
            (true, false) => REGULAR,
        };
        let alone = self.alone().saturating_add(weight);
        if alone < OUT_OF_STEP {
            self.set(self.rounds(), alone, is_regular);
            return false;
        }
        *self = Self::default();
        true
    }

    /// Whether it spoke regularly when it spoke last, if it has spoken and the other has not yet.
    pub(super) fn is_waiting(self) -> Option<bool> {
        (self.alone() > 0).then_some(self.packed >= 0x80)
    }

    /// Whether the two are companions.
    pub(super) fn is_companion(self) -> bool {
        self.rounds() == ROUNDS
    }

    fn rounds(self) -> u8 {
        (self.packed >> 4) & 0x07
    }

    fn alone(self) -> u8 {
        self.packed & 0x0f
    }

    fn set(&mut self, rounds: u8, alone: u8, is_regular: bool) {
        self.packed = u8::from(is_regular) << 7 | rounds << 4 | alone;
    }
}

/// Whether two announcements with that time between them are one round.
pub(super) fn is_together(between: Duration, lease: Duration) -> bool {
    between <= TOGETHER && between.times(12) <= lease
}

/// Whether an announcement after so long a silence is a regular one.
pub(super) fn is_regular(silent: Duration, lease: Duration) -> bool {
    silent.times(REGULAR_PART) >= lease
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rounds_make_companions_and_one_event() {
        let mut rhythm = Rhythm::default();
        let told = [(); 5].map(|()| rhythm.mark_together(true));
        assert_eq!(told, [false, false, true, false, false]);
    }

    #[test]
    fn answers_make_no_companions() {
        let mut rhythm = Rhythm::default();
        assert!((0..100).all(|_| !rhythm.mark_together(false)));
        assert!(!rhythm.is_companion());
    }

    #[test]
    fn two_regular_announcements_alone_are_out_of_step_and_three_of_a_companion() {
        let mut rhythm = Rhythm::default();
        assert!(!rhythm.mark_alone(true) && rhythm.mark_alone(true));
        for _ in 0..3 {
            rhythm.mark_together(true);
        }
        assert_eq!([(); 4].map(|()| rhythm.mark_alone(true)), [false, false, true, false]);
        // By then it is no companion any more.
        assert!(rhythm.mark_alone(true));
        // A datagram that is lost now and then is no contest.
        for _ in 0..100 {
            assert!(!rhythm.mark_alone(true));
            rhythm.mark_together(true);
        }
    }

    #[test]
    fn answers_are_not_out_of_step_and_a_flood_is() {
        let mut rhythm = Rhythm::default();
        // A burst of answers, and a few late in the interval.
        assert!((0..11).all(|_| !rhythm.mark_alone(false)));
        rhythm.mark_together(true);
        assert_eq!((0..100).position(|_| rhythm.mark_alone(false)), Some(14));
        // A node that answers a few times in each interval is in step, even if each announcement
        // comes soon after an answer.
        for _ in 0..100 {
            assert!((0..4).all(|_| !rhythm.mark_alone(false)));
            rhythm.mark_together(false);
        }
    }

    #[test]
    fn an_address_waits_for_the_other_until_that_has_spoken() {
        let mut rhythm = Rhythm::default();
        assert_eq!(rhythm.is_waiting(), None);
        for is_regular in [true, false] {
            rhythm.mark_alone(is_regular);
            assert_eq!(rhythm.is_waiting(), Some(is_regular));
        }
        rhythm.mark_together(true);
        assert_eq!(rhythm.is_waiting(), None);
    }

    #[test]
    fn a_round_is_two_seconds_and_less_with_short_leases() {
        for (millis, lease, expected) in
            [(2000, 90, true), (2001, 90, false), (250, 3, true), (251, 3, false), (0, 3, true)]
        {
            let between = Duration::from_millis(millis);
            assert_eq!(is_together(between, Duration::from_secs(lease)), expected, "{millis}");
        }
    }

    #[test]
    fn an_announcement_is_regular_after_a_quarter_of_a_lease() {
        for (millis, expected) in [(30_000, true), (22_500, true), (22_499, false), (500, false)] {
            let silent = Duration::from_millis(millis);
            assert_eq!(is_regular(silent, Duration::from_secs(90)), expected, "{millis}");
        }
    }
}
