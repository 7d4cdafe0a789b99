//! What follows from each answer of the control point.

use varde_wire::Instant;

use super::kept::Kept;
use super::procedure::{Procedure, Sought};
use super::{BUSY_LIMIT, BUSY_PAUSE, Memory, PROCEDURE_LIMIT, Pending, Records, State, Step};
use crate::Output;
use crate::gatt::record_access::{RecordNumber, ResponseCode, Selection};

impl Records {
    pub(super) fn counted(&mut self, sought: Sought, number: Option<u32>, now: Instant) -> Vec<Step> {
        match sought {
            Sought::All => {
                self.total = number;
                self.begin_fetch(now)
            }
            Sought::New(_) | Sought::Known(_) if number == Some(0) => self.found_none(sought, now),
            Sought::Known(_) if number.is_some() => self.done_with_all(),
            Sought::New(_) | Sought::Known(_) => self.report(sought, number, now),
        }
    }

    fn begin_fetch(&mut self, now: Instant) -> Vec<Step> {
        if self.kept.is_some_and(|kept| kept.series != self.series) {
            self.kept = None;
        }
        if self.is_fetched_whole() {
            self.checkpoint.forget();
        } else {
            self.checkpoint.compare(self.series, self.total);
        }
        if let (Memory::Unnumbered, Some(total)) = (self.memory, self.total) {
            self.ledger.compare(total);
        }
        if self.total == Some(0) {
            return self.done_with_all();
        }
        match self.last_kept() {
            Some(last) if self.filters && last.is_plain() => self.seek(Sought::New(last.next()), now),
            Some(_) | None => self.report(Sought::All, self.total, now),
        }
    }

    /// Counts the records, where the meter does, and has them reported.
    fn seek(&mut self, sought: Sought, now: Instant) -> Vec<Step> {
        if self.counts { self.ask(Procedure::Count(sought), now) } else { self.report(sought, None, now) }
    }

    fn report(&mut self, sought: Sought, expected: Option<u32>, now: Instant) -> Vec<Step> {
        self.begin_transfer();
        self.ask(Procedure::Report { sought, expected, again: false }, now)
    }

    pub(super) fn begin_transfer(&mut self) {
        self.has_unread = false;
        self.ledger.begin_transfer(self.last_kept());
    }

    /// The number behind which everything is new, where that goes by numbers.
    fn last_kept(&self) -> Option<RecordNumber> {
        self.kept.map(|kept| kept.last).filter(|_| !self.is_fetched_whole())
    }

    /// Whether known records are told by what is in them.
    pub(super) fn is_fetched_whole(&self) -> bool {
        self.memory == Memory::Unnumbered || (self.clears && self.deletes)
    }

    fn found_none(&mut self, sought: Sought, now: Instant) -> Vec<Step> {
        match (sought, self.kept) {
            (Sought::All, _) => self.done_with_all(),
            (Sought::New(_), Some(Kept { last, .. })) => self.seek(Sought::Known(last), now),
            (Sought::New(_) | Sought::Known(_), _) => self.begin_anew(now),
        }
    }

    /// The memory is another than the one whose last number is known.
    fn begin_anew(&mut self, now: Instant) -> Vec<Step> {
        self.kept = None;
        self.ledger.forget();
        self.checkpoint.forget();
        self.report(Sought::All, self.total, now)
    }

    pub(super) fn responded(&mut self, procedure: Procedure, code: ResponseCode, now: Instant) -> Vec<Step> {
        if code == ResponseCode::SERVER_BUSY {
            return self.pause(procedure, now);
        }
        match procedure {
            Procedure::Count(sought) if code == ResponseCode::NO_RECORDS_FOUND => {
                self.counted(sought, Some(0), now)
            }
            Procedure::Count(Sought::New(_) | Sought::Known(_))
            | Procedure::Report { sought: Sought::New(_) | Sought::Known(_), .. }
                if is_about_filter(code) =>
            {
                self.filters = false;
                self.report(Sought::All, self.total, now)
            }
            Procedure::Count(sought) => {
                self.counts = false;
                self.counted(sought, None, now)
            }
            Procedure::Report { sought, expected, again } => match code {
                ResponseCode::SUCCESS => self.reported(sought, expected, again, now),
                ResponseCode::NO_RECORDS_FOUND if self.ledger.count() == 0 => self.found_none(sought, now),
                ResponseCode::OP_CODE_NOT_SUPPORTED => self.done(),
                _ => self.fell_short(sought, expected, again, now),
            },
            Procedure::Verify { sought, again } => self.verified(sought, None, again, now),
            Procedure::Recount => self.done_with_all(),
            Procedure::Delete(Selection::AtMost(_))
                if self.memory == Memory::Combined && is_about_filter(code) =>
            {
                self.deletes_by_number = false;
                self.ask(Procedure::Recount, now)
            }
            Procedure::Delete(_) => {
                match code {
                    // Another record without a number and a time may look the same.
                    ResponseCode::SUCCESS if self.memory == Memory::Unnumbered => self.ledger.forget(),
                    ResponseCode::SUCCESS
                    | ResponseCode::NO_RECORDS_FOUND
                    | ResponseCode::PROCEDURE_NOT_COMPLETED => {}
                    _ => self.deletes = false,
                }
                self.done_with_all()
            }
        }
    }

