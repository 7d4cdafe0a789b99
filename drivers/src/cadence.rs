//! How often a device speaks by itself, so that its silence means something.
//!
//! What is given is long enough for any maker's device of its kind; the configuration can say better.

use std::time::Duration;

use crate::esp3::Eep;
use crate::{BleProfile, Purpose};

/// EnOcean's sensors that feed on light wake up every few minutes, and send what did not change each 8 to 50 minutes by
/// makers' data sheets (Thermokon, Eltako, EnOcean STM 320 and STM 330).
const ENOCEAN_SENSORS: Duration = Duration::from_mins(60);

/// Sensors that advertise do so each few seconds; one that wakes up to measure, each few minutes.
const ADVERTISERS: Duration = Duration::from_mins(30);

/// What is asked, or sends a stream or a heartbeat, answers within seconds.
pub(crate) const ALWAYS: Duration = Duration::from_mins(5);

impl Eep {
    /// How often such a sender is heard at the least; none where it only speaks when somebody uses it.
    pub fn heard_every(self) -> Option<Duration> {
        // Rockers, actuators and buttons have nothing to say by themselves; the sensors of these families do.
        let wakes = [
            "A5-02", "A5-04", "A5-06", "A5-07", "A5-08", "A5-10", "A5-12", "A5-20", "A5-30", "D2-14", "D5-00",
        ];
        wakes.iter().any(|family| self.name().starts_with(family)).then_some(ENOCEAN_SENSORS)
    }
}

impl BleProfile {
    /// How often such a device is heard at the least; none where it only speaks when somebody uses it.
    pub fn heard_every(self, purpose: Option<Purpose>) -> Option<Duration> {
        match self {
            Self::Ruuvi | Self::Atc => Some(ADVERTISERS),
            // With a purpose it is a button or a contact, and some of those sleep until they are touched.
            Self::BtHome => purpose.is_none().then_some(ADVERTISERS),
            Self::BloodPressure
            | Self::HealthThermometer
            | Self::HeartRate
            | Self::Glucose
            | Self::ContinuousGlucose
            | Self::PulseOximeter
            | Self::WeightScale
            | Self::BodyComposition
            | Self::GenericHealthSensor => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sleeps_until_it_is_touched_is_expected_by_nobody() {
        for (name, wakes) in
            [("F6-02-01", false), ("D5-00-01", true), ("A5-07-01", true), ("D2-03-0A", false)]
        {
            assert_eq!(Eep::from_name(name).unwrap().heard_every().is_some(), wakes, "{name}");
        }
        assert_eq!(BleProfile::BloodPressure.heard_every(None), None);
        assert_eq!(BleProfile::BtHome.heard_every(Some(Purpose::Pendant)), None);
        assert!(BleProfile::Ruuvi.heard_every(None).is_some());
    }
}
