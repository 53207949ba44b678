//! Commands that go on when the daemon has gone, and come back to it.

use std::thread;
use std::time::Duration;

use crate::cli::failure::Failure;
use crate::cli::stdio::{note, warn};
use crate::client::Error;
use crate::control::ErrorCode;
use crate::host::Outage;

/// Between attempts to reach a daemon that has gone.
const RETRY: Duration = Duration::from_secs(1);

/// Whether there is no daemon just now, which is told once, and so is its return.
#[derive(Default)]
pub(crate) struct Absence(Outage);

impl Absence {
    /// Waits before the next attempt to reach a daemon. Says why, and what is so meanwhile.
    pub(crate) fn wait(&mut self, error: Error, meanwhile: &str) {
        // That is no absence: to begin anew makes up for it.
        if !error.refuses(ErrorCode::Slow) && self.0.begins() {
            warn(&format!("{}; {meanwhile}", Failure::from(error)));
        }
        thread::sleep(RETRY);
    }

    /// A daemon answers.
    pub(crate) fn end(&mut self) {
        if self.0.ends() {
            note("a daemon answers again");
        }
    }
}

/// Whether the reason may pass without a person's help: a daemon starts, or has more time.
pub(crate) fn may_pass(error: &Error) -> bool {
    matches!(
        error,
        Error::NoDaemon { .. } | Error::TimedOut | Error::Lost(_) | Error::Refused { .. }
    )
}
