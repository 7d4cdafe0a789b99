//! How far a transfer has come that may yet be cut, so that no restart in its midst brings what is kept once more.
//!
//! Known by number is only what an earlier life of the gateway passed on: within one life the ledger knows better.

use super::Record;
use super::rows::Rows;
use crate::gatt::record_access::RecordNumber;

/// The records of a transfer that need not come again.
#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    /// The series that all the numbers belong to.
    series: u64,
    /// Kept in an earlier life.
    known: Rows,
    /// Kept.
    kept: Rows,
    /// Kept, or passed on at this connection.
    given: Rows,
    /// A record that was passed on, or is held back, whose annex is still to come.
    open: Option<RecordNumber>,
}

impl Checkpoint {
    /// Takes back what an earlier life kept.
    pub(super) fn recall(&mut self, series: u64, known: Rows) {
        *self = Self { series, kept: known.clone(), given: known.clone(), known, open: None };
    }

    /// A connection begins: what was not kept may come again.
    pub(super) fn begin_connection(&mut self) {
        self.given.clone_from(&self.kept);
        self.open = None;
    }

    /// The memory has records of this series, so many of them where it counts. Of another memory nothing is known.
    pub(super) fn compare(&mut self, series: u64, total: Option<u32>) {
        if self.series != series || total.is_some_and(|total| total < self.known.count()) {
            self.forget();
        }
        self.series = series;
    }

    /// Whether an earlier life kept the record of this number, and what belongs to it.
    pub(super) fn knows(&self, number: Option<RecordNumber>) -> bool {
        number.is_some_and(|number| self.known.contains(number))
    }

    /// A record came and was passed on, or is held back for its annex. Whether it is complete by that.
    pub(super) fn note(&mut self, record: Record) -> bool {
        let Some(number) = record.number else { return false };
        if record.awaits_annex {
            self.open = Some(number);
            return false;
        }
        if record.is_annex && self.open.take_if(|open| *open == number).is_none() {
            return false;
        }
        self.given.add(number);
        true
    }

    /// The next record came: nothing more belongs to the one before. Whether that makes it complete.
    pub(super) fn close(&mut self) -> bool {
        let open = self.open.take();
        open.into_iter().for_each(|number| self.given.add(number));
        open.is_some()
    }

    /// What is kept as soon as everything passed on is.
    pub(super) const fn given(&self) -> &Rows {
        &self.given
    }

    /// Everything that was passed on is kept.
    pub(super) fn keep(&mut self) {
        self.kept.clone_from(&self.given);
    }

    /// There is no transfer under way.
    pub(super) fn forget(&mut self) {
        *self = Self { series: self.series, ..Self::default() };
    }
}
