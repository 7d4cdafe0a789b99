//! What belongs to an observation beside its value.

use varde_wire::{Flags, Metric, Unit, Value};

use super::Medical;
use super::tlv::Tlv;
use super::value::name;
use crate::cursor::Cursor;
use crate::gatt::elapsed_time::ElapsedTime;
use crate::{Description, FieldValue, FrameError};

/// What the flags of an observation announce, in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// What was observed: an MDC code.
    pub kind: Option<u32>,
    /// When, on the device's clock.
    pub time_stamp: Option<ElapsedTime>,
    /// How long it took, in seconds.
    pub duration_s: Option<Medical>,
    /// What the device says of its own measurement.
    pub status: Option<MeasurementStatus>,
    /// The number by which other observations name this one.
    pub object_id: Option<u32>,
    /// The device's user.
    pub patient: Option<u8>,
    /// More about the measurement, such as a place on the body or a meal: MDC codes.
    pub supplemental: Vec<u32>,
    /// The observations from which this one was computed.
    pub derived_from: Vec<u32>,
    /// The observations that this one is a part of.
    pub member_of: Vec<u32>,
    /// Attributes that the specification did not foresee.
    pub tlvs: Vec<Tlv>,
    /// Reserved bits of the flags that are set.
    pub reserved_flags: u16,
}

/// Measurement Status, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeasurementStatus(pub u16);

impl Attributes {
    const DEFINED: u16 = 0b11_1111_1111;

    pub(super) fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        let flags = cursor.u16_le("flags")?;
        let has = |bit: u16| flags >> bit & 1 == 1;
        let list = |cursor: &mut Cursor<'_>, bit, count: &'static str, field: &'static str| {
            let count = if has(bit) { cursor.u8(count)? } else { 0 };
            (0..count).map(|_| cursor.u32_le(field)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            kind: has(0).then(|| cursor.u32_le("observation type")).transpose()?,
            time_stamp: has(1).then(|| ElapsedTime::take(cursor, "time stamp")).transpose()?,
            duration_s: has(2).then(|| cursor.float("measurement duration")).transpose()?,
            status: has(3).then(|| cursor.u16_le("measurement status").map(MeasurementStatus)).transpose()?,
            object_id: has(4).then(|| cursor.u32_le("object id")).transpose()?,
            patient: has(5).then(|| cursor.u8("patient")).transpose()?,
            supplemental: list(cursor, 6, "number of supplemental codes", "supplemental information")?,
            derived_from: list(cursor, 7, "number of origins", "derived from")?,
            member_of: list(cursor, 8, "number of groups", "is member of")?,
            tlvs: if has(9) { Tlv::take_all(cursor)? } else { Vec::new() },
            reserved_flags: flags & !Self::DEFINED,
        })
    }

    /// These, and what a bundle tells of all its members where these are silent.
    pub(super) fn or(&self, bundle: &Self) -> Self {
        let more =
            |own: &Vec<u32>, theirs: &Vec<u32>| if own.is_empty() { theirs.clone() } else { own.clone() };
        Self {
            kind: self.kind.or(bundle.kind),
            time_stamp: self.time_stamp.or(bundle.time_stamp),
            duration_s: self.duration_s.or(bundle.duration_s),
            status: self.status.or(bundle.status),
            patient: self.patient.or(bundle.patient),
            supplemental: more(&self.supplemental, &bundle.supplemental),
            ..self.clone()
        }
    }

    /// How far the value is to be believed.
    pub(super) fn doubts(&self) -> Flags {
        self.status.map_or(Flags::NONE, MeasurementStatus::doubts)
    }

    /// What is worth an observation of its own.
    pub(super) fn read(&self) -> impl Iterator<Item = (Metric, Value, Option<Unit>)> {
        let duration = self.duration_s.map(|seconds| {
            (
                Metric::MEASUREMENT_DURATION,
                seconds.map_or_else(Value::Absent, Value::Decimal),
                Some(Unit::Second),
            )
        });
        let status =
            self.status.map(|status| (Metric::OBSERVATION_STATUS, Value::Bits(status.0.into()), None));
        let codes = self.supplemental.iter().map(|code| name(*code)).collect::<Vec<_>>().join(" ");
        let supplemental =
            (!codes.is_empty()).then_some((Metric::SUPPLEMENTAL_TYPES, Value::Text(codes), None));
        duration.into_iter().chain(status).chain(supplemental)
    }

    pub(super) fn describe(&self, class: FieldValue) -> Description {
        let tlvs = self.tlvs.iter().map(|tlv| tlv.describe().into()).collect::<Vec<FieldValue>>();
        Description::default()
            .with("class", class)
            .with_some("type", self.kind.map(name))
            .with_some("time_stamp", self.time_stamp.map(|time| time.describe()))
            .with_some("measurement_duration_s", self.duration_s)
            .with_some("measurement_status", self.status.map(MeasurementStatus::describe))
            .with_some("object_id", self.object_id)
            .with_some("patient", self.patient)
            .with_some("supplemental_information", list(&self.supplemental, |code| name(code).into()))
            .with_some("derived_from", list(&self.derived_from, FieldValue::from))
            .with_some("is_member_of", list(&self.member_of, FieldValue::from))
            .with_some("tlvs", (!tlvs.is_empty()).then_some(FieldValue::List(tlvs)))
            .with_bits("reserved_flags", self.reserved_flags)
    }
}

fn list(numbers: &[u32], field: impl Fn(u32) -> FieldValue) -> Option<FieldValue> {
    let fields = numbers.iter().map(|number| field(*number)).collect::<Vec<_>>();
    (!fields.is_empty()).then_some(FieldValue::List(fields))
}

impl MeasurementStatus {
    /// The names of the bits; those without one are reserved.
    const NAMES: [(u8, &str); 10] = [
        (0, "invalid"),
        (1, "questionable"),
        (2, "not_available"),
        (3, "calibrating"),
        (4, "test_data"),
        (5, "early_estimate"),
        (6, "manually_entered"),
        (7, "setting"),
        (14, "threshold_error"),
        (15, "threshold_disabled"),
    ];

    const fn has(self, bit: u8) -> bool {
        self.0 >> bit & 1 == 1
    }

    fn doubts(self) -> Flags {
        let mut doubts = Flags::NONE;
        if self.has(0) || self.has(1) || self.has(2) || self.has(3) {
            doubts = doubts.with(Flags::QUESTIONABLE);
        }
        if self.has(4) {
            doubts = doubts.with(Flags::TEST);
        }
        if self.has(5) {
            doubts = doubts.with(Flags::INTERMEDIATE);
        }
        doubts
    }

    fn describe(self) -> Description {
        let mut unnamed = self.0;
        let mut description = Description::default();
        for (bit, name) in Self::NAMES {
            description = description.with(name, self.has(bit));
            unnamed &= !(1 << bit);
        }
        description.with_bits("reserved", unnamed)
    }
}
