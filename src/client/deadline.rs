//! When a wait is over.

use std::time::Duration;

use super::Error;

/// When a wait is over. The default is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    pub(crate) fn after(wait: Duration) -> Result<Self, Error> {
        Ok(Self(now()?.saturating_add(wait)))
    }

    /// The time that is left; zero if the deadline has passed.
    pub(crate) fn left(self) -> Result<Duration, Error> {
        Ok(self.0.saturating_sub(now()?))
    }

    /// The time since the deadline; zero if it has not passed.
    #[cfg(feature = "host")]
    pub(crate) fn passed(self) -> Result<Duration, Error> {
        Ok(now()?.saturating_sub(self.0))
    }

    pub(crate) fn has_passed(self) -> Result<bool, Error> {
        Ok(self.left()?.is_zero())
    }
}

/// The daemon's clock.
#[cfg(feature = "host")]
fn now() -> Result<Duration, Error> {
    crate::kernel_clock::awake()
        .map_err(|errno| Error::System { call: "clock_gettime", error: errno.into() })
}

/// The standard library's clock, which has no origin: time counts from the first call.
#[cfg(not(feature = "host"))]
#[expect(clippy::unnecessary_wraps, reason = "the daemon's clock can fail")]
fn now() -> Result<Duration, Error> {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    Ok(START.get_or_init(std::time::Instant::now).elapsed())
}
