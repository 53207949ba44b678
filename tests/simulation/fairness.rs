//! How long newcomers are known while strangers try to take all places of the registry.
//!
//! A flood fills a registry of the usual size, 256 nodes. Then newcomers appear, one after the
//! other. Each announces itself as a node does, and the test watches it for its first minute: after
//! that it is established.

use std::net::Ipv4Addr;

use crate::lan::{Lan, Weather};

use foghorn::registry::Storage;

/// The number of newcomers in each flood.
const NEWCOMERS: usize = 10;

/// The address of a newcomer that strangers also use.
const VICTIM: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);

/// A NAS with room for 256 nodes, and a flood from strangers.
struct Flooded {
    lan: Lan,
    nas: usize,
    /// The tenths of seconds that have passed.
    tenths: usize,
    /// Nodes that the NAS has known for a while, each with its own address.
    settled: usize,
    /// Ever new names: how many in how many tenths of seconds, and their addresses in turn.
    names: usize,
    per_tenths: usize,
    sources: Vec<Ipv4Addr>,
    sent: usize,
    /// Names that one address repeats at a node's own rate.
    repeated: usize,
}

impl Flooded {
    fn new(settled: usize) -> Self {
        let mut lan = Lan::new(1, Weather { delay_ms: 2, ..Weather::default() });
        let nas = lan.add("nas");
        lan.start_in(nas, Box::leak(Box::new(Storage::<256>::new())));
        let none = (0, 1, vec![]);
        let (names, per_tenths, sources) = none;
        let mut flooded =
            Self { lan, nas, tenths: 0, settled, names, per_tenths, sources, sent: 0, repeated: 0 };
        flooded.run(900);
        flooded
    }

    /// Adds ever new names, so many in so many tenths of seconds, from addresses that take turns.
    fn with_names(mut self, names: usize, per_tenths: usize, sources: Vec<Ipv4Addr>) -> Self {
        (self.names, self.per_tenths, self.sources) = (names, per_tenths, sources);
        self.run(1800);
        self
    }

    /// Advances some tenths of seconds.
    fn run(&mut self, tenths: usize) {
        for _ in 0..tenths {
            if self.tenths.is_multiple_of(300) {
                for number in 0..self.settled {
                    assert!(self.lan.forge(
                        self.nas,
                        host(1000 + number),
                        &format!("settled-{number}")
                    ));
                }
                for number in 0..self.repeated {
                    self.lan.forge(self.nas, host(0), &format!("repeated-{number}"));
                }
            }
            self.tenths += 1;
            while self.sent < self.tenths * self.names / self.per_tenths {
                let source = self.sources[self.sent % self.sources.len()];
                self.lan.forge(self.nas, source, &format!("forged-{}", self.sent));
                self.sent += 1;
            }
            self.lan.run(100);
        }
    }

    /// The share of their first minutes in which newcomers are known, in percent.
    fn known(&mut self, address: Option<Ipv4Addr>) -> usize {
        let mut known = 0;
        for number in 0..NEWCOMERS {
            let newcomer = self.lan.add(&format!("newcomer{number}"));
            self.lan.nodes[newcomer].address = address.unwrap_or(self.lan.nodes[newcomer].address);
            self.lan.start(newcomer);
            for _ in 0..600 {
                self.run(1);
                known += usize::from(self.lan.lookup(self.nas, newcomer).is_some());
            }
            self.lan.stop(newcomer);
            self.run(1000);
        }
        known * 100 / (600 * NEWCOMERS)
    }
}

fn host(number: usize) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 1, high, low)
}

fn hosts(count: usize) -> Vec<Ipv4Addr> {
    (0..count).map(host).collect()
}

#[test]
fn newcomers_are_known_in_a_flood_of_ever_new_names() {
    for (sources, settled) in [(1, 0), (16, 0), (16, 240), (254, 0), (254, 240)] {
        let known = Flooded::new(settled).with_names(10, 1, hosts(sources)).known(None);
        assert!(known >= 99, "{known} % with {sources} sources and {settled} established nodes");
    }
}

#[test]
fn newcomers_are_known_while_one_host_repeats_too_many_names() {
    let mut flooded = Flooded::new(0);
    flooded.repeated = 256;
    // This takes half an hour, so that the registry forgets its first names.
    flooded.run(18_000);
    let known = flooded.known(None);
    assert!(known >= 99, "{known} %");
}

#[test]
fn a_newcomer_whose_address_is_forged_is_known_while_there_is_room() {
    // 32 places are taken, and as many names in each lease are from the newcomer's own address.
    let known = Flooded::new(32).with_names(32, 900, vec![VICTIM]).known(Some(VICTIM));
    assert_eq!(known, 100);
}

#[test]
fn a_newcomer_whose_address_floods_is_known_for_a_part_of_the_time() {
    // THREATS.md says: half of the time, and a tenth.
    for (rate, told) in [(15, 40..=60), (100, 5..=15)] {
        let known = Flooded::new(0).with_names(rate, 10, vec![VICTIM]).known(Some(VICTIM));
        assert!(told.contains(&known), "{known} % at {rate} names a second");
    }
}
