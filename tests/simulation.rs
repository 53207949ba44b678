//! Many nodes on one virtual LAN under a virtual clock, with loss, delay and duplication from a seed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected is to fail"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use foghorn::discoverer::{Config, Discoverer, EventKind};
use foghorn::limits::ANNOUNCEMENT_CAPACITY;
use foghorn::registry::{LinkId, Storage};
use foghorn::time::{Duration, Instant};
use foghorn::wire::{Announcement, NodeId};

const LINK: LinkId = LinkId(1);
const CAPACITY: usize = 128;

/// A small generator (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
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

/// How the network treats datagrams.
#[derive(Clone, Copy, Default)]
struct Weather {
    loss_percent: u64,
    duplicate_percent: u64,
    delay_ms: u64,
}

struct Node {
    id: NodeId,
    address: Ipv4Addr,
    /// None: switched off.
    discoverer: Option<Discoverer<'static>>,
    sent: usize,
    events: Vec<(EventKind, String)>,
}

/// A datagram under way; ordered by when it arrives.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    arrives: Instant,
    order: u64,
    to: usize,
    from: Ipv4Addr,
    bytes: Vec<u8>,
}

struct Lan {
    nodes: Vec<Node>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    now: Instant,
    weather: Weather,
    random: Random,
    order: u64,
}

impl Lan {
    fn new(seed: u64, weather: Weather) -> Self {
        Self {
            nodes: vec![],
            in_flight: BinaryHeap::new(),
            now: Instant::from_millis(1_000_000),
            weather,
            random: Random(seed),
            order: 0,
        }
    }

    /// A node that is still switched off.
    fn add(&mut self, id: &str) -> usize {
        let number = u8::try_from(self.nodes.len() + 1).unwrap();
        self.nodes.push(Node {
            id: NodeId::try_from(id).unwrap(),
            address: Ipv4Addr::new(10, 0, 0, number),
            discoverer: None,
            sent: 0,
            events: vec![],
        });
        self.nodes.len() - 1
    }

    fn start(&mut self, node: usize) {
        // Leaked, since a node lives as long as the test and may be started again.
        let storage: &'static mut Storage<CAPACITY> = Box::leak(Box::new(Storage::new()));
        let key = u8::try_from(self.random.below(256)).unwrap();
        let mut discoverer = Discoverer::new(&Config::new(self.random.below(u64::MAX), [key; 16]), storage);
        let Node { id, address, .. } = &self.nodes[node];
        let announcement = Announcement { id: id.clone(), port: NonZeroU16::new(22000).unwrap() };
        discoverer.announce(self.now, announcement).unwrap();
        discoverer.link_up(self.now, LINK, *address).unwrap();
        self.nodes[node].discoverer = Some(discoverer);
        self.drain(node);
    }

    fn stop(&mut self, node: usize) {
        self.nodes[node].discoverer = None;
    }

    /// Gives a node another address, as DHCP does.
    fn readdress(&mut self, node: usize, address: Ipv4Addr) {
        self.nodes[node].address = address;
        self.nodes[node].discoverer.as_mut().unwrap().link_up(self.now, LINK, address).unwrap();
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
        loop {
            let Some(discoverer) = &mut self.nodes[node].discoverer else { return };
            let Ok(transmit) = discoverer.poll_transmit(&mut buffer) else { break };
            self.nodes[node].sent += 1;
            self.deliver(node, *transmit.to.ip(), &buffer[..transmit.length]);
        }
        let Node { discoverer: Some(discoverer), events, .. } = &mut self.nodes[node] else { return };
        while let Some(event) = discoverer.poll_event() {
            events.push((event.kind, event.id.to_string()));
        }
    }

