//! One client of the control socket.

use std::io;

use heapless::String;
use mio::Token;
use mio::net::UnixStream;

use super::View;
use super::admission::Holder;
use super::connection::{Buffers, Connection, reply};
use super::job::Job;
use super::passed::Guard;
use crate::control::{self, ErrorCode};
use crate::discoverer::Event;
use crate::limits::REPLY_LINE_CAPACITY;
use crate::time::Instant;

/// A line before it is put into a client's buffer.
pub(super) type ReplyLine = String<REPLY_LINE_CAPACITY>;

/// Lines and reads for one client before others have their turn.
const STEPS: usize = 64;

pub(super) struct Session<'a> {
    connection: Connection<'a>,
    /// The user that the client's process runs as.
    user: u32,
    job: Job,
    /// Whether the client ever sent a valid request.
    asked: bool,
}

/// The work that is left in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing until the client sends or reads.
    Waiting,
    /// More than its turn allowed.
    More,
    /// Nothing any more.
    Done,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        stream: UnixStream,
        guard: Guard,
        user: u32,
        buffers: &'a mut Buffers,
        now: Instant,
    ) -> Self {
        let connection = Connection::new(stream, guard, buffers, now);
        Self { connection, user, job: Job::None, asked: false }
    }

    /// Closes the connection. Another session can use the buffers.
    pub(super) fn disconnect(self) -> &'a mut Buffers {
        self.connection.close()
    }

    pub(super) fn register(&mut self, poll: &mio::Registry, token: Token) -> io::Result<()> {
        self.connection.register(poll, token)
    }

    pub(super) fn mark_readable(&mut self) {
        self.connection.mark_readable();
    }

    /// The client has gone and can receive nothing any more: nothing is left to do.
    pub(super) fn mark_gone(&mut self) {
        self.connection.mark_gone();
        self.job = Job::None;
    }

    /// Ends a pause that is over. Then lets the client's data wake the loop if the session is going
    /// to read it.
    pub(super) fn update_interest(
        &mut self,
        poll: &mio::Registry,
        token: Token,
        now: Instant,
    ) -> io::Result<()> {
        let is_silent = self.is_silent();
        self.connection.update_interest(poll, token, is_silent, now)
    }

    /// When the pause of this client ends, if it has one.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.connection.pause()
    }

    /// When the client will have been silent for too long. A watching client may be silent for
    /// ever.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let watching = self.job == Job::Watch && self.connection.is_flushed();
        (!watching).then(|| self.connection.deadline())
    }

    fn is_silent(&self) -> bool {
        self.job == Job::None && self.connection.is_flushed()
    }

    /// Whether the client has sent a valid request.
    pub(super) fn has_asked(&self) -> bool {
        self.asked
    }

    pub(super) fn is_watching(&self) -> bool {
        self.job.is_watch()
    }

    pub(super) fn holder(&self) -> Holder {
        let silent = self.job == Job::None || !self.connection.is_flushed();
        Holder { user: self.user, silent, active: self.connection.active() }
    }

    /// Writes why the client is disconnected, if it waits for anything.
    pub(super) fn refuse(&mut self, (code, message): Refusal, now: Instant) {
        if !self.is_silent() {
            self.connection.write_last(|out| control::error(out, code, message), now);
        }
    }

    /// Reads requests, composes replies and writes them, as far as possible now.
    pub(super) fn serve(&mut self, view: &View<'_, '_>) -> Progress {
        for _ in 0..STEPS {
            if self.compose(view) {
                continue;
            }
            let had_output = !self.connection.is_flushed();
            if self.connection.flush(view.now).is_err() {
                return Progress::Done;
            }
            if !self.connection.is_flushed() {
                return Progress::Waiting;
            }
            if had_output {
                continue;
            }
            match self.job {
                Job::None if self.connection.pause().is_some() => return Progress::Waiting,
                Job::None if self.connection.is_ending() => return Progress::Done,
                Job::None if self.connection.is_readable() => {
                    if self.connection.read(view.now).is_err() {
                        return Progress::Done;
                    }
                }
                _ => return Progress::Waiting,
            }
        }
        Progress::More
    }

    /// Puts the next part of the replies into the output. False if there is none, or no room for
    /// it.
    fn compose(&mut self, view: &View<'_, '_>) -> bool {
        let rest = match self.job {
            Job::None => self.begin(view),
            job => job.advance(view, self.connection.output()),
        };
        let Some(job) = rest else { return false };
        self.job = job;
        true
    }

    /// Begins with the next complete request. None if there is none.
    fn begin(&mut self, view: &View<'_, '_>) -> Option<Job> {
        if !self.connection.is_flushed() || self.connection.pause().is_some() {
            return None;
        }
        let request = self.connection.next_request(view.now)?;
        let output = self.connection.output();
        match request {
            Ok(request) => {
                self.asked = true;
                Job::begin(&request, view, output)
            }
            Err(invalid) => {
                reply(output, |out| control::error(out, ErrorCode::BadRequest, invalid))?;
                Some(Job::None)
            }
        }
    }

    /// Adds a change to the output of a watching client, to be [written](Self::write_changes) with
    /// the others of the same turn. False if the client reads too slowly.
    pub(super) fn notify(&mut self, event: &Event, line: &ReplyLine, now: Instant) -> bool {
        !self.job.includes(event.place) || self.connection.append(line.as_bytes(), now)
    }

    /// Writes the changes in the output.
    pub(super) fn write_changes(&mut self, now: Instant) -> io::Result<()> {
        if self.is_watching() { self.connection.flush(now) } else { Ok(()) }
    }
}

/// Why a client is disconnected: a code for programs, and a text for people.
pub(super) type Refusal = (ErrorCode, &'static str);

/// All slots are taken.
pub(super) const BUSY: Refusal = (ErrorCode::Busy, "all client slots are taken: try again later");

/// The client reads changes too slowly.
pub(super) const SLOW: Refusal =
    (ErrorCode::Slow, "changes came faster than they were read, and some were missed: watch again");
