//! ESP3 packets in a stream of bytes (ESP3 1.51 §1.2 to §1.6).
//!
//! Sync byte 0x55, header (data length, optional length, type) with its CRC8, data, optional data, CRC8 of both.
//! A wrong checksum costs the sync byte alone: the search goes on right behind it, so a broken packet never takes
//! the next one with it.

use crate::cursor::Cursor;
use crate::{FrameError, Problem};

const SYNC: u8 = 0x55;
const DATA_CHECKSUM: &str = "data CRC8";

/// The longest data that is believed. The header could claim 65535 bytes; the longest packet a stick sends, a
/// remote management message, has about half of this. What lies beyond is noise with a lucky checksum, and
/// waiting for it would hold back the telegrams behind it.
pub const MAX_DATA: usize = 1024;

/// Sync byte, header and its checksum.
const HEADER: usize = 6;

/// A packet whose checksums are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where its sync byte was in the stream.
    pub offset: usize,
    /// What it is; 1 is a radio telegram.
    pub packet_type: u8,
    /// Its data, 1 to [`MAX_DATA`] bytes.
    pub data: Vec<u8>,
    /// Its optional data, up to 255 bytes.
    pub optional: Vec<u8>,
}

impl Frame {
    /// Where its data begin in the stream.
    pub const fn data_offset(&self) -> usize {
        self.offset.saturating_add(HEADER)
    }

    /// The bytes of a packet with these data, at most [`MAX_DATA`] of them.
    pub(crate) fn encode(packet_type: u8, data: &[u8], optional: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
        let header = [high, low, u8::try_from(optional.len()).unwrap_or(u8::MAX), packet_type];
        let body = [data, optional].concat();
        [&[SYNC], &header[..], &[crc8_of(&[&header])], &body, &[crc8_of(&[&body])]].concat()
    }

    /// The packet at the very beginning of the cursor, which stands behind it afterwards.
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let offset = cursor.offset();
        if cursor.rest().first().is_some_and(|byte| *byte != SYNC) {
            return Err(Fault::Start(cursor.error("sync byte", Problem::OutOfStep)));
        }
        cursor.take(1, "sync byte").map_err(Fault::Start)?;
        let lengths = cursor.offset();
        let header = cursor.array::<4>("header").map_err(Fault::Start)?;
        check(cursor, "header CRC8", &[&header]).map_err(Fault::Start)?;

        let [high, low, optional, packet_type] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(1..=MAX_DATA).contains(&length) {
            let problem = Problem::Length { least: 1, most: MAX_DATA, got: length };
            return Err(Fault::Start(FrameError { field: "data length", offset: lengths, problem }));
        }
        let data = cursor.take(length, "data").map_err(Fault::Body)?;
        let optional = cursor.take(optional.into(), "optional data").map_err(Fault::Body)?;
        check(cursor, DATA_CHECKSUM, &[data, optional]).map_err(Fault::Body)?;
        Ok(Self { offset, packet_type, data: data.to_vec(), optional: optional.to_vec() })
    }
}

/// Why there is no packet at a place.
enum Fault {
    /// Most likely there never was one.
    Start(FrameError),
    /// The header's checksum was right: there was one, most likely, and it is broken.
    Body(FrameError),
}

impl Fault {
    const fn is_incomplete(&self) -> bool {
        let (Self::Start(error) | Self::Body(error)) = self;
        matches!(error.problem, Problem::Truncated { .. })
    }

    /// The error, unless it only continues one that was told.
    fn tell(self, told: bool) -> Option<FrameError> {
        match self {
            Self::Start(_) if told => None,
            Self::Start(error) | Self::Body(error) => Some(error),
        }
    }
}

/// Finds packets in a stream that comes in pieces.
///
/// It keeps at most one incomplete packet.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Where the first byte of the buffer is in the stream; stands still at the end of numbers.
    offset: usize,
    /// Bytes were skipped since the last packet, and that was told.
    out_of_step: bool,
}

/// What is known of the bytes that have not come yet.
#[derive(Clone, Copy)]
enum Outlook {
    Coming,
    Silent,
    Ended,
}

