//! Blood Pressure Service 1.1.1 (0x1810): Measurement, Intermediate Cuff Pressure and Feature.
//!
//! The first two have one layout (§3.1, §3.2): flags, three pressures, and what the flags announce. Reserved bits
//! of flags and status, and bytes after the last field, come with newer or odd devices; they are kept and shown,
//! and never cost the reading. A value that ends within a field is refused.

use varde_wire::{Absence, Decimal, DeviceId, Flags, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::date_time::DateTime;
use crate::{Description, FrameError, Uuid};

/// Blood Pressure Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A35);
/// Intermediate Cuff Pressure.
pub const INTERMEDIATE_CUFF_PRESSURE: Uuid = Uuid::sig(0x2A36);
/// Blood Pressure Feature.
pub const FEATURE: Uuid = Uuid::sig(0x2A49);

/// The three.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A35, |bytes, device| {
        let measurement = BloodPressureMeasurement::decode(bytes)?;
        Ok(Decoded { measurement: measurement.describe(), observations: measurement.observations(device) })
    }),
    (0x2A36, |bytes, device| {
        let pressure = IntermediateCuffPressure::decode(bytes)?;
        Ok(Decoded { measurement: pressure.describe(), observations: pressure.observations(device) })
    }),
    (0x2A49, |bytes, _| Ok(Decoded::fields(BloodPressureFeature::decode(bytes)?.describe()))),
];

/// A pressure or rate: the number with its precision, or why there is none.
type Medical = Result<Decimal, Absence>;

/// Blood Pressure Measurement, 0x2A35.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BloodPressureMeasurement {
    /// In `context.unit`, as the next two.
    pub systolic: Medical,
    /// Diastolic.
    pub diastolic: Medical,
    /// Mean arterial pressure; many cuffs send NaN.
    pub mean_arterial_pressure: Medical,
    /// What belongs to the measurement.
    pub context: Context,
}

/// Intermediate Cuff Pressure, 0x2A36.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntermediateCuffPressure {
    /// The pressure now, in `context.unit`.
    pub current_cuff_pressure: Medical,
    /// The places of diastolic and mean, which shall be NaN (§3.2.1); some devices send other values. They mean
    /// nothing.
    pub unused: [Medical; 2],
    /// What belongs to the measurement.
    pub context: Context,
}

/// What both characteristics carry beside the pressures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// mmHg or kPa.
    pub unit: Unit,
    /// The device's clock.
    pub time_stamp: Option<DateTime>,
    /// Beats per minute.
    pub pulse_rate: Option<Medical>,
    /// The device's user; 255 is "unknown user" (§3.1.1.5).
    pub user_id: Option<u8>,
    /// What the cuff says of its own measurement.
    pub measurement_status: Option<MeasurementStatus>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field: what a reserved flag announces, or a vendor's own.
    pub rest: Vec<u8>,
}

/// Measurement Status (§3.1.1.6), as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasurementStatus(pub u16);

/// Blood Pressure Feature, 0x2A49, as bits: which of the status bits the cuff can tell, and what else it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BloodPressureFeature {
    /// The bits.
    pub bits: u16,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

impl BloodPressureMeasurement {
    /// The measurement in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let names = ["systolic", "diastolic", "mean arterial pressure"];
        let ([systolic, diastolic, mean_arterial_pressure], context) = decode(bytes, names)?;
        Ok(Self { systolic, diastolic, mean_arterial_pressure, context })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("systolic", self.systolic)
            .with("diastolic", self.diastolic)
            .with("mean_arterial_pressure", self.mean_arterial_pressure)
            .and(self.context.describe())
    }

    /// The measurement in common words.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let pressures = [
            (Metric::SYSTOLIC, self.systolic),
            (Metric::DIASTOLIC, self.diastolic),
            (Metric::MEAN_ARTERIAL, self.mean_arterial_pressure),
        ];
        self.context.observations(device, &pressures, Flags::NONE)
    }
}

impl IntermediateCuffPressure {
    /// The pressure in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let names = ["current cuff pressure", "diastolic (unused)", "mean arterial pressure (unused)"];
        let ([current_cuff_pressure, second, third], context) = decode(bytes, names)?;
        Ok(Self { current_cuff_pressure, unused: [second, third], context })
    }

    /// Its fields; the unused ones where the device sent something else than NaN.
    pub fn describe(&self) -> Description {
        let [diastolic, mean] = self.unused.map(|n| (n != Err(Absence::NotANumber)).then_some(n));
        Description::default()
            .with("current_cuff_pressure", self.current_cuff_pressure)
            .with_some("diastolic_unused", diastolic)
            .with_some("mean_arterial_pressure_unused", mean)
            .and(self.context.describe())
    }

    /// The pressure in common words, marked as on its way to a measurement.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        self.context.observations(device, &[(Metric::CUFF, self.current_cuff_pressure)], Flags::INTERMEDIATE)
    }
}

