//! Pulse Oximeter Service 1.0.1 (0x1822): Spot-Check Measurement, Continuous Measurement and Features.
//!
//! A number is passed on as it was sent, with the status beside it: an oximeter that doubts itself, or has no finger
//! in it, marks its numbers as questionable, and only NaN and its kin are no number. Reserved bits and bytes after the
//! last field are kept and shown, and never cost the reading. A value that ends within a field is refused.

use varde_wire::{Absence, Decimal, DeviceId, Flags, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::date_time::DateTime;
use crate::{Description, FrameError, Uuid};

/// PLX Spot-Check Measurement.
pub const SPOT_CHECK: Uuid = Uuid::sig(0x2A5E);
/// PLX Continuous Measurement.
pub const CONTINUOUS: Uuid = Uuid::sig(0x2A5F);
/// PLX Features.
pub const FEATURES: Uuid = Uuid::sig(0x2A60);

/// The three.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A5E, |bytes, device| {
        let spot = SpotCheckMeasurement::decode(bytes)?;
        Ok(Decoded { measurement: spot.describe(), observations: spot.observations(device) })
    }),
    (0x2A5F, |bytes, device| {
        let continuous = ContinuousMeasurement::decode(bytes)?;
        Ok(Decoded { measurement: continuous.describe(), observations: continuous.observations(device) })
    }),
    (0x2A60, |bytes, _| Ok(Decoded::fields(PlxFeatures::decode(bytes)?.describe()))),
];

/// Oxygen saturation and pulse rate, measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpO2Pr {
    /// Percent.
    pub spo2: Result<Decimal, Absence>,
    /// Beats per minute.
    pub pulse_rate: Result<Decimal, Absence>,
}

/// PLX Spot-Check Measurement, 0x2A5E (§3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotCheckMeasurement {
    /// What was measured.
    pub normal: SpO2Pr,
    /// The device's clock.
    pub time_stamp: Option<DateTime>,
    /// Whether that clock is not set.
    pub clock_is_unset: bool,
    /// What comes with it.
    pub status: Status,
}

/// PLX Continuous Measurement, 0x2A5F (§3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinuousMeasurement {
    /// What is measured.
    pub normal: SpO2Pr,
    /// The same, averaged over a shorter time.
    pub fast: Option<SpO2Pr>,
    /// The same, averaged over a longer time.
    pub slow: Option<SpO2Pr>,
    /// What comes with it.
    pub status: Status,
}

/// What both measurements carry beside their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the oximeter says of its measurement.
    pub measurement: Option<MeasurementStatus>,
    /// What it says of itself and its sensor.
    pub device: Option<DeviceAndSensorStatus>,
    /// The pulsating share of the signal, percent.
    pub pulse_amplitude_index: Option<Result<Decimal, Absence>>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// Measurement Status, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasurementStatus(pub u16);

/// Device and Sensor Status, as 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAndSensorStatus(pub u32);

/// PLX Features, 0x2A60 (§3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlxFeatures {
    /// What the oximeter can, as bits.
    pub supported: u16,
    /// Which bits of [`MeasurementStatus`] it can set.
    pub measurement_status: Option<MeasurementStatus>,
    /// Which bits of [`DeviceAndSensorStatus`] it can set.
    pub device_status: Option<DeviceAndSensorStatus>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl SpotCheckMeasurement {
    /// The measurement in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const TIME_STAMP: u8 = 1;
        const CLOCK_IS_UNSET: u8 = 1 << 4;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        Ok(Self {
            normal: SpO2Pr::take(&mut cursor, ["spo2", "pulse rate"])?,
            time_stamp: (flags & TIME_STAMP != 0)
                .then(|| DateTime::take(&mut cursor, "time stamp"))
                .transpose()?,
            clock_is_unset: flags & CLOCK_IS_UNSET != 0,
            status: Status::take(&mut cursor, flags >> 1 & 0b111, flags & 0b1110_0000)?,
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        self.normal
            .describe()
            .with_some("time_stamp", self.time_stamp.map(|time| time.describe()))
            .with("device_clock_is_not_set", self.clock_is_unset)
            .and(self.status.describe())
    }

    /// The measurement in common words.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let numbers = self.normal.observed(Metric::SPO2_SPOT, Metric::PULSE_RATE_OXIMETER);
        let mut observations = self.status.observations(device, numbers);
        let clock_is_unset = self.clock_is_unset || self.time_stamp.is_some_and(|time| time.clock_is_unset());
        for observation in &mut observations {
            observation.device_time = self.time_stamp.and_then(|time| time.moment());
            if clock_is_unset {
                observation.flags = observation.flags.with(Flags::DEVICE_CLOCK_UNSET);
            }
        }
        observations
    }
}

