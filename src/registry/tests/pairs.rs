//! A machine that has an address in each of two networks of ours.

use super::*;
use crate::random::Random;

/// An announcement interval.
const INTERVAL: u64 = 30_000;

/// The addresses of one node, each in a network of its own that is ours.
pub(super) const FIRST: [u8; 4] = [10, 0, 0, 7];
pub(super) const SECOND: [u8; 4] = [10, 0, 1, 7];

/// Us: with a card in each of the two networks.
pub(super) fn two_networks() -> Links {
    let mut links = Links::new();
    for (id, network) in [(2, "10.0.0.254/24"), (3, "10.0.1.254/24")] {
        let networks = [network.parse().unwrap()];
        links.add(Link::new(LinkId(id), Medium::Shared, &networks)).unwrap();
    }
    links
}

/// The announcements that we hear from one node.
pub(super) struct Ears<'a> {
    pub(super) registry: Registry<'a>,
    links: Links,
    pub(super) told: Vec<EventKind>,
}

impl<'a> Ears<'a> {
    pub(super) fn new(storage: &'a mut Storage<4>) -> Self {
        let registry = Registry::new(storage, KEY, LEASE);
        Self { registry, links: two_networks(), told: vec![] }
    }

    pub(super) fn hear(&mut self, millis: u64, from: [u8; 4]) -> Change {
        let (now, socket) = (Instant::from_millis(millis), (from, 22000).into());
        let change = hear_at(&mut self.registry, now, &id(1), socket, &self.links).unwrap();
        self.told.extend(news(&mut self.registry, now).into_iter().map(|event| event.kind));
        change
    }

    /// Where the node is looked up, and how many addresses it has.
    pub(super) fn known(&self, millis: u64) -> ([u8; 4], usize) {
        let entry = self.registry.get(Instant::from_millis(millis), "node-1").unwrap();
        let IpAddr::V4(ip) = entry.address().ip() else { panic!("{}", entry.address()) };
        (ip.octets(), entry.addresses().count())
    }

    pub(super) fn is_contested(&self, millis: u64) -> bool {
        self.registry.get(Instant::from_millis(millis), "node-1").unwrap().is_contested()
    }

    fn contests(&self) -> usize {
        self.told.iter().filter(|kind| matches!(kind, EventKind::Contested { .. })).count()
    }
}

/// The machine with both addresses: when it announces itself, again and again.
pub(super) struct Machine {
    random: Random,
    pub(super) now: u64,
}

impl Machine {
    pub(super) fn new(seed: u64, now: u64) -> Self {
        Self { random: Random(seed), now }
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.random.next() % bound
    }

    /// The next announcement is due: after an interval, which is a sixteenth longer or shorter.
    pub(super) fn wait(&mut self) {
        self.now += INTERVAL - INTERVAL / 16 + self.below(INTERVAL / 8);
    }

    /// Both addresses, in the order in which they are heard.
    fn both(&mut self) -> [[u8; 4]; 2] {
        if self.below(2) == 0 { [FIRST, SECOND] } else { [SECOND, FIRST] }
    }

    /// It announces itself in both networks. Each datagram takes a while, and is lost sometimes.
    fn announce(&mut self, ears: &mut Ears<'_>, loss_percent: u64) {
        for (number, from) in (0..).zip(self.both()) {
            let late = self.now + number * self.below(500);
            if self.below(100) >= loss_percent {
                ears.hear(late, from);
            }
        }
    }
}

#[test]
fn it_is_one_node_with_two_addresses_and_no_contest() {
    for seed in 0..20 {
        let mut storage = Storage::<4>::new();
        let mut ears = Ears::new(&mut storage);
        let mut machine = Machine::new(seed, 100_000);
        let mut oldest = None;
        for _ in 0..3000 {
            machine.announce(&mut ears, 0);
            let (preferred, count) = ears.known(machine.now + 500);
            // The one that was heard first is the oldest.
            assert_eq!(preferred, *oldest.get_or_insert(preferred));
            assert_eq!((count, ears.is_contested(machine.now + 500)), (2, false));
            machine.wait();
        }
        assert_eq!(ears.told, [EventKind::Found], "seed {seed}");
    }
}

#[test]
fn its_second_address_joins_and_each_later_one_is_heard_again() {
    let mut storage = Storage::<4>::new();
    let mut ears = Ears::new(&mut storage);
    assert_eq!(ears.hear(0, FIRST), Change::Added);
    assert_eq!(ears.hear(2000, SECOND), Change::Joined);
    let again = Change::Refreshed { silent: Duration::from_millis(28_000) };
    assert_eq!(ears.hear(30_000, SECOND), again);
    assert_eq!(
        ears.hear(30_100, FIRST),
        Change::Refreshed { silent: Duration::from_millis(30_100) }
    );
    assert_eq!(ears.told, [EventKind::Found]);
}

