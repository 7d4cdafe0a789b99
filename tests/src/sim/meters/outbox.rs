//! What waits in a meter to be indicated: the oldest goes first, and goes for good once it is confirmed.

use std::collections::VecDeque;

use uuid::Uuid;

use super::Link;
use crate::sim::bluez::Radio;

/// Values that wait for somebody who subscribes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(Uuid, Vec<u8>)>,
    confirmed: usize,
}

impl Outbox {
    pub(super) fn push(&mut self, characteristic: Uuid, value: Vec<u8>) {
        self.waiting.push_back((characteristic, value));
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn confirmed(&self) -> usize {
        self.confirmed
    }

    /// Indicates what can be indicated and hangs up after the last.
    pub(super) fn hand_over(&mut self, link: &mut Link, radio: &Radio) {
        if self.waiting.is_empty() || !link.is_connected() {
            return;
        }
        self.indicate(link, radio);
        if self.waiting.is_empty() {
            radio.disconnect();
        }
    }

    /// Indicates what can be indicated.
    pub(super) fn indicate(&mut self, link: &mut Link, radio: &Radio) {
        while let Some((characteristic, value)) = self.waiting.front()
            && link.subscribed(*characteristic)
            && radio.indicate(*characteristic, value.clone())
        {
            self.waiting.pop_front();
            self.confirmed += 1;
            link.touch();
        }
    }
}
