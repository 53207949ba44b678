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
    /// Whose process it is.
    user: u32,
    job: Job,
    /// Whether it ever asked something that could be answered.
    asked: bool,
}

/// What is left to do for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing, until it sends or reads.
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

    /// Leaves the client. Its buffers are for the next.
    pub(super) fn disconnect(self) -> &'a mut Buffers {
        self.connection.close()
    }

    pub(super) fn register(&mut self, poll: &mio::Registry, token: Token) -> io::Result<()> {
        self.connection.register(poll, token)
    }

    pub(super) fn mark_readable(&mut self) {
        self.connection.mark_readable();
    }

    /// It has gone and can't be told anything any more: nothing is left to do.
    pub(super) fn mark_gone(&mut self) {
        self.connection.mark_gone();
        self.job = Job::None;
    }

    /// Ends a pause that is over, and lets what it sends wake the loop when it is going to be read,
    /// but not before.
    pub(super) fn update_interest(
        &mut self,
        poll: &mio::Registry,
        token: Token,
        now: Instant,
    ) -> io::Result<()> {
        let is_silent = self.is_silent();
        self.connection.update_interest(poll, token, is_silent, now)
    }

    /// When its pause ends, if it has to wait.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.connection.pause()
    }

    /// When it will have been silent for too long. Who watches may be silent for ever.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let watching = self.job == Job::Watch && self.connection.is_flushed();
        (!watching).then(|| self.connection.deadline())
    }

    fn is_silent(&self) -> bool {
        self.job == Job::None && self.connection.is_flushed()
    }

    /// Whether it has asked anything that could be answered.
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

    /// Says why it is disconnected, if it has asked something.
    pub(super) fn refuse(&mut self, (code, message): Refusal, now: Instant) {
        if !self.is_silent() {
            self.connection.write_last(|out| control::error(out, code, message), now);
        }
    }

    /// Goes on with whatever can go on: read requests, compose replies, write them.
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

    /// Puts the next part of what is to be told into the output. False if there is none, or no room
    /// for it.
    fn compose(&mut self, view: &View<'_, '_>) -> bool {
        let rest = match self.job {
            Job::None => self.begin(view),
            job => job.advance(view, self.connection.output()),
        };
        let Some(job) = rest else { return false };
        self.job = job;
        true
    }

    /// Starts on the next request that is complete. None if there is none.
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

    /// Tells a watching client of a change, to be [written](Self::write_changes) with the others of
    /// the same turn. False if it reads too slowly to be told.
    pub(super) fn notify(&mut self, event: &Event, line: &ReplyLine, now: Instant) -> bool {
        !self.job.includes(event.place) || self.connection.append(line.as_bytes(), now)
    }

    /// Writes the changes that it was told of.
    pub(super) fn write_changes(&mut self, now: Instant) -> io::Result<()> {
        if self.is_watching() { self.connection.flush(now) } else { Ok(()) }
    }
}

/// Why a client is disconnected: for programs, and for people.
pub(super) type Refusal = (ErrorCode, &'static str);

/// There is no slot for it.
pub(super) const BUSY: Refusal = (ErrorCode::Busy, "all client slots are taken: try again later");

/// It does not read all changes.
pub(super) const SLOW: Refusal =
    (ErrorCode::Slow, "changes came faster than they were read, and some were missed: watch again");
