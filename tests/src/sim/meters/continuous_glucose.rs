//! A continuous glucose sensor: a session of days, a value every few minutes, live and from its memory.
//!
//! Bytes follow the Continuous Glucose Monitoring Service 1.0.1.

use std::time::Duration;

use jiff::civil::DateTime;
use uuid::Uuid;

use super::{
    Firmware, Link, Meter, Setup, battery, information,
    racp::{self, Profile, RecordAccess},
    values::{Sfloat, date_time, read_date_time},
};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Security, Service, uuid16};

/// The Continuous Glucose Monitoring service.
pub const SERVICE: Uuid = uuid16(0x181F);
/// The CGM Measurement characteristic.
pub const MEASUREMENT: Uuid = uuid16(0x2AA7);
/// The CGM Session Start Time characteristic.
pub const SESSION_START: Uuid = uuid16(0x2AAA);
/// The CGM Specific Ops Control Point characteristic.
pub const OPS_CONTROL_POINT: Uuid = uuid16(0x2AAC);
const FEATURE: Uuid = uuid16(0x2AA8);
const STATUS: Uuid = uuid16(0x2AA9);
const RUN_TIME: Uuid = uuid16(0x2AAB);
/// Core specification supplement, part B: the control point's indications are not configured.
const IMPROPERLY_CONFIGURED: u8 = 0xFD;

/// One value of the sensor (§3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Glucose {
    /// mg/dL.
    pub concentration: Sfloat,
    /// mg/dL a minute.
    pub trend: Option<Sfloat>,
    /// Percent.
    pub quality: Option<Sfloat>,
    /// Sensor Status Annunciation: status, calibration and temperature, warning. An octet of zeros is not sent.
    pub annunciation: [u8; 3],
}

impl Glucose {
    /// A value without anything special, in mg/dL.
    pub fn plain(milligrams: u16) -> Self {
        let concentration = Sfloat::whole(milligrams);
        Self { concentration, trend: None, quality: None, annunciation: [0; 3] }
    }

    /// The value of a CGM Measurement, `minutes` after the session's start.
    pub fn bytes(&self, minutes: u16, with_crc: bool) -> Vec<u8> {
        let [status, calibration, warning] = self.annunciation;
        let mut flags = u8::from(self.trend.is_some()) | u8::from(self.quality.is_some()) << 1;
        let mut rest = self.concentration.bytes().to_vec();
        rest.extend(minutes.to_le_bytes());
        for (octet, flag) in [(status, 0x80), (calibration, 0x40), (warning, 0x20)] {
            if octet != 0 {
                flags |= flag;
                rest.push(octet);
            }
        }
        rest.extend([self.trend, self.quality].into_iter().flatten().flat_map(Sfloat::bytes));
        // The size counts itself, the flags and the checksum.
        let size = 2 + rest.len() + if with_crc { 2 } else { 0 };
        let mut bytes = vec![u8::try_from(size).unwrap_or(u8::MAX), flags];
        bytes.extend(rest);
        sealed(bytes, with_crc)
    }
}

/// The checksum of §3.11: polynomial 0x1021, seed 0xFFFF, the least significant bit first.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc: u16, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

pub(super) fn sealed(mut bytes: Vec<u8>, with_crc: bool) -> Vec<u8> {
    if with_crc {
        let crc = crc(&bytes);
        bytes.extend(crc.to_le_bytes());
    }
    bytes
}

#[derive(Debug)]
struct Stored {
    value: Glucose,
    with_crc: bool,
}

impl racp::Record for Stored {
    fn frames(&self, minutes: u16) -> Vec<(Uuid, Vec<u8>)> {
        vec![(MEASUREMENT, self.value.bytes(minutes, self.with_crc))]
    }
}

/// A sensor in range.
pub type ContinuousGlucoseSensor = Meter<Sensor>;

/// The inside of a [`ContinuousGlucoseSensor`].
#[derive(Debug)]
pub struct Sensor {
    memory: RecordAccess<Stored>,
    with_crc: bool,
    /// Minutes since the session began; none before and after.
    session: Option<u16>,
    /// When it began, once it was told the time.
    started: Option<DateTime>,
    /// Live values that are still to be notified.
    live: Vec<Vec<u8>>,
    bad_checksums: usize,
}

impl ContinuousGlucoseSensor {
    /// Brings a sensor into range whose session has not begun.
    pub fn switch_on(bluez: &Bluez, setup: &Setup, with_crc: bool) -> Self {
        let encrypted = |characteristic: Characteristic| characteristic.needing(Security::Encrypted);
        let control_point =
            |uuid| encrypted(Characteristic::control_point(uuid).configured_first(IMPROPERLY_CONFIGURED));
        // Low battery, several sessions, trend, quality and, as asked, the checksum; then interstitial fluid below
        // the skin.
        let feature = vec![0x00, if with_crc { 0xD2 } else { 0xC2 }, 0x01, 0x59];
        let feature = match with_crc {
            true => sealed(feature, true),
            // §3.2: the field stands there all the same.
            false => [feature, vec![0xFF, 0xFF]].concat(),
        };
        let services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    encrypted(Characteristic::notifying(MEASUREMENT)),
                    encrypted(Characteristic::readable(FEATURE, feature)),
                    encrypted(Characteristic::readable(STATUS, [])),
                    encrypted(Characteristic::readable(SESSION_START, []).with_flags(&["read", "write"])),
                    // Fourteen days.
                    encrypted(Characteristic::readable(
                        RUN_TIME,
                        sealed(336_u16.to_le_bytes().to_vec(), with_crc),
                    )),
                    control_point(racp::CONTROL_POINT),
                    control_point(OPS_CONTROL_POINT),
                ],
            },
            battery(73),
            information("CGM-14"),
        ];
        let memory = RecordAccess::new(Profile { selects: true });
        let live = Vec::new();
        let firmware = Sensor { memory, with_crc, session: None, started: None, live, bad_checksums: 0 };
        Self::bring(bluez, setup, "CGM-14", services, firmware)
    }
}

