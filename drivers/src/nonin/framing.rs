//! Where packets are in a stream of bytes.
//!
//! Where a format has a checksum, noise takes no whole packet with it, unless it happens to be a frame itself. Format 8
//! has none, so noise can pass for a packet where what it seems to say is within the oximeter's range; but as only the
//! first byte of a packet has its highest bit set, it takes no other packet with it.

use crate::nonin::oximetry::Oximetry;
use crate::nonin::packet::{Frame, Stream};
use crate::nonin::{DataFormat, format13, packet};
use crate::scan::{Found, Scanner};
use crate::{Description, FrameError};

/// A packet whose checksum, if it has one, is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it says.
    pub oximetry: Oximetry,
    /// Whether the oximeter keeps it until it is acknowledged.
    pub is_kept: bool,
}

impl Packet {
    /// Its fields.
    pub fn describe(&self) -> Description {
        self.oximetry.describe()
    }
}

/// Finds packets in a stream that comes in pieces. It keeps at most one that is not whole.
#[derive(Debug)]
pub struct Deframer {
    format: DataFormat,
    scanner: Scanner,
    stream: Stream,
}

/// A packet, or a part of one and where it stands in the stream.
enum Piece {
    Frame(Frame, usize),
    Packet(Box<Packet>),
}

impl Deframer {
    /// For a stream of this format.
    pub fn new(format: DataFormat) -> Self {
        Self { format, scanner: Scanner::default(), stream: Stream::default() }
    }

    /// Takes the next piece of the stream. Afterwards call [`poll`](Self::poll) until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.scanner.push(bytes);
    }

    /// The next packet, or what was lost on the way to it: an error for each run of skipped bytes, and one for each
    /// packet that is not whole.
    pub fn poll(&mut self) -> Option<Result<Packet, FrameError>> {
        loop {
            let found = self.scanner.poll(finder(self.format))?;
            if let Some(packet) = self.take(found) {
                return Some(packet);
            }
        }
    }

    /// As [`poll`](Self::poll) where the line has been silent for longer than it ever is within a packet.
    pub fn poll_in_silence(&mut self) -> Option<Result<Packet, FrameError>> {
        loop {
            let found = self.scanner.poll_in_silence(finder(self.format))?;
            if let Some(packet) = self.take(found) {
                return Some(packet);
            }
        }
    }

    /// Whether it keeps the beginning of a frame.
    pub const fn is_waiting(&self) -> bool {
        self.scanner.is_waiting()
    }

    /// That the last frame or packet has not ended, where nothing more comes.
    pub fn unended(&self) -> Option<FrameError> {
        self.stream.unended().or_else(|| self.scanner.unended())
    }

    fn take(&mut self, found: Result<Piece, FrameError>) -> Option<Result<Packet, FrameError>> {
        match found {
            Ok(Piece::Packet(packet)) => Some(Ok(*packet)),
            Ok(Piece::Frame(frame, at)) => self.stream.take(frame, at),
            Err(error) => {
                self.stream = Stream::default();
                Some(Err(error))
            }
        }
    }
}

/// What finds the pieces of a format.
fn finder(format: DataFormat) -> impl Fn(&[u8], usize) -> Found<Piece> {
    let packet = |packet| Piece::Packet(Box::new(packet));
    move |bytes, offset| match format {
        DataFormat::Two => packet::format2(bytes, offset).map(|frame| Piece::Frame(frame, offset)),
        DataFormat::Seven => packet::format7(bytes, offset).map(|frame| Piece::Frame(frame, offset)),
        DataFormat::Eight => packet::format8(bytes, offset).map(packet),
        DataFormat::Thirteen => format13::find(bytes, offset).map(packet),
    }
}
