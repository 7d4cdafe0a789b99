//! Observations of the Abstract Content Information Model (IEEE 11073-10206) as the Generic Health Sensor Service 1.0
//! writes them: one shape for whatever a health device can measure.
//!
//! Class and length; flags and what they announce; a value of the shape that its class has. All numbers have their least
//! byte first. What an observation is, its unit and its states are codes of ISO/IEEE 11073-10101 (MDC), so a device that
//! this program has never heard of says what it measured. Reserved flags, unknown classes and bytes after the value are
//! kept and shown, and never cost the reading.

mod attributes;
mod tlv;
mod unit;
mod value;

use varde_wire::{Absence, Decimal, DeviceId, Flags, LocalTime, Metric, Observation};

pub use self::attributes::{Attributes, MeasurementStatus};
pub use self::tlv::Tlv;
pub(crate) use self::value::name;
pub use self::value::{ObservationValue, Quantity, Samples, States};
use crate::cursor::Cursor;
use crate::gatt::elapsed_time::ElapsedTime;
use crate::{Description, FrameError};

/// A number: with its precision, or why there is none.
pub(crate) type Medical = Result<Decimal, Absence>;

/// What a device observed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthObservation {
    /// What shape the value has.
    pub class: u8,
    /// What belongs to the value.
    pub attributes: Attributes,
    /// What was observed.
    pub value: ObservationValue,
    /// Bytes after the value that the length counts in: of a newer specification, or a vendor's own.
    pub rest: Vec<u8>,
}

impl HealthObservation {
    /// The observation at the cursor.
    ///
    /// # Errors
    /// Where the bytes, or the length that they tell, end within a field.
    pub(crate) fn take(cursor: &mut Cursor<'_>, bundled: bool) -> Result<Self, FrameError> {
        let class = cursor.u8("observation class")?;
        let length = cursor.u16_le("observation length")?;
        let begin = cursor.offset();
        let mut cursor = Cursor::at(begin, cursor.take(length.into(), "observation")?);
        let attributes = Attributes::take(&mut cursor)?;
        let value = ObservationValue::take(class, bundled, &mut cursor)?;
        Ok(Self { class, attributes, value, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let is_known = !matches!(self.value, ObservationValue::Unknown(_));
        let class = if is_known { self.value.class().into() } else { self.class.into() };
        self.attributes.describe(class).with("value", self.value.describe()).with_bytes("rest", &self.rest)
    }

    /// The observation in common words, with the times of day that the device shows.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        self.dated(device, &|stamp| stamp.time_of_day())
    }

    /// The observation in common words, with the times that are made of its time stamps.
    pub(crate) fn dated(
        &self,
        device: &DeviceId,
        time: &impl Fn(ElapsedTime) -> Option<LocalTime>,
    ) -> Vec<Observation> {
        self.read(&Attributes::default(), device, time)
    }

    /// The leading time stamp.
    pub(crate) fn time_stamp(&self) -> Option<ElapsedTime> {
        let of_members = || self.members().iter().find_map(Self::time_stamp);
        self.attributes.time_stamp.or_else(of_members)
    }

    /// With what a bundle tells of its members.
    fn read(
        &self,
        bundle: &Attributes,
        device: &DeviceId,
        time: &impl Fn(ElapsedTime) -> Option<LocalTime>,
    ) -> Vec<Observation> {
        let told = self.attributes.or(bundle);
        let metric = told.kind.map_or(Metric::UNTYPED_OBSERVATION, Metric::from_code);
        let mut flags = told.doubts();
        // What a reserved flag announces stands before the value: it may have been taken for the value.
        if self.attributes.reserved_flags != 0 && !self.rest.is_empty() {
            flags = flags.with(Flags::QUESTIONABLE);
        }
        let values = self.value.read(metric).into_iter().chain(self.attributes.read());
        let own = values.map(|(metric, value, unit)| Observation {
            unit,
            device_time: told.time_stamp.and_then(time),
            user: told.patient,
            flags,
            ..Observation::new(device.clone(), metric, value)
        });
        self.members().iter().flat_map(|member| member.read(&told, device, time)).chain(own).collect()
    }

    fn members(&self) -> &[Self] {
        if let ObservationValue::Bundle(members) = &self.value { members } else { &[] }
    }
}

#[cfg(test)]
mod tests;
