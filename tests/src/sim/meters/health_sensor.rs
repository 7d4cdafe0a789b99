//! A generic health sensor: it says by itself what it observes, live and from its memory, in segments; its clock counts
//! seconds.
//!
//! Bytes follow the Generic Health Sensor Service 1.0 and the Elapsed Time Service 1.0.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::{SignedDuration, civil::DateTime, civil::date};
use uuid::Uuid;

use super::{
    Firmware, Link, Meter, Setup, battery, clock::Clock, information, racp::CONTROL_POINT, values::Float,
};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Security, Service, uuid16};

/// The Generic Health Sensor service.
pub const SERVICE: Uuid = uuid16(0x1840);
/// The Live Health Observations characteristic.
pub const LIVE: Uuid = uuid16(0x2B8B);
/// The Stored Health Observations characteristic.
pub const STORED: Uuid = uuid16(0x2BDD);
/// The Current Elapsed Time characteristic of the service of that name.
pub const ELAPSED_TIME: Uuid = uuid16(0x2BF2);
/// The GHS Control Point characteristic.
pub const GHS_CONTROL_POINT: Uuid = uuid16(0x2BF4);

/// Between two segments: a short connection interval.
const PACE: Duration = Duration::from_millis(5);
/// How often the readable clock is brought up to date.
const SECOND: Duration = Duration::from_secs(1);
/// What a notification of the smallest ATT MTU has room for beside the segmentation header.
const SEGMENT: usize = 19;

/// What was observed: a number, what of and in which unit, as codes of ISO/IEEE 11073-10101.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quantity {
    /// What: an MDC code with its partition.
    pub kind: u32,
    /// The term of the unit in the partition of dimensions.
    pub unit: u16,
    /// How much.
    pub value: Float,
}

impl Quantity {
    /// An oxygen saturation in percent: `MDC_PULS_OXIM_SAT_O2`, `MDC_DIM_PERCENT`.
    pub const fn saturation(percent: i32) -> Self {
        Self { kind: 150_456, unit: 544, value: Float::new(percent, 0) }
    }
}

/// An observation, with what the clock showed and which timeline that was on.
#[derive(Clone, Copy, Debug)]
struct Observation {
    quantity: Quantity,
    taken: DateTime,
    timeline: u32,
}

/// A sensor in range.
pub type HealthSensor = Meter<Sensor>;

/// The inside of a [`HealthSensor`].
#[derive(Debug)]
pub struct Sensor {
    clock: Clock,
    /// A clock that is set begins another.
    timeline: u32,
    memory: BTreeMap<u32, Observation>,
    next_record: u32,
    /// Whether live observations were asked for on this link.
    started: bool,
    live: VecDeque<Observation>,
    /// The segments that a running report still has to send, and of how many records.
    report: Option<(VecDeque<Vec<u8>>, u32)>,
    requests: Vec<Vec<u8>>,
    /// Counts the segments of both characteristics.
    segments: [u8; 2],
    /// After how many segments of a report it loses the link, once.
    cut: Option<usize>,
}

impl HealthSensor {
    /// Brings a sensor into range with this clock, which counts UTC.
    pub fn switch_on(bluez: &Bluez, setup: &Setup, clock: Clock) -> Self {
        let encrypted = |characteristic: Characteristic| characteristic.needing(Security::Encrypted);
        // One kind of observation: oxygen saturation.
        let features = [&[0, 1][..], &150_456_u32.to_le_bytes()].concat();
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    encrypted(Characteristic::notifying(STORED)),
                    encrypted(Characteristic::notifying(LIVE)),
                    encrypted(Characteristic::readable(uuid16(0x2BF3), features)),
                    encrypted(Characteristic::control_point(GHS_CONTROL_POINT)),
                    encrypted(Characteristic::control_point(CONTROL_POINT)),
                ],
            },
            Service {
                uuid: uuid16(0x183F),
                characteristics: vec![
                    encrypted(Characteristic::readable(ELAPSED_TIME, []))
                        .with_flags(&["read", "write", "indicate"]),
                ],
            },
            battery(81),
            information("GHS-1"),
        ];
        let firmware = Sensor {
            clock,
            timeline: 0,
            memory: BTreeMap::new(),
            next_record: 1,
            started: false,
            live: VecDeque::new(),
            report: None,
            requests: Vec::new(),
            segments: [0; 2],
            cut: None,
        };
        Self::bring(bluez, setup, "GHS-1", services, firmware)
    }
}

