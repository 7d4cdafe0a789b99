//! The protocols of serial lines that the configuration can name, and the devices on them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use thiserror::Error;
use varde_wire::DeviceId;

use crate::Session;
use crate::esp3::{Eep, Esp3Session, Sender, SenderId};

/// What is spoken on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SerialProtocol {
    /// EnOcean Serial Protocol 3: a stick such as the USB 300.
    Esp3,
}

/// A device that is heard on a serial line, as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialDevice {
    /// Its name in the roster.
    pub name: DeviceId,
    /// Its own id: with ESP3 the sender's eight hexadecimal digits.
    pub id: String,
    /// Its profile: with ESP3 an EnOcean Equipment Profile.
    pub profile: String,
    /// What it is for, where the profile leaves that open: a button is a `pendant` (where nothing is said) or a `switch`.
    pub purpose: Option<String>,
}

/// A device that the protocol cannot have: which key is wrong, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("device '{device}', key '{key}': {fault}")]
pub struct BadDevice {
    /// The device.
    pub device: DeviceId,
    /// The key of the configuration.
    pub key: &'static str,
    /// What is wrong, and what is allowed.
    pub fault: String,
}

impl SerialProtocol {
    /// Every protocol.
    pub const ALL: &[Self] = &[Self::Esp3];

    /// The protocol's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Esp3 => "esp3",
        }
    }

    /// The protocol of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.name() == name)
    }

    /// The line's speed, with 8 data bits, no parity, one stop bit.
    pub const fn baud(self) -> u32 {
        match self {
            Self::Esp3 => 57_600,
        }
    }

    /// The driver of a line with these devices on it.
    ///
    /// # Errors
    /// Where a device cannot be one of this protocol's; the first that cannot.
    pub fn session(self, devices: Vec<SerialDevice>) -> Result<Box<dyn Session>, BadDevice> {
        match self {
            Self::Esp3 => Ok(Box::new(Esp3Session::new(esp3_roster(devices)?))),
        }
    }
}

fn esp3_roster(devices: Vec<SerialDevice>) -> Result<HashMap<SenderId, Sender>, BadDevice> {
    let mut roster = HashMap::new();
    for device in devices {
        let (id, sender) = esp3_sender(device)?;
        match roster.entry(id) {
            Entry::Vacant(place) => {
                place.insert(sender);
            }
            Entry::Occupied(other) => {
                let fault = format!("{id} is already the id of device '{}'", other.get().device);
                return Err(BadDevice { device: sender.device, key: "id", fault });
            }
        }
    }
    Ok(roster)
}

fn esp3_sender(device: SerialDevice) -> Result<(SenderId, Sender), BadDevice> {
    let bad = |key, fault| BadDevice { device: device.name.clone(), key, fault };
    let id = device
        .id
        .parse::<SenderId>()
        .map_err(|rule| bad("id", format!("'{}' is no sender id: {rule}", device.id.escape_default())))?;
    let eep = Eep::from_name(&device.profile).ok_or_else(|| {
        let known = Eep::near(&device.profile).map(Eep::name);
        bad("profile", not_among("profile", &device.profile, known))
    })?;
    let purpose = match &device.purpose {
        None => None,
        Some(_) if eep.purposes().is_empty() => {
            return Err(bad("purpose", format!("{} has only one purpose: leave the key out", eep.name())));
        }
        Some(name) => {
            let mut known = eep.purposes().iter().copied();
            Some(known.find(|purpose| purpose.name() == name).ok_or_else(|| {
                let known = eep.purposes().iter().map(|purpose| purpose.name());
                bad("purpose", not_among("purpose", name, known))
            })?)
        }
    };
    Ok((id, Sender { device: device.name, eep, purpose }))
}

fn not_among<'a>(what: &str, text: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known = known.collect::<Vec<_>>().join(", ");
    format!("'{}' is no {what} that is known; expected one of {known}", text.escape_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, id: &str, profile: &str, purpose: Option<&str>) -> SerialDevice {
        SerialDevice {
            name: name.parse().unwrap(),
            id: id.to_owned(),
            profile: profile.to_owned(),
            purpose: purpose.map(str::to_owned),
        }
    }

    #[test]
    fn every_protocol_is_found_by_its_name() {
        for protocol in SerialProtocol::ALL {
            assert_eq!(SerialProtocol::from_name(protocol.name()), Some(*protocol));
        }
        assert_eq!(SerialProtocol::from_name("modbus"), None);
    }

    #[test]
    fn a_wrong_device_is_refused_with_the_key_and_what_is_allowed() {
        let table = [
            (
                device("p", "2989", "F6-02-01", None),
                "device 'p', key 'id': '2989' is no sender id: expected the eight hexadecimal digits printed on the \
                 device, such as 0029:8979 or 00298979",
            ),
            (
                device("p", "00298979", "d2-14-99", None),
                "device 'p', key 'profile': 'd2-14-99' is no profile that is known; expected one of D2-14-40, \
                 D2-14-41",
            ),
            (
                device("p", "00298979", "F6-02-01", Some("lamp")),
                "device 'p', key 'purpose': 'lamp' is no purpose that is known; expected one of pendant, switch",
            ),
            (
                device("p", "00298979", "D5-00-01", Some("switch")),
                "device 'p', key 'purpose': D5-00-01 has only one purpose: leave the key out",
            ),
            (
                device("p", "01825DAB", "D5-00-01", None),
                "device 'p', key 'id': 01825DAB is already the id of device 'door-1'",
            ),
        ];
        for (bad, expected) in table {
            let door = device("door-1", "01:82:5d:ab", "D5-00-01", None);
            let refused = SerialProtocol::Esp3.session(vec![door, bad]).map(|_| ()).unwrap_err();
            assert_eq!(refused.to_string(), expected);
        }
    }
}
