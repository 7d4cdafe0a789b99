//! A pulse oximeter, as a [`Meter`]: spot-checks, live and from its memory, and a stream of continuous measurements.

use std::time::Duration;

use varde_wire::{Instant, Metric, Observation, Value};

use crate::gatt::meter::{Memory, Meter, Record, Taken, Visit, unexpected};
use crate::gatt::pulse_oximeter::{
    CONTINUOUS, ContinuousMeasurement, FEATURES, PlxFeatures, SPOT_CHECK, SpotCheckMeasurement,
};
use crate::{Description, FrameError, Uuid};

/// The stream has a measurement a second; so often one is passed on if nothing else changes but the numbers.
const STREAM_PAUSE: Duration = Duration::from_secs(10);

/// One oximeter.
///
/// Of the stream are passed on: what says something new beside its numbers (a status bit that comes or goes, a number
/// that is missing or back) at once, and else the first measurement after ten seconds.
#[derive(Debug, Default)]
pub(crate) struct Oximeter {
    features: Option<PlxFeatures>,
    streamed: Option<Streamed>,
}

/// The measurement of the stream that was passed on last.
#[derive(Debug)]
struct Streamed {
    at: Instant,
    /// What it said beside its numbers.
    status: Vec<(Metric, Option<Value>)>,
}

impl Meter for Oximeter {
    const MEASUREMENTS: &'static [Uuid] = &[SPOT_CHECK, CONTINUOUS];
    const DAILY: &'static [Uuid] = &[FEATURES];
    const MEMORY: Option<Memory> = Some(Memory::Unnumbered);

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            SPOT_CHECK => {
                let spot = SpotCheckMeasurement::decode(bytes)?;
                Ok(Taken::measured(spot.observations(visit.device)))
            }
            CONTINUOUS => {
                let continuous = ContinuousMeasurement::decode(bytes)?;
                Ok(self.thin(continuous.observations(visit.device), visit.now))
            }
            FEATURES => {
                self.features = Some(PlxFeatures::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn record(characteristic: Uuid, _bytes: &[u8]) -> Option<Record> {
        (characteristic == SPOT_CHECK).then_some(Record::plain(None))
    }

    fn describe(&self) -> Description {
        Description::default().with_some("features", self.features.as_ref().map(PlxFeatures::describe))
    }
}

impl Oximeter {
    fn thin(&mut self, observations: Vec<Observation>, now: Instant) -> Taken {
        let status: Vec<_> = observations.iter().map(|o| (o.metric, beside_numbers(&o.value))).collect();
        let says_nothing_new = |last: &Streamed| now.since(last.at) < STREAM_PAUSE && last.status == status;
        if self.streamed.as_ref().is_some_and(says_nothing_new) {
            return Taken::learned();
        }
        self.streamed = Some(Streamed { at: now, status });
        Taken::measured(observations)
    }
}

fn beside_numbers(value: &Value) -> Option<Value> {
    match value {
        Value::Decimal(_) => None,
        Value::Absent(_) | Value::Event(_) | Value::Bits(_) | Value::Text(_) => Some(value.clone()),
    }
}

#[cfg(test)]
mod tests;
