//! Points in time and spans of it, in milliseconds.
//!
//! The core has no clock: the program that drives it says what time it is. The origin is arbitrary
//! (the daemon uses the time since boot), only differences count. All arithmetic saturates.
//!
//! Both types convert from and to the standard library's `Duration`. Its `Instant` has no origin,
//! so a program chooses one:
//!
//! ```
//! use foghorn::time::Instant;
//!
//! let origin = std::time::Instant::now();
//! // In the loop:
//! let now = Instant::from(origin.elapsed());
//! # let due = now;
//! // And to wait until an instant `due`:
//! let wait = std::time::Duration::from(due.since(now));
//! ```

use core::fmt;
use core::ops::{Add, Sub};

/// A point in time: milliseconds since an arbitrary origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// The instant that many milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is still to come.
    #[must_use]
    // Not inlined, nor are sums: on 32-bit machines each takes 30 bytes, and there are many.
    #[inline(never)]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of that many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// A span of that many seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Its length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Its length in whole seconds, rounded down.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// The span that many times over.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    #[inline(never)]
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// Rounds down to the millisecond. A span that is too long becomes the longest.
impl From<core::time::Duration> for Duration {
    fn from(span: core::time::Duration) -> Self {
        Self(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<Duration> for core::time::Duration {
    fn from(span: Duration) -> Self {
        Self::from_millis(span.0)
    }
}

/// The instant that long after the origin.
impl From<core::time::Duration> for Instant {
    fn from(since_origin: core::time::Duration) -> Self {
        Self(Duration::from(since_origin).0)
    }
}

/// How long after the origin the instant is.
impl From<Instant> for core::time::Duration {
    fn from(instant: Instant) -> Self {
        Self::from_millis(instant.0)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Instant {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u64} ms", self.0);
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Duration {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u64} ms", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let late = Instant::from_millis(u64::MAX);
        assert_eq!(late + Duration::from_secs(1), late);
        assert_eq!(Instant::ZERO - Duration::from_millis(1), Instant::ZERO);
        assert_eq!(Instant::ZERO.since(late), Duration::ZERO);
        assert_eq!(Duration::from_secs(u64::MAX).secs(), u64::MAX / 1000);
    }

    #[test]
    fn seconds_round_down() {
        assert_eq!(Instant::from_millis(2999).since(Instant::ZERO).secs(), 2);
        assert_eq!(Duration::from_secs(30).times(3), Duration::from_millis(90_000));
    }

    #[test]
    fn times_convert_from_and_to_those_of_the_standard_library() {
        use core::time::Duration as Standard;
        for (standard, millis) in [
            (Standard::ZERO, 0),
            (Standard::from_nanos(1_999_999), 1),
            (Standard::from_secs(90), 90_000),
            (Standard::from_millis(u64::MAX), u64::MAX),
            (Standard::MAX, u64::MAX),
        ] {
            assert_eq!(Duration::from(standard), Duration::from_millis(millis));
            assert_eq!(Instant::from(standard), Instant::from_millis(millis));
            let back = Standard::from_millis(millis);
            assert_eq!(Standard::from(Duration::from(standard)), back);
            assert_eq!(Standard::from(Instant::from(standard)), back);
        }
    }
}
