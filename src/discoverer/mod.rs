//! The state machine: datagrams and times in, datagrams and events out.
//!
//! It does no I/O and has no clock. Whoever drives it repeats three steps:
//!
//! 1. *Put in* one thing: a datagram ([`Discoverer::handle_datagram`]), the time
//!    ([`Discoverer::handle_timeout`]), or a change of the interfaces ([`Discoverer::link_up`],
//!    [`Discoverer::link_down`]).
//! 2. *Drain* what came of it: [`Discoverer::poll_transmit`] and [`Discoverer::poll_event`] until
//!    they have nothing more.
//! 3. *Wait* for the next input, or until [`Discoverer::poll_at`].
//!
//! Each call does a bounded amount of work, and the times that are handed in never go back.

mod answers;
mod event;
mod link;
mod origin;
mod rival;

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::{Deque, HistoryBuf, Vec};

use crate::limits::{ALLOWED_NETWORKS, LINKS, NETWORKS_PER_LINK, OWN_NODES};
use crate::network::Network;
use crate::registry::{
    Address, Change, Entry, LinkId, Place, Refused, Registry, Saved, Sighting, Storage,
};
use crate::schedule::{ANSWER_DELAY, LEASE_INTERVALS, Schedule};
use crate::stats::{Rejected, Stats};
use crate::time::{Duration, Instant};
use crate::wire::v1::{self, BufferTooSmall, Frame};
use crate::wire::{Announcement, NodeId};

use answers::Recipient;
use event::lost;
pub use event::{Event, EventKind};
use link::Link;
pub use origin::TooManyNetworks;
use origin::is_one_host;
pub use rival::Rival;

/// How a [`Discoverer`] is to behave.
#[derive(Clone, Debug)]
pub struct Config {
    /// The time between announcements. Entries live three times as long. 30 s is what other nodes
    /// expect.
    pub interval: Duration,
    /// The UDP port that announcements and answers are sent to.
    pub udp_port: u16,
    /// What the random delays come from: the same seed, the same delays. It need not be secret,
    /// only another one on each node: a hardware address will do.
    pub seed: u64,
    /// A secret for the registry's hash. It is to be random, else a stranger can slow each lookup.
    pub hash_key: [u8; 16],
}

impl Config {
    /// The protocol's own interval and port, with randomness from the caller.
    #[must_use]
    pub fn new(seed: u64, hash_key: [u8; 16]) -> Self {
        Self { interval: Duration::from_secs(30), udp_port: v1::UDP_PORT, seed, hash_key }
    }
}

/// Without what makes it hard to predict.
#[cfg(feature = "defmt")]
impl defmt::Format for Config {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Config {{ interval: {}, udp_port: {=u16} }}",
            self.interval,
            self.udp_port
        );
    }
}

/// A datagram to be sent: its first `length` bytes are in the buffer that was handed to
/// [`Discoverer::poll_transmit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit {
    /// The interface to send it on.
    pub link: LinkId,
    /// To whom. The broadcast address is 255.255.255.255.
    pub to: SocketAddrV4,
    /// How many bytes it has.
    pub length: usize,
}

/// Why a node can't be announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AnnounceError {
    /// This process announces [`OWN_NODES`] already.
    TooMany,
    /// It is announced already.
    Duplicate,
}

/// The name in an announcement.
enum Name {
    /// The registry has it, at that place.
    Held(Place),
    /// It is valid, and the registry has it not.
    New(NodeId),
}

/// There are [`LINKS`] interfaces in use already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooManyLinks;

/// Announces nodes, hears others and keeps them in a [`Registry`].
pub struct Discoverer<'a> {
    interval: Duration,
    udp_port: u16,
    registry: Registry<'a>,
    own: Vec<Announcement, OWN_NODES>,
    /// One for each of them that another host announces, too, in the same order.
    rivals: Vec<Option<Rival>, OWN_NODES>,
    links: Vec<Link, LINKS>,
    /// Networks whose nodes count on every link.
    allowed: Vec<Network, ALLOWED_NETWORKS, u8>,
    /// The latest addresses that were our own and are no more.
    former: HistoryBuf<Ipv4Addr, LINKS>,
    schedule: Schedule,
    /// What one datagram can cause: one node that gives way, one that comes.
    events: Deque<Event, 2>,
    /// The time that was handed in last.
    now: Instant,
    stats: Stats,
}

