//! A LAN of simulated nodes: a virtual clock, and a network that loses, delays and duplicates
//! datagrams according to a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::rc::Rc;

use foghorn::discoverer::{Config, Discoverer, EventKind, Protocol, Received};
use foghorn::limits::ANNOUNCEMENT_CAPACITY;
use foghorn::net::{Link, LinkId, Medium, Network};
use foghorn::registry::Storage;
use foghorn::stats::Rejected;
use foghorn::time::{Duration, Instant};
use foghorn::wire::{Announcement, NodeId, v1};

pub(crate) const LINK: LinkId = LinkId(1);
pub(crate) const CAPACITY: usize = 128;

/// A small generator (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// The faults of the network.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) loss_percent: u64,
    pub(crate) duplicate_percent: u64,
    pub(crate) delay_ms: u64,
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) address: Ipv4Addr,
    /// None while it is switched off.
    pub(crate) discoverer: Option<Discoverer<'static>>,
    /// Its next wake-up in the list of wake-ups.
    wakes: Option<Instant>,
    /// While it sleeps it neither hears nor does anything, and does not notice that time passes.
    suspended: bool,
    pub(crate) sent: usize,
    pub(crate) events: Vec<(EventKind, String)>,
}

/// A datagram in transit; ordered by its time of arrival.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    arrives: Instant,
    order: u64,
    from: usize,
    source: Ipv4Addr,
    to: Ipv4Addr,
    bytes: Rc<[u8]>,
}

pub(crate) struct Lan {
    pub(crate) nodes: Vec<Node>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    /// The wake-ups in order. A node that has an earlier wake-up by now is woken for nothing.
    to_wake: BinaryHeap<Reverse<(Instant, usize)>>,
    pub(crate) now: Instant,
    weather: Weather,
    pub(crate) random: Random,
    order: u64,
    /// Each datagram, one line each: time, sender, receiver, bytes.
    pub(crate) trace: String,
}

/// The link of all nodes, as a node with that address sees it.
fn link(address: Ipv4Addr) -> Link {
    Link::new(LINK, Medium::Shared, &[Network::new(address, 8).unwrap()])
}

/// A received datagram from that address.
fn received(from: Ipv4Addr) -> Received {
    let from = (from, v1::UDP_PORT).into();
    Received { protocol: Protocol::Foghorn, link: LINK, from, to_group: true }
}

