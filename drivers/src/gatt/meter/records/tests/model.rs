//! A meter with a memory and a gateway that forgets, connected again and again.

use varde_wire::{Decimal, Flags, Instant, Metric, Observation, Value};

use super::super::*;
use crate::gatt::meter::{Meter, MeterSession, Taken, Visit, unexpected};
use crate::gatt::record_access::{OpCode, ResponseCode, Selection};
use crate::{Channel, Input, Reading, Session, Uuid};

/// A record: its number, and which one of all ever made it is.
const RECORD: Uuid = Uuid::sig(0xFFF1);

/// The record that nothing can be read from, in a world that has one.
const UNREADABLE: u16 = u16::MAX;

/// The kinds of memory.
const UNNUMBERED: u8 = 0;
pub(super) const NUMBERED: u8 = 1;
const COMBINED: u8 = 2;

/// A number of that kind of memory: short ones go round earlier.
pub(super) fn in_range(kind: u8, number: u32) -> u32 {
    if kind == COMBINED { number } else { number & 0xFFFF }
}

pub(super) fn is_plain(kind: u8, number: u32) -> bool {
    number <= if kind == COMBINED { 0xEFFF_FFFF } else { 0xEFFF }
}

/// What reads such records.
struct Notebook<const KIND: u8>;

fn session(kind: u8, clears: bool) -> Box<dyn Session> {
    let device = "m-1".parse().unwrap();
    match kind {
        UNNUMBERED => Box::new(MeterSession::new(device, Notebook::<UNNUMBERED>).clearing_memory(clears)),
        NUMBERED => Box::new(MeterSession::new(device, Notebook::<NUMBERED>).clearing_memory(clears)),
        _ => Box::new(MeterSession::new(device, Notebook::<COMBINED>).clearing_memory(clears)),
    }
}

impl<const KIND: u8> Meter for Notebook<KIND> {
    const MEASUREMENTS: &'static [Uuid] = &[RECORD];
    const MEMORY: Option<Memory> = Some(match KIND {
        UNNUMBERED => Memory::Unnumbered,
        NUMBERED => Memory::Numbered,
        _ => Memory::Combined,
    });
    const HANGS_UP: bool = true;

    fn take(&mut self, _: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        let mark = u16::from_le_bytes([bytes[4], bytes[5]]);
        if mark == UNREADABLE {
            return Err(unexpected());
        }
        let value = Value::Decimal(Decimal::whole(mark.into()));
        Ok(Taken::measured(vec![Observation::new(visit.device.clone(), Metric::BATTERY, value)]))
    }

    fn record(_: Uuid, bytes: &[u8]) -> Option<Record> {
        let number = match KIND {
            UNNUMBERED => None,
            NUMBERED => RecordNumber::decode(&bytes[..2]),
            _ => RecordNumber::decode(&bytes[..4]),
        };
        Some(Record::plain(number))
    }
}

/// What a meter can, and what goes wrong.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) kind: u8,
    pub(super) clears: bool,
    pub(super) counts: bool,
    pub(super) filters: bool,
    pub(super) deletes: bool,
    pub(super) first_number: u32,
    /// Which record cannot be read.
    pub(super) unreadable: Option<u16>,
    pub(super) visits: Vec<Visitation>,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Visitation {
    /// Records made since the last one.
    pub(super) made: u8,
    /// Records made while connected, before the meter's so-many-th answer.
    pub(super) made_meanwhile: Option<(u8, u8)>,
    /// After how many values of the meter the link breaks.
    pub(super) cut: Option<u8>,
    /// Which values of the meter never come to the gateway.
    pub(super) dropped: Option<u8>,
    /// Whether what is passed on is kept for good.
    pub(super) commits: bool,
    /// If not at this connection, whether during the next.
    pub(super) commits_late: bool,
    /// Whether the meter is busy at first.
    pub(super) busy: bool,
    /// Whether the meter falls silent at the so-many-th request.
    pub(super) silent: Option<u8>,
    /// Whether the gateway restarts before it.
    pub(super) restart: bool,
    /// After how many values of the meter the gateway dies, and how much of what it was told to keep is kept by then, in
    /// percent.
    pub(super) dies: Option<(u8, u8)>,
}

/// The simulated meter.
pub(super) struct Device {
    pub(super) world: World,
    pub(super) next: u32,
    pub(super) made: u16,
    pub(super) memory: Vec<(u32, u16)>,
}

impl Device {
    fn make(&mut self, count: u8) {
        for _ in 0..count {
            let unreadable = self.world.unreadable == Some(self.made);
            self.memory.push((self.next, if unreadable { UNREADABLE } else { self.made }));
            self.next = in_range(self.world.kind, self.next.wrapping_add(1));
            self.made += 1;
        }
    }

