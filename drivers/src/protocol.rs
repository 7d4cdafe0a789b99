//! The protocols of serial lines that the configuration can name, and the devices on a line.

use std::time::Duration;

use thiserror::Error;
use varde_wire::DeviceId;

use crate::device_link::DeviceLinkSession;
use crate::esp3::{Eep, Esp3Session, Sender, SenderId};
use crate::ld2410::{Holds, Ld2410Session};
use crate::lines::{LineRules, LinesSession};
use crate::modbus::{ModbusSession, Unit, UnitOptions};
use crate::nonin::{self, NoninSession};
use crate::{LineParameters, Purpose, Session, cadence};

/// What is spoken on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SerialProtocol {
    /// EnOcean Serial Protocol 3: a stick such as the USB 300, and every sender that it hears.
    Esp3,
    /// Nonin's pulse oximeters.
    Nonin,
    /// Hi-Link's LD2410 presence radars.
    Ld2410,
    /// Devices that print lines of text.
    Lines,
    /// Modbus RTU: a bus of units.
    Modbus,
    /// The open device link: a dispenser, panel or alarm.
    DeviceLink,
}

/// A device on a serial line: its name in the roster, and what the configuration says of it beside.
#[derive(Clone, Debug)]
pub struct SerialDevice {
    /// Its name in the roster.
    pub name: DeviceId,
    /// What its driver needs to know.
    pub options: SerialOptions,
}

/// What the driver of a protocol needs to know of a device. Nothing in it can be wrong by itself.
#[derive(Clone, Debug)]
pub enum SerialOptions {
    /// Of [`SerialProtocol::Esp3`].
    Esp3(Esp3Options),
    /// Of [`SerialProtocol::Nonin`]: how the oximeter is set to speak.
    Nonin(nonin::DataFormat),
    /// Of [`SerialProtocol::Ld2410`]: how long something has to be so before it is told.
    Ld2410(Holds),
    /// Of [`SerialProtocol::Lines`]: what its lines mean.
    Lines(LineRules),
    /// Of [`SerialProtocol::Modbus`]: what it is asked for.
    Modbus(UnitOptions),
    /// Of [`SerialProtocol::DeviceLink`], whose devices tell everything themselves.
    DeviceLink,
}

/// An EnOcean sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Esp3Options {
    /// Its id, which no other sender has.
    pub id: SenderId,
    /// What its telegrams mean.
    pub profile: Eep,
    /// What it is for, where the profile leaves that open; where nothing is said, the profile's first.
    pub purpose: Option<Purpose>,
}

/// Everybody on one serial line: at least one device, all of one protocol.
#[derive(Clone, Debug)]
pub enum SerialRoster {
    /// The senders that a stick hears.
    Esp3(Vec<(DeviceId, Esp3Options)>),
    /// One oximeter.
    Nonin(DeviceId, nonin::DataFormat),
    /// One radar.
    Ld2410(DeviceId, Holds),
    /// One device that prints lines.
    Lines(DeviceId, LineRules),
    /// The units on a bus.
    Modbus(Vec<(DeviceId, UnitOptions)>),
    /// The device at the other end of a device link.
    DeviceLink(DeviceId),
}

/// What is shown of a device on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialEntry<'a> {
    /// Its name in the roster.
    pub name: &'a DeviceId,
    /// Its profile; the protocol's name where that has only one.
    pub profile: &'static str,
    /// What it is told by from others on the line.
    pub id: Option<String>,
    /// How often it is heard at the least; none where it only speaks when somebody uses it.
    pub heard_every: Option<Duration>,
}

/// Why a device cannot be on the line of another.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Crowded {
    /// The line speaks another protocol.
    #[error("'{device}' cannot share this port with '{other}', which speaks {}: a port has one protocol", .protocol.name())]
    OtherProtocol {
        /// The one that came second.
        device: DeviceId,
        /// The one that came first.
        other: DeviceId,
        /// What is spoken on the line.
        protocol: SerialProtocol,
    },
    /// The protocol has one device a line.
    #[error("'{device}' cannot share this port with '{other}': a {} line has one device", .protocol.name())]
    Alone {
        /// The one that came second.
        device: DeviceId,
        /// The one that came first.
        other: DeviceId,
        /// What is spoken on the line.
        protocol: SerialProtocol,
    },
    /// A bus with two units of one address.
    #[error("'{device}' has unit address {address}, as '{other}' has on the same port: give each its own")]
    SameUnit {
        /// The one that came second.
        device: DeviceId,
        /// The one that came first.
        other: DeviceId,
        /// The address.
        address: u8,
    },
}

