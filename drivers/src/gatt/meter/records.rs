//! The records in a meter's memory, fetched through the Record Access Control Point.
//!
//! A fetch asks how many records there are, has them reported, compares the number with what came, waits until all
//! are kept for good, and only then remembers the last number, or has them deleted. Each step is a procedure of the
//! control point (GATT Specification Supplement, 0x2A52; of the services GLS 1.0.1, PLXS 1.0.1, CGMS 1.0.2), and only
//! one runs at a time.
//!
//! How a known record is told from a new one:
//! - in a memory with numbers, by its number: only those after the last one kept are asked for. Where there are none,
//!   and the last one kept is gone too though the memory is not empty, it is another memory: all of it is new;
//! - in a memory without numbers, or one that is to be emptied, by what is in it: all records are asked for.
//!
//! What cannot be told: a meter that was reset and since then measured more often than before.

mod ledger;

use std::time::Duration;

use varde_wire::Instant;

use self::ledger::Ledger;
use crate::gatt::record_access::{OpCode, Operand, RecordAccess, RecordNumber, ResponseCode, Selection};
use crate::{FrameError, Output, Request};

pub(super) use crate::gatt::record_access::RECORD_ACCESS_CONTROL_POINT as CONTROL_POINT;

/// A procedure that shows no progress for so long has failed, and no other may be begun on that connection (Glucose Profile
/// 1.0.1).
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
    #[allow(dead_code, reason = "for oximeters")]
    Unnumbered,
}