    /// The values with which it answers a request, and the marks of what it deletes.
    fn answer(&mut self, request: &[u8]) -> (Vec<(Uuid, Vec<u8>)>, Vec<u16>) {
        let value = RecordAccess::decode(request).unwrap();
        let limit = match &value.operand {
            Operand::Filter { filter_type: 1, limits } => match RecordNumber::decode(limits) {
                Some(RecordNumber::Short(limit)) if self.world.kind == NUMBERED => limit.into(),
                Some(RecordNumber::Long(limit)) if self.world.kind == COMBINED => limit,
                _ => panic!("a filter of another kind of memory: {limits:?}"),
            },
            _ => 0,
        };
        let operator = value.operator.0;
        let found = |number: u32| match operator {
            1 => true,
            2 => number <= limit,
            _ => number >= limit,
        };
        let respond = |code: ResponseCode| vec![(CONTROL_POINT, vec![6, 0, value.op_code.0, code.0])];
        if operator != 1 && !(self.world.kind != UNNUMBERED && self.world.filters) {
            return (respond(ResponseCode::OPERATOR_NOT_SUPPORTED), vec![]);
        }
        let selected: Vec<_> = self.memory.iter().copied().filter(|(number, _)| found(*number)).collect();
        match value.op_code {
            OpCode::REPORT_NUMBER if self.world.counts => {
                (vec![(CONTROL_POINT, self.number_of(5, selected.len()))], vec![])
            }
            OpCode::REPORT | OpCode::COMBINED_REPORT if value.op_code != self.report() => {
                (respond(ResponseCode::OP_CODE_NOT_SUPPORTED), vec![])
            }
            OpCode::REPORT | OpCode::COMBINED_REPORT if selected.is_empty() => {
                (respond(ResponseCode::NO_RECORDS_FOUND), vec![])
            }
            OpCode::REPORT | OpCode::COMBINED_REPORT => {
                let end = match self.world.kind {
                    COMBINED => vec![(CONTROL_POINT, self.number_of(8, selected.len()))],
                    _ => respond(ResponseCode::SUCCESS),
                };
                let record = |(number, mark): (u32, u16)| {
                    let number = if self.world.kind == UNNUMBERED { 0 } else { number };
                    (RECORD, [&number.to_le_bytes()[..], &mark.to_le_bytes()].concat())
                };
                (selected.into_iter().map(record).chain(end).collect(), vec![])
            }
            OpCode::DELETE if self.world.deletes => {
                self.memory.retain(|(number, _)| !found(*number));
                (respond(ResponseCode::SUCCESS), selected.into_iter().map(|(_, mark)| mark).collect())
            }
            OpCode::ABORT => (respond(ResponseCode::SUCCESS), vec![]),
            _ => (respond(ResponseCode::OP_CODE_NOT_SUPPORTED), vec![]),
        }
    }
}

impl Device {
    fn report(&self) -> OpCode {
        if self.world.kind == COMBINED { OpCode::COMBINED_REPORT } else { OpCode::REPORT }
    }

    fn number_of(&self, op_code: u8, records: usize) -> Vec<u8> {
        let number = u32::try_from(records).unwrap().to_le_bytes();
        let length = if self.world.kind == COMBINED { 4 } else { 2 };
        [&[op_code, 0], &number[..length]].concat()
    }
}

/// Meter, gateway and what came of it.
pub(super) struct Home {
    pub(super) device: Device,
    session: Box<dyn Session>,
    now: Instant,
    /// Marks of the records passed on, in order.
    pub(super) given: Vec<u16>,
    /// What the gateway's store was given, in order; what got lost is taken out.
    pub(super) store: Vec<Entry>,
    /// How much of it is kept for good.
    pub(super) kept: usize,
    /// How much of it the last request to commit covers.
    asked: Option<usize>,
    /// The same of a request at an earlier connection that is answered at this one.
    late: Option<usize>,
}

/// One thing that is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Record(u16),
    Memory(Vec<u8>),
}

impl Home {
    pub(super) fn new(world: World) -> Self {
        let device = Device { next: world.first_number, made: 0, memory: Vec::new(), world: world.clone() };
        let mut home = Self {
            device,
            session: session(NUMBERED, false),
            now: Instant::default(),
            given: Vec::new(),
            store: Vec::new(),
            kept: 0,
            asked: None,
            late: None,
        };
        home.restart();
        home
    }

    /// The gateway begins anew, with what is kept.
    pub(super) fn restart(&mut self) {
        self.store.truncate(self.kept);
        self.session = session(self.device.world.kind, self.device.world.clears);
        let memory = self.store.iter().rev().find_map(|entry| match entry {
            Entry::Memory(memory) => Some(memory),
            Entry::Record(_) => None,
        });
        if let Some(memory) = memory {
            self.session.recall(memory);
        }
    }

