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
    /// How often its link had come up when it was looked at last.
    times_up: u32,
    socket: LinkSocket,
    intake: Intake,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) send_errors: Counter,
    sending: Outage,
    /// There are more addresses than count.
    crowded: Outage,
    pub(super) seen: Seen,
}

/// How an interface was found when the kernel was last asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Not with an address.
    Never,
    /// Down, or no pattern asks for it any more.
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

    /// What `foghorn status` says of it.
    pub(crate) fn state(&self) -> &'static str {
        if self.sending.is_on() { "cannot-send" } else { "up" }
    }

    /// Datagrams that the kernel dropped before they were received.
    pub(crate) fn dropped(&self) -> u64 {
        self.socket.dropped()
    }

    /// There may be datagrams at its socket.
    pub(super) fn mark_ready(&mut self) {
        self.intake.mark_ready();
    }

    /// Whether there may be datagrams to take now.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.intake.is_ready(now)
    }

    /// When datagrams may be taken that can't be taken now.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.intake.deadline()
    }

    /// Takes one datagram, if there is one: its length in `buffer`, and its source.
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
    /// Whether the interface can send at all is seen by what is for all hosts. One host may be out
    /// of reach by a route or a firewall, and a stranger can send from its address as often as it
    /// likes.
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
                // Nothing is kept: the next announcement says the same.
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

    /// Takes over its name and its addresses.
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

    /// Takes over its name, if that has changed.
    fn rename(&mut self, name: &InterfaceName) {
        if self.name != *name {
            info!("{}: is now called {}", Shown(&self.name), Shown(name));
            self.name = name.clone();
        }
    }

    /// Takes over its addresses, and announces if those have changed or it was without a link for a
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
                        "{}: more than {} addresses: left out from {} on",
                        name, NETWORKS_PER_LINK, first
                    );
                }
            }
        }
        let before = discoverer.links().get(self.id).map_or(&[][..], Link::networks);
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
            // There may be others at the other end.
            _ if before == networks => info!("{}: has a link again", name),
            _ => info!("{}: addresses are now {}", name, Shown(&Networks(networks))),
        }
        // There are as many links in the discoverer as slots here.
        let _ = discoverer.link_up(now, Link::new(self.id, self.medium, networks));
    }
}

fn reason(error: &nb::Error<io::Error>) -> Reason {
    match error {
        nb::Error::WouldBlock => Reason::would_block(),
        nb::Error::Other(error) => Reason::new(error),
    }
}
