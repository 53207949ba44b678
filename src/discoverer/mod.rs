//! The state machine: datagrams and times in, datagrams and events out.
//!
//! It does no I/O and has no clock. The program around it repeats three steps:
//!
//! 1. *Put in* one thing: a datagram ([`Discoverer::handle_datagram`]), the time
//!    ([`Discoverer::handle_timeout`]), or a change of the links ([`Discoverer::link_up`],
//!    [`Discoverer::link_down`]).
//! 2. *Drain* the results: [`Discoverer::poll_transmit`] and [`Discoverer::poll_event`] until
//!    they have nothing more.
//! 3. *Wait* for the next input, or until [`Discoverer::poll_at`].
//!
//! Each call does a bounded amount of work, and the times that are handed in never go back.
//!
//! A program that has sockets implements [`Transport`] over them and leaves steps 1 and 2 to
//! [`step`].

mod transport;

use core::net::IpAddr;

use crate::net::{Link, LinkId, Links, Network, TooManyLinks, TooManyNetworks, is_one_host};
use crate::registry::{Entry, Place, Refused, Registry, Saved, Sighting, Storage};
pub use crate::registry::{Event, EventKind};
use crate::speaker::v1::{LEASE_INTERVALS, Speaker};
pub use crate::speaker::{AnnounceError, Protocol, Received, Rival, Transmit};
use crate::speaker::{Context, OwnNodes};
use crate::stats::{Rejected, Stats};
use crate::time::{Duration, Instant};
use crate::wire::v1::{self, BufferTooSmall};
use crate::wire::{Announcement, NodeId};

pub use transport::{Step, Transport, step};

/// How a [`Discoverer`] is to behave.
#[derive(Clone, Debug)]
pub struct Config {
    /// The time between announcements. Entries live three times as long. 30 s is what other nodes
    /// expect.
    pub interval: Duration,
    /// The UDP port that announcements and answers are sent to.
    pub udp_port: u16,
    /// The seed of the random delays: the same seed gives the same delays. It need not be secret,
    /// only another one on each node: a hardware address will do.
    pub seed: u64,
    /// A secret for the registry's hash. It must be random, or a stranger can slow each lookup.
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

/// Announces nodes, hears others and keeps them in a [`Registry`].
pub struct Discoverer<'a> {
    registry: Registry<'a>,
    links: Links,
    own: OwnNodes,
    v1: Speaker,
    /// The time that was handed in last.
    now: Instant,
    stats: Stats,
}

impl<'a> Discoverer<'a> {
    /// A discoverer with an empty registry in that storage. It listens. To announce, it needs
    /// [nodes](Self::announce) and [links](Self::link_up).
    #[must_use]
    pub fn new<const N: usize>(config: &Config, storage: &'a mut Storage<N>) -> Self {
        let lease = config.interval.times(LEASE_INTERVALS);
        Self {
            registry: Registry::new(storage, config.hash_key, lease),
            links: Links::new(),
            own: OwnNodes::default(),
            v1: Speaker::new(config.interval, config.udp_port, config.seed),
            now: Instant::ZERO,
            stats: Stats::default(),
        }
    }

    /// The speaker, and what it shares with others.
    fn speaker(&mut self, now: Instant) -> (&mut Speaker, Context<'_, 'a>) {
        self.now = now;
        let Self { registry, links, own, v1, stats, .. } = self;
        (v1, Context { now, links, own, registry, stats })
    }

    /// Announces one more node from now on.
    ///
    /// # Errors
    ///
    /// [`AnnounceError`]: nothing has changed.
    pub fn announce(&mut self, now: Instant, node: Announcement) -> Result<(), AnnounceError> {
        self.own.add(node)?;
        self.announce_now(now);
        Ok(())
    }

    /// Announces a node no more. The others forget it when its lease is over. False if it was not
    /// announced. To be called when all is drained, as the contract has it.
    pub fn withdraw(&mut self, id: &NodeId) -> bool {
        let is_gone = self.own.remove(id);
        if self.own.is_empty() {
            self.v1.fall_silent();
        }
        is_gone
    }

    /// Reserves a place in the registry for a node, known or not.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`]: all places are taken.
    pub fn expect(&mut self, id: &NodeId) -> Result<(), Refused> {
        self.registry.expect(id)
    }

    /// Nodes from that network are heard too, on every link. Without this, those from a link's own
    /// networks are. A host that is not in one of those is never answered, and hears our
    /// announcements only.
    ///
    /// # Errors
    ///
    /// [`TooManyNetworks`]: nothing has changed.
    pub fn allow(&mut self, network: Network) -> Result<(), TooManyNetworks> {
        self.links.allow(network)
    }

    /// Announces all nodes on all links now, and next in an interval.
    pub fn announce_now(&mut self, now: Instant) {
        let (speaker, context) = self.speaker(now);
        speaker.announce(&context);
    }

