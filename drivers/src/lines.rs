//! Devices that print lines of text: the scales, meters and boxes of which everybody has another one.
//!
//! What a line means is configured: a list of regular expressions, tried in order, whose named groups are values or
//! events. A line that fits none of them is refused and counted. Lines end with CR, LF or both.
//!
//! Lines have no checksum: noise within a line is noticed only where the pattern does not fit any more, and noise before
//! one costs that line. Patterns that are bound to both ends of the line (`^…$`) let the least of it through.

mod rules;
mod session;

pub use rules::{BadRules, LineRules, Pattern};
pub(crate) use session::LinesSession;

use crate::Problem;

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 256;

/// Lines in a stream that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
    /// What has come is longer than a line; it is passed over up to the next end.
    overlong: bool,
}

impl Lines {
    /// The next piece of the stream, and what it completes: lines that are not empty, or that one was too long.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Result<Vec<u8>, Problem>> {
        let mut found = Vec::new();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.begun);
                    if std::mem::take(&mut self.overlong) {
                        let problem =
                            Problem::Length { least: 1, most: MAX_LINE, got: MAX_LINE.saturating_add(1) };
                        found.push(Err(problem));
                    } else if !line.is_empty() {
                        found.push(Ok(line));
                    }
                }
                _ if self.begun.len() == MAX_LINE => self.overlong = true,
                byte => self.begun.push(*byte),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(stream: &[u8], piece: usize) -> Vec<Result<Vec<u8>, Problem>> {
        let mut lines = Lines::default();
        stream.chunks(piece).flat_map(|piece| lines.push(piece)).collect()
    }

    #[test]
    fn a_line_that_is_too_long_costs_nothing_but_itself() {
        let stream =
            [vec![b'x'; MAX_LINE + 1], b"\r\na\r\n".to_vec(), vec![b'y'; MAX_LINE], b"\n".to_vec()].concat();
        let found = lines(&stream, 7);
        assert!(matches!(found[0], Err(Problem::Length { .. })));
        assert_eq!(found[1..], [Ok(b"a".to_vec()), Ok(vec![b'y'; MAX_LINE])]);
    }

    proptest! {
        /// Noise that is ended as a line is costs no line before or behind it. Noise that is not costs the line behind it:
        /// there is no checksum, and no telling where the one ends and the other begins.
        #[test]
        fn no_noise_that_ends_costs_a_line_before_or_behind_it(
            parts in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..600), 0..1000_u16), 1..5),
            piece in 1..50_usize,
        ) {
            let line = |number: u16| format!("ST,GS, {number}kg").into_bytes();
            let stream: Vec<_> = parts
                .iter()
                .flat_map(|(noise, number)| [noise, b"\n".as_slice(), &line(*number), b"\r\n"].concat())
                .collect();
            let mut found = lines(&stream, piece).into_iter();
            for (_, number) in parts {
                prop_assert!(found.any(|found| found == Ok(line(number))));
            }
            prop_assert_eq!(found.count(), 0);
        }
    }
}