#[test]
fn a_second_card_that_is_plugged_in_later_moves_it_once_there_and_back() {
    // How long after an announcement by the first card alone.
    for after in [0, 1, 1999, 2000, 2001, 5000, 14_000, 27_000] {
        for seed in 0..5 {
            let mut storage = Storage::<4>::new();
            let mut ears = Ears::new(&mut storage);
            let mut machine = Machine::new(seed, 100_000);
            for _ in 0..10 {
                machine.wait();
                ears.hear(machine.now, FIRST);
            }
            // It announces itself there at once.
            let change = ears.hear(machine.now + after, SECOND);
            let joins = after <= 2000;
            assert_eq!(change, if joins { Change::Joined } else { Change::Moved }, "{after} ms");
            for _ in 0..1000 {
                machine.wait();
                machine.announce(&mut ears, 0);
                assert_eq!(ears.known(machine.now + 500), (FIRST, 2));
                assert!(!ears.is_contested(machine.now + 500));
            }
            let told: &[_] = if joins {
                &[EventKind::Found]
            } else {
                &[EventKind::Found, EventKind::Moved, EventKind::Moved]
            };
            assert_eq!(ears.told, told, "{after} ms");
        }
    }
}

#[test]
fn a_card_that_is_unplugged_gives_way_to_the_other_and_takes_over_when_it_is_back() {
    let mut storage = Storage::<4>::new();
    let mut ears = Ears::new(&mut storage);
    let mut machine = Machine::new(1, 100_000);
    ears.hear(machine.now, FIRST);
    ears.hear(machine.now, SECOND);
    for _ in 0..10 {
        machine.wait();
        machine.announce(&mut ears, 0);
    }
    for _ in 0..10 {
        machine.wait();
        ears.hear(machine.now, SECOND);
    }
    assert_eq!(ears.known(machine.now), (SECOND, 1));
    machine.now += 10_000;
    ears.hear(machine.now, FIRST);
    for _ in 0..10 {
        machine.wait();
        machine.announce(&mut ears, 0);
        assert_eq!(ears.known(machine.now + 500), (FIRST, 2));
    }
    assert_eq!(ears.told, [EventKind::Found, EventKind::Moved, EventKind::Moved]);
}

#[test]
fn announcements_in_one_network_alone_are_no_contest() {
    // It answers newcomers by broadcast, as often as it may: one by one, or five times at once.
    for (answers, apart, each) in [(1, 0, 1), (3, 7000, 1), (5, 550, 2)] {
        let mut storage = Storage::<4>::new();
        let mut ears = Ears::new(&mut storage);
        let mut machine = Machine::new(answers, 100_000);
        for round in 0..1000 {
            machine.announce(&mut ears, 0);
            let start = machine.now + 600 + machine.below(10_000);
            let from = if machine.below(2) == 0 { FIRST } else { SECOND };
            for number in (0..answers).filter(|_| round % each == 0) {
                ears.hear(start + number * apart, from);
            }
            machine.wait();
        }
        assert_eq!(ears.told, [EventKind::Found], "{answers} answers");
    }
}

#[test]
fn a_network_that_loses_datagrams_makes_no_contest_of_it_or_a_short_one() {
    for (loss_percent, most_contests, most_contested) in [(1, 0, 0), (5, 2, 10), (20, 40, 120)] {
        for seed in 0..5 {
            let mut storage = Storage::<4>::new();
            let mut ears = Ears::new(&mut storage);
            let mut machine = Machine::new(seed, 100_000);
            let mut contested = 0;
            // A day.
            for _ in 0..2880 {
                machine.announce(&mut ears, loss_percent);
                let now = machine.now + 500;
                let entry = ears.registry.get(Instant::from_millis(now), "node-1");
                contested += usize::from(entry.is_some_and(|entry| entry.is_contested()));
                machine.wait();
            }
            let contests = ears.contests();
            assert!(
                contests <= most_contests && contested <= most_contested,
                "{loss_percent} % are lost: {contests} contests, for {contested} intervals"
            );
        }
    }
}

#[test]
fn cards_in_one_network_are_contested() {
    let mut storage = Storage::<4>::new();
    let mut ears = Ears::new(&mut storage);
    let other = [10, 0, 0, 8];
    for round in 0..10 {
        ears.hear(100_000 + round * INTERVAL, FIRST);
        ears.hear(100_000 + round * INTERVAL, other);
    }
    let contested = EventKind::Contested { rival: (other, 22000).into() };
    assert_eq!(ears.told, [EventKind::Found, EventKind::Moved, contested]);
}
