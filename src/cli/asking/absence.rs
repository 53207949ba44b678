//! Commands that go on without the daemon, and use it again when it is back.

use std::thread;
use std::time::Duration;

use crate::cli::failure::Failure;
use crate::cli::stdio::{note, warn};
use crate::client::Error;
use crate::control::ErrorCode;
use crate::host::Outage;

/// Between attempts to reach a daemon that has gone.
const RETRY: Duration = Duration::from_secs(1);

/// Whether the daemon is away. A message says so once, and another one when it is back.
#[derive(Default)]
pub(crate) struct Absence(Outage);

impl Absence {
    /// Waits before the next attempt to reach a daemon. The message says why, and what happens
    /// until then.
    pub(crate) fn wait(&mut self, error: Error, meanwhile: &str) {
        // A slow watch is no absence: it begins again.
        if !error.refuses(ErrorCode::Slow) && self.0.begin() {
            warn(&format!("{}; {meanwhile}", Failure::from(error)));
        }
        thread::sleep(RETRY);
    }

    /// A daemon answers.
    pub(crate) fn end(&mut self) {
        if self.0.end() {
            note("a daemon answers again");
        }
    }
}

/// Whether the error may go away by itself: a daemon starts, or has more time.
pub(crate) fn may_pass(error: &Error) -> bool {
    matches!(
        error,
        Error::NoDaemon { .. } | Error::TimedOut | Error::Lost(_) | Error::Refused { .. }
    )
}
