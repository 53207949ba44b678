//! The times of announcements and answers.

use crate::random::Random;
use crate::time::{Duration, Instant};
use crate::token_bucket::TokenBucket;

/// An answer to a newcomer waits for a random time up to this, so that many nodes do not answer as
/// one.
pub const ANSWER_DELAY: Duration = Duration::from_millis(100);

/// It waits for this at least, so that newcomers that come together are recognised as several.
const LEAST_DELAY: Duration = Duration::from_millis(50);

/// Several newcomers are answered when no other has come for a random time between half of this and
/// all of it.
pub const QUIET: Duration = Duration::from_millis(300);

/// While newcomers keep coming, they are answered after this, or after [`PATIENCE_PER_NODE`] for
/// each known node if that is longer. So all nodes of a LAN together answer fifty times a second,
/// however many they are.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// See [`PATIENCE`].
pub const PATIENCE_PER_NODE: Duration = Duration::from_millis(20);

/// How often an answer to several newcomers is repeated. No layer below repeats a broadcast.
pub const REPEATS: u8 = 4;

/// The time between those, or up to a tenth more.
pub const REPEAT_PERIOD: Duration = Duration::from_millis(500);

/// Answers that may be given on one link in a burst.
pub const ANSWER_BURST: u8 = 5;

/// In what time another answer may be given there after a burst. It takes longer than nodes take to
/// start after a power cut.
pub const ANSWER_PERIOD: Duration = Duration::from_secs(10);

/// A single newcomer may be answered this long after the last one, even when the burst is used up:
/// newcomers that come one by one do not wait for each other.
pub const ALONE_PERIOD: Duration = Duration::from_secs(1);

/// Answers that may be given on all links together in a burst.
pub const ALL_ANSWERS_BURST: u8 = 8;

/// In what time another answer may be given on any link after that.
pub const ALL_ANSWERS_PERIOD: Duration = Duration::from_millis(250);

/// An entry lives for this many intervals after it was last heard.
pub const LEASE_INTERVALS: u64 = 3;

/// Each interval is longer or shorter by up to this part of it, so that nodes that woke together
/// drift apart.
const JITTER_PART: u64 = 16;

/// The times of announcements and answers.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    /// When the next announcement is due; none while there is nothing or nowhere to announce.
    announce_at: Option<Instant>,
    /// How often newcomers may be answered, on all links together.
    pub(crate) answers: TokenBucket,
    random: Random,
}

impl Schedule {
    pub(crate) fn new(interval: Duration, seed: u64) -> Self {
        let answers = TokenBucket::new(ALL_ANSWERS_BURST, ALL_ANSWERS_PERIOD);
        Self { interval, announce_at: None, answers, random: Random(seed) }
    }

    pub(crate) fn announce_at(&self) -> Option<Instant> {
        self.announce_at
    }

    /// An announcement was made, or there is something to announce from now on: the next is due in
    /// an interval.
    pub(crate) fn announced(&mut self, now: Instant) {
        let jitter = self.interval.millis() / JITTER_PART;
        let shortest = Duration::from_millis(self.interval.millis() - jitter);
        self.announce_at =
            Some(now + shortest + up_to(&mut self.random, Duration::from_millis(2 * jitter)));
    }

    pub(crate) fn stop_announcing(&mut self) {
        self.announce_at = None;
    }

    /// When to answer a newcomer that came now.
    pub(crate) fn answer_at(&mut self, now: Instant) -> Instant {
        between(&mut self.random, now + LEAST_DELAY, now + ANSWER_DELAY)
    }

    /// When to answer several, unless another comes.
    pub(crate) fn quiet_at(&mut self, now: Instant) -> Instant {
        let half = Duration::from_millis(QUIET.millis() / 2);
        between(&mut self.random, now + half, now + QUIET)
    }

    /// When to repeat an answer.
    pub(crate) fn repeat_at(&mut self, now: Instant) -> Instant {
        let jitter = Duration::from_millis(REPEAT_PERIOD.millis() / 10);
        between(&mut self.random, now + REPEAT_PERIOD, now + REPEAT_PERIOD + jitter)
    }
}

/// A random span of up to `longest`.
fn up_to(random: &mut Random, longest: Duration) -> Duration {
    Duration::from_millis(random.next() % longest.millis().saturating_add(1))
}

fn between(random: &mut Random, earliest: Instant, latest: Instant) -> Instant {
    earliest + up_to(random, latest.since(earliest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn intervals_vary_by_a_sixteenth_and_keep_their_mean() {
        let interval = Duration::from_secs(32);
        let mut schedule = Schedule::new(interval, 7);
        let mut total = 0;
        for _ in 0..1000 {
            schedule.announced(at(5000));
            let span = schedule.announce_at().unwrap().since(at(5000)).millis();
            assert!((30_000..=34_000).contains(&span), "{span}");
            total += span;
        }
        assert!((31_900..32_100).contains(&(total / 1000)), "{}", total / 1000);
    }

    #[test]
    fn the_shortest_interval_has_no_jitter_to_underflow() {
        let mut schedule = Schedule::new(Duration::from_millis(1), 7);
        schedule.announced(at(0));
        assert_eq!(schedule.announce_at(), Some(at(1)));
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let times = |seed| {
            let mut schedule = Schedule::new(Duration::from_secs(30), seed);
            [(); 5].map(|()| schedule.answer_at(at(0)))
        };
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
    }
}
