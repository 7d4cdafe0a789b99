//! Format 13: one spot-check a packet, with the oximeter's own time.
//!
//! 00, STX, 00 0D, the length in two bytes, so many bytes, their sum, ETX. The bytes: century, year, month, day, hour,
//! minute, second and hundredths as decimal digits; two bytes of status; the pulse rate in two bytes; a reserved
//! byte; the saturation; and, where it is switched on, nine characters of the serial number.

use varde_wire::LocalTime;

use crate::cursor::Cursor;
use crate::nonin::framing::Packet;
use crate::nonin::oximetry::{Oximetry, Signal, Spot};
use crate::scan::Found;
use crate::{FrameError, Problem};

const START: [u8; 4] = [0, 2, 0, 13];
const ETX: u8 = 3;
const PLAIN: usize = 14;
const WITH_SERIAL: usize = 23;
/// What is sent where there is no number.
const NO_PULSE_RATE: u16 = 511;
const NO_SPO2: u8 = 127;

/// What the oximeter waits for before it forgets a spot-check.
pub(crate) const ACKNOWLEDGE: u8 = 0x06;

/// The packet at the very beginning of the bytes.
pub(crate) fn find(bytes: &[u8], offset: usize) -> Found<Packet> {
    let agree = START.iter().zip(bytes).all(|(expected, got)| expected == got);
    if !agree {
        return Found::out_of_step("start of packet", offset);
    }
    let Some(length) = bytes.get(4..6).and_then(|high_low| high_low.first_chunk()) else {
        return Found::Begun;
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length != PLAIN && length != WITH_SERIAL {
        let problem = Problem::Length { least: PLAIN, most: WITH_SERIAL, got: length };
        return Found::No(FrameError { field: "length", offset: offset.saturating_add(4), problem });
    }
    let mut cursor = Cursor::at(offset, bytes);
    match take(&mut cursor, length) {
        Ok(packet) => Found::Whole(packet, cursor.offset().saturating_sub(offset)),
        Err(error) if matches!(error.problem, Problem::Truncated { .. }) => Found::Begun,
        Err(error) => Found::No(error),
    }
}

fn take(cursor: &mut Cursor<'_>, length: usize) -> Result<Packet, FrameError> {
    cursor.take(START.len().saturating_add(2), "header")?;
    let start = cursor.offset();
    let data = cursor.take(length, "data")?;
    let checksum = cursor.error("checksum", Problem::OutOfStep);
    let got = cursor.u8("checksum")?;
    let end = cursor.error("end of packet", Problem::OutOfStep);
    let etx = cursor.u8("end of packet")?;
    let expected = data.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    if expected != got {
        let problem = Problem::Checksum { expected: expected.into(), got: got.into() };
        return Err(FrameError { problem, ..checksum });
    }
    if etx != ETX {
        return Err(end);
    }
    Ok(Packet { oximetry: oximetry(&mut Cursor::at(start, data))?, is_kept: true })
}

fn oximetry(cursor: &mut Cursor<'_>) -> Result<Oximetry, FrameError> {
    let [century, year, month, day, hour, minute, second, _hundredths] =
        cursor.array::<8>("time")?.map(decimal);
    let [high, low] = cursor.array("status")?;
    let pulse_rate = u16::from_be_bytes(cursor.array("pulse rate")?);
    let [_reserved, spo2] = cursor.array("SpO2")?;
    // A number of which the oximeter says itself that it is missing.
    let is_missing = high & 1 != 0;
    let serial = std::str::from_utf8(cursor.rest()).ok().map(str::trim).filter(|text| !text.is_empty());
    Ok(Oximetry {
        spo2: Some(spo2).filter(|spo2| !is_missing && *spo2 != NO_SPO2),
        pulse_rate: Some(pulse_rate).filter(|rate| !is_missing && *rate != NO_PULSE_RATE),
        signal: Signal { is_good: Some(high >> 1 & 1 == 1), ..Signal::default() },
        battery_is_low: Some(low & 1 != 0),
        spot: Some(Spot {
            time: time([century, year, month, day, hour, minute, second]),
            is_stored: low >> 4 & 1 == 1,
            serial_number: serial.map(str::to_owned),
        }),
        further: Vec::new(),
    })
}

/// Two decimal digits in a byte; none where they are none.
fn decimal(byte: u8) -> Option<u8> {
    let (high, low) = (byte >> 4, byte & 0x0F);
    (high < 10 && low < 10).then(|| high.saturating_mul(10).saturating_add(low))
}

fn time(fields: [Option<u8>; 7]) -> Option<LocalTime> {
    let [century, year, month, day, hour, minute, second] = fields;
    let year = u16::from(century?).saturating_mul(100).saturating_add(year?.into());
    let time = LocalTime { year, month: month?, day: day?, hour: hour?, minute: minute?, second: second? };
    let is_real = (1..=12).contains(&time.month)
        && (1..=31).contains(&time.day)
        && time.hour < 24
        && time.minute < 60
        && time.second < 60;
    is_real.then_some(time)
}

#[cfg(test)]
pub(crate) mod tests;
