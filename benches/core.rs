//! The core in nanoseconds per operation, for registries of 16 to 65,535 nodes that are full.
//!
//! The cost of a datagram must depend neither on the number of known nodes nor on the names that a
//! stranger picks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that meets the unexpected is to stop"
)]

mod common;

use std::collections::HashMap;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::thread;
use std::time::{Duration, Instant as Clock};

use foghorn::discoverer::{Config, Discoverer, Protocol, Received};
use foghorn::limits::ANNOUNCEMENT_CAPACITY;
use foghorn::net::{Link, LinkId, Medium};
use foghorn::registry::Storage;
use foghorn::time::Instant;
use foghorn::wire::{Announcement, NodeId, v1};
use siphasher::sip::SipHasher13;

use common::{effort, goal, median};

const LINK: LinkId = LinkId(2);

/// Every neighbour is in it. Those with chosen names are far apart: the last has a number of some
/// four million.
const NETWORK: &str = "198.18.0.1/8";

const NOW: Instant = Instant::from_millis(5_000);

/// The key of the registries that are measured, and the one that the chosen names are made to
/// collide under.
const SECRET_KEY: [u8; 16] = *b"\x5e\x91\x0c\xd7\x3a\xf8\x64\x2b\xb9\x17\xe0\x4d\x86\x7f\x23\xca";
const GUESSED_KEY: [u8; 16] = [0; 16];

/// Above this size not even the benchmark waits for names that do collide.
const GUESSED_MAX: usize = 4096;

/// Inputs that are made ready, and then timed together. They fit into the first cache, as a
/// datagram does that the kernel has just copied, and are enough that reading the clock does not
/// count.
const CHUNK: u32 = 64;

/// How long to measure: the median of so many batches, each of so many chunks.
#[derive(Clone, Copy)]
struct Effort {
    batches: u32,
    chunks: u32,
}

impl Effort {
    const FULL: Self = Self { batches: 31, chunks: 1024 };
    const SHORT: Self = Self { batches: 1, chunks: 1 };

    /// The time that `work` takes for one input, without the time to make that.
    fn nanos<T>(self, mut input: impl FnMut() -> T, mut work: impl FnMut(&mut T)) -> f64 {
        let mut chunk = Vec::new();
        let mut batch = || {
            let mut time = Duration::ZERO;
            for _ in 0..self.chunks {
                chunk.clear();
                chunk.extend((0..CHUNK).map(|_| input()));
                let started = Clock::now();
                for item in &mut chunk {
                    work(black_box(item));
                }
                time += started.elapsed();
            }
            time.as_secs_f64() * 1e9 / f64::from(self.chunks * CHUNK)
        };
        // The first batch fills the caches.
        batch();
        let mut batches: Vec<f64> = (0..self.batches).map(|_| batch()).collect();
        median(&mut batches)
    }
}

/// A small generator (`SplitMix64`): each run measures the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A node as the registry meets it: its name and address come from a number, so that they take no
/// room in the caches.
struct Neighbour {
    id: NodeId,
    address: Ipv4Addr,
    datagram: [u8; ANNOUNCEMENT_CAPACITY],
    length: usize,
}

impl Neighbour {
    fn new(number: u32) -> Self {
        Self::named(id_of_52_bytes(number), number)
    }

    fn named(id: NodeId, number: u32) -> Self {
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 1).to_bits() + number);
        let announcement = Announcement { id, port: NonZeroU16::new(22_000).unwrap() };
        let mut datagram = [0; ANNOUNCEMENT_CAPACITY];
        let length = v1::emit(&announcement, &mut datagram).unwrap();
        Self { id: announcement.id, address, datagram, length }
    }

    fn datagram(&self) -> &[u8] {
        &self.datagram[..self.length]
    }
}

/// A name as long as those of the reference node.
fn id_of_52_bytes(number: u32) -> NodeId {
    let mut random = Random(u64::from(number));
    let bytes = [(); 7].map(|()| random.next().to_ne_bytes());
    let letters = bytes.as_flattened().iter().map(|byte| b'A' + byte % 26);
    let id: Vec<u8> = letters.take(52).collect();
    NodeId::new(&id).unwrap()
}

/// The numbers of names as a stranger picks them who knows how the registry hashes, but not its
/// key: under the key that was guessed, their searches all start in the first 64th of the table. To
/// find 65,535 of them takes a second.
fn chosen_numbers(count: usize) -> Vec<u32> {
    let hasher = SipHasher13::new_with_key(&GUESSED_KEY);
    let collides = |number: &u32| {
        let [a, b, c, d, ..] =
            hasher.hash(id_of_52_bytes(*number).as_str().as_bytes()).to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d]) < u32::MAX / 64
    };
    (0..).filter(collides).take(count).collect()
}

/// 0, 1, 2 up to `bound`, again and again.
fn in_turn(bound: usize) -> impl FnMut() -> usize {
    let mut next = 0;
    move || {
        next = if next + 1 < bound { next + 1 } else { 0 };
        next
    }
}