/// A value that is a record, or part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its number, where it has one.
    pub(crate) number: Option<RecordNumber>,
    /// Whether it belongs to a record that came before it, and is not counted by itself.
    pub(crate) is_annex: bool,
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
#[derive(Debug, PartialEq, Eq)]
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
    answered: bool,
    busy: u8,
    /// The series of the meter's records, as told last.
    series: u64,
    /// Whether everything in the memory was fetched at this connection.
    settled: bool,
    /// The newest live record that came while a commit was under way.
    live: Option<RecordNumber>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    series: u64,
    last: RecordNumber,
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
enum Procedure {
    Count(Sought),
    Report {
        sought: Sought,
        /// How many have to come, where the meter said so.
        expected: Option<u32>,
        /// Whether fewer came the first time.
        again: bool,
    },
    /// Whether a record that was made during the transfer hides that another did not come.
    Verify {
        sought: Sought,
        again: bool,
    },
    /// Whether the memory still holds exactly what was fetched, before it is deleted.
    Recount,
    Delete(Selection),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sought {
    All,
    /// Those after the last one kept.
    New(RecordNumber),
    /// The last one kept, and those after it.
    Known(RecordNumber),
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

    /// Takes back what was remembered; see [`Kept`].
    pub(super) fn recall(&mut self, memory: &[u8]) {
        self.kept = Kept::decode(memory).or(self.kept);
    }

    /// A connection begins, and the control point is subscribed to. What was not kept then may come again.
    pub(super) fn begin(&mut self, now: Instant) -> Vec<Step> {
        self.ledger.begin_connection();
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
        if fresh { Origin::Stored } else { Origin::Repeated }
    }

    /// A record came from which nothing could be read. What nobody else has is not deleted.
    pub(super) fn note_unread(&mut self) {
        self.has_unread = true;
    }

    /// A live record was passed on. It need not be fetched, if all before it were.
    pub(super) fn note_live(&mut self, record: Record) -> Vec<Step> {
        let (true, false, Some(number)) = (self.settled, record.is_annex, record.number) else {
            return Vec::new();
        };
        self.await_live(number)
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
        Ok(match (operand, procedure) {
            (Operand::Number(number), Procedure::Count(sought)) => {
                self.answered = true;
                self.counted(sought, Some(number), now)
            }
            (Operand::Number(number), Procedure::Verify { sought, again }) => {
                self.answered = true;
                self.verified(sought, Some(number), again, now)
            }
            (Operand::Number(number), Procedure::Recount) => {
                self.answered = true;
                self.recounted(number, now)
            }
            (Operand::Number(number), Procedure::Report { sought, again, .. })
                if op_code == OpCode::COMBINED_REPORT_RESPONSE =>
            {
                self.answered = true;
                self.reported(sought, Some(number), again, now)
            }
            (Operand::Response { request, code }, _) if request == procedure.op_code(self.memory) => {
                self.answered = true;
                self.responded(procedure, code, now)
            }
            // An answer to something that was not asked, such as to an earlier abort.
            _ => Vec::new(),
        })
    }

    /// Everything that was passed on is kept for good.
    pub(super) fn committed(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = match self.pending.take() {
            None => Vec::new(),
            Some(Pending::Part(complete)) => {
                self.ledger.keep();
                self.advance(complete)
            }
            Some(Pending::Live(number)) => self.advance(Some(number)),
            Some(Pending::Whole(newest)) => {
                if self.is_fetched_whole() {
                    self.ledger.keep_whole_memory();
                } else {
                    self.ledger.forget();
                }
                self.remember(newest)
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
            State::Busy(procedure) => self.ask(procedure, now),
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

    fn counted(&mut self, sought: Sought, number: Option<u32>, now: Instant) -> Vec<Step> {
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

    fn begin_transfer(&mut self) {
        self.has_unread = false;
        self.ledger.begin_transfer(self.last_kept());
    }

    /// The number behind which everything is new, where that goes by numbers.
    fn last_kept(&self) -> Option<RecordNumber> {
        self.kept.map(|kept| kept.last).filter(|_| !self.is_fetched_whole())
    }

    /// Whether known records are told by what is in them.
    fn is_fetched_whole(&self) -> bool {
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
        self.report(Sought::All, self.total, now)
    }

    fn responded(&mut self, procedure: Procedure, code: ResponseCode, now: Instant) -> Vec<Step> {
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

    fn reported(&mut self, sought: Sought, expected: Option<u32>, again: bool, now: Instant) -> Vec<Step> {
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

    fn verified(&mut self, sought: Sought, number: Option<u32>, again: bool, now: Instant) -> Vec<Step> {
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
    fn keep_part(&mut self) -> Vec<Step> {
        if !self.ledger.has_unkept() || self.pending.is_some() {
            return vec![Step::Release];
        }
        self.pending = Some(Pending::Part(self.ledger.complete()));
        vec![Step::Release, Step::Output(Output::AwaitCommit)]
    }

    /// Everything fetched is kept for good: only now it may go.
    fn delete(&mut self, now: Instant) -> Vec<Step> {
        let may_delete = self.clears && self.deletes && self.total.is_some() && !self.has_unread;
        if may_delete && self.all_that_came().is_some() {
            self.ask(Procedure::Recount, now)
        } else {
            self.done_with_all()
        }
    }

    /// Where a record was made meanwhile, or one did not come, nothing is deleted.
    fn recounted(&mut self, number: u32, now: Instant) -> Vec<Step> {
        match self.all_that_came() {
            Some(selection) if number == self.ledger.count() => self.ask(Procedure::Delete(selection), now),
            Some(_) | None => self.done_with_all(),
        }
    }

    /// What to delete; none near the end of the numbers.
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

    fn await_live(&mut self, number: RecordNumber) -> Vec<Step> {
        if self.pending.is_some() {
            self.live = Some(number);
            return Vec::new();
        }
        self.pending = Some(Pending::Live(number));
        vec![Step::Output(Output::AwaitCommit)]
    }

    /// Remembers the number if it is newer than the last.
    fn advance(&mut self, last: Option<RecordNumber>) -> Vec<Step> {
        let newer = last.filter(|last| self.kept.is_none_or(|kept| last.is_after(kept.last)));
        self.remember(newer)
    }

    fn remember(&mut self, last: Option<RecordNumber>) -> Vec<Step> {
        let Some(kept) = last.map(|last| Kept { series: self.series, last }) else { return Vec::new() };
        if self.kept.replace(kept) == Some(kept) {
            return Vec::new();
        }
        vec![Step::Output(Output::Remember(kept.encode()))]
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

impl Procedure {
    fn op_code(self, memory: Memory) -> OpCode {
        match self {
            Self::Count(_) | Self::Verify { .. } | Self::Recount => OpCode::REPORT_NUMBER,
            Self::Report { .. } if memory == Memory::Combined => OpCode::COMBINED_REPORT,
            Self::Report { .. } => OpCode::REPORT,
            Self::Delete(_) => OpCode::DELETE,
        }
    }

    fn request(self, memory: Memory) -> RecordAccess {
        let selection = match self {
            Self::Count(sought) | Self::Report { sought, .. } | Self::Verify { sought, .. } => {
                sought.selection()
            }
            Self::Recount => Selection::All,
            Self::Delete(selection) => selection,
        };
        RecordAccess::request(self.op_code(memory), selection)
    }
}

impl Sought {
    const fn selection(self) -> Selection {
        match self {
            Self::All => Selection::All,
            Self::New(number) | Self::Known(number) => Selection::AtLeast(number),
        }
    }
}

/// What is remembered over restarts: nothing that tells of a person.
impl Kept {
    const VERSION: u8 = 1;

    fn encode(self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        bytes.extend(self.series.to_le_bytes());
        bytes.extend(self.last.encode());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[version], bytes) = bytes.split_first_chunk()?;
        let (series, bytes) = bytes.split_first_chunk()?;
        let kept = Self { series: u64::from_le_bytes(*series), last: RecordNumber::decode(bytes)? };
        (version == Self::VERSION).then_some(kept)
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

fn write(request: &RecordAccess) -> Step {
    let bytes = request.encode();
    Step::Output(Output::Request(Request::Write { characteristic: CONTROL_POINT, bytes }))
}

#[cfg(test)]
mod tests;
