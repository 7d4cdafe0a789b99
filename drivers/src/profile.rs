//! The Bluetooth profiles that the configuration can name.

use varde_wire::DeviceId;

use crate::advert::{AdvertSession, Secret, atc, bthome, ruuvi};
use crate::gatt::{
    Belt, CgmSensor, Cuff, GenericHealthSensor, GlucoseMeter, MeterSession, Oximeter, Scale, Thermometer,
};
use crate::{Consent, Purpose, Session, Uuid};

/// What a Bluetooth device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BleProfile {
    /// Blood Pressure Profile: a cuff.
    BloodPressure,
    /// Health Thermometer Profile: a thermometer.
    HealthThermometer,
    /// Heart Rate Profile: a belt.
    HeartRate,
    /// Glucose Profile: a blood glucose meter.
    Glucose,
    /// Continuous Glucose Monitoring Profile: a sensor under the skin.
    ContinuousGlucose,
    /// Pulse Oximeter Profile: an oximeter.
    PulseOximeter,
    /// Weight Scale Profile: a scale.
    WeightScale,
    /// Body Composition Profile: a scale that advertises this service and not Weight Scale.
    BodyComposition,
    /// Generic Health Sensor Profile: anything that says by itself what it measures.
    GenericHealthSensor,
    /// BTHome: sensors, contacts and buttons.
    BtHome,
    /// Ruuvi's sensors.
    Ruuvi,
    /// Thermometers with the firmware of atc1441 or pvvx.
    Atc,
}

/// What the configuration says of one Bluetooth device beside its profile.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BleOptions {
    /// Its address, most significant byte first. Encrypted advertisements are bound to it.
    pub address: [u8; 6],
    /// What its buttons and contacts are for, where it has any.
    pub purpose: Option<Purpose>,
    /// What its advertisements are encrypted with.
    pub bind_key: Option<[u8; 16]>,
    /// Whether the records in its memory are deleted once they are kept for good.
    pub clear_memory: bool,
    /// Its users who consent to having read what it keeps for them, where it asks for that.
    pub consents: Vec<Consent>,
}

/// What is known of a profile without a device.
struct Row {
    name: &'static str,
    services: &'static [Uuid],
    company: Option<u16>,
    connects: bool,
    has_memory: bool,
    has_consents: bool,
}

const BLOOD_PRESSURE: Uuid = Uuid::sig(0x1810);
const HEALTH_THERMOMETER: Uuid = Uuid::sig(0x1809);
const GLUCOSE: Uuid = Uuid::sig(0x1808);
const CONTINUOUS_GLUCOSE: Uuid = Uuid::sig(0x181F);
const PULSE_OXIMETER: Uuid = Uuid::sig(0x1822);
const GENERIC_HEALTH_SENSOR: Uuid = Uuid::sig(0x1840);
const ELAPSED_TIME: Uuid = Uuid::sig(0x183F);
const RECONNECTION: Uuid = Uuid::sig(0x1829);
const HEART_RATE: Uuid = Uuid::sig(0x180D);
const DEVICE_INFORMATION: Uuid = Uuid::sig(0x180A);
const BATTERY: Uuid = Uuid::sig(0x180F);
const CURRENT_TIME: Uuid = Uuid::sig(0x1805);
const WEIGHT_SCALE: Uuid = Uuid::sig(0x181D);
const BODY_COMPOSITION: Uuid = Uuid::sig(0x181B);
const USER_DATA: Uuid = Uuid::sig(0x181C);

/// Without the key.
impl std::fmt::Debug for BleOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BleOptions")
            .field("address", &self.address)
            .field("purpose", &self.purpose)
            .field("encrypted", &self.bind_key.is_some())
            .field("clear_memory", &self.clear_memory)
            .field("consents", &self.consents)
            .finish()
    }
}

impl BleProfile {
    /// Every profile.
    pub const ALL: &[Self] = &[
        Self::BloodPressure,
        Self::HealthThermometer,
        Self::HeartRate,
        Self::Glucose,
        Self::ContinuousGlucose,
        Self::PulseOximeter,
        Self::WeightScale,
        Self::BodyComposition,
        Self::GenericHealthSensor,
        Self::BtHome,
        Self::Ruuvi,
        Self::Atc,
    ];

