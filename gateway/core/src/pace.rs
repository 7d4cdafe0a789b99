//! How much may be on its way, so that an alarm never waits long behind it.
//!
//! What was handed to a slow link cannot be taken back: it sits in the sender's buffers, and what is urgent queues
//! behind it. So no more is handed over than comes back receipted within about a second: twice as much after a
//! quick receipt, half after a slow one.

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::Instant;

/// A receipt that comes sooner says that the link takes more.
const QUICK: Duration = Duration::from_millis(400);

/// A receipt that takes longer says that it takes less.
const SLOW: Duration = Duration::from_secs(1);

const LEAST: usize = 2 * 1024;
const MOST: usize = 512 * 1024;

/// The bytes on their way, and how many there may be.
#[derive(Debug)]
pub(crate) struct Pace {
    budget: usize,
    out: VecDeque<Sent>,
    bytes: usize,
}

#[derive(Debug)]
struct Sent {
    number: u64,
    length: usize,
    at: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Self { budget: 4 * LEAST, out: VecDeque::new(), bytes: 0 }
    }
}

impl Pace {
    /// Whether nothing more should go out before a receipt comes. With nothing on its way, never.
    pub(crate) fn is_full(&self) -> bool {
        !self.out.is_empty() && self.bytes >= self.budget
    }

    /// How large the next batch should be at most: half of what may be on its way, so that the link never stands
    /// still for a receipt.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.budget / 2
    }

    /// A batch goes out.
    pub(crate) fn handle_sent(&mut self, number: u64, length: usize, now: Instant) {
        self.bytes = self.bytes.saturating_add(length);
        self.out.push_back(Sent { number, length, at: now });
    }

    /// Everything before `oldest` came back receipted.
    pub(crate) fn handle_receipted(&mut self, oldest: u64, now: Instant) {
        while let Some(sent) = self.out.pop_front_if(|sent| sent.number < oldest) {
            self.bytes = self.bytes.saturating_sub(sent.length);
            let took = now.since(sent.at);
            if took < QUICK {
                self.budget = self.budget.saturating_mul(2).min(MOST);
            } else if took > SLOW {
                self.budget = (self.budget / 2).max(LEAST);
            }
        }
    }

    /// What was on its way will be sent again, or never.
    pub(crate) fn handle_rewound(&mut self) {
        self.out.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link of so many bytes a second, with a delay, and batches as large as the pace allows.
    fn longest_wait_behind_batches(bytes_per_second: usize, delay: Duration) -> (Duration, usize) {
        let (mut pace, mut now) = (Pace::default(), Instant::from_millis(0));
        let (mut free_at, mut arrivals) = (now, VecDeque::new());
        let (mut longest, mut carried) = (Duration::ZERO, 0);
        for number in 0..2_000 {
            while pace.is_full() {
                let (done, at): (u64, Instant) = arrivals.pop_front().expect("something is on its way");
                now = if at > now { at } else { now };
                pace.handle_receipted(done + 1, now);
            }
            let length = pace.batch_bytes();
            pace.handle_sent(number, length, now);
            carried += length;
            let start = if free_at > now { free_at } else { now };
            free_at = start.after(Duration::from_secs_f64(length as f64 / bytes_per_second as f64));
            arrivals.push_back((number, free_at.after(delay)));
            // The first half finds the pace.
            if number > 1_000 {
                longest = longest.max(free_at.since(now));
            }
        }
        (longest, (carried as f64 / free_at.as_millis() as f64 * 1000.0) as usize)
    }

    #[test]
    fn an_alarm_waits_a_few_seconds_at_most_behind_a_backlog_on_any_link_and_a_good_link_is_used() {
        for bytes_per_second in [2_000, 10_000, 100_000, 10_000_000] {
            let (wait, rate) = longest_wait_behind_batches(bytes_per_second, Duration::from_millis(50));
            assert!(wait < Duration::from_secs(3), "{bytes_per_second} B/s: {wait:?}");
            assert!(rate > bytes_per_second / 3, "{bytes_per_second} B/s: only {rate} used");
        }
    }
}