    fn deliver(&mut self, from: usize, to: Ipv4Addr, bytes: &[u8]) {
        for receiver in 0..self.nodes.len() {
            let is_recipient = to.is_broadcast() || self.nodes[receiver].address == to;
            if !is_recipient || receiver == from {
                continue;
            }
            let copies = 1 + u64::from(self.random.percent(self.weather.duplicate_percent));
            for _ in 0..copies {
                if self.random.percent(self.weather.loss_percent) {
                    continue;
                }
                let delay = Duration::from_millis(1 + self.random.below(self.weather.delay_ms + 1));
                self.order += 1;
                self.in_flight.push(Reverse(InFlight {
                    arrives: self.now + delay,
                    order: self.order,
                    to: receiver,
                    from: self.nodes[from].address,
                    bytes: bytes.to_vec(),
                }));
            }
        }
    }

    /// Lets time pass until `end`: each datagram and each timer at its moment.
    fn run_until(&mut self, end: Instant) {
        loop {
            let arrival = self.in_flight.peek().map(|Reverse(datagram)| datagram.arrives);
            let timer = self.nodes.iter().enumerate().filter_map(|(number, node)| {
                Some((node.discoverer.as_ref()?.poll_at()?.max(self.now), number))
            });
            let timer = timer.min();
            let next = arrival.into_iter().chain(timer.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = next;
            let node = if arrival == Some(next) {
                let Some(Reverse(datagram)) = self.in_flight.pop() else { break };
                if let Some(discoverer) = &mut self.nodes[datagram.to].discoverer {
                    discoverer.handle_datagram(next, LINK, datagram.from, &datagram.bytes).unwrap();
                }
                datagram.to
            } else {
                let Some((_, node)) = timer else { break };
                self.nodes[node].discoverer.as_mut().unwrap().handle_timeout(next);
                node
            };
            self.drain(node);
        }
        self.now = end;
    }

    fn run(&mut self, millis: u64) {
        self.run_until(self.now + Duration::from_millis(millis));
    }

    /// Where `node` believes `other` to be.
    fn lookup(&self, node: usize, other: usize) -> Option<Ipv4Addr> {
        let id = self.nodes[other].id.as_str();
        let entry = self.nodes[node].discoverer.as_ref()?.lookup(self.now, id)?;
        Some(*entry.address().ip())
    }

    /// How many (node, other) pairs do not know where the other is.
    fn unknown_pairs(&self) -> usize {
        let count = self.nodes.len();
        let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b))).filter(|(a, b)| a != b);
        pairs.filter(|(a, b)| self.lookup(*a, *b) != Some(self.nodes[*b].address)).count()
    }
}

#[test]
fn two_nodes_know_each_other_at_once_whoever_starts_first() {
    for seed in 0..50 {
        let mut lan = Lan::new(seed, Weather { delay_ms: 5, ..Weather::default() });
        let (nas, pi) = (lan.add("nas"), lan.add("pi"));
        lan.start(nas);
        lan.run(10_000 + seed * 400);
        lan.start(pi);
        lan.run(120);
        assert_eq!(lan.unknown_pairs(), 0, "seed {seed}");
        assert_eq!(lan.nodes[pi].events, [(EventKind::Found, "nas".to_owned())]);
    }
}

#[test]
fn a_node_that_moves_is_found_at_its_new_address_and_the_old_one_falls_silent() {
    let mut lan = Lan::new(1, Weather::default());
    let (nas, pi) = (lan.add("nas"), lan.add("pi"));
    lan.start(nas);
    lan.start(pi);
    lan.run(5000);
    let new_address = Ipv4Addr::new(10, 0, 0, 200);
    lan.readdress(nas, new_address);
    lan.run(2);
    assert_eq!(lan.lookup(pi, nas), Some(new_address));
    assert_eq!(lan.nodes[pi].events.last(), Some(&(EventKind::Moved, "nas".to_owned())));
    let addresses = |lan: &Lan| {
        lan.nodes[pi].discoverer.as_ref().unwrap().lookup(lan.now, "nas").unwrap().addresses().count()
    };
    assert_eq!(addresses(&lan), 2);
    lan.run(100_000);
    assert_eq!(addresses(&lan), 1);
    assert_eq!(lan.lookup(pi, nas), Some(new_address));
}

