//! The control socket: a fixed number of clients, each with a bounded buffer and bounded patience.

mod admission;
mod answers;
mod connection;
mod job;
mod listener;
mod passed;
mod session;
mod socket_file;

use std::io::{self, Write as _};
use std::path::Path;

use heapless::Vec;
use mio::Token;
use mio::event::Event as Readiness;

use super::host_name::HostName;
use super::links::Links;
use crate::control;
use crate::discoverer::{Discoverer, Event};
use crate::host::process::privileges::User;
use crate::limits::CONTROL_CLIENTS;
use crate::log::debug;
use crate::time::Instant;

pub(super) use connection::Buffers;
use listener::{Listener, Newcomer};
use session::{BUSY, Progress, ReplyLine, SLOW, Session};
pub(crate) use socket_file::{directory_of, make_directory};

/// Clients that may watch at once. A watch may last for ever, so one slot is always kept for other
/// requests.
const WATCHERS: usize = if CONTROL_CLIENTS == 1 { 1 } else { CONTROL_CLIENTS - 1 };

/// The data and the clocks that replies are made from.
pub(super) struct View<'a, 'b> {
    pub(super) now: Instant,
    /// Returns the processor time used so far, in nanoseconds. None if the kernel does not report
    /// it.
    pub(super) processor_time: fn() -> Option<u64>,
    pub(super) started: Instant,
    pub(super) discoverer: &'a Discoverer<'b>,
    pub(super) links: &'a Links,
    pub(super) host_name: &'a HostName,
}

impl View<'_, '_> {
    /// The processor time used since `begun`.
    fn used_since(&self, begun: Option<u64>) -> Option<u64> {
        Some((self.processor_time)()?.saturating_sub(begun?))
    }
}

/// Buffers that no session uses.
type Spare<'a> = Vec<&'a mut Buffers, CONTROL_CLIENTS>;

pub(super) struct Server<'a> {
    listener: Listener,
    token: Token,
    sessions: [Option<Session<'a>>; CONTROL_CLIENTS],
    spare: Spare<'a>,
    /// Whether a session's turn ended before its work did.
    more: bool,
    /// Whether there are changes that have not been written to the watching clients yet.
    changed: bool,
    first_token: usize,
}

