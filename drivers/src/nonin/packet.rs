//! Frames of formats 2 and 7, the packets they make, and the packets of format 8.

use crate::nonin::framing::Packet;
use crate::nonin::oximetry::{Oximetry, Signal};
use crate::scan::Found;
use crate::{FrameError, Problem};

/// One of the 25 frames of a packet, without its waveform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    status: u8,
    /// The packet's byte at this frame's place.
    float: u8,
}

/// The frames of a packet so far.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    frames: Vec<Frame>,
    /// Where the first of them is in the stream of bytes.
    begun: usize,
}

/// How many frames make a packet.
const FRAMES: usize = 25;

/// The sums that are sent where there is no number.
const NO_PULSE_RATE: u16 = 511;
const NO_SPO2: u8 = 127;

/// Status bits of formats 2 and 7.
const ALWAYS: u8 = 1 << 7;
const SYNC: u8 = 1;

/// A frame of format 2: 01, status, waveform, float byte, sum.
pub(crate) fn format2(bytes: &[u8], offset: usize) -> Found<Frame> {
    match bytes {
        [1, status, ..] if status & ALWAYS == 0 => Found::out_of_step("status", offset),
        [1, status, _, float, sum, ..] => {
            checked(Frame { status: *status, float: *float }, bytes, *sum, offset)
        }
        [1, ..] => Found::Begun,
        _ => Found::out_of_step("start byte", offset),
    }
}

/// A frame of format 7: status, two bytes of waveform, float byte, sum.
pub(crate) fn format7(bytes: &[u8], offset: usize) -> Found<Frame> {
    match bytes {
        [status, ..] if status & ALWAYS == 0 => Found::out_of_step("status", offset),
        [status, _, _, float, sum, ..] => {
            checked(Frame { status: *status, float: *float }, bytes, *sum, offset)
        }
        _ => Found::Begun,
    }
}

fn checked(frame: Frame, bytes: &[u8], got: u8, offset: usize) -> Found<Frame> {
    let expected = bytes.iter().take(4).fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    if expected == got {
        return Found::Whole(frame, 5);
    }
    let problem = Problem::Checksum { expected: expected.into(), got: got.into() };
    Found::No(FrameError { field: "frame checksum", offset: offset.saturating_add(4), problem })
}

/// A packet of format 8: status, pulse rate, saturation, second status.
pub(crate) fn format8(bytes: &[u8], offset: usize) -> Found<Packet> {
    match bytes {
        [status, ..] if status & ALWAYS == 0 => Found::out_of_step("status", offset),
        [_, rest @ ..] if rest.iter().take(3).any(|byte| byte & ALWAYS != 0) => {
            Found::out_of_step("status", offset)
        }
        [status, pulse, spo2, second, ..] => {
            let has = |bit: u8| status >> bit & 1 == 1;
            let signal = Signal {
                sensor_disconnected: has(6),
                out_of_track: has(5),
                low_perfusion: has(4),
                marginal_perfusion: has(3),
                artifact: has(2),
                sensor_alarm: second >> 3 & 1 == 1,
                is_good: Some(second >> 5 & 1 == 1),
            };
            let oximetry = Oximetry {
                spo2: spo2_of(*spo2),
                pulse_rate: pulse_rate_of(*status, *pulse),
                signal,
                // Critical, or low.
                battery_is_low: Some(second & 0b11 != 0),
                ..Oximetry::default()
            };
            if !is_in_range(*spo2) {
                return Found::out_of_step("SpO2", offset.saturating_add(2));
            }
            Found::Whole(Packet { oximetry, is_kept: false }, 4)
        }
        _ => Found::Begun,
    }
}

impl Stream {
    /// Adds the frame that begins at `offset` of the stream, and gives the packet that it completes; or, where the next
    /// packet begins too soon or not at all, that one was lost. Frames before the first packet are passed over.
    pub(crate) fn take(&mut self, frame: Frame, offset: usize) -> Option<Result<Packet, FrameError>> {
        let begins = frame.status & SYNC != 0;
        let lost = begins && !self.frames.is_empty();
        if begins {
            let got = self.frames.len();
            self.frames.clear();
            self.frames.push(frame);
            self.begun = offset;
            let problem = Problem::Truncated { expected: FRAMES, got };
            return lost.then_some(Err(FrameError { field: "packet", offset, problem }));
        }
        if self.frames.is_empty() {
            return None;
        }
        self.frames.push(frame);
        (self.frames.len() == FRAMES).then(|| Ok(packet(&std::mem::take(&mut self.frames))))
    }

    /// That frames are missing of the packet that has begun.
    pub(crate) fn unended(&self) -> Option<FrameError> {
        let error = FrameError { field: "packet", offset: self.begun, problem: Problem::Unended };
        (!self.frames.is_empty()).then_some(error)
    }
}

/// The packet of 25 frames; each float byte by its place, from 1.
fn packet(frames: &[Frame]) -> Packet {
    let float = |place: usize| frames.get(place.saturating_sub(1)).map_or(0, |frame| frame.float);
    // Bits are set in single frames, those of the perfusion for one beat's length.
    let status = frames.iter().fold(0, |all, frame| all | frame.status);
    let has = |bit: u8| status >> bit & 1 == 1;
    let perfusions = |color: u8| frames.iter().any(|frame| frame.status >> 1 & 0b11 == color);
    let pulse_rate = |place| pulse_rate_of(float(place), float(place.saturating_add(1)));
    let spo2 = |place| spo2_of(float(place)).map(u16::from);
    let low_perfusion = perfusions(0b10);
    let oximetry = Oximetry {
        spo2: spo2_of(float(3)),
        pulse_rate: pulse_rate(1),
        signal: Signal {
            sensor_disconnected: has(6),
            artifact: has(5),
            out_of_track: has(4),
            sensor_alarm: has(3),
            low_perfusion,
            marginal_perfusion: perfusions(0b11) && !low_perfusion,
            is_good: None,
        },
        further: vec![
            ("spo2_display", spo2(9)),
            ("spo2_fast", spo2(10)),
            ("spo2_beat_to_beat", spo2(11)),
            ("pulse_rate_extended", pulse_rate(14)),
            ("spo2_extended", spo2(16)),
            ("spo2_extended_display", spo2(17)),
            ("pulse_rate_display", pulse_rate(20)),
            ("pulse_rate_extended_display", pulse_rate(22)),
            ("firmware_revision", Some(float(4).into())),
            ("timer", Some(u16::from(float(6) & 0x7F) << 7 | u16::from(float(7) & 0x7F))),
            ("second_status", Some(float(8).into())),
        ],
        ..Oximetry::default()
    };
    Packet { oximetry, is_kept: false }
}

/// Nine bits: the two highest in the low bits of one byte, the others in the next.
fn pulse_rate_of(high: u8, low: u8) -> Option<u16> {
    let rate = u16::from(high & 0b11) << 7 | u16::from(low & 0x7F);
    (rate != NO_PULSE_RATE).then_some(rate)
}

fn spo2_of(byte: u8) -> Option<u8> {
    Some(byte & 0x7F).filter(|spo2| *spo2 != NO_SPO2)
}

const fn is_in_range(spo2: u8) -> bool {
    spo2 <= 100 || spo2 == NO_SPO2
}

#[cfg(test)]
pub(crate) mod tests;
