//! Until when a command waits.

use std::time::Duration;

use crate::client::Error;
use crate::host::awake;

/// The default has passed.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deadline(Duration);

impl Deadline {
    pub(super) fn after(wait: Duration) -> Result<Self, Error> {
        Ok(Self(now()?.saturating_add(wait)))
    }

    /// How long it is until then: nothing if it has passed.
    pub(super) fn left(self) -> Result<Duration, Error> {
        Ok(self.0.saturating_sub(now()?))
    }

    /// For how long it has passed: nothing if it has not.
    pub(super) fn passed(self) -> Result<Duration, Error> {
        Ok(now()?.saturating_sub(self.0))
    }

    pub(super) fn has_passed(self) -> Result<bool, Error> {
        Ok(self.left()?.is_zero())
    }
}

fn now() -> Result<Duration, Error> {
    awake().map_err(|error| Error::System { call: "clock_gettime", error })
}
