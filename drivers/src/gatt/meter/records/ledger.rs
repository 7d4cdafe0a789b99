//! Which records came: told apart by what is in them, and by their numbers where they have such.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::gatt::record_access::RecordNumber;

/// More records than 16 bits can number are no memory.
const MOST: usize = 65_536;

/// The records of one meter.
///
/// A record counts as known if the very same bytes came before, as often. Not what they say, only a hash of them is
/// held.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Kept for good.
    kept: Tally,
    /// How many records of a whole transfer that is, without what belongs to them.
    kept_count: u32,
    /// Kept, or passed on at this connection.
    given: Tally,
    /// Came in this transfer.
    came: Tally,
    /// How many records that was, without what belongs to them.
    count: u32,
    /// Whether something was passed on that is not kept yet.
    has_unkept: bool,
    /// The number behind which everything is new.
    since: Option<RecordNumber>,
    /// Whether the record of that number came.
    met_since: bool,
    newest: Option<RecordNumber>,
    /// Up to here no number is missing from `since` on.
    gapless: Option<RecordNumber>,
    /// The number before that one: what belongs to its record came as well.
    complete: Option<RecordNumber>,
}

type Tally = BTreeMap<u64, u16>;

impl Ledger {
    /// A connection begins: what was passed on and not kept may come again.
    pub(super) fn begin_connection(&mut self) {
        self.given.clone_from(&self.kept);
        self.has_unkept = false;
        self.begin_transfer(None);
    }

    /// A transfer begins. Records up to `since` are known.
    pub(super) fn begin_transfer(&mut self, since: Option<RecordNumber>) {
        self.came.clear();
        self.count = 0;
        self.since = since;
        self.met_since = false;
        self.newest = since;
        self.gapless = since;
        self.complete = since;
    }

    /// A record, or an annex of one, came; whether it is new.
    pub(super) fn note(&mut self, number: Option<RecordNumber>, is_annex: bool, bytes: &[u8]) -> bool {
        self.bound();
        let key = key(is_annex, bytes);
        let times = self.came.entry(key).or_default();
        // The same number twice is the same record twice.
        let repeated = number.is_some() && *times > 0;
        if repeated {
            return false;
        }
        *times = times.saturating_add(1);
        let times = *times;
        if !is_annex {
            self.count = self.count.saturating_add(1);
            self.number(number);
        }
        let is_after_since = self.is_after_since(number);
        let given = self.given.entry(key).or_default();
        if times <= *given || !is_after_since {
            return false;
        }
        *given = times;
        self.has_unkept = true;
        true
    }

    fn number(&mut self, number: Option<RecordNumber>) {
        let Some(number) = number else { return };
        self.met_since |= self.since == Some(number);
        if self.newest.is_none_or(|newest| number.is_after(newest)) {
            self.newest = Some(number);
        }
        if self.gapless.is_some_and(|last| last.next() == number) {
            self.complete = self.gapless.replace(number);
        }
    }

    fn is_after_since(&self, number: Option<RecordNumber>) -> bool {
        match (number, self.since) {
            (Some(number), Some(since)) => number.is_after(since),
            (None, _) | (_, None) => true,
        }
    }

    /// How many records came in this transfer.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// A record with a number came by itself: a transfer that brings it again brings nothing new.
    pub(super) fn note_live(&mut self, is_annex: bool, bytes: &[u8]) {
        self.bound();
        self.given.insert(key(is_annex, bytes), 1);
        self.has_unkept = true;
    }

    /// Nothing could be read from this record: if it comes again, it is as if for the first time.
    pub(super) fn unknow(&mut self, is_annex: bool, bytes: &[u8]) {
        let key = key(is_annex, bytes);
        self.came.remove(&key);
        self.given.remove(&key);
    }

    /// Whether something was passed on that is not kept yet.
    pub(super) const fn has_unkept(&self) -> bool {
        self.has_unkept
    }

    /// Whether every record of this transfer has a lower number than the one that was the last: the meter's memory
    /// is another.
    pub(super) fn is_another_memory(&self) -> bool {
        self.count > 0 && self.since.is_some() && self.newest == self.since && !self.met_since
    }

    /// The last number of this transfer, or of before where none is newer.
    pub(super) const fn newest(&self) -> Option<RecordNumber> {
        self.newest
    }

    /// Whether the numbers alone say that none is missing.
    pub(super) fn is_gapless(&self) -> bool {
        self.gapless == self.newest
    }

    /// The last number up to which surely nothing is missing, though the transfer did not come to its end.
    pub(super) const fn complete(&self) -> Option<RecordNumber> {
        self.complete
    }

    /// Everything that was passed on is kept.
    pub(super) fn keep(&mut self) {
        self.kept.clone_from(&self.given);
        self.has_unkept = false;
    }

    /// A transfer of the whole memory is kept.
    pub(super) fn keep_whole_memory(&mut self) {
        self.kept_count = self.count;
        self.kept.clone_from(&self.came);
        self.given.clone_from(&self.came);
        self.has_unkept = false;
    }

    /// Nothing in the memory is known by what is in it: it was emptied, or is known by its numbers.
    pub(super) fn forget(&mut self) {
        self.kept_count = 0;
        self.has_unkept = false;
        self.kept.clear();
        self.given.clear();
    }

    /// The memory holds `total` records. Fewer than before: somebody emptied it.
    pub(super) fn compare(&mut self, total: u32) {
        if total < self.kept_count {
            self.forget();
        }
    }

    /// What a faulty meter sends without an end is passed on, but not held against itself for ever.
    fn bound(&mut self) {
        for tally in [&mut self.came, &mut self.given] {
            if tally.len() >= MOST {
                tally.clear();
            }
        }
    }
}

fn key(is_annex: bool, bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (is_annex, bytes).hash(&mut hasher);
    hasher.finish()
}
