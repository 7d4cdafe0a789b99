//! Weight Scale Service 1.0 (0x181D): Weight Measurement and Weight Scale Feature.
//!
//! A measurement is a weight, and what the flags announce. Its steps are fixed: 5 g or 0.01 lb, however coarse the
//! scale; the feature says how coarse. Reserved bits of the flags and bytes after the last field
//! are kept and shown, and never cost the reading.

use varde_wire::{Absence, Decimal, DeviceId, Flags, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::date_time::DateTime;
use crate::{Description, FieldValue, FrameError, Uuid};

/// Weight Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A9D);
/// Weight Scale Feature.
pub const FEATURE: Uuid = Uuid::sig(0x2A9E);

/// Both.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A9D, |bytes, device| {
        let measurement = WeightMeasurement::decode(bytes)?;
        Ok(Decoded { measurement: measurement.describe(), observations: measurement.observations(device) })
    }),
    (0x2A9E, |bytes, _| Ok(Decoded::fields(WeightScaleFeature::decode(bytes)?.describe()))),
];

/// Weight Measurement, 0x2A9D.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightMeasurement {
    /// What the scale measures in.
    pub units: Units,
    /// In `units`; not a number where the measurement failed.
    pub weight: Result<Decimal, Absence>,
    /// When, and who stood on the scale.
    pub stamp: Stamp,
    /// Kilogram per square metre.
    pub body_mass_index: Option<Decimal>,
    /// In `units`.
    pub height: Option<Decimal>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field: what a reserved flag announces, or a vendor's own.
    pub rest: Vec<u8>,
}

/// Weight Scale Feature, 0x2A9E.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightScaleFeature {
    /// The bits.
    pub bits: u32,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

/// What a scale measures in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Kilogram and metre.
    Si,
    /// Pound and inch.
    Imperial,
}

/// When a scale measured, and whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The device's clock.
    pub time_stamp: Option<DateTime>,
    /// The device's user; 255 is "unknown user".
    pub user_id: Option<u8>,
}

/// What a mass or a height says where the measurement failed.
pub(super) const UNSUCCESSFUL: u16 = 0xFFFF;

impl WeightMeasurement {
    /// The measurement in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const IMPERIAL: u8 = 1;
        const TIME_STAMP: u8 = 1 << 1;
        const USER_ID: u8 = 1 << 2;
        const BMI_AND_HEIGHT: u8 = 1 << 3;
        const RESERVED: u8 = 0b1111_0000;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let has = |flag: u8| flags & flag != 0;
        let units = if has(IMPERIAL) { Units::Imperial } else { Units::Si };
        let weight = match cursor.u16_le("weight")? {
            UNSUCCESSFUL => Err(Absence::NotANumber),
            steps => Ok(units.mass(steps)),
        };
        let stamp = Stamp::take(&mut cursor, has(TIME_STAMP), has(USER_ID))?;
        let mut body = None;
        if has(BMI_AND_HEIGHT) {
            let body_mass_index = Decimal::new(cursor.u16_le("body mass index")?.into(), -1);
            body = Some((body_mass_index, units.height(cursor.u16_le("height")?)));
        }
        let (body_mass_index, height) = body.unzip();
        let (reserved_flags, rest) = (flags & RESERVED, cursor.rest().to_vec());
        Ok(Self { units, weight, stamp, body_mass_index, height, reserved_flags, rest })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("weight", self.weight)
            .with("unit", self.units.of_mass().ucum())
            .and(self.stamp.describe())
            .with_some("body_mass_index", self.body_mass_index.map(FieldValue::Number))
            .with_some("height", self.height.map(FieldValue::Number))
            .with_some("height_unit", self.height.map(|_| self.units.of_height().ucum()))
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }

    /// The measurement in common words.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let weight = self.weight.map_or_else(Value::Absent, Value::Decimal);
        let bmi = self
            .body_mass_index
            .map(|bmi| (Metric::BODY_MASS_INDEX, Value::Decimal(bmi), Unit::KilogramPerSquareMetre));
        let height =
            self.height.map(|height| (Metric::BODY_HEIGHT, Value::Decimal(height), self.units.of_height()));
        std::iter::once((Metric::BODY_WEIGHT, weight, self.units.of_mass()))
            .chain(bmi)
            .chain(height)
            .map(|(metric, value, unit)| self.stamp.observation(device, metric, value, unit))
            .collect()
    }
}

