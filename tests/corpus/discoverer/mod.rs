//! Any sequence of calls of a [`Discoverer`], with its contract checked after each.
//!
//! The first byte sets it up; then each byte is a call, and the bytes after it are its arguments.
//! The calls follow the steps of a host: put in one thing, drain the results, wait.

#![expect(clippy::unwrap_used, reason = "a check must fail on the unexpected")]

mod model;
mod origin;
mod rhythm;
mod sending;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;
use std::collections::{BTreeMap, HashSet, VecDeque};

use foghorn::discoverer::{
    AnnounceError, Config, Discoverer, Event, EventKind, Protocol, Received,
};
use foghorn::limits::{ANNOUNCEMENT_CAPACITY, LINKS, OWN_NODES};
use foghorn::net::{Address, LinkId, Medium, TooManyLinks};
use foghorn::registry::{Refused, Storage};
use foghorn::speaker::v1::ANSWER_PERIOD;
use foghorn::stats::Rejected;
use foghorn::time::{Duration, Instant};
use foghorn::wire::v1;
use foghorn::wire::{Announcement, NodeId};

use crate::input::Input;
use model::{Change, Model};
use origin::{Origins, Subnet, allowed, networks, origin};

pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Some(setup) = input.byte() else { return };
    let interval = Duration::from_millis(match setup >> 6 {
        0 => 1,
        1 => 1000,
        2 => 30_000,
        _ => 3_600_000,
    });
    let config = Config { interval, ..Config::new(u64::from(setup), [setup; 16]) };
    let allowed = allowed(setup >> 2);
    match setup % 4 {
        0 => Session::new(Discoverer::new(&config, &mut Storage::<1>::new()), 1, allowed)
            .run(&mut input),
        1 => Session::new(Discoverer::new(&config, &mut Storage::<3>::new()), 3, allowed)
            .run(&mut input),
        2 => Session::new(Discoverer::new(&config, &mut Storage::<7>::new()), 7, allowed)
            .run(&mut input),
        _ => Session::new(Discoverer::new(&config, &mut Storage::<16>::new()), 16, allowed)
            .run(&mut input),
    }
}

/// A discoverer, and a record of its input.
struct Session<'a> {
    discoverer: Discoverer<'a>,
    capacity: usize,
    now: Instant,
    model: Model,
    own: Vec<Announcement>,
    links: BTreeMap<LinkId, Link>,
    origins: Origins,
    counts: Counts,
    /// The number of names made up so far.
    forged: u32,
    /// The time when the shared bucket of answers will be full again.
    answers_full: Instant,
    /// The last time when a timeout announced all nodes.
    announced: Option<Instant>,
}

#[derive(Default)]
struct Link {
    /// The hosts to answer.
    waiting: HashSet<Ipv4Addr>,
    /// The last time when all hosts there got our nodes.
    told: Option<Instant>,
    /// The time when the bucket of this host's answers will be full again.
    answers_full: Instant,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    received: u64,
    rejected: u64,
    own: u64,
    sent: u64,
    found: u64,
    moved: u64,
    contested: u64,
    lost: u64,
}

impl Link {
    /// All hosts there get our nodes.
    fn tell(&mut self, now: Instant) {
        self.told = Some(now);
        self.waiting.clear();
    }
}

impl<'a> Session<'a> {
    fn new(mut discoverer: Discoverer<'a>, capacity: usize, allowed: Option<Subnet>) -> Self {
        let mut origins = Origins::default();
        if let Some(network) = allowed {
            discoverer.allow(network.into()).unwrap();
            origins.allow(network);
        }
        let lease = discoverer.registry().lease();
        assert_eq!(lease, discoverer.interval().times(3));
        Self {
            discoverer,
            capacity,
            now: Instant::from_millis(1),
            model: Model::new(lease),
            own: vec![],
            links: BTreeMap::new(),
            origins,
            counts: Counts::default(),
            forged: 0,
            answers_full: Instant::ZERO,
            announced: None,
        }
    }

    fn run(&mut self, input: &mut Input<'_>) {
        while self.step(input).is_some() {
            self.check();
        }
    }

