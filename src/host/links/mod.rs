//! The interfaces in use, each with its socket.
//!
//! ```text
//! udp.rs      the UDP socket of an interface
//! filter.rs   what the kernel drops for such a socket
//! intake.rs   how much is taken from it at once, and what follows when that fails
//! ```

mod filter;
mod intake;
pub(super) mod udp;

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use mio::{Registry, Token};
use nix::net::if_::InterfaceFlags;

use crate::discoverer::{Discoverer, Transmit};
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::host::interfaces::interface::{Interface, InterfaceName, Pattern, is_usable};
use crate::host::interfaces::query::{BUFFER, Query, retry_while_changing};
use crate::host::log::change_log::ChangeLog;
use crate::limits::{LINKS, NETWORKS_PER_LINK};
use crate::log::{Shown, debug, error, info, warn};
use crate::network::{Network, Networks};
use crate::registry::LinkId;
use crate::stats::Counter;
use crate::time::Instant;
use crate::transport::Transport;
use intake::Intake;
use udp::LinkSocket;

/// What reaches all on the loopback network.
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// One interface in use.
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) name: InterfaceName,
    loopback: bool,
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
    seen: Seen,
}

/// How an interface was found when the kernel was last asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Not with an address.
    Never,
    /// Down, or no pattern asks for it any more.
    Unusable,
    Usable,
}

impl Link {
    /// What `foghorn status` says of it.
    pub(crate) fn state(&self) -> &'static str {
        if self.sending.is_on() { "cannot-send" } else { "up" }
    }

    /// Datagrams that the kernel dropped before they were received.
    pub(crate) fn dropped(&self) -> u64 {
        self.socket.dropped()
    }

    /// Sends a datagram; one for everyone to each of our `networks` there, from our own address in
    /// it: in others that counts as coming from elsewhere.
    fn send(&mut self, transmit: &Transmit, networks: &[Network], datagram: &[u8]) {
        let mut to = transmit.to;
        if !to.ip().is_broadcast() {
            return self.send_to(to, false, datagram);
        }
        if self.loopback {
            // To 255.255.255.255 the kernel sends from 0.0.0.0 here, since 127.0.0.1 is no address
            // to show to others.
            to.set_ip(LOOPBACK_BROADCAST);
        }
        // To that, and to 255.255.255.255, it sends from the first address.
        self.send_to(to, true, datagram);
        for (number, network) in networks.iter().enumerate().skip(1) {
            let mut earlier = networks.iter().take(number);
            if let Some(everyone) = network.broadcast()
                && !earlier.any(|earlier| earlier.broadcast() == Some(everyone))
            {
                to.set_ip(everyone);
                self.send_to(to, true, datagram);
            }
        }
    }

    /// Whether the interface can send at all is seen by what is for everyone. One host may be out
    /// of reach by a route or a firewall, and a stranger can send from its address as often as it
    /// likes.
    fn send_to(&mut self, to: SocketAddrV4, is_for_all: bool, datagram: &[u8]) {
        match self.socket.send(to, datagram) {
            Ok(()) => {
                self.sent.increment();
                if is_for_all && self.sending.end() {
                    info!("{}: sending works again", Shown(&self.name));
                }
            }
            Err(error) => {
                // Nothing is kept: the next announcement says the same.
                self.send_errors.increment();
                let (name, reason) = (Shown(&self.name), reason(&error));
                if !is_for_all {
                    debug!("{}: cannot send to {}: {}", name, to, Shown(&reason));
                } else if self.sending.begin() {
                    warn!("{}: cannot send to {}: {}; still trying", name, to, Shown(&reason));
                }
            }
        }
    }
}

/// Wanted interfaces that can't be used.
#[derive(Default)]
struct Unused {
    /// One for which no socket could be opened, and why.
    failed: Option<(InterfaceName, io::Error)>,
    /// There are more than slots.
    crowded: bool,
}

/// What each interface that could be used costs, in bytes.
#[cfg(test)]
pub(crate) const LINK: usize = size_of::<Option<Link>>();

