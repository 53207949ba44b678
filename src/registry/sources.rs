//! Counts for each source address, in tables of fixed size.
//!
//! A source has one counter in each row of a table. Its hash chooses them, and the lowest of them
//! holds. So a source is counted too high only if it shares all of its counters with others. No
//! stranger can bring that about: the hash is keyed with the registry's secret.

use siphasher::sip::SipHasher13;

use crate::random::{half, mixed, scaled};
use crate::time::{Duration, Instant};

/// A source address, as a hash of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(super) struct Source([u8; 4]);

/// How many nodes that are established now came from each source. A table has two rows.
const ESTABLISHED_ROWS: usize = 2;

/// How many names each source brought of late. There are four rows, since a flood may come from as
/// many sources as there are places.
const ARRIVAL_ROWS: usize = 4;

/// The counters for each place of the registry.
pub(super) type Established = [u16; ESTABLISHED_ROWS];
/// The counters for each place of the registry.
pub(super) type Arrivals = [u8; 2 * ARRIVAL_ROWS];

pub(super) struct Sources<'a> {
    hasher: SipHasher13,
    established: &'a mut [u16],
    arrivals: &'a mut [u8],
    /// When the arrivals were halved last.
    halved: Instant,
}

impl Source {
    pub(super) const NONE: Self = Self([0; 4]);

    /// Its counter in each row of a table of that length.
    fn counters<const ROWS: usize>(self, length: usize) -> [usize; ROWS] {
        let row = length / ROWS;
        let (mut hash, mut first) = (mixed(u32::from_ne_bytes(self.0).into()), 0);
        [(); ROWS].map(|()| {
            let [a, b, c, d, ..] = hash.to_be_bytes();
            let counter = first + scaled(u32::from_be_bytes([a, b, c, d]), row);
            (hash, first) = (hash.rotate_left(16), first + row);
            counter
        })
    }
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        key: [u8; 16],
        established: &'a mut [Established],
        arrivals: &'a mut [Arrivals],
    ) -> Self {
        let (established, arrivals) = (established.as_flattened_mut(), arrivals.as_flattened_mut());
        established.fill(0);
        arrivals.fill(0);
        Self {
            hasher: SipHasher13::new_with_key(&key),
            established,
            arrivals,
            halved: Instant::ZERO,
        }
    }

    /// The source that has that address.
    pub(super) fn source(&self, address: &[u8]) -> Source {
        Source(half(self.hasher.hash(address)).to_ne_bytes())
    }

    /// How many established nodes that source has: never less than it is.
    pub(super) fn established(&self, source: Source) -> u16 {
        lowest(self.established, source.counters::<ESTABLISHED_ROWS>(self.established.len()))
    }

    /// One more node of that source is established.
    pub(super) fn add_established(&mut self, source: Source) {
        self.change_established(source, |count| count.saturating_add(1));
    }

    /// One node of that source is no longer established.
    pub(super) fn remove_established(&mut self, source: Source) {
        self.change_established(source, |count| count.saturating_sub(1));
    }

    fn change_established(&mut self, source: Source, change: impl Fn(u16) -> u16) {
        for counter in source.counters::<ESTABLISHED_ROWS>(self.established.len()) {
            if let Some(count) = self.established.get_mut(counter) {
                *count = change(*count);
            }
        }
    }

    /// How many names that source brought of late: half of those of the lease before, and so on.
    /// 255 are the most.
    pub(super) fn arrivals(&self, source: Source) -> u8 {
        lowest(self.arrivals, source.counters::<ARRIVAL_ROWS>(self.arrivals.len()))
    }

    /// That source brought a name.
    ///
    /// O(1), but for once in a lease, when all counters are halved.
    pub(super) fn arrived(&mut self, source: Source, now: Instant, lease: Duration) {
        self.halve(now, lease);
        let more = self.arrivals(source).saturating_add(1);
        for counter in source.counters::<ARRIVAL_ROWS>(self.arrivals.len()) {
            // A counter that is higher counts others as well.
            if let Some(count) = self.arrivals.get_mut(counter) {
                *count = more.max(*count);
            }
        }
    }

    fn halve(&mut self, now: Instant, lease: Duration) {
        let leases = now.since(self.halved).millis() / lease.millis().max(1);
        if leases > 0 {
            for count in &mut *self.arrivals {
                *count = u32::try_from(leases)
                    .ok()
                    .and_then(|leases| count.checked_shr(leases))
                    .unwrap_or(0);
            }
            self.halved = self.halved + lease.times(leases);
        }
    }
}

fn lowest<T: Copy + Ord + Default, const ROWS: usize>(table: &[T], counters: [usize; ROWS]) -> T {
    counters.into_iter().filter_map(|counter| table.get(counter).copied()).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(90);

    fn at(secs: u64) -> Instant {
        Instant::from_millis(secs * 1000)
    }

    /// The sources of a registry of 256 nodes, among them those with these numbers.
    fn with_sources(test: impl FnOnce(&mut Sources<'_>, &dyn Fn(u32) -> Source)) {
        let (mut established, mut arrivals) = ([[7; 2]; 256], [[7; 8]; 256]);
        let mut sources = Sources::new([1; 16], &mut established, &mut arrivals);
        let hasher = sources.hasher;
        test(&mut sources, &|number| {
            Source(half(hasher.hash(&number.to_be_bytes())).to_ne_bytes())
        });
    }

    #[test]
    fn established_nodes_are_counted_for_their_source() {
        with_sources(|sources, source| {
            assert_eq!(sources.source(&1_u32.to_be_bytes()), source(1));
            for number in [1, 1, 1, 2] {
                sources.add_established(source(number));
            }
            assert_eq!([1, 2, 3].map(|number| sources.established(source(number))), [3, 1, 0]);
            sources.remove_established(source(1));
            assert_eq!(sources.established(source(1)), 2);
        });
    }

    #[test]
    fn no_source_is_counted_too_low_and_few_too_high() {
        with_sources(|sources, source| {
            for _ in 0..32 {
                sources.add_established(source(0));
            }
            let too_high =
                (1..=20_000).filter(|number| sources.established(source(*number)) > 0).count();
            // One pair in 65,536 would share both counters.
            assert!(too_high <= 3, "{too_high}");
            assert_eq!(sources.established(source(0)), 32);
        });
    }

    #[test]
    fn arrivals_are_halved_each_lease() {
        with_sources(|sources, source| {
            for (secs, arrivals, told) in
                [(100, 12, 12), (179, 1, 13), (180, 1, 7), (360, 0, 1), (9000, 0, 0)]
            {
                for _ in 0..arrivals {
                    sources.arrived(source(1), at(secs), LEASE);
                }
                sources.halve(at(secs), LEASE);
                assert_eq!(sources.arrivals(source(1)), told, "at {secs} s");
            }
            for _ in 0..1000 {
                sources.arrived(source(1), at(9000), LEASE);
            }
            assert_eq!((sources.arrivals(source(1)), sources.arrivals(source(2))), (u8::MAX, 0));
        });
    }

    #[test]
    fn a_flood_from_as_many_sources_as_there_are_places_leaves_others_uncounted() {
        with_sources(|sources, source| {
            for number in 0..254 * 40 {
                sources.arrived(source(number % 254), at(100), LEASE);
            }
            let quiet =
                (1000..2000).filter(|number| sources.arrivals(source(*number)) < 20).count();
            assert!(quiet > 970, "{quiet}");
            assert!((0..254).all(|number| sources.arrivals(source(number)) >= 40));
        });
    }
}
