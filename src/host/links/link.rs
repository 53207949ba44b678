//! One link in use, with its socket.

use std::io;
use std::net::SocketAddr;

use mio::{Registry, Token};
use nix::net::if_::InterfaceFlags;

use super::intake::Intake;
use super::udp::LinkSocket;
use crate::discoverer::{Discoverer, Transmit};
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::host::interfaces::interface::{Interface, InterfaceName};
use crate::host::log::change_log::ChangeLog;
use crate::limits::NETWORKS_PER_LINK;
use crate::log::{Shown, debug, info, warn};
use crate::net::{Link, LinkId, Medium, Network, Networks};
use crate::stats::Counter;
use crate::time::Instant;

/// One interface in use.
pub(crate) struct OpenLink {
    pub(crate) id: LinkId,
    pub(crate) name: InterfaceName,
    medium: Medium,
    /// How often its link had come up at the last check.
    times_up: u32,
    socket: LinkSocket,
    intake: Intake,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) send_errors: Counter,
    sending: Outage,
    /// The interface has more addresses than the daemon uses.
    crowded: Outage,
    pub(super) seen: Seen,
}

/// The state of an interface when the kernel was last asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Gone, or without an address.
    Never,
    /// Down, or no pattern selects it any more.
    Unusable,
    Usable,
}

impl OpenLink {
    /// Opens the socket of an interface.
    pub(super) fn open(
        interface: &Interface<'_>,
        udp_port: u16,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut socket = LinkSocket::open(&interface.name, udp_port)?;
        socket.register(registry, token)?;
        let mut intake = Intake::default();
        intake.mark_ready();
        let is_loopback = interface.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        Ok(Self {
            id: interface.id,
            name: interface.name.clone(),
            medium: if is_loopback { Medium::Loopback } else { Medium::Shared },
            times_up: interface.times_up,
            socket,
            intake,
            received: Counter::default(),
            sent: Counter::default(),
            send_errors: Counter::default(),
            sending: Outage::default(),
            crowded: Outage::default(),
            seen: Seen::Usable,
        })
    }

    /// Its state in `foghorn status`.
    pub(crate) fn state(&self) -> &'static str {
        if self.sending.is_on() { "cannot-send" } else { "up" }
    }

    /// Datagrams that the kernel dropped before they were received.
    pub(crate) fn dropped(&self) -> u64 {
        self.socket.dropped()
    }

    /// Notes that its socket may have datagrams.
    pub(super) fn mark_ready(&mut self) {
        self.intake.mark_ready();
    }

    /// Whether to try to receive now.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.intake.is_ready(now)
    }

    /// When to try to receive again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.intake.deadline()
    }

    /// Receives one datagram, if there is one: returns its length in `buffer`, and its source.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
    ) -> Option<(usize, SocketAddr)> {
        let received = self.intake.take(now, &self.name, || self.socket.receive(buffer))?;
        self.received.increment();
        Some(received)
    }

    /// Sends a datagram.
    ///
    /// Only datagrams to all hosts show whether the interface can send at all. A route or a
    /// firewall may keep one host out of reach, and a stranger can send from its address without
    /// end.
    pub(super) fn send(&mut self, transmit: &Transmit, datagram: &[u8]) {
        let Transmit { to, to_group, .. } = *transmit;
        match self.socket.send(to, datagram) {
            Ok(()) => {
                self.sent.increment();
                if to_group && self.sending.end() {
                    info!("{}: sending works again", Shown(&self.name));
                }
            }
            Err(error) => {
                // The datagram is not kept: the next announcement says the same.
                self.send_errors.increment();
                let (name, reason) = (Shown(&self.name), reason(&error));
                if !to_group {
                    debug!("{}: cannot send to {}: {}", name, to, Shown(&reason));
                } else if self.sending.begin() {
                    warn!("{}: cannot send to {}: {}; still trying", name, to, Shown(&reason));
                }
            }
        }
    }

    /// Updates its name and its addresses.
    pub(super) fn update(
        &mut self,
        now: Instant,
        interface: &Interface<'_>,
        networks: &[Network],
        discoverer: &mut Discoverer<'_>,
        changes: &mut ChangeLog,
    ) {
        self.seen = Seen::Usable;
        self.rename(&interface.name);
        self.readdress(now, interface, networks, discoverer, changes);
    }

    /// Updates its name, if that has changed.
    fn rename(&mut self, name: &InterfaceName) {
        if self.name != *name {
            info!("{}: is now called {}", Shown(&self.name), Shown(name));
            self.name = name.clone();
        }
    }

    /// Updates its addresses. It announces if they have changed, or if the link was down for a
    /// moment.
    fn readdress(
        &mut self,
        now: Instant,
        interface: &Interface<'_>,
        networks: &[Network],
        discoverer: &mut Discoverer<'_>,
        changes: &mut ChangeLog,
    ) {
        let (networks, left_out) =
            networks.split_at_checked(NETWORKS_PER_LINK).unwrap_or((networks, &[]));
        let name = Shown(&self.name);
        match left_out.first() {
            None => _ = self.crowded.end(),
            Some(first) => {
                if self.crowded.begin() {
                    let first = Shown(first);
                    warn!(
                        "{}: more than {} addresses: ignoring {} and those after it",
                        name, NETWORKS_PER_LINK, first
                    );
                }
            }
        }
        let before = discoverer.links().networks(self.id);
        let had_been_up = std::mem::replace(&mut self.times_up, interface.times_up);
        if before == networks && had_been_up == interface.times_up {
            return;
        }
        let [was, is] =
            [before, networks].map(|networks| networks.first().map(|first| first.address()));
        match (was, is) {
            _ if !changes.claim_line(now) => {}
            (None, Some(is)) => info!("{}: up with address {}", name, is),
            (Some(was), Some(is)) if was != is => {
                info!("{}: address changed from {} to {}", name, was, is);
            }
            // The other end may be another network now.
            _ if before == networks => info!("{}: has a link again", name),
            _ => info!("{}: addresses are now {}", name, Shown(&Networks(networks))),
        }
        // The discoverer has room for as many links as there are slots here.
        let _ = discoverer.link_up(now, Link::new(self.id, self.medium, networks));
    }
}

fn reason(error: &nb::Error<io::Error>) -> Reason {
    match error {
        nb::Error::WouldBlock => Reason::would_block(),
        nb::Error::Other(error) => Reason::new(error),
    }
}