    /// A link can be used, or its addresses changed: all nodes are announced there at once.
    ///
    /// # Errors
    ///
    /// [`TooManyLinks`]: nothing is sent there, and of the datagrams that come from it only those
    /// from [allowed](Self::allow) networks are heard.
    pub fn link_up(&mut self, now: Instant, link: Link) -> Result<(), TooManyLinks> {
        let id = link.id();
        self.links.add(link)?;
        let (speaker, context) = self.speaker(now);
        speaker.link_up(&context, id);
        Ok(())
    }

    /// A link can't be used any more. Nodes that were heard on it stay known until they expire.
    pub fn link_down(&mut self, id: LinkId) {
        self.links.remove(id);
        self.v1.link_down(id);
    }

    /// Takes in one datagram. A newcomer is answered.
    ///
    /// # Errors
    ///
    /// [`Rejected`] says why it did not count. The registry has not changed.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        received: &Received,
        datagram: &[u8],
    ) -> Result<(), Rejected> {
        debug_assert!(!self.registry.has_news(), "events are to be drained before the next input");
        self.stats.received.increment();
        let (speaker, mut context) = self.speaker(now);
        let heard = match received.protocol {
            Protocol::Foghorn => speaker.hear(&mut context, received, datagram),
        };
        heard.inspect_err(|reason| self.stats.reject(*reason))
    }

    /// Adds a node that was known before this discoverer existed. It is no newcomer: it causes no
    /// event and gets no answer. Call this after [`announce`](Self::announce) and before
    /// anything is heard.
    ///
    /// False if the node is skipped: it is announced here, no announcement can have contained it,
    /// or [the registry](Registry::restore) does not take it.
    pub fn restore(&mut self, now: Instant, node: &Saved) -> bool {
        let could_be_heard = |sighting: &Sighting| {
            is_one_host(sighting.address.ip()) && sighting.address.socket.port() != 0
        };
        !self.announces(&node.id)
            && node.sightings.iter().all(could_be_heard)
            && self.registry.restore(now, node)
    }

    /// Starts all work that is due: announcements, answers, expiry.
    pub fn handle_timeout(&mut self, now: Instant) {
        let (speaker, mut context) = self.speaker(now);
        speaker.handle_timeout(&mut context);
    }

    /// The next datagram to be sent, written to `buffer`, which
    /// [`ANNOUNCEMENT_CAPACITY`](crate::limits::ANNOUNCEMENT_CAPACITY) bytes are always enough for.
    ///
    /// The result changes with each call of it, and with [`announce`](Self::announce),
    /// [`announce_now`](Self::announce_now), [`link_up`](Self::link_up),
    /// [`link_down`](Self::link_down) and [`handle_timeout`](Self::handle_timeout).
    ///
    /// # Errors
    ///
    /// `WouldBlock`: nothing is to be sent before [`poll_at`](Self::poll_at). [`BufferTooSmall`]:
    /// the datagram is lost.
    #[must_use = "it is handed out once"]
    pub fn poll_transmit(&mut self, buffer: &mut [u8]) -> nb::Result<Transmit, BufferTooSmall> {
        let (speaker, mut context) = self.speaker(self.now);
        let transmit = speaker.poll_transmit(&mut context, buffer)?;
        self.stats.sent.increment();
        Ok(transmit)
    }

    /// The next event. An expired node is removed when its event is returned.
    ///
    /// The result changes with each call of it, and with each other call that takes the time.
    #[must_use = "it is handed out once"]
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.registry.poll_event(self.now)?;
        match event.kind {
            EventKind::Found => self.stats.found.increment(),
            EventKind::Moved => self.stats.moved.increment(),
            EventKind::Contested { .. } => self.stats.contested.increment(),
            EventKind::Lost => self.stats.lost.increment(),
        }
        Some(event)
    }

    /// The next own node that has a rival since there was none, with the address of that.
    #[must_use = "it is handed out once"]
    pub fn poll_rival(&mut self) -> Option<(&NodeId, IpAddr)> {
        self.own.poll_rival()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next; never if `None`. It may
    /// be in the past, and there may be nothing to do by then.
    ///
    /// The result changes with each other call that takes `&mut self`.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        [self.v1.poll_at(), self.registry.next_expiry()].into_iter().flatten().min()
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
        self.v1.interval()
    }

    /// The UDP port that announcements and answers are sent to.
    #[must_use]
    pub fn udp_port(&self) -> u16 {
        self.v1.udp_port()
    }

    /// The nodes that are announced.
    #[must_use]
    pub fn own(&self) -> &[Announcement] {
        self.own.nodes()
    }

    /// The host that announces that node of our own, too. None if no other did for three intervals.
    #[must_use]
    pub fn rival(&self, now: Instant, id: &NodeId) -> Option<Rival> {
        self.own.rival(now, id, self.registry.lease(), &self.links)
    }

    /// The links in use, with our own addresses there.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The registry: how full it is, how long its entries live.
    #[must_use]
    pub fn registry(&self) -> &Registry<'a> {
        &self.registry
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether a node of that name is announced.
    #[must_use]
    pub fn announces(&self, id: &NodeId) -> bool {
        self.own.position(id.as_str().as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests;