impl Sensor {
    /// The session runs for so many minutes already.
    pub const fn run_session(&mut self, minutes: u16) {
        self.session = Some(minutes);
    }

    /// So many minutes later it has a value, which it keeps and notifies.
    pub fn measure_after(&mut self, minutes: u16, value: Glucose) {
        let Some(session) = self.session.as_mut() else { return };
        *session = session.saturating_add(minutes);
        let with_crc = self.with_crc;
        self.memory.store(*session, Stored { value, with_crc });
        self.live.push(value.bytes(*session, with_crc));
    }

    /// Minutes since the session began, while it runs.
    pub const fn session(&self) -> Option<u16> {
        self.session
    }

    /// The session's start as the other side told it.
    pub const fn started(&self) -> Option<DateTime> {
        self.started
    }

    /// The minutes of the values in its memory.
    pub fn memory(&self) -> Vec<u16> {
        self.memory.keys()
    }

    /// What was written to its Record Access Control Point.
    pub fn requests(&self) -> &[Vec<u8>] {
        self.memory.requests()
    }

    /// How many writes came with a wrong checksum or none. They change nothing.
    pub const fn bad_checksums(&self) -> usize {
        self.bad_checksums
    }

    /// §3.8: starts and stops the session, all else is not supported.
    fn operate(&mut self, request: &[u8]) -> Vec<u8> {
        const SUCCESS: u8 = 1;
        const NOT_SUPPORTED: u8 = 2;
        const NOT_COMPLETED: u8 = 4;
        let (op, code) = match (request, self.session) {
            (&[0x1A], None) => {
                (self.session, self.started) = (Some(0), None);
                (0x1A, SUCCESS)
            }
            (&[0x1B], Some(_)) => {
                self.session = None;
                (0x1B, SUCCESS)
            }
            (&[op @ (0x1A | 0x1B)], _) => (op, NOT_COMPLETED),
            (&[op, ..], _) => (op, NOT_SUPPORTED),
            ([], _) => (0, NOT_SUPPORTED),
        };
        vec![0x1C, op, code]
    }

    /// The request without its checksum; none where that is wrong. A real sensor refuses the write itself.
    fn opened(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let opened = if self.with_crc {
            request.split_last_chunk().filter(|(body, end)| crc(body).to_le_bytes() == **end).map(|it| it.0)
        } else {
            Some(request)
        };
        self.bad_checksums += usize::from(opened.is_none());
        opened.map(<[u8]>::to_vec)
    }

    fn show(&self, radio: &Radio) {
        let mut status = self.session.unwrap_or_default().to_le_bytes().to_vec();
        // Bit 0: session stopped.
        status.extend([u8::from(self.session.is_none()), 0, 0]);
        radio.set_value(STATUS, sealed(status, self.with_crc));
        let mut start = self.started.map_or([0; 7], date_time).to_vec();
        // Neither time zone (-128) nor daylight saving (255) is known to it.
        start.extend([0x80, 0xFF]);
        radio.set_value(SESSION_START, sealed(start, self.with_crc));
    }
}

impl Firmware for Sensor {
    fn calls(&self) -> bool {
        true
    }

    fn hear(&mut self, event: Event, _link: &Link, radio: &Radio) {
        self.memory.hear(&event, radio);
        let Event::Written(characteristic, value) = event else { return };
        if ![OPS_CONTROL_POINT, SESSION_START].contains(&characteristic) {
            return;
        }
        let Some(value) = self.opened(&value) else { return };
        if characteristic == OPS_CONTROL_POINT {
            let response = self.operate(&value);
            radio.indicate(OPS_CONTROL_POINT, sealed(response, self.with_crc));
        } else {
            let ago = jiff::SignedDuration::from_mins(self.session.unwrap_or_default().into());
            self.started = read_date_time(&value).map(|now| now.saturating_sub(ago));
        }
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        self.show(radio);
        for value in std::mem::take(&mut self.live) {
            // What nobody hears stays in the memory.
            if link.subscribed(MEASUREMENT) {
                radio.indicate(MEASUREMENT, value);
            }
        }
        self.memory.act(link, radio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-16/MCRF4XX in the catalogue of parametrised CRC algorithms: its check value.
    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        assert_eq!(crc(b"123456789"), 0x6F91);
    }

    #[test]
    fn the_bytes_stand_where_the_specification_puts_them() {
        let value =
            Glucose { trend: Some(Sfloat::new(-12, -1)), annunciation: [1, 0, 4], ..Glucose::plain(104) };
        let expected = [10, 0b1010_0001, 104, 0, 0x2C, 1, 1, 4, 0xF4, 0xFF];
        assert_eq!(value.bytes(300, false), expected);
        let sealed = value.bytes(300, true);
        assert_eq!((sealed[0], sealed.len(), crc(&sealed)), (12, 12, 0));
    }
}
