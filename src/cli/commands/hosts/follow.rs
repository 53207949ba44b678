//! `foghorn hosts --follow`: the file changes when the nodes do.

use std::time::Duration;

use super::export::Hosts;
use super::file::{HEAD, HostsFile, Trouble};
use super::listed::FILE_CAPACITY;
use crate::cli::asking::absence::Absence;
use crate::cli::asking::absence::may_pass;
use crate::cli::asking::record::Record;
use crate::cli::asking::session::Session;
use crate::cli::commands::exec::Exec;
use crate::cli::failure::Failure;
use crate::cli::stdio::{note, warn};
use crate::client::Error;
use crate::client::deadline::Deadline;
use crate::control::Request;
use crate::host::Outage;

/// Changes within this time are written together: the known nodes at the start are one change.
const SETTLING: Duration = Duration::from_millis(100);

/// From one replacement to the next, at least, so that a flood of names keeps neither a name server
/// nor a disk busy.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause where a command is run each time: a name server that reads the file again may
/// empty its cache. The pause doubles with each replacement, and is short again after a minute
/// without one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often to look after the files when no node changes: twelve wake-ups a minute.
const LOOK: Duration = Duration::from_secs(5);

/// Keeps the file up to date.
pub(super) struct Follower<'a> {
    file: HostsFile,
    hosts: Hosts<'a>,
    exec: Option<Exec>,
    /// The text that the file should contain.
    text: Vec<u8>,
    /// The stamp of the files with the names of others, when they were last read.
    stamp: u64,
    reading: Outage,
    writing: Outage,
    /// Whether the file could be written at the start, apart from errors that go away.
    begun: bool,
    /// When it may be replaced again.
    earliest: Deadline,
    /// From a run of the command to the next.
    pause: Duration,
}

impl<'a> Follower<'a> {
    pub(super) fn new(file: HostsFile, hosts: Hosts<'a>, exec: Option<Exec>) -> Self {
        Self {
            file,
            hosts,
            exec,
            text: vec![],
            stamp: 0,
            reading: Outage::default(),
            writing: Outage::default(),
            begun: false,
            earliest: Deadline::default(),
            pause: PAUSE,
        }
    }

    /// Keeps the file up to date, without end. The daemon may stop and start again, and the file
    /// may not be writable for a time. Only at the start does an error end the command, if it needs
    /// a person's help.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        self.text = self.file.read(FILE_CAPACITY).map_err(|trouble| trouble.failure)?;
        let mut absence = Absence::default();
        loop {
            let error = match self.begin() {
                Ok((watch, nodes)) => {
                    absence.end();
                    self.follow(watch, nodes)?
                }
                Err(error) => error,
            };
            if !self.begun && !may_pass(&error) {
                return Err(error.into());
            }
            absence.wait(error, &format!("{} stays as it is until a daemon answers", self.file));
        }
    }

    /// Begins to watch, and then asks for the nodes, so that no change is missed.
    fn begin(&self) -> Result<(Session, Vec<Record>), Error> {
        let mut watch = self.hosts.connect()?;
        watch.send(&Request::Watch)?;
        Ok((watch, self.hosts.nodes()?))
    }

    /// Follows the nodes until the watch ends, and returns why.
    fn follow(&mut self, mut watch: Session, mut nodes: Vec<Record>) -> Result<Error, Failure> {
        loop {
            self.compose(&nodes);
            self.write()?;
            loop {
                match self.wait(&mut watch) {
                    Ok(true) => break,
                    // Somebody may have changed or removed the file, or it could not be written.
                    Ok(false) => self.write()?,
                    Err(error) => return Ok(error),
                }
            }
            nodes = match self.hosts.nodes() {
                Ok(nodes) => nodes,
                Err(error) => return Ok(error),
            };
        }
    }

    /// Composes the text that the file should contain.
    fn compose(&mut self, nodes: &[Record]) {
        // This comes before they are read, so that a change in between is noticed.
        self.stamp = self.hosts.taken.stamp();
        let mut text = HEAD.to_owned();
        match self.hosts.write(&mut text, nodes, &self.text) {
            Ok(()) => {
                if self.reading.end() {
                    note("the names to keep out can be read again");
                }
            }
            Err(unreadable) => {
                if self.reading.begin() {
                    warn(&format!("{unreadable}; no new names until it can be read"));
                }
            }
        }
        self.text = text.into_bytes();
    }

    /// Writes the file if its content differs, and then runs the command. After the start, a file
    /// that can't be written is tried again. Nothing happens before the pause is over.
    fn write(&mut self) -> Result<(), Failure> {
        if !self.earliest.has_passed()? {
            return Ok(());
        }
        let replaced = match self.file.replace(&self.text) {
            Ok(replaced) => {
                if self.writing.end() {
                    note(&format!("{} can be written again", self.file));
                }
                replaced
            }
            Err(Trouble { failure, may_pass }) => {
                if !self.begun && !may_pass {
                    return Err(failure);
                }
                if self.writing.begin() {
                    warn(&format!("{failure}; still trying"));
                }
                false
            }
        };
        self.begun = true;
        if replaced && self.exec.is_some() {
            self.pause = pause_after(self.pause, self.earliest.passed()?);
            self.earliest = Deadline::after(self.pause)?;
        } else if replaced || self.writing.is_on() {
            self.earliest = Deadline::after(PAUSE)?;
        }
        match &self.exec {
            Some(exec) if replaced => exec.run(&[]),
            _ => Ok(()),
        }
    }

    /// Waits for a change, and until the file may be replaced. False if it is time to look at the
    /// file. The lines of the watch only say when to ask again.
    fn wait(&self, watch: &mut Session) -> Result<bool, Error> {
        watch.wait_until(Some(Deadline::after(LOOK)?));
        match watch.next() {
            Err(Error::TimedOut) => {
                return Ok(self.reading.is_on() || self.stamp != self.hosts.taken.stamp());
            }
            told => told?,
        };
        let deadline = self.earliest.max(Deadline::after(SETTLING)?);
        watch.wait_until(Some(deadline));
        loop {
            match watch.next() {
                Ok(_) => {}
                Err(Error::TimedOut) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The next pause after one, and after so much more time without a replacement.
fn pause_after(pause: Duration, quiet: Duration) -> Duration {
    if quiet >= LONGEST_PAUSE { PAUSE } else { (pause * 2).min(LONGEST_PAUSE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_the_nodes_change_and_are_short_again_after_a_minute() {
        // The seconds between changes, and when the file is replaced in the first five minutes.
        for (period, expected) in [
            (1, &[0, 1, 3, 7, 15, 31, 63, 123, 183, 243][..]),
            (10, &[0, 10, 20, 30, 40, 60, 100, 160, 220, 280]),
            (62, &[0, 62, 124, 186, 248]),
        ] {
            let (mut pause, mut earliest, mut replaced) = (PAUSE, 0, vec![]);
            // The machine has been up for a while at the start.
            let up = 1000;
            for now in (up..up + 300).filter(|now| (now - up) % period == 0) {
                if now >= earliest {
                    pause = pause_after(pause, Duration::from_secs(now - earliest));
                    earliest = now + pause.as_secs();
                    replaced.push(now - up);
                }
            }
            assert_eq!(replaced, expected, "a change each {period} s");
        }
    }
}
