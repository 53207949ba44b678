//! `foghorn hosts --follow`: the file changes when the nodes do.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::{Hosts, file};
use crate::cli::Failure;
use crate::cli::client::Client;
use crate::cli::exec::Exec;
use crate::cli::output::note;
use crate::control::Request;

/// Changes within this time are written together: what comes at once, as the known nodes do, is one change.
const SETTLING: Duration = Duration::from_millis(100);

/// From one replacement to the next, at least, so that a flood of names keeps neither a name server nor a disk busy.
const PAUSE: Duration = Duration::from_secs(1);

/// Between attempts to reach a daemon that has gone.
const RETRY: Duration = Duration::from_secs(1);

/// What keeps the file up to date.
pub(super) struct Follower {
    pub(super) file: PathBuf,
    pub(super) hosts: Hosts,
    pub(super) exec: Option<Exec>,
}

impl Follower {
    /// Keeps the file up to date, without end. There must be a daemon at the start; later one may go and come.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let (mut watch, mut lines) = self.begin()?;
        let mut earliest = Instant::now();
        loop {
            if file::replace(&self.file, &lines)? {
                earliest = Instant::now() + PAUSE;
                if let Some(exec) = &self.exec {
                    exec.run(&[])?;
                }
            }
            lines = match self.next(&mut watch, earliest) {
                Ok(lines) => lines,
                Err(failure) => {
                    let file = self.file.display();
                    note(&format!("{failure}; {file} stays as it is until a daemon answers"));
                    let again = loop {
                        thread::sleep(RETRY);
                        if let Ok(again) = self.begin() {
                            break again;
                        }
                    };
                    note("a daemon answers again");
                    watch = again.0;
                    again.1
                }
            };
        }
    }

    /// Begins to watch, and asks for the lines after that: no change is missed.
    fn begin(&self) -> Result<(Client, String), Failure> {
        let mut watch = self.hosts.connect()?;
        watch.send(&Request::Watch)?;
        Ok((watch, self.hosts.lines()?))
    }

    /// The lines after the next change, at the earliest at that time. What is watched tells when to ask and no more.
    fn next(&self, watch: &mut Client, earliest: Instant) -> Result<String, Failure> {
        watch.set_patience(None)?;
        watch.next()?;
        let deadline = earliest.max(Instant::now() + SETTLING);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.hosts.lines();
            }
            watch.set_patience(Some(left))?;
            match watch.next() {
                Err(error) if Instant::now() < deadline => return Err(error.into()),
                _ => {}
            }
        }
    }
}
