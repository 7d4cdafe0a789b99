//! The records in a meter's memory, fetched through the Record Access Control Point.
//!
//! A fetch asks how many records there are, has them reported, compares the number with what came, waits until all
//! are kept for good, and only then remembers the last number, or has them deleted. Each step is a procedure of the
//! control point (GATT Specification Supplement, 0x2A52; of the services GLS 1.0.1, PLXS 1.0.1, CGMS 1.0.2, GHSS 1.0),
//! and only one runs at a time.
//!
//! How a known record is told from a new one:
//! - in a memory with numbers, by its number: only those after the last one kept are asked for. Where there are none,
//!   and the last one kept is gone too though the memory is not empty, it is another memory: all of it is new;
//! - in a memory without numbers, or one that is to be emptied, by what is in it: all records are asked for.
//!
//! A record that cannot be read is refused, and never deleted.
//!
//! With each record of a memory with numbers goes what is to be remembered of it, and both are kept together or not at
//! all. So a gateway that is stopped, or dies, in the midst of a transfer passes on none of it twice, but for
//! - one glucose measurement whose context had not come yet: it comes once more, with its context;
//! - what a meter sends live before its memory was asked;
//! - what a generic health sensor sends live and stores as well: it says only in the memory which number that has;
//! - numbers in no order: what is beyond 64 rows of them.
//!
//! Where records are known by what is in them, nothing is remembered, as it would tell of a person: the records that are
//! in the memory come once more after a restart. They have the time at which they were measured, and are told apart by it.
//!
//! What cannot be told: a meter that was reset and since then measured more often than before; a record that is made
//! in the moment in which all of a memory without numbers is deleted.

mod checkpoint;
mod kept;
mod ledger;
mod procedure;
mod rows;
mod steps;

use std::time::Duration;

use varde_wire::Instant;

use self::checkpoint::Checkpoint;
use self::kept::{Kept, Progress};
use self::ledger::Ledger;
use self::procedure::{Procedure, Sought};
use self::rows::Rows;
use crate::gatt::record_access::{OpCode, Operand, RecordAccess, RecordNumber};
use crate::{FrameError, Output, Request};

pub(super) use crate::gatt::record_access::RECORD_ACCESS_CONTROL_POINT as CONTROL_POINT;

/// A procedure that shows no progress for so long has failed, and no other may be begun on that connection (Glucose
/// Profile 1.0.1).
const PROCEDURE_LIMIT: Duration = Duration::from_secs(30);

/// How long a meter that is busy is left alone.
const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// How often a busy meter is asked again at one connection.
const BUSY_LIMIT: u8 = 5;

/// How long the first question waits for its answer where the meter may have no memory, and waits to be asked for what it
/// measures now. A radio with long pauses needs most of it for what was asked before.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What kind of memory a meter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Its records have growing numbers (sequence numbers, time offsets), by which they can be asked for.
    Numbered,
    /// The same, reported together with how many there are (GHSS 1.0): the device may have none, and measures only
    /// when it was asked for all it has.
    Combined,
    /// They can only be asked for all at once.
    Unnumbered,
}

/// A value that is a record, or part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its number, where it has one.
    pub(crate) number: Option<RecordNumber>,
    /// Whether it belongs to a record that came before it, and is not counted by itself.
    pub(crate) is_annex: bool,
    /// Whether it says that something that belongs to it comes next.
    pub(crate) awaits_annex: bool,
}

impl Record {
    /// A record by itself.
    pub(crate) const fn plain(number: Option<RecordNumber>) -> Self {
        Self { number, is_annex: false, awaits_annex: false }
    }
}

/// What a record is to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Measured now.
    Live,
    /// From the memory.
    Stored,
    /// Known.
    Repeated,
}

/// What comes of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To be done.
    Output(Output),
    /// The transfer is over: what was held back to be joined is to be passed on now.
    Release,
    /// Nothing more is asked of the memory at this connection.
    Done,
}

/// The memory of one meter.
pub(super) struct Records {
    memory: Memory,
    /// Whether records are deleted once they are kept.
    clears: bool,
    /// Whether the meter counts, filters and deletes; each until it says that it does not.
    counts: bool,
    filters: bool,
    deletes: bool,
    /// Whether it deletes up to a number; else only all it has, if it deletes.
    deletes_by_number: bool,
    /// The last record that is kept for good.
    kept: Option<Kept>,
    checkpoint: Checkpoint,
    ledger: Ledger,
    state: State,
    /// When the state has lasted too long.
    deadline: Option<Instant>,
    /// What the next commit makes true.
    pending: Option<Pending>,
    /// How many records are in the memory, where the meter said so at this connection.
    total: Option<u32>,
    /// Whether a record of this transfer could not be read.
    has_unread: bool,
    /// Whether the meter answered anything at this connection.
    answered: bool,
    /// How often it was busy at this connection.
    busy: u8,
    /// The series of the meter's records, as told last.
    series: u64,
    /// Whether everything in the memory was fetched at this connection.
    settled: bool,
    /// The newest live record that came while a commit was under way.
    live: Option<RecordNumber>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is under way.
    Resting,
    /// The meter was asked.
    Asked(Procedure),
    /// The meter is busy: it is asked again.
    Busy(Procedure),
    /// What came is not yet kept for good.
    Committing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// A whole transfer, with its last number.
    Whole(Option<RecordNumber>),
    /// Part of one, and the number up to which nothing is missing.
    Part(Option<RecordNumber>),
    /// A live record of this number.
    Live(RecordNumber),
}