impl Sensor {
    /// Observes something so long ago and keeps it; gives its record number.
    pub fn store(&mut self, quantity: Quantity, ago: SignedDuration) -> u32 {
        let taken = self.clock.now().saturating_sub(ago);
        let number = self.next_record;
        self.memory.insert(number, Observation { quantity, taken, timeline: self.timeline });
        self.next_record = number.wrapping_add(1);
        number
    }

    /// Observes something now, and tells it as soon as somebody asks for live observations.
    pub fn observe(&mut self, quantity: Quantity) {
        let (taken, timeline) = (self.clock.now(), self.timeline);
        self.live.push_back(Observation { quantity, taken, timeline });
    }

    /// Goes out of range of a sudden after so many segments of the next report.
    pub const fn lose_link_after(&mut self, segments: usize) {
        self.cut = Some(segments);
    }

    /// Whether it still is to go out of range.
    pub const fn is_to_lose_link(&self) -> bool {
        self.cut.is_some()
    }

    /// Whether live observations were asked for on this link.
    pub const fn is_started(&self) -> bool {
        self.started
    }

    /// What was written to its Record Access Control Point.
    pub fn requests(&self) -> &[Vec<u8>] {
        &self.requests
    }

    /// Its clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// An Elapsed Time (GATT Specification Supplement): flags, count, who set it, zone. UTC, in seconds.
    fn stamp(&self, shown: DateTime, timeline: u32) -> [u8; 9] {
        const UTC: u8 = 1 << 1;
        const CURRENT_TIMELINE: u8 = 1 << 5;
        const NETWORK: u8 = 1;
        let count = shown.duration_since(date(2000, 1, 1).at(0, 0, 0, 0)).as_secs();
        let [a, b, c, d, e, f, ..] = count.to_le_bytes();
        let current = if timeline == self.timeline { CURRENT_TIMELINE } else { 0 };
        let set_by = if timeline > 0 { NETWORK } else { 0 };
        [UTC | current, a, b, c, d, e, f, set_by, 0]
    }

    /// A numeric observation with its type and time stamp: class, length, flags, and what they announce.
    fn bytes(&self, observation: &Observation) -> Vec<u8> {
        let Observation { quantity, taken, timeline } = *observation;
        let mut body = vec![0b11, 0];
        body.extend(quantity.kind.to_le_bytes());
        body.extend(self.stamp(taken, timeline));
        body.extend(quantity.unit.to_le_bytes());
        body.extend(quantity.value.bytes());
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_le_bytes();
        [&[1][..], &length, &body].concat()
    }

    /// The value in segments: each with whether it is the first, whether the last, and a count to 63.
    fn split(&mut self, characteristic: Uuid, value: &[u8]) -> Vec<Vec<u8>> {
        let pieces: Vec<_> = value.chunks(SEGMENT).collect();
        let counter = &mut self.segments[usize::from(characteristic == LIVE)];
        let last = pieces.len() - 1;
        let mut segments = Vec::new();
        for (place, piece) in pieces.into_iter().enumerate() {
            let header = u8::from(place == 0) | u8::from(place == last) << 1 | *counter << 2;
            segments.push([&[header], piece].concat());
            *counter = (*counter + 1) % 64;
        }
        segments
    }

