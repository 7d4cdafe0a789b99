//! A glucose sensor, as a [`Meter`].
//!
//! Its times are minutes since the session began. At each connection it is asked what it can (or its values cannot
//! be read), when the session began, and how many minutes ago that was on its own count: the two together are its
//! clock, which is held against ours. A sensor that was never told the time is told it.
//!
//! What it measured while nobody listened is fetched from its memory, where records are numbered by their time. A new
//! session begins those numbers anew: the start of a session tells one from another.

use varde_wire::{DeviceId, Event, Metric, Observation, Value};

use super::{
    CONTROL_POINT, CgmControlPoint, CgmFeature, CgmMeasurement, CgmStatus, FEATURE, MEASUREMENT, Operation,
    Question, SESSION_RUN_TIME, SESSION_START_TIME, STATUS, SensorStatus, SessionRunTime, SessionStartTime,
};
use crate::gatt::date_time::DateTime;
use crate::gatt::e2e_crc::E2eCrc;
use crate::gatt::meter::{Memory, Meter, Record, Taken, Visit, coincident, unexpected};
use crate::home_time::seconds_of_local;
use crate::{Description, FrameError, HomeTime, Request, Uuid};

/// A sensor that is told the time anew makes another start of the same session: it counts whole minutes.
const SAME_START_S: u64 = 120;

/// One sensor.
#[derive(Debug, Default)]
pub(crate) struct CgmSensor {
    feature: Option<CgmFeature>,
    /// When its session began, as it says.
    start: Option<SessionStartTime>,
    /// When its session began, by our own clock, where it does not know.
    reckoned_start: Option<SessionStartTime>,
    /// The same start in seconds, as a name for the session; 0 where the sensor does not know it. What we reckon
    /// would be another each time.
    series: u64,
    run_time: Option<SessionRunTime>,
    /// How often it notifies, in minutes.
    interval_min: Option<u8>,
    /// What has to be added to its times.
    clock_offset_s: Option<i32>,
    /// The time of its last measurement in this session, in minutes.
    last_min: Option<u16>,
    /// Whether it was told the time at this connection: one that does not take it is not told again.
    time_told: bool,
    told: Told,
}

/// Which events were told whose end was not.
#[derive(Debug, Default)]
struct Told {
    faulty: bool,
    battery_low: bool,
}

/// What comes of a measurement beside its numbers.
#[derive(Default)]
struct News {
    events: Vec<Observation>,
    requests: Vec<Request>,
}

impl Meter for CgmSensor {
    const MEASUREMENTS: &'static [Uuid] = &[MEASUREMENT, CONTROL_POINT];
    const AT_CONNECTION: &'static [Uuid] = &[FEATURE, SESSION_START_TIME, STATUS];
    const DAILY: &'static [Uuid] = &[SESSION_RUN_TIME];
    const MEMORY: Option<Memory> = Some(Memory::Numbered);

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        let crc = self.e2e_crc();
        Ok(match characteristic {
            FEATURE => self.meet(CgmFeature::decode(bytes)?),
            SESSION_START_TIME => {
                self.begin(Some(SessionStartTime::decode(bytes, crc)?));
                Taken::learned()
            }
            STATUS => self.compare(&CgmStatus::decode(bytes, crc)?, visit),
            MEASUREMENT => self.measure(&CgmMeasurement::decode(bytes, crc)?, visit),
            SESSION_RUN_TIME => {
                self.run_time = Some(SessionRunTime::decode(bytes, crc)?);
                Taken::learned()
            }
            CONTROL_POINT => {
                if let Operation::CommunicationInterval(minutes) =
                    CgmControlPoint::decode(bytes, crc)?.operation
                {
                    self.interval_min = Some(minutes);
                }
                Taken::learned()
            }
            _ => return Err(unexpected()),
        })
    }

    fn record(characteristic: Uuid, bytes: &[u8]) -> Option<Record> {
        let number = CgmMeasurement::time_offset_of(bytes).filter(|_| characteristic == MEASUREMENT)?;
        Some(Record::plain(Some(number.into())))
    }

    fn series(&self) -> u64 {
        self.series
    }

    fn split(characteristic: Uuid, bytes: &[u8]) -> Vec<&[u8]> {
        if characteristic == MEASUREMENT { CgmMeasurement::split(bytes) } else { vec![bytes] }
    }

    fn describe(&self) -> Description {
        Description::default()
            .with_some("features", self.feature.as_ref().map(CgmFeature::describe))
            .with_some("session_start", self.start.as_ref().map(SessionStartTime::describe))
            .with_some("session", self.run_time.as_ref().map(SessionRunTime::describe))
            .with_some("communication_interval_min", self.interval_min)
    }
}

impl CgmSensor {
    /// The first that each connection brings.
    fn meet(&mut self, feature: CgmFeature) -> Taken {
        self.time_told = false;
        self.reckoned_start = None;
        let question = Question::CommunicationInterval.encode(feature.e2e_crc());
        let question = Request::Write { characteristic: CONTROL_POINT, bytes: question };
        self.feature = Some(feature);
        let requests = if self.interval_min.is_none() { vec![question] } else { Vec::new() };
        Taken { requests, ..Taken::default() }
    }