impl Lan {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            nodes: vec![],
            in_flight: BinaryHeap::new(),
            to_wake: BinaryHeap::new(),
            now: Instant::from_millis(1_000_000),
            weather,
            random: Random(seed),
            order: 0,
            trace: String::new(),
        }
    }

    /// A node that is still switched off.
    pub(crate) fn add(&mut self, id: &str) -> usize {
        let [_, _, high, low] = u32::try_from(self.nodes.len() + 1).unwrap().to_be_bytes();
        self.nodes.push(Node {
            id: NodeId::try_from(id).unwrap(),
            address: Ipv4Addr::new(10, 0, high, low),
            discoverer: None,
            wakes: None,
            suspended: false,
            sent: 0,
            events: vec![],
        });
        self.nodes.len() - 1
    }

    pub(crate) fn start(&mut self, node: usize) {
        // This is leaked, since a node lives as long as the test and may be started again.
        self.start_in(node, Box::leak(Box::new(Storage::<CAPACITY>::new())));
    }

    /// Starts a node with room for `N` others.
    pub(crate) fn start_in<const N: usize>(
        &mut self,
        node: usize,
        storage: &'static mut Storage<N>,
    ) {
        let key = u8::try_from(self.random.below(256)).unwrap();
        let mut discoverer =
            Discoverer::new(&Config::new(self.random.below(u64::MAX), [key; 16]), storage);
        let Node { id, address, .. } = &self.nodes[node];
        let announcement = Announcement { id: id.clone(), port: NonZeroU16::new(22000).unwrap() };
        discoverer.announce(self.now, announcement).unwrap();
        discoverer.link_up(self.now, link(*address)).unwrap();
        self.nodes[node].discoverer = Some(discoverer);
        self.drain(node);
    }

    pub(crate) fn stop(&mut self, node: usize) {
        self.nodes[node].discoverer = None;
        self.nodes[node].wakes = None;
    }

    /// Puts a node to sleep.
    pub(crate) fn suspend(&mut self, node: usize) {
        self.nodes[node].suspended = true;
    }

    /// Wakes it again: the timer, which has kept counting, fires at once.
    pub(crate) fn resume(&mut self, node: usize) {
        self.nodes[node].suspended = false;
        self.nodes[node].discoverer.as_mut().unwrap().handle_timeout(self.now);
        self.drain(node);
    }

    /// Gives a node another address, as DHCP does.
    pub(crate) fn readdress(&mut self, node: usize, address: Ipv4Addr) {
        self.nodes[node].address = address;
        let discoverer = self.nodes[node].discoverer.as_mut().unwrap();
        discoverer.link_up(self.now, link(address)).unwrap();
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
        loop {
            let Some(discoverer) = &mut self.nodes[node].discoverer else { return };
            let Ok(transmit) = discoverer.poll_transmit(&mut buffer) else { break };
            self.nodes[node].sent += 1;
            let IpAddr::V4(to) = transmit.to.ip() else { unreachable!() };
            let hears = if to.is_broadcast() { "everyone".to_owned() } else { to.to_string() };
            let bytes = &buffer[..transmit.length];
            writeln!(self.trace, "{} {node} {hears} {bytes:02x?}", self.now.millis()).unwrap();
            self.deliver(node, to, &buffer[..transmit.length]);
        }
        let Node { discoverer: Some(discoverer), events, wakes, .. } = &mut self.nodes[node] else {
            return;
        };
        while let Some(event) = discoverer.poll_event() {
            events.push((event.kind, event.id.to_string()));
        }
        if let Some(due) = discoverer.poll_at().map(|due| due.max(self.now))
            && wakes.is_none_or(|noted| due < noted)
        {
            *wakes = Some(due);
            self.to_wake.push(Reverse((due, node)));
        }
    }

    /// Sends a datagram, perhaps twice.
    fn deliver(&mut self, from: usize, to: Ipv4Addr, bytes: &[u8]) {
        let source = self.nodes[from].address;
        let copies = 1 + u64::from(self.random.percent(self.weather.duplicate_percent));
        for _ in 0..copies {
            let arrives =
                self.now + Duration::from_millis(1 + self.random.below(self.weather.delay_ms + 1));
            self.order += 1;
            let datagram =
                InFlight { arrives, order: self.order, from, source, to, bytes: bytes.into() };
            self.in_flight.push(Reverse(datagram));
        }
    }

    /// Delivers a datagram to its receivers, unless it is lost on the way.
    fn arrive(&mut self, datagram: &InFlight) {
        for receiver in 0..self.nodes.len() {
            let is_for = datagram.to.is_broadcast() || self.nodes[receiver].address == datagram.to;
            if !is_for
                || receiver == datagram.from
                || self.random.percent(self.weather.loss_percent)
            {
                continue;
            }
            if self.nodes[receiver].suspended {
                continue;
            }
            if let Some(discoverer) = &mut self.nodes[receiver].discoverer {
                // Only a flooded node may have no room for it.
                let heard = discoverer.handle_datagram(
                    self.now,
                    &received(datagram.source),
                    &datagram.bytes,
                );
                assert!(
                    matches!(heard, Ok(()) | Err(Rejected::RegistryFull | Rejected::SourceFull)),
                    "{heard:?}"
                );
                self.drain(receiver);
            }
        }
    }

    /// Gives a forged announcement to one node. False if the node rejects it.
    pub(crate) fn forge(&mut self, to: usize, from: Ipv4Addr, id: &str) -> bool {
        let announcement =
            Announcement { id: NodeId::try_from(id).unwrap(), port: NonZeroU16::MIN };
        let mut bytes = [0; ANNOUNCEMENT_CAPACITY];
        let length = v1::emit(&announcement, &mut bytes).unwrap();
        let discoverer = self.nodes[to].discoverer.as_mut().unwrap();
        let admitted =
            discoverer.handle_datagram(self.now, &received(from), &bytes[..length]).is_ok();
        self.drain(to);
        admitted
    }

    /// Advances the time to `end`: each datagram and each timer at its moment.
    pub(crate) fn run_until(&mut self, end: Instant) {
        loop {
            let arrival = self.in_flight.peek().map(|Reverse(datagram)| datagram.arrives);
            let waking = self.to_wake.peek().map(|Reverse((at, _))| *at);
            let Some(next) = arrival.into_iter().chain(waking).min().filter(|next| *next <= end)
            else {
                break;
            };
            self.now = next;
            if arrival == Some(next) {
                let Some(Reverse(datagram)) = self.in_flight.pop() else { break };
                self.arrive(&datagram);
            } else {
                let Some(Reverse((at, node))) = self.to_wake.pop() else { break };
                self.wake(at, node);
            }
        }
        self.now = end;
    }

    /// Handles a wake-up of a node.
    fn wake(&mut self, at: Instant, node: usize) {
        let Node { discoverer: Some(discoverer), wakes, suspended, .. } = &mut self.nodes[node]
        else {
            return;
        };
        if *wakes == Some(at) {
            *wakes = None;
            if *suspended {
                return;
            }
            discoverer.handle_timeout(self.now);
            self.drain(node);
        }
    }

    pub(crate) fn run(&mut self, millis: u64) {
        self.run_until(self.now + Duration::from_millis(millis));
    }

    /// The address of `other` according to `node`.
    pub(crate) fn lookup(&self, node: usize, other: usize) -> Option<Ipv4Addr> {
        let id = self.nodes[other].id.as_str();
        let entry = self.nodes[node].discoverer.as_ref()?.lookup(self.now, id)?;
        match entry.address().ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        }
    }

    /// The number of (node, other) pairs in which the node does not know the other's address.
    pub(crate) fn unknown_pairs(&self) -> usize {
        let count = self.nodes.len();
        let pairs =
            (0..count).flat_map(|a| (0..count).map(move |b| (a, b))).filter(|(a, b)| a != b);
        pairs.filter(|(a, b)| self.lookup(*a, *b) != Some(self.nodes[*b].address)).count()
    }
}
