//! Heart Rate Service 1.0 (0x180D): Heart Rate Measurement and Body Sensor Location.
//!
//! A measurement (§3.1) is a rate in one or two bytes, and as many RR intervals as came since the one before. Where
//! the sensor says that it touches no skin, the rate it sends means nothing. Reserved bits of the flags and bytes
//! after the last field are kept and shown, and never cost the reading.

use varde_wire::{Absence, Decimal, DeviceId, Metric, Observation, Unit, Value};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::{Description, FieldValue, FrameError, Uuid};

/// Heart Rate Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A37);
/// Body Sensor Location.
pub const BODY_SENSOR_LOCATION: Uuid = Uuid::sig(0x2A38);

/// Both.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A37, |bytes, device| {
        let measurement = HeartRateMeasurement::decode(bytes)?;
        Ok(Decoded { measurement: measurement.describe(), observations: measurement.observations(device) })
    }),
    (0x2A38, |bytes, _| Ok(Decoded::fields(BodySensorLocation::decode(bytes)?.describe()))),
];

/// Heart Rate Measurement, 0x2A37.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartRateMeasurement {
    /// Beats per minute, as sent; see `contact`.
    pub rate: u16,
    /// Whether the sensor touches the skin; none where it cannot tell.
    pub contact: Option<bool>,
    /// Kilojoules since it was last reset. 65535 is where the count ends (§3.1.1.3).
    pub energy_expended: Option<u16>,
    /// From one beat to the next, the oldest first, in 1/1024 s.
    pub rr_intervals: Vec<u16>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field: what a reserved flag announces, or a vendor's own.
    pub rest: Vec<u8>,
}

/// Body Sensor Location, 0x2A38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodySensorLocation {
    /// The place (§3.2).
    pub location: u8,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

impl HeartRateMeasurement {
    /// The measurement in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const WIDE_RATE: u8 = 1;
        const CONTACT: u8 = 1 << 1;
        const CONTACT_SUPPORTED: u8 = 1 << 2;
        const ENERGY_EXPENDED: u8 = 1 << 3;
        const RR_INTERVALS: u8 = 1 << 4;
        const RESERVED: u8 = 0b1110_0000;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let has = |flag: u8| flags & flag != 0;
        let rate = if has(WIDE_RATE) {
            cursor.u16_le("heart rate")?
        } else {
            cursor.u8("heart rate").map(u16::from)?
        };
        let energy_expended = has(ENERGY_EXPENDED).then(|| cursor.u16_le("energy expended")).transpose()?;
        let reserved_flags = flags & RESERVED;
        let mut rr_intervals = Vec::new();
        // Where a reserved flag announces more, a single byte at the end is no broken interval.
        let least = if reserved_flags == 0 { 1 } else { 2 };
        while has(RR_INTERVALS) && cursor.rest().len() >= least {
            rr_intervals.push(cursor.u16_le("RR interval")?);
        }
        Ok(Self {
            rate,
            contact: has(CONTACT_SUPPORTED).then_some(has(CONTACT)),
            energy_expended,
            rr_intervals,
            reserved_flags,
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let intervals =
            self.rr_intervals.iter().map(|interval| FieldValue::from(*interval)).collect::<Vec<_>>();
        Description::default()
            .with("heart_rate", self.rate)
            .with_some("sensor_contact", self.contact)
            .with_some("energy_expended_kj", self.energy_expended)
            .with_some(
                "rr_intervals_1024th_s",
                Some(FieldValue::List(intervals)).filter(|_| self.has_intervals()),
            )
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }

    /// The measurement in common words: the rate, the energy, each interval. Without contact there is no rate and no
    /// interval.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let off = self.contact == Some(false);
        let rate = if off {
            Value::Absent(Absence::NotANumber)
        } else {
            Value::Decimal(Decimal::whole(self.rate.into()))
        };
        let energy =
            self.energy_expended.map(|energy| (Metric::ENERGY_EXPENDED, kilojoules(energy), Unit::Kilojoule));
        let intervals = self.rr_intervals.iter().filter(|_| !off);
        std::iter::once((Metric::HEART_RATE, rate, Unit::PerMinute))
            .chain(energy)
            .chain(
                intervals.map(|interval| (Metric::RR_INTERVAL, milliseconds(*interval), Unit::Millisecond)),
            )
            .map(|(metric, value, unit)| Observation {
                unit: Some(unit),
                ..Observation::new(device.clone(), metric, value)
            })
            .collect()
    }

    const fn has_intervals(&self) -> bool {
        !self.rr_intervals.is_empty()
    }
}

/// A count that has come to its end says only that it was more.
fn kilojoules(energy: u16) -> Value {
    match energy {
        u16::MAX => Value::Absent(Absence::PositiveInfinity),
        _ => Value::Decimal(Decimal::whole(energy.into())),
    }
}

/// UCUM has no 1/1024 s. With one decimal place no two intervals become the same, and no precision is made up beyond
/// the step of 0.98 ms.
fn milliseconds(interval: u16) -> Value {
    let tenths = i64::from(interval).saturating_mul(10_000).saturating_add(512) >> 10;
    Value::Decimal(Decimal::new(tenths, -1))
}

impl BodySensorLocation {
    const NAMES: [&str; 7] = ["other", "chest", "wrist", "finger", "hand", "ear-lobe", "foot"];

    /// The place in a value of the characteristic.
    ///
    /// # Errors
    /// Where the value is empty.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { location: cursor.u8("body sensor location")?, rest: cursor.rest().to_vec() })
    }

    /// Its word; none for a reserved number.
    pub fn name(&self) -> Option<&'static str> {
        Self::NAMES.get(usize::from(self.location)).copied()
    }

    /// Its field.
    pub fn describe(&self) -> Description {
        let location = self.name().map_or_else(|| self.location.into(), FieldValue::from);
        Description::default().with("body_sensor_location", location).with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
