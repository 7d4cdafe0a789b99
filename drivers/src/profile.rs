//! The Bluetooth profiles that the configuration can name.

use varde_wire::DeviceId;

use crate::gatt::{Cuff, GenericHealthSensor, GlucoseMeter, MeterSession, Oximeter};
use crate::{Purpose, Session, Uuid};

/// Blood Pressure, Device Information, Battery.
const BLOOD_PRESSURE: &[Uuid] = &[Uuid::sig(0x1810), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// Glucose, Current Time, Device Information, Battery.
const GLUCOSE: &[Uuid] = &[Uuid::sig(0x1808), Uuid::sig(0x1805), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// Pulse Oximeter, Current Time, Device Information, Battery.
const PULSE_OXIMETER: &[Uuid] = &[Uuid::sig(0x1822), Uuid::sig(0x1805), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// Generic Health Sensor, Elapsed Time, Reconnection Configuration, Device Information, Battery.
const GENERIC_HEALTH_SENSOR: &[Uuid] =
    &[Uuid::sig(0x1840), Uuid::sig(0x183F), Uuid::sig(0x1829), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// What a Bluetooth device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BleProfile {
    /// Blood Pressure Profile: a cuff.
    BloodPressure,
    /// Glucose Profile: a blood glucose meter.
    Glucose,
    /// Pulse Oximeter Profile.
    PulseOximeter,
    /// Generic Health Sensor Profile: anything that says by itself what it measures.
    GenericHealthSensor,
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
}

impl BleProfile {
    /// Every profile.
    pub const ALL: &[Self] =
        &[Self::BloodPressure, Self::Glucose, Self::PulseOximeter, Self::GenericHealthSensor];

    /// The profile's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood-pressure",
            Self::Glucose => "glucose",
            Self::PulseOximeter => "pulse-oximeter",
            Self::GenericHealthSensor => "generic-health-sensor",
        }
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.name() == name)
    }

    /// Whether its sessions connect; else everything is in its advertisements.
    pub const fn connects(self) -> bool {
        match self {
            Self::BloodPressure | Self::Glucose | Self::PulseOximeter | Self::GenericHealthSensor => true,
        }
    }

    /// The services that a session uses. The first is the one by which the device is recognised; of the others a
    /// device may lack any.
    pub const fn services(self) -> &'static [Uuid] {
        match self {
            Self::BloodPressure => BLOOD_PRESSURE,
            Self::Glucose => GLUCOSE,
            Self::PulseOximeter => PULSE_OXIMETER,
            Self::GenericHealthSensor => GENERIC_HEALTH_SENSOR,
        }
    }

    /// The driver of one such device.
    pub fn session(self, device: DeviceId, options: &BleOptions) -> Box<dyn Session> {
        match self {
            Self::BloodPressure => Box::new(MeterSession::new(device, Cuff::default())),
            Self::Glucose => {
                let session = MeterSession::new(device, GlucoseMeter::default());
                Box::new(session.clearing_memory(options.clear_memory))
            }
            Self::PulseOximeter => {
                let session = MeterSession::new(device, Oximeter::default());
                Box::new(session.clearing_memory(options.clear_memory))
            }
            Self::GenericHealthSensor => {
                let session = MeterSession::new(device, GenericHealthSensor::default());
                Box::new(session.clearing_memory(options.clear_memory))
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
