//! Old recordings: an encrypted advertisement that was heard before is not believed again.
//!
//! A sender's counter rises from one advertisement to the next, so one that is not above the highest heard so far is
//! an old recording. The highest is kept over restarts, but not each time, for the flash's sake: after
//! [`KEPT_AFTER`], or [`KEPT_WITHIN`] new counts; and at once with anything that is an event, as that is written down
//! anyway. What was heard and not kept when the power failed could be replayed after it: numbers of ten minutes,
//! never an event.
//!
//! **A counter that begins anew**, as some senders' do when their battery is changed, cannot be told from a recording:
//! whoever recorded one advertisement could have recorded a hundred. It is refused, counted where a technician sees
//! it, and the sensor is missed by its supervision, until the device has a new key (which begins a new count) or is
//! forgotten and added again. Only a pendant's press is passed on even then, marked as questionable: better a false
//! alarm than a dead pendant.

use std::time::Duration;

use varde_wire::Instant;

use crate::advert::Secret;

const KEPT_AFTER: Duration = Duration::from_mins(10);
const KEPT_WITHIN: u32 = 64;

/// The layout of the memory, its first byte.
const LAYOUT: u8 = 1;

/// The highest counter of one device.
#[derive(Debug, Default)]
pub(super) struct Replay {
    heard: Option<Heard>,
    /// The counter that is kept over a restart.
    kept: Option<u32>,
    /// Since when there has been something new to keep.
    new_since: Option<Instant>,
}

#[derive(Debug)]
struct Heard {
    counter: u32,
    /// The whole advertisement; none where only its counter is remembered.
    bytes: Option<Vec<u8>>,
}

/// What a counter says of its advertisement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    /// The last one once more.
    Echo,
    /// Not above this one.
    Old(u32),
}

impl Replay {
    /// Judges an advertisement that is authentic; a new one is from now on the last.
    pub(super) fn judge(&mut self, counter: u32, bytes: &[u8], now: Instant) -> Verdict {
        match &self.heard {
            Some(last) if counter < last.counter => Verdict::Old(last.counter),
            Some(last) if counter == last.counter => match &last.bytes {
                Some(known) if known != bytes => Verdict::Old(last.counter),
                // Two different ones with one counter are not sent by a sender that works, and break its key.
                Some(_) | None => Verdict::Echo,
            },
            Some(_) | None => {
                self.heard = Some(Heard { counter, bytes: Some(bytes.to_vec()) });
                self.new_since.get_or_insert(now);
                Verdict::New
            }
        }
    }

    /// When the memory is to be written; none while there is nothing new in it.
    pub(super) fn keep_at(&self) -> Option<Instant> {
        let (heard, since) = (self.heard.as_ref()?, self.new_since?);
        let many = self.kept.is_none_or(|kept| heard.counter.saturating_sub(kept) >= KEPT_WITHIN);
        Some(if many { since } else { since.after(KEPT_AFTER) })
    }

    /// The memory: the highest counter, and of which key. It counts as written.
    pub(super) fn memory(&mut self, secret: &Secret) -> Option<Vec<u8>> {
        let counter = self.heard.as_ref()?.counter;
        self.kept = Some(counter);
        self.new_since = None;
        Some([&[LAYOUT][..], &secret.fingerprint(), &counter.to_le_bytes()].concat())
    }

    /// Takes a memory back; one of another key says nothing of this one's counter.
    pub(super) fn recall(&mut self, memory: &[u8], secret: &Secret) {
        let Some((&[LAYOUT, a, b, c, d], counter)) = memory.split_first_chunk::<5>() else { return };
        let (Ok(counter), true) = (counter.try_into(), [a, b, c, d] == secret.fingerprint()) else { return };
        let counter = u32::from_le_bytes(counter);
        self.heard = Some(Heard { counter, bytes: None });
        self.kept = Some(counter);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: Secret = Secret { bind_key: [7; 16], address: [0xA4, 0xC1, 0x38, 0, 0, 1] };

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn a_counter_has_to_rise_and_the_last_advertisement_may_be_repeated() {
        let mut replay = Replay::default();
        let table = [
            (7, b"a", Verdict::New),
            (7, b"a", Verdict::Echo),
            (7, b"b", Verdict::Old(7)),
            (6, b"a", Verdict::Old(7)),
            (u32::MAX, b"c", Verdict::New),
            (0, b"d", Verdict::Old(u32::MAX)),
        ];
        for (counter, bytes, expected) in table {
            assert_eq!(replay.judge(counter, bytes, at(0)), expected, "{counter}");
        }
    }

    #[test]
    fn the_first_is_kept_at_once_then_after_many_or_after_a_while() {
        let mut replay = Replay::default();
        assert_eq!(replay.keep_at(), None);
        replay.judge(100, b"a", at(1));
        assert_eq!(replay.keep_at(), Some(at(1)));
        replay.memory(&SECRET);
        assert_eq!(replay.keep_at(), None);
        replay.judge(101, b"b", at(2));
        replay.judge(163, b"c", at(3));
        assert_eq!(replay.keep_at(), Some(at(2 + 600)));
        replay.judge(164, b"d", at(4));
        assert_eq!(replay.keep_at(), Some(at(2)));
    }

    #[test]
    fn a_restart_forgets_no_counter_and_a_new_key_begins_a_new_count() {
        let mut before = Replay::default();
        before.judge(1000, b"a", at(0));
        let memory = before.memory(&SECRET).unwrap();
        let mut after = Replay::default();
        after.recall(&memory, &SECRET);
        assert_eq!(after.judge(999, b"z", at(0)), Verdict::Old(1000));
        assert_eq!(after.judge(1000, b"a", at(0)), Verdict::Echo);
        assert_eq!(after.judge(1001, b"b", at(0)), Verdict::New);

        let renewed = Secret { bind_key: [8; 16], ..SECRET };
        let mut after = Replay::default();
        after.recall(&memory, &renewed);
        assert_eq!(after.judge(1, b"a", at(0)), Verdict::New);
    }

    proptest! {
        #[test]
        fn a_memory_that_makes_no_sense_is_as_good_as_none(memory in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut replay = Replay::default();
            replay.recall(&memory, &SECRET);
            prop_assert_eq!(replay.judge(0, b"a", at(0)), Verdict::New);
        }
    }
}