impl<'a> Discoverer<'a> {
    /// A discoverer with an empty registry in that storage. It hears; to announce it is told
    /// [what](Self::announce) and [where](Self::link_up).
    #[must_use]
    pub fn new<const N: usize>(config: &Config, storage: &'a mut Storage<N>) -> Self {
        let lease = config.interval.times(LEASE_INTERVALS);
        Self {
            interval: config.interval,
            udp_port: config.udp_port,
            registry: Registry::new(storage, config.hash_key, lease),
            own: Vec::new(),
            rivals: Vec::new(),
            links: Vec::new(),
            allowed: Vec::new(),
            former: HistoryBuf::new(),
            schedule: Schedule::new(config.interval, config.seed),
            events: Deque::new(),
            now: Instant::ZERO,
            stats: Stats::default(),
        }
    }

    /// Announces one more node from now on.
    ///
    /// # Errors
    ///
    /// [`AnnounceError`]: nothing has changed.
    pub fn announce(&mut self, now: Instant, node: Announcement) -> Result<(), AnnounceError> {
        if self.is_own(node.id.as_str().as_bytes()) {
            return Err(AnnounceError::Duplicate);
        }
        self.own.push(node).map_err(|_| AnnounceError::TooMany)?;
        let _ = self.rivals.push(None);
        self.announce_now(now);
        Ok(())
    }

    /// Announces a node no more. The others forget it when its lease is over. False if it was not
    /// announced. To be called when all is drained, as the contract has it.
    pub fn withdraw(&mut self, id: &NodeId) -> bool {
        let Some(own) = self.own_place(id.as_str().as_bytes()) else { return false };
        self.own.remove(own);
        self.rivals.remove(own);
        if self.own.is_empty() {
            self.schedule.stop_announcing();
            self.links.iter_mut().for_each(|link| link.answers.all_told());
        }
        true
    }

    /// Keeps a place in the registry for a node, known or not, whoever else comes.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`]: all places are taken.
    pub fn expect(&mut self, id: &NodeId) -> Result<(), Refused> {
        self.registry.expect(id)
    }

    /// Announces all nodes on all interfaces now, and next in an interval.
    pub fn announce_now(&mut self, now: Instant) {
        if self.own.is_empty() || self.links.is_empty() {
            return;
        }
        for link in &mut self.links {
            link.announce();
        }
        self.schedule.announced(now);
    }

    /// An interface can be used, or its addresses changed: all nodes are announced there at once.
    ///
    /// `networks` are our own addresses there, each with its network, the one that broadcasts come
    /// from first. The first [`NETWORKS_PER_LINK`] count.
    ///
    /// # Errors
    ///
    /// [`TooManyLinks`]: nothing is sent there, and of the datagrams that come from it only those from
    /// [allowed](Self::allow) networks are heard.
    pub fn link_up(
        &mut self,
        now: Instant,
        id: LinkId,
        networks: &[Network],
    ) -> Result<(), TooManyLinks> {
        self.forget(id);
        let networks = networks.get(..NETWORKS_PER_LINK).unwrap_or(networks);
        let mut link = Link::new(id, Vec::from_slice(networks).unwrap_or_default());
        if !self.own.is_empty() {
            link.announce();
            if self.schedule.announce_at().is_none() {
                self.schedule.announced(now);
            }
        }
        self.links.push(link).map_err(|_| TooManyLinks)
    }

    /// An interface can't be used any more. What was heard on it lives on until it expires.
    pub fn link_down(&mut self, id: LinkId) {
        self.forget(id);
        if self.links.is_empty() {
            self.schedule.stop_announcing();
        }
    }

    /// Gives up a link and its address.
    fn forget(&mut self, id: LinkId) {
        if let Some(position) = self.links.iter().position(|link| link.id == id) {
            let link = self.links.swap_remove(position);
            self.former.extend(link.networks.first().map(|network| network.address()));
        }
    }

