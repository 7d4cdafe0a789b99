//! CGM Feature, 0x2AA8: what the sensor can, and what it measures in.

use varde_wire::Metric;

use crate::cursor::Cursor;
use crate::gatt::e2e_crc::E2eCrc;
use crate::{Description, FieldValue, FrameError};

/// CGM Feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgmFeature {
    /// The feature field's 24 bits.
    pub bits: u32,
    /// What is measured in: a number of the list of CGM types.
    pub sample_type: u8,
    /// Where the sensor sits: a number of the list of sample locations.
    pub sample_location: u8,
    /// The place of the E2E-CRC of a sensor that has none: 0xFFFF, as the service wants it, or what else was sent.
    pub unused_crc: Option<u16>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl CgmFeature {
    /// The names of the bits, from bit 0.
    const NAMES: [&str; 17] = [
        "calibration",
        "patient_high_low_alerts",
        "hypo_alerts",
        "hyper_alerts",
        "rate_of_increase_decrease_alerts",
        "device_specific_alert",
        "sensor_malfunction_detection",
        "sensor_temperature_high_low_detection",
        "sensor_result_high_low_detection",
        "low_battery_detection",
        "sensor_type_error_detection",
        "general_device_fault",
        "e2e_crc",
        "multiple_bond",
        "multiple_sessions",
        "trend_information",
        "quality",
    ];
    const E2E_CRC: u32 = 1 << 12;
    /// Bits, and type and location in one octet.
    const FIELDS: usize = 4;

    /// The features in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than six bytes, or the sensor says that it has an E2E-CRC and that does not fit.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let bits = feature_bits(&mut Cursor::new(bytes))?;
        let has_crc = bits & Self::E2E_CRC != 0;
        let crc = if has_crc { E2eCrc::Present } else { E2eCrc::Absent };
        let mut cursor = Cursor::new(crc.strip(bytes, Self::FIELDS)?);
        let bits = feature_bits(&mut cursor)?;
        let octet = cursor.u8("type and sample location")?;
        let unused_crc = if has_crc { None } else { Some(cursor.u16_le("E2E-CRC")?) };
        let (sample_type, sample_location) = nibbles(octet);
        Ok(Self { bits, sample_type, sample_location, unused_crc, rest: cursor.rest().to_vec() })
    }

    /// Whether the sensor's other values end in an E2E-CRC.
    pub const fn e2e_crc(&self) -> E2eCrc {
        if self.bits & Self::E2E_CRC == 0 { E2eCrc::Absent } else { E2eCrc::Present }
    }

    /// What its glucose is to be called; of a type that is reserved, as that of a sensor under the skin.
    pub const fn glucose(&self) -> Metric {
        match self.sample_type {
            1 => Metric::GLUCOSE_CAPILLARY_BLOOD,
            2 => Metric::GLUCOSE_CAPILLARY_PLASMA,
            3 => Metric::GLUCOSE_VENOUS_BLOOD,
            4 => Metric::GLUCOSE_VENOUS_PLASMA,
            5 => Metric::GLUCOSE_ARTERIAL_BLOOD,
            6 => Metric::GLUCOSE_ARTERIAL_PLASMA,
            7 => Metric::GLUCOSE_UNDETERMINED_BLOOD,
            8 => Metric::GLUCOSE_UNDETERMINED_PLASMA,
            10 => Metric::GLUCOSE_CONTROL,
            _ => Metric::GLUCOSE_INTERSTITIAL_FLUID,
        }
    }

    /// Whether it measures a control solution, not a person.
    pub const fn is_control_solution(&self) -> bool {
        self.sample_type == 10 || self.sample_location == 4
    }

    /// Its fields: a feature is supported or not.
    pub fn describe(&self) -> Description {
        let mut unnamed = self.bits;
        let mut description = Description::default();
        for (name, bit) in Self::NAMES.into_iter().zip(0..) {
            let mask = 1_u32 << bit;
            description = description.with(name, self.bits & mask != 0);
            unnamed &= !mask;
        }
        description
            .with_wide_bits("reserved", unnamed)
            .and(describe_sample(self.sample_type, self.sample_location))
            .with_some("unused_e2e_crc", self.unused_crc.filter(|crc| *crc != 0xFFFF))
            .with_bytes("rest", &self.rest)
    }
}

fn feature_bits(cursor: &mut Cursor<'_>) -> Result<u32, FrameError> {
    let [low, middle, high] = cursor.array("CGM feature")?;
    Ok(u32::from_le_bytes([low, middle, high, 0]))
}

/// Type and sample location: the low and the high half of an octet.
pub(super) const fn nibbles(octet: u8) -> (u8, u8) {
    (octet & 0x0F, octet >> 4)
}

/// The words for both, or their numbers where those are reserved.
pub(super) fn describe_sample(sample_type: u8, location: u8) -> Description {
    let named =
        |number: u8, name: Option<&str>| name.map_or_else(|| FieldValue::from(number), FieldValue::from);
    Description::default()
        .with("sample_type", named(sample_type, type_name(sample_type)))
        .with("sample_location", named(location, location_name(location)))
}

const fn type_name(sample_type: u8) -> Option<&'static str> {
    Some(match sample_type {
        1 => "capillary-whole-blood",
        2 => "capillary-plasma",
        3 => "venous-whole-blood",
        4 => "venous-plasma",
        5 => "arterial-whole-blood",
        6 => "arterial-plasma",
        7 => "undetermined-whole-blood",
        8 => "undetermined-plasma",
        9 => "interstitial-fluid",
        10 => "control-solution",
        _ => return None,
    })
}

const fn location_name(location: u8) -> Option<&'static str> {
    Some(match location {
        1 => "finger",
        2 => "alternate-site-test",
        3 => "earlobe",
        4 => "control-solution",
        5 => "subcutaneous-tissue",
        15 => "not-available",
        _ => return None,
    })
}
