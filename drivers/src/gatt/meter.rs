//! The link to a meter, the same for every GATT profile; a [`Meter`] says what is its own.
//!
//! Most meters connect for some seconds after a measurement, send it, and go. So a connection runs in the order of
//! what would be lost first:
//!
//! 1. what later values need to be understood ([`Meter::AT_CONNECTION`]; mostly nothing);
//! 2. the measurements are subscribed to, and the meter is asked for what it sends only then ([`Meter::greet`]);
//! 3. the meter's clock is read, compared with ours, and set where it is wrong and can be set: before 2 where the last
//!    connection was too short for it, but then no more for a day;
//! 4. where it has a memory, the records in it are fetched, and what waits for that is asked ([`Meter::settled`]);
//! 5. once a day, since each answer costs the meter's battery: battery, features, device information;
//! 6. some meters are hung up on.
//!
//! The meter answers in the order in which it is asked, and reports records while it answers other questions.

pub(crate) mod clock;
mod records;

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::{Context, DeviceId, Flags, Instant, Observation};

pub(in crate::gatt) use self::clock::coincident;
use self::clock::{ClockCheck, ClockTurn, Clocked};
use self::records::{CONTROL_POINT, Origin, Records, Step};
use crate::gatt::battery::{BATTERY_LEVEL, BatteryLevel};
use crate::gatt::device_information::DeviceInformation;
use crate::gatt::segments::{Joined, SegmentedValues};
use crate::{
    Channel, Description, FrameError, HomeTime, Input, Output, Problem, Reading, Refused, Request, Session,
    Uuid,
};

pub(crate) use self::records::{Memory, Record};

/// How long the answers of a round of questions are good for.
const ROUND: Duration = Duration::from_hours(24);

/// A meter that stays connected and says nothing for so long is asked something: a connection that is only half there
/// looks like a silent meter, until an answer does not come.
const SILENCE: Duration = Duration::from_mins(10);

/// What one kind of meter has of its own.
pub(crate) trait Meter: Send {
    /// The characteristics that are subscribed to, the most wanted first.
    const MEASUREMENTS: &'static [Uuid];
    /// What is read before all else at each connection.
    const AT_CONNECTION: &'static [Uuid] = &[];
    /// What is read once a day.
    const DAILY: &'static [Uuid] = &[];
    /// The memory that its records are fetched from.
    const MEMORY: Option<Memory> = None;
    /// Whether the gateway ends the connection once the records are fetched.
    const HANGS_UP: bool = false;
    /// Where its clock may be, unless it minds its clock itself.
    const CLOCKS: &'static [Uuid] = &clock::CHARACTERISTICS;
    /// Those of the measurements whose values come in segments. They are put together before the meter takes them.
    const SEGMENTED: &'static [Uuid] = &[];

    /// What it is asked at each connection, once the measurements are subscribed to.
    fn greet(&mut self, _now: Instant) -> Vec<Request> {
        Vec::new()
    }

    /// Takes in a value of one of the characteristics above, or of what was asked; any other is [unexpected].
    ///
    /// # Errors
    /// Where its decoder refuses the value.
    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError>;

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come.
    fn handle_timeout(&mut self, _visit: &Visit<'_>) -> Taken {
        Taken::default()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), while it is connected.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The connection is over: what was held back for more to come is complete.
    fn farewell(&mut self, _visit: &Visit<'_>) -> Taken {
        Taken::default()
    }

    /// The values in a notification, where one can carry several: each is taken, or refused, as if it had come
    /// alone.
    fn split(_characteristic: Uuid, bytes: &[u8]) -> Vec<&[u8]> {
        vec![bytes]
    }

    /// Whether a notified value is a record of the memory. The same value may come live; then it is one as well.
    fn record(_characteristic: Uuid, _bytes: &[u8]) -> Option<Record> {
        None
    }

    /// Which series the numbers of its records belong to, where they begin anew from time to time: anything that
    /// differs between two series, and tells nothing of a person. What is read at connection is known by then.
    fn series(&self) -> u64 {
        0
    }

    /// Gives out the measurement from the memory that it holds back for what belongs to it: the next record came, or
    /// no other will.
    fn release(&mut self) -> Vec<Observation> {
        Vec::new()
    }

    /// A connection begins: nothing of an earlier one is under way.
    fn begin(&mut self) {}

    /// What is asked once the memory is read, or the meter has none.
    fn settled(&mut self, _visit: &Visit<'_>) -> Vec<Request> {
        Vec::new()
    }

    /// What it has told of itself so far, beside device information.
    fn describe(&self) -> Description {
        Description::default()
    }
}

