//! One client of the control socket.

use std::io::{self, Read, Write};

use heapless::{String, Vec};
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::admission::Standing;
use super::passed::Guard;
use super::{View, answers};
use crate::control::{self, ErrorCode, InvalidRequest, Request, VERSION};
use crate::discoverer::Event;
use crate::limits::{REPLY_CAPACITY, REPLY_LINE_CAPACITY, REQUEST_CAPACITY};
use crate::registry::{self, Place};
use crate::time::{Duration, Instant};

/// A line before it is put into a client's buffer.
pub(super) type ReplyLine = String<REPLY_LINE_CAPACITY>;

/// How long a client may ask nothing that can be answered, or read nothing of what waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What wakes the loop while what a client sends is read.
const HEEDED: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Lines and reads for one client before others have their turn.
const STEPS: usize = 64;

/// A client that wastes the daemon's time has to wait for this. A person who types does not notice,
/// nor does a program that sends requests in a few pieces.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads that may bring nothing but a piece of the same request. Each further one is a waste of
/// time, as a bad request is.
const PIECES: u8 = 3;

/// What a client has asked and not been answered yet, and what it is told and has not read yet.
pub(in crate::host) struct Buffers {
    input: Vec<u8, REQUEST_CAPACITY>,
    output: Vec<u8, REPLY_CAPACITY>,
}

impl Buffers {
    pub(in crate::host) const fn new() -> Self {
        Self { input: Vec::new(), output: Vec::new() }
    }
}

pub(super) struct Client<'a> {
    stream: UnixStream,
    guard: Guard,
    /// Whose process it is.
    user: u32,
    buffers: &'a mut Buffers,
    job: Job,
    /// When it last asked something that could be answered, or read something of the answer.
    active: Instant,
    /// Whether it ever asked such.
    asked: bool,
    /// Reads since then that brought no whole request.
    pieces: u8,
    /// Until when nothing it sends is looked at.
    pause: Option<Instant>,
    /// What wakes the loop.
    interest: Interest,
    /// Whether there may be something to read: the kernel says so once, until all was read.
    readable: bool,
    /// It asks nothing more: it closed its side, or what it sent is beyond understanding.
    ending: bool,
}

/// What a client is being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    None,
    /// Own nodes, from this one on, and then all others.
    Own(usize),
    /// All nodes that were heard; up to this place they have been told.
    List(Option<Place>),
    /// Own nodes and interfaces, from this line on.
    Status(usize),
    /// The nodes that are expected, after that place.
    Expected(Option<Place>),
    /// The nodes that are contested, after that place.
    Contested(Option<Place>),
    /// As `List`, and then each change. Changes to nodes that have been told are told at once.
    Snapshot(Option<Place>),
    /// Each change.
    Watch,
}