    /// The Record Access Control Point, as far as a sensor needs it that deletes nothing.
    fn perform(&mut self, request: &[u8], radio: &Radio) {
        const ABORT: u8 = 3;
        const COUNT: u8 = 4;
        const COMBINED: u8 = 7;
        self.requests.push(request.to_vec());
        let (op, least) = match *request {
            [ABORT, 0] => {
                self.report = None;
                radio.indicate(CONTROL_POINT, [6, 0, ABORT, 1]);
                return;
            }
            [op @ (COUNT | COMBINED), 1] => (op, 0),
            // At least this record number, which is filter type 1.
            [op @ (COUNT | COMBINED), 3, 1, a, b, c, d] => (op, u32::from_le_bytes([a, b, c, d])),
            [op, ..] => {
                radio.indicate(CONTROL_POINT, [6, 0, op, 2]);
                return;
            }
            [] => return,
        };
        let selected: Vec<_> = self.memory.range(least..).map(|(number, kept)| (*number, *kept)).collect();
        let count = u32::try_from(selected.len()).unwrap_or(u32::MAX);
        if op == COUNT {
            radio.indicate(CONTROL_POINT, number(5, count));
        } else if selected.is_empty() {
            radio.indicate(CONTROL_POINT, [6, 0, COMBINED, 6]);
        } else {
            let mut segments = VecDeque::new();
            for (record, kept) in selected {
                let value = [&record.to_le_bytes()[..], &self.bytes(&kept)].concat();
                segments.extend(self.split(STORED, &value));
            }
            self.report = Some((segments, count));
        }
    }

    /// Sends the next segment of a running report, or that it is done.
    fn go_on(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        let (segments, count) = self.report.as_mut()?;
        link.touch();
        if self.cut == Some(0) {
            (self.cut, self.report) = (None, None);
            radio.lose_link();
            return None;
        }
        if let Some(segment) = segments.pop_front() {
            radio.indicate(STORED, segment);
            self.cut = self.cut.map(|left| left - 1);
            return Some(PACE);
        }
        let done = number(8, *count);
        self.report = None;
        radio.indicate(CONTROL_POINT, done);
        None
    }
}

fn number(op: u8, count: u32) -> Vec<u8> {
    [&[op, 0][..], &count.to_le_bytes()].concat()
}

impl Firmware for Sensor {
    fn calls(&self) -> bool {
        true
    }

    fn hear(&mut self, event: Event, _link: &Link, radio: &Radio) {
        const START: u8 = 0x01;
        const SUCCESS: u8 = 0x80;
        const BUSY: u8 = 0x81;
        match event {
            Event::Written(CONTROL_POINT, request) => self.perform(&request, radio),
            Event::Written(GHS_CONTROL_POINT, request) if request == [START] => {
                self.started = self.report.is_none();
                radio.indicate(GHS_CONTROL_POINT, [if self.started { SUCCESS } else { BUSY }]);
            }
            Event::Written(ELAPSED_TIME, bytes) => {
                if let [_, a, b, c, d, e, f, _, _] = bytes[..] {
                    let seconds = i64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
                    let shown = date(2000, 1, 1).at(0, 0, 0, 0);
                    self.clock.set(shown.saturating_add(SignedDuration::from_secs(seconds)));
                    self.timeline += 1;
                }
            }
            Event::Disconnected => (self.started, self.report) = (false, None),
            Event::Connected
            | Event::Subscribed(_)
            | Event::Unsubscribed(_)
            | Event::Written(..)
            | Event::Passkey(_)
            | Event::PasskeyWanted
            | Event::Paired
            | Event::PairingFailed => {}
        }
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        // Set once, it says no more that it needs to be; it minds neither daylight saving nor zones.
        let status = u8::from(self.clock.was_set().is_none());
        let shown = self.stamp(self.clock.now(), self.timeline);
        radio.set_value(ELAPSED_TIME, [&shown[..], &[status, 0]].concat());
        if let Some(again) = self.go_on(link, radio) {
            return Some(again);
        }
        while self.started
            && link.subscribed(LIVE)
            && let Some(observation) = self.live.pop_front()
        {
            let value = self.bytes(&observation);
            for segment in self.split(LIVE, &value) {
                radio.indicate(LIVE, segment);
            }
        }
        link.is_connected().then_some(SECOND)
    }
}
