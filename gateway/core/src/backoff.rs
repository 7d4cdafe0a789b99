//! How long to wait before trying again: exponential, with full jitter, never giving up.

use std::time::Duration;

/// Waiting times that double up to a longest one, each drawn evenly from half of it to all of it, so that a
/// thousand homes that lost the same broker do not come back in the same second.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    state: u64,
}

impl Backoff {
    /// Waits about `first` after the first failure, `longest` at most. `seed` decides the jitter: give each
    /// box its own.
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self { first, longest, failures: 0, state: seed }
    }

    /// After one more failure: how long to wait.
    pub fn failed(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let whole = doubled.min(self.longest);
        let half = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX).checked_div(2).unwrap_or_default();
        let jitter = self.draw().checked_rem(half.saturating_add(1)).unwrap_or_default();
        Duration::from_millis(half.saturating_add(jitter))
    }

    /// It worked: the next failure starts from the beginning.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// How often it failed since it last worked.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// splitmix64 (Steele, Lea, Flood 2014): jitter needs no better randomness.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_wait_grows_to_its_longest_and_is_never_nothing(seed: u64, failures in 1_usize..200) {
            let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
            let mut backoff = Backoff::new(first, longest, seed);
            let waits: Vec<_> = (0..failures).map(|_| backoff.failed()).collect();
            for (n, wait) in waits.iter().enumerate() {
                let whole = (first * 2_u32.saturating_pow(n.min(20) as u32)).min(longest);
                prop_assert!(*wait >= whole / 2 && *wait <= whole, "{wait:?} of {whole:?}");
            }
            backoff.succeeded();
            prop_assert!(backoff.failed() <= first);
        }
    }
}
