//! Frames in the stream: reports, and answers to commands. Both have the same shape between other marks.

use crate::FrameError;
use crate::cursor::Cursor;
use crate::scan::{Found, Scanner};

/// The longest data of a frame that a radar sends: an engineering report has 35 bytes, newer firmware a few more. A
/// longer one is noise with a lucky header, and waiting for it would hold back the reports behind it.
const MAX_DATA: usize = 64;

/// Header, length, footer.
const AROUND: usize = 10;

const REPORT: Marks = Marks { header: [0xF4, 0xF3, 0xF2, 0xF1], footer: [0xF8, 0xF7, 0xF6, 0xF5] };
pub(crate) const COMMAND: Marks =
    Marks { header: [0xFD, 0xFC, 0xFB, 0xFA], footer: [0x04, 0x03, 0x02, 0x01] };

/// What stands around the data of a frame.
pub(crate) struct Marks {
    pub(crate) header: [u8; 4],
    pub(crate) footer: [u8; 4],
}

/// What a radar sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// What it sees, and where the data begin in the stream.
    Report(Vec<u8>, usize),
    /// The answer to a command, and where the data begin in the stream.
    Answer(Vec<u8>, usize),
}

/// Finds frames in a stream that comes in pieces. It keeps at most one that is not whole.
#[derive(Debug, Default)]
pub struct Deframer(Scanner);

impl Deframer {
    /// Takes the next piece of the stream. Afterwards call [`poll`](Self::poll) until it gives `None`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    /// The next frame, or an error for each run of skipped bytes.
    pub fn poll(&mut self) -> Option<Result<Frame, FrameError>> {
        self.0.poll(find)
    }

    /// As [`poll`](Self::poll) where the line has been silent for longer than it ever is within a frame.
    pub fn poll_in_silence(&mut self) -> Option<Result<Frame, FrameError>> {
        self.0.poll_in_silence(find)
    }

    /// Whether it keeps the beginning of a frame.
    pub const fn is_waiting(&self) -> bool {
        self.0.is_waiting()
    }

    /// That the last frame has not ended, where nothing more comes.
    pub fn unended(&self) -> Option<FrameError> {
        self.0.unended()
    }
}

fn find(bytes: &[u8], offset: usize) -> Found<Frame> {
    match between(&REPORT, bytes, offset) {
        Found::No(_) => between(&COMMAND, bytes, offset).map(|(data, at)| Frame::Answer(data, at)),
        report @ (Found::Whole(..) | Found::Begun) => report.map(|(data, at)| Frame::Report(data, at)),
    }
}

/// The data between these marks at the very beginning of the bytes.
fn between(marks: &Marks, bytes: &[u8], offset: usize) -> Found<(Vec<u8>, usize)> {
    if marks.header.iter().zip(bytes).any(|(expected, got)| expected != got) {
        return Found::out_of_step("header", offset);
    }
    let mut cursor = Cursor::at(offset, bytes);
    let (Ok(_), Ok(length)) = (cursor.take(4, "header"), cursor.u16_le("length")) else {
        return Found::Begun;
    };
    let length = usize::from(length);
    if !(1..=MAX_DATA).contains(&length) {
        return Found::out_of_step("length", offset.saturating_add(4));
    }
    let at = cursor.offset();
    let (Ok(data), Ok(footer)) = (cursor.take(length, "data"), cursor.array("footer")) else {
        return Found::Begun;
    };
    if footer != marks.footer {
        return Found::out_of_step("footer", at.saturating_add(length));
    }
    Found::Whole((data.to_vec(), at), length.saturating_add(AROUND))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::describe::unhex;

    const BASIC: &str = "f4f3f2f10d0002aa0251000000003b00005500f8f7f6f5";

    #[test]
    fn junk_before_a_report_is_told_once_and_costs_nothing() {
        // aio-ld2410 (MIT), the idea of its tests/test_stream.py.
        let bytes = "54686973206973206a756e6b2064617461f4f3f2f10d0002aa0000000000003700005500f8f7f6f5";
        let mut deframer = Deframer::default();
        deframer.push(&unhex(bytes));
        let found: Vec<_> = std::iter::from_fn(|| deframer.poll()).collect();
        let [Err(error), Ok(Frame::Report(data, 23))] = &found[..] else { panic!("{found:?}") };
        assert_eq!(error.to_string(), "header at byte 0: no packet begins here; skipped to where one does");
        assert_eq!(data.len(), 13);
    }

    proptest! {
        /// Also noise that begins as a frame does: each report is there once the line is silent behind it. But for noise
        /// that happens to be a whole frame together with what follows.
        #[test]
        fn no_noise_in_any_pieces_costs_a_report_before_or_behind_it(
            parts in proptest::collection::vec((noise(), any::<u8>()), 1..5),
            piece in 1..50_usize,
        ) {
            let mut deframer = Deframer::default();
            let mut stream = Vec::new();
            for (noise, distance) in parts {
                let begin = stream.len();
                stream.extend(noise);
                let end = stream.len();
                let mut report = unhex(BASIC);
                report[9] = distance;
                stream.extend(&report);
                let is_beyond = |at: usize| {
                    matches!(find(&stream[at..], 0), Found::Whole(_, length) if at + length > end)
                };
                prop_assume!(!(begin..end).any(is_beyond));
                let mut found = Vec::new();
                for piece in stream[begin..].chunks(piece) {
                    deframer.push(piece);
                    found.extend(std::iter::from_fn(|| deframer.poll()));
                }
                found.extend(std::iter::from_fn(|| deframer.poll_in_silence()));
                let data = report[6..19].to_vec();
                prop_assert!(found.contains(&Ok(Frame::Report(data, end + 6))));
                prop_assert!(!deframer.is_waiting());
            }
        }
    }

    /// Anything, and perhaps the beginning of a frame of any length.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let bytes = proptest::collection::vec(prop_oneof![any::<u8>(), 0xF1..=0xFD_u8], 0..80);
        let lucky = proptest::option::of((1..=64_u8, any::<bool>()));
        (bytes, lucky).prop_map(|(mut noise, lucky)| {
            if let Some((length, is_report)) = lucky {
                noise.extend(if is_report { REPORT.header } else { COMMAND.header });
                noise.extend([length, 0]);
            }
            noise
        })
    }
}
