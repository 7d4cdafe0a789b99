//! A finger pulse oximeter: it streams while a finger is in it and keeps spot checks.
//!
//! Bytes follow the Pulse Oximeter Service 1.0.1.

use std::time::Duration;

use jiff::civil::DateTime;
use uuid::Uuid;

use super::{
    Firmware, Link, Meter, Setup, battery, information,
    outbox::Outbox,
    racp::{self, CONTROL_POINT, Profile, RecordAccess},
    values::{Sfloat, date_time},
};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Security, Service, uuid16};

/// The Pulse Oximeter service.
pub const SERVICE: Uuid = uuid16(0x1822);
/// The PLX Spot-Check Measurement characteristic.
pub const SPOT_CHECK: Uuid = uuid16(0x2A5E);
/// The PLX Continuous Measurement characteristic.
pub const CONTINUOUS: Uuid = uuid16(0x2A5F);
const FEATURES: Uuid = uuid16(0x2A60);
/// Core specification supplement, part B: the control point's indications are not configured.
const IMPROPERLY_CONFIGURED: u8 = 0xFD;
/// Between two values of the stream.
const SECOND: Duration = Duration::from_secs(1);

/// One value of saturation and pulse with what the sensor says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Saturation {
    /// Oxygen saturation in percent.
    pub spo2: Sfloat,
    /// Pulse rate in beats per minute.
    pub pulse: Sfloat,
    /// Measurement Status: bit 5 ongoing, bit 7 validated, bit 14 questionable.
    pub status: Option<u16>,
    /// Device and Sensor Status, 24 bits: bit 0 extended display, bit 3 low perfusion, bit 13 sensor displaced.
    pub sensor: Option<u32>,
    /// Pulse amplitude index in percent.
    pub amplitude: Option<Sfloat>,
}

impl Saturation {
    /// A good value.
    pub fn plain(spo2: u16, pulse: u16) -> Self {
        let [spo2, pulse] = [spo2, pulse].map(Sfloat::whole);
        Self { spo2, pulse, status: None, sensor: None, amplitude: None }
    }

    /// The value of a PLX Continuous Measurement (§3.3) without fast and slow averages.
    pub fn continuous(&self) -> Vec<u8> {
        let mut bytes = vec![self.flags(0x04, 0x08, 0x10)];
        bytes.extend(self.spo2.bytes());
        bytes.extend(self.pulse.bytes());
        self.extend(&mut bytes);
        bytes
    }

    /// The value of a PLX Spot-Check Measurement (§3.2), with the time where the device has one.
    pub fn spot_check(&self, taken: Option<DateTime>, clock_is_set: bool) -> Vec<u8> {
        let mut flags = self.flags(0x02, 0x04, 0x08);
        flags |= if taken.is_some() { 0x01 } else { 0 };
        flags |= if clock_is_set { 0 } else { 0x10 };
        let mut bytes = vec![flags];
        bytes.extend(self.spo2.bytes());
        bytes.extend(self.pulse.bytes());
        bytes.extend(taken.into_iter().flat_map(date_time));
        self.extend(&mut bytes);
        bytes
    }

    fn flags(&self, status: u8, sensor: u8, amplitude: u8) -> u8 {
        let given = [
            (self.status.is_some(), status),
            (self.sensor.is_some(), sensor),
            (self.amplitude.is_some(), amplitude),
        ];
        given.into_iter().filter(|(given, _)| *given).fold(0, |flags, (_, flag)| flags | flag)
    }

    fn extend(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.status.into_iter().flat_map(u16::to_le_bytes));
        bytes.extend(self.sensor.into_iter().flat_map(|status| {
            let [a, b, c, _] = status.to_le_bytes();
            [a, b, c]
        }));
        bytes.extend(self.amplitude.into_iter().flat_map(Sfloat::bytes));
    }
}

/// A spot check in the memory.
#[derive(Debug)]
struct SpotCheck(Vec<u8>);

