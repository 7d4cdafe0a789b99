//! Type, length, value: how an observation carries what the specification did not foresee.

use varde_wire::{Decimal, Metric, Value};

use crate::cursor::Cursor;
use crate::describe::hex;
use crate::{Description, FrameError, float};

/// A value with its type and format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tlv {
    /// What it is: an MDC code.
    pub kind: u32,
    /// How the value is written: a Format Type of the Bluetooth Assigned Numbers.
    pub format: u8,
    /// The value as sent.
    pub value: Vec<u8>,
}

impl Tlv {
    /// A count, then that many of them. The length that each tells is that of its value.
    pub(super) fn take_all(cursor: &mut Cursor<'_>) -> Result<Vec<Self>, FrameError> {
        let count = cursor.u8("number of TLVs")?;
        (0..count).map(|_| Self::take(cursor)).collect()
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        let kind = cursor.u32_le("TLV type")?;
        let length = cursor.u16_le("TLV length")?;
        let format = cursor.u8("TLV format")?;
        let value = cursor.take(length.into(), "TLV value")?.to_vec();
        Ok(Self { kind, format, value })
    }

    /// The value in common words; what has no word here in hexadecimal.
    pub(super) fn read(&self) -> Value {
        let number = match self.format {
            0x01..=0x0B => unsigned(&self.value).map(Ok),
            0x0C..=0x13 => signed(&self.value).map(Ok),
            0x16 => self.value.as_array().copied().map(float::sfloat),
            0x17 => self.value.as_array().copied().map(float::float),
            0x19 => return Value::Text(text(&self.value)),
            _ => None,
        };
        number.map_or_else(
            || Value::Text(hex(&self.value)),
            |number| number.map_or_else(Value::Absent, Value::Decimal),
        )
    }

    pub(super) fn describe(&self) -> Description {
        Description::default()
            .with("type", Metric::from_code(self.kind).to_string())
            .with("format", self.format)
            .with("value", self.read().to_string())
    }
}

/// A text without the zeros that some devices fill it up with.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// A whole number of as many bytes as were sent, whatever its format says: some devices pad.
fn unsigned(bytes: &[u8]) -> Option<Decimal> {
    (!bytes.is_empty()).then_some(())?;
    bytes
        .iter()
        .rev()
        .try_fold(0_i64, |number, byte| number.checked_mul(256)?.checked_add(i64::from(*byte)))
        .map(Decimal::whole)
}

fn signed(bytes: &[u8]) -> Option<Decimal> {
    let (highest, lower) = bytes.split_last()?;
    lower
        .iter()
        .rev()
        .try_fold(i64::from(highest.cast_signed()), |number, byte| {
            number.checked_mul(256)?.checked_add(i64::from(*byte))
        })
        .map(Decimal::whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::describe::unhex;

    /// Derived from the structure; the padded one and its length as in STMicroelectronics' GHS application for STM32WBA.
    #[test]
    fn a_value_is_read_by_its_format() {
        let table = [
            (0x01, "01", "1"),
            (0x04, "620000", "98"),
            (0x06, "ffff", "65535"),
            (0x0A, "ffffffffffffff7f", "9223372036854775807"),
            (0x0A, "ffffffffffffffff", "ffffffffffffffff"),
            (0x0C, "ff", "-1"),
            (0x0E, "0080", "-32768"),
            (0x12, "0000000000000080", "-9223372036854775808"),
            (0x16, "6af1", "36.2"),
            (0x16, "ff07", "not-a-number"),
            (0x17, "6a0100ff", "36.2"),
            (0x17, "0000", "0000"),
            (0x19, "68656a0000", "hej"),
            (0x1B, "0102", "0102"),
            (0x04, "", ""),
        ];
        for (format, value, expected) in table {
            let tlv = Tlv { kind: 0, format, value: unhex(value) };
            assert_eq!(tlv.read().to_string(), expected, "{format:02x} {value}");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_is_read_back(number in any::<i64>(), short in any::<i16>()) {
            prop_assert_eq!(signed(&number.to_le_bytes()), Some(Decimal::whole(number)));
            prop_assert_eq!(signed(&short.to_le_bytes()), Some(Decimal::whole(short.into())));
            let positive = number & i64::MAX;
            prop_assert_eq!(unsigned(&positive.to_le_bytes()), Some(Decimal::whole(positive)));
        }
    }
}
