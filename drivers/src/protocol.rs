//! The protocols of serial lines that the configuration can name, and the devices on a line.

use thiserror::Error;
use varde_wire::DeviceId;

use crate::device_link::DeviceLinkSession;
use crate::esp3::{Eep, Esp3Session, Sender, SenderId};
use crate::{LineParameters, Purpose, Session};

/// What is spoken on a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SerialProtocol {
    /// EnOcean Serial Protocol 3: a stick such as the USB 300, and every sender that it hears.
    Esp3,
    /// The open device link: a dispenser, panel or alarm.
    DeviceLink,
}

/// A device on a serial line: its name in the roster, and what the configuration says of it beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialDevice {
    /// Its name in the roster.
    pub name: DeviceId,
    /// What its driver needs to know.
    pub options: SerialOptions,
}

/// What the driver of a protocol needs to know of a device. Nothing in it can be wrong by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SerialOptions {
    /// Of [`SerialProtocol::Esp3`].
    Esp3(Esp3Options),
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SerialRoster {
    /// The senders that a stick hears.
    Esp3(Vec<(DeviceId, Esp3Options)>),
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
}

impl SerialProtocol {
    /// Every protocol.
    pub const ALL: &[Self] = &[Self::Esp3, Self::DeviceLink];

    /// The protocol's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Esp3 => "esp3",
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
            Self::DeviceLink => LineParameters::plain(115_200),
        }
    }

    /// Whether its devices differ in the parameters of their lines.
    pub const fn has_various_lines(self) -> bool {
        match self {
            Self::Esp3 | Self::DeviceLink => false,
        }
    }
}

impl SerialOptions {
    /// Whose options they are.
    pub const fn protocol(&self) -> SerialProtocol {
        match self {
            Self::Esp3(_) => SerialProtocol::Esp3,
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
            SerialOptions::DeviceLink => Self::DeviceLink(name),
        }
    }

    /// Puts one more device on the line.
    ///
    /// # Errors
    /// Where that device speaks another protocol, or the protocol has one device a line.
    pub fn join(&mut self, device: SerialDevice) -> Result<(), Crowded> {
        let SerialDevice { name, options } = device;
        match (self, options) {
            (Self::Esp3(devices), SerialOptions::Esp3(options)) => devices.push((name, options)),
            (Self::DeviceLink(other), SerialOptions::DeviceLink) => {
                let (other, protocol) = (other.clone(), SerialProtocol::DeviceLink);
                return Err(Crowded::Alone { device: name, other, protocol });
            }
            (roster, SerialOptions::Esp3(_) | SerialOptions::DeviceLink) => {
                let protocol = roster.protocol();
                let other = roster.entries().first().map_or_else(|| name.clone(), |first| first.name.clone());
                return Err(Crowded::OtherProtocol { device: name, other, protocol });
            }
        }
        Ok(())
    }

    /// What is spoken on the line.
    pub const fn protocol(&self) -> SerialProtocol {
        match self {
            Self::Esp3(_) => SerialProtocol::Esp3,
            Self::DeviceLink(_) => SerialProtocol::DeviceLink,
        }
    }

    /// Its devices.
    pub fn entries(&self) -> Vec<SerialEntry<'_>> {
        fn esp3((name, options): &(DeviceId, Esp3Options)) -> SerialEntry<'_> {
            let Esp3Options { id, profile, .. } = options;
            SerialEntry { name, profile: profile.name(), id: Some(id.to_string()) }
        }
        match self {
            Self::Esp3(devices) => devices.iter().map(esp3).collect(),
            Self::DeviceLink(name) => {
                vec![SerialEntry { name, profile: SerialProtocol::DeviceLink.name(), id: None }]
            }
        }
    }

    /// The driver of the line.
    pub fn session(&self) -> Box<dyn Session> {
        match self {
            Self::Esp3(devices) => Box::new(Esp3Session::new(devices.iter().cloned().map(sender).collect())),
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
}
