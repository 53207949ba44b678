//! The connection to a client: its requests come in, its replies go out.

use std::fmt;
use std::io::{self, Read, Write};

use heapless::Vec;
use mio::net::UnixStream;
use mio::{Interest, Token};
use socket2::SockRef;

use super::passed::Guard;
use crate::control::{InvalidRequest, Request};
use crate::limits::{REPLY_CAPACITY, REQUEST_CAPACITY};
use crate::time::{Duration, Instant};

/// How long a client may send no valid request, or read nothing of its replies.
const PATIENCE: Duration = Duration::from_secs(30);

/// The events that wake the loop while the session reads requests.
const READ_AND_WRITE: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A client that wastes the daemon's time has to wait for this. A person who types does not notice,
/// nor does a program that sends requests in a few pieces.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads that may bring nothing but a piece of the same request. Each further one is a waste of
/// time, as a bad request is.
const PIECES: u8 = 3;

/// Replies that are still to be written.
pub(super) type Output = Vec<u8, REPLY_CAPACITY>;

/// Requests that were not answered yet, and replies that the client has not read yet.
pub(in crate::host) struct Buffers {
    input: Vec<u8, REQUEST_CAPACITY>,
    output: Output,
}

impl Buffers {
    pub(in crate::host) const fn new() -> Self {
        Self { input: Vec::new(), output: Vec::new() }
    }
}

pub(super) struct Connection<'a> {
    stream: UnixStream,
    guard: Guard,
    buffers: &'a mut Buffers,
    /// When the client last sent a valid request or read something of the reply.
    active: Instant,
    /// Reads since then that brought no whole request.
    pieces: u8,
    /// No request is looked at before this.
    pause: Option<Instant>,
    /// The events that wake the loop.
    interest: Interest,
    /// Whether there may be something to read: the kernel says so once, until all was read.
    readable: bool,
    /// No more requests follow: the client closed its side, or sent a request that is too long.
    ending: bool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        stream: UnixStream,
        guard: Guard,
        buffers: &'a mut Buffers,
        now: Instant,
    ) -> Self {
        buffers.input.clear();
        buffers.output.clear();
        Self {
            stream,
            guard,
            buffers,
            active: now,
            pieces: 0,
            pause: None,
            interest: READ_AND_WRITE,
            readable: true,
            ending: false,
        }
    }

    /// Closes the connection. Another one can use the buffers.
    pub(super) fn close(self) -> &'a mut Buffers {
        self.guard.limit(|| drop(self.stream));
        self.buffers
    }

    pub(super) fn register(&mut self, poll: &mio::Registry, token: Token) -> io::Result<()> {
        poll.register(&mut self.stream, token, self.interest)
    }

    pub(super) fn mark_readable(&mut self) {
        self.readable = true;
    }

    /// The client has gone: nothing is left to read or write.
    pub(super) fn mark_gone(&mut self) {
        self.buffers.input.clear();
        self.buffers.output.clear();
        (self.pause, self.ending) = (None, true);
    }

    /// Ends a pause that is over. Then what the client sends wakes the loop only if it is going to
    /// be read, which is so while nothing else is to be done for it: a client that sends a byte at
    /// a time would wake the loop for each.
    pub(super) fn update_interest(
        &mut self,
        poll: &mio::Registry,
        token: Token,
        is_idle: bool,
        now: Instant,
    ) -> io::Result<()> {
        self.pause = self.pause.filter(|until| now < *until);
        let reads = self.pause.is_none() && is_idle;
        let interest = if reads { READ_AND_WRITE } else { Interest::WRITABLE };
        if interest == self.interest {
            return Ok(());
        }
        self.interest = interest;
        // Data that came meanwhile is reported at once.
        poll.reregister(&mut self.stream, token, interest)
    }

    /// When its pause ends, if it has to wait.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.pause
    }

    /// When the client will have asked and read nothing for too long.
    pub(super) fn deadline(&self) -> Instant {
        self.active + PATIENCE
    }

    pub(super) fn active(&self) -> Instant {
        self.active
    }

    pub(super) fn is_readable(&self) -> bool {
        self.readable
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending
    }

    /// Whether all replies were written.
    pub(super) fn is_flushed(&self) -> bool {
        self.buffers.output.is_empty()
    }

    pub(super) fn output(&mut self) -> &mut Output {
        &mut self.buffers.output
    }

    /// Takes the next complete request. None if there is none.
    pub(super) fn next_request(&mut self, now: Instant) -> Option<Result<Request, InvalidRequest>> {
        let input = &mut self.buffers.input;
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            if !input.is_full() || self.ending {
                return None;
            }
            self.ending = true;
            return Some(Err(InvalidRequest::TooLong));
        };
        let request = Request::parse(input.get(..end).unwrap_or_default());
        drop_front(input, end + 1);
        if request.is_ok() {
            self.active = now;
            self.pieces = 0;
        } else {
            self.pause = Some(now + PAUSE);
        }
        Some(request)
    }

    /// Appends a line to the replies, if need be after writing those before it. False if the client
    /// reads too slowly for that.
    pub(super) fn append(&mut self, line: &[u8], now: Instant) -> bool {
        if self.buffers.output.is_empty() {
            // The time that the client has to read this begins now.
            self.active = now;
        }
        self.buffers.output.extend_from_slice(line).is_ok()
            || self.flush(now).is_ok() && self.buffers.output.extend_from_slice(line).is_ok()
    }

    /// Writes a last reply. The client reads whole lines up to that: of those that were still to be
    /// written only the first, a part of which it may have.
    pub(super) fn write_last(
        &mut self,
        compose: impl FnOnce(&mut Output) -> fmt::Result,
        now: Instant,
    ) {
        let output = &mut self.buffers.output;
        let first = output.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        output.truncate(first);
        // The socket may be full. The kernel doubles what it is asked for, so this gives it room.
        let socket = SockRef::from(&self.stream);
        let _ = socket.send_buffer_size().and_then(|size| socket.set_send_buffer_size(size));
        let _ = reply(&mut self.buffers.output, compose).is_some() && self.flush(now).is_ok();
    }

    /// Writes as much as the client takes.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<()> {
        while !self.buffers.output.is_empty() {
            match self.stream.write(&self.buffers.output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    drop_front(&mut self.buffers.output, written);
                    // Reading the reply to a bad request does not count as activity.
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
    pub(super) fn read(&mut self, now: Instant) -> io::Result<()> {
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

/// Puts some lines behind the others, all or none. None if they have no room now.
pub(super) fn reply(
    output: &mut Output,
    compose: impl FnOnce(&mut Output) -> fmt::Result,
) -> Option<()> {
    let length = output.len();
    let composed = compose(output).ok();
    if composed.is_none() {
        output.truncate(length);
    }
    composed
}

fn drop_front<const N: usize>(buffer: &mut Vec<u8, N>, count: usize) {
    let count = count.min(buffer.len());
    buffer.copy_within(count.., 0);
    buffer.truncate(buffer.len() - count);
}
