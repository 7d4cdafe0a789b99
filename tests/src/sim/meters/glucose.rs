//! A blood glucose meter: it keeps every measurement until it is told to delete it, and gives them through the Record
//! Access Control Point to who is bonded.
//!
//! Bytes follow the Glucose Service 1.0.1.

use std::time::Duration;

use jiff::civil::DateTime;
use uuid::Uuid;

use super::{
    Firmware, Link, Meter, Setup, battery,
    clock::Clock,
    information,
    racp::{self, CONTROL_POINT, Profile, RecordAccess},
    values::{Sfloat, date_time},
};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Security, Service, uuid16};

/// The Glucose service.
pub const SERVICE: Uuid = uuid16(0x1808);
/// The Glucose Measurement characteristic.
pub const MEASUREMENT: Uuid = uuid16(0x2A18);
/// The Glucose Measurement Context characteristic.
pub const CONTEXT: Uuid = uuid16(0x2A34);
const FEATURE: Uuid = uuid16(0x2A51);
/// GLS 1.0.1 §1.6: the control point's indications are not configured.
const IMPROPERLY_CONFIGURED: u8 = 0x81;

/// How much glucose, in the unit that the meter was made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Concentration {
    /// Tenths of a millimole a litre; sent in mol/L.
    TenthsOfMillimolar(i16),
    /// Milligrams a decilitre; sent in kg/L.
    MilligramsPerDecilitre(i16),
    /// Whatever was made of a measurement in mol/L: `Sfloat::NAN` of a failed one.
    Molar(Sfloat),
}

/// What the person told the meter about a measurement (§3.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Context {
    /// Kind of carbohydrate (1 breakfast, 2 lunch …) and grams of it.
    pub carbohydrate: Option<(u8, i16)>,
    /// 1 before a meal, 2 after it, 3 fasting, 4 casual, 5 bedtime.
    pub meal: Option<u8>,
    /// Seconds of exercise and its intensity in percent.
    pub exercise: Option<(u16, u8)>,
    /// Kind of medication (1 rapid insulin …) and milligrams of it.
    pub medication: Option<(u8, i16)>,
    /// Glycated haemoglobin in tenths of a percent.
    pub hba1c: Option<i16>,
}

/// One measurement (§3.1).
#[derive(Clone, Copy, Debug)]
pub struct Measurement {
    /// The meter's user-facing time less its offset.
    pub base_time: DateTime,
    /// Minutes between base time and user-facing time.
    pub time_offset: Option<i16>,
    /// None of a measurement that failed altogether.
    pub concentration: Option<Concentration>,
    /// Type of fluid: 1 capillary whole blood, 10 control solution.
    pub fluid: u8,
    /// Where the sample was taken: 1 finger.
    pub location: u8,
    /// Sensor Status Annunciation: bit 0 battery low, bit 5 result too high, bit 6 too low, bit 11 time fault.
    pub status: Option<u16>,
    /// What the person told about it.
    pub context: Option<Context>,
}

impl Measurement {
    /// A measurement from the finger without anything special.
    pub const fn plain(base_time: DateTime, concentration: Concentration) -> Self {
        Self {
            base_time,
            time_offset: None,
            concentration: Some(concentration),
            fluid: 1,
            location: 1,
            status: None,
            context: None,
        }
    }

    /// The value of a Glucose Measurement.
    pub fn bytes(&self, sequence: u16) -> Vec<u8> {
        let mut flags = 0;
        let mut bytes = sequence.to_le_bytes().to_vec();
        bytes.extend(date_time(self.base_time));
        if let Some(minutes) = self.time_offset {
            flags |= 0x01;
            bytes.extend(minutes.to_le_bytes());
        }
        if let Some(concentration) = self.concentration {
            flags |= 0x02;
            let (value, molar) = match concentration {
                Concentration::TenthsOfMillimolar(tenths) => (Sfloat::new(tenths, -4), true),
                Concentration::MilligramsPerDecilitre(milligrams) => (Sfloat::new(milligrams, -5), false),
                Concentration::Molar(value) => (value, true),
            };
            flags |= if molar { 0x04 } else { 0 };
            bytes.extend(value.bytes());
            bytes.push(self.location << 4 | self.fluid);
        }
        if let Some(status) = self.status {
            flags |= 0x08;
            bytes.extend(status.to_le_bytes());
        }
        if self.context.is_some() {
            flags |= 0x10;
        }
        bytes.insert(0, flags);
        bytes
    }
}

