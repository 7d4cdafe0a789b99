//! Glucose Service 1.0.1 (0x1808): Measurement and Feature; the [`context`] of a measurement has a file of its own.
//!
//! Reserved bits, reserved codes and bytes after the last field are kept and shown, and never cost the reading. A
//! value that ends within a field is refused.

pub mod context;

use varde_wire::{Absence, Decimal, DeviceId, Flags, LocalTime, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::date_time::DateTime;
use crate::home_time::{local_of_seconds, seconds_of_local};
use crate::{Description, FieldValue, FrameError, Uuid};

/// Glucose Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A18);
/// Glucose Feature.
pub const FEATURE: Uuid = Uuid::sig(0x2A51);

/// Measurement, context and feature.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A18, |bytes, device| {
        let measurement = GlucoseMeasurement::decode(bytes)?;
        Ok(Decoded { measurement: measurement.describe(), observations: measurement.observations(device) })
    }),
    (0x2A34, |bytes, device| {
        let context = context::GlucoseMeasurementContext::decode(bytes)?;
        Ok(Decoded { measurement: context.describe(), observations: context.observations(device) })
    }),
    (0x2A51, |bytes, _| Ok(Decoded::fields(GlucoseFeature::decode(bytes)?.describe()))),
];

/// Glucose Measurement, 0x2A18 (§3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlucoseMeasurement {
    /// The record's number.
    pub sequence_number: u16,
    /// The meter's clock as it was set in the factory or at its first use.
    pub base_time: DateTime,
    /// How far the time that the user sees is ahead of it.
    pub time_offset: Option<TimeOffset>,
    /// What was measured; none where nothing could be.
    pub concentration: Option<Concentration>,
    /// What the meter says of its own measurement.
    pub sensor_status: Option<SensorStatus>,
    /// Whether a Glucose Measurement Context of the same number follows.
    pub context_follows: bool,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// How far the user's time is ahead of the meter's base time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOffset {
    /// So many minutes.
    Minutes(i16),
    /// More than the field can say.
    Overrun,
    /// Less than the field can say.
    Underrun,
}

/// A concentration of glucose, of what and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concentration {
    /// The number as sent, in kg/L or mol/L.
    pub number: Result<Decimal, Absence>,
    /// Whether that is mol/L.
    pub is_molar: bool,
    /// What was measured.
    pub fluid: Fluid,
    /// Where it was taken from.
    pub location: SampleLocation,
}

/// The Type field: four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fluid(pub u8);

/// The Sample Location field: four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleLocation(pub u8);

/// Sensor Status Annunciation, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorStatus(pub u16);

/// Glucose Feature, 0x2A51 (§3.3), as bits: what the meter can notice, and what else it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlucoseFeature {
    /// The bits.
    pub bits: u16,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