#[test]
fn a_node_that_restarts_is_never_lost_and_knows_all_within_an_interval() {
    let mut lan = Lan::new(2, Weather { delay_ms: 5, ..Weather::default() });
    let nodes: Vec<_> = (0..5).map(|number| lan.add(&format!("node-{number}"))).collect();
    for node in &nodes {
        lan.start(*node);
    }
    lan.run(40_000);
    lan.stop(nodes[0]);
    lan.run(10_000);
    lan.start(nodes[0]);
    lan.run(32_000);
    assert_eq!(lan.unknown_pairs(), 0);
    for node in &lan.nodes {
        assert!(node.events.iter().all(|(kind, _)| *kind == EventKind::Found), "{:?}", node.events);
    }
}

#[test]
fn a_node_that_leaves_is_lost_after_three_intervals() {
    let mut lan = Lan::new(3, Weather::default());
    let (nas, pi) = (lan.add("nas"), lan.add("pi"));
    lan.start(nas);
    lan.start(pi);
    lan.run(1000);
    lan.stop(nas);
    lan.run(88_000);
    assert!(lan.lookup(pi, nas).is_some());
    lan.run(4000);
    assert!(lan.lookup(pi, nas).is_none());
    assert_eq!(lan.nodes[pi].events.last(), Some(&(EventKind::Lost, "nas".to_owned())));
}

/// At most this many datagrams are sent by each of 100 nodes that start within one second: the announcement, the burst of
/// answers, and one more answer for each second until the last newcomer has been answered.
const POWER_CUT_DATAGRAMS: usize = 8;

#[test]
fn a_hundred_nodes_that_wake_within_one_second_know_each_other() {
    for seed in 0..3 {
        let mut lan = Lan::new(seed, Weather { delay_ms: 5, duplicate_percent: 5, loss_percent: 0 });
        let nodes: Vec<_> = (0..100).map(|number| lan.add(&format!("node-{number}"))).collect();
        let mut starts: Vec<_> = nodes.iter().map(|node| (lan.random.below(1000), *node)).collect();
        starts.sort_unstable();
        let power = lan.now;
        for (millis, node) in starts {
            lan.run_until(power + Duration::from_millis(millis));
            lan.start(node);
        }
        lan.run(4000);
        assert_eq!(lan.unknown_pairs(), 0, "seed {seed}");
        let most = lan.nodes.iter().map(|node| node.sent).max().unwrap();
        assert!(most <= POWER_CUT_DATAGRAMS, "seed {seed}: {most} datagrams from one node");
        // Nothing is left over that would go on: from here to the next announcement all are silent.
        let sent: usize = lan.nodes.iter().map(|node| node.sent).sum();
        lan.run(20_000);
        assert_eq!(lan.nodes.iter().map(|node| node.sent).sum::<usize>(), sent);
    }
}

#[test]
fn loss_delay_and_duplication_cost_at_most_some_intervals() {
    for seed in 0..5 {
        let weather = Weather { loss_percent: 5, duplicate_percent: 10, delay_ms: 300 };
        let mut lan = Lan::new(seed, weather);
        for number in 0..30 {
            let node = lan.add(&format!("node-{number}"));
            let pause = lan.random.below(200);
            lan.run(pause);
            lan.start(node);
        }
        // A node is lost for a while when three announcements in a row are: one pair in 8,000, of 870.
        lan.run(180_000);
        assert!(lan.unknown_pairs() <= 2, "seed {seed}: {} pairs", lan.unknown_pairs());
        let most = lan.nodes.iter().map(|node| node.sent).max().unwrap();
        assert!(most <= 20, "seed {seed}: {most} datagrams from one node in three minutes");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut lan = Lan::new(9, Weather { loss_percent: 10, duplicate_percent: 10, delay_ms: 50 });
        for number in 0..10 {
            let node = lan.add(&format!("node-{number}"));
            lan.start(node);
            lan.run(70);
        }
        lan.run(60_000);
        lan.nodes.iter().map(|node| (node.sent, node.events.clone())).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
