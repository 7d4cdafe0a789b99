//! A glucose meter, as a [`Meter`]: all it measures goes through its memory (GLS 1.0.1 §3.4).

use std::collections::VecDeque;

use varde_wire::{DeviceId, Flags, LocalTime, Observation};

use crate::gatt::glucose::context::{CONTEXT, GlucoseMeasurementContext};
use crate::gatt::glucose::{FEATURE, GlucoseFeature, GlucoseMeasurement, MEASUREMENT};
use crate::gatt::meter::{Memory, Meter, Record, Taken, Visit, unexpected};
use crate::{Description, FrameError, Uuid};

/// How many measurements a context may come late for, and still get their time.
const REMEMBERED: usize = 16;

/// One glucose meter.
///
/// A measurement from the memory that announces a context waits for it, until the next measurement comes or the
/// transfer is over. A context that comes later is a reading of its own, with its measurement's time.
#[derive(Debug, Default)]
pub(crate) struct GlucoseMeter {
    feature: Option<GlucoseFeature>,
    waiting: Option<(u16, Vec<Observation>)>,
    recent: VecDeque<Measured>,
}

/// What the context of a measurement has in common with it.
#[derive(Clone, Copy, Debug)]
struct Measured {
    sequence_number: u16,
    device_time: Option<LocalTime>,
    marks: Flags,
}

impl Meter for GlucoseMeter {
    const MEASUREMENTS: &'static [Uuid] = &[MEASUREMENT, CONTEXT];
    const DAILY: &'static [Uuid] = &[FEATURE];
    const MEMORY: Option<Memory> = Some(Memory::Numbered);
    const HANGS_UP: bool = true;

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            MEASUREMENT => Ok(self.measured(&GlucoseMeasurement::decode(bytes)?, visit)),
            CONTEXT => Ok(self.add(&GlucoseMeasurementContext::decode(bytes)?, visit.device)),
            FEATURE => {
                self.feature = Some(GlucoseFeature::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    /// Flags, then the number, in both.
    fn record(characteristic: Uuid, bytes: &[u8]) -> Option<Record> {
        let (flags, number) = match *bytes {
            [flags, low, high, ..] => (flags, Some(u16::from_le_bytes([low, high]).into())),
            _ => (0, None),
        };
        let is_annex = characteristic == CONTEXT;
        let awaits_annex = !is_annex && GlucoseMeasurement::announces_context(flags);
        Some(Record { number, is_annex, awaits_annex })
    }

    fn release(&mut self) -> Vec<Observation> {
        self.waiting.take().map(|(_, observations)| observations).unwrap_or_default()
    }

    fn describe(&self) -> Description {
        Description::default().with_some("features", self.feature.as_ref().map(GlucoseFeature::describe))
    }
}

impl GlucoseMeter {
    fn measured(&mut self, measurement: &GlucoseMeasurement, visit: &Visit<'_>) -> Taken {
        let sequence_number = measurement.sequence_number;
        let device_time = measurement.user_facing_time();
        self.recent.truncate(REMEMBERED.saturating_sub(1));
        self.recent.push_front(Measured { sequence_number, device_time, marks: measurement.marks() });
        let observations = measurement.observations(visit.device);
        if visit.is_stored && measurement.context_follows {
            self.waiting = Some((sequence_number, observations));
            return Taken::learned();
        }
        Taken::measured(observations)
    }

    fn add(&mut self, context: &GlucoseMeasurementContext, device: &DeviceId) -> Taken {
        let mut annex = context.observations(device);
        let number = context.sequence_number;
        if let Some(of) = self.recent.iter().find(|measured| measured.sequence_number == number) {
            for observation in &mut annex {
                observation.device_time = of.device_time;
                observation.flags = of.marks;
            }
        }
        match self.waiting.take_if(|(waiting, _)| *waiting == number) {
            Some((_, mut observations)) => {
                observations.extend(annex);
                Taken::measured(observations)
            }
            None => Taken::measured(annex),
        }
    }
}

#[cfg(test)]
mod tests;
