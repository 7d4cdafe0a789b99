//! Body Composition Service 1.0 (0x181B): Body Composition Measurement and Body Composition Feature.
//!
//! A measurement (§3.2) is the body fat, and up to nine other values that the flags announce. Where they do not fit
//! into one value of the characteristic they come in several, each marked as a part. Reserved bits of the flags and
//! bytes after the last field are kept and shown, and never cost the reading.

use varde_wire::{Absence, Decimal, DeviceId, Flags, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::weight_scale::{Stamp, UNSUCCESSFUL, Units, height_resolution, mass_resolution};
use crate::{Description, FieldValue, FrameError, Uuid};

/// Body Composition Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A9C);
/// Body Composition Feature.
pub const FEATURE: Uuid = Uuid::sig(0x2A9B);

/// Both.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A9C, |bytes, device| {
        let measurement = BodyComposition::decode(bytes)?;
        Ok(Decoded { measurement: measurement.describe(), observations: measurement.observations(device) })
    }),
    (0x2A9B, |bytes, _| Ok(Decoded::fields(BodyCompositionFeature::decode(bytes)?.describe()))),
];

/// Body Composition Measurement, 0x2A9C, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyComposition {
    /// What the device measures in.
    pub units: Units,
    /// Percent; not a number where the measurement failed (§3.2.1.2).
    pub body_fat: Result<Decimal, Absence>,
    /// When, and whom.
    pub stamp: Stamp,
    /// The other values that are there, in the order of the specification.
    pub values: Vec<(Quantity, Decimal)>,
    /// Whether the measurement has other parts.
    pub is_part: bool,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u16,
    /// Bytes after the last field: what a reserved flag announces, or a vendor's own.
    pub rest: Vec<u8>,
}

/// What a body composition analyser measures beside the body fat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// What the body spends at rest, in kilojoules a day.
    BasalMetabolism,
    /// Muscle, in percent.
    MusclePercentage,
    /// Muscle.
    MuscleMass,
    /// All but fat.
    FatFreeMass,
    /// All but fat and bones.
    SoftLeanMass,
    /// Water.
    BodyWaterMass,
    /// What the body opposes to the current, in ohms.
    Impedance,
    /// Body weight.
    Weight,
    /// Body height.
    Height,
}

/// Body Composition Feature, 0x2A9B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyCompositionFeature {
    /// The bits.
    pub bits: u32,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

impl BodyComposition {
    /// The measurement, or part of one, in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const IMPERIAL: u16 = 1;
        const TIME_STAMP: u16 = 1 << 1;
        const USER_ID: u16 = 1 << 2;
        const FIRST_QUANTITY: u8 = 3;
        const MULTIPLE_PACKET: u16 = 1 << 12;
        const RESERVED: u16 = 0b1110_0000_0000_0000;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u16_le("flags")?;
        let has = |flag: u16| flags & flag != 0;
        let units = if has(IMPERIAL) { Units::Imperial } else { Units::Si };
        let body_fat = match cursor.u16_le("body fat percentage")? {
            UNSUCCESSFUL => Err(Absence::NotANumber),
            steps => Ok(Decimal::new(steps.into(), -1)),
        };
        let stamp = Stamp::take(&mut cursor, has(TIME_STAMP), has(USER_ID))?;
        let mut values = Vec::new();
        for (quantity, bit) in Quantity::ALL.into_iter().zip(FIRST_QUANTITY..) {
            if has(1 << bit) {
                values.push((quantity, quantity.decimal(cursor.u16_le(quantity.name())?, units)));
            }
        }
        let (is_part, reserved_flags) = (has(MULTIPLE_PACKET), flags & RESERVED);
        Ok(Self { units, body_fat, stamp, values, is_part, reserved_flags, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let mut description = Description::default()
            .with("body_fat_percentage", self.body_fat)
            .and(self.stamp.describe())
            .with("mass_unit", self.units.of_mass().ucum())
            .with("height_unit", self.units.of_height().ucum());
        for (quantity, number) in &self.values {
            description = description.with(quantity.name(), FieldValue::Number(*number));
        }
        description
            .with("multiple_packet_measurement", self.is_part)
            .with_bits("reserved_flags", self.reserved_flags)
            .with_bytes("rest", &self.rest)
    }

    /// The measurement in common words. A device should send nothing but time and user with a measurement that
    /// failed (§3.2.1.2); what it sends all the same is doubtful.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let body_fat = self.body_fat.map_or_else(Value::Absent, Value::Decimal);
        let doubts = if self.body_fat.is_err() { Flags::QUESTIONABLE } else { Flags::NONE };
        let values = self.values.iter().map(|(quantity, number)| {
            (quantity.metric(), Value::Decimal(*number), quantity.unit(self.units))
        });
        std::iter::once((Metric::BODY_FAT, body_fat, Unit::Percent))
            .chain(values)
            .map(|(metric, value, unit)| {
                let observation = self.stamp.observation(device, metric, value, unit);
                Observation { flags: observation.flags.with(doubts), ..observation }
            })
            .collect()
    }