/// The one layout (§3.1.1, §3.2.1).
fn decode(bytes: &[u8], names: [&'static str; 3]) -> Result<([Medical; 3], Context), FrameError> {
    const KILOPASCAL: u8 = 1;
    const TIME_STAMP: u8 = 1 << 1;
    const PULSE_RATE: u8 = 1 << 2;
    const USER_ID: u8 = 1 << 3;
    const STATUS: u8 = 1 << 4;
    const RESERVED: u8 = 0b1110_0000;

    let mut cursor = Cursor::new(bytes);
    let flags = cursor.u8("flags")?;
    let [first, second, third] = names;
    let pressures = [cursor.sfloat(first)?, cursor.sfloat(second)?, cursor.sfloat(third)?];
    let has = |flag: u8| flags & flag != 0;
    let context = Context {
        unit: if has(KILOPASCAL) { Unit::KiloPascal } else { Unit::MillimetreOfMercury },
        time_stamp: has(TIME_STAMP).then(|| DateTime::take(&mut cursor, "time stamp")).transpose()?,
        pulse_rate: has(PULSE_RATE).then(|| cursor.sfloat("pulse rate")).transpose()?,
        user_id: has(USER_ID).then(|| cursor.u8("user id")).transpose()?,
        measurement_status: has(STATUS)
            .then(|| cursor.u16_le("measurement status").map(MeasurementStatus))
            .transpose()?,
        reserved_flags: flags & RESERVED,
        rest: cursor.rest().to_vec(),
    };
    Ok((pressures, context))
}

impl Context {
    fn describe(&self) -> Description {
        Description::default()
            .with("unit", self.unit.ucum())
            .with_some("time_stamp", self.time_stamp.map(|t| t.describe()))
            .with_some("pulse_rate", self.pulse_rate)
            .with_some("user_id", self.user_id)
            .with_some("measurement_status", self.measurement_status.map(MeasurementStatus::describe))
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }

    /// The pressures and what came with them, all with the same time, user and marks.
    fn observations(
        &self,
        device: &DeviceId,
        pressures: &[(Metric, Medical)],
        marks: Flags,
    ) -> Vec<Observation> {
        let pressures = pressures.iter().map(|(metric, number)| (*metric, value(*number), Some(self.unit)));
        let pulse = self.pulse_rate.map(|n| (Metric::PULSE_RATE_CUFF, value(n), Some(Unit::PerMinute)));
        let status = self
            .measurement_status
            .map(|status| (Metric::BLOOD_PRESSURE_STATUS, Value::Bits(status.0.into()), None));
        let flags = marks.with(self.doubts());
        let device_time = self.time_stamp.and_then(|t| t.moment());
        pressures
            .chain(pulse)
            .chain(status)
            .map(|(metric, value, unit)| Observation {
                unit,
                device_time,
                user: self.user_id,
                flags,
                ..Observation::new(device.clone(), metric, value)
            })
            .collect()
    }

    fn doubts(&self) -> Flags {
        let mut doubts = Flags::NONE;
        if self.time_stamp.is_some_and(|t| t.clock_is_unset()) {
            doubts = doubts.with(Flags::DEVICE_CLOCK_UNSET);
        }
        if self.measurement_status.is_some_and(MeasurementStatus::is_questionable) {
            doubts = doubts.with(Flags::QUESTIONABLE);
        }
        doubts
    }
}

fn value(number: Medical) -> Value {
    number.map_or_else(Value::Absent, Value::Decimal)
}

impl MeasurementStatus {
    const DEFINED: u16 = 0b0011_1111;

    /// Bit 0.
    pub const fn body_movement_detected(self) -> bool {
        self.0 & 1 != 0
    }

    /// Bit 1.
    pub const fn cuff_too_loose(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// Bit 2.
    pub const fn irregular_pulse_detected(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// Bits 3 and 4, in words.
    pub const fn pulse_rate_range(self) -> &'static str {
        match self.0 >> 3 & 0b11 {
            0 => "within-range",
            1 => "exceeds-upper-limit",
            2 => "below-lower-limit",
            _ => "reserved",
        }
    }

    /// Bit 5.
    pub const fn improper_measurement_position(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// Whether the cuff reports anything that makes the measurement doubtful: any bit that is defined.
    pub const fn is_questionable(self) -> bool {
        self.0 & Self::DEFINED != 0
    }

    fn describe(self) -> Description {
        Description::default()
            .with("body_movement_detected", self.body_movement_detected())
            .with("cuff_too_loose", self.cuff_too_loose())
            .with("irregular_pulse_detected", self.irregular_pulse_detected())
            .with("pulse_rate_range", self.pulse_rate_range())
            .with("improper_measurement_position", self.improper_measurement_position())
            .with_bits("reserved", self.0 & !Self::DEFINED)
    }
}

impl BloodPressureFeature {
    /// The names of the bits, from bit 0 (§3.3.1).
    const NAMES: [&str; 9] = [
        "body_movement_detection",
        "cuff_fit_detection",
        "irregular_pulse_detection",
        "pulse_rate_range_detection",
        "measurement_position_detection",
        "multiple_bond",
        "e2e_crc",
        "user_data_service",
        "user_facing_time",
    ];

    /// The features in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than two bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { bits: cursor.u16_le("blood pressure feature")?, rest: cursor.rest().to_vec() })
    }

    /// Its fields: a feature is supported or not.
    pub fn describe(&self) -> Description {
        let mut unnamed = self.bits;
        let mut description = Description::default();
        for (name, bit) in Self::NAMES.into_iter().zip(0..) {
            let mask = 1_u16 << bit;
            description = description.with(name, self.bits & mask != 0);
            unnamed &= !mask;
        }
        description.with_bits("reserved", unnamed).with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
