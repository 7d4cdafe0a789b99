//! A blood pressure cuff, as a [`Meter`].

use crate::gatt::blood_pressure::{
    BloodPressureFeature, BloodPressureMeasurement, FEATURE, INTERMEDIATE_CUFF_PRESSURE,
    IntermediateCuffPressure, MEASUREMENT,
};
use crate::gatt::meter::{Meter, Taken, Visit, unexpected};
use crate::{Description, FrameError, Uuid};

/// One cuff.
#[derive(Debug, Default)]
pub(crate) struct Cuff {
    feature: Option<BloodPressureFeature>,
}

impl Meter for Cuff {
    const MEASUREMENTS: &'static [Uuid] = &[MEASUREMENT, INTERMEDIATE_CUFF_PRESSURE];
    const DAILY: &'static [Uuid] = &[FEATURE];

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            MEASUREMENT => {
                let measurement = BloodPressureMeasurement::decode(bytes)?;
                Ok(Taken::measured(measurement.observations(visit.device)))
            }
            INTERMEDIATE_CUFF_PRESSURE => {
                let pressure = IntermediateCuffPressure::decode(bytes)?;
                Ok(Taken::measured(pressure.observations(visit.device)))
            }
            FEATURE => {
                self.feature = Some(BloodPressureFeature::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn describe(&self) -> Description {
        Description::default()
            .with_some("features", self.feature.as_ref().map(BloodPressureFeature::describe))
    }
}
