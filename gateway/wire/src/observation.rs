//! What a device said, in common words.

use serde::{Deserialize, Serialize};

use crate::{Decimal, DeviceId, Event, LocalTime, Metric, Unit};

/// One value of one metric of one device.
///
/// A blood pressure is several observations of one [`Group`]; each has its own place in a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Which device, by its name in the roster.
    pub device: DeviceId,
    /// What was measured.
    pub metric: Metric,
    /// What the device said.
    pub value: Value,
    /// The value's unit; none for events, texts and bits.
    pub unit: Option<Unit>,
    /// The device's own clock, where it sent it.
    pub device_time: Option<LocalTime>,
    /// The device's user slot, where it keeps several apart; 255 is "unknown user" (BLS 1.1.1 §3.1.1.5).
    pub user: Option<u8>,
    /// What is to be known before the value is believed.
    pub flags: Flags,
    /// Which observations belong to the same measurement.
    pub group: Option<Group>,
}

impl Observation {
    /// An observation of a value, with nothing more known about it.
    pub fn new(device: DeviceId, metric: Metric, value: Value) -> Self {
        Self {
            device,
            metric,
            value,
            unit: None,
            device_time: None,
            user: None,
            flags: Flags::NONE,
            group: None,
        }
    }
}

/// What an observation says. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// A number with its precision.
    Decimal(Decimal),
    /// The device sent a special value instead of a number: never to become one.
    Absent(Absence),
    /// Something happened.
    Event(Event),
    /// Status bits, as the metric's specification numbers them.
    Bits(u32),
    /// A text.
    Text(String),
}

/// The number if it is one, else the word for what it is.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Decimal(number) => number.fmt(f),
            Self::Absent(absence) => f.write_str(absence.name()),
            Self::Event(event) => f.write_str(event.name()),
            Self::Bits(bits) => write!(f, "0x{bits:x}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Why there is no number: the special values of IEEE 11073-20601 FLOAT and SFLOAT. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Absence {
    /// NaN: the device could not measure.
    NotANumber,
    /// NRes: not at this resolution.
    NotAtThisResolution,
    /// +INFINITY: above the device's range.
    PositiveInfinity,
    /// -INFINITY: below the device's range.
    NegativeInfinity,
    /// A reserved code.
    Reserved,
}

impl Absence {
    /// The word in output: the code of FHIR's `data-absent-reason` where it has one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotANumber => "not-a-number",
            Self::NotAtThisResolution => "not-at-this-resolution",
            Self::PositiveInfinity => "positive-infinity",
            Self::NegativeInfinity => "negative-infinity",
            Self::Reserved => "reserved",
        }
    }
}

/// The observations of one measurement, such as systolic, diastolic and mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Group {
    /// The same for all members; unique within a boot.
    pub id: u64,
    /// This member's place, from 0.
    pub member: u8,
    /// How many members there are.
    pub size: u8,
}

/// A set of marks on an observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flags(u32);

impl Flags {
    /// No mark.
    pub const NONE: Self = Self(0);
    /// Outside of what a living person or a working device can show. Flagged, never dropped.
    pub const IMPLAUSIBLE: Self = Self(1);
    /// The device itself doubts the measurement (body moved, cuff loose, irregular pulse, wrong position).
    pub const QUESTIONABLE: Self = Self(1 << 1);
    /// From the device's memory, not live.
    pub const STORED: Self = Self(1 << 2);
    /// The device's clock is not set.
    pub const DEVICE_CLOCK_UNSET: Self = Self(1 << 3);
    /// A value on its way to the measurement, such as the cuff's pressure while it deflates.
    pub const INTERMEDIATE: Self = Self(1 << 4);
    /// Made by a test, not by life.
    pub const TEST: Self = Self(1 << 5);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::IMPLAUSIBLE, "implausible"),
        (Self::QUESTIONABLE, "questionable"),
        (Self::STORED, "stored"),
        (Self::DEVICE_CLOCK_UNSET, "device-clock-unset"),
        (Self::INTERMEDIATE, "intermediate"),
        (Self::TEST, "test"),
    ];

    /// These marks and `others`.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of `marks` are set.
    pub const fn has(self, marks: Self) -> bool {
        self.0 & marks.0 == marks.0
    }

    /// The words of the marks that are set, in bit order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(mark, _)| self.has(*mark)).map(|(_, name)| name)
    }
}
