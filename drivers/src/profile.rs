//! The Bluetooth profiles that the configuration can name.

use varde_wire::DeviceId;

use crate::advert::{AdvertSession, Secret, atc, bthome, ruuvi};
use crate::gatt::{Cuff, MeterSession};
use crate::{Purpose, Session, Uuid};

/// Blood Pressure, Device Information, Battery.
const BLOOD_PRESSURE: &[Uuid] = &[Uuid::sig(0x1810), Uuid::sig(0x180A), Uuid::sig(0x180F)];

/// BTHome version 2; version 1.
const BTHOME: &[Uuid] = &[bthome::SERVICE, bthome::SERVICE_V1, bthome::SERVICE_V1_ENCRYPTED];

/// What a Bluetooth device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BleProfile {
    /// Blood Pressure Profile: a cuff.
    BloodPressure,
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
}

/// Without the key.
impl std::fmt::Debug for BleOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BleOptions")
            .field("address", &self.address)
            .field("purpose", &self.purpose)
            .field("encrypted", &self.bind_key.is_some())
            .field("clear_memory", &self.clear_memory)
            .finish()
    }
}

impl BleProfile {
    /// Every profile.
    pub const ALL: &[Self] = &[Self::BloodPressure, Self::BtHome, Self::Ruuvi, Self::Atc];

    /// The profile's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood-pressure",
            Self::BtHome => "bthome",
            Self::Ruuvi => "ruuvi",
            Self::Atc => "atc",
        }
    }

    /// The profile of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.name() == name)
    }

    /// Whether its sessions connect; else everything is in its advertisements.
    pub const fn connects(self) -> bool {
        match self {
            Self::BloodPressure => true,
            Self::BtHome | Self::Ruuvi | Self::Atc => false,
        }
    }

    /// The services that a session uses. The first is the one by which the device is recognised; of the others a
    /// device may lack any. None where it is recognised by its [`company`](Self::company).
    pub const fn services(self) -> &'static [Uuid] {
        match self {
            Self::BloodPressure => BLOOD_PRESSURE,
            Self::BtHome => BTHOME,
            Self::Ruuvi => &[],
            Self::Atc => &[atc::SERVICE],
        }
    }

    /// The company whose manufacturer data a session uses, by the number that Bluetooth SIG gave it.
    pub const fn company(self) -> Option<u16> {
        match self {
            Self::BloodPressure | Self::BtHome | Self::Atc => None,
            Self::Ruuvi => Some(ruuvi::COMPANY),
        }
    }

    /// The driver of one such device.
    pub fn session(self, device: DeviceId, options: &BleOptions) -> Box<dyn Session> {
        let &BleOptions { address, purpose, bind_key, .. } = options;
        let secret = bind_key.map(|bind_key| Secret { bind_key, address });
        match self {
            Self::BloodPressure => Box::new(MeterSession::new(device, Cuff::default())),
            Self::BtHome => Box::new(AdvertSession::new(device, bthome::BtHome::new(secret, purpose))),
            Self::Ruuvi => Box::new(AdvertSession::new(device, ruuvi::Ruuvi::default())),
            Self::Atc => Box::new(AdvertSession::new(device, atc::Atc::new(secret))),
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
