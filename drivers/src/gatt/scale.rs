//! A scale, with or without body composition, as a [`Meter`].

mod consents;

use std::time::Duration;

use varde_wire::{Instant, Observation};

use self::consents::Consents;
use crate::gatt::body_composition::{self, BodyComposition, BodyCompositionFeature};
use crate::gatt::meter::{Meter, Taken, Visit, unexpected};
use crate::gatt::user_data::{
    Consent, DATABASE_CHANGE_INCREMENT, DatabaseChangeIncrement, USER_CONTROL_POINT, UserControlPoint,
};
use crate::gatt::weight_scale::{self, WeightMeasurement, WeightScaleFeature};
use crate::{Description, FrameError, Request, Uuid};

/// How long after one part of a measurement the next may come: each takes one or two connection events, and those
/// are four seconds apart at most.
const BETWEEN_PARTS: Duration = Duration::from_secs(8);

/// One scale.
#[derive(Debug)]
pub(crate) struct Scale {
    consents: Consents,
    weight_feature: Option<WeightScaleFeature>,
    composition_feature: Option<BodyCompositionFeature>,
    increment: Option<DatabaseChangeIncrement>,
    parts: Option<Parts>,
}

/// The parts of a measurement that came so far, as one.
#[derive(Debug)]
struct Parts {
    so_far: BodyComposition,
    last_at: Instant,
}

impl Meter for Scale {
    const MEASUREMENTS: &'static [Uuid] = &[weight_scale::MEASUREMENT, body_composition::MEASUREMENT];
    const DAILY: &'static [Uuid] = &[weight_scale::FEATURE, body_composition::FEATURE];

    fn greet(&mut self, now: Instant) -> Vec<Request> {
        self.consents.begin(now)
    }

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            weight_scale::MEASUREMENT => {
                self.consents.measured(visit.now);
                Ok(Taken::measured(WeightMeasurement::decode(bytes)?.observations(visit.device)))
            }
            body_composition::MEASUREMENT => {
                self.consents.measured(visit.now);
                Ok(self.composed(BodyComposition::decode(bytes)?, visit))
            }
            USER_CONTROL_POINT => {
                Ok(self.consents.answered(UserControlPoint::decode(bytes)?.procedure, visit))
            }
            DATABASE_CHANGE_INCREMENT => {
                self.increment = Some(DatabaseChangeIncrement::decode(bytes)?);
                Ok(Taken::learned())
            }
            weight_scale::FEATURE => {
                self.weight_feature = Some(WeightScaleFeature::decode(bytes)?);
                Ok(Taken::learned())
            }
            body_composition::FEATURE => {
                self.composition_feature = Some(BodyCompositionFeature::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn handle_timeout(&mut self, visit: &Visit<'_>) -> Taken {
        let earlier =
            if self.parts_due().is_some_and(|due| due <= visit.now) { self.held(visit) } else { Vec::new() };
        Taken { earlier, ..self.consents.handle_timeout(visit) }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.parts_due().into_iter().chain(self.consents.poll_timeout()).min()
    }

    fn farewell(&mut self, visit: &Visit<'_>) -> Taken {
        self.consents.end();
        Taken::measured(self.held(visit))
    }

    fn describe(&self) -> Description {
        let composition = self.composition_feature.as_ref().map(BodyCompositionFeature::describe);
        Description::default()
            .with_some("weight_features", self.weight_feature.as_ref().map(WeightScaleFeature::describe))
            .with_some("body_composition_features", composition)
            .and(self.increment.as_ref().map(DatabaseChangeIncrement::describe).unwrap_or_default())
            .and(self.consents.describe())
    }
}

impl Scale {
    /// A scale whose users consent to what it gives.
    pub(crate) fn new(consents: &[Consent]) -> Self {
        Self {
            consents: Consents::new(consents),
            weight_feature: None,
            composition_feature: None,
            increment: None,
            parts: None,
        }
    }

    /// A measurement in parts is held until no part can follow: how many there are, none of them says.
    fn composed(&mut self, measured: BodyComposition, visit: &Visit<'_>) -> Taken {
        let last_at = visit.now;
        if let Some(parts) = self.parts.take_if(|parts| parts.so_far.goes_on_in(&measured)) {
            self.parts = Some(Parts { so_far: parts.so_far.with(measured), last_at });
            return Taken::learned();
        }
        let earlier = self.held(visit);
        if measured.is_part {
            self.parts = Some(Parts { so_far: measured, last_at });
            return Taken { earlier, ..Taken::default() };
        }
        Taken { earlier, observations: measured.observations(visit.device), ..Taken::default() }
    }

    fn parts_due(&self) -> Option<Instant> {
        self.parts.as_ref().map(|parts| parts.last_at.after(BETWEEN_PARTS))
    }

    fn held(&mut self, visit: &Visit<'_>) -> Vec<Observation> {
        self.parts.take().map(|parts| parts.so_far.observations(visit.device)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
