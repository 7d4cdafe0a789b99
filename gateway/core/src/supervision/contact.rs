//! Whether a device is heard as often as it should be.
//!
//! Silence only counts while the gateway could have heard: not while it was off, nor while the radio was down. And
//! because what a device said meanwhile may have been missed, it is given one interval of its own after that,
//! once until it is heard again, so that a gateway that restarts every few minutes still notices a dead device.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::Instant;

use super::Expectation;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Contact {
    /// When it was heard last; its beginning, where it never was.
    heard: Instant,
    /// When it is missing, if nothing is heard and the gateway can hear.
    due: Instant,
    /// Its one interval after a deaf time has been given.
    reprieved: bool,
    missing: bool,
    /// How long a silence it was given.
    silent_after: Duration,
}

impl Contact {
    pub(super) fn new(expectation: &Expectation, now: Instant) -> Self {
        let silent_after = expectation.silent_after;
        Self { heard: now, due: now.after(silent_after), reprieved: false, missing: false, silent_after }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing
    }

    pub(super) fn heard_last(&self) -> Instant {
        self.heard
    }

    /// It was heard. Gives whether it had been missing.
    pub(super) fn hear(&mut self, expectation: &Expectation, now: Instant) -> bool {
        let was_missing = self.missing;
        *self = Self::new(expectation, now);
        was_missing
    }

    pub(super) fn due(&self) -> Option<Instant> {
        (!self.missing).then_some(self.due)
    }

    pub(super) fn miss(&mut self) {
        self.missing = true;
    }

    /// Other things are expected of it than before. Gives whether it had been missing, and what is expected now cannot
    /// be missed.
    pub(super) fn expect(&mut self, expectation: &Expectation, now: Instant) -> bool {
        if std::mem::replace(&mut self.silent_after, expectation.silent_after) == expectation.silent_after {
            return false;
        }
        // One interval to speak up in, because nobody expected it to until now.
        self.due = self.heard.after(expectation.silent_after).max(now.after(expectation.interval));
        let was_missing = self.missing && expectation.silent_after == Expectation::NEVER;
        self.missing = self.missing && !was_missing;
        was_missing
    }

    /// The gateway was deaf from then until now.
    pub(super) fn deaf(&mut self, from: Instant, now: Instant, interval: Duration) {
        let passed = now.since(from.max(self.heard));
        if self.missing || passed.is_zero() {
            return;
        }
        self.due = self.due.after(passed);
        if !self.reprieved && self.due < now.after(interval) {
            self.due = now.after(interval);
            self.reprieved = true;
        }
    }
}