impl racp::Record for SpotCheck {
    fn frames(&self, _key: u16) -> Vec<(Uuid, Vec<u8>)> {
        vec![(SPOT_CHECK, self.0.clone())]
    }
}

/// A pulse oximeter in range.
pub type PulseOximeter = Meter<Oximeter>;

/// The inside of a [`PulseOximeter`].
#[derive(Debug)]
pub struct Oximeter {
    memory: RecordAccess<SpotCheck>,
    taken: u16,
    /// Spot checks that go to whoever subscribes.
    fresh: Outbox,
    finger: Option<Saturation>,
    streamed: usize,
    calls: bool,
    next: Option<tokio::time::Instant>,
}

impl PulseOximeter {
    /// Brings an oximeter into range with an empty memory and no finger in it.
    pub fn switch_on(bluez: &Bluez, setup: &Setup) -> Self {
        let encrypted = |characteristic: Characteristic| characteristic.needing(Security::Encrypted);
        let control_point = Characteristic::control_point(CONTROL_POINT);
        // Measurement status, sensor status, stored spot checks, time stamp, amplitude index; then what the two
        // status fields support.
        let features = [0b0100_1111, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0x00];
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    encrypted(Characteristic::indicating(SPOT_CHECK)),
                    encrypted(Characteristic::notifying(CONTINUOUS)),
                    Characteristic::readable(FEATURES, features),
                    encrypted(control_point.configured_first(IMPROPERLY_CONFIGURED)),
                ],
            },
            battery(91),
            information("PO-3"),
        ];
        let firmware = Oximeter {
            memory: RecordAccess::new(Profile { selects: false }),
            taken: 0,
            fresh: Outbox::default(),
            finger: None,
            streamed: 0,
            calls: false,
            next: None,
        };
        Self::bring(bluez, setup, "PO-3", services, firmware)
    }
}

impl Oximeter {
    /// Takes a spot check, indicates it to whoever connects, and hangs up.
    pub fn spot_check(&mut self, value: &Saturation, taken: Option<DateTime>, clock_is_set: bool) {
        self.fresh.push(SPOT_CHECK, value.spot_check(taken, clock_is_set));
    }

    /// Takes a spot check into the memory, from which it goes through the Record Access Control Point alone.
    pub fn store(&mut self, value: &Saturation, taken: DateTime) {
        self.taken += 1;
        self.memory.store(self.taken, SpotCheck(value.spot_check(Some(taken), true)));
        self.calls = true;
    }

    /// A finger is in it, giving this each second; or none is any more.
    pub const fn finger(&mut self, value: Option<Saturation>) {
        self.finger = value;
    }

    /// How many values it has streamed.
    pub const fn streamed(&self) -> usize {
        self.streamed
    }

    /// How many spot checks wait to be indicated.
    pub fn waiting(&self) -> usize {
        self.fresh.waiting()
    }

    /// How many spot checks are in its memory.
    pub fn stored(&self) -> usize {
        self.memory.keys().len()
    }

    /// What was written to its Record Access Control Point.
    pub fn requests(&self) -> &[Vec<u8>] {
        self.memory.requests()
    }
}

impl Firmware for Oximeter {
    fn calls(&self) -> bool {
        self.calls || self.finger.is_some() || self.fresh.waiting() > 0
    }

    fn hear(&mut self, event: Event, _link: &Link, radio: &Radio) {
        self.memory.hear(&event, radio);
        if event == Event::Disconnected {
            self.calls = false;
        }
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        self.fresh.hand_over(link, radio);
        if let Some(pace) = self.memory.act(link, radio) {
            return Some(pace);
        }
        let value = self.finger.filter(|_| link.subscribed(CONTINUOUS))?;
        let now = tokio::time::Instant::now();
        let due = *self.next.get_or_insert(now);
        if due > now {
            return Some(due - now);
        }
        self.next = Some(now + SECOND);
        if radio.indicate(CONTINUOUS, value.continuous()) {
            self.streamed += 1;
            link.touch();
        }
        Some(SECOND)
    }
}
