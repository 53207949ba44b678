//! The interfaces in use, each with its socket.
//!
//! ```text
//! udp.rs      the UDP socket of an interface
//! filter.rs   the kernel's filter for such a socket
//! link.rs     one interface in use, with its socket
//! unused.rs   messages about interfaces that can't be used
//! intake.rs   receiving from a socket, and the pause after an error
//! ```

mod filter;
mod intake;
mod link;
pub(super) mod udp;
mod unused;

use std::convert::Infallible;
use std::fmt::Display;
use std::io;

use mio::{Registry, Token};

use crate::discoverer::{Discoverer, Protocol, Received, Transmit, Transport};
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::host::interfaces::interface::{Interface, Pattern, is_usable};
use crate::host::interfaces::query::{BUFFER, Query, retry_while_changing};
use crate::host::log::change_log::ChangeLog;
use crate::limits::LINKS;
use crate::log::{Shown, debug, info, warn};
use crate::net::{LinkId, Network};
use crate::time::Instant;
pub(crate) use link::OpenLink;
use link::Seen;
use unused::Unused;

/// The daemon receives at most this many datagrams from one link before it serves the next.
pub(crate) const DATAGRAMS: usize = 256;

/// The memory for each interface that could be used, in bytes.
#[cfg(test)]
pub(crate) const LINK: usize = size_of::<Option<OpenLink>>();

/// All interfaces in use, and the patterns that select them.
pub(crate) struct Links {
    slots: Box<[Option<OpenLink>]>,
    patterns: Vec<Pattern>,
    udp_port: u16,
    first_token: usize,
    /// The number of datagrams dropped at interfaces that are gone.
    dropped: u64,
    /// The kernel does not list the interfaces.
    asking: Outage,
    /// The daemon can't open sockets.
    opening: Outage,
    /// The machine has more interfaces than slots.
    crowded: Outage,
    /// The machine has no usable interface.
    waiting: Outage,
    changes: ChangeLog,
    turn: Turn,
}

/// The progress of receiving in this turn of the loop.
struct Turn {
    now: Instant,
    /// The slot of the link to receive from.
    slot: usize,
    /// The number of datagrams received from it.
    taken: usize,
}