    const fn row(self) -> Row {
        match self {
            Self::BloodPressure => {
                Row::meter("blood-pressure", &[BLOOD_PRESSURE, DEVICE_INFORMATION, BATTERY, CURRENT_TIME])
            }
            Self::HealthThermometer => Row::meter(
                "health-thermometer",
                &[HEALTH_THERMOMETER, DEVICE_INFORMATION, BATTERY, CURRENT_TIME],
            ),
            Self::HeartRate => Row::meter("heart-rate", &[HEART_RATE, DEVICE_INFORMATION, BATTERY]),
            Self::Glucose => Row {
                has_memory: true,
                ..Row::meter("glucose", &[GLUCOSE, DEVICE_INFORMATION, BATTERY, CURRENT_TIME])
            },
            Self::ContinuousGlucose => {
                Row::meter("continuous-glucose", &[CONTINUOUS_GLUCOSE, DEVICE_INFORMATION, BATTERY])
            }
            Self::PulseOximeter => Row {
                has_memory: true,
                ..Row::meter("pulse-oximeter", &[PULSE_OXIMETER, DEVICE_INFORMATION, BATTERY, CURRENT_TIME])
            },
            Self::WeightScale => Row {
                has_consents: true,
                ..Row::meter(
                    "weight-scale",
                    &[WEIGHT_SCALE, BODY_COMPOSITION, USER_DATA, DEVICE_INFORMATION, BATTERY, CURRENT_TIME],
                )
            },
            Self::BodyComposition => Row {
                has_consents: true,
                ..Row::meter(
                    "body-composition",
                    &[BODY_COMPOSITION, WEIGHT_SCALE, USER_DATA, DEVICE_INFORMATION, BATTERY, CURRENT_TIME],
                )
            },
            Self::GenericHealthSensor => Row {
                has_memory: true,
                ..Row::meter(
                    "generic-health-sensor",
                    &[GENERIC_HEALTH_SENSOR, ELAPSED_TIME, RECONNECTION, DEVICE_INFORMATION, BATTERY],
                )
            },
            Self::BtHome => {
                Row::sensor("bthome", &[bthome::SERVICE, bthome::SERVICE_V1, bthome::SERVICE_V1_ENCRYPTED])
            }
            Self::Ruuvi => Row { company: Some(ruuvi::COMPANY), ..Row::sensor("ruuvi", &[]) },
            Self::Atc => Row::sensor("atc", &[atc::SERVICE]),
        }
    }

    /// The driver of one such device.
    pub fn session(self, device: DeviceId, options: &BleOptions) -> Box<dyn Session> {
        let secret = options.bind_key.map(|bind_key| Secret { bind_key, address: options.address });
        match self {
            Self::BloodPressure => Box::new(MeterSession::new(device, Cuff::default())),
            Self::HealthThermometer => Box::new(MeterSession::new(device, Thermometer::default())),
            Self::HeartRate => Box::new(MeterSession::new(device, Belt::default())),
            Self::Glucose => {
                let session = MeterSession::new(device, GlucoseMeter::default());
                Box::new(session.clearing_memory(options.clear_memory))
            }
            Self::ContinuousGlucose => Box::new(MeterSession::new(device, CgmSensor::default())),
            Self::PulseOximeter => {
                let session = MeterSession::new(device, Oximeter::default());
                Box::new(session.clearing_memory(options.clear_memory))
            }
            Self::WeightScale | Self::BodyComposition => {
                Box::new(MeterSession::new(device, Scale::new(&options.consents)))
            }
            Self::GenericHealthSensor => {
                let session = MeterSession::new(device, GenericHealthSensor::default());
                Box::new(session.clearing_memory(options.clear_memory))
            }
            Self::BtHome => {
                Box::new(AdvertSession::new(device, bthome::BtHome::new(secret, options.purpose)))
            }
            Self::Ruuvi => Box::new(AdvertSession::new(device, ruuvi::Ruuvi::default())),
            Self::Atc => Box::new(AdvertSession::new(device, atc::Atc::new(secret))),
        }
    }

    /// The profile's name in the configuration.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.name() == name)
    }

    /// Whether its sessions connect; else everything is in its advertisements.
    pub const fn connects(self) -> bool {
        self.row().connects
    }

    /// Whether its devices have a memory that can be cleared ([`BleOptions::clear_memory`]).
    pub const fn has_memory(self) -> bool {
        self.row().has_memory
    }

    /// Whether its devices may ask for their users' consent ([`BleOptions::consents`]).
    pub const fn has_consents(self) -> bool {
        self.row().has_consents
    }

    /// The services that a session uses. The first is the one by which the device is recognised; of the others a
    /// device may lack any. None where it is recognised by its [`company`](Self::company).
    pub const fn services(self) -> &'static [Uuid] {
        self.row().services
    }

    /// The company whose manufacturer data a session uses, by the number that Bluetooth SIG gave it.
    pub const fn company(self) -> Option<u16> {
        self.row().company
    }
}

impl Row {
    /// A profile whose devices are connected to.
    const fn meter(name: &'static str, services: &'static [Uuid]) -> Self {
        Self { name, services, company: None, connects: true, has_memory: false, has_consents: false }
    }

    /// A profile whose devices say everything in advertisements.
    const fn sensor(name: &'static str, services: &'static [Uuid]) -> Self {
        Self { connects: false, ..Self::meter(name, services) }
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

    #[test]
    fn every_profile_is_recognised_by_something() {
        for profile in BleProfile::ALL {
            assert_ne!(profile.services().is_empty(), profile.company().is_none(), "{}", profile.name());
        }
    }

    #[test]
    fn the_key_of_a_sensor_is_never_shown() {
        let options = BleOptions { bind_key: Some([0xEE; 16]), ..BleOptions::default() };
        assert!(!format!("{options:?}").contains("238"));
    }
}