    pub(super) fn reported(
        &mut self,
        sought: Sought,
        expected: Option<u32>,
        again: bool,
        now: Instant,
    ) -> Vec<Step> {
        if expected.is_some_and(|expected| self.ledger.count() < expected) {
            return self.fell_short(sought, expected, again, now);
        }
        if sought == Sought::All && self.ledger.is_another_memory() {
            return self.begin_anew(now);
        }
        if !self.ledger.has_unkept() {
            return if self.is_fetched_whole() { self.delete(now) } else { self.done_with_all() };
        }
        // A combined report ends with how many records it was.
        let is_counted = self.is_fetched_whole() || self.memory == Memory::Combined;
        let is_proved = is_counted || self.ledger.is_gapless();
        if self.counts && !is_proved {
            return self.ask(Procedure::Verify { sought, again }, now);
        }
        self.commit(now)
    }

    pub(super) fn verified(
        &mut self,
        sought: Sought,
        number: Option<u32>,
        again: bool,
        now: Instant,
    ) -> Vec<Step> {
        if number.is_some_and(|number| self.ledger.count() < number) {
            return self.fell_short(sought, number, again, now);
        }
        self.commit(now)
    }

    fn commit(&mut self, now: Instant) -> Vec<Step> {
        self.state = State::Committing;
        self.deadline = Some(now.after(PROCEDURE_LIMIT));
        self.pending = Some(Pending::Whole(self.ledger.newest()));
        vec![Step::Release, Step::Output(Output::AwaitCommit)]
    }

    /// Fewer records came than there are: they are asked for once more.
    fn fell_short(&mut self, sought: Sought, expected: Option<u32>, again: bool, now: Instant) -> Vec<Step> {
        if again {
            let mut steps = self.keep_part();
            steps.extend(self.done());
            return steps;
        }
        self.begin_transfer();
        self.ask(Procedure::Report { sought, expected, again: true }, now)
    }

    /// What came of a transfer that did not come to its end is passed on and kept as well.
    pub(super) fn keep_part(&mut self) -> Vec<Step> {
        if !self.ledger.has_unkept() || self.pending.is_some() {
            return vec![Step::Release];
        }
        self.pending = Some(Pending::Part(self.ledger.complete()));
        vec![Step::Release, Step::Output(Output::AwaitCommit)]
    }

    /// Everything fetched is kept for good: only now it may go.
    pub(super) fn delete(&mut self, now: Instant) -> Vec<Step> {
        let may_delete = self.clears && self.deletes && !self.has_unread;
        if may_delete && self.all_that_came().is_some() {
            self.ask(Procedure::Recount, now)
        } else {
            self.done_with_all()
        }
    }

    /// Where a record was made meanwhile, or one did not come, nothing is deleted.
    pub(super) fn recounted(&mut self, number: u32, now: Instant) -> Vec<Step> {
        match self.all_that_came() {
            Some(selection) if number == self.ledger.count() => self.ask(Procedure::Delete(selection), now),
            Some(_) | None => self.done_with_all(),
        }
    }

    /// What to delete; none near the end of the numbers, unless all may be deleted at once.
    fn all_that_came(&self) -> Option<Selection> {
        let by_number = || self.ledger.newest().filter(|newest| newest.is_plain()).map(Selection::AtMost);
        match self.memory {
            Memory::Unnumbered => Some(Selection::All),
            Memory::Numbered => by_number(),
            Memory::Combined if self.deletes_by_number => by_number().or(Some(Selection::All)),
            Memory::Combined => Some(Selection::All),
        }
    }

    fn pause(&mut self, procedure: Procedure, now: Instant) -> Vec<Step> {
        if self.busy >= BUSY_LIMIT {
            let mut steps = self.keep_part();
            steps.extend(self.done());
            return steps;
        }
        self.busy = self.busy.saturating_add(1);
        self.state = State::Busy(procedure);
        self.deadline = Some(now.after(BUSY_PAUSE));
        Vec::new()
    }
}

/// Whether the meter cannot select the records that were asked for.
fn is_about_filter(code: ResponseCode) -> bool {
    [
        ResponseCode::INVALID_OPERATOR,
        ResponseCode::OPERATOR_NOT_SUPPORTED,
        ResponseCode::INVALID_OPERAND,
        ResponseCode::OPERAND_NOT_SUPPORTED,
    ]
    .contains(&code)
}