impl GlucoseMeasurement {
    /// The measurement in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const TIME_OFFSET: u8 = 1;
        const CONCENTRATION: u8 = 1 << 1;
        const MOLAR: u8 = 1 << 2;
        const STATUS: u8 = 1 << 3;
        const RESERVED: u8 = 0b1110_0000;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let has = |flag: u8| flags & flag != 0;
        Ok(Self {
            sequence_number: cursor.u16_le("sequence number")?,
            base_time: DateTime::take(&mut cursor, "base time")?,
            time_offset: has(TIME_OFFSET).then(|| TimeOffset::take(&mut cursor)).transpose()?,
            concentration: has(CONCENTRATION)
                .then(|| Concentration::take(&mut cursor, has(MOLAR)))
                .transpose()?,
            sensor_status: has(STATUS)
                .then(|| cursor.u16_le("sensor status annunciation").map(SensorStatus))
                .transpose()?,
            context_follows: Self::announces_context(flags),
            reserved_flags: flags & RESERVED,
            rest: cursor.rest().to_vec(),
        })
    }

    /// Whether the flags, its first byte, say that a context of the same number follows.
    pub(crate) const fn announces_context(flags: u8) -> bool {
        flags & 1 << 4 != 0
    }

    /// When it was measured, on the clock that the user sees: base time and offset. None where that is not known.
    pub fn user_facing_time(&self) -> Option<LocalTime> {
        let base = self.base_time.moment().filter(|_| !self.base_time.clock_is_unset())?;
        match self.time_offset {
            None => Some(base),
            Some(TimeOffset::Minutes(minutes)) => {
                let ahead = i64::from(minutes).checked_mul(60)?;
                let shown = local_of_seconds(seconds_of_local(base)?.checked_add(ahead)?);
                (shown.year != 0).then_some(shown)
            }
            Some(TimeOffset::Overrun | TimeOffset::Underrun) => None,
        }
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let described = Description::default()
            .with("sequence_number", self.sequence_number)
            .with("base_time", self.base_time.describe())
            .with_some("time_offset_min", self.time_offset);
        let described = match self.concentration {
            Some(concentration) => described.and(concentration.describe()),
            None => described,
        };
        described
            .with_some("sensor_status_annunciation", self.sensor_status.map(SensorStatus::describe))
            .with("context_information_follows", self.context_follows)
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }

    /// The measurement in common words. A measurement without a number is passed on as well: somebody tried.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let device_time = self.user_facing_time();
        let flags = self.marks();
        let status = self.sensor_status.map(|status| (Metric::GLUCOSE_STATUS, Value::Bits(status.0.into())));
        let location = self.concentration.and_then(|concentration| concentration.location.name());
        let location = location.map(|name| (Metric::GLUCOSE_SAMPLE_LOCATION, Value::Text(name.to_owned())));
        let (metric, value, unit) = self.leading();
        std::iter::once((metric, value, unit))
            .chain(location.into_iter().chain(status).map(|(metric, value)| (metric, value, None)))
            .map(|(metric, value, unit)| Observation {
                unit,
                device_time,
                flags,
                ..Observation::new(device.clone(), metric, value)
            })
            .collect()
    }

    fn leading(&self) -> (Metric, Value, Option<Unit>) {
        match self.concentration {
            Some(concentration) => {
                let (number, unit) = concentration.in_common_unit();
                let value = number.map_or_else(Value::Absent, Value::Decimal);
                (concentration.metric(), value, Some(unit))
            }
            None => (Metric::GLUCOSE, Value::Absent(Absence::NotANumber), None),
        }
    }

    /// The marks of the measurement and of its context.
    pub(crate) fn marks(&self) -> Flags {
        let mut marks = Flags::NONE;
        if self.user_facing_time().is_none() || self.sensor_status.is_some_and(SensorStatus::is_time_fault) {
            marks = marks.with(Flags::DEVICE_CLOCK_UNSET);
        }
        if self.sensor_status.is_some_and(SensorStatus::is_questionable) {
            marks = marks.with(Flags::QUESTIONABLE);
        }
        if self.concentration.is_some_and(Concentration::is_of_control_solution) {
            marks = marks.with(Flags::TEST);
        }
        marks
    }
}

impl TimeOffset {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        Ok(match cursor.array("time offset").map(i16::from_le_bytes)? {
            i16::MAX => Self::Overrun,
            i16::MIN => Self::Underrun,
            minutes => Self::Minutes(minutes),
        })
    }
}

impl From<TimeOffset> for FieldValue {
    fn from(offset: TimeOffset) -> Self {
        match offset {
            TimeOffset::Minutes(minutes) => Self::Number(Decimal::whole(minutes.into())),
            TimeOffset::Overrun => "overrun".into(),
            TimeOffset::Underrun => "underrun".into(),
        }
    }
}

impl Concentration {
    fn take(cursor: &mut Cursor<'_>, is_molar: bool) -> Result<Self, FrameError> {
        let number = cursor.sfloat("glucose concentration")?;
        let byte = cursor.u8("type and sample location")?;
        Ok(Self { number, is_molar, fluid: Fluid(byte & 0x0F), location: SampleLocation(byte >> 4) })
    }

    /// 1 kg/L is 10^5 mg/dL, and 1 mol/L is 10^3 mmol/L.
    fn in_common_unit(self) -> (Result<Decimal, Absence>, Unit) {
        let (shift, unit) =
            if self.is_molar { (3, Unit::MillimolePerLitre) } else { (5, Unit::MilligramPerDecilitre) };
        (self.number.map(|number| shifted(number, shift)), unit)
    }

    /// Whether it is the meter's own test, and nobody's glucose.
    fn is_of_control_solution(self) -> bool {
        self.fluid == Fluid::CONTROL_SOLUTION || self.location == SampleLocation::CONTROL_SOLUTION
    }

