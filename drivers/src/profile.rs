//! The Bluetooth profiles that the configuration can name.

use varde_wire::DeviceId;

use crate::gatt::{Belt, Cuff, MeterSession, Scale, Thermometer};
use crate::{Consent, Purpose, Session, Uuid};

/// Blood Pressure, Device Information, Battery.
const BLOOD_PRESSURE: &[Uuid] = &[Uuid::sig(0x1810), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// Health Thermometer, Device Information, Battery, Current Time.
const HEALTH_THERMOMETER: &[Uuid] =
    &[Uuid::sig(0x1809), Uuid::sig(0x180A), Uuid::sig(0x180F), Uuid::sig(0x1805)];

/// Heart Rate, Device Information, Battery.
const HEART_RATE: &[Uuid] = &[Uuid::sig(0x180D), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// Weight Scale, Body Composition, User Data, Device Information, Battery, Current Time.
const WEIGHT_SCALE: &[Uuid] = &[
    Uuid::sig(0x181D),
    Uuid::sig(0x181B),
    Uuid::sig(0x181C),
    Uuid::sig(0x180A),
    Uuid::sig(0x180F),
    Uuid::sig(0x1805),
];

/// The same, of a device that is recognised by Body Composition.
const BODY_COMPOSITION: &[Uuid] = &[
    Uuid::sig(0x181B),
    Uuid::sig(0x181D),
    Uuid::sig(0x181C),
    Uuid::sig(0x180A),
    Uuid::sig(0x180F),
    Uuid::sig(0x1805),
];

/// What a Bluetooth device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BleProfile {
    /// Blood Pressure Profile: a cuff.
    BloodPressure,
    /// Health Thermometer Profile: a thermometer.
    HealthThermometer,
    /// Heart Rate Profile: a belt.
    HeartRate,
    /// Weight Scale Profile: a scale.
    WeightScale,
    /// Body Composition Profile: a scale that advertises this service and not Weight Scale.
    BodyComposition,
}

/// What the configuration says of one Bluetooth device beside its profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BleOptions {
    /// What its buttons and contacts are for, where it has any.
    pub purpose: Option<Purpose>,
    /// What its advertisements are encrypted with.
    pub bind_key: Option<[u8; 16]>,
    /// Whether the records in its memory are deleted once they are kept for good.
    pub clear_memory: bool,
    /// Its users who consent to having read what it keeps for them, where it asks for that.
    pub consents: Vec<Consent>,
}

impl BleProfile {
    /// Every profile.
    pub const ALL: &[Self] = &[
        Self::BloodPressure,
        Self::HealthThermometer,
        Self::HeartRate,
        Self::WeightScale,
        Self::BodyComposition,
    ];

    /// The profile's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood-pressure",
            Self::HealthThermometer => "health-thermometer",
            Self::HeartRate => "heart-rate",
            Self::WeightScale => "weight-scale",
            Self::BodyComposition => "body-composition",
        }
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.name() == name)
    }

    /// Whether its sessions connect; else everything is in its advertisements.
    pub const fn connects(self) -> bool {
        match self {
            Self::BloodPressure
            | Self::HealthThermometer
            | Self::HeartRate
            | Self::WeightScale
            | Self::BodyComposition => true,
        }
    }

    /// The services that a session uses. The first is the one by which the device is recognised; of the others a
    /// device may lack any.
    pub const fn services(self) -> &'static [Uuid] {
        match self {
            Self::BloodPressure => BLOOD_PRESSURE,
            Self::HealthThermometer => HEALTH_THERMOMETER,
            Self::HeartRate => HEART_RATE,
            Self::WeightScale => WEIGHT_SCALE,
            Self::BodyComposition => BODY_COMPOSITION,
        }
    }

    /// The driver of one such device.
    pub fn session(self, device: DeviceId, options: &BleOptions) -> Box<dyn Session> {
        match self {
            Self::BloodPressure => Box::new(MeterSession::new(device, Cuff::default())),
            Self::HealthThermometer => Box::new(MeterSession::new(device, Thermometer::default())),
            Self::HeartRate => Box::new(MeterSession::new(device, Belt::default())),
            Self::WeightScale | Self::BodyComposition => {
                Box::new(MeterSession::new(device, Scale::new(&options.consents)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_found_by_its_name() {
        for profile in BleProfile::ALL {
            assert_eq!(BleProfile::from_name(profile.name()), Some(*profile));
        }
        assert_eq!(BleProfile::from_name("toaster"), None);
    }
}
