//! The formats, and what each has to know to be heard.

use varde_wire::{DeviceId, Flags, Instant};

use super::atc::{self, AtcData};
use super::bthome::{self, Packet};
use super::ruuvi::{self, RuuviData};
use super::{Secret, elements};
use crate::decode::Decoded;
use crate::statement::Statement;
use crate::{Channel, Description, FrameError};

/// What a sensor's advertisements are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdvertFormat {
    /// BTHome, both versions.
    BtHome,
    /// Ruuvi's formats 3, 5, 6 and E1.
    Ruuvi,
    /// The thermometers of atc1441 and pvvx.
    Atc,
}

impl AdvertFormat {
    /// Every format.
    pub const ALL: &[Self] = &[Self::BtHome, Self::Ruuvi, Self::Atc];

    /// The format's name; its profile in the configuration has the same.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BtHome => "bthome",
            Self::Ruuvi => "ruuvi",
            Self::Atc => "atc",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// What bytes mean: the service or manufacturer data, with or without the number of the service or company before
    /// it, or the whole advertisement.
    ///
    /// # Errors
    /// Where they are not of this format, or cannot be decrypted.
    pub(crate) fn decode(
        self,
        bytes: &[u8],
        secret: Option<&Secret>,
        device: &DeviceId,
    ) -> Result<Decoded, FrameError> {
        let (channel, data) = self.locate(bytes);
        let (measurement, statements, flags) = match self {
            Self::BtHome => {
                let packet = Packet::decode(channel, data, secret)?;
                (packet.describe(), packet.statements(None), Flags::NONE)
            }
            Self::Ruuvi => {
                let data = RuuviData::decode(data)?;
                (data.describe(), data.statements(), data.flags())
            }
            Self::Atc => {
                let data = AtcData::decode(data, secret)?;
                (data.describe(), data.statements(), Flags::NONE)
            }
        };
        let observations = statements.iter().flat_map(|statement| statement.observations(device, flags));
        Ok(Decoded { measurement, observations: observations.collect() })
    }

    /// Where its data comes; the first is the usual one.
    const fn channels(self) -> &'static [Channel] {
        match self {
            Self::BtHome => &bthome::CHANNELS,
            Self::Ruuvi => &[Channel::ManufacturerData(ruuvi::COMPANY)],
            Self::Atc => &[Channel::ServiceData(atc::SERVICE)],
        }
    }

    /// The data among these bytes, and where it came.
    fn locate(self, bytes: &[u8]) -> (Channel, &[u8]) {
        let among = |(channel, _): &(Channel, &[u8])| self.channels().contains(channel);
        let element = elements::of(bytes).and_then(|elements| elements.into_iter().find(among));
        let numbered = || {
            let (number, data) = bytes.split_first_chunk()?;
            let number = u16::from_le_bytes(*number);
            let stands_for = |channel: &&Channel| match channel {
                Channel::ServiceData(service) => service.short() == Some(number),
                Channel::ManufacturerData(company) => *company == number,
                Channel::Serial | Channel::Notified(_) | Channel::Read(_) | Channel::Rssi => false,
            };
            // A thermometer's data begins with its address, which may look like a number.
            let channels = if self == Self::Atc { &[] } else { self.channels() };
            channels.iter().find(stands_for).map(|channel| (*channel, data))
        };
        let usual = self.channels().first().copied().unwrap_or(Channel::Serial);
        element.or_else(numbered).unwrap_or((usual, bytes))
    }
}

/// An advertisement that was understood.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) statements: Vec<Statement>,
    /// What is to be known before any of them is believed.
    pub(crate) flags: Flags,
    /// The advertisement as its sender made it, before encryption.
    pub(crate) content: Vec<u8>,
    /// Whether the content has a number that tells it from the next one, even if it says the same.
    pub(crate) numbered: bool,
    /// What was wrong beside the statements.
    pub(crate) fault: Option<FrameError>,
}

/// One device that advertises in some format.
pub(crate) trait Advertiser: Send {
    /// What an advertisement says; none where it is of another format.
    ///
    /// # Errors
    /// Where it cannot be understood or believed.
    fn hear(&mut self, channel: Channel, bytes: &[u8], now: Instant) -> Option<Result<Told, FrameError>>;

    /// What the device has told of itself so far.
    fn describe(&self) -> Description {
        Description::default()
    }

    /// Takes back a [`memory`](Self::memory) of an earlier life.
    fn recall(&mut self, _memory: &[u8]) {}

    /// When what must outlive a restart is to be kept, at the latest; none while nothing of it is new.
    fn keep_at(&self) -> Option<Instant> {
        None
    }

    /// What must outlive a restart; it counts as kept.
    fn memory(&mut self) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::unhex;
    use crate::{BleProfile, decode_advert};

    #[test]
    fn every_format_is_found_by_its_name_and_has_the_profile_of_its_name() {
        for format in AdvertFormat::ALL {
            assert_eq!(AdvertFormat::from_name(format.name()), Some(*format));
            let profile = BleProfile::from_name(format.name()).unwrap();
            let services = profile.services().iter().map(|service| Channel::ServiceData(*service));
            let companies = profile.company().map(Channel::ManufacturerData);
            assert_eq!(services.chain(companies).collect::<Vec<_>>(), format.channels());
        }
        assert_eq!(AdvertFormat::from_name("zigbee"), None);
    }

    /// The example of bthome.io/format in each way that a technician may hold it, and others by their numbers.
    #[test]
    fn the_data_is_found_however_much_stands_around_it() {
        let table = [
            (AdvertFormat::BtHome, "4002c40903bf13", "25.00 50.55"),
            (AdvertFormat::BtHome, "d2fc4002c40903bf13", "25.00 50.55"),
            (AdvertFormat::BtHome, "0201060b094449592d73656e736f720a16d2fc4002c40903bf13", "25.00 50.55"),
            (AdvertFormat::BtHome, "1c182302c4090303bf13", "25.00 50.55"),
            (
                AdvertFormat::Ruuvi,
                "990403291a1ece1efc18f94202ca0b53",
                "26.30 20.5 102766 -1.000 -1.726 0.714 2.899",
            ),
            (AdvertFormat::Atc, "a4c1380283f400a22f5f0bf819", "16.2 47 95 3.064"),
            (AdvertFormat::Atc, "10161a18a4c1380283f400a22f5f0bf819", "16.2 47 95 3.064"),
        ];
        for (format, hex, expected) in table {
            let decoded = decode_advert(format, &unhex(hex), None).unwrap();
            let values: Vec<_> = decoded.observations.iter().map(|o| o.value.to_string()).collect();
            assert_eq!(values.join(" "), expected, "{hex}");
        }
    }
}
