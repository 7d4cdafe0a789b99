//! One lane's way out: what to send, when to send it again, what frees it.
//!
//! A batch is *cut* (made, signed, committed) by the store when it is first asked for, *sent* on a connection,
//! and *receipted* by the hub. A PUBACK moves nothing here: only the hub's receipt frees a batch, and until
//! it comes the same bytes are sent again, on each new connection and after each silence, for ever.

use std::time::Duration;

use varde_wire::{ChainId, Hash, Instant, Refusal, Verdict, WINDOW};

use crate::Backoff;
use crate::pace::Pace;

/// The first wait for a receipt before everything unreceipted is sent again, at most.
const RETRY_FIRST: Duration = Duration::from_secs(4);

/// Where a chain stands in the store: what [`Delivery`] starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// The chain.
    pub chain: ChainId,
    /// The number of the oldest batch without a receipt; equal to `next` if there is none.
    pub oldest: u64,
    /// The number of the batch to be cut next.
    pub next: u64,
}

/// What is to be done. Each is answered by the handle that its doc names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Get this batch from the store, cutting it if it is the next one; see [`Delivery::handle_fetched`].
    Fetch {
        /// The batch's number.
        number: u64,
        /// Cut it only if it is a full one: others are still on their way.
        only_full: bool,
        /// Cut it no larger than this, in sealed bytes: what the link carries in a moment.
        at_most: usize,
    },
    /// The hub has this batch and all before it for good: let the store free them; see
    /// [`Delivery::handle_released`].
    Release {
        /// The last batch's number.
        number: u64,
        /// Its hash, which the store compares with its own.
        hash: Hash,
    },
    /// The hub cannot follow this chain any more: begin a new one, with seqs behind `through`; see
    /// [`Delivery::handle_restarted`].
    Restart {
        /// The refused batch's number.
        number: u64,
        /// Its hash, which the store compares with its own.
        hash: Hash,
        /// The highest seq the hub has.
        through: u64,
        /// What the hub said.
        reason: Refusal,
    },
}

/// The state of one chain's delivery. `oldest <= sent <= next` always.
#[derive(Debug)]
pub struct Delivery {
    place: Dispatch,
    /// The next batch to send on this connection.
    sent: u64,
    window: u64,
    connected: bool,
    /// A fetch is out; nothing else is asked of the store until it is answered.
    fetching: bool,
    /// The store could not give a batch that it has; it is asked again when it works, or when time has passed.
    store_fails: bool,
    /// Entries may be waiting that are in no batch yet.
    waiting: bool,
    /// Every waiting entry that fills a batch has been cut; the rest goes when nothing else is on its way.
    only_scraps: bool,
    answer: Option<Output>,
    pace: Pace,
    backoff: Backoff,
    retry_at: Option<Instant>,
    strange: u64,
    resent: u64,
}

impl Delivery {
    /// For a chain that stands at `place`, with at most `window` batches (and never more than the wire's
    /// [`WINDOW`]) on their way, sent again after `longest` at the latest. Assumes that entries wait: the first
    /// fetch tells.
    pub fn new(place: Dispatch, window: u64, longest: Duration, seed: u64) -> Self {
        Self {
            place,
            sent: place.oldest,
            window: window.clamp(1, WINDOW),
            connected: false,
            fetching: false,
            store_fails: false,
            waiting: true,
            only_scraps: false,
            answer: None,
            pace: Pace::default(),
            backoff: Backoff::new(RETRY_FIRST, longest, seed),
            retry_at: None,
            strange: 0,
            resent: 0,
        }
    }

    /// Where the chain stands.
    pub fn place(&self) -> Dispatch {
        self.place
    }

