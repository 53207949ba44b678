//! The control socket: a fixed number of clients, each with a bounded buffer and bounded patience.

mod client;
mod socket_file;

use std::io::{self, Write as _};
use std::path::Path;

use heapless::Vec;
use mio::event::Event as Readiness;
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use super::links::{Links, io_reason};
use super::outage::Outage;
use super::privileges::User;
use crate::control::{self, ErrorCode};
use crate::discoverer::{Discoverer, Event};
use crate::limits::CONTROL_CLIENTS;
use crate::log::{debug, info, warn};
use crate::time::{Duration, Instant};

pub(super) use client::Buffers;
use client::{Client, ReplyLine, Served};
use socket_file::SocketFile;

/// Connections taken in before others have their turn.
const BATCH: usize = 16;

/// When accepting failed, for want of file descriptors say, it is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// What replies are made from.
pub(super) struct View<'a, 'b> {
    pub(super) now: Instant,
    pub(super) started: Instant,
    pub(super) discoverer: &'a Discoverer<'b>,
    pub(super) links: &'a Links,
}

/// Buffers that no client has.
type Spare<'a> = Vec<&'a mut Buffers, CONTROL_CLIENTS>;

pub(super) struct Server<'a> {
    listener: UnixListener,
    file: SocketFile,
    /// Whether a client may be waiting: the kernel says so once, until all were taken in.
    ready: bool,
    retry_at: Option<Instant>,
    accepting: Outage,
    clients: [Option<Client<'a>>; CONTROL_CLIENTS],
    spare: Spare<'a>,
    /// Whether a client's turn ended before its work did.
    more: bool,
    first_token: usize,
}

impl<'a> Server<'a> {
    /// Listens at `path`, for a user if one is given. Clients will be registered under the [`CONTROL_CLIENTS`] tokens from `first_token` on.
    pub(super) fn new(
        path: &Path,
        user: Option<&User>,
        buffers: &'a mut [Buffers; CONTROL_CLIENTS],
        registry: &Registry,
        token: Token,
        first_token: usize,
    ) -> io::Result<Self> {
        let (mut listener, file) = socket_file::bind(path, user)?;
        registry.register(&mut listener, token, Interest::READABLE)?;
        Ok(Self {
            listener,
            file,
            ready: true,
            retry_at: None,
            accepting: Outage::default(),
            clients: [const { None }; CONTROL_CLIENTS],
            spare: buffers.iter_mut().collect(),
            more: false,
            first_token,
        })
    }

    /// Whether the socket's file can be removed at the end, with the privileges that are left.
    pub(super) fn can_remove_file(&self) -> bool {
        self.file.can_be_removed()
    }

    pub(super) fn mark_ready(&mut self) {
        self.ready = true;
    }

    /// Something can go on at the client with that token.
    pub(super) fn handle_client(&mut self, readiness: &Readiness, view: &View<'_, '_>) {
        let number = readiness.token().0.checked_sub(self.first_token);
        let Some(slot) = number.and_then(|number| self.clients.get_mut(number)) else { return };
        let Some(client) = slot else { return };
        if readiness.is_error() || readiness.is_write_closed() {
            // It has gone and can't be told anything any more.
            leave(slot, &mut self.spare);
            return;
        }
        if readiness.is_readable() {
            client.mark_readable();
        }
        self.more |= serve(slot, &mut self.spare, view);
    }

    /// Takes in clients that wait, and goes on with those whose turn ended early. True if there is more to do.
    pub(super) fn go_on(&mut self, registry: &Registry, view: &View<'_, '_>) -> bool {
        if self.retry_at.is_some_and(|at| at <= view.now) {
            self.retry_at = None;
            self.ready = true;
        }
        if std::mem::take(&mut self.more) {
            for slot in &mut self.clients {
                self.more |= serve(slot, &mut self.spare, view);
            }
        }
        for _ in 0..BATCH {
            if !self.ready {
                break;
            }
            self.accept(registry, view);
        }
        self.ready || self.more
    }

    /// Leaves clients that were silent for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for slot in &mut self.clients {
            if slot.as_ref().and_then(Client::deadline).is_some_and(|deadline| deadline <= now) {
                debug!("a control client was silent for too long");
                leave(slot, &mut self.spare);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) or [`go_on`](Self::go_on) has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let clients = self.clients.iter().flatten().filter_map(Client::deadline);
        clients.chain(self.retry_at).min()
    }

    /// Tells those who watch.
    pub(super) fn publish(&mut self, event: &Event, links: &Links, now: Instant) {
        let mut line = ReplyLine::new();
        let interface = links.name(event.address.link);
        // The buffer holds the longest line there is.
        let _ = control::change(&mut line, event.kind, &event.id, event.address.socket, interface);
        for slot in &mut self.clients {
            if slot.as_mut().is_some_and(|client| !client.tell(event, &line, now)) {
                debug!("a control client read too slowly");
                leave(slot, &mut self.spare);
            }
        }
    }

    fn accept(&mut self, registry: &Registry, view: &View<'_, '_>) {
        match self.listener.accept() {
            Ok((stream, _)) => {
                if self.accepting.ends() {
                    info!("control clients can connect again");
                }
                self.admit(stream, registry, view);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.ready = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                if self.accepting.begins() {
                    warn!("control clients can't connect: {}; still trying", io_reason(&error));
                }
                self.ready = false;
                self.retry_at = Some(view.now + RETRY);
            }
        }
    }

    fn admit(&mut self, mut stream: UnixStream, registry: &Registry, view: &View<'_, '_>) {
        let Some(number) = self.free_slot() else {
            let mut line = ReplyLine::new();
            let _ = control::error(&mut line, ErrorCode::Busy, "all client slots are taken: try again later");
            // A fresh socket has room for a line; if not, the client sees that it was left.
            let _ = stream.write(line.as_bytes());
            return;
        };
        let Some(slot) = self.clients.get_mut(number) else { return };
        leave(slot, &mut self.spare);
        let Some(buffers) = self.spare.pop() else { return };
        let client = slot.insert(Client::new(stream, buffers, view.now));
        if client.register(registry, Token(self.first_token + number)).is_ok() {
            self.more |= serve(slot, &mut self.spare, view);
        } else {
            leave(slot, &mut self.spare);
        }
    }

    /// A slot that is free, or that of the client which has asked nothing for the longest time. Who is being told something
    /// or watches keeps theirs.
    fn free_slot(&self) -> Option<usize> {
        self.clients.iter().position(Option::is_none).or_else(|| {
            let silent = self.clients.iter().enumerate();
            let silent = silent.filter_map(|(number, slot)| Some((slot.as_ref()?.silent_since()?, number)));
            silent.min().map(|(_, number)| number)
        })
    }
}

/// Lets a client go on, and drops it when it is done. True if there is more to do.
fn serve<'a>(slot: &mut Option<Client<'a>>, spare: &mut Spare<'a>, view: &View<'_, '_>) -> bool {
    match slot.as_mut().map(|client| client.serve(view)) {
        Some(Served::More) => true,
        Some(Served::Done) => {
            leave(slot, spare);
            false
        }
        Some(Served::Waiting) | None => false,
    }
}

/// Leaves the client in a slot, if there is one.
fn leave<'a>(slot: &mut Option<Client<'a>>, spare: &mut Spare<'a>) {
    if let Some(client) = slot.take() {
        // There are as many buffers as slots.
        let _ = spare.push(client.leave());
    }
}

#[cfg(test)]
mod tests;
