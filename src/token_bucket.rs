//! A few at once and then one each period.

use crate::time::{Duration, Instant};

/// Gives out a few tokens at once and then one each period.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    capacity: u8,
    period: Duration,
    tokens: u8,
    /// When the last token came in; while the bucket is full, when it was last looked at.
    refilled: Instant,
}

impl TokenBucket {
    pub(crate) fn new(capacity: u8, period: Duration) -> Self {
        Self { capacity, period, tokens: capacity, refilled: Instant::ZERO }
    }

    /// Takes a token, if there is any now.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        while self.tokens < self.capacity && self.refilled + self.period <= now {
            self.tokens += 1;
            self.refilled = self.refilled + self.period;
        }
        if self.tokens == self.capacity {
            self.refilled = now;
        }
        let granted = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        granted
    }

    /// From when on the next token can be taken.
    pub(crate) fn ready_at(&self) -> Instant {
        if self.tokens > 0 { Instant::ZERO } else { self.refilled + self.period }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_one_each_period() {
        let mut bucket = TokenBucket::new(3, Duration::from_secs(1));
        let granted = (0..100).filter(|_| bucket.take(at(60_000))).count();
        assert_eq!(granted, 3);
        assert_eq!(bucket.ready_at(), at(61_000));
        assert!(!bucket.take(at(60_999)));
        let granted = (61_000..71_000).filter(|now| bucket.take(at(*now))).count();
        assert_eq!(granted, 10);
        // After a long silence it is full and no fuller.
        let granted = (0..100).filter(|_| bucket.take(at(9_000_000))).count();
        assert_eq!(granted, 3);
    }
}
