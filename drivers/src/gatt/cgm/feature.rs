//! CGM Feature, 0x2AA8: what the sensor can, and what it measures in.

use varde_wire::Metric;

use crate::cursor::Cursor;
use crate::gatt::e2e_crc::E2eCrc;
use crate::gatt::glucose::{Fluid, SampleLocation};
use crate::{Description, FrameError};

/// CGM Feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgmFeature {
    /// The feature field's 24 bits.
    pub bits: u32,
    /// What is measured in.
    pub fluid: Fluid,
    /// Where the sensor sits.
    pub location: SampleLocation,
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
        let (fluid, location) = sample(octet);
        Ok(Self { bits, fluid, location, unused_crc, rest: cursor.rest().to_vec() })
    }

    /// Whether the sensor's other values end in an E2E-CRC.
    pub const fn e2e_crc(&self) -> E2eCrc {
        if self.bits & Self::E2E_CRC == 0 { E2eCrc::Absent } else { E2eCrc::Present }
    }

    /// What its glucose is to be called.
    pub fn glucose(&self) -> Metric {
        if self.is_of_control_solution() { Metric::GLUCOSE_CONTROL } else { self.fluid.metric() }
    }

    /// Whether it measures a control solution, not a person.
    pub fn is_of_control_solution(&self) -> bool {
        self.fluid == Fluid::CONTROL_SOLUTION || self.location == SampleLocation::CONTROL_SOLUTION
    }

    /// Its fields: a feature is supported or not.
    pub fn describe(&self) -> Description {
        Description::default()
            .with_named_bits(&Self::NAMES, self.bits)
            .and(describe_sample(self.fluid, self.location))
            .with_some("unused_e2e_crc", self.unused_crc.filter(|crc| *crc != 0xFFFF))
            .with_bytes("rest", &self.rest)
    }
}

fn feature_bits(cursor: &mut Cursor<'_>) -> Result<u32, FrameError> {
    let [low, middle, high] = cursor.array("CGM feature")?;
    Ok(u32::from_le_bytes([low, middle, high, 0]))
}

/// Type and sample location: the low and the high half of an octet.
pub(super) const fn sample(octet: u8) -> (Fluid, SampleLocation) {
    (Fluid(octet & 0x0F), SampleLocation(octet >> 4))
}

pub(super) fn describe_sample(fluid: Fluid, location: SampleLocation) -> Description {
    Description::default()
        .with("type", fluid.name())
        .with("type_value", fluid.0)
        .with("sample_location", location.name().unwrap_or("reserved"))
        .with("sample_location_value", location.0)
}
