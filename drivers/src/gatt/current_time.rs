//! Current Time, 0x2A2B of the Current Time Service (CTS 1.1 §3.1): a device's clock, read and set.

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::gatt::date_time::DateTime;
use crate::{Description, FrameError, HomeTime, Uuid};

/// Current Time.
pub const CURRENT_TIME: Uuid = Uuid::sig(0x2A2B);

/// Current Time.
pub(crate) const DECODERS: &[Decoder] =
    &[(0x2A2B, |bytes, _| Ok(Decoded::fields(CurrentTime::decode(bytes)?.describe())))];

/// What a device's clock shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentTime {
    /// Date and time of day.
    pub date_time: DateTime,
    /// 1 for Monday to 7 for Sunday, 0 where it is not known; more is reserved.
    pub day_of_week: u8,
    /// 1/256 of a second.
    pub fractions_256: u8,
    /// Why the clock was set last, as bits: manually, by a reference, for a time zone, for daylight saving.
    pub adjust_reason: u8,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl CurrentTime {
    /// The names of the adjust reason's bits, from bit 0.
    const REASONS: [&str; 4] =
        ["manual_update", "external_reference_update", "time_zone_change", "daylight_saving_change"];

    /// The time in a value of the characteristic. Some devices leave out the last bytes; the date and time of day
    /// must be whole.
    ///
    /// # Errors
    /// Where the value ends within the date or the time of day.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self {
            date_time: DateTime::take(&mut cursor, "exact time")?,
            day_of_week: cursor.u8("day of week").unwrap_or_default(),
            fractions_256: cursor.u8("fractions 256").unwrap_or_default(),
            adjust_reason: cursor.u8("adjust reason").unwrap_or_default(),
            rest: cursor.rest().to_vec(),
        })
    }

    /// The value that sets a device's clock to `time`, which is a reference to it.
    pub fn encode(time: HomeTime) -> Vec<u8> {
        const EXTERNAL_REFERENCE: u8 = 1 << 1;
        let mut bytes = DateTime::from(time.local()).encode().to_vec();
        bytes.extend([time.weekday(), 0, EXTERNAL_REFERENCE]);
        bytes
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let mut unnamed = self.adjust_reason;
        let mut reasons = Description::default();
        for (name, bit) in Self::REASONS.into_iter().zip(0..) {
            let mask = 1_u8 << bit;
            reasons = reasons.with(name, self.adjust_reason & mask != 0);
            unnamed &= !mask;
        }
        self.date_time
            .describe()
            .with("day_of_week", self.day_of_week)
            .with("fractions_256", self.fractions_256)
            .with("adjust_reason", reasons.with_bits("reserved", unnamed.into()))
            .with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first row: tests of im97mori's JavaBLEUtil (MIT).
    #[test]
    fn a_time_is_read_field_by_field_and_the_date_must_be_whole() {
        let whole = CurrentTime::decode(&[0xE1, 0x07, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(whole.date_time.as_sent().to_string(), "2017-01-02T03:04:05");
        assert_eq!((whole.day_of_week, whole.fractions_256, whole.adjust_reason), (6, 7, 8));
        let short = CurrentTime::decode(&[0xE1, 0x07, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!((short.day_of_week, short.fractions_256, short.adjust_reason), (0, 0, 0));
        let refused = CurrentTime::decode(&[0xE1, 0x07, 1, 2, 3, 4]).unwrap_err();
        assert_eq!(refused.to_string(), "exact time at byte 0: too short: expected length 7, got 6");
    }

    #[test]
    fn what_sets_a_clock_is_read_back_as_the_same_moment() {
        let time = HomeTime { unix_s: 1_792_317_909, utc_offset_min: 120, daylight_saving_min: 60 };
        let read = CurrentTime::decode(&CurrentTime::encode(time)).unwrap();
        assert_eq!(time.ahead_of(read.date_time.as_sent()), Some(0));
        assert_eq!(read.day_of_week, 7);
        assert_eq!(read.adjust_reason, 2);
    }
}
