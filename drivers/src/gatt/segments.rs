//! Values that are longer than a notification, put together (GHSS 1.0, Segmentation Header).
//!
//! The first byte of each segment says whether it is the first or the last of its value, and counts to 63 and round
//! again. Where a segment is missing, the value is given up: never are the pieces of two joined.

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::{Description, FrameError, Problem, Uuid};

/// The longest value: a record number, class and length, and what the length can count.
const LONGEST: usize = 4 + 3 + 65_535;

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    header: u8,
    /// What it carries.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Segment<'a> {
    const FIRST: u8 = 1;
    const LAST: u8 = 1 << 1;

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { header: cursor.u8("segmentation header")?, bytes: cursor.rest() })
    }

    /// Whether a value begins with it.
    pub(crate) const fn is_first(self) -> bool {
        self.header & Self::FIRST != 0
    }

    /// Whether a value ends with it.
    pub(crate) const fn is_last(self) -> bool {
        self.header & Self::LAST != 0
    }

    const fn counter(self) -> u8 {
        self.header >> 2
    }

    /// The counter of the segment that follows.
    const fn next(self) -> u8 {
        self.counter().wrapping_add(1) & 0x3F
    }

    pub(crate) fn describe(self) -> Description {
        Description::default()
            .with("first_segment", self.is_first())
            .with("last_segment", self.is_last())
            .with("segment_counter", self.counter())
    }
}

/// The characteristics of a device whose values come in segments.
#[derive(Debug, Default)]
pub(crate) struct SegmentedValues(Vec<(Uuid, Segments)>);

impl SegmentedValues {
    /// Of these characteristics, with nothing under way.
    pub(crate) fn of(characteristics: &[Uuid]) -> Self {
        Self(characteristics.iter().map(|uuid| (*uuid, Segments::default())).collect())
    }

    /// The value, once its last segment is there. That of any other characteristic is whole as it is.
    ///
    /// # Errors
    /// Where a segment has no header.
    pub(crate) fn join<'a>(&mut self, uuid: Uuid, bytes: &'a [u8]) -> Result<Joined<'a>, FrameError> {
        match self.0.iter_mut().find(|(segmented, _)| *segmented == uuid) {
            Some((_, segments)) => Ok(segments.join(Segment::decode(bytes)?)),
            None => Ok(Joined { value: Some(bytes.into()), lost: None }),
        }
    }
}

/// What came of a segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Joined<'a> {
    /// A whole value.
    pub(crate) value: Option<Cow<'a, [u8]>>,
    /// That an earlier value was given up.
    pub(crate) lost: Option<FrameError>,
}

/// The segments of one characteristic, until they are a value.
#[derive(Debug, Default)]
enum Segments {
    /// Between two values.
    #[default]
    Idle,
    /// Within a value.
    Joining {
        /// The counter of the next segment.
        next: u8,
        /// What came so far.
        bytes: Vec<u8>,
    },
    /// Within a value of which a segment is missing; that was told.
    Broken,
}

