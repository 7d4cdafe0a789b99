//! Health Thermometer Service 1.0 (0x1809): Temperature Measurement, Intermediate Temperature, Temperature Type and
//! Measurement Interval.
//!
//! The first two have one layout (§3.1, §3.3): flags, a FLOAT, and what the flags announce. Reserved bits of the
//! flags and bytes after the last field are kept and shown, and never cost the reading. A thermometer that is always
//! used at one place tells it once, by Temperature Type (§3.2), and not in each measurement.

use varde_wire::{Absence, Decimal, DeviceId, Flags, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::date_time::DateTime;
use crate::{Description, FieldValue, FrameError, Uuid};

/// Temperature Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A1C);
/// Temperature Type.
pub const TYPE: Uuid = Uuid::sig(0x2A1D);
/// Intermediate Temperature.
pub const INTERMEDIATE_TEMPERATURE: Uuid = Uuid::sig(0x2A1E);
/// Measurement Interval.
pub const MEASUREMENT_INTERVAL: Uuid = Uuid::sig(0x2A21);

/// The four.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A1C, |bytes, device| {
        let measurement = Temperature::decode(bytes)?;
        Ok(Decoded {
            measurement: measurement.describe(),
            observations: vec![measurement.observation(device, Flags::NONE)],
        })
    }),
    (0x2A1D, |bytes, _| {
        let (site, rest) = TemperatureType::decode(bytes)?;
        Ok(Decoded::fields(site.describe().with_bytes("rest", rest)))
    }),
    (0x2A1E, |bytes, device| {
        let temperature = Temperature::decode(bytes)?;
        Ok(Decoded {
            measurement: temperature.describe(),
            observations: vec![temperature.observation(device, Flags::INTERMEDIATE)],
        })
    }),
    (0x2A21, |bytes, _| Ok(Decoded::fields(MeasurementInterval::decode(bytes)?.describe()))),
];

/// Temperature Measurement, 0x2A1C, and Intermediate Temperature, 0x2A1E.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Temperature {
    /// In `unit`: the number with its precision, or why there is none.
    pub temperature: Result<Decimal, Absence>,
    /// Degree Celsius or Fahrenheit.
    pub unit: Unit,
    /// The device's clock.
    pub time_stamp: Option<DateTime>,
    /// Where it was taken.
    pub temperature_type: Option<TemperatureType>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field: what a reserved flag announces, or a vendor's own.
    pub rest: Vec<u8>,
}

/// Temperature Type, 0x2A1D: where a temperature is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemperatureType(pub u8);

/// Measurement Interval, 0x2A21.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasurementInterval {
    /// Seconds from one measurement to the next; 0 where the thermometer measures only when it is told to.
    pub seconds: u16,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

impl Temperature {
    /// The temperature in a value of either characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const FAHRENHEIT: u8 = 1;
        const TIME_STAMP: u8 = 1 << 1;
        const TYPE: u8 = 1 << 2;
        const RESERVED: u8 = 0b1111_1000;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let has = |flag: u8| flags & flag != 0;
        Ok(Self {
            temperature: cursor.float("temperature")?,
            unit: if has(FAHRENHEIT) { Unit::Fahrenheit } else { Unit::Celsius },
            time_stamp: has(TIME_STAMP).then(|| DateTime::take(&mut cursor, "time stamp")).transpose()?,
            temperature_type: has(TYPE)
                .then(|| cursor.u8("temperature type").map(TemperatureType))
                .transpose()?,
            reserved_flags: flags & RESERVED,
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("temperature", self.temperature)
            .with("unit", self.unit.ucum())
            .with_some("time_stamp", self.time_stamp.map(|t| t.describe()))
            .with_some("temperature_type", self.temperature_type.map(TemperatureType::in_words))
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }

    /// The temperature in common words.
    pub fn observation(&self, device: &DeviceId, marks: Flags) -> Observation {
        let metric = self.temperature_type.map_or(Metric::BODY_TEMPERATURE, TemperatureType::metric);
        let clock_unset = self.time_stamp.is_some_and(|t| t.clock_is_unset());
        let doubts = if clock_unset { Flags::DEVICE_CLOCK_UNSET } else { Flags::NONE };
        Observation {
            unit: Some(self.unit),
            device_time: self.time_stamp.and_then(|t| t.moment()),
            flags: marks.with(doubts),
            ..Observation::new(
                device.clone(),
                metric,
                self.temperature.map_or_else(Value::Absent, Value::Decimal),
            )
        }
    }
}

impl TemperatureType {
    /// The places, from 1 (§3.2), with the metric of a temperature taken there.
    const SITES: [(&str, Metric); 9] = [
        ("armpit", Metric::BODY_TEMPERATURE_ARMPIT),
        ("body", Metric::BODY_TEMPERATURE),
        ("ear", Metric::BODY_TEMPERATURE_EAR),
        ("finger", Metric::BODY_TEMPERATURE_FINGER),
        ("gastro-intestinal-tract", Metric::BODY_TEMPERATURE_GUT),
        ("mouth", Metric::BODY_TEMPERATURE_MOUTH),
        ("rectum", Metric::BODY_TEMPERATURE_RECTUM),
        ("toe", Metric::BODY_TEMPERATURE_TOE),
        ("tympanum", Metric::BODY_TEMPERATURE_TYMPANUM),
    ];

    /// The place in a value of the characteristic, and the bytes after it.
    ///
    /// # Errors
    /// Where the value is empty.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok((Self(cursor.u8("temperature type")?), cursor.rest()))
    }

    /// Its word; none for a reserved number.
    pub fn name(self) -> Option<&'static str> {
        self.site().map(|(name, _)| name)
    }

    /// The metric of a temperature that is taken there; of a body temperature anywhere for a reserved number.
    pub fn metric(self) -> Metric {
        self.site().map_or(Metric::BODY_TEMPERATURE, |(_, metric)| metric)
    }

    /// Its field.
    pub fn describe(self) -> Description {
        Description::default().with("temperature_type", self.in_words())
    }

    fn site(self) -> Option<(&'static str, Metric)> {
        Self::SITES.get(usize::from(self.0).checked_sub(1)?).copied()
    }

    fn in_words(self) -> FieldValue {
        self.name().map_or_else(|| self.0.into(), FieldValue::from)
    }
}

impl MeasurementInterval {
    /// The interval in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than two bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { seconds: cursor.u16_le("measurement interval")?, rest: cursor.rest().to_vec() })
    }

    /// Its field.
    pub fn describe(&self) -> Description {
        Description::default().with("measurement_interval_s", self.seconds).with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
