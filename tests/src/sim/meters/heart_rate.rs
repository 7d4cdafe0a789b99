//! A heart rate belt: it notifies each second while it is worn, and keeps nothing.
//!
//! Bytes follow the Heart Rate Service 1.0.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Firmware, Link, Meter, Setup, battery, information};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Service, uuid16};

/// The Heart Rate service.
pub const SERVICE: Uuid = uuid16(0x180D);
/// The Heart Rate Measurement characteristic.
pub const MEASUREMENT: Uuid = uuid16(0x2A37);
/// The Heart Rate Control Point characteristic.
pub const CONTROL_POINT: Uuid = uuid16(0x2A39);
const SECOND: Duration = Duration::from_secs(1);

/// What the belt tells in one notification.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Beat {
    /// Beats per minute; two bytes are sent where one does not hold it.
    pub rate: u16,
    /// Whether the electrodes touch the skin, where the belt can tell.
    pub contact: Option<bool>,
    /// Energy expended since the last reset, in kJ.
    pub energy: Option<u16>,
    /// Intervals between beats in 1/1024 s, oldest first.
    pub intervals: Vec<u16>,
}

impl Beat {
    /// The value of a Heart Rate Measurement (§3.1).
    pub fn bytes(&self) -> Vec<u8> {
        let wide = self.rate > 0xFF;
        let contact = match self.contact {
            None => 0b00,
            Some(false) => 0b10,
            Some(true) => 0b11,
        };
        let flags = u8::from(wide)
            | contact << 1
            | u8::from(self.energy.is_some()) << 3
            | u8::from(!self.intervals.is_empty()) << 4;
        let mut bytes = vec![flags];
        bytes.extend(self.rate.to_le_bytes().into_iter().take(if wide { 2 } else { 1 }));
        bytes.extend(self.energy.into_iter().flat_map(u16::to_le_bytes));
        bytes.extend(self.intervals.iter().copied().flat_map(u16::to_le_bytes));
        bytes
    }
}

/// A belt in range.
pub type HeartRateBelt = Meter<Belt>;

/// The inside of a [`HeartRateBelt`].
#[derive(Debug, Default)]
pub struct Belt {
    worn: Option<Beat>,
    sent: usize,
    energy_resets: usize,
    next: Option<Instant>,
}

impl HeartRateBelt {
    /// Brings a belt into range that nobody wears.
    pub fn switch_on(bluez: &Bluez, setup: &Setup) -> Self {
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    Characteristic::notifying(MEASUREMENT),
                    // On the chest.
                    Characteristic::readable(uuid16(0x2A38), [1]),
                    Characteristic::writable(CONTROL_POINT),
                ],
            },
            battery(100),
            information("HB-1"),
        ];
        Self::bring(bluez, setup, "HB-1", services, Belt::default())
    }
}

impl Belt {
    /// Somebody puts it on, whose heart gives this each second; or takes it off.
    pub fn wear(&mut self, beat: Option<Beat>) {
        self.worn = beat;
    }

    /// How many notifications have gone out.
    pub const fn sent(&self) -> usize {
        self.sent
    }

    /// How often its count of energy was set to zero.
    pub const fn energy_resets(&self) -> usize {
        self.energy_resets
    }
}

impl Firmware for Belt {
    fn calls(&self) -> bool {
        self.worn.is_some()
    }

    fn hear(&mut self, event: Event, _link: &Link, _radio: &Radio) {
        if event == Event::Written(CONTROL_POINT, vec![1]) {
            self.energy_resets += 1;
            if let Some(energy) = self.worn.as_mut().and_then(|beat| beat.energy.as_mut()) {
                *energy = 0;
            }
        }
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        let beat = self.worn.as_ref().filter(|_| link.subscribed(MEASUREMENT))?;
        let now = Instant::now();
        let due = *self.next.get_or_insert(now);
        if due > now {
            return Some(due - now);
        }
        self.next = Some(now + SECOND);
        if radio.indicate(MEASUREMENT, beat.bytes()) {
            self.sent += 1;
        }
        Some(SECOND)
    }
}