    /// Whether `next`, which came after this part, is of the same measurement: nothing in it is another's or said
    /// twice.
    pub(super) fn goes_on_in(&self, next: &Self) -> bool {
        let has = |quantity: Quantity| self.values.iter().any(|(known, _)| *known == quantity);
        self.is_part
            && next.is_part
            && self.units == next.units
            && next.stamp.time_stamp.is_none_or(|time| self.stamp.time_stamp == Some(time))
            && next.stamp.user_id.is_none_or(|user| self.stamp.user_id == Some(user))
            && !next.values.iter().any(|(quantity, _)| has(*quantity))
    }

    /// This part and the `next`, as one.
    pub(super) fn with(mut self, next: Self) -> Self {
        self.body_fat = self.body_fat.or(next.body_fat);
        self.values.extend(next.values);
        self.values.sort_by_key(|(quantity, _)| *quantity);
        self.reserved_flags |= next.reserved_flags;
        self.rest.extend(next.rest);
        self
    }
}

impl Quantity {
    /// Every quantity, in the order of the flags and of the fields.
    pub const ALL: [Self; 9] = [
        Self::BasalMetabolism,
        Self::MusclePercentage,
        Self::MuscleMass,
        Self::FatFreeMass,
        Self::SoftLeanMass,
        Self::BodyWaterMass,
        Self::Impedance,
        Self::Weight,
        Self::Height,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BasalMetabolism => "basal_metabolism_kj",
            Self::MusclePercentage => "muscle_percentage",
            Self::MuscleMass => "muscle_mass",
            Self::FatFreeMass => "fat_free_mass",
            Self::SoftLeanMass => "soft_lean_mass",
            Self::BodyWaterMass => "body_water_mass",
            Self::Impedance => "impedance_ohm",
            Self::Weight => "weight",
            Self::Height => "height",
        }
    }

    /// Its metric.
    pub const fn metric(self) -> Metric {
        match self {
            Self::BasalMetabolism => Metric::BASAL_METABOLISM,
            Self::MusclePercentage => Metric::MUSCLE_PERCENTAGE,
            Self::MuscleMass => Metric::MUSCLE_MASS,
            Self::FatFreeMass => Metric::FAT_FREE_MASS,
            Self::SoftLeanMass => Metric::SOFT_LEAN_MASS,
            Self::BodyWaterMass => Metric::BODY_WATER,
            Self::Impedance => Metric::BODY_IMPEDANCE,
            Self::Weight => Metric::BODY_WEIGHT,
            Self::Height => Metric::BODY_HEIGHT,
        }
    }

    /// Its unit, for a device that measures in `units`.
    pub const fn unit(self, units: Units) -> Unit {
        match self {
            Self::BasalMetabolism => Unit::Kilojoule,
            Self::MusclePercentage => Unit::Percent,
            Self::MuscleMass
            | Self::FatFreeMass
            | Self::SoftLeanMass
            | Self::BodyWaterMass
            | Self::Weight => units.of_mass(),
            Self::Impedance => Unit::Ohm,
            Self::Height => units.of_height(),
        }
    }

    fn decimal(self, steps: u16, units: Units) -> Decimal {
        match self {
            Self::BasalMetabolism => Decimal::whole(steps.into()),
            Self::MusclePercentage | Self::Impedance => Decimal::new(steps.into(), -1),
            Self::MuscleMass
            | Self::FatFreeMass
            | Self::SoftLeanMass
            | Self::BodyWaterMass
            | Self::Weight => units.mass(steps),
            Self::Height => units.height(steps),
        }
    }
}

impl BodyCompositionFeature {
    /// The names of the bits, from bit 0 (§3.1); two steps follow.
    const NAMES: [&str; 11] = [
        "time_stamp",
        "multiple_users",
        "basal_metabolism",
        "muscle_percentage",
        "muscle_mass",
        "fat_free_mass",
        "soft_lean_mass",
        "body_water_mass",
        "impedance",
        "weight",
        "height",
    ];

    /// The feature in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than four bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { bits: cursor.u32_le("body composition feature")?, rest: cursor.rest().to_vec() })
    }

    /// Its fields: what is supported, and in which steps.
    pub fn describe(&self) -> Description {
        let mut description = Description::default();
        for (name, bit) in Self::NAMES.into_iter().zip(0..) {
            description = description.with(name, self.bits & 1_u32 << bit != 0);
        }
        description
            .with("mass_resolution", mass_resolution(self.bits >> 11))
            .with("height_resolution", height_resolution(self.bits >> 15))
            .with_wide_bits("reserved", self.bits & !0x3_FFFF)
            .with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