    fn metric(self) -> Metric {
        if self.is_of_control_solution() { Metric::GLUCOSE_CONTROL } else { self.fluid.metric() }
    }

    fn describe(self) -> Description {
        Description::default()
            .with("glucose_concentration", self.number)
            .with("unit", if self.is_molar { "mol/L" } else { "kg/L" })
            .with("type", self.fluid.name())
            .with("type_value", self.fluid.0)
            .with("sample_location", self.location.name().unwrap_or("reserved"))
            .with("sample_location_value", self.location.0)
    }
}

/// The same number in a unit that is 10^`places` times smaller. SFLOAT's exponents are -8 to 7: none overflows.
pub(crate) fn shifted(number: Decimal, places: i8) -> Decimal {
    Decimal { exponent: number.exponent.saturating_add(places), ..number }
}

impl Fluid {
    /// Control solution.
    pub const CONTROL_SOLUTION: Self = Self(10);

    /// Its word in output.
    pub const fn name(self) -> &'static str {
        match self.0 {
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
            _ => "reserved",
        }
    }

    /// What a concentration of glucose in it is called.
    pub const fn metric(self) -> Metric {
        match self.0 {
            1 => Metric::GLUCOSE_CAPILLARY_BLOOD,
            2 => Metric::GLUCOSE_CAPILLARY_PLASMA,
            3 => Metric::GLUCOSE_VENOUS_BLOOD,
            4 => Metric::GLUCOSE_VENOUS_PLASMA,
            5 => Metric::GLUCOSE_ARTERIAL_BLOOD,
            6 => Metric::GLUCOSE_ARTERIAL_PLASMA,
            7 => Metric::GLUCOSE_UNDETERMINED_BLOOD,
            8 => Metric::GLUCOSE_UNDETERMINED_PLASMA,
            9 => Metric::GLUCOSE_INTERSTITIAL_FLUID,
            10 => Metric::GLUCOSE_CONTROL,
            _ => Metric::GLUCOSE,
        }
    }
}

impl SampleLocation {
    /// Control solution.
    pub const CONTROL_SOLUTION: Self = Self(4);

    /// Its word in output; none where it is reserved.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            1 => Some("finger"),
            2 => Some("alternate-site-test"),
            3 => Some("earlobe"),
            4 => Some("control-solution"),
            // Only a continuous monitor has this one.
            5 => Some("subcutaneous-tissue"),
            15 => Some("not-available"),
            _ => None,
        }
    }
}

impl SensorStatus {
    /// The names of the bits, from bit 0.
    const NAMES: [&str; 12] = [
        "device_battery_low",
        "sensor_malfunction",
        "sample_size_insufficient",
        "strip_insertion_error",
        "strip_type_incorrect",
        "result_higher_than_processable",
        "result_lower_than_processable",
        "temperature_too_high",
        "temperature_too_low",
        "strip_pulled_too_soon",
        "general_device_fault",
        "time_fault",
    ];

    /// Bits 1 to 10. A low battery or a doubtful clock says nothing of the number.
    pub const fn is_questionable(self) -> bool {
        self.0 & 0b0111_1111_1110 != 0
    }

    /// Bit 11.
    pub const fn is_time_fault(self) -> bool {
        self.0 & 1 << 11 != 0
    }

    fn describe(self) -> Description {
        Description::default().with_named_bits(&Self::NAMES, self.0.into())
    }
}

impl GlucoseFeature {
    /// The names of the bits, from bit 0.
    const NAMES: [&str; 11] = [
        "low_battery_detection",
        "sensor_malfunction_detection",
        "sensor_sample_size",
        "strip_insertion_error_detection",
        "strip_type_error_detection",
        "sensor_result_high_low_detection",
        "sensor_temperature_high_low_detection",
        "sensor_read_interrupt_detection",
        "general_device_fault",
        "time_fault",
        "multiple_bond",
    ];

    /// The features in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than two bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { bits: cursor.u16_le("glucose feature")?, rest: cursor.rest().to_vec() })
    }

    /// Its fields: a feature is supported or not.
    pub fn describe(&self) -> Description {
        Description::default().with_named_bits(&Self::NAMES, self.bits.into()).with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