impl Links {
    /// Sockets use the [`LINKS`] tokens from `first_token` on.
    pub(crate) fn new(patterns: Vec<Pattern>, udp_port: u16, first_token: usize) -> Self {
        Self {
            slots: (0..LINKS).map(|_| None).collect(),
            patterns,
            udp_port,
            first_token,
            dropped: 0,
            asking: Outage::default(),
            opening: Outage::default(),
            crowded: Outage::default(),
            waiting: Outage::default(),
            changes: ChangeLog::new(),
            turn: Turn { now: Instant::ZERO, slot: 0, taken: 0 },
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OpenLink> {
        self.slots.iter().flatten()
    }

    /// The number of datagrams that the kernel has dropped before they were received, at all
    /// interfaces since the start. The kernel counts modulo 2³², so call this now and then.
    pub(crate) fn dropped(&self) -> u64 {
        self.iter().map(OpenLink::dropped).fold(self.dropped, u64::saturating_add)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenLink> {
        self.slots.iter_mut().flatten()
    }

    /// The name of an interface in use; `-` for one that is gone.
    pub(crate) fn name(&self, id: LinkId) -> &dyn Display {
        match self.iter().find(|link| link.id == id) {
            Some(link) => &link.name,
            None => &"-",
        }
    }

    /// Brings the interfaces in use up to date: those that the kernel has and the patterns select.
    /// Returns the error if one could not be used; a later try may succeed. The buffer is for the
    /// kernel's answers.
    pub(crate) fn reconcile(
        &mut self,
        now: Instant,
        query: &mut Query,
        buffer: &mut [u8; BUFFER],
        discoverer: &mut Discoverer<'_>,
        registry: &Registry,
    ) -> Option<io::ErrorKind> {
        loop {
            let mut unused = Unused::default();
            let asked = retry_while_changing(|| {
                self.iter_mut().for_each(|link| link.seen = Seen::Never);
                unused = Unused::default();
                query.interfaces(buffer, &mut |id, interface, networks| {
                    let usable = interface.filter(|interface| is_usable(interface, &self.patterns));
                    let mut links = self.slots.iter_mut().flatten();
                    if let Some(link) = links.find(|link| link.id == id) {
                        match usable {
                            Some(interface) => {
                                link.update(
                                    now,
                                    interface,
                                    networks,
                                    discoverer,
                                    &mut self.changes,
                                );
                            }
                            None => link.seen = Seen::Unusable,
                        }
                    } else if let Some(interface) = usable {
                        self.add(now, interface, networks, discoverer, registry, &mut unused);
                    }
                })
            });
            if let Err(error) = asked {
                if self.asking.begin() {
                    warn!(
                        "cannot ask for the interfaces: {}; still trying",
                        Shown(&Reason::new(&error))
                    );
                }
                return Some(error.kind());
            }
            self.asking.end();
            // An interface that found no room takes the place of one that is gone.
            if !(self.drop_unusable(now, discoverer) && unused.crowded) {
                self.report(now, &unused);
                return unused.failed.map(|(_, error)| error.kind());
            }
        }
    }

    /// Starts to use one more interface, if there is room.
    fn add(
        &mut self,
        now: Instant,
        interface: &Interface<'_>,
        networks: &[Network],
        discoverer: &mut Discoverer<'_>,
        registry: &Registry,
        unused: &mut Unused,
    ) {
        let Some(free) = self.slots.iter().position(Option::is_none) else {
            unused.crowded = true;
            return;
        };
        match OpenLink::open(interface, self.udp_port, registry, Token(self.first_token + free)) {
            Ok(mut link) => {
                link.update(now, interface, networks, discoverer, &mut self.changes);
                if let Some(slot) = self.slots.get_mut(free) {
                    *slot = Some(link);
                }
            }
            Err(error) => unused.failed = Some((interface.name.clone(), error)),
        }
    }

    /// Stops using the interfaces that are not usable any more. Returns whether there was any.
    fn drop_unusable(&mut self, now: Instant, discoverer: &mut Discoverer<'_>) -> bool {
        let mut any = false;
        for slot in &mut self.slots {
            let Some(link) = slot.as_ref().filter(|link| link.seen != Seen::Usable) else {
                continue;
            };
            let reason = match link.seen {
                Seen::Never => "is gone or has no IPv4 address",
                _ => "is down or no longer wanted",
            };
            if self.changes.claim_line(now) {
                info!("{}: no longer used, it {}", Shown(&link.name), reason);
            }
            discoverer.link_down(link.id);
            self.dropped = self.dropped.saturating_add(link.dropped());
            *slot = None;
            any = true;
        }
        any
    }

    /// Notes that the socket with that token may have datagrams.
    pub(crate) fn mark_ready(&mut self, token: Token) {
        let slot = token.0.checked_sub(self.first_token).and_then(|slot| self.slots.get_mut(slot));
        if let Some(link) = slot.and_then(Option::as_mut) {
            link.mark_ready();
        }
    }

    /// Begins a turn of the loop: each link may hand out [`DATAGRAMS`] datagrams.
    pub(crate) fn begin_turn(&mut self, now: Instant) {
        self.turn = Turn { now, slot: 0, taken: 0 };
    }

    /// Whether to try to receive now.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.iter().any(|link| link.is_ready(now))
    }

    /// When to try to receive again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.iter().filter_map(OpenLink::deadline).min()
    }
}

impl Transport for Links {
    /// `Links` logs failures itself, and retries.
    type Error = Infallible;

    /// Links take turns, so that a flood on one does not starve the others.
    fn recv(&mut self, buffer: &mut [u8]) -> nb::Result<(Received, usize), Infallible> {
        let Turn { now, slot, taken } = &mut self.turn;
        while let Some(link) = self.slots.get_mut(*slot) {
            if let Some(link) = link.as_mut().filter(|_| *taken < DATAGRAMS)
                && let Some((length, from)) = link.receive(*now, buffer)
            {
                *taken += 1;
                let (protocol, link) = (Protocol::Foghorn, link.id);
                return Ok((Received { protocol, link, from, to_group: true }, length));
            }
            (*slot, *taken) = (*slot + 1, 0);
        }
        Err(nb::Error::WouldBlock)
    }

    /// Drops a datagram for an interface that has just gone.
    fn send(&mut self, transmit: &Transmit, datagram: &[u8]) -> nb::Result<(), Infallible> {
        match self.iter_mut().find(|link| link.id == transmit.link) {
            Some(link) => link.send(transmit, datagram),
            None => debug!("a datagram for an interface that is gone was dropped"),
        }
        Ok(())
    }
}