impl<'a> Server<'a> {
    /// Listens at `path`, for `user` if one is given. If the directory is the daemon's own, the
    /// daemon makes it again when it disappears. Clients will be registered under the
    /// [`CONTROL_CLIENTS`] tokens from `first_token` on.
    pub(super) fn new(
        path: &Path,
        own_directory: bool,
        user: Option<&User>,
        buffers: &'a mut [Buffers; CONTROL_CLIENTS],
        poll: &mio::Registry,
        token: Token,
        first_token: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: Listener::new(path, own_directory, user, poll, token)?,
            token,
            sessions: [const { None }; CONTROL_CLIENTS],
            spare: buffers.iter_mut().collect(),
            more: false,
            changed: false,
            first_token,
        })
    }

    /// Whether the socket's file can be removed at the end, with the privileges that are left.
    pub(super) fn can_remove_file(&self) -> bool {
        self.listener.can_remove_file()
    }

    /// Makes the next [`go_on`](Self::go_on) check that clients can find the socket.
    pub(super) fn request_check(&mut self) {
        self.listener.request_check();
    }

    pub(super) fn mark_ready(&mut self) {
        self.listener.mark_ready();
    }

    /// The client with that token can be read or written.
    pub(super) fn handle_client(&mut self, readiness: &Readiness, view: &View<'_, '_>) {
        let Some(number) = readiness.token().0.checked_sub(self.first_token) else { return };
        let Some(Some(session)) = self.sessions.get_mut(number) else { return };
        if readiness.is_readable() {
            session.mark_readable();
        }
        if readiness.is_error() || readiness.is_write_closed() {
            session.mark_gone();
        }
        self.serve(number, view);
    }

    /// Accepts waiting clients, continues sessions whose turn ended early, and writes the changes
    /// of this turn to the watching clients. True if there is more to do.
    pub(super) fn go_on(&mut self, poll: &mio::Registry, view: &View<'_, '_>) -> bool {
        if std::mem::take(&mut self.more) {
            for number in 0..CONTROL_CLIENTS {
                self.serve(number, view);
            }
        }
        self.listener.check_file(view.now, poll, self.token);
        self.listener.settle(view.now);
        while self.listener.may_accept() {
            let begun = (view.processor_time)();
            let newcomer = self.listener.accept(view.now);
            let admitted = newcomer.and_then(|newcomer| self.admit(newcomer, poll, view.now));
            self.listener.charge(view.used_since(begun));
            if let Some(number) = admitted {
                self.serve(number, view);
            }
        }
        let changed = std::mem::take(&mut self.changed);
        for (number, slot) in self.sessions.iter_mut().enumerate() {
            let Some(session) = slot else { continue };
            let token = Token(self.first_token + number);
            let written = if changed { session.write_changes(view.now) } else { Ok(()) };
            if written.and_then(|()| session.update_interest(poll, token, view.now)).is_err() {
                disconnect(slot, &mut self.spare);
            }
        }
        self.more
    }

    /// Disconnects clients that were silent for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for slot in &mut self.sessions {
            if let Some(session) = slot
                && session.deadline().is_some_and(|deadline| deadline <= now)
            {
                debug!("a control client was silent for too long");
                if session.is_watching() {
                    session.refuse(SLOW, now);
                }
                disconnect(slot, &mut self.spare);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) or [`go_on`](Self::go_on) has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let sessions = self.sessions.iter().flatten();
        let (ends, pauses) =
            (sessions.clone().filter_map(Session::deadline), sessions.filter_map(Session::pause));
        ends.chain(pauses).chain(self.listener.deadline()).min()
    }

    /// Adds an event to the output of each watching client. [`go_on`](Self::go_on) writes it
    /// together with the other events of this turn.
    pub(super) fn publish(&mut self, event: &Event, links: &Links, now: Instant) {
        if !self.sessions.iter().flatten().any(Session::is_watching) {
            return;
        }
        self.changed = true;
        let mut line = ReplyLine::new();
        // The buffer has room for the longest line.
        let _ = answers::event(&mut line, event, links);
        for slot in &mut self.sessions {
            if let Some(session) = slot
                && !session.notify(event, &line, now)
            {
                debug!("a control client read too slowly");
                session.refuse(SLOW, now);
                disconnect(slot, &mut self.spare);
            }
        }
    }

    /// Gives a newcomer a slot, or replies that none is free.
    fn admit(&mut self, newcomer: Newcomer, poll: &mio::Registry, now: Instant) -> Option<usize> {
        let Newcomer { mut stream, user, on_reserve } = newcomer;
        let free = self.sessions.iter().position(Option::is_none).filter(|_| !on_reserve);
        let Some(number) = free.or_else(|| self.slot_for(user, &|_, _| true)) else {
            let mut line = ReplyLine::new();
            let (code, message) = BUSY;
            let _ = control::error(&mut line, code, message);
            // A new socket has room for a line. If not, the client sees only that it was
            // disconnected.
            let _ = stream.write(line.as_bytes());
            self.listener.guard().limit(|| drop(stream));
            return None;
        };
        self.evict(number, now);
        let slot = self.sessions.get_mut(number)?;
        let guard = self.listener.guard();
        let session = slot.insert(Session::new(stream, guard, user, self.spare.pop()?, now));
        if session.register(poll, Token(self.first_token + number)).is_err() {
            disconnect(slot, &mut self.spare);
        }
        Some(number)
    }

    /// The slot that a client of that user gets, among the slots that count.
    fn slot_for(&self, user: u32, counts: &dyn Fn(usize, &Session<'_>) -> bool) -> Option<usize> {
        let sessions = self.sessions.iter().enumerate();
        let sessions = sessions.filter_map(|(number, slot)| Some((number, slot.as_ref()?)));
        let sessions = sessions.filter(|(number, session)| counts(*number, session));
        let holders: Vec<_, CONTROL_CLIENTS> =
            sessions.map(|(number, session)| (number, session.holder())).collect();
        admission::slot_for(&holders, user)
    }

    /// Disconnects the client in a slot, if there is one, to make room for another.
    fn evict(&mut self, number: usize, now: Instant) {
        let Some(slot) = self.sessions.get_mut(number) else { return };
        if let Some(session) = slot {
            session.refuse(BUSY, now);
        }
        disconnect(slot, &mut self.spare);
    }

    /// Continues a session and disconnects it when it is done. Work before its first request is
    /// charged to the listener, like accepting it. So is disconnecting: the kernel then drops what
    /// the client sent, maybe in hundreds of pieces.
    fn serve(&mut self, number: usize, view: &View<'_, '_>) {
        let Some(slot) = self.sessions.get_mut(number) else { return };
        let Some(session) = slot else { return };
        let begun = (!session.has_asked()).then(view.processor_time);
        let watched = session.is_watching();
        let progress = session.serve(view);
        let mut begun = begun.filter(|_| !session.has_asked());
        let begins_to_watch = session.is_watching() && !watched;
        match progress {
            Progress::More => self.more = true,
            Progress::Done => {
                begun = begun.or_else(|| Some((view.processor_time)()));
                disconnect(slot, &mut self.spare);
            }
            Progress::Waiting => {}
        }
        if let Some(begun) = begun {
            self.listener.charge(view.used_since(begun));
        }
        if begins_to_watch {
            self.limit_watches(number, view.now);
        }
    }

    /// A client has begun to watch. If too many do, one of them is evicted: this one, unless
    /// another has less right to its slot.
    fn limit_watches(&mut self, newest: usize, now: Instant) {
        let watching = self.sessions.iter().flatten().filter(|session| session.is_watching());
        let Some(Some(session)) = self.sessions.get(newest) else { return };
        if watching.count() > WATCHERS {
            let user = session.holder().user;
            let other =
                self.slot_for(user, &|number, session| number != newest && session.is_watching());
            self.evict(other.unwrap_or(newest), now);
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // From here on connections are only closed: those of clients and those still waiting.
        self.listener.guard().limit_all();
    }
}

/// Disconnects the client in a slot, if there is one.
fn disconnect<'a>(slot: &mut Option<Session<'a>>, spare: &mut Spare<'a>) {
    if let Some(session) = slot.take() {
        // There are as many buffers as slots, so this one has room.
        let _ = spare.push(session.disconnect());
    }
}

#[cfg(test)]
mod tests;