    /// A session that began then, the same as before or another.
    fn begin(&mut self, start: Option<SessionStartTime>) {
        if start.is_none() || self.start != start {
            self.last_min = None;
        }
        if !start.as_ref().is_some_and(SessionStartTime::is_unset) {
            self.reckoned_start = None;
        }
        self.clock_offset_s = self.reckoned_start.as_ref().map(|_| 0);
        let began = start.as_ref().and_then(|start| start.after(0)).and_then(seconds_of_local);
        let began = began.map_or(0, i64::cast_unsigned);
        if self.series.abs_diff(began) > SAME_START_S {
            self.series = began;
        }
        self.start = start;
    }

    /// Holds the sensor's clock against ours. One that was never told the time is told it, and until it shows that
    /// it knows, our own clock says when its session began.
    fn compare(&mut self, status: &CgmStatus, visit: &Visit<'_>) -> Taken {
        let CgmStatus { time_offset_min, sensor_status, .. } = status;
        let mut observations = vec![sensor_status.observation(visit.device)];
        observations.extend(self.told.change(*sensor_status, visit.device));
        let (Some(now), Some(start)) = (visit.home_time, &self.start) else {
            return Taken::measured(observations);
        };
        // A session that is over does not count on.
        if sensor_status.session_stopped() {
            return Taken::measured(observations);
        }
        let is_unset = start.is_unset();
        let shown = start.after(*time_offset_min);
        self.clock_offset_s = shown.and_then(|shown| now.ahead_of(shown));
        let shown = shown.map_or(start.date_time, DateTime::from);
        observations.push(coincident(shown.moment(), self.clock_offset_s, visit.device));
        if is_unset {
            let began = i64::from(*time_offset_min).saturating_mul(60);
            let began = HomeTime { unix_s: now.unix_s.saturating_sub(began), ..now };
            self.reckoned_start = Some(SessionStartTime::at(began));
            self.clock_offset_s = Some(0);
        }
        let tells = (is_unset || sensor_status.wants_the_time()) && !self.time_told;
        self.time_told |= tells;
        let requests = if tells { self.tell_the_time(now) } else { Vec::new() };
        Taken { observations, requests, ..Taken::default() }
    }

    fn tell_the_time(&self, now: HomeTime) -> Vec<Request> {
        let bytes = SessionStartTime::at(now).encode(self.e2e_crc());
        vec![
            Request::Write { characteristic: SESSION_START_TIME, bytes },
            Request::Read(SESSION_START_TIME),
            Request::Read(STATUS),
        ]
    }

    fn measure(&mut self, record: &CgmMeasurement, visit: &Visit<'_>) -> Taken {
        let news = if visit.is_stored { News::default() } else { self.listen(record, visit.device) };
        let start = self.reckoned_start.as_ref().or(self.start.as_ref());
        let mut observations = record.observations(visit.device, self.feature.as_ref(), start);
        observations.extend(news.events);
        let clock_offset_s = self.clock_offset_s;
        Taken { observations, requests: news.requests, clock_offset_s, ..Taken::default() }
    }

    /// What a measurement means that was made just now.
    fn listen(&mut self, record: &CgmMeasurement, device: &DeviceId) -> News {
        let began_anew = self.last_min.is_some_and(|last| record.time_offset_min < last);
        let requests = if began_anew {
            // Another session, whose start is not known yet.
            self.begin(None);
            vec![Request::Read(SESSION_START_TIME), Request::Read(STATUS)]
        } else {
            Vec::new()
        };
        self.last_min = Some(record.time_offset_min);
        let events = self.told.change(record.sensor_status.unwrap_or_default(), device).collect();
        News { events, requests }
    }

    fn e2e_crc(&self) -> E2eCrc {
        self.feature.as_ref().map_or(E2eCrc::ByLength, CgmFeature::e2e_crc)
    }
}

impl Told {
    /// The events that a status means, where it means another than the one before.
    fn change(&mut self, status: SensorStatus, device: &DeviceId) -> impl Iterator<Item = Observation> {
        let fault =
            changed(&mut self.faulty, status.is_faulty(), Event::DeviceFault, Event::DeviceFaultCleared);
        let battery =
            changed(&mut self.battery_low, status.battery_low(), Event::BatteryLow, Event::BatteryRestored);
        let told = [(Metric::CGM_SENSOR_STATUS, fault), (Metric::BATTERY, battery)];
        told.into_iter().filter_map(|(metric, event)| {
            event.map(|event| Observation::new(device.clone(), metric, Value::Event(event)))
        })
    }
}

fn changed(told: &mut bool, is_so: bool, begun: Event, ended: Event) -> Option<Event> {
    let was_so = std::mem::replace(told, is_so);
    (was_so != is_so).then_some(if is_so { begun } else { ended })
}