impl Context {
    /// The value of a Glucose Measurement Context.
    pub fn bytes(&self, sequence: u16) -> Vec<u8> {
        let mut flags = 0;
        let mut bytes = sequence.to_le_bytes().to_vec();
        if let Some((kind, grams)) = self.carbohydrate {
            flags |= 0x01;
            bytes.push(kind);
            bytes.extend(Sfloat::new(grams, -3).bytes());
        }
        if let Some(meal) = self.meal {
            flags |= 0x02;
            bytes.push(meal);
        }
        if let Some((seconds, percent)) = self.exercise {
            flags |= 0x08;
            bytes.extend(seconds.to_le_bytes());
            bytes.push(percent);
        }
        if let Some((kind, milligrams)) = self.medication {
            flags |= 0x10;
            bytes.push(kind);
            bytes.extend(Sfloat::new(milligrams, -6).bytes());
        }
        if let Some(tenths) = self.hba1c {
            flags |= 0x40;
            bytes.extend(Sfloat::new(tenths, -1).bytes());
        }
        bytes.insert(0, flags);
        bytes
    }
}

impl racp::Record for Measurement {
    fn frames(&self, sequence: u16) -> Vec<(Uuid, Vec<u8>)> {
        let context = self.context.map(|context| (CONTEXT, context.bytes(sequence)));
        [(MEASUREMENT, self.bytes(sequence))].into_iter().chain(context).collect()
    }
}

/// A glucose meter in range.
pub type GlucoseMeter = Meter<Glucometer>;

/// The inside of a [`GlucoseMeter`].
#[derive(Debug)]
pub struct Glucometer {
    memory: RecordAccess<Measurement>,
    next_sequence: u16,
    clock: Clock,
    calls: bool,
}

impl GlucoseMeter {
    /// Brings a meter into range, with this clock and an empty memory.
    pub fn switch_on(bluez: &Bluez, setup: &Setup, clock: Clock) -> Self {
        let encrypted = |characteristic: Characteristic| characteristic.needing(Security::Encrypted);
        let control_point = Characteristic::control_point(CONTROL_POINT);
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    encrypted(Characteristic::notifying(MEASUREMENT)),
                    encrypted(Characteristic::notifying(CONTEXT)),
                    // Low battery, result range, time fault and several bonds are supported.
                    Characteristic::readable(FEATURE, 0b0000_0110_0010_0001_u16.to_le_bytes()),
                    encrypted(control_point.configured_first(IMPROPERLY_CONFIGURED)),
                ],
            },
            battery(64),
            information("GM-55"),
        ];
        let memory = RecordAccess::new(Profile { selects: true });
        let firmware = Glucometer { memory, next_sequence: 1, clock, calls: false };
        Self::bring(bluez, setup, "GM-55", services, firmware)
    }
}

impl Glucometer {
    /// Takes a measurement with these properties and calls for the gateway; gives its sequence number.
    pub fn measure(&mut self, measurement: Measurement) -> u16 {
        let sequence = self.next_sequence;
        self.memory.store(sequence, measurement);
        self.next_sequence = sequence.wrapping_add(1);
        self.calls = true;
        sequence
    }

    /// The same from the finger, at what its clock shows.
    pub fn measure_now(&mut self, concentration: Concentration) -> u16 {
        self.measure(Measurement::plain(self.clock.now(), concentration))
    }

    /// Its user presses the Bluetooth button: it advertises until a link has come and gone.
    pub const fn call(&mut self) {
        self.calls = true;
    }

    /// Counts on from this number, as after years of use.
    pub const fn continue_at(&mut self, sequence: u16) {
        self.next_sequence = sequence;
    }

    /// The sequence numbers in its memory.
    pub fn memory(&self) -> Vec<u16> {
        self.memory.keys()
    }

    /// The sequence numbers that were deleted, in that order.
    pub fn deleted(&self) -> &[u16] {
        self.memory.deleted()
    }

    /// What was written to its Record Access Control Point.
    pub fn requests(&self) -> &[Vec<u8>] {
        self.memory.requests()
    }

    /// Its clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Firmware for Glucometer {
    const HANGS_UP_WHEN_IDLE: bool = true;

    fn calls(&self) -> bool {
        self.calls
    }

    fn hear(&mut self, event: Event, _link: &Link, radio: &Radio) {
        self.memory.hear(&event, radio);
        if event == Event::Disconnected {
            self.calls = false;
        }
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        self.memory.act(link, radio)
    }
}
