//! When the registry is saved.

use crate::time::{Duration, Instant};

/// A change is saved after this at the latest...
const LATEST: Duration = Duration::from_secs(60);

/// ...and as soon as the daemon is awake for another reason, once this has passed since the last
/// attempt. It is a little less than the protocol's interval, so a daemon that announces saves when
/// it announces and wakes up for nothing else.
const PAUSE: Duration = Duration::from_secs(25);

#[derive(Debug, Default)]
pub(crate) struct SaveTimes {
    /// When saving was last attempted.
    tried: Instant,
    /// When to save at the latest. None if nothing has changed since.
    latest: Option<Instant>,
}

impl SaveTimes {
    /// Notes when a node was last heard. True if it is time to save.
    pub(crate) fn check(&mut self, now: Instant, last_heard: Option<Instant>) -> bool {
        // A node that was heard in the millisecond of the last attempt may have come after it. A
        // node that has expired since is no reason to save.
        if self.latest.is_none() && last_heard >= Some(self.tried) {
            self.latest = Some(now + LATEST);
        }
        self.latest.is_some_and(|latest| latest <= now || now.since(self.tried) >= PAUSE)
    }

    /// Makes the next [`check`](Self::check) true.
    pub(crate) fn request(&mut self) {
        self.latest = Some(Instant::ZERO);
    }

    /// Notes an attempt to save. A failed one is repeated later.
    pub(crate) fn note_attempt(&mut self, now: Instant, failed: bool) {
        self.tried = now;
        self.latest = failed.then(|| now + LATEST);
    }

    pub(crate) fn latest(&self) -> Option<Instant> {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(1_000_000 + millis)
    }

    fn saved_at(millis: u64) -> SaveTimes {
        let mut times = SaveTimes::default();
        times.note_attempt(at(millis), false);
        times
    }

    #[test]
    fn while_nothing_is_heard_nothing_is_saved() {
        let mut times = saved_at(0);
        for last_heard in [None, Some(Instant::ZERO), Some(at(0) - Duration::from_millis(1))] {
            assert!(!times.check(at(1_000_000), last_heard));
            assert_eq!(times.latest(), None);
        }
    }

    #[test]
    fn a_change_is_saved_when_the_daemon_is_awake_and_within_a_minute() {
        for (heard, woken, due) in
            [(0, 0, false), (10_000, 24_999, false), (10_000, 25_000, true), (40_000, 40_000, true)]
        {
            let mut times = saved_at(0);
            assert_eq!(times.check(at(heard), Some(at(heard))), heard >= 25_000);
            assert_eq!(times.latest(), Some(at(heard + 60_000)));
            assert_eq!(times.check(at(woken), Some(at(heard))), due, "{heard} {woken}");
        }
    }

    #[test]
    fn a_daemon_that_announces_does_not_wake_to_save() {
        // The shortest and the longest times between announcements, by turns; a node is heard after
        // each of them.
        let (mut times, mut now) = (saved_at(0), 0);
        for pause in [28_125, 31_875].into_iter().cycle().take(100) {
            let heard = now + 1;
            assert!(!times.check(at(heard), Some(at(heard))));
            now += pause;
            assert!(times.latest() > Some(at(now)));
            assert!(times.check(at(now), Some(at(heard))));
            times.note_attempt(at(now), false);
        }
    }

    #[test]
    fn a_failed_attempt_is_repeated_in_a_minute_and_a_request_is_served_at_once() {
        let mut times = saved_at(0);
        times.note_attempt(at(0), true);
        assert_eq!(times.latest(), Some(at(60_000)));
        assert!(!times.check(at(24_999), None));
        assert!(times.check(at(25_000), None));
        times.note_attempt(at(30_000), false);
        assert!(!times.check(at(100_000), None));
        times.request();
        assert!(times.check(at(100_000), None));
    }
}