impl Units {
    /// A mass of that many steps.
    pub(super) fn mass(self, steps: u16) -> Decimal {
        match self {
            Self::Si => Decimal::new(i64::from(steps).saturating_mul(5), -3),
            Self::Imperial => Decimal::new(steps.into(), -2),
        }
    }

    /// A height of that many steps.
    pub(super) fn height(self, steps: u16) -> Decimal {
        match self {
            Self::Si => Decimal::new(steps.into(), -3),
            Self::Imperial => Decimal::new(steps.into(), -1),
        }
    }

    /// The unit of a mass.
    pub const fn of_mass(self) -> Unit {
        match self {
            Self::Si => Unit::Kilogram,
            Self::Imperial => Unit::Pound,
        }
    }

    /// The unit of a height.
    pub const fn of_height(self) -> Unit {
        match self {
            Self::Si => Unit::Metre,
            Self::Imperial => Unit::Inch,
        }
    }
}

impl Stamp {
    /// Those of the two fields that are there.
    pub(super) fn take(cursor: &mut Cursor<'_>, has_time: bool, has_user: bool) -> Result<Self, FrameError> {
        Ok(Self {
            time_stamp: has_time.then(|| DateTime::take(cursor, "time stamp")).transpose()?,
            user_id: has_user.then(|| cursor.u8("user id")).transpose()?,
        })
    }

    /// Its fields.
    pub(super) fn describe(&self) -> Description {
        Description::default()
            .with_some("time_stamp", self.time_stamp.map(|t| t.describe()))
            .with_some("user_id", self.user_id)
    }

    /// An observation with this time and user.
    pub(super) fn observation(
        &self,
        device: &DeviceId,
        metric: Metric,
        value: Value,
        unit: Unit,
    ) -> Observation {
        let clock_unset = self.time_stamp.is_some_and(|t| t.clock_is_unset());
        Observation {
            unit: Some(unit),
            device_time: self.time_stamp.and_then(|t| t.moment()),
            user: self.user_id,
            flags: if clock_unset { Flags::DEVICE_CLOCK_UNSET } else { Flags::NONE },
            ..Observation::new(device.clone(), metric, value)
        }
    }
}

impl WeightScaleFeature {
    /// The feature in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than four bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { bits: cursor.u32_le("weight scale feature")?, rest: cursor.rest().to_vec() })
    }

    /// Its fields: what is supported, and in which steps.
    pub fn describe(&self) -> Description {
        let has = |bit: u8| self.bits >> bit & 1 == 1;
        Description::default()
            .with("time_stamp", has(0))
            .with("multiple_users", has(1))
            .with("body_mass_index", has(2))
            .with("weight_resolution", mass_resolution(self.bits >> 3))
            .with("height_resolution", height_resolution(self.bits >> 7))
            .with_wide_bits("reserved", self.bits & !0x3FF)
            .with_bytes("rest", &self.rest)
    }
}

/// The four lowest bits, in words: a scale that can be switched has a step in both units.
pub(super) fn mass_resolution(bits: u32) -> FieldValue {
    match bits & 0b1111 {
        0 => "not-specified".into(),
        1 => "0.5 kg or 1 lb".into(),
        2 => "0.2 kg or 0.5 lb".into(),
        3 => "0.1 kg or 0.2 lb".into(),
        4 => "0.05 kg or 0.1 lb".into(),
        5 => "0.02 kg or 0.05 lb".into(),
        6 => "0.01 kg or 0.02 lb".into(),
        7 => "0.005 kg or 0.01 lb".into(),
        _ => "reserved".into(),
    }
}

/// The three lowest bits, in words.
pub(super) fn height_resolution(bits: u32) -> FieldValue {
    match bits & 0b111 {
        0 => "not-specified".into(),
        1 => "0.01 m or 1 in".into(),
        2 => "0.005 m or 0.5 in".into(),
        3 => "0.001 m or 0.1 in".into(),
        _ => "reserved".into(),
    }
}

#[cfg(test)]
mod tests;