impl ContinuousMeasurement {
    /// The measurement in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const FAST: u8 = 1;
        const SLOW: u8 = 1 << 1;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let normal = SpO2Pr::take(&mut cursor, ["spo2 normal", "pulse rate normal"])?;
        let mut further =
            |flag: u8, names| (flags & flag != 0).then(|| SpO2Pr::take(&mut cursor, names)).transpose();
        let fast = further(FAST, ["spo2 fast", "pulse rate fast"])?;
        let slow = further(SLOW, ["spo2 slow", "pulse rate slow"])?;
        let status = Status::take(&mut cursor, flags >> 2 & 0b111, flags & 0b1110_0000)?;
        Ok(Self { normal, fast, slow, status })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        self.normal
            .describe()
            .with_some("fast", self.fast.map(SpO2Pr::describe))
            .with_some("slow", self.slow.map(SpO2Pr::describe))
            .and(self.status.describe())
    }

    /// The measurement in common words.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let fast = self.fast.map(|fast| fast.observed(Metric::SPO2_FAST, Metric::PULSE_RATE_FAST));
        let slow = self.slow.map(|slow| slow.observed(Metric::SPO2_SLOW, Metric::PULSE_RATE_SLOW));
        let numbers = self.normal.observed(Metric::SPO2, Metric::PULSE_RATE_OXIMETER);
        let numbers = numbers.into_iter().chain(fast.into_iter().flatten()).chain(slow.into_iter().flatten());
        self.status.observations(device, numbers)
    }
}

/// What an observation says: of what, how much, in what unit.
type Observed = (Metric, Value, Option<Unit>);

impl SpO2Pr {
    fn take(cursor: &mut Cursor<'_>, names: [&'static str; 2]) -> Result<Self, FrameError> {
        let [spo2, pulse_rate] = names;
        Ok(Self { spo2: cursor.sfloat(spo2)?, pulse_rate: cursor.sfloat(pulse_rate)? })
    }

    fn observed(self, spo2: Metric, pulse_rate: Metric) -> [Observed; 2] {
        [
            (spo2, value(self.spo2), Some(Unit::Percent)),
            (pulse_rate, value(self.pulse_rate), Some(Unit::PerMinute)),
        ]
    }

    fn describe(self) -> Description {
        Description::default().with("spo2", self.spo2).with("pulse_rate", self.pulse_rate)
    }
}

impl Status {
    /// The three last fields, as bits 0 to 2 of `present` announce them.
    fn take(cursor: &mut Cursor<'_>, present: u8, reserved_flags: u8) -> Result<Self, FrameError> {
        let has = |bit: u8| present >> bit & 1 == 1;
        Ok(Self {
            measurement: has(0).then(|| MeasurementStatus::take(cursor, "measurement status")).transpose()?,
            device: has(1)
                .then(|| DeviceAndSensorStatus::take(cursor, "device and sensor status"))
                .transpose()?,
            pulse_amplitude_index: has(2).then(|| cursor.sfloat("pulse amplitude index")).transpose()?,
            reserved_flags,
            rest: cursor.rest().to_vec(),
        })
    }

    /// The numbers, and what comes with them, all with the same marks.
    fn observations(
        &self,
        device: &DeviceId,
        numbers: impl IntoIterator<Item = Observed>,
    ) -> Vec<Observation> {
        let index = self.pulse_amplitude_index;
        let index = index.map(|n| (Metric::PULSE_AMPLITUDE_INDEX, value(n), Some(Unit::Percent)));
        let bits = [
            self.measurement.map(|status| (Metric::OXIMETER_MEASUREMENT_STATUS, status.0.into())),
            self.device.map(|status| (Metric::OXIMETER_STATUS, status.0)),
        ];
        let bits = bits.into_iter().flatten().map(|(metric, bits)| (metric, Value::Bits(bits), None));
        let flags = self.marks();
        numbers
            .into_iter()
            .chain(index)
            .chain(bits)
            .map(|(metric, value, unit)| Observation {
                unit,
                flags,
                ..Observation::new(device.clone(), metric, value)
            })
            .collect()
    }

    fn marks(&self) -> Flags {
        let mut marks = self.measurement.map_or(Flags::NONE, MeasurementStatus::marks);
        if self.device.is_some_and(DeviceAndSensorStatus::is_questionable) {
            marks = marks.with(Flags::QUESTIONABLE);
        }
        marks
    }

