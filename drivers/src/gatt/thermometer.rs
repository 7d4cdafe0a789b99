//! A thermometer, as a [`Meter`].

use varde_wire::Flags;

use crate::gatt::health_thermometer::{
    INTERMEDIATE_TEMPERATURE, MEASUREMENT, MEASUREMENT_INTERVAL, MeasurementInterval, TYPE, Temperature,
    TemperatureType,
};
use crate::gatt::meter::{Meter, Taken, Visit, unexpected};
use crate::{Description, FrameError, Uuid};

/// One thermometer.
#[derive(Debug, Default)]
pub(crate) struct Thermometer {
    /// Where it is always used, where it tells that once for all.
    site: Option<TemperatureType>,
    interval: Option<MeasurementInterval>,
}

impl Meter for Thermometer {
    const MEASUREMENTS: &'static [Uuid] = &[MEASUREMENT, INTERMEDIATE_TEMPERATURE];
    const AT_CONNECTION: &'static [Uuid] = &[TYPE];
    const DAILY: &'static [Uuid] = &[MEASUREMENT_INTERVAL];

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            MEASUREMENT => self.measured(bytes, visit, Flags::NONE),
            INTERMEDIATE_TEMPERATURE => self.measured(bytes, visit, Flags::INTERMEDIATE),
            TYPE => {
                let (site, _) = TemperatureType::decode(bytes)?;
                self.site = Some(site);
                Ok(Taken::learned())
            }
            MEASUREMENT_INTERVAL => {
                self.interval = Some(MeasurementInterval::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn describe(&self) -> Description {
        let site = self.site.map(TemperatureType::describe).unwrap_or_default();
        site.and(self.interval.as_ref().map(MeasurementInterval::describe).unwrap_or_default())
    }
}

impl Thermometer {
    fn measured(&self, bytes: &[u8], visit: &Visit<'_>, marks: Flags) -> Result<Taken, FrameError> {
        let mut temperature = Temperature::decode(bytes)?;
        temperature.temperature_type = temperature.temperature_type.or(self.site);
        Ok(Taken::measured(vec![temperature.observation(visit.device, marks)]))
    }
}

#[cfg(test)]
mod tests {
    use varde_wire::{Instant, Metric};

    use super::*;
    use crate::gatt::MeterSession;
    use crate::{Channel, Input, Output, Request, Session};

    const EAR: &[u8] = &[3];
    const WARM: &[u8] = &[0, 0x71, 0x01, 0, 0xFF];
    const WARM_IN_THE_MOUTH: &[u8] = &[4, 0x71, 0x01, 0, 0xFF, 6];

    fn given(session: &mut impl Session, input: Input<'_>) -> Vec<Output> {
        session.handle_input(input, Instant::from_millis(0));
        std::iter::from_fn(|| session.poll_output()).collect()
    }

    fn metric(outputs: &[Output]) -> Metric {
        let [Output::Reading(reading)] = outputs else { panic!("{outputs:?}") };
        reading.observations[0].metric
    }

    #[test]
    fn a_thermometer_of_one_place_is_asked_for_it_first_and_believed_unless_the_measurement_says_otherwise() {
        let mut session = MeterSession::new("ear-1".parse().unwrap(), Thermometer::default());
        let measured = |bytes| Input::Chunk { channel: Channel::Notified(MEASUREMENT), bytes };
        assert_eq!(given(&mut session, Input::Connected)[0], Output::Request(Request::Read(TYPE)));
        assert_eq!(metric(&given(&mut session, measured(WARM))), Metric::BODY_TEMPERATURE);
        given(&mut session, Input::Chunk { channel: Channel::Read(TYPE), bytes: EAR });
        assert_eq!(metric(&given(&mut session, measured(WARM))), Metric::BODY_TEMPERATURE_EAR);
        assert_eq!(metric(&given(&mut session, measured(WARM_IN_THE_MOUTH))), Metric::BODY_TEMPERATURE_MOUTH);
    }

    #[test]
    fn what_it_tells_of_itself_is_kept() {
        let mut session = MeterSession::new("ear-1".parse().unwrap(), Thermometer::default());
        for (uuid, bytes) in [(TYPE, EAR), (MEASUREMENT_INTERVAL, &[60, 0])] {
            given(&mut session, Input::Chunk { channel: Channel::Read(uuid), bytes });
        }
        let names: Vec<_> = session.device_description().fields().iter().map(|f| f.name).collect();
        assert_eq!(names, ["temperature_type", "measurement_interval_s"]);
    }
}