impl Segments {
    fn join(&mut self, segment: Segment<'_>) -> Joined<'static> {
        match std::mem::take(self) {
            Self::Idle | Self::Broken if segment.is_first() => self.grow(Vec::new(), segment),
            Self::Joining { .. } if segment.is_first() => {
                Joined { lost: missing(), ..self.grow(Vec::new(), segment) }
            }
            Self::Joining { next, bytes } if next == segment.counter() => self.grow(bytes, segment),
            Self::Idle | Self::Joining { .. } => {
                self.give_up(segment);
                Joined { lost: missing(), value: None }
            }
            Self::Broken => {
                self.give_up(segment);
                Joined::default()
            }
        }
    }

    fn grow(&mut self, mut bytes: Vec<u8>, segment: Segment<'_>) -> Joined<'static> {
        let length = bytes.len().saturating_add(segment.bytes.len());
        if length > LONGEST {
            self.give_up(segment);
            let problem = Problem::Length { least: 0, most: LONGEST, got: length };
            return Joined { lost: Some(FrameError { field: "segments", offset: 0, problem }), value: None };
        }
        bytes.extend_from_slice(segment.bytes);
        if segment.is_last() {
            return Joined { value: Some(bytes.into()), lost: None };
        }
        *self = Self::Joining { next: segment.next(), bytes };
        Joined::default()
    }

    /// What follows belongs to the value that was given up, up to its last segment.
    fn give_up(&mut self, segment: Segment<'_>) {
        *self = if segment.is_last() { Self::Idle } else { Self::Broken };
    }
}

fn missing() -> Option<FrameError> {
    Some(FrameError { field: "segmentation header", offset: 0, problem: Problem::SegmentMissing })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(first: bool, last: bool, counter: u8, bytes: &[u8]) -> Vec<u8> {
        let mut value = vec![u8::from(first) | u8::from(last) << 1 | counter << 2];
        value.extend_from_slice(bytes);
        value
    }

    /// A value in pieces of that length, as a device sends it.
    fn split(value: &[u8], length: usize, counter: &mut u8) -> Vec<Vec<u8>> {
        let pieces: Vec<_> = value.chunks(length).collect();
        let last = pieces.len() - 1;
        let mut segments = Vec::new();
        for (place, piece) in pieces.into_iter().enumerate() {
            segments.push(segment(place == 0, place == last, *counter & 0x3F, piece));
            *counter = counter.wrapping_add(1);
        }
        segments
    }

    fn join(segments: &mut Segments, bytes: &[u8]) -> Joined<'static> {
        segments.join(Segment::decode(bytes).unwrap())
    }

    #[test]
    fn a_value_of_one_segment_is_whole_at_once() {
        let mut segments = Segments::default();
        let joined = join(&mut segments, &segment(true, true, 9, &[1, 2]));
        assert_eq!(joined, Joined { value: Some(vec![1, 2].into()), lost: None });
        assert!(Segment::decode(&[]).is_err());
    }

    #[test]
    fn a_lost_beginning_is_told_once_and_the_next_value_is_whole() {
        let mut segments = Segments::default();
        let lost = Joined { value: None, lost: missing() };
        assert_eq!(join(&mut segments, &segment(false, false, 1, &[1])), lost);
        assert_eq!(join(&mut segments, &segment(false, false, 2, &[2])), Joined::default());
        assert_eq!(join(&mut segments, &segment(false, true, 3, &[3])), Joined::default());
        assert_eq!(join(&mut segments, &segment(false, true, 4, &[4])), lost, "another value's end");
        assert_eq!(join(&mut segments, &segment(true, true, 5, &[5])).value, Some(vec![5].into()));
    }

    #[test]
    fn a_lost_end_is_told_when_the_next_value_begins() {
        let mut segments = Segments::default();
        assert_eq!(join(&mut segments, &segment(true, false, 62, &[1])), Joined::default());
        let next = join(&mut segments, &segment(true, true, 0, &[5]));
        assert_eq!(next, Joined { value: Some(vec![5].into()), lost: missing() });
    }

    #[test]
    fn a_device_that_never_ends_a_value_fills_no_memory() {
        let mut segments = Segments::default();
        let mut lost = 0;
        join(&mut segments, &segment(true, false, 0, &[0; 250]));
        for counter in 1..=1000_u32 {
            let counter = u8::try_from(counter % 64).unwrap();
            lost +=
                usize::from(join(&mut segments, &segment(false, false, counter, &[0; 250])).lost.is_some());
        }
        assert_eq!(lost, 1);
    }

    proptest! {
        /// Whatever segments are lost on the way, only whole values come out, in order, and every loss is told.
        #[test]
        fn only_what_came_whole_comes_out(
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 1..8),
            length in 1_usize..12,
            start in any::<u8>(),
            lost in proptest::collection::vec(0_u8..4, 400),
        ) {
            let mut counter = start;
            let mut segments = Segments::default();
            let mut out = Vec::new();
            let mut expected = Vec::new();
            let mut gave_up = 0;
            let mut lost = lost.into_iter().map(|n| n == 0);
            for value in &values {
                let pieces = split(value, length, &mut counter);
                let kept: Vec<_> = pieces.iter().filter(|_| !lost.next().unwrap_or(false)).collect();
                if kept.len() == pieces.len() {
                    expected.push(value.clone());
                }
                for piece in kept {
                    let joined = join(&mut segments, piece);
                    out.extend(joined.value.map(Cow::into_owned));
                    gave_up += usize::from(joined.lost.is_some());
                }
            }
            prop_assert_eq!(&out, &expected);
            prop_assert!(gave_up <= values.len() - expected.len());
        }
    }
}
