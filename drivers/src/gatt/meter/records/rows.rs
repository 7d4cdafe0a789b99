//! Sets of record numbers, held small: meters number their records in even steps.

use crate::gatt::record_access::RecordNumber;

/// Records that come in more rows than that have numbers without an order.
const MOST: usize = 64;

/// Some numbers, as rows of even steps. Holds a bounded number of rows: what does not fit is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows(Vec<Row>);

/// `first`, `first + step`, ..., so many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    first: RecordNumber,
    step: i32,
    count: u32,
}

impl Rows {
    /// Puts a number in, best next to the one that was put in before it.
    pub(super) fn add(&mut self, number: RecordNumber) {
        if self.contains(number) || self.0.last_mut().is_some_and(|row| row.grow(number)) {
            return;
        }
        if self.0.len() < MOST {
            self.0.push(Row { first: number, step: 0, count: 1 });
        }
    }

    pub(super) fn contains(&self, number: RecordNumber) -> bool {
        self.0.iter().any(|row| row.contains(number))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers are in it.
    pub(super) fn count(&self) -> u32 {
        self.0.iter().fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// Three numbers a row, each as long as a record's number.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|row| row.encode()).collect()
    }

    /// None where the bytes are no rows of numbers that are so long.
    pub(super) fn decode(bytes: &[u8], length: usize) -> Option<Self> {
        let rows = bytes.chunks(length.checked_mul(3)?).map(|row| Row::decode(row, length));
        rows.collect::<Option<Vec<_>>>().filter(|rows| rows.len() <= MOST).map(Self)
    }
}

impl Row {
    /// Takes the number in, if it is the next of this row.
    fn grow(&mut self, number: RecordNumber) -> bool {
        let Some(distance) = number.distance_from(self.first) else { return false };
        if self.count == 1 {
            self.step = distance;
        } else if i32::try_from(self.count).ok().and_then(|count| self.step.checked_mul(count))
            != Some(distance)
        {
            return false;
        }
        self.count = self.count.saturating_add(1);
        true
    }

    fn contains(self, number: RecordNumber) -> bool {
        match number.distance_from(self.first) {
            Some(0) => true,
            Some(distance) => {
                let place = distance.checked_div(self.step).and_then(|place| u32::try_from(place).ok());
                distance.checked_rem(self.step) == Some(0) && place.is_some_and(|place| place < self.count)
            }
            None => false,
        }
    }

    fn encode(self) -> Vec<u8> {
        let first = self.first.encode();
        let length = first.len();
        let [step, count] = [self.step.to_le_bytes(), self.count.to_le_bytes()];
        // A row never reaches over half of all numbers, so the upper halves of short ones say nothing.
        first.into_iter().chain(step.into_iter().take(length)).chain(count.into_iter().take(length)).collect()
    }

    fn decode(bytes: &[u8], length: usize) -> Option<Self> {
        let (first, bytes) = bytes.split_at_checked(length)?;
        let (step, count) = bytes.split_at_checked(length)?;
        let (step, count) = match (RecordNumber::decode(step)?, RecordNumber::decode(count)?) {
            (RecordNumber::Short(step), RecordNumber::Short(count)) => {
                (step.cast_signed().into(), count.into())
            }
            (RecordNumber::Long(step), RecordNumber::Long(count)) => (step.cast_signed(), count),
            (RecordNumber::Short(_), RecordNumber::Long(_))
            | (RecordNumber::Long(_), RecordNumber::Short(_)) => {
                return None;
            }
        };
        Some(Self { first: RecordNumber::decode(first)?, step, count })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn rows(numbers: impl IntoIterator<Item = u16>) -> Rows {
        let mut rows = Rows::default();
        numbers.into_iter().for_each(|number| rows.add(number.into()));
        rows
    }

    #[test]
    fn numbers_in_even_steps_are_one_row_whichever_way_they_go() {
        let table: [(Vec<u16>, usize); 6] = [
            ((1..=500).collect(), 1),
            ((1..=500).rev().collect(), 1),
            ((0..4000).step_by(5).collect(), 1),
            ((65_500..=65_535).chain(0..40).collect(), 1),
            ([7, 7, 8, 8, 9].to_vec(), 1),
            ((1..=20).chain(30..=40).collect(), 2),
        ];
        for (numbers, held) in table {
            let rows = rows(numbers.iter().copied());
            assert_eq!(rows.0.len(), held, "{numbers:?}");
            assert!((0..=u16::MAX).all(|n| rows.contains(n.into()) == numbers.contains(&n)), "{numbers:?}");
        }
    }

    #[test]
    fn numbers_without_an_order_are_held_up_to_a_bound() {
        let rows = rows((0..200_u16).map(|n| n * n));
        assert_eq!((rows.0.len(), rows.count()), (MOST, 128));
        assert_eq!(rows.encode().len(), MOST * 6);
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_in_it_and_nothing_else(
            runs in proptest::collection::vec((any::<u16>(), -9_i16..9, 1_u16..30), 0..20),
            is_long: bool,
        ) {
            let number = |n: u16| -> RecordNumber {
                if is_long { (u32::from(n) | 0xFFFF_0000).into() } else { n.into() }
            };
            let mut rows = Rows::default();
            let mut put = BTreeSet::new();
            for (first, step, count) in runs {
                for place in 0..count {
                    let n = first.wrapping_add_signed(step.wrapping_mul(place.cast_signed()));
                    rows.add(number(n));
                    put.insert(n);
                }
            }
            prop_assert!((0..=u16::MAX).all(|n| !rows.contains(number(n)) || put.contains(&n)));
            if rows.0.len() < MOST {
                prop_assert!(put.iter().all(|n| rows.contains(number(*n))));
                prop_assert_eq!(usize::try_from(rows.count()).unwrap() >= put.len(), true);
            }
            let length = if is_long { 4 } else { 2 };
            prop_assert_eq!(Rows::decode(&rows.encode(), length), Some(rows));
        }

        #[test]
        fn any_bytes_are_rows_or_none(bytes: Vec<u8>, number: u16) {
            if let Some(rows) = Rows::decode(&bytes, 2) {
                rows.contains(number.into());
                rows.count();
            }
        }
    }
}
