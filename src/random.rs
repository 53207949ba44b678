//! Random numbers that spread times and draw lots. They are not for secrets.

/// A small generator (`SplitMix64`). The same seed gives the same numbers.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }
}

/// A number each of whose bits depends on all bits of the other.
pub(crate) fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Half of the bits of a hash.
pub(crate) fn half(hash: u64) -> u32 {
    let [a, b, c, d, ..] = hash.to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

/// A number below `length`, in proportion to the hash. The same hash gives the same number.
pub(crate) fn scaled(hash: u32, length: usize) -> usize {
    let length = u64::try_from(length).unwrap_or(0);
    usize::try_from((u64::from(hash) * length) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_numbers_of_the_published_generator() {
        // The first outputs for the seed 1234567, as the reference implementation has them.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_hash_is_scaled_to_the_length_and_stays_below_it() {
        for (hash, length, expected) in [
            (0, 7, 0),
            (u32::MAX, 7, 6),
            (1 << 31, 10, 5),
            (u32::MAX, 65_535, 65_534),
            (u32::MAX, 0, 0),
        ] {
            assert_eq!(scaled(hash, length), expected);
        }
    }
}
