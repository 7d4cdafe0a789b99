//! Seeded randomness: the same seed gives the same life, so that a failure can be lived again.

use std::time::Duration;

/// SplitMix64, by Sebastiano Vigna: 64 bits of state, every seed is as good as any other.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// A source that always gives the same numbers for the same `seed`.
    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..end`, or 0 where `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        // The high half of a 128-bit product is a scaled number without division; its bias is below 2^-32 for the
        // small ranges used here.
        ((self.next_u64() as u128 * end as u128) >> 64) as u64
    }

    /// True in `percent` of 100 cases.
    pub const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A duration in `0..end`, in whole microseconds.
    pub fn duration_below(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(end.as_micros()).unwrap_or(u64::MAX)))
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next_u64().to_le_bytes()[0]).collect()
    }

    /// A source of its own for one part of the simulation, so that what the other parts draw does not change it.
    pub const fn branch(&mut self) -> Self {
        Self::seeded(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_implementation() {
        let mut chance = Chance::seeded(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(expected.map(|_| chance.next_u64()), expected);
    }

    #[test]
    fn every_number_of_a_small_range_comes_and_none_beside_it() {
        let mut chance = Chance::seeded(7);
        let mut seen = [0_u32; 6];
        for _ in 0..600 {
            seen[usize::try_from(chance.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
        assert_eq!(chance.below(0), 0);
    }
}