/// What is left to do for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// Nothing, until it sends or reads.
    Waiting,
    /// More than its turn allowed.
    More,
    /// Nothing any more.
    Done,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        stream: UnixStream,
        guard: Guard,
        user: u32,
        buffers: &'a mut Buffers,
        now: Instant,
    ) -> Self {
        buffers.input.clear();
        buffers.output.clear();
        Self {
            stream,
            guard,
            user,
            buffers,
            job: Job::None,
            active: now,
            asked: false,
            pieces: 0,
            pause: None,
            interest: HEEDED,
            readable: true,
            ending: false,
        }
    }

    /// Leaves the client. Its buffers are for the next.
    pub(super) fn leave(self) -> &'a mut Buffers {
        self.guard.limit(|| drop(self.stream));
        self.buffers
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, self.interest)
    }

    pub(super) fn mark_readable(&mut self) {
        self.readable = true;
    }

    /// It has gone and can't be told anything any more: nothing is left to do.
    pub(super) fn mark_gone(&mut self) {
        self.buffers.input.clear();
        self.buffers.output.clear();
        (self.job, self.pause, self.ending) = (Job::None, None, true);
    }

    /// Ends a pause that is over, and lets what it sends wake the loop when it is going to be read,
    /// but not before: who sends a byte at a time would wake it for each.
    pub(super) fn heed(
        &mut self,
        registry: &Registry,
        token: Token,
        now: Instant,
    ) -> io::Result<()> {
        self.pause = self.pause.filter(|until| now < *until);
        let reads = self.pause.is_none() && self.is_silent();
        let interest = if reads { HEEDED } else { Interest::WRITABLE };
        if interest == self.interest {
            return Ok(());
        }
        self.interest = interest;
        // What has come meanwhile is reported at once.
        registry.reregister(&mut self.stream, token, interest)
    }

    /// When its pause ends, if it has to wait.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.pause
    }

    /// When it will have been silent for too long. Who watches may be silent for ever.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let watching = self.job == Job::Watch && self.buffers.output.is_empty();
        (!watching).then(|| self.active + PATIENCE)
    }

    fn is_silent(&self) -> bool {
        self.job == Job::None && self.buffers.output.is_empty()
    }

    /// Whether it has asked anything that could be answered.
    pub(super) fn has_asked(&self) -> bool {
        self.asked
    }

    pub(super) fn is_watching(&self) -> bool {
        matches!(self.job, Job::Snapshot(_) | Job::Watch)
    }

    pub(super) fn standing(&self) -> Standing {
        let silent = self.job == Job::None || !self.buffers.output.is_empty();
        Standing { user: self.user, silent, active: self.active }
    }

    /// Says why it is disconnected, if it has asked something. It reads whole lines up to that: of
    /// those that were still to be written only the first, a part of which it may have.
    pub(super) fn refuse(&mut self, (code, message): Refusal, now: Instant) {
        if self.is_silent() {
            return;
        }
        let output = &mut self.buffers.output;
        let first = output.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        output.truncate(first);
        // The socket may be full. The kernel doubles what it is asked for, so this gives it room.
        let socket = SockRef::from(&self.stream);
        let _ = socket.send_buffer_size().and_then(|size| socket.set_send_buffer_size(size));
        let _ = self.reply(|out| control::error(out, code, message)) && self.flush(now).is_ok();
    }

    /// Goes on with whatever can go on: read requests, compose replies, write them.
    pub(super) fn serve(&mut self, view: &View<'_, '_>) -> Served {
        for _ in 0..STEPS {
            if self.compose(view) {
                continue;
            }
            let had_output = !self.buffers.output.is_empty();
            if self.flush(view.now).is_err() {
                return Served::Done;
            }
            if !self.buffers.output.is_empty() {
                return Served::Waiting;
            }
            if had_output {
                continue;
            }
            match self.job {
                Job::None if self.pause.is_some() => return Served::Waiting,
                Job::None if self.ending => return Served::Done,
                Job::None if self.readable => {
                    if self.read(view.now).is_err() {
                        return Served::Done;
                    }
                }
                _ => return Served::Waiting,
            }
        }
        Served::More
    }

    /// Puts the next part of what is to be told into the output. False if there is none, or no room
    /// for it.
    fn compose(&mut self, view: &View<'_, '_>) -> bool {
        match self.job {
            Job::None => self.is_silent() && self.pause.is_none() && self.next_request(view),
            Job::Own(number) => self.next_own_node(view, number),
            // Another machine may have had a name before it became our own.
            Job::List(told) => match view
                .discoverer
                .iter_after(view.now, told)
                .find(|entry| !view.discoverer.announces(entry.id()))
            {
                Some(entry) => {
                    self.reply(|out| answers::node(out, entry, view.links))
                        && self.go_on(Job::List(Some(entry.place())))
                }
                None => self.reply(control::ok) && self.go_on(Job::None),
            },
            Job::Snapshot(told) => match view.discoverer.iter_after(view.now, told).next() {
                Some(entry) => {
                    self.reply(|out| answers::known(out, entry, view.links))
                        && self.go_on(Job::Snapshot(Some(entry.place())))
                }
                None => self.go_on(Job::Watch),
            },
            Job::Watch => false,
            Job::Status(line) => self.next_status_line(view, line),
            Job::Expected(told) => match view.discoverer.registry().expected_after(told).next() {
                Some((place, id)) => {
                    let is_known = view.discoverer.lookup(view.now, id.as_str()).is_some();
                    self.reply(|out| control::expected(out, id, is_known))
                        && self.go_on(Job::Expected(Some(place)))
                }
                None => self.go_on(Job::Contested(None)),
            },
            Job::Contested(told) => {
                match view.discoverer.iter_after(view.now, told).find(registry::Entry::is_contested)
                {
                    Some(entry) => {
                        self.reply(|out| answers::contested(out, entry, view.links))
                            && self.go_on(Job::Contested(Some(entry.place())))
                    }
                    None => self.reply(control::ok) && self.go_on(Job::None),
                }
            }
        }
    }

    fn go_on(&mut self, job: Job) -> bool {
        self.job = job;
        true
    }

    /// Tells a watching client of a change, to be [written](Self::write_changes) with the others of
    /// the same turn. False if it reads too slowly to be told.
    pub(super) fn tell(&mut self, event: &Event, line: &ReplyLine, now: Instant) -> bool {
        let concerned = match self.job {
            Job::Watch => true,
            Job::Snapshot(told) => told.is_some_and(|told| event.place <= told),
            Job::None
            | Job::Own(_)
            | Job::List(_)
            | Job::Status(_)
            | Job::Expected(_)
            | Job::Contested(_) => false,
        };
        if !concerned {
            return true;
        }
        if self.buffers.output.is_empty() {
            // The time it has to read this begins now.
            self.active = now;
        }
        let line = line.as_bytes();
        self.buffers.output.extend_from_slice(line).is_ok()
            || self.flush(now).is_ok() && self.buffers.output.extend_from_slice(line).is_ok()
    }

    /// Writes the changes that it was told of.
    pub(super) fn write_changes(&mut self, now: Instant) -> io::Result<()> {
        if self.is_watching() { self.flush(now) } else { Ok(()) }
    }

    /// Starts on the next request that is complete. False if there is none.
    fn next_request(&mut self, view: &View<'_, '_>) -> bool {
        let Some(end) = self.buffers.input.iter().position(|byte| *byte == b'\n') else {
            if !self.buffers.input.is_full() || self.ending {
                return false;
            }
            self.ending = true;
            return self
                .reply(|out| control::error(out, ErrorCode::BadRequest, InvalidRequest::TooLong));
        };
        let request = Request::parse(self.buffers.input.get(..end).unwrap_or_default());
        drop_front(&mut self.buffers.input, end + 1);
        self.begin(request, view)
    }

    fn begin(&mut self, request: Result<Request, InvalidRequest>, view: &View<'_, '_>) -> bool {
        if request.is_ok() {
            self.active = view.now;
            self.asked = true;
            self.pieces = 0;
        } else {
            self.pause = Some(view.now + PAUSE);
        }
        match request {
            Ok(Request::List) => self.go_on(Job::Own(0)),
            Ok(Request::Watch) => self.go_on(Job::Snapshot(None)),
            Ok(Request::Status) => {
                self.reply(|out| answers::status(out, view)) && self.go_on(Job::Status(0))
            }
            Ok(Request::Lookup(id)) if view.discoverer.announces(&id) => self.reply(|out| {
                let has_address = view.discoverer.addresses().next().is_some();
                let problem =
                    if has_address { "" } else { ", which has no address now: see foghorn status" };
                let message = format_args!("{id} is announced by this machine itself{problem}");
                control::error(out, ErrorCode::OwnNode, message)
            }),
            Ok(Request::Lookup(id)) => match view.discoverer.lookup(view.now, id.as_str()) {
                Some(entry) => self.reply(|out| {
                    answers::node(out, entry, view.links)?;
                    control::ok(out)
                }),
                None => self.reply(|out| {
                    control::error(out, ErrorCode::UnknownNode, format_args!("{id} is not known"))
                }),
            },
            Ok(Request::Version(Some(asked))) if asked != VERSION => self.reply(|out| {
                let message = format_args!(
                    "this daemon speaks version {VERSION} of the protocol, not {asked}"
                );
                control::error(out, ErrorCode::Version, message)
            }),
            Ok(Request::Version(_)) => self.reply(|out| {
                control::version(out)?;
                control::ok(out)
            }),
            Err(invalid) => self.reply(|out| control::error(out, ErrorCode::BadRequest, invalid)),
        }
    }

    /// Puts the next own node into the output. False if it has no room yet.
    fn next_own_node(&mut self, view: &View<'_, '_>, number: usize) -> bool {
        let Some(node) = view.discoverer.own().get(number) else {
            return self.go_on(Job::List(None));
        };
        self.reply(|out| answers::own_node(out, node, view)) && self.go_on(Job::Own(number + 1))
    }

    /// Puts the next own node with its rival, or the next interface, into the output. False if it
    /// has no room yet.
    fn next_status_line(&mut self, view: &View<'_, '_>, line: usize) -> bool {
        let own = view.discoverer.own();
        let told = if let Some(node) = own.get(line) {
            self.reply(|out| answers::announced(out, node, view))
        } else if let Some(link) = view.links.iter().nth(line - own.len()) {
            self.reply(|out| answers::interface(out, link, view))
        } else {
            return self.go_on(Job::Expected(None));
        };
        told && self.go_on(Job::Status(line + 1))
    }

    /// Puts some lines into the output, all or none. False if they have no room now.
    fn reply(
        &mut self,
        compose: impl FnOnce(&mut Vec<u8, REPLY_CAPACITY>) -> std::fmt::Result,
    ) -> bool {
        let output = &mut self.buffers.output;
        let told = output.len();
        let composed = compose(output).is_ok();
        if !composed {
            output.truncate(told);
        }
        composed
    }

    /// Writes as much as the client takes.
    fn flush(&mut self, now: Instant) -> io::Result<()> {
        while !self.buffers.output.is_empty() {
            match self.stream.write(&self.buffers.output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    drop_front(&mut self.buffers.output, written);
                    // To read that a request was bad is no sign of life.
                    if self.pause.is_none() {
                        self.active = now;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once.
    fn read(&mut self, now: Instant) -> io::Result<()> {
        let mut bytes = [0; REQUEST_CAPACITY];
        let room = self.buffers.input.capacity() - self.buffers.input.len();
        let bytes_read =
            self.guard.limit(|| self.stream.read(bytes.get_mut(..room).unwrap_or_default()));
        match bytes_read {
            Ok(0) => self.ending = true,
            Ok(count) => {
                let piece = bytes.get(..count).unwrap_or_default();
                let _ = self.buffers.input.extend_from_slice(piece);
                if !piece.contains(&b'\n') && !self.buffers.input.is_full() {
                    self.pieces = self.pieces.saturating_add(1);
                    self.pause = (self.pieces > PIECES).then(|| now + PAUSE);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Why a client is disconnected: for programs, and for people.
pub(super) type Refusal = (ErrorCode, &'static str);

/// There is no slot for it.
pub(super) const BUSY: Refusal = (ErrorCode::Busy, "all client slots are taken: try again later");

/// It does not read all changes.
pub(super) const SLOW: Refusal =
    (ErrorCode::Slow, "changes came faster than they were read, and some were missed: watch again");

fn drop_front<const N: usize>(buffer: &mut Vec<u8, N>, count: usize) {
    let count = count.min(buffer.len());
    buffer.copy_within(count.., 0);
    buffer.truncate(buffer.len() - count);
}