impl SerialProtocol {
    /// Every protocol.
    pub const ALL: &[Self] =
        &[Self::Esp3, Self::Nonin, Self::Ld2410, Self::Lines, Self::Modbus, Self::DeviceLink];

    /// The protocol's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Esp3 => "esp3",
            Self::Nonin => "nonin",
            Self::Ld2410 => "ld2410",
            Self::Lines => "lines",
            Self::Modbus => "modbus",
            Self::DeviceLink => "device-link",
        }
    }

    /// The protocol of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.name() == name)
    }

    /// The line's parameters, unless the configuration gives others.
    pub const fn line(self) -> LineParameters {
        match self {
            Self::Esp3 => LineParameters::plain(57_600),
            Self::Nonin | Self::Lines => LineParameters::plain(9600),
            // "MODBUS over Serial Line" V1.02 §2.5.1 and §3.2.
            Self::Modbus => LineParameters::even(19_200),
            Self::Ld2410 => LineParameters::plain(256_000),
            Self::DeviceLink => LineParameters::plain(115_200),
        }
    }

    /// Whether its devices differ in the parameters of their lines.
    pub const fn has_various_lines(self) -> bool {
        match self {
            Self::Esp3 | Self::DeviceLink => false,
            // Nonin's modules can be ordered with other speeds, the radar can be set to them.
            Self::Nonin | Self::Ld2410 | Self::Lines | Self::Modbus => true,
        }
    }
}

impl SerialOptions {
    /// Whose options they are.
    pub const fn protocol(&self) -> SerialProtocol {
        match self {
            Self::Esp3(..) => SerialProtocol::Esp3,
            Self::Nonin(..) => SerialProtocol::Nonin,
            Self::Ld2410(..) => SerialProtocol::Ld2410,
            Self::Lines(..) => SerialProtocol::Lines,
            Self::Modbus(..) => SerialProtocol::Modbus,
            Self::DeviceLink => SerialProtocol::DeviceLink,
        }
    }
}

impl SerialRoster {
    /// A line with this device on it.
    pub fn new(device: SerialDevice) -> Self {
        let SerialDevice { name, options } = device;
        match options {
            SerialOptions::Esp3(options) => Self::Esp3(vec![(name, options)]),
            SerialOptions::Nonin(format) => Self::Nonin(name, format),
            SerialOptions::Ld2410(holds) => Self::Ld2410(name, holds),
            SerialOptions::Lines(rules) => Self::Lines(name, rules),
            SerialOptions::Modbus(options) => Self::Modbus(vec![(name, options)]),
            SerialOptions::DeviceLink => Self::DeviceLink(name),
        }
    }

    /// Puts one more device on the line.
    ///
    /// # Errors
    /// Where that device speaks another protocol, or the protocol has one device a line.
    pub fn join(&mut self, device: SerialDevice) -> Result<(), Crowded> {
        let SerialDevice { name, options } = device;
        let (protocol, joins) = (self.protocol(), options.protocol());
        match (self, options) {
            (Self::Esp3(devices), SerialOptions::Esp3(options)) => devices.push((name, options)),
            (Self::Modbus(units), SerialOptions::Modbus(options)) => {
                let same = |(_, unit): &&(DeviceId, UnitOptions)| unit.address == options.address;
                if let Some((other, _)) = units.iter().find(same) {
                    let (other, address) = (other.clone(), options.address);
                    return Err(Crowded::SameUnit { device: name, other, address });
                }
                units.push((name, options));
            }
            (occupied, _) => {
                let other =
                    occupied.entries().first().map_or_else(|| name.clone(), |first| first.name.clone());
                return Err(if protocol == joins {
                    Crowded::Alone { device: name, other, protocol }
                } else {
                    Crowded::OtherProtocol { device: name, other, protocol }
                });
            }
        }
        Ok(())
    }

    /// What is spoken on the line.
    pub const fn protocol(&self) -> SerialProtocol {
        match self {
            Self::Esp3(..) => SerialProtocol::Esp3,
            Self::Nonin(..) => SerialProtocol::Nonin,
            Self::Ld2410(..) => SerialProtocol::Ld2410,
            Self::Lines(..) => SerialProtocol::Lines,
            Self::Modbus(..) => SerialProtocol::Modbus,
            Self::DeviceLink(..) => SerialProtocol::DeviceLink,
        }
    }

