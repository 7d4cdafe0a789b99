//! Reconnection Configuration Service 1.0.1 (0x1829): how a device wants to be connected to. Read and shown.

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::{Description, FrameError, Uuid};

/// RC Feature.
pub const RC_FEATURE: Uuid = Uuid::sig(0x2B1D);
/// RC Settings.
pub const RC_SETTINGS: Uuid = Uuid::sig(0x2B1E);

/// Both.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2B1D, |bytes, _| Ok(Decoded::fields(RcFeature::decode(bytes)?.describe()))),
    (0x2B1E, |bytes, _| Ok(Decoded::fields(RcSettings::decode(bytes)?.describe()))),
];

/// RC Feature, 0x2B1D (§3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcFeature {
    /// The checksum, or 0xFFFF where the device makes none. It is shown, and not checked.
    pub e2e_crc: u16,
    /// What it can, as bits.
    pub bits: u32,
    /// Bytes after the three of the bits: where bit 23 is set, more of them.
    pub rest: Vec<u8>,
}

/// RC Settings, 0x2B1E (§3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcSettings {
    /// The length that the value tells of itself.
    pub length: u8,
    /// The settings, as bits.
    pub bits: u16,
    /// The checksum, where the device makes one. It is shown, and not checked.
    pub e2e_crc: Option<u16>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl RcFeature {
    /// The names of the bits, from bit 0 (§3.1, Table 3.3).
    const NAMES: [&str; 18] = [
        "e2e_crc_supported",
        "enable_disconnect",
        "ready_for_disconnect",
        "propose_reconnection_timeout",
        "propose_connection_interval",
        "propose_peripheral_latency",
        "propose_supervision_timeout",
        "propose_advertisement_interval",
        "propose_advertisement_count",
        "propose_advertisement_repetition_time",
        "advertisement_configuration_1",
        "advertisement_configuration_2",
        "advertisement_configuration_3",
        "advertisement_configuration_4",
        "upgrade_to_lesc_only",
        "next_pairing_oob",
        "use_of_filter_accept_list",
        "limited_access",
    ];
    const EXTENSION: u32 = 1 << 23;

    /// The features in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than five bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let e2e_crc = cursor.u16_le("e2e crc")?;
        let [low, middle, high] = cursor.array("rc feature")?;
        Ok(Self { e2e_crc, bits: u32::from_le_bytes([low, middle, high, 0]), rest: cursor.rest().to_vec() })
    }

    /// Its fields: a feature is supported or not.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("e2e_crc", self.e2e_crc)
            .with("feature_extension", self.bits & Self::EXTENSION != 0)
            .with_named_bits(&Self::NAMES, self.bits & !Self::EXTENSION)
            .with_bytes("rest", &self.rest)
    }
}

impl RcSettings {
    /// The bits that have a name, but for the two of the advertisement mode (§3.2, Table 3.5).
    const NAMES: [(u16, &str); 5] = [
        (1 << 1, "lesc_only"),
        (1 << 2, "use_oob_pairing"),
        (1 << 4, "ready_for_disconnect"),
        (1 << 5, "limited_access"),
        (1 << 6, "access_permitted"),
    ];
    const ADVERTISEMENT_MODE: u16 = 0b11 << 8;

    /// The settings in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than three bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self {
            length: cursor.u8("length")?,
            bits: cursor.u16_le("settings")?,
            e2e_crc: cursor.u16_le("e2e crc").ok(),
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let mut unnamed = self.bits & !Self::ADVERTISEMENT_MODE;
        let mut description = Description::default().with("length", self.length);
        for (mask, name) in Self::NAMES {
            description = description.with(name, self.bits & mask != 0);
            unnamed &= !mask;
        }
        let mode = match (self.bits & Self::ADVERTISEMENT_MODE) >> 8 {
            0 => "adv-ind",
            1 => "adv-scan-ind",
            2 => "adv-nonconn-ind",
            _ => "adv-direct-ind",
        };
        description
            .with("advertisement_mode", mode)
            .with_bits("reserved", unnamed)
            .with_some("e2e_crc", self.e2e_crc)
            .with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(description: &Description) -> Vec<&'static str> {
        let yes = |field: &&crate::Field| field.value == crate::FieldValue::Bool(true);
        description.fields().iter().filter(yes).map(|field| field.name).collect()
    }

    #[test]
    fn features_and_settings_are_read_bit_by_bit() {
        let feature = RcFeature::decode(&[0xFF, 0xFF, 0x06, 0x00, 0x02]).unwrap();
        assert_eq!(set(&feature.describe()), ["enable_disconnect", "ready_for_disconnect", "limited_access"]);
        let extended = RcFeature::decode(&[0x34, 0x12, 0x01, 0x00, 0x84, 0x01]).unwrap();
        assert_eq!((extended.e2e_crc, &extended.rest[..]), (0x1234, &[1][..]));
        assert_eq!(set(&extended.describe()), ["feature_extension", "e2e_crc_supported"]);
        let settings = RcSettings::decode(&[0x03, 0x10, 0x01]).unwrap();
        assert_eq!(set(&settings.describe()), ["ready_for_disconnect"]);
        assert_eq!(settings.e2e_crc, None);
        let checked = RcSettings::decode(&[0x05, 0x12, 0x03, 0xCD, 0xAB]).unwrap();
        assert_eq!(checked.e2e_crc, Some(0xABCD));
    }

    #[test]
    fn what_ends_within_a_field_is_refused_with_its_name() {
        assert_eq!(RcFeature::decode(&[0xFF, 0xFF, 0, 0]).unwrap_err().field, "rc feature");
        assert_eq!(RcSettings::decode(&[3, 0]).unwrap_err().field, "settings");
    }
}