/// Any number below `bound`, again and again.
fn at_random(bound: usize) -> impl FnMut() -> usize {
    let mut random = Random(7);
    move || random.below(bound)
}

fn hear(discoverer: &mut Discoverer<'_>, neighbour: &Neighbour) {
    let from = (neighbour.address, 21025).into();
    let received = Received { protocol: Protocol::Foghorn, link: LINK, from, to_group: true };
    let heard = discoverer.handle_datagram(NOW, &received, neighbour.datagram());
    black_box(heard).unwrap();
}

/// A discoverer that announces a node, as most do, and has heard each neighbour that many times.
fn discoverer<'a, const N: usize>(
    storage: &'a mut Storage<N>,
    key: [u8; 16],
    known: &[u32],
    times: usize,
) -> Discoverer<'a> {
    let mut discoverer = Discoverer::new(&Config::new(1, key), storage);
    let own = Announcement { id: NodeId::try_from("nas").unwrap(), port: NonZeroU16::MIN };
    discoverer.announce(NOW, own).unwrap();
    let link = Link::new(LINK, Medium::Shared, &[NETWORK.parse().unwrap()]);
    discoverer.link_up(NOW, link).unwrap();
    for _ in 0..times {
        for number in known {
            hear(&mut discoverer, &Neighbour::new(*number));
            while discoverer.poll_event().is_some() {}
        }
    }
    assert_eq!(discoverer.registry().used(), known.len());
    discoverer
}

/// The measurements for one size of the registry.
struct Column {
    name: &'static str,
    known_in_turn: f64,
    known_at_random: f64,
    chosen_in_turn: f64,
    chosen_at_random: f64,
    guessed_at_random: Option<f64>,
    newcomer: f64,
    hit: f64,
    miss: f64,
    hash_map: f64,
    memory: f64,
}

impl Column {
    fn measure<const N: usize>(effort: Effort, name: &'static str) -> Self {
        let mut storage = Box::new(Storage::<N>::new());
        let storage = &mut *storage;
        // As many known as the registry holds, and as many again that are not.
        let ordinary: Vec<u32> = (0..).take(2 * N).collect();
        let known = &ordinary[..N];
        let chosen = chosen_numbers(N);
        Self {
            name,
            known_in_turn: known_node(effort, storage, SECRET_KEY, known, in_turn(N)),
            known_at_random: known_node(effort, storage, SECRET_KEY, known, at_random(N)),
            chosen_in_turn: known_node(effort, storage, SECRET_KEY, &chosen, in_turn(N)),
            chosen_at_random: known_node(effort, storage, SECRET_KEY, &chosen, at_random(N)),
            guessed_at_random: (N <= GUESSED_MAX)
                .then(|| known_node(effort, storage, GUESSED_KEY, &chosen, at_random(N))),
            newcomer: newcomer(effort, storage),
            hit: lookup(effort, storage, known, known, true),
            miss: lookup(effort, storage, known, &ordinary[N..], false),
            hash_map: hash_map(effort, known),
            memory: memory(effort, size_of::<Storage<N>>()),
        }
    }

    /// The rows about known nodes, whose time is to be the same for all.
    fn known_rows(&self) -> [f64; 4] {
        [self.known_in_turn, self.known_at_random, self.chosen_in_turn, self.chosen_at_random]
    }
}

/// One datagram from a node that is known at that address: what a daemon does nearly all the time.
fn known_node<const N: usize>(
    effort: Effort,
    storage: &mut Storage<N>,
    key: [u8; 16],
    known: &[u32],
    mut pick: impl FnMut() -> usize,
) -> f64 {
    let mut discoverer = discoverer(storage, key, known, 2);
    effort.nanos(|| Neighbour::new(known[pick()]), |neighbour| hear(&mut discoverer, neighbour))
}

/// One datagram with a name that is always new, while the registry is full of such: another has to
/// go. The two events of it are drained, as the contract asks. All come from one address, as in a
/// flood.
fn newcomer<const N: usize>(effort: Effort, storage: &mut Storage<N>) -> f64 {
    let mut discoverer = discoverer(storage, SECRET_KEY, &[], 0);
    let mut numbers = 0..;
    let mut stranger = || Neighbour {
        address: Ipv4Addr::new(198, 18, 0, 1),
        ..Neighbour::new(numbers.next().unwrap())
    };
    while discoverer.registry().used() < N {
        hear(&mut discoverer, &stranger());
        while discoverer.poll_event().is_some() {}
    }
    effort.nanos(stranger, |neighbour| {
        hear(&mut discoverer, neighbour);
        let (lost, found) = (discoverer.poll_event(), discoverer.poll_event());
        assert!(black_box(lost).is_some() && black_box(found).is_some());
    })
}