    fn describe(&self) -> Description {
        Description::default()
            .with_some("measurement_status", self.measurement.map(MeasurementStatus::describe))
            .with_some("device_and_sensor_status", self.device.map(DeviceAndSensorStatus::describe))
            .with_some("pulse_amplitude_index", self.pulse_amplitude_index)
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }
}

fn value(number: Result<Decimal, Absence>) -> Value {
    number.map_or_else(Value::Absent, Value::Decimal)
}

impl MeasurementStatus {
    /// How many bits are reserved before the first that has a name.
    const RESERVED: u8 = 5;

    /// The names of the other bits, from bit 5.
    const NAMES: [&str; 11] = [
        "measurement_ongoing",
        "early_estimated_data",
        "validated_data",
        "fully_qualified_data",
        "data_from_measurement_storage",
        "data_for_demonstration",
        "data_for_testing",
        "calibration_ongoing",
        "measurement_unavailable",
        "questionable_measurement_detected",
        "invalid_measurement_detected",
    ];

    fn take(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Self, FrameError> {
        cursor.u16_le(field).map(Self)
    }

    /// What the bits say of the numbers.
    fn marks(self) -> Flags {
        /// Early estimated.
        const INTERMEDIATE: u16 = 1 << 6;
        const STORED: u16 = 1 << 9;
        /// For demonstration, for testing.
        const TEST: u16 = 0b11 << 10;
        /// Calibration ongoing, unavailable, questionable, invalid.
        const QUESTIONABLE: u16 = 0b1111 << 12;
        let table = [
            (INTERMEDIATE, Flags::INTERMEDIATE),
            (STORED, Flags::STORED),
            (TEST, Flags::TEST),
            (QUESTIONABLE, Flags::QUESTIONABLE),
        ];
        let marks = table.into_iter().filter(|(bits, _)| self.0 & bits != 0);
        marks.fold(Flags::NONE, |marks, (_, mark)| marks.with(mark))
    }

    fn describe(self) -> Description {
        let reserved = self.0 & ((1 << Self::RESERVED) - 1);
        Description::default()
            .with_named_bits(&Self::NAMES, u32::from(self.0 >> Self::RESERVED))
            .with_bits("reserved", reserved)
    }
}

impl DeviceAndSensorStatus {
    /// The names of the bits, from bit 0.
    const NAMES: [&str; 16] = [
        "extended_display_update_ongoing",
        "equipment_malfunction_detected",
        "signal_processing_irregularity_detected",
        "inadequate_signal_detected",
        "poor_signal_detected",
        "low_perfusion_detected",
        "erratic_signal_detected",
        "nonpulsatile_signal_detected",
        "questionable_pulse_detected",
        "signal_analysis_ongoing",
        "sensor_interference_detected",
        "sensor_unconnected_to_user",
        "unknown_sensor_connected",
        "sensor_displaced",
        "sensor_malfunctioning",
        "sensor_disconnected",
    ];

    fn take(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Self, FrameError> {
        let [low, middle, high] = cursor.array(field)?;
        Ok(Self(u32::from_le_bytes([low, middle, high, 0])))
    }

    /// Every bit but those that say what is under way: display update and signal analysis.
    pub const fn is_questionable(self) -> bool {
        self.0 & 0b1111_1101_1111_1110 != 0
    }

    fn describe(self) -> Description {
        Description::default().with_named_bits(&Self::NAMES, self.0)
    }
}

impl PlxFeatures {
    /// The names of the bits, from bit 0.
    const NAMES: [&str; 8] = [
        "measurement_status_support",
        "device_and_sensor_status_support",
        "spot_check_measurement_storage",
        "spot_check_time_stamp",
        "spo2pr_fast",
        "spo2pr_slow",
        "pulse_amplitude_index",
        "multiple_bonds",
    ];

    /// The features in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let supported = cursor.u16_le("supported features")?;
        let has = |bit: u8| supported >> bit & 1 == 1;
        Ok(Self {
            supported,
            measurement_status: has(0)
                .then(|| MeasurementStatus::take(&mut cursor, "measurement status support"))
                .transpose()?,
            device_status: has(1)
                .then(|| DeviceAndSensorStatus::take(&mut cursor, "device and sensor status support"))
                .transpose()?,
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields: a feature is supported or not.
    pub fn describe(&self) -> Description {
        Description::default()
            .with_named_bits(&Self::NAMES, self.supported.into())
            .with_some("measurement_status", self.measurement_status.map(MeasurementStatus::describe))
            .with_some("device_and_sensor_status", self.device_status.map(DeviceAndSensorStatus::describe))
            .with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
