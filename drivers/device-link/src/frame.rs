//! Frames on the line: a zero, the body and its checksum with their zeros stuffed away (COBS), a zero.
//!
//! The zero in front ends whatever noise came before, so that noise never costs the frame behind it.

use crate::checksum::Crc32;

/// The longest body, in bytes.
pub const MAX_BODY: usize = 250;

/// The longest frame on the line, in bytes: body, checksum, one byte of COBS for each 254 begun, and two zeros.
pub const MAX_FRAME: usize = MAX_STUFFED + 2;

const CHECKSUM: usize = 4;
const MAX_STUFFED: usize = MAX_BODY + CHECKSUM + 2;

/// A frame as it goes on the line.
pub type Frame = heapless::Vec<u8, MAX_FRAME>;

/// The frame around a body; none where the body is longer than [`MAX_BODY`].
pub fn encode_frame(body: &[u8]) -> Option<Frame> {
    let mut plain = heapless::Vec::<u8, { MAX_BODY + CHECKSUM }>::new();
    plain.extend_from_slice(body).ok()?;
    plain.extend_from_slice(&Crc32::new().with(body).value().to_le_bytes()).ok()?;
    let mut stuffed = [0; MAX_STUFFED];
    let length = cobs::try_encode(&plain, &mut stuffed).ok()?;
    let mut frame = Frame::new();
    frame.push(0).ok()?;
    frame.extend_from_slice(stuffed.get(..length)?).ok()?;
    frame.push(0).ok()?;
    Some(frame)
}

/// Why bytes between two zeros are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// They are more than a frame can have.
    TooLong,
    /// They are not stuffed as COBS has it.
    Stuffing,
    /// They are fewer than the shortest frame has.
    TooShort,
    /// The checksum does not fit.
    Checksum,
}

impl core::fmt::Display for FrameFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong => {
                write!(f, "more than {MAX_STUFFED} bytes between two zeros: no frame is so long")
            }
            Self::Stuffing => f.write_str("the bytes between two zeros are not encoded as COBS has it"),
            Self::TooShort => {
                f.write_str("the bytes between two zeros are fewer than the shortest frame has")
            }
            Self::Checksum => f.write_str("the checksum does not fit the frame's bytes"),
        }
    }
}

impl core::error::Error for FrameFault {}

/// Finds frames in a stream of bytes.
#[derive(Clone, Debug, Default)]
pub struct Deframer {
    stuffed: heapless::Vec<u8, MAX_STUFFED>,
    is_too_long: bool,
    /// What `stuffed` holds was given out and is done with.
    is_given: bool,
}

impl Deframer {
    /// Takes bytes up to the end of a frame, or all where none ends in them. Gives how many it took, and the frame's
    /// body or why it is none.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, Option<Result<&[u8], FrameFault>>) {
        if core::mem::take(&mut self.is_given) {
            self.stuffed.clear();
            self.is_too_long = false;
        }
        for (index, byte) in bytes.iter().enumerate() {
            if *byte != 0 {
                self.is_too_long |= self.stuffed.push(*byte).is_err();
            } else if self.is_too_long || !self.stuffed.is_empty() {
                self.is_given = true;
                return (index.saturating_add(1), Some(self.body()));
            }
        }
        (bytes.len(), None)
    }

    fn body(&mut self) -> Result<&[u8], FrameFault> {
        if self.is_too_long {
            return Err(FrameFault::TooLong);
        }
        let length = cobs::decode_in_place(&mut self.stuffed).map_err(|_| FrameFault::Stuffing)?;
        let plain = self.stuffed.get(..length).ok_or(FrameFault::Stuffing)?;
        let (body, checksum) = plain.split_last_chunk::<CHECKSUM>().ok_or(FrameFault::TooShort)?;
        if body.is_empty() {
            return Err(FrameFault::TooShort);
        }
        if Crc32::new().with(body).value() != u32::from_le_bytes(*checksum) {
            return Err(FrameFault::Checksum);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn bodies(stream: &[u8], pieces: usize) -> Vec<Vec<u8>> {
        let mut deframer = Deframer::default();
        let mut found = Vec::new();
        for mut piece in stream.chunks(pieces) {
            while !piece.is_empty() {
                let (taken, frame) = deframer.take(piece);
                found.extend(frame.and_then(Result::ok).map(<[u8]>::to_vec));
                piece = &piece[taken..];
            }
        }
        found
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |bytes: &[u8]| Deframer::default().take(bytes).1.unwrap().unwrap_err();
        assert_eq!(fault(&[&[7; MAX_STUFFED + 1][..], &[0]].concat()), FrameFault::TooLong);
        assert_eq!(fault(&[9, 1, 0]), FrameFault::Stuffing);
        assert_eq!(fault(&[5, 1, 2, 3, 4, 0]), FrameFault::TooShort);
        assert_eq!(fault(&[6, 1, 2, 3, 4, 5, 0]), FrameFault::Checksum);
    }

    proptest! {
        #[test]
        fn every_body_comes_back_and_noise_costs_no_frame_behind_it(
            frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..400), prop::collection::vec(any::<u8>(), 1..=MAX_BODY)), 1..6),
            pieces in 1_usize..300,
        ) {
            let mut stream = Vec::new();
            for (noise, body) in &frames {
                stream.extend_from_slice(noise);
                stream.extend_from_slice(&encode_frame(body).unwrap());
            }
            let found = bodies(&stream, pieces);
            let mut rest = found.iter();
            for (_, body) in &frames {
                prop_assert!(rest.any(|one| one == body), "a frame was lost");
            }
        }

        #[test]
        fn a_changed_byte_is_never_a_frame_of_its_own(
            body in prop::collection::vec(any::<u8>(), 1..=MAX_BODY), at in any::<prop::sample::Index>(), to in 1_u8..,
        ) {
            let mut frame = encode_frame(&body).unwrap();
            prop_assert!(frame.len() <= MAX_FRAME);
            let inner = frame.len() - 2;
            let changed = &mut frame[1 + at.index(inner)];
            prop_assume!(*changed != to);
            *changed = to;
            prop_assert!(bodies(&frame, 1000).is_empty());
        }

        #[test]
        fn a_body_that_is_too_long_has_no_frame(extra in 1_usize..50) {
            prop_assert!(encode_frame(&std::vec![1; MAX_BODY + extra]).is_none());
        }
    }
}
