//! `foghorn watch --exec`: a command for each change.
//!
//! The daemon may stop and start again, and it disconnects a watch that is too slow. After that the
//! command is run for each node that differs from what was last reported.

use std::mem;
use std::path::Path;
use std::time::Duration;

use super::changes::{begin, next};
use super::reported::Reported;
use crate::cli::asking::absence::Absence;
use crate::cli::asking::record::{Record, ip_and_port};
use crate::cli::asking::session::Session;
use crate::cli::asking::status::Status;
use crate::cli::commands::exec::Exec;
use crate::cli::failure::Failure;
use crate::cli::stdio::warn;
use crate::client::Error;
use crate::client::deadline::Deadline;
use crate::control::{ErrorCode, Request};
use crate::speaker::v1::LEASE_INTERVALS;

/// The longest interval there is, in seconds.
const LONGEST: u64 = 3600;

pub(super) struct Hook<'a> {
    control: Option<&'a Path>,
    exec: &'a Exec,
    reported: Reported,
    was_slow: bool,
}

impl<'a> Hook<'a> {
    pub(super) fn new(control: Option<&'a Path>, exec: &'a Exec) -> Self {
        Self { control, exec, reported: Reported::default(), was_slow: false }
    }

    /// Runs the command for each change, without end. There must be a daemon at the start.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut absence = Absence::default();
        let mut error = self.follow(begin(self.control)?, None)?;
        loop {
            if error.refuses(ErrorCode::Slow) && !mem::replace(&mut self.was_slow, true) {
                warn(
                    "the command is slower than the changes: it runs once for each node that changed meanwhile",
                );
            }
            absence.wait(error, "waiting until a daemon answers");
            error = match self.begin_again() {
                Ok((watch, knows_all)) => {
                    absence.end();
                    self.follow(watch, Some(knows_all))?
                }
                Err(error) => error,
            };
        }
    }

    /// Begins to watch again. The returned deadline is the time by which the daemon knows all
    /// nodes: one that has just started has to hear them first.
    fn begin_again(&self) -> Result<(Session, Deadline), Error> {
        let status = Status::ask(self.control)?;
        let lease = LEASE_INTERVALS * status.number("daemon", "interval_s")?.min(LONGEST);
        let left = Duration::from_secs(lease.saturating_sub(status.number("daemon", "uptime_s")?));
        Ok((begin(self.control)?, Deadline::after(left)?))
    }

    /// Follows the changes until the watch ends, and returns why. In a later watch, the nodes that
    /// the daemon does not know by the deadline `knows_all` are lost.
    fn follow(
        &mut self,
        mut watch: Session,
        knows_all: Option<Deadline>,
    ) -> Result<Error, Failure> {
        let is_first = knows_all.is_none();
        let mut due = knows_all;
        loop {
            if due.map(Deadline::has_passed).transpose()? == Some(true) {
                // The watch has begun before, so it reports all later changes.
                match Session::connect(self.control)
                    .and_then(|mut session| session.nodes(&Request::List))
                {
                    Ok(nodes) => self.lose_all_but(&nodes)?,
                    Err(error) => return Ok(error),
                }
                due = None;
                continue;
            }
            watch.wait_until(due);
            match next(&mut watch) {
                Ok(Some(change)) => self.tell(&change, is_first)?,
                Ok(None) => return Ok(Error::Protocol { what: "watch" }),
                Err(Error::TimedOut) if due.is_some() => {}
                Err(error) => return Ok(error),
            }
        }
    }

    /// Runs the command for a change, unless nothing differs from what was reported before.
    fn tell(&mut self, change: &Record, is_first: bool) -> Result<(), Failure> {
        let Some(event) = self.reported.take(change, is_first)? else { return Ok(()) };
        let [id, address, interface] = ["id", "address", "interface"].map(|key| change.get(key));
        let rival = (event == "contested").then(|| change.get("rival"));
        run(self.exec, [event, id, address, interface], rival)
    }

    fn lose_all_but(&mut self, nodes: &[Record]) -> Result<(), Failure> {
        self.reported.lose_all_but(nodes, |place| {
            let [id, address, interface] = ["id", "address", "interface"].map(|key| place.get(key));
            run(self.exec, ["lost", id, address, interface], None)
        })
    }
}

fn run(exec: &Exec, told: [&str; 4], rival: Option<&str>) -> Result<(), Failure> {
    let [event, id, address, interface] = told;
    let (host, port) = ip_and_port(address);
    let mut values = vec![event, id, address, host, port, interface];
    values.extend(rival);
    exec.run(&values)
}
