//! A serial line that does not leave what is said on it as it is.

use std::time::Duration;

use tokio::time::sleep;

use super::{SimError, chance::Chance, pty::SerialLine};

/// Between two bytes of a line that is split: long enough for them to be read one by one.
const BETWEEN_BYTES: Duration = Duration::from_millis(1);
/// The pause within a message on a slow line: longer than any driver takes the line to be busy with one, and
/// shorter than one waits for an answer.
const PAUSE: Duration = Duration::from_millis(600);
const LONGEST_NOISE: u64 = 12;

/// What happens to messages on the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Injury {
    /// Their bytes come one by one.
    Split,
    /// They come in pieces that hold several of them and begin and end anywhere.
    Merged,
    /// Each stops somewhere in its middle, and goes on later.
    Slow,
    /// Before each come noise and a copy of it with one flipped bit. It itself stays whole.
    Garbled,
}

impl Injury {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Split, Self::Merged, Self::Slow, Self::Garbled];
}

/// Injures what is said, by chance.
#[derive(Debug)]
pub struct BadLine {
    chance: Chance,
    /// Whether it flips highest bits alone, and adds no noise.
    highest_bit_alone: bool,
}

/// Bytes that come at once, some time after those before them.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Piece {
    after: Duration,
    bytes: Vec<u8>,
}

impl BadLine {
    /// One that flips any bit.
    pub const fn seeded(seed: u64) -> Self {
        Self { chance: Chance::seeded(seed), highest_bit_alone: false }
    }

    /// One that flips highest bits alone, and adds no noise: for a framing that can tell damage by nothing else.
    #[must_use]
    pub const fn only_in_the_highest_bit(self) -> Self {
        Self { highest_bit_alone: true, ..self }
    }

    /// Carries messages to whoever holds the line open, and gives the bytes that came out there.
    ///
    /// # Errors
    /// When nobody holds it open, or the line fails.
    pub async fn carry(
        &mut self,
        line: &mut SerialLine,
        injury: Injury,
        messages: &[Vec<u8>],
    ) -> Result<Vec<u8>, SimError> {
        let mut carried = Vec::new();
        for Piece { after, bytes } in self.injure(injury, messages) {
            sleep(after).await;
            if !line.send(&bytes).await? {
                let what = line.path().display().to_string();
                return Err(SimError::Unexpected {
                    what,
                    expected: "somebody who listens",
                    got: "nobody".to_owned(),
                });
            }
            carried.extend(bytes);
        }
        Ok(carried)
    }

    /// A copy with one flipped bit.
    pub fn flip(&mut self, message: &[u8]) -> Vec<u8> {
        let mut copy = message.to_vec();
        let place = usize::try_from(self.chance.below(copy.len() as u64)).unwrap_or_default();
        let bit = if self.highest_bit_alone { 0x80 } else { 1 << self.chance.below(8) };
        copy.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= bit);
        copy
    }

    fn injure(&mut self, injury: Injury, messages: &[Vec<u8>]) -> Vec<Piece> {
        match injury {
            Injury::Split => {
                let byte = |byte: &u8| Piece { after: BETWEEN_BYTES, bytes: vec![*byte] };
                messages.concat().iter().map(byte).collect()
            }
            Injury::Merged => self.merge(messages),
            Injury::Slow => messages.iter().flat_map(|message| self.halves(message)).collect(),
            Injury::Garbled => messages.iter().map(|message| self.garble(message)).collect(),
        }
    }

    fn merge(&mut self, messages: &[Vec<u8>]) -> Vec<Piece> {
        let longest = messages.iter().map(Vec::len).max().unwrap_or_default() as u64;
        let whole = messages.concat();
        let mut rest = whole.as_slice();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let length = usize::try_from(longest * 2 + self.chance.below(longest)).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(length.min(rest.len()));
            pieces.push(Piece { after: BETWEEN_BYTES, bytes: piece.to_vec() });
            rest = after;
        }
        pieces
    }

    fn halves(&mut self, message: &[u8]) -> [Piece; 2] {
        let inside = (message.len() as u64).saturating_sub(1);
        let place = usize::try_from(1 + self.chance.below(inside)).unwrap_or_default();
        let (begun, rest) = message.split_at(place.min(message.len()));
        [(Duration::ZERO, begun), (PAUSE, rest)].map(|(after, bytes)| Piece { after, bytes: bytes.to_vec() })
    }

    /// All of it at once, so that what is damaged never stands alone for long.
    fn garble(&mut self, message: &[u8]) -> Piece {
        let longest = if self.highest_bit_alone { 0 } else { LONGEST_NOISE };
        let mut noise = || {
            let length = usize::try_from(self.chance.below(longest)).unwrap_or_default();
            self.chance.bytes(length)
        };
        let (before, between) = (noise(), noise());
        let bytes = [&before, &self.flip(message), &between, message].concat();
        Piece { after: BETWEEN_BYTES, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Vec<u8>> {
        (1..=9_u8).map(|number| vec![number; usize::from(number)]).collect()
    }

    fn pieces(injury: Injury) -> Vec<Piece> {
        BadLine::seeded(5).injure(injury, &messages())
    }

    #[test]
    fn what_is_split_merged_or_slow_comes_whole_and_in_order() {
        for injury in [Injury::Split, Injury::Merged, Injury::Slow] {
            let bytes: Vec<_> = pieces(injury).into_iter().flat_map(|piece| piece.bytes).collect();
            assert_eq!(bytes, messages().concat(), "{injury:?}");
        }
        assert!(pieces(Injury::Split).iter().all(|piece| piece.bytes.len() == 1));
        assert!(pieces(Injury::Merged).iter().any(|piece| piece.bytes.len() > 9 + 8));
        assert_eq!(pieces(Injury::Slow).iter().filter(|piece| piece.after == PAUSE).count(), 9);
    }

    #[test]
    fn what_is_garbled_has_each_message_behind_noise_and_a_copy_with_one_flipped_bit() {
        for (piece, message) in pieces(Injury::Garbled).iter().zip(messages()) {
            let before = piece.bytes.strip_suffix(message.as_slice()).unwrap();
            let flipped = |window: &[u8]| {
                let bits = window.iter().zip(&message).map(|(a, b)| (a ^ b).count_ones());
                bits.sum::<u32>() == 1
            };
            assert!(before.windows(message.len()).any(flipped), "{piece:?}");
        }
        assert_eq!(pieces(Injury::Garbled), pieces(Injury::Garbled));
    }

    #[test]
    fn flips_can_be_confined_to_the_highest_bit() {
        let flipped = BadLine::seeded(5).only_in_the_highest_bit().flip(&[1, 2, 3]);
        assert_eq!(flipped.iter().filter(|byte| **byte & 0x80 != 0).count(), 1);
    }
}