impl Deframer {
    /// Takes the next piece of the stream. Afterwards call [`poll_frame`](Self::poll_frame) until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next packet, or what was lost on the way to it: an error for each run of skipped bytes, and one for
    /// each packet whose header was right.
    pub fn poll_frame(&mut self) -> Option<Result<Frame, FrameError>> {
        self.poll(Outlook::Coming)
    }

    /// As [`poll_frame`](Self::poll_frame) where the line has been silent for longer than it ever is within a
    /// packet: an incomplete packet with a whole one behind it was noise. One with nothing behind it is kept; it
    /// may be us who were slow.
    pub fn poll_in_silence(&mut self) -> Option<Result<Frame, FrameError>> {
        self.poll(Outlook::Silent)
    }

    /// As [`poll_frame`](Self::poll_frame) where nothing more comes: an incomplete packet is given up, and what is
    /// behind its sync byte searched. After `None` nothing is kept.
    pub fn poll_rest(&mut self) -> Option<Result<Frame, FrameError>> {
        self.poll(Outlook::Ended)
    }

    /// Whether it keeps the beginning of a packet.
    pub const fn is_waiting(&self) -> bool {
        !self.buffer.is_empty()
    }

    fn poll(&mut self, outlook: Outlook) -> Option<Result<Frame, FrameError>> {
        let mut cursor = Cursor::at(self.offset, &self.buffer);
        let mut found = None;
        while found.is_none() && !cursor.rest().is_empty() {
            let mut ahead = Cursor::at(cursor.offset(), cursor.rest());
            match Frame::take(&mut ahead) {
                Ok(frame) => {
                    self.out_of_step = false;
                    cursor = ahead;
                    found = Some(Ok(frame));
                }
                Err(fault) if fault.is_incomplete() && outlook.waits(cursor.rest()) => break,
                Err(fault) => {
                    cursor = next_sync(&cursor);
                    let told = std::mem::replace(&mut self.out_of_step, true);
                    found = fault.tell(told).map(Err);
                }
            }
        }
        let consumed = self.buffer.len().saturating_sub(cursor.rest().len());
        self.offset = cursor.offset();
        self.buffer.drain(..consumed);
        found
    }
}

impl Outlook {
    /// Whether to wait for the rest of the packet that these bytes begin.
    fn waits(self, begun: &[u8]) -> bool {
        match self {
            Self::Coming => true,
            Self::Ended => false,
            Self::Silent => {
                let mut behind = next_sync(&Cursor::new(begun));
                while !behind.rest().is_empty() {
                    if Frame::take(&mut Cursor::new(behind.rest())).is_ok() {
                        return false;
                    }
                    behind = next_sync(&behind);
                }
                true
            }
        }
    }
}

/// The next sync byte behind the cursor's own, or the end.
fn next_sync<'a>(cursor: &Cursor<'a>) -> Cursor<'a> {
    let rest = cursor.rest();
    let place = rest.iter().skip(1).position(|byte| *byte == SYNC);
    let skipped = place.map_or(rest.len(), |place| place.saturating_add(1));
    Cursor::at(cursor.offset().saturating_add(skipped), rest.get(skipped..).unwrap_or_default())
}

/// Reads a checksum and holds it against what it covers.
fn check(cursor: &mut Cursor<'_>, field: &'static str, covered: &[&[u8]]) -> Result<(), FrameError> {
    let expected = crc8_of(covered);
    let offset = cursor.offset();
    match cursor.u8(field)? {
        got if got == expected => Ok(()),
        got => {
            let problem = Problem::Checksum { expected: expected.into(), got: got.into() };
            Err(FrameError { field, offset, problem })
        }
    }
}

fn crc8_of(covered: &[&[u8]]) -> u8 {
    covered.iter().copied().flatten().fold(0, |crc, byte| crc8(crc ^ byte))
}

/// One byte through the polynomial x⁸ + x² + x + 1 (ESP3, appendix "CRC8 calculation").
fn crc8(byte: u8) -> u8 {
    (0..8).fold(byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
}

#[cfg(test)]
pub(crate) mod tests;