    /// The marks of the records that are kept for good, in order.
    pub(super) fn committed(&self) -> Vec<u16> {
        let mark = |entry: &Entry| match entry {
            Entry::Record(mark) => Some(*mark),
            Entry::Memory(_) => None,
        };
        self.store[..self.kept].iter().filter_map(mark).collect()
    }

    fn commit(&mut self, through: usize) {
        self.kept = self.kept.max(through);
        self.session.handle_input(Input::Committed, self.now);
    }

    /// Lives one connection; whether the gateway hung up by itself, which it always does in the end.
    pub(super) fn visit(&mut self, visit: &Visitation) -> bool {
        self.device.make(visit.made);
        if visit.restart {
            self.late = None;
            self.restart();
        }
        self.asked = None;
        self.session.handle_input(Input::Connected, self.now);
        let (mut values, mut requests, mut busy, mut hung_up) = (0, 0, visit.busy, false);
        let mut waiting = std::collections::VecDeque::new();
        for _step in 0..1000 {
            while let Some(output) = self.session.poll_output() {
                match output {
                    Output::Request(Request::Write { characteristic: CONTROL_POINT, bytes }) => {
                        requests += 1;
                        // Where only all can be deleted, one made at this moment is lost.
                        let at_once = bytes == RecordAccess::request(OpCode::DELETE, Selection::All).encode();
                        if let Some((at, count)) = visit.made_meanwhile
                            && at == requests
                            && !at_once
                        {
                            self.device.make(count);
                        }
                        if visit.silent.is_some_and(|silent| requests >= silent) {
                            continue;
                        }
                        if std::mem::take(&mut busy) {
                            waiting.push_back((CONTROL_POINT, vec![6, 0, bytes[0], 10]));
                            continue;
                        }
                        let (answers, deleted) = self.device.answer(&bytes);
                        for mark in deleted {
                            assert!(self.committed().contains(&mark), "{mark} was deleted and not kept");
                        }
                        waiting.extend(answers);
                    }
                    Output::Request(Request::Disconnect) => hung_up = true,
                    other => self.perform(other),
                }
            }
            if let (Some(asked), true) = (self.asked, visit.commits) {
                self.asked = None;
                self.commit(asked);
                continue;
            }
            if let (Some(late), None, 2..) = (self.late, self.asked, values) {
                self.late = None;
                self.commit(late);
                continue;
            }
            if let Some((at, percent)) = visit.dies
                && at == values
            {
                self.kept += (self.store.len() - self.kept) * usize::from(percent) / 100;
                // What is remembered of a record is kept with it.
                let memory = self.store.get(self.kept);
                self.kept += usize::from(matches!(memory, Some(Entry::Memory(_))));
                self.restart();
                return false;
            }
            if hung_up || visit.cut == Some(values) {
                self.hang_up(visit);
                return hung_up;
            }
            if let Some((uuid, bytes)) = waiting.pop_front() {
                values += 1;
                if visit.dropped != Some(values) {
                    let input = Input::Chunk { channel: Channel::Notified(uuid), bytes: &bytes };
                    self.session.handle_input(input, self.now);
                }
            } else {
                let due = self.session.poll_timeout().expect("it waits for something");
                self.now = due.max(self.now);
                self.session.handle_timeout(self.now);
            }
        }
        panic!("the fetch has no end");
    }

    fn hang_up(&mut self, visit: &Visitation) {
        self.session.handle_input(Input::Disconnected, self.now);
        self.drain();
        self.late = None;
        match self.asked.take() {
            Some(asked) if visit.commits => {
                self.commit(asked);
                self.drain();
            }
            asked if visit.commits_late => self.late = asked,
            // Had to be given up: nothing that was said after it is kept either.
            _ if !visit.commits => self.store.truncate(self.kept),
            _ => {}
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Reading(Reading { observations, .. }) => {
                let Value::Decimal(mark) = observations[0].value else { panic!() };
                assert!(observations[0].flags.has(Flags::STORED));
                let mark = u16::try_from(mark.mantissa).unwrap();
                self.given.push(mark);
                self.store.push(Entry::Record(mark));
            }
            Output::AwaitCommit => self.asked = Some(self.store.len()),
            Output::Remember(memory) => {
                assert!(memory.len() < 1024, "{} bytes", memory.len());
                self.store.push(Entry::Memory(memory));
            }
            Output::Request(_) | Output::Heard(_) => {}
            Output::Refused(_) => assert!(self.device.world.unreadable.is_some()),
            other => panic!("{other:?}"),
        }
    }
}
