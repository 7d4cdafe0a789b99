//! Generic Health Sensor Service 1.0 (0x1840): what a device can observe, its observations, live and from its memory, how
//! often it makes them, and its control point.
//!
//! An observation may come in several segments; what is in it is said in [`acom`](super::acom).

use varde_wire::{DeviceId, Flags, Observation};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::describe::hex;
use crate::gatt::acom::{HealthObservation, Medical, name};
use crate::gatt::segments::Segment;
use crate::{Description, FieldValue, FrameError, Uuid};

/// Live Health Observations.
pub const LIVE_OBSERVATIONS: Uuid = Uuid::sig(0x2B8B);
/// Stored Health Observations.
pub const STORED_OBSERVATIONS: Uuid = Uuid::sig(0x2BDD);
/// Observation Schedule Changed.
pub const SCHEDULE_CHANGED: Uuid = Uuid::sig(0x2BF1);
/// Health Sensor Features.
pub const FEATURES: Uuid = Uuid::sig(0x2BF3);
/// GHS Control Point.
pub const CONTROL_POINT: Uuid = Uuid::sig(0x2BF4);

/// The five.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2B8B, |bytes, device| {
        decoded(bytes, |whole| {
            let live = LiveObservation::decode(whole)?;
            Ok(Decoded { measurement: live.describe(), observations: live.observation.observations(device) })
        })
    }),
    (0x2BDD, |bytes, device| {
        decoded(bytes, |whole| {
            let stored = StoredObservation::decode(whole)?;
            Ok(Decoded { measurement: stored.describe(), observations: stored.observations(device) })
        })
    }),
    (0x2BF1, |bytes, _| Ok(Decoded::fields(ScheduleChanged::decode(bytes)?.describe()))),
    (0x2BF3, |bytes, _| Ok(Decoded::fields(HealthSensorFeatures::decode(bytes)?.describe()))),
    (0x2BF4, |bytes, _| Ok(Decoded::fields(ControlPoint::decode(bytes)?.describe()))),
];

/// A notification that is a whole observation, or a segment of one, which by itself says nothing.
fn decoded(
    bytes: &[u8],
    whole: impl Fn(&[u8]) -> Result<Decoded, FrameError>,
) -> Result<Decoded, FrameError> {
    let segment = Segment::decode(bytes)?;
    if !(segment.is_first() && segment.is_last()) {
        return Ok(Decoded::fields(segment.describe().with_bytes("segment", segment.bytes)));
    }
    let Decoded { measurement, observations } = whole(segment.bytes)?;
    Ok(Decoded { measurement: segment.describe().and(measurement), observations })
}

/// What the segments of Live Health Observations are together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveObservation {
    /// The observation.
    pub observation: HealthObservation,
    /// Bytes after it.
    pub rest: Vec<u8>,
}

/// What the segments of Stored Health Observations are together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObservation {
    /// Its place in the device's memory: each record has a higher one than those before.
    pub record_number: u32,
    /// The observation.
    pub observation: HealthObservation,
    /// Bytes after it.
    pub rest: Vec<u8>,
}

/// Observation Schedule Changed, 0x2BF1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleChanged {
    /// Of which observations: an MDC code.
    pub kind: u32,
    /// How long one takes, in seconds.
    pub measurement_period_s: Medical,
    /// From one to the next, in seconds.
    pub update_interval_s: Medical,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// Health Sensor Features, 0x2BF3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthSensorFeatures {
    /// What the device can observe: MDC codes.
    pub observation_types: Vec<u32>,
    /// What kinds of device it is.
    pub specializations: Vec<Specialization>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u8,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// A device specialization of ISO/IEEE 11073.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specialization {
    /// The term of partition 8.
    pub term: u16,
    /// The version of its standard.
    pub version: u8,
}

/// GHS Control Point, 0x2BF4: what the gateway asks, or what the device answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPoint {
    /// What is asked or answered.
    pub code: u8,
    /// Bytes after it.
    pub rest: Vec<u8>,
}

impl LiveObservation {
    /// The observation in the joined segments.
    ///
    /// # Errors
    /// Where they end within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let observation = HealthObservation::take(&mut cursor, false)?;
        Ok(Self { observation, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        self.observation.describe().with_bytes("rest_after_observation", &self.rest)
    }
}

impl StoredObservation {
    /// The observation in the joined segments.
    ///
    /// # Errors
    /// Where they end within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let record_number = cursor.u32_le("record number")?;
        let observation = HealthObservation::take(&mut cursor, false)?;
        Ok(Self { record_number, observation, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("record_number", self.record_number)
            .and(self.observation.describe())
            .with_bytes("rest_after_observation", &self.rest)
    }

    /// The observation in common words, marked as from the device's memory.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let mut observations = self.observation.observations(device);
        for observation in &mut observations {
            observation.flags = observation.flags.with(Flags::STORED);
        }
        observations
    }
}

impl ScheduleChanged {
    /// The schedule in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self {
            kind: cursor.u32_le("observation type")?,
            measurement_period_s: cursor.float("measurement period")?,
            update_interval_s: cursor.float("update interval")?,
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("type", name(self.kind))
            .with("measurement_period_s", self.measurement_period_s)
            .with("update_interval_s", self.update_interval_s)
            .with_bytes("rest", &self.rest)
    }
}

impl HealthSensorFeatures {
    const SPECIALIZATIONS: u8 = 1;

    /// The features in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let count = cursor.u8("number of observation types")?;
        let observation_types =
            (0..count).map(|_| cursor.u32_le("observation type")).collect::<Result<_, _>>()?;
        let count = match flags & Self::SPECIALIZATIONS {
            0 => 0,
            _ => cursor.u8("number of device specializations")?,
        };
        let specializations = (0..count)
            .map(|_| {
                let [low, high, version] = cursor.array("device specialization")?;
                Ok(Specialization { term: u16::from_le_bytes([low, high]), version })
            })
            .collect::<Result<_, _>>()?;
        let reserved_flags = flags & !Self::SPECIALIZATIONS;
        Ok(Self { observation_types, specializations, reserved_flags, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let types = self.observation_types.iter().map(|code| name(*code).into()).collect();
        let specializations = self.specializations.iter().map(|specialization| {
            Description::default()
                .with("type", name(8 << 16 | u32::from(specialization.term)))
                .with("version", specialization.version)
                .into()
        });
        Description::default()
            .with("observation_types", FieldValue::List(types))
            .with("device_specializations", FieldValue::List(specializations.collect()))
            .with_bits("reserved_flags", self.reserved_flags.into())
            .with_bytes("rest", &self.rest)
    }
}

impl ControlPoint {
    /// Asks for live observations: a device with a control point sends none before.
    pub const START: u8 = 0x01;
    /// Asks for no more of them.
    pub const STOP: u8 = 0x02;
    /// Done as asked.
    pub const SUCCESS: u8 = 0x80;
    /// Not now: the device is about something else, such as reporting what it has stored.
    pub const BUSY: u8 = 0x81;

    /// What a value of the characteristic asks or answers.
    ///
    /// # Errors
    /// Where it is empty.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { code: cursor.u8("code")?, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let word: FieldValue = match self.code {
            Self::START => "start-sending-live-observations".into(),
            Self::STOP => "stop-sending-live-observations".into(),
            Self::SUCCESS => "success".into(),
            Self::BUSY => "server-busy".into(),
            0x82 => "error-live-observations".into(),
            code => hex(&[code]).into(),
        };
        Description::default().with("code", word).with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests;
