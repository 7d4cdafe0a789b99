//! A generic health sensor, as a [`Meter`].
//!
//! What it has stored is fetched before it is asked for what it observes now, and before its clock is set: a clock that
//! is set begins a new timeline, and what was stored on the old one could no longer be compared with ours.

mod told;

use varde_wire::Flags;

use self::told::Told;
use crate::gatt::acom::HealthObservation;
use crate::gatt::elapsed_clock::ElapsedClock;
use crate::gatt::elapsed_time::{CURRENT_ELAPSED_TIME, CurrentElapsedTime};
use crate::gatt::health_sensor::{
    CONTROL_POINT, ControlPoint, FEATURES, HealthSensorFeatures, LIVE_OBSERVATIONS, LiveObservation,
    SCHEDULE_CHANGED, STORED_OBSERVATIONS, ScheduleChanged, StoredObservation,
};
use crate::gatt::meter::clock::Clocked;
use crate::gatt::meter::{Memory, Meter, Record, Taken, Visit, unexpected};
use crate::gatt::reconnection::{RC_FEATURE, RC_SETTINGS, RcFeature, RcSettings};
use crate::{Description, FrameError, Request, Uuid};

/// How often a busy sensor is asked for live observations at one connection.
const STARTS: u8 = 5;

/// One sensor.
#[derive(Debug, Default)]
pub(crate) struct GenericHealthSensor {
    clock: ElapsedClock,
    starts: u8,
    told: Told,
    features: Option<HealthSensorFeatures>,
    schedule: Option<ScheduleChanged>,
    reconnection_feature: Option<RcFeature>,
    reconnection_settings: Option<RcSettings>,
}

impl Meter for GenericHealthSensor {
    const MEASUREMENTS: &'static [Uuid] =
        &[STORED_OBSERVATIONS, LIVE_OBSERVATIONS, CONTROL_POINT, CURRENT_ELAPSED_TIME, SCHEDULE_CHANGED];
    const SEGMENTED: &'static [Uuid] = &[STORED_OBSERVATIONS, LIVE_OBSERVATIONS];
    const AT_CONNECTION: &'static [Uuid] = &[CURRENT_ELAPSED_TIME];
    const DAILY: &'static [Uuid] = &[FEATURES, RC_FEATURE, RC_SETTINGS];
    const CLOCKS: &'static [Uuid] = &[];
    const MEMORY: Option<Memory> = Some(Memory::Combined);

    fn begin(&mut self) {
        self.clock.begin();
        self.starts = 0;
    }

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            LIVE_OBSERVATIONS => {
                let LiveObservation { observation, .. } = LiveObservation::decode(bytes)?;
                // A clock that was never set may show the same time again after the next battery.
                if observation.time_stamp().is_some_and(|stamp| !self.clock.was_unset(stamp)) {
                    self.told.note(&observation);
                }
                Ok(self.observed(&observation, visit))
            }
            STORED_OBSERVATIONS => {
                let StoredObservation { observation, .. } = StoredObservation::decode(bytes)?;
                if self.told.knows(&observation) {
                    return Ok(Taken::learned());
                }
                let mut taken = self.observed(&observation, visit);
                for observation in &mut taken.observations {
                    observation.flags = observation.flags.with(Flags::STORED);
                }
                Ok(taken)
            }
            CURRENT_ELAPSED_TIME => {
                let current = CurrentElapsedTime::decode(bytes)?;
                let Clocked { observations, requests } =
                    self.clock.see(current, visit.home_time, visit.device);
                Ok(Taken { observations, requests, ..Taken::default() })
            }
            CONTROL_POINT => {
                let is_busy = ControlPoint::decode(bytes)?.code == ControlPoint::BUSY;
                let requests = if is_busy { self.start().into_iter().collect() } else { Vec::new() };
                Ok(Taken { requests, ..Taken::learned() })
            }
            SCHEDULE_CHANGED => {
                self.schedule = Some(ScheduleChanged::decode(bytes)?);
                Ok(Taken::learned())
            }
            FEATURES => {
                self.features = Some(HealthSensorFeatures::decode(bytes)?);
                Ok(Taken::learned())
            }
            RC_FEATURE => {
                self.reconnection_feature = Some(RcFeature::decode(bytes)?);
                Ok(Taken::learned())
            }
            RC_SETTINGS => {
                self.reconnection_settings = Some(RcSettings::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn record(characteristic: Uuid, bytes: &[u8]) -> Option<Record> {
        let number = bytes.first_chunk().map(|number| u32::from_le_bytes(*number).into());
        (characteristic == STORED_OBSERVATIONS).then_some(Record::plain(number))
    }

    fn settled(&mut self, visit: &Visit<'_>) -> Vec<Request> {
        self.clock.allow_setting(visit.home_time.is_some());
        std::iter::once(Request::Read(CURRENT_ELAPSED_TIME)).chain(self.start()).collect()
    }

    fn describe(&self) -> Description {
        Description::default()
            .with_some("features", self.features.as_ref().map(HealthSensorFeatures::describe))
            .with_some("schedule", self.schedule.as_ref().map(ScheduleChanged::describe))
            .with_some("reconnection_feature", self.reconnection_feature.as_ref().map(RcFeature::describe))
            .with_some("reconnection_settings", self.reconnection_settings.as_ref().map(RcSettings::describe))
    }
}

impl GenericHealthSensor {
    fn observed(&self, observation: &HealthObservation, visit: &Visit<'_>) -> Taken {
        let mut observations = observation.dated(visit.device, &|stamp| self.clock.time_of(stamp));
        let stamp = observation.time_stamp();
        if stamp.is_some_and(|stamp| self.clock.was_unset(stamp)) {
            for observation in &mut observations {
                observation.flags = observation.flags.with(Flags::DEVICE_CLOCK_UNSET);
            }
        }
        let clock_offset_s = stamp.and_then(|stamp| self.clock.offset_of(stamp));
        Taken { observations, clock_offset_s, ..Taken::default() }
    }

    /// Asks for live observations, but not for ever.
    fn start(&mut self) -> Option<Request> {
        (self.starts < STARTS).then_some(())?;
        self.starts = self.starts.saturating_add(1);
        Some(Request::Write { characteristic: CONTROL_POINT, bytes: vec![ControlPoint::START] })
    }
}

#[cfg(test)]
mod tests;