/// What a meter's value may need to be understood.
pub(crate) struct Visit<'a> {
    /// Which meter it is.
    pub(crate) device: &'a DeviceId,
    /// The gateway's clock at this moment, where it is right.
    pub(crate) home_time: Option<HomeTime>,
    /// When it came.
    pub(crate) now: Instant,
    /// Whether the value comes from the meter's memory.
    pub(crate) is_stored: bool,
}

/// What came of a value.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// A measurement of its own that was held back until now.
    pub(crate) earlier: Vec<Observation>,
    /// What was measured; empty for what is no measurement.
    pub(crate) observations: Vec<Observation>,
    /// What the meter is asked next.
    pub(crate) requests: Vec<Request>,
    /// For a meter whose times are relative: how far its clock is behind, where that is known.
    pub(crate) clock_offset_s: Option<i32>,
}

impl Taken {
    /// A measurement.
    pub(crate) fn measured(observations: Vec<Observation>) -> Self {
        Self { observations, ..Self::default() }
    }

    /// The same, from the meter's memory.
    fn stored(mut self) -> Self {
        for observation in &mut self.observations {
            observation.flags = observation.flags.with(Flags::STORED);
        }
        self
    }

    /// Nothing that is passed on.
    pub(crate) fn learned() -> Self {
        Self::default()
    }
}

/// The refusal of a value that the meter has no decoder for.
pub(crate) const fn unexpected() -> FrameError {
    FrameError { field: "characteristic", offset: 0, problem: Problem::Unexpected }
}

/// One meter.
pub(crate) struct MeterSession<M> {
    device: DeviceId,
    meter: M,
    connected: bool,
    round: Round,
    /// The gateway's clock, and when that was.
    time: Option<(HomeTime, Instant)>,
    clock: ClockCheck,
    clock_turn: ClockTurn,
    records: Option<Records>,
    segmented: SegmentedValues,
    information: DeviceInformation,
    /// When it said something last at this connection.
    heard: Instant,
    /// Something that it has answered before.
    answers: Option<Uuid>,
    outputs: VecDeque<Output>,
}

/// The round of questions.
#[derive(Clone, Copy)]
enum Round {
    /// Due at the next connection.
    Due,
    /// Asked, and nothing answered yet: a meter that goes now is asked again when it comes.
    Asked(Instant),
    /// At least one answer came: the meter took part. Characteristics that it lacks are not asked for again today.
    Answered(Instant),
}

impl Round {
    /// When the next round is due; none where it is at once.
    fn due(self) -> Option<Instant> {
        match self {
            Self::Due => None,
            Self::Asked(at) | Self::Answered(at) => Some(at.after(ROUND)),
        }
    }
}

