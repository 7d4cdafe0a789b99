//! How often something may be done that others can cause: some at once, then one in a while.

use std::time::Duration;

use varde_wire::Instant;

/// A bounded rate, and a count of what was held back since the last time it was granted.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    burst: u32,
    every: Duration,
    left: u32,
    refilled: Instant,
    held_back: u64,
}

impl Allowance {
    /// `burst` at once, and one more each time that `every` has passed.
    pub const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, left: burst, refilled: Instant::from_millis(0), held_back: 0 }
    }

    /// Whether it may be done now; if so, how often it was not since the last time.
    pub fn take(&mut self, now: Instant) -> Option<u64> {
        while self.left < self.burst && now.since(self.refilled) >= self.every {
            self.left = self.left.saturating_add(1);
            self.refilled = self.refilled.after(self.every);
        }
        if self.left == self.burst {
            self.refilled = now;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.held_back = self.held_back.saturating_add(1);
            return None;
        };
        self.left = left;
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_gets_the_burst_and_then_one_each_time() {
        let mut allowance = Allowance::new(3, Duration::from_secs(10));
        let mut granted = Vec::new();
        for second in 100..200 {
            for _ in 0..50 {
                if let Some(held_back) = allowance.take(Instant::from_millis(second * 1000)) {
                    granted.push((second, held_back));
                }
            }
        }
        assert_eq!(granted[..5], [(100, 0), (100, 0), (100, 0), (110, 47 + 9 * 50), (120, 499)]);
        assert_eq!(granted.len(), 3 + 9);
    }

    #[test]
    fn a_long_rest_gives_the_burst_back_and_no_more() {
        let mut allowance = Allowance::new(2, Duration::from_secs(10));
        let at = |second: u64| Instant::from_millis(second * 1000);
        assert_eq!(
            [allowance.take(at(0)), allowance.take(at(0)), allowance.take(at(0))],
            [Some(0), Some(0), None]
        );
        let later = at(1_000_000);
        assert_eq!(
            [allowance.take(later), allowance.take(later), allowance.take(later)],
            [Some(1), Some(0), None]
        );
    }
}
