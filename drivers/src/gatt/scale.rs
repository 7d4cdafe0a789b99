//! A scale, as a [`Meter`].

use crate::gatt::meter::{Meter, Taken, Visit, unexpected};
use crate::gatt::weight_scale::{self, WeightMeasurement, WeightScaleFeature};
use crate::{Description, FrameError, Uuid};

/// One scale.
#[derive(Debug, Default)]
pub(crate) struct Scale {
    weight_feature: Option<WeightScaleFeature>,
}

impl Meter for Scale {
    const MEASUREMENTS: &'static [Uuid] = &[weight_scale::MEASUREMENT];
    const DAILY: &'static [Uuid] = &[weight_scale::FEATURE];

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            weight_scale::MEASUREMENT => {
                Ok(Taken::measured(WeightMeasurement::decode(bytes)?.observations(visit.device)))
            }
            weight_scale::FEATURE => {
                self.weight_feature = Some(WeightScaleFeature::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn describe(&self) -> Description {
        Description::default()
            .with_some("weight_features", self.weight_feature.as_ref().map(WeightScaleFeature::describe))
    }
}
