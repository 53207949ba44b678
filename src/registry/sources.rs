//! How many nodes came from each source address, in a table of fixed size.
//!
//! Counted is by two hashes of the address that have nothing to do with each other, and the lower count holds: an address is
//! counted too high only where both of its counters are shared with others, about once in N² pairs of addresses. Nobody can choose
//! such: the hashes are keyed with the registry's secret.

use core::net::Ipv4Addr;

use siphasher::sip::SipHasher13;

pub(super) struct Sources<'a> {
    /// Two counters for each place of the registry, for the one hash and for the other.
    counters: &'a mut [[u16; 2]],
    hasher: SipHasher13,
}

impl<'a> Sources<'a> {
    pub(super) fn new(counters: &'a mut [[u16; 2]], key: [u8; 16]) -> Self {
        counters.fill([0; 2]);
        Self { counters, hasher: SipHasher13::new_with_key(&key) }
    }

    /// How many nodes that source has: never less than it is.
    pub(super) fn count(&self, source: Ipv4Addr) -> usize {
        let [first, second] = self.homes(source);
        let first = self.counters.get(first).map_or(0, |[count, _]| *count);
        let second = self.counters.get(second).map_or(0, |[_, count]| *count);
        usize::from(first.min(second))
    }

    /// One node of that source came.
    pub(super) fn add(&mut self, source: Ipv4Addr) {
        self.change(source, |count| count.saturating_add(1));
    }

    /// One node of that source went.
    pub(super) fn remove(&mut self, source: Ipv4Addr) {
        self.change(source, |count| count.saturating_sub(1));
    }

    fn change(&mut self, source: Ipv4Addr, change: impl Fn(u16) -> u16) {
        let [first, second] = self.homes(source);
        if let Some([count, _]) = self.counters.get_mut(first) {
            *count = change(*count);
        }
        if let Some([_, count]) = self.counters.get_mut(second) {
            *count = change(*count);
        }
    }

    /// The two halves of a hash, each scaled to the length of the table.
    fn homes(&self, source: Ipv4Addr) -> [usize; 2] {
        let hash = self.hasher.hash(&source.octets());
        let length = u64::try_from(self.counters.len()).unwrap_or(0);
        [hash & u64::from(u32::MAX), hash >> 32]
            .map(|half| usize::try_from((half * length) >> 32).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u16) -> Ipv4Addr {
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(198, 18, high, low)
    }

    #[test]
    fn a_source_is_counted_and_what_went_is_forgotten() {
        let mut counters = [[7; 2]; 256];
        let mut sources = Sources::new(&mut counters, [1; 16]);
        assert_eq!(sources.count(source(1)), 0);
        for _ in 0..3 {
            sources.add(source(1));
        }
        sources.add(source(2));
        assert_eq!((sources.count(source(1)), sources.count(source(2)), sources.count(source(3))), (3, 1, 0));
        sources.remove(source(1));
        assert_eq!(sources.count(source(1)), 2);
    }

    #[test]
    fn no_source_is_counted_too_low_and_few_too_high() {
        let mut counters = [[0; 2]; 256];
        let mut sources = Sources::new(&mut counters, [2; 16]);
        // As many as the flood of one source may hold.
        for _ in 0..32 {
            sources.add(source(0));
        }
        let too_high = (1..=20_000).filter(|number| sources.count(source(*number)) > 0).count();
        // One pair in 65,536 would share both.
        assert!(too_high <= 3, "{too_high}");
        assert_eq!(sources.count(source(0)), 32);
    }
}
