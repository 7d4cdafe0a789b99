//! The link to a meter, the same for every GATT profile; a [`Meter`] says what is its own.
//!
//! Most meters connect for some seconds after a measurement, send it, and go. So a connection runs in the order of
//! what would be lost first:
//!
//! 1. what later values need to be understood ([`Meter::AT_CONNECTION`]; mostly nothing);
//! 2. the measurements are subscribed to, and the meter is asked for what it sends only then ([`Meter::greet`]);
//! 3. the meter's clock is read, compared with ours, and set where it is wrong and can be set;
//! 4. once a day, since each answer costs the meter's battery: battery, features, device information.

mod clock;

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::{Context, DeviceId, Instant, Observation};

use self::clock::{ClockCheck, Clocked};
use crate::gatt::battery::{BATTERY_LEVEL, BatteryLevel};
use crate::gatt::device_information::DeviceInformation;
use crate::{
    Channel, Description, FrameError, HomeTime, Input, Output, Problem, Reading, Refused, Request, Session,
    Uuid,
};

/// How long the answers of a round of questions are good for.
const ROUND: Duration = Duration::from_hours(24);

/// What one kind of meter has of its own.
pub(crate) trait Meter: Send {
    /// The characteristics that are subscribed to, the most wanted first.
    const MEASUREMENTS: &'static [Uuid];
    /// What is read before all else at each connection.
    const AT_CONNECTION: &'static [Uuid] = &[];
    /// What is read once a day.
    const DAILY: &'static [Uuid] = &[];

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
    #[allow(dead_code, reason = "for meters whose times are relative")]
    pub(crate) home_time: Option<HomeTime>,
    /// When that is.
    pub(crate) now: Instant,
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
    information: DeviceInformation,
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
            information: DeviceInformation::default(),
            outputs: VecDeque::new(),
        }
    }

    fn greet(&mut self, now: Instant) {
        self.connected = true;
        self.request(M::AT_CONNECTION.iter().copied().map(Request::Read));
        self.request(M::MEASUREMENTS.iter().copied().map(Request::Subscribe));
        let requests = self.meter.greet(now);
        self.request(requests);
        self.clock.begin(self.time.is_some());
        self.request(clock::CHARACTERISTICS.map(Request::Read));
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
        let visit = Visit { device: &self.device, home_time, now };
        let taken = match channel {
            Channel::Read(BATTERY_LEVEL) => {
                Taken::measured(vec![BatteryLevel::decode(bytes)?.observation(&self.device)])
            }
            Channel::Read(uuid) if DeviceInformation::CHARACTERISTICS.contains(&uuid) => {
                self.information.learn(uuid.short().unwrap_or_default(), bytes)?;
                Taken::learned()
            }
            Channel::Read(uuid) if clock::CHARACTERISTICS.contains(&uuid) => {
                let Clocked { observations, requests } =
                    self.clock.take(uuid, bytes, home_time, &self.device)?;
                Taken { observations, requests, ..Taken::default() }
            }
            Channel::Notified(uuid) | Channel::Read(uuid) => self.meter.take(uuid, bytes, &visit)?,
            Channel::Serial | Channel::ServiceData(_) | Channel::ManufacturerData(_) | Channel::Rssi => {
                return Err(unexpected());
            }
        };
        if taken.earlier.is_empty() && taken.observations.is_empty() {
            self.outputs.push_back(Output::Heard(self.device.clone()));
        }
        self.pass_on(taken, home_time);
        Ok(())
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

    fn home_time(&self, now: Instant) -> Option<HomeTime> {
        self.time.map(|(time, at)| time.after(now.since(at)))
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
                if let (Channel::Read(uuid), Round::Asked(at)) = (channel, self.round)
                    && questions::<M>().any(|question| question == uuid)
                {
                    self.round = Round::Answered(at);
                }
                if let Err(error) = self.decode(channel, bytes, now) {
                    let device = Some(self.device.clone());
                    self.outputs.push_back(Output::Refused(Refused { device, error }));
                }
            }
            Input::Committed => {}
            Input::Disconnected => {
                self.connected = false;
                if let Round::Asked(_) = self.round {
                    self.round = Round::Due;
                }
                let home_time = self.home_time(now);
                let taken = self.meter.farewell(&Visit { device: &self.device, home_time, now });
                self.pass_on(taken, home_time);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if !self.connected {
            return;
        }
        self.ask(now);
        if self.meter.poll_timeout().is_some_and(|due| due <= now) {
            let home_time = self.home_time(now);
            let taken = self.meter.handle_timeout(&Visit { device: &self.device, home_time, now });
            self.pass_on(taken, home_time);
        }
    }

    /// The round is due only for a meter that stays connected for days.
    fn poll_timeout(&self) -> Option<Instant> {
        let dues = [self.round.due(), self.meter.poll_timeout()];
        dues.into_iter().flatten().min().filter(|_| self.connected)
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
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