impl Records {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            memory,
            clears: false,
            counts: true,
            filters: true,
            deletes: true,
            deletes_by_number: true,
            kept: None,
            checkpoint: Checkpoint::default(),
            ledger: Ledger::default(),
            state: State::Resting,
            deadline: None,
            pending: None,
            total: None,
            has_unread: false,
            answered: false,
            busy: 0,
            series: 0,
            settled: false,
            live: None,
        }
    }

    /// Whether records are deleted once they are kept for good.
    pub(super) fn clear(&mut self, clears: bool) {
        self.clears = clears;
    }

    /// Takes back what was remembered; see [`Progress`].
    pub(super) fn recall(&mut self, memory: &[u8]) {
        let length = if self.memory == Memory::Combined { 4 } else { 2 };
        let Some(Progress { series, last, beyond }) = Progress::decode(memory, length) else { return };
        self.kept = last.map(|last| Kept { series, last });
        self.checkpoint.recall(series, beyond);
    }

    /// A connection begins, and the control point is subscribed to. What was not kept then may come again.
    pub(super) fn begin(&mut self, now: Instant) -> Vec<Step> {
        self.ledger.begin_connection();
        self.checkpoint.begin_connection();
        self.pending = None;
        self.live = None;
        self.total = None;
        self.answered = false;
        self.busy = 0;
        self.settled = false;
        // The first question also lets the answers to earlier requests come before anything is decided.
        let question = self.ask(Procedure::Count(Sought::All), now);
        if self.memory == Memory::Combined {
            self.deadline = Some(now.after(FIRST_ANSWER_LIMIT));
        }
        question
    }

    /// The connection is over. What came of a transfer is still kept.
    pub(super) fn end(&mut self) -> Vec<Step> {
        self.rest();
        self.settled = false;
        self.keep_part()
    }

    /// A record came.
    pub(super) fn note(&mut self, record: Record, bytes: &[u8], now: Instant) -> Origin {
        if !matches!(self.state, State::Asked(Procedure::Report { .. })) {
            if !self.settled && record.number.is_some() {
                self.ledger.note_live(record.is_annex, bytes);
            }
            return Origin::Live;
        }
        self.deadline = Some(now.after(PROCEDURE_LIMIT));
        let fresh = self.ledger.note(record.number, record.is_annex, bytes);
        if fresh && !self.checkpoint.knows(record.number) { Origin::Stored } else { Origin::Repeated }
    }

    /// A record from the memory was passed on, or is held back.
    pub(super) fn note_stored(&mut self, record: Record) -> Vec<Step> {
        if !self.is_fetched_whole() && self.checkpoint.note(record) {
            vec![self.progress()]
        } else {
            Vec::new()
        }
    }

    /// What was held back for more to come was passed on, as the next record came.
    pub(super) fn note_released(&mut self) -> Vec<Step> {
        if !self.is_fetched_whole() && self.checkpoint.close() { vec![self.progress()] } else { Vec::new() }
    }

    /// Nothing could be read from a record that came. What nobody else has is not deleted.
    pub(super) fn note_unread(&mut self, record: Record, bytes: &[u8]) {
        self.has_unread = true;
        self.ledger.unknow(record.is_annex, bytes);
    }

    /// Something came of which a part was lost: if it was a record, it is still only in the memory.
    pub(super) fn note_lost(&mut self) {
        self.has_unread = true;
    }

    /// A live record was passed on. It need not be fetched, if all before it were.
    pub(super) fn note_live(&mut self, record: Record) -> Vec<Step> {
        let (true, false, Some(number)) = (self.settled, record.is_annex, record.number) else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        if self.kept.is_none_or(|kept| number.is_after(kept.last)) {
            let progress = Progress { series: self.series, last: Some(number), beyond: Rows::default() };
            steps.push(Step::Output(Output::Remember(progress.encode())));
        }
        steps.extend(self.await_live(number));
        steps
    }

    /// The control point indicated a value. `series` is that of the meter's records: numbers of two series have
    /// nothing to do with each other.
    ///
    /// # Errors
    /// Where the value is no answer.
    pub(super) fn answer(
        &mut self,
        bytes: &[u8],
        series: u64,
        now: Instant,
    ) -> Result<Vec<Step>, FrameError> {
        let RecordAccess { op_code, operand, .. } = RecordAccess::decode(bytes)?;
        let State::Asked(procedure) = self.state else { return Ok(Vec::new()) };
        self.series = series;
        let steps = match (operand, procedure) {
            (Operand::Number(number), Procedure::Count(sought)) => self.counted(sought, Some(number), now),
            (Operand::Number(number), Procedure::Verify { sought, again }) => {
                self.verified(sought, Some(number), again, now)
            }
            (Operand::Number(number), Procedure::Recount) => self.recounted(number, now),
            (Operand::Number(number), Procedure::Report { sought, again, .. })
                if op_code == OpCode::COMBINED_REPORT_RESPONSE =>
            {
                self.reported(sought, Some(number), again, now)
            }
            (Operand::Response { request, code }, _) if request == procedure.op_code(self.memory) => {
                self.responded(procedure, code, now)
            }
            // An answer to something that was not asked, such as to an earlier abort.
            _ => return Ok(Vec::new()),
        };
        self.answered = true;
        Ok(steps)
    }

    /// Everything that was passed on is kept for good.
    pub(super) fn committed(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = match self.pending.take() {
            None => Vec::new(),
            Some(Pending::Part(complete)) => {
                self.ledger.keep();
                self.checkpoint.keep();
                if self.advance(complete) { vec![self.progress()] } else { Vec::new() }
            }
            Some(Pending::Live(number)) => {
                self.advance(Some(number));
                Vec::new()
            }
            Some(Pending::Whole(newest)) => {
                if self.is_fetched_whole() {
                    self.ledger.keep_whole_memory();
                } else {
                    self.ledger.forget();
                }
                self.checkpoint.forget();
                self.kept = newest.map(|last| Kept { series: self.series, last }).or(self.kept);
                if newest.is_some() { vec![self.progress()] } else { Vec::new() }
            }
        };
        if self.state == State::Committing {
            steps.extend(self.delete(now));
        }
        if let Some(number) = self.live.take() {
            steps.extend(self.await_live(number));
        }
        steps
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Vec<Step> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match self.state {
            State::Busy(procedure) => {
                if let Procedure::Report { .. } = procedure {
                    self.begin_transfer();
                }
                self.ask(procedure, now)
            }
            // It never answered anything: it has no memory, and nothing was begun.
            State::Asked(_) if !self.answered => self.done(),
            State::Asked(_) => {
                let mut steps = self.keep_part();
                self.rest();
                steps.push(write(&RecordAccess::abort()));
                steps.push(Step::Output(Output::Request(Request::Disconnect)));
                steps
            }
            // The disk does not work: nothing more is done to the memory, whatever comes.
            State::Committing | State::Resting => self.done_with_all(),
        }
    }

    fn await_live(&mut self, number: RecordNumber) -> Vec<Step> {
        if self.pending.is_some() {
            self.live = Some(number);
            return Vec::new();
        }
        self.pending = Some(Pending::Live(number));
        vec![Step::Output(Output::AwaitCommit)]
    }

    /// Everything up to this number is kept. Whether that is more than before.
    fn advance(&mut self, last: Option<RecordNumber>) -> bool {
        let newer = last.filter(|last| self.kept.is_none_or(|kept| last.is_after(kept.last)));
        if let Some(last) = newer {
            self.kept = Some(Kept { series: self.series, last });
        }
        newer.is_some()
    }

    /// What is true as soon as everything that was passed on is kept.
    fn progress(&self) -> Step {
        let last = self.kept.map(|kept| kept.last);
        let progress = Progress { series: self.series, last, beyond: self.checkpoint.given().clone() };
        Step::Output(Output::Remember(progress.encode()))
    }

    fn ask(&mut self, procedure: Procedure, now: Instant) -> Vec<Step> {
        self.state = State::Asked(procedure);
        self.deadline = Some(now.after(PROCEDURE_LIMIT));
        vec![write(&procedure.request(self.memory))]
    }

    fn done_with_all(&mut self) -> Vec<Step> {
        self.settled = true;
        self.done()
    }

    fn done(&mut self) -> Vec<Step> {
        self.rest();
        vec![Step::Done]
    }

    fn rest(&mut self) {
        self.state = State::Resting;
        self.deadline = None;
    }
}

fn write(request: &RecordAccess) -> Step {
    let bytes = request.encode();
    Step::Output(Output::Request(Request::Write { characteristic: CONTROL_POINT, bytes }))
}

#[cfg(test)]
mod tests;
