//! A meter with a memory, a gateway that forgets, and everything that can go wrong between them.

#![expect(clippy::wildcard_enum_match_arm, reason = "what a test does not look at fails it")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use varde_wire::{Decimal, Flags, Instant, Metric, Observation, Value};

use super::*;
use crate::gatt::meter::{Meter, MeterSession, Taken, Visit, unexpected};
use crate::gatt::record_access::{OpCode, ResponseCode, Selection};
use crate::{Channel, Input, Reading, Session, Uuid};

/// A record: its number, and which one of all ever made it is.
const RECORD: Uuid = Uuid::sig(0xFFF1);

/// The record that nothing can be read from, in a world that has one.
const UNREADABLE: u16 = u16::MAX;

/// The kinds of memory.
const UNNUMBERED: u8 = 0;
const NUMBERED: u8 = 1;
const COMBINED: u8 = 2;

/// A number of that kind of memory: short ones go round earlier.
fn in_range(kind: u8, number: u32) -> u32 {
    if kind == COMBINED { number } else { number & 0xFFFF }
}

fn is_plain(kind: u8, number: u32) -> bool {
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
struct World {
    kind: u8,
    clears: bool,
    counts: bool,
    filters: bool,
    deletes: bool,
    first_number: u32,
    /// Which record cannot be read.
    unreadable: Option<u16>,
    visits: Vec<Visitation>,
}

/// One connection.
#[derive(Clone, Debug, Default)]
struct Visitation {
    /// Records made since the last one.
    made: u8,
    /// Records made while connected, before the meter's so-many-th answer.
    made_meanwhile: Option<(u8, u8)>,
    /// After how many values of the meter the link breaks.
    cut: Option<u8>,
    /// Which values of the meter never come to the gateway.
    dropped: Option<u8>,
    /// Whether what is passed on is kept for good.
    commits: bool,
    /// If not at this connection, whether during the next.
    commits_late: bool,
    /// Whether the meter is busy at first.
    busy: bool,
    /// Whether the meter falls silent at the so-many-th request.
    silent: Option<u8>,
    /// Whether the gateway restarts before it.
    restart: bool,
    /// After how many values of the meter the gateway dies, and how much of what it was told to keep is kept by then, in
    /// percent.
    dies: Option<(u8, u8)>,
}

/// The simulated meter.
struct Device {
    world: World,
    next: u32,
    made: u16,
    memory: Vec<(u32, u16)>,
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
struct Home {
    device: Device,
    session: Box<dyn Session>,
    now: Instant,
    /// Marks of the records passed on, in order.
    given: Vec<u16>,
    /// What the gateway's store was given, in order; what got lost is taken out.
    store: Vec<Entry>,
    /// How much of it is kept for good.
    kept: usize,
    /// How much of it the last request to commit covers.
    asked: Option<usize>,
    /// The same of a request at an earlier connection that is answered at this one.
    late: Option<usize>,
}

/// One thing that is kept.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Record(u16),
    Memory(Vec<u8>),
}

impl Home {
    fn new(world: World) -> Self {
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
    fn restart(&mut self) {
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
    fn committed(&self) -> Vec<u16> {
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
    fn visit(&mut self, visit: &Visitation) -> bool {
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

fn visits() -> impl Strategy<Value = Vec<Visitation>> {
    let maybe = |most: u8| proptest::option::weighted(0.3, 1..most);
    let rarely = || proptest::bool::weighted(0.2);
    let meanwhile = proptest::option::weighted(0.2, (1..6_u8, 1..3_u8));
    let lost = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let visit = (0..5_u8, meanwhile, maybe(20), maybe(20), lost, rarely(), maybe(8), rarely());
    let visit = visit.prop_map(|(made, made_meanwhile, cut, dropped, lost, busy, silent, restart)| {
        let (commits, commits_late) = (lost.is_none(), lost == Some(true));
        let dies = None;
        Visitation { made, made_meanwhile, cut, dropped, commits, commits_late, busy, silent, restart, dies }
    });
    proptest::collection::vec(visit, 1..12)
}

fn worlds() -> impl Strategy<Value = World> {
    // Within the last row of numbers they go round.
    let first_number = prop_oneof![
        Just(0),
        Just(1),
        any::<u32>(),
        0xEFF0..0xF010_u32,
        0xFFE0..=0xFFFF_u32,
        0xEFFF_FFF0..0xF000_0010_u32,
        0xFFFF_FFE0..=0xFFFF_FFFF_u32,
    ];
    let unreadable = proptest::option::weighted(0.2, 0..10_u16);
    let world = (any::<[bool; 4]>(), 0_u8..3, first_number, unreadable, visits());
    world.prop_map(|(can, kind, first_number, unreadable, mut visits)| {
        let [clears, counts, filters, deletes] = can;
        let first_number = in_range(kind, first_number);
        for visit in visits.iter_mut().filter(|_| !counts) {
            // A meter that does not count cannot tell that a record was lost on the way.
            visit.dropped = None;
        }
        World { kind, clears, counts, filters, deletes, first_number, unreadable, visits }
    })
}

/// The same life without its faults.
fn calm(mut world: World) -> World {
    world.unreadable = None;
    for visit in &mut world.visits {
        let Visitation { made, made_meanwhile, .. } = *visit;
        *visit = Visitation { made, made_meanwhile, commits: true, ..Visitation::default() };
    }
    world
}

/// What is remembered where everything up to this number is kept.
fn settled_at(series: u64, last: u16) -> Vec<u8> {
    Progress { series, last: Some(last.into()), beyond: Rows::default() }.encode()
}

/// The same life of a meter whose records are known by their numbers, and of a gateway that dies or is stopped again and
/// again.
fn deadly(world: World, ends: &[(bool, u8, u8)]) -> World {
    let mut world = World { clears: false, ..calm(world) };
    world.kind = world.kind.max(NUMBERED);
    for (visit, (stops, at, percent)) in world.visits.iter_mut().zip(ends) {
        if *stops {
            (visit.cut, visit.restart) = (Some(*at), true);
        } else {
            visit.dies = Some((*at, *percent));
        }
    }
    world
}

fn calm_home(clears: bool) -> Home {
    Home::new(World {
        kind: NUMBERED,
        clears,
        counts: true,
        filters: true,
        deletes: true,
        first_number: 1,
        unreadable: None,
        visits: Vec::new(),
    })
}

fn calm_visit(made: u8) -> Visitation {
    Visitation { made, commits: true, ..Visitation::default() }
}

#[test]
fn a_meter_that_was_replaced_is_fetched_whole_and_once() {
    let mut home = calm_home(false);
    home.visit(&calm_visit(20));
    (home.device.memory, home.device.next) = (Vec::new(), 1);
    for made in [5, 2, 0] {
        home.visit(&Visitation { restart: true, ..calm_visit(made) });
    }
    assert_eq!(home.given, (0..27).collect::<Vec<_>>());
}

#[test]
fn a_transfer_that_was_cut_goes_on_where_it_was() {
    let mut home = calm_home(false);
    home.visit(&calm_visit(1));
    home.visit(&Visitation { cut: Some(6), ..calm_visit(10) });
    let before = home.given.len();
    home.visit(&Visitation { restart: true, ..calm_visit(0) });
    assert_eq!((before, home.given.len()), (5, 11));
}

#[test]
fn a_memory_that_no_longer_makes_sense_is_as_good_as_none() {
    let of_long_numbers = [1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0];
    for memory in
        [&[][..], &[1], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0], &of_long_numbers[..12], &of_long_numbers]
    {
        let mut home = calm_home(false);
        home.store.push(Entry::Memory(memory.to_vec()));
        home.kept = 1;
        home.restart();
        home.visit(&calm_visit(3));
        assert_eq!(home.given, [0, 1, 2], "{memory:?}");
    }
}

#[test]
fn numbers_of_another_series_are_all_new() {
    let mut records = Records::new(Memory::Numbered);
    records.recall(&settled_at(7, 100));
    records.begin(Instant::default());
    let asked = |steps: Vec<Step>| match &steps[..] {
        [Step::Output(Output::Request(Request::Write { bytes, .. }))] => crate::describe::hex(bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(records.answer(&[5, 0, 3, 0], 7, Instant::default()).unwrap()), "0403016500");
    records.begin(Instant::default());
    assert_eq!(asked(records.answer(&[5, 0, 3, 0], 8, Instant::default()).unwrap()), "0101");
}

#[test]
fn a_live_record_before_the_fetch_says_nothing_of_what_is_in_the_memory() {
    let mut records = Records::new(Memory::Numbered);
    let now = Instant::default();
    records.recall(&settled_at(7, 100));
    records.begin(now);
    records.answer(&[5, 0, 3, 0], 7, now).unwrap();
    records.answer(&[5, 0, 1, 0], 7, now).unwrap();
    records.end();
    // The memory is another by now, and still empty.
    records.begin(now);
    records.note(Record::plain(Some(1_u16.into())), &[1, 0], now);
    assert_eq!(records.answer(&[5, 0, 0, 0], 8, now).unwrap(), [Step::Done]);
    assert_eq!(records.end(), [Step::Release, Step::Output(Output::AwaitCommit)]);
    assert_eq!(records.committed(now), []);
}

#[test]
fn a_live_record_is_not_fetched_again_once_it_is_kept() {
    let mut records = Records::new(Memory::Numbered);
    let now = Instant::default();
    let live = |records: &mut Records, number: u16| {
        let record = Record::plain(Some(number.into()));
        assert_eq!(records.note(record, &number.to_le_bytes(), now), Origin::Live);
        records.note_live(record)
    };
    let awaited = vec![Step::Output(Output::AwaitCommit)];
    let remembered = |last: u16| vec![Step::Output(Output::Remember(settled_at(0, last)))];
    records.begin(now);
    assert_eq!(live(&mut records, 4), [], "what came before it is not fetched yet");
    assert_eq!(records.answer(&[5, 0, 0, 0], 0, now).unwrap(), [Step::Done]);
    assert_eq!(live(&mut records, 5), [remembered(5), awaited.clone()].concat());
    assert_eq!(live(&mut records, 6), remembered(6), "one commit at a time");
    assert_eq!(live(&mut records, 7), remembered(7));
    assert_eq!(records.committed(now), awaited);
    assert_eq!(records.committed(now), []);
    assert_eq!(records.committed(now), [], "nothing was waiting for it");
    live(&mut records, 8);
    live(&mut records, 9);
    records.begin(now);
    assert_eq!(records.committed(now), [], "a commit that comes too late says nothing");
}

#[test]
fn a_silent_meter_is_hung_up_on_and_one_that_never_answers_has_no_memory() {
    let mut records = Records::new(Memory::Numbered);
    let abort = write(&RecordAccess::abort());
    let later = Instant::default().after(PROCEDURE_LIMIT);
    records.begin(Instant::default());
    assert_eq!(records.poll_timeout(), Some(later));
    assert_eq!(records.handle_timeout(Instant::default()), []);
    assert_eq!(records.handle_timeout(later), [Step::Done]);
    assert_eq!(records.poll_timeout(), None);
    records.begin(later);
    records.answer(&[5, 0, 3, 0], 0, later).unwrap();
    let hang_up = Step::Output(Output::Request(Request::Disconnect));
    assert_eq!(records.handle_timeout(later.after(PROCEDURE_LIMIT)), [Step::Release, abort, hang_up]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_every_record_comes_and_none_is_deleted_before_it_is_kept(world in worlds()) {
        let mut home = Home::new(world.clone());
        for visit in &world.visits {
            home.visit(visit);
        }
        // A memory whose numbers went round is fetched in as many connections.
        for _ in 0..3 {
            let hung_up = home.visit(&Visitation { commits: true, ..Visitation::default() });
            prop_assert!(hung_up);
        }
        let all: BTreeSet<u16> = (0..home.device.made).filter(|mark| world.unreadable != Some(*mark)).collect();
        prop_assert_eq!(home.given.iter().copied().collect::<BTreeSet<_>>(), all.clone());
        prop_assert_eq!(home.committed().into_iter().collect::<BTreeSet<_>>(), all);
        let near_the_end = home.device.memory.iter().any(|(number, _)| !is_plain(world.kind, *number));
        let can_be_emptied = world.kind != NUMBERED || (world.filters && !near_the_end);
        let all_is_read = world.unreadable.is_none_or(|mark| mark >= home.device.made);
        if world.clears && world.deletes && world.counts && can_be_emptied && all_is_read {
            prop_assert_eq!(&home.device.memory, &vec![]);
        }
    }

    #[test]
    fn where_nothing_goes_wrong_every_record_comes_exactly_once(world in worlds().prop_map(calm)) {
        let mut home = Home::new(world.clone());
        for visit in world.visits.iter().chain([&Visitation { commits: true, ..Visitation::default() }]) {
            let hung_up = home.visit(visit);
            prop_assert!(hung_up);
        }
        let mut given = home.given.clone();
        given.sort_unstable();
        prop_assert_eq!(given, (0..home.device.made).collect::<Vec<_>>());
    }

    #[test]
    fn whenever_the_gateway_stops_or_dies_every_record_is_kept_exactly_once(
        world in worlds(),
        ends in proptest::collection::vec((any::<bool>(), 0..30_u8, 0..=100_u8), 0..12),
    ) {
        let mut home = Home::new(deadly(world, &ends));
        for visit in home.device.world.visits.clone() {
            home.visit(&visit);
        }
        for _ in 0..3 {
            let hung_up = home.visit(&Visitation { commits: true, ..Visitation::default() });
            prop_assert!(hung_up);
        }
        let mut kept = home.committed();
        kept.sort_unstable();
        prop_assert_eq!(kept, (0..home.device.made).collect::<Vec<_>>());
    }
}