    /// None after the last byte.
    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.byte()? % 16 {
            0..=3 => {
                let ((link, from), [name, port]) = (origin(input)?, [input.byte()?, input.byte()?]);
                self.hear(link, from, &datagram(&announcement(name, port)));
            }
            4 => {
                let ((link, from), length) = (origin(input)?, input.byte()?);
                self.hear(link, from, input.bytes(length.into()));
            }
            5 => {
                let ((link, from), count) = (origin(input)?, input.byte()?);
                for _ in 0..count % 32 {
                    self.forged += 1;
                    let id = NodeId::try_from(format!("forged-{}", self.forged).as_str()).unwrap();
                    self.hear(link, from, &datagram(&Announcement { id, port: NonZeroU16::MAX }));
                }
            }
            6 => self.now = self.now + Duration::from_millis(u64::from(input.byte()?)),
            7 => self.now = self.now + self.sixteenths(input.byte()?),
            8 => {
                let sixteenths = input.byte()?;
                self.wait(self.sixteenths(sixteenths));
            }
            9 => {
                // Each interval has its announcements, and the shortest interval is a millisecond.
                let time = Duration::from_millis(u64::from(input.byte()?) * 16);
                self.wait(time.min(self.sixteenths(255)));
            }
            10 => {
                let ((_, address), link) = (origin(input)?, input.byte()?);
                self.link_up(LinkId(u32::from(link % 20)), &networks(address, link / 20));
            }
            11 => {
                let link = LinkId(u32::from(input.byte()? % 20));
                self.discoverer.link_down(link);
                self.links.remove(&link);
                self.origins.link_down(link);
            }
            12 => match [input.byte()?, input.byte()?] {
                [name, 192..=255] => self.withdraw(&announcement(name, 0).id),
                [name, port] => self.announce(announcement(name, port)),
            },
            13 => {
                let size = usize::from(input.byte()?).min(ANNOUNCEMENT_CAPACITY);
                self.announce_with(size);
            }
            14 => match input.byte()? {
                name @ 128.. => self.expect(&announcement(name, 0).id),
                steps => (0..=steps % 4).for_each(|_| self.model.walk(self.now, &self.discoverer)),
            },
            _ => self.timeout(),
        }
        Some(())
    }

    fn sixteenths(&self, count: u8) -> Duration {
        Duration::from_millis(self.discoverer.interval().millis() * u64::from(count) / 16)
    }

    fn hear(&mut self, link: LinkId, from: Ipv4Addr, datagram: &[u8]) {
        let remembered = self.remembered();
        let source = SocketAddr::new(from.into(), v1::UDP_PORT);
        let received = Received { protocol: Protocol::Foghorn, link, from: source, to_group: true };
        let outcome = self.discoverer.handle_datagram(self.now, &received, datagram);
        let mut events = self.events();
        self.counts.received += 1;
        self.counts.rejected += u64::from(outcome.is_err());
        match v1::parse(datagram) {
            Err(malformed) => assert_eq!(outcome, Err(malformed.into())),
            Ok(_) if self.origins.check(link, from).is_err() => {
                assert_eq!(outcome, self.origins.check(link, from));
            }
            Ok(Announcement { id, .. }) if self.own.iter().any(|own| own.id == id) => {
                let is_here = self.origins.is_ours(from) || self.origins.was_ours(from);
                assert_eq!(outcome, if is_here { Ok(()) } else { Err(Rejected::OwnName) });
                let rival = self.discoverer.rival(self.now, &id);
                assert!(
                    is_here
                        || rival.is_some_and(
                            |rival| (rival.address, rival.heard) == (source.ip(), self.now)
                        )
                );
                self.counts.own += 1;
            }
            Ok(Announcement { id, .. }) if self.origins.is_ours(from) && self.is_elsewhere(&id) => {
                assert_eq!(outcome, Err(Rejected::OwnAddress));
            }
            Ok(Announcement { id, port }) => {
                let socket = SocketAddr::new(from.into(), port.get());
                let address = Address { socket, link, heard: self.now };
                self.hear_node(&id, address, outcome, &mut events, remembered.contains(&id));
            }
        }
        self.expire(events);
        // An answer waits for its due time.
        assert_eq!(self.drain(), 0);
    }

    /// Whether the node is known, and announced only on other machines.
    fn is_elsewhere(&mut self, id: &NodeId) -> bool {
        let origins = &self.origins;
        let is_here =
            |ip| matches!(ip, IpAddr::V4(ip) if origins.is_ours(ip) || origins.was_ours(ip));
        let node = self.model.live(self.now, id);
        node.is_some_and(|node| node.live(self.now).iter().all(|address| !is_here(address.ip())))
    }

    /// Handles the announcement of another host's node.
    fn hear_node(
        &mut self,
        id: &NodeId,
        address: Address,
        outcome: Result<(), Rejected>,
        events: &mut VecDeque<Event>,
        is_remembered: bool,
    ) {
        if let Some(node) = self.model.live(self.now, id) {
            assert_eq!(outcome, Ok(()));
            let origins = &self.origins;
            match node.hear(address, &|a, b| origins.are_in_different_networks(a, b)) {
                Change::Nothing => return,
                Change::Joined => {}
                Change::Told(kind, address) => {
                    assert_eq!(
                        events.pop_front(),
                        Some(Event { kind, id: id.clone(), address, place: node.place() })
                    );
                    if kind != EventKind::Moved {
                        return;
                    }
                }
            }
        } else if outcome.is_ok() {
            let mut is_remembered = is_remembered;
            // The registry chooses the node that makes room for a newcomer, but some nodes must not
            // be displaced.
            if events.front().is_some_and(|event| event.kind == EventKind::Lost) {
                let lost = events.pop_front().unwrap();
                let gone = self.model.lose(self.now, &lost);
                assert!(!gone.is_live(self.now) || !self.model.is_safe(&lost.id, &gone));
                // The node was about to be removed: the registry remembers it now.
                is_remembered |= lost.id == *id && self.model.may_be_remembered(self.now, id);
            }
            let event = events.pop_front().unwrap();
            assert_eq!(event.id, *id);
            self.model.find(&event, address, is_remembered);
        } else {
            // The registry also decides whether there is room, unless a place is reserved.
            assert!(!self.model.expected.contains(id));
            return assert!(
                matches!(outcome, Err(Rejected::RegistryFull | Rejected::SourceFull)),
                "{outcome:?}"
            );
        }
        let IpAddr::V4(ip) = address.ip() else { unreachable!("{address:?}") };
        let is_answered = self.origins.is_answered(address.link, ip);
        if let Some(link) =
            self.links.get_mut(&address.link).filter(|_| !self.own.is_empty() && is_answered)
        {
            link.waiting.insert(ip);
        }
    }

    fn expect(&mut self, id: &NodeId) {
        if !self.remembered().contains(id) {
            // A newcomer needed the place before it was reserved.
            self.model.forget(id);
        }
        let is_kept = self.model.expect(id, self.capacity);
        assert_eq!(self.discoverer.expect(id), is_kept.then_some(()).ok_or(Refused::Full));
    }

    fn link_up(&mut self, id: LinkId, networks: &[Subnet]) {
        let told: Vec<_> = networks.iter().map(|network| (*network).into()).collect();
        let link = foghorn::net::Link::new(id, Medium::Shared, &told);
        let outcome = self.discoverer.link_up(self.now, link);
        if !self.links.contains_key(&id) && self.links.len() == LINKS {
            assert_eq!(outcome, Err(TooManyLinks));
            assert_eq!(self.drain(), 0);
        } else {
            assert_eq!(outcome, Ok(()));
            self.links.insert(id, Link::default());
            self.origins.link_up(id, networks);
            assert_eq!(self.drain(), usize::from(!self.own.is_empty()));
            let told = self.links.get(&id).and_then(|link| link.told);
            assert_eq!(told, (!self.own.is_empty()).then_some(self.now));
            self.pass();
        }
    }

    fn announce(&mut self, node: Announcement) {
        let expected = if self.own.iter().any(|own| own.id == node.id) {
            Err(AnnounceError::Duplicate)
        } else if self.own.len() == OWN_NODES {
            Err(AnnounceError::TooMany)
        } else {
            self.own.push(node.clone());
            Ok(())
        };
        assert_eq!(self.discoverer.announce(self.now, node), expected);
        assert_eq!(self.drain(), if expected.is_ok() { self.links.len() } else { 0 });
        let told = self.links.values().all(|link| link.told == Some(self.now));
        assert!(told || expected.is_err());
        if expected.is_ok() {
            self.pass();
        }
    }

    fn withdraw(&mut self, id: &NodeId) {
        let before = self.own.len();
        self.own.retain(|own| own.id != *id);
        assert_eq!(self.discoverer.withdraw(id), self.own.len() < before);
        assert_eq!(self.discoverer.rival(self.now, id), None);
        if self.own.is_empty() {
            // The discoverer has nothing to answer with.
            self.links.values_mut().for_each(|link| link.waiting.clear());
        }
        assert_eq!(self.drain(), 0);
    }

    /// Takes the events, and counts them.
    fn events(&mut self) -> VecDeque<Event> {
        let events: VecDeque<_> = core::iter::from_fn(|| self.discoverer.poll_event()).collect();
        for event in &events {
            match event.kind {
                EventKind::Found => self.counts.found += 1,
                EventKind::Moved => self.counts.moved += 1,
                EventKind::Contested { .. } => self.counts.contested += 1,
                EventKind::Lost => self.counts.lost += 1,
            }
        }
        events
    }

    /// Notes that the discoverer handled a timeout.
    fn pass(&mut self) {
        let events = self.events();
        self.expire(events);
    }

    fn expire(&mut self, events: VecDeque<Event>) {
        for event in events {
            assert!(!self.model.lose(self.now, &event).is_live(self.now));
        }
        // All expired nodes are gone by now.
        assert!(self.model.nodes.values().all(|node| node.is_live(self.now)));
    }

    /// The nodes that are no longer known, but remembered.
    fn remembered(&self) -> HashSet<NodeId> {
        let saved = self.discoverer.registry().iter_to_save(self.now);
        saved.filter(|entry| entry.heard() == 0).map(|entry| entry.id().clone()).collect()
    }

    fn check(&mut self) {
        assert_eq!(self.discoverer.poll_event(), None);
        assert_eq!(self.drain(), 0);
        assert_eq!(self.discoverer.own(), self.own);
        let (registry, stats) = (self.discoverer.registry(), self.discoverer.stats());
        assert_eq!(registry.capacity(), self.capacity);
        assert!(registry.used() <= self.capacity);
        let counts = Counts {
            received: stats.received.get(),
            rejected: stats.rejected().map(|(_, count)| count).sum(),
            own: stats.own.get(),
            sent: stats.sent.get(),
            found: stats.found.get(),
            moved: stats.moved.get(),
            contested: stats.contested.get(),
            lost: stats.lost.get(),
        };
        assert_eq!(counts, self.counts);
        // The discoverer forgets neither a host that waits for an answer nor the next announcement.
        let due_in = self.discoverer.poll_at().map(|due| due.since(self.now));
        let is_awaited = self.links.values().any(|link| !link.waiting.is_empty());
        assert!(!is_awaited || due_in.is_some_and(|span| span <= ANSWER_PERIOD));
        let longest = self.discoverer.interval().millis() + self.sixteenths(1).millis();
        let announces = !self.own.is_empty() && !self.links.is_empty();
        assert!(!announces || due_in.is_some_and(|span| span.millis() <= longest));
        for name in 0..16 {
            let id = announcement(name, 0).id;
            let is_known = self.discoverer.lookup(self.now, id.as_str()).is_some();
            assert!(!is_known || self.model.nodes.contains_key(&id));
        }
        let remembered = self.remembered();
        assert!(self.model.nodes.keys().all(|id| !remembered.contains(id)));
        assert!(self.model.nodes.len() + remembered.len() <= self.capacity);
        // An expected node has its own place.
        for id in self.model.expected.iter().filter(|id| !self.model.nodes.contains_key(*id)) {
            assert!(remembered.contains(id) || !self.model.may_be_remembered(self.now, id));
        }
        self.model.check(self.now, &self.discoverer);
    }
}

/// One of few nodes, so that the same nodes occur again.
fn announcement(name: u8, port: u8) -> Announcement {
    let id = NodeId::try_from(format!("node-{}", name % 16).as_str()).unwrap();
    Announcement { id, port: NonZeroU16::MIN.saturating_add(u16::from(port % 4)) }
}

fn datagram(announcement: &Announcement) -> Vec<u8> {
    let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
    let length = v1::emit(announcement, &mut buffer).unwrap();
    buffer.split_at(length).0.to_vec()
}