impl<M: Meter> MeterSession<M> {
    pub(crate) fn new(device: DeviceId, meter: M) -> Self {
        Self {
            device,
            meter,
            connected: false,
            round: Round::Due,
            time: None,
            clock: ClockCheck::default(),
            clock_turn: ClockTurn::default(),
            records: M::MEMORY.map(Records::new),
            segmented: SegmentedValues::default(),
            information: DeviceInformation::default(),
            heard: Instant::default(),
            answers: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether records are deleted from the meter's memory once they are kept for good.
    pub(crate) fn clearing_memory(mut self, clears: bool) -> Self {
        if let Some(records) = &mut self.records {
            records.clear(clears);
        }
        self
    }

    fn greet(&mut self, now: Instant) {
        self.connected = true;
        self.heard = now;
        self.meter.begin();
        self.segmented = SegmentedValues::of(M::SEGMENTED);
        self.clock.begin(self.time.is_some());
        let is_first = self.time.is_some() && self.clock_turn.comes_first(now);
        let clocks = M::CLOCKS.iter().copied().map(Request::Read);
        self.request(M::AT_CONNECTION.iter().copied().map(Request::Read));
        self.request(clocks.clone().filter(|_| is_first));
        self.request(M::MEASUREMENTS.iter().copied().map(Request::Subscribe));
        self.request(M::MEMORY.map(|_| Request::Subscribe(CONTROL_POINT)));
        let requests = self.meter.greet(now);
        self.request(requests);
        self.request(clocks.filter(|_| !is_first));
        let fetch = self.records.as_mut().map(|records| records.begin(now));
        self.follow(fetch.unwrap_or_default(), now);
        self.ask(now);
    }

    /// Asks the round of questions if it is due, the most wanted first.
    fn ask(&mut self, now: Instant) {
        if self.round.due().is_some_and(|due| now < due) {
            return;
        }
        self.round = Round::Asked(now);
        self.request(questions::<M>().map(Request::Read));
    }

    fn decode(&mut self, channel: Channel, bytes: &[u8], now: Instant) -> Result<(), FrameError> {
        let home_time = self.home_time(now);
        let visit = Visit { device: &self.device, home_time, now, is_stored: false };
        let taken = match channel {
            Channel::Read(BATTERY_LEVEL) => {
                Taken::measured(vec![BatteryLevel::decode(bytes)?.observation(&self.device)])
            }
            Channel::Read(uuid) if DeviceInformation::CHARACTERISTICS.contains(&uuid) => {
                self.information.learn(uuid.short().unwrap_or_default(), bytes)?;
                Taken::learned()
            }
            Channel::Read(uuid) if M::CLOCKS.contains(&uuid) => {
                let Clocked { observations, requests } =
                    self.clock.take(uuid, bytes, home_time, &self.device)?;
                // Where it comes first, setting it does too.
                if self.clock_turn.is_first {
                    requests
                        .into_iter()
                        .rev()
                        .for_each(|request| self.outputs.push_front(Output::Request(request)));
                    Taken::measured(observations)
                } else {
                    Taken { observations, requests, ..Taken::default() }
                }
            }
            Channel::Notified(CONTROL_POINT) if self.records.is_some() => return self.answered(bytes, now),
            Channel::Notified(uuid) => return self.notified(uuid, bytes, now),
            Channel::Read(uuid) => self.meter.take(uuid, bytes, &visit)?,
            Channel::Serial | Channel::ServiceData(_) | Channel::ManufacturerData(_) | Channel::Rssi => {
                return Err(unexpected());
            }
        };
        self.tell(taken, home_time);
        Ok(())
    }

    fn home_time(&self, now: Instant) -> Option<HomeTime> {
        self.time.map(|(time, at)| time.after(now.since(at)))
    }

    fn notified(&mut self, uuid: Uuid, bytes: &[u8], now: Instant) -> Result<(), FrameError> {
        let Joined { value, lost } = self.segmented.join(uuid, bytes)?;
        if let Some(error) = lost {
            self.refuse(error);
            if let Some(records) = &mut self.records {
                records.note_lost();
            }
        }
        match value {
            Some(value) => self.measured(uuid, &value, now),
            None => {
                self.pass_on(Taken::learned(), None);
                Ok(())
            }
        }
    }

    /// A whole value of one of the measurements.
    fn measured(&mut self, uuid: Uuid, bytes: &[u8], now: Instant) -> Result<(), FrameError> {
        let record = M::record(uuid, bytes);
        let origin = match (&mut self.records, record) {
            (Some(records), Some(record)) => records.note(record, bytes, now),
            _ => Origin::Live,
        };
        if origin == Origin::Repeated {
            self.tell(Taken::learned(), None);
            return Ok(());
        }
        if record.is_some_and(|record| !record.is_annex) {
            self.release(now);
            let steps = self.records.as_mut().map(Records::note_released);
            self.follow(steps.unwrap_or_default(), now);
        }
        let home_time = self.home_time(now);
        let is_stored = origin == Origin::Stored;
        let visit = Visit { device: &self.device, home_time, now, is_stored };
        let taken = self.meter.take(uuid, bytes, &visit);
        if let (Err(_), Some(record), Some(records)) = (&taken, record, &mut self.records) {
            records.note_unread(record, bytes);
        }
        let taken = taken?;
        self.tell(if is_stored { taken.stored() } else { taken }, home_time);
        if let (Some(record), Some(records)) = (record, &mut self.records) {
            let steps = if is_stored { records.note_stored(record) } else { records.note_live(record) };
            self.follow(steps, now);
        }
        Ok(())
    }

    fn answered(&mut self, bytes: &[u8], now: Instant) -> Result<(), FrameError> {
        let Some(records) = &mut self.records else { return Err(unexpected()) };
        let steps = records.answer(bytes, self.meter.series(), now)?;
        self.outputs.push_back(Output::Heard(self.device.clone()));
        self.follow(steps, now);
        Ok(())
    }

    /// Does what came of the memory.
    fn follow(&mut self, steps: Vec<Step>, now: Instant) {
        for step in steps {
            match step {
                Step::Output(output) => self.outputs.push_back(output),
                Step::Release => self.release(now),
                Step::Done => {
                    let home_time = self.home_time(now);
                    let visit = Visit { device: &self.device, home_time, now, is_stored: false };
                    let requests = self.meter.settled(&visit);
                    self.request(requests);
                    self.request(M::HANGS_UP.then_some(Request::Disconnect));
                }
            }
        }
    }

    fn release(&mut self, now: Instant) {
        let held = self.meter.release();
        if !held.is_empty() {
            self.pass_on(Taken::measured(held).stored(), self.home_time(now));
        }
    }

    /// Passes on what came of a value, which at the least was a sign of life.
    fn tell(&mut self, taken: Taken, home_time: Option<HomeTime>) {
        if taken.earlier.is_empty() && taken.observations.is_empty() {
            self.outputs.push_back(Output::Heard(self.device.clone()));
        }
        self.pass_on(taken, home_time);
    }

    fn refuse(&mut self, error: FrameError) {
        let device = Some(self.device.clone());
        self.outputs.push_back(Output::Refused(Refused { device, error }));
    }

    fn pass_on(&mut self, taken: Taken, home_time: Option<HomeTime>) {
        let Taken { earlier, observations, requests, clock_offset_s } = taken;
        for observations in [earlier, observations].into_iter().filter(|reading| !reading.is_empty()) {
            let dated = observations.iter().find_map(|observation| observation.device_time);
            let offset_s = dated.and_then(|time| self.clock.offset_of(time, home_time));
            let context = Context { clock_offset_s: clock_offset_s.or(offset_s), ..Context::default() };
            self.outputs.push_back(Output::Reading(Reading {
                device: self.device.clone(),
                observations,
                context,
            }));
        }
        self.request(requests);
    }

    fn request(&mut self, requests: impl IntoIterator<Item = Request>) {
        self.outputs.extend(requests.into_iter().map(Output::Request));
    }
}

impl<M: Meter> Session for MeterSession<M> {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(time) => self.time = Some((time, now)),
            Input::Connected => self.greet(now),
            Input::Chunk { channel, bytes } => {
                self.heard = now;
                if let Channel::Read(uuid) = channel {
                    self.answers = Some(uuid);
                }
                if let (Channel::Read(uuid), Round::Asked(at)) = (channel, self.round)
                    && questions::<M>().any(|question| question == uuid)
                {
                    self.round = Round::Answered(at);
                }
                let values = match channel {
                    Channel::Notified(uuid) => M::split(uuid, bytes),
                    Channel::Read(_)
                    | Channel::Serial
                    | Channel::ServiceData(_)
                    | Channel::ManufacturerData(_)
                    | Channel::Rssi => vec![bytes],
                };
                for bytes in values {
                    if let Err(error) = self.decode(channel, bytes, now) {
                        self.refuse(error);
                    }
                }
            }
            Input::Committed => {
                let steps = self.records.as_mut().map(|records| records.committed(now));
                self.follow(steps.unwrap_or_default(), now);
            }
            Input::Disconnected => {
                self.connected = false;
                self.clock_turn.end(self.clock.is_under_way());
                let steps = self.records.as_mut().map(Records::end);
                self.follow(steps.unwrap_or_default(), now);
                if let Round::Asked(_) = self.round {
                    self.round = Round::Due;
                }
                let home_time = self.home_time(now);
                let visit = Visit { device: &self.device, home_time, now, is_stored: false };
                let taken = self.meter.farewell(&visit);
                self.pass_on(taken, home_time);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if !self.connected {
            return;
        }
        self.ask(now);
        if now.since(self.heard) >= SILENCE {
            self.heard = now;
            self.request(self.answers.map(Request::Read));
        }
        if self.meter.poll_timeout().is_some_and(|due| due <= now) {
            let home_time = self.home_time(now);
            let visit = Visit { device: &self.device, home_time, now, is_stored: false };
            let taken = self.meter.handle_timeout(&visit);
            self.pass_on(taken, home_time);
        }
        let steps = self.records.as_mut().map(|records| records.handle_timeout(now));
        self.follow(steps.unwrap_or_default(), now);
    }

    /// The next round and the question after a silence are only for a meter that stays connected.
    fn poll_timeout(&self) -> Option<Instant> {
        let fetch = self.records.as_ref().and_then(Records::poll_timeout);
        let silence = self.answers.map(|_| self.heard.after(SILENCE));
        let dues = [self.round.due(), self.meter.poll_timeout(), fetch, silence];
        dues.into_iter().flatten().min().filter(|_| self.connected)
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn recall(&mut self, memory: &[u8]) {
        if let Some(records) = &mut self.records {
            records.recall(memory);
        }
    }

    fn device_description(&self) -> Description {
        self.information.describe().and(self.meter.describe())
    }
}

fn questions<M: Meter>() -> impl Iterator<Item = Uuid> {
    std::iter::once(BATTERY_LEVEL).chain(M::DAILY.iter().copied()).chain(DeviceInformation::CHARACTERISTICS)
}

#[cfg(test)]
mod tests;