fn lookup<const N: usize>(
    effort: Effort,
    storage: &mut Storage<N>,
    known: &[u32],
    asked: &[u32],
    expected: bool,
) -> f64 {
    let discoverer = discoverer(storage, SECRET_KEY, known, 2);
    let mut pick = at_random(asked.len());
    effort.nanos(
        || Neighbour::new(asked[pick()]).id,
        |id| assert_eq!(black_box(discoverer.lookup(NOW, id.as_str())).is_some(), expected),
    )
}

/// The yardstick: what one would write first. The key's allocation is not timed, to free it is.
fn hash_map(effort: Effort, known: &[u32]) -> f64 {
    let name = |number: usize| id_of_52_bytes(known[number]).as_str().to_owned();
    let mut map: HashMap<String, u64> = (0..known.len()).map(|number| (name(number), 0)).collect();
    let mut pick = at_random(known.len());
    effort.nanos(
        || name(pick()),
        |id| {
            black_box(map.insert(std::mem::take(id), 1));
        },
    )
}

/// The yardstick for that machine's memory: to read one cache line of as many as the registry has,
/// each of which tells where the next is.
fn memory(effort: Effort, bytes: usize) -> f64 {
    let mut lines: Vec<[usize; 8]> = (0..bytes.div_ceil(64)).map(|line| [line; 8]).collect();
    // Sattolo's shuffle: all lines become one cycle.
    let mut random = Random(7);
    for line in (1..lines.len()).rev() {
        let other = random.below(line);
        lines.swap(line, other);
    }
    let mut line = 0;
    let ns = effort.nanos(|| (), |()| line = lines[line][0]);
    black_box(line);
    ns
}

fn parse(effort: Effort, id: &NodeId) -> f64 {
    effort.nanos(
        || Neighbour::named(id.clone(), 0),
        |neighbour| {
            black_box(v1::parse(neighbour.datagram())).unwrap();
        },
    )
}

fn print_row(name: &str, cells: impl Iterator<Item = String>) {
    print!("{name:<50}");
    for cell in cells {
        print!("{cell:>11}");
    }
    println!();
}

fn print_table(columns: &[Column]) {
    type Cell = fn(&Column) -> Option<f64>;
    let rows: [(&str, Cell); 10] = [
        ("parse + known node, in turn", |c| Some(c.known_in_turn)),
        ("parse + known node, at random", |c| Some(c.known_at_random)),
        ("parse + known node, chosen names, in turn", |c| Some(c.chosen_in_turn)),
        ("parse + known node, chosen names, at random", |c| Some(c.chosen_at_random)),
        ("  the same had the key been guessed", |c| c.guessed_at_random),
        ("parse + newcomer that displaces a node + events", |c| Some(c.newcomer)),
        ("lookup of a known node", |c| Some(c.hit)),
        ("lookup of an unknown node", |c| Some(c.miss)),
        ("yardstick: HashMap<String, u64>, insert known key", |c| Some(c.hash_map)),
        ("yardstick: one line of as much memory, at random", |c| Some(c.memory)),
    ];
    print_row(
        "registry of N nodes, full; ns",
        columns.iter().map(|column| format!("N = {}", column.name)),
    );
    for (name, cell) in rows {
        let cells =
            columns.iter().map(|column| cell(column).map_or("-".into(), |ns| format!("{ns:.1}")));
        print_row(name, cells);
    }
    let ratio = |column: &Column| format!("{:.2}", column.known_at_random / column.hash_map);
    print_row("parse + known node, at random / yardstick", columns.iter().map(ratio));
}

fn print_goals(columns: &[Column]) {
    let rows = || columns.iter().map(Column::known_rows);
    let slowest = rows().flatten().fold(0.0, f64::max);
    goal("parse + known node, the worst of all", slowest, 100.0, " ns");
    let growth = (0..4).map(|row| {
        let row = || rows().map(|rows| rows[row]);
        row().fold(0.0, f64::max) / row().fold(f64::INFINITY, f64::min)
    });
    goal("the same for each N, slowest / fastest", growth.fold(0.0, f64::max), 2.0, "");
}

fn run() {
    let effort = effort(Effort::FULL, Effort::SHORT);
    println!("median of {} batches of {} operations\n", effort.batches, effort.chunks * CHUNK);
    println!("parse alone, NodeID of 52 bytes: {:.1} ns", parse(effort, &id_of_52_bytes(0)));
    println!(
        "parse alone, NodeID of 5 bytes:  {:.1} ns\n",
        parse(effort, &NodeId::try_from("alpha").unwrap())
    );
    let columns = [
        Column::measure::<16>(effort, "16"),
        Column::measure::<256>(effort, "256"),
        Column::measure::<4096>(effort, "4,096"),
        Column::measure::<65_535>(effort, "65,535"),
    ];
    print_table(&columns);
    println!();
    print_goals(&columns);
}

fn main() {
    // Storage may pass over the stack on its way into its box, and the largest has more than ten
    // megabytes.
    let thread = thread::Builder::new().stack_size(256 << 20).spawn(run).unwrap();
    assert!(thread.join().is_ok(), "the benchmark failed");
}