    /// How many batches are on their way.
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.place.oldest)
    }

    /// How many events made no sense in their state.
    pub fn strange(&self) -> u64 {
        self.strange
    }

    /// How many batches were sent more than once.
    pub fn resent(&self) -> u64 {
        self.resent
    }

    /// A connection stands: everything unreceipted goes out on it.
    pub fn handle_connected(&mut self) {
        self.connected = true;
        self.store_fails = false;
        self.backoff.succeeded();
        // Nobody tells of what is committed while there is no connection.
        self.handle_committed();
        self.rewind(self.place.oldest);
    }

    /// The connection is gone; what was sent on it may or may not have arrived.
    pub fn handle_disconnected(&mut self) {
        self.connected = false;
        self.retry_at = None;
        self.rewind(self.place.oldest);
    }

    /// Entries were committed, or the store works again.
    pub fn handle_committed(&mut self) {
        self.store_fails = false;
        self.waiting = true;
        self.only_scraps = false;
    }

    /// The store's answer to [`Output::Fetch`]: how long batch `number` is, if it has it. Says whether to send it
    /// now.
    #[must_use]
    pub fn handle_fetched(&mut self, number: u64, found: Option<usize>, now: Instant) -> bool {
        if !self.fetching {
            self.strange = self.strange.saturating_add(1);
            return false;
        }
        self.fetching = false;
        let cut = number == self.place.next;
        let Some(length) = found else {
            if cut {
                self.waiting = self.waiting && self.in_flight() > 0;
                self.only_scraps = true;
            } else {
                self.store_fails = true;
                self.retry_at.get_or_insert(now.after(self.backoff.failed()));
            }
            return false;
        };
        if cut {
            self.place.next = number.saturating_add(1);
        }
        // A rewind in between wants an older batch first; this one was cut all the same, and is asked for again.
        if number != self.sent || !self.connected {
            return false;
        }
        self.sent = number.saturating_add(1);
        self.pace.handle_sent(number, length, now);
        if self.retry_at.is_none() {
            self.retry_at = Some(now.after(self.backoff.failed()));
        }
        true
    }

    /// A receipt, verified, for this chain.
    pub fn handle_receipt(&mut self, verdict: Verdict, now: Instant) {
        match verdict {
            Verdict::Stored { number, hash, .. } => {
                if self.holds(number) {
                    self.answer(Output::Release { number, hash });
                } else if number >= self.place.next {
                    self.strange = self.strange.saturating_add(1);
                }
            }
            Verdict::Refused { number, hash, reason, expected, through } => {
                self.handle_refused(number, hash, reason, expected, through, now);
            }
        }
    }

    fn handle_refused(
        &mut self,
        number: u64,
        hash: Hash,
        reason: Refusal,
        expected: u64,
        through: u64,
        now: Instant,
    ) {
        if !self.holds(number) {
            // About a batch that is long done with, or of a life before this one.
            self.strange = self.strange.saturating_add(1);
            return;
        }
        if reason == Refusal::Missing && self.holds(expected) {
            // One lost batch makes the hub refuse each that was sent behind it; the first refusal rewinds, at
            // the pace of the retries.
            if expected < self.sent && self.retry_at.is_none_or(|at| at > now.after(Duration::from_secs(1))) {
                self.retry_at = Some(now.after(Duration::from_secs(1)));
            }
            return;
        }
        self.answer(Output::Restart { number, hash, through, reason });
    }

    /// The store freed everything before `oldest`: what it was, where the hash was not the store's.
    pub fn handle_released(&mut self, oldest: u64, now: Instant) {
        if oldest <= self.place.oldest {
            self.strange = self.strange.saturating_add(1);
            return;
        }
        self.place.oldest = oldest;
        self.place.next = self.place.next.max(oldest);
        self.sent = self.sent.max(oldest);
        self.pace.handle_receipted(oldest, now);
        self.backoff.succeeded();
        self.retry_at = (self.in_flight() > 0).then(|| now.after(self.backoff.failed()));
    }

    /// The store began a new chain.
    pub fn handle_restarted(&mut self, place: Dispatch) {
        self.place = place;
        self.sent = place.oldest;
        self.waiting = true;
        self.only_scraps = false;
        self.fetching = false;
        self.retry_at = None;
        self.pace.handle_rewound();
    }

    /// No receipt for too long: everything unreceipted goes out again.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.store_fails = false;
            self.rewind(self.place.oldest);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(answer) = self.answer.take() {
            return Some(answer);
        }
        let held_up = self.fetching || self.store_fails || self.pace.is_full();
        if !self.connected || held_up || self.in_flight() >= self.window {
            return None;
        }
        let again = self.sent < self.place.next;
        // Small batches cost as much as big ones: while some are on their way, only a full one joins them.
        let only_full = self.in_flight() > 0;
        if !again && (!self.waiting || (only_full && self.only_scraps)) {
            return None;
        }
        self.fetching = true;
        Some(Output::Fetch {
            number: self.sent,
            only_full: !again && only_full,
            at_most: self.pace.batch_bytes(),
        })
    }

    fn holds(&self, number: u64) -> bool {
        (self.place.oldest..self.place.next).contains(&number)
    }

    fn answer(&mut self, output: Output) {
        // A later release includes an earlier one that nobody took yet; a restart outweighs both.
        let keep = match (self.answer, output) {
            (Some(Output::Release { number: old, .. }), Output::Release { number: new, .. }) => old > new,
            (Some(Output::Restart { .. }), _) => true,
            _ => false,
        };
        if !keep {
            self.answer = Some(output);
        }
    }

    fn rewind(&mut self, number: u64) {
        self.resent = self.resent.saturating_add(self.sent.saturating_sub(number));
        self.sent = number;
        self.pace.handle_rewound();
    }
}

#[cfg(test)]
mod tests;