    /// Takes in one datagram that `from` sent and that came by `link`. A newcomer is answered.
    ///
    /// # Errors
    ///
    /// [`Rejected`] says why it did not count. The registry has not changed.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        link: LinkId,
        from: Ipv4Addr,
        datagram: &[u8],
    ) -> Result<(), Rejected> {
        debug_assert!(self.events.is_empty(), "events are to be drained before the next input");
        self.now = now;
        self.stats.received.increment();
        self.hear(now, link, from, datagram).inspect_err(|reason| self.stats.reject(*reason))
    }

    /// Takes in a node that was known before this discoverer was there. It is no newcomer: nobody
    /// is told of it, and it is not answered. To be called after the nodes to
    /// [announce](Self::announce) are known, and before anything is heard.
    ///
    /// False if it is left out: it is announced here, no announcement can have told of it, or [the
    /// registry](Registry::restore) does not take it.
    pub fn restore(&mut self, now: Instant, node: &Saved) -> bool {
        let could_be_heard =
            |sighting: &Sighting| is_one_host(*sighting.socket.ip()) && sighting.socket.port() != 0;
        !self.is_own(node.id.as_str().as_bytes())
            && node.sightings.iter().all(could_be_heard)
            && self.registry.restore(now, node)
    }

    fn hear(
        &mut self,
        now: Instant,
        link: LinkId,
        from: Ipv4Addr,
        datagram: &[u8],
    ) -> Result<(), Rejected> {
        let frame = Frame::new(datagram)?;
        // A name that the registry has is valid: for nearly all datagrams that saves a look at each
        // of its bytes.
        let name = match self.registry.find(frame.id()) {
            Some(place) => Name::Held(place),
            None => Name::New(frame.announcement()?.id),
        };
        let socket = SocketAddrV4::new(from, frame.port()?.get());
        self.check_source(link, from)?;
        if let Some(own) = self.own_place(frame.id()) {
            self.stats.own.increment();
            return self.check_own(now, from, own);
        }
        let heard = Address { socket, link, heard: now };
        let (place, change) = match name {
            Name::Held(place) => {
                self.check_claim(now, from, place)?;
                self.registry.hear_at(place, heard)?
            }
            Name::New(id) => self.registry.hear(now, &id, socket, link)?,
        };
        let (kind, address) = match change {
            Change::Refreshed { silent } => {
                self.hear_again(link, silent);
                return Ok(());
            }
            Change::Contested { preferred, rival } => (EventKind::Contested { rival }, preferred),
            Change::Moved => (EventKind::Moved, heard),
            Change::Added { displaced } => {
                if let Some(departed) = displaced {
                    self.push_event(lost(departed));
                }
                (EventKind::Found, heard)
            }
        };
        if let Some(id) = self.registry.id(place).cloned() {
            self.push_event(Event { kind, id, address, place });
        }
        if matches!(kind, EventKind::Found | EventKind::Moved) {
            self.answer(now, link, from);
        }
        Ok(())
    }

    fn answer(&mut self, now: Instant, link: LinkId, newcomer: Ipv4Addr) {
        if self.own.is_empty() {
            return;
        }
        let known = self.registry.used();
        let link = self.links.iter_mut().find(|known| known.id == link);
        if let Some(link) = link.filter(|link| link.reaches(newcomer)) {
            link.answers.newcomer(now, newcomer, known, &mut self.schedule);
        }
    }

    /// A known node was heard after it had been silent for so long.
    fn hear_again(&mut self, link: LinkId, silent: Duration) {
        // After less, a network told the same datagram twice.
        let is_answer = ANSWER_DELAY <= silent && silent.times(4) < self.interval;
        if is_answer && let Some(link) = self.links.iter_mut().find(|known| known.id == link) {
            link.answers.others_answer();
        }
    }

    /// Starts what is due: announcements, answers, expiry.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if self.schedule.announce_at().is_some_and(|due| due <= now) {
            self.announce_now(now);
        }
        for link in &mut self.links {
            if link.answer(now, &mut self.schedule) {
                self.stats.answers.increment();
            }
        }
    }

    /// The next datagram to be sent, written to `buffer`, which
    /// [`ANNOUNCEMENT_CAPACITY`](crate::limits::ANNOUNCEMENT_CAPACITY) bytes are always enough for.
    ///
    /// What it returns changes with each call of it, and with [`announce`](Self::announce),
    /// [`announce_now`](Self::announce_now), [`link_up`](Self::link_up),
    /// [`link_down`](Self::link_down) and [`handle_timeout`](Self::handle_timeout).
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing is to be sent before [`poll_at`](Self::poll_at). [`BufferTooSmall`]:
    /// the datagram is lost.
    #[must_use = "it is handed out once"]
    pub fn poll_transmit(&mut self, buffer: &mut [u8]) -> nb::Result<Transmit, BufferTooSmall> {
        let next = self
            .links
            .iter_mut()
            .find_map(|link| Some((link.id, link.next_transmit(self.own.len())?)));
        let (link, (to, node)) = next.ok_or(nb::Error::WouldBlock)?;
        let node = self.own.get(node).ok_or(nb::Error::WouldBlock)?;
        let length = v1::emit(node, buffer)?;
        let address = match to {
            Recipient::Everyone => Ipv4Addr::BROADCAST,
            Recipient::One(address) => address,
        };
        self.stats.sent.increment();
        Ok(Transmit { link, to: SocketAddrV4::new(address, self.udp_port), length })
    }

    /// The next thing that happened. Nodes that have expired are removed one by one as this tells
    /// of them.
    ///
    /// What it returns changes with each call of it, and with
    /// [`handle_datagram`](Self::handle_datagram) and [`handle_timeout`](Self::handle_timeout).
    #[must_use = "it is handed out once"]
    pub fn poll_event(&mut self) -> Option<Event> {
        let event =
            self.events.pop_front().or_else(|| self.registry.pop_expired(self.now).map(lost))?;
        match event.kind {
            EventKind::Found => self.stats.found.increment(),
            EventKind::Moved => self.stats.moved.increment(),
            EventKind::Contested { .. } => self.stats.contested.increment(),
            EventKind::Lost => self.stats.lost.increment(),
        }
        Some(event)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next; never if `None`. It may
    /// be in the past.
    ///
    /// What it returns changes with each other call that takes `&mut self`.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let answer = self.links.iter().filter_map(|link| link.answers.due(&self.schedule)).min();
        [self.schedule.announce_at(), answer, self.registry.next_expiry()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The node of that name, if it is known.
    #[must_use]
    pub fn lookup(&self, now: Instant, id: &str) -> Option<Entry<'_>> {
        self.registry.get(now, id)
    }

    /// The nodes that are known, see [`Registry::iter_after`].
    pub fn iter_after(&self, now: Instant, last: Option<Place>) -> impl Iterator<Item = Entry<'_>> {
        self.registry.iter_after(now, last)
    }

    /// The time between announcements.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The UDP port that announcements and answers are sent to.
    #[must_use]
    pub fn udp_port(&self) -> u16 {
        self.udp_port
    }

    /// The nodes that are announced.
    #[must_use]
    pub fn own(&self) -> &[Announcement] {
        &self.own
    }

    /// Our own addresses on the interfaces in use, each with its interface: where our own nodes can
    /// be reached. Those of loopback come last, since they mean something else on every machine.
    pub fn addresses(&self) -> impl Iterator<Item = (LinkId, Ipv4Addr)> {
        [false, true].into_iter().flat_map(|is_loopback| {
            let networks = self
                .links
                .iter()
                .flat_map(|link| link.networks.iter().map(|network| (link.id, network.address())));
            networks.filter(move |(_, address)| address.is_loopback() == is_loopback)
        })
    }

    /// The registry: how full it is, how long its entries live.
    #[must_use]
    pub fn registry(&self) -> &Registry<'a> {
        &self.registry
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether a node of that name is announced.
    #[must_use]
    pub fn announces(&self, id: &NodeId) -> bool {
        self.is_own(id.as_str().as_bytes())
    }

    fn is_own(&self, id: &[u8]) -> bool {
        self.own_place(id).is_some()
    }

    /// Where among the nodes that are announced one is.
    fn own_place(&self, id: &[u8]) -> Option<usize> {
        self.own.iter().position(|own| own.id.as_str().as_bytes() == id)
    }

    fn push_event(&mut self, event: Event) {
        // The queue holds what one datagram causes. A caller that does not drain it loses what is
        // oldest.
        if let Err(event) = self.events.push_back(event) {
            self.events.pop_front();
            let _ = self.events.push_back(event);
        }
    }
}

impl core::fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooMany => write!(f, "at most {OWN_NODES} nodes can be announced"),
            Self::Duplicate => f.write_str("the node is announced already"),
        }
    }
}

impl core::error::Error for AnnounceError {}

impl core::fmt::Display for TooManyLinks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "at most {LINKS} interfaces can be used")
    }
}

impl core::error::Error for TooManyLinks {}

#[cfg(test)]
mod tests;