    /// Its devices.
    pub fn entries(&self) -> Vec<SerialEntry<'_>> {
        fn esp3((name, options): &(DeviceId, Esp3Options)) -> SerialEntry<'_> {
            let Esp3Options { id, profile, .. } = options;
            let heard_every = profile.heard_every();
            SerialEntry { name, profile: profile.name(), id: Some(id.to_string()), heard_every }
        }
        fn modbus((name, options): &(DeviceId, UnitOptions)) -> SerialEntry<'_> {
            let id = Some(format!("unit {}", options.address));
            let heard_every = Some(cadence::ALWAYS.max(options.every.saturating_mul(3)));
            SerialEntry { name, profile: SerialProtocol::Modbus.name(), id, heard_every }
        }
        match self {
            Self::Esp3(devices) => devices.iter().map(esp3).collect(),
            Self::Nonin(name, format) => {
                vec![SerialEntry { name, profile: format.name(), id: None, heard_every: None }]
            }
            Self::Lines(name, _) => {
                vec![SerialEntry { name, profile: self.protocol().name(), id: None, heard_every: None }]
            }
            Self::Modbus(units) => units.iter().map(modbus).collect(),
            Self::Ld2410(name, _) | Self::DeviceLink(name) => {
                let heard_every = Some(cadence::ALWAYS);
                vec![SerialEntry { name, profile: self.protocol().name(), id: None, heard_every }]
            }
        }
    }

    /// The driver of the line.
    pub fn session(&self) -> Box<dyn Session> {
        match self {
            Self::Esp3(devices) => Box::new(Esp3Session::new(devices.iter().cloned().map(sender).collect())),
            Self::Nonin(name, format) => Box::new(NoninSession::new(name.clone(), *format)),
            Self::Ld2410(name, holds) => Box::new(Ld2410Session::new(name.clone(), *holds)),
            Self::Lines(name, rules) => Box::new(LinesSession::new(name.clone(), rules.clone())),
            Self::Modbus(units) => {
                let unit = |(name, options): &(DeviceId, UnitOptions)| Unit::new(name.clone(), options);
                Box::new(ModbusSession::new(units.iter().map(unit).collect()))
            }
            Self::DeviceLink(device) => Box::new(DeviceLinkSession::new(device.clone())),
        }
    }
}

fn sender((device, options): (DeviceId, Esp3Options)) -> (SenderId, Sender) {
    let Esp3Options { id, profile, purpose } = options;
    (id, Sender { device, eep: profile, purpose })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_is_found_by_its_name() {
        for protocol in SerialProtocol::ALL {
            assert_eq!(SerialProtocol::from_name(protocol.name()), Some(*protocol));
        }
        assert_eq!(SerialProtocol::from_name("can"), None);
    }

    fn oximeter(name: &str) -> SerialDevice {
        SerialDevice { name: name.parse().unwrap(), options: SerialOptions::Nonin(nonin::DataFormat::Two) }
    }

    #[test]
    fn a_line_has_one_protocol_and_room_for_as_many_devices_as_that_has() {
        let id = SenderId([1, 2, 3, 4]);
        let pendant = Esp3Options { id, profile: Eep::from_name("F6-02-01").unwrap(), purpose: None };
        let pendant =
            |name: &str| SerialDevice { name: name.parse().unwrap(), options: SerialOptions::Esp3(pendant) };
        let mut stick = SerialRoster::new(pendant("pendant-1"));
        assert_eq!(stick.join(pendant("pendant-2")), Ok(()));
        assert_eq!(
            stick.join(oximeter("oximeter-1")).unwrap_err().to_string(),
            "'oximeter-1' cannot share this port with 'pendant-1', which speaks esp3: a port has one protocol"
        );
        assert_eq!(stick.entries().len(), 2);
        let mut line = SerialRoster::new(oximeter("oximeter-1"));
        assert_eq!(
            line.join(oximeter("oximeter-2")).unwrap_err().to_string(),
            "'oximeter-2' cannot share this port with 'oximeter-1': a nonin line has one device"
        );
        assert_eq!(line.entries().len(), 1);
    }
}