/// All interfaces in use, and which are wanted.
pub(crate) struct Links {
    slots: Box<[Option<Link>]>,
    patterns: Vec<Pattern>,
    udp_port: u16,
    first_token: usize,
    /// What was dropped at interfaces that are gone.
    dropped: u64,
    /// The kernel does not say which interfaces there are.
    asking: Outage,
    /// Sockets can't be opened.
    opening: Outage,
    /// There are more interfaces than slots.
    crowded: Outage,
    /// There is no interface at all.
    waiting: Outage,
    changes: ChangeLog,
}

impl Links {
    /// Sockets will be registered under the [`LINKS`] tokens from `first_token` on.
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
        }
    }

    /// Warns of each pattern that asks for an interface which there is not, with the names of those
    /// there are. It is no error: an interface may come later.
    pub(crate) fn warn_of_idle_patterns(&self, query: &mut Query, buffer: &mut [u8; BUFFER]) {
        let mut idle: Vec<_> =
            self.patterns.iter().filter(|pattern| !pattern.leaves_out()).collect();
        if idle.is_empty() {
            return;
        }
        let mut names = String::new();
        let asked = retry_while_changing(|| {
            names.clear();
            query.all(buffer, &mut |interface| {
                idle.retain(|pattern| !pattern.matches(interface));
                let comma = if names.is_empty() { "" } else { ", " };
                // Text in memory takes all that is written to it.
                let _ = write!(names, "{comma}{}", interface.name);
            })
        });
        // If the kernel does not tell, the use of the interfaces fails and says so.
        if asked.is_ok() {
            for pattern in idle {
                let (pattern, names) = (Shown(pattern), Shown(&names));
                warn!("--interface {} matches no interface yet; there are {}", pattern, names);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.slots.iter().flatten()
    }

    /// Datagrams that the kernel dropped before they were received, at all interfaces since the
    /// start. The kernel counts to 2³² and starts again: this is to be asked now and then.
    pub(crate) fn dropped(&self) -> u64 {
        self.iter().map(Link::dropped).fold(self.dropped, u64::saturating_add)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.slots.iter_mut().flatten()
    }

    /// The name of an interface in use; `-` for one that is gone.
    pub(crate) fn name(&self, id: LinkId) -> LinkName<'_> {
        LinkName(self.iter().find(|link| link.id == id).map(|link| &link.name))
    }

    /// Makes the interfaces in use those that the kernel has and the patterns want. Why one could
    /// not be used, if so: that is worth another try. The buffer is for what the kernel says.
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
            // One for which there was no room takes the place of one that is gone.
            if !(self.leave(now, discoverer) && unused.crowded) {
                self.tell(now, &unused);
                return unused.failed.map(|(_, error)| error.kind());
            }
        }
    }

    /// Uses one more interface, if there is room.
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
        match self.open(interface, registry, Token(self.first_token + free)) {
            Ok(mut link) => {
                link.update(now, interface, networks, discoverer, &mut self.changes);
                if let Some(slot) = self.slots.get_mut(free) {
                    *slot = Some(link);
                }
            }
            Err(error) => unused.failed = Some((interface.name.clone(), error)),
        }
    }

    /// Gives up those that were not seen to be usable. Whether there was any.
    fn leave(&mut self, now: Instant, discoverer: &mut Discoverer<'_>) -> bool {
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
                info!("{}: left, it {}", Shown(&link.name), reason);
            }
            discoverer.link_down(link.id);
            self.dropped = self.dropped.saturating_add(link.dropped());
            *slot = None;
            any = true;
        }
        any
    }

    fn open(
        &self,
        interface: &Interface<'_>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Link> {
        let mut socket = LinkSocket::open(&interface.name, self.udp_port)?;
        socket.register(registry, token)?;
        let mut intake = Intake::default();
        intake.mark_ready();
        Ok(Link {
            id: interface.id,
            name: interface.name.clone(),
            loopback: interface.flags.contains(InterfaceFlags::IFF_LOOPBACK),
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

    /// Says what is new about what can't be used.
    fn tell(&mut self, now: Instant, unused: &Unused) {
        match &unused.failed {
            Some((name, error)) => {
                if self.opening.begin() {
                    let reason = Reason::new(error);
                    let hint = match error.kind() {
                        io::ErrorKind::AddrInUse => {
                            "; another program holds it for itself: see `foghorn doctor`"
                        }
                        io::ErrorKind::PermissionDenied => {
                            "; Linux before 5.7 lets only root bind to an interface, and a sandbox may refuse socket, setsockopt or bind"
                        }
                        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => {
                            "; does a sandbox refuse socket, fcntl, setsockopt or bind?"
                        }
                        _ => "",
                    };
                    let (name, port) = (Shown(name), self.udp_port);
                    error!(
                        "{}: cannot open UDP port {}: {}{}; still trying",
                        name,
                        port,
                        Shown(&reason),
                        hint
                    );
                }
            }
            None => {
                if self.opening.end() {
                    info!("all interfaces can be used again");
                }
            }
        }
        if !unused.crowded {
            self.crowded.end();
        } else if self.crowded.begin() {
            warn!("more than {} interfaces: some are left out; choose with --interface", LINKS);
        }
        if self.iter().next().is_some() {
            self.waiting.end();
        } else if unused.failed.is_none() && self.waiting.begin() && self.changes.claim_line(now) {
            let asked_for = Patterns(&self.patterns);
            info!(
                "no usable interface{}: waiting for one that is up and has an IPv4 address",
                Shown(&asked_for)
            );
        }
    }

    /// Sends a datagram; `networks` are our own ones on its link. One for an interface that has
    /// just gone is dropped.
    pub(crate) fn send(&mut self, transmit: &Transmit, networks: &[Network], datagram: &[u8]) {
        match self.iter_mut().find(|link| link.id == transmit.link) {
            Some(link) => link.send(transmit, networks, datagram),
            None => debug!("a datagram for an interface that is gone was dropped"),
        }
    }

    /// There may be datagrams at the socket with that token.
    pub(crate) fn mark_ready(&mut self, token: Token) {
        let slot = token.0.checked_sub(self.first_token).and_then(|slot| self.slots.get_mut(slot));
        if let Some(link) = slot.and_then(Option::as_mut) {
            link.intake.mark_ready();
        }
    }

    /// Takes one datagram from the interface in that slot, if there is one: by which link and from
    /// whom it came, and its length in `buffer`.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        slot: usize,
        buffer: &mut [u8],
    ) -> Option<(LinkId, Ipv4Addr, usize)> {
        let link = self.slots.get_mut(slot)?.as_mut()?;
        let (length, from) = link.intake.take(now, &mut link.socket, &link.name, buffer)?;
        link.received.increment();
        Some((link.id, from, length))
    }

    /// Whether there may be datagrams to take now.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.iter().any(|link| link.intake.is_ready(now))
    }

    /// When datagrams may be taken that can't be taken now.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.iter().filter_map(|link| link.intake.deadline()).min()
    }
}

impl Link {
    /// Takes over its name and its addresses.
    fn update(
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
        let before = discoverer.networks(self.id);
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
        let _ = discoverer.link_up(now, self.id, networks);
    }
}

/// What to call an interface.
#[derive(Clone, Copy)]
pub(crate) struct LinkName<'a>(Option<&'a InterfaceName>);

impl std::fmt::Display for LinkName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(name) => name.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// The patterns that were given, as a part of a sentence.
struct Patterns<'a>(&'a [Pattern]);

impl std::fmt::Display for Patterns<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, pattern) in self.0.iter().enumerate() {
            write!(f, "{} {pattern}", if number == 0 { " matches" } else { "," })?;
        }
        Ok(())
    }
}

fn reason(error: &nb::Error<io::Error>) -> Reason {
    match error {
        nb::Error::WouldBlock => Reason::would_block(),
        nb::Error::Other(error) => Reason::new(error),
    }
}
