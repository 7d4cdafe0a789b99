//! Date Time, 0x2A08 (GATT Specification Supplement): a device's own clock.

use varde_wire::LocalTime;

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::{Description, FrameError, Uuid};

/// Date Time.
pub const DATE_TIME: Uuid = Uuid::sig(0x2A08);

/// Date Time.
pub(crate) const DECODERS: &[Decoder] = &[(0x2A08, |bytes, _| {
    Ok(Decoded::fields(DateTime::take(&mut Cursor::new(bytes), "date time")?.describe()))
})];

/// A date and time as the device sent it, whether or not there is such a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(LocalTime);

impl DateTime {
    /// The seven bytes at the cursor.
    pub(crate) fn take(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Self, FrameError> {
        let [y0, y1, month, day, hour, minute, second] = cursor.array(field)?;
        let year = u16::from_le_bytes([y0, y1]);
        Ok(Self(LocalTime { year, month, day, hour, minute, second }))
    }

    /// The seven bytes.
    pub fn encode(&self) -> [u8; 7] {
        let LocalTime { year, month, day, hour, minute, second } = self.0;
        let [low, high] = year.to_le_bytes();
        [low, high, month, day, hour, minute, second]
    }

    /// The fields as sent.
    pub const fn as_sent(&self) -> LocalTime {
        self.0
    }

    /// The moment, if there can be one. A year, month or day of 0 is "not known" and stays so.
    pub fn moment(&self) -> Option<LocalTime> {
        let LocalTime { year, month, day, hour, minute, second } = self.0;
        let possible = matches!(year, 0 | 1582..=9999)
            && month <= 12
            && day <= longest_month(year, month)
            && hour <= 23
            && minute <= 59
            && second <= 59;
        possible.then_some(self.0)
    }

    /// Whether the device's clock cannot be set: an impossible moment, or no date at all.
    pub fn clock_is_unset(&self) -> bool {
        let no_date = matches!(self.0, LocalTime { year: 0, month: 0, day: 0, .. });
        no_date || self.moment().is_none()
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("year", self.0.year)
            .with("month", self.0.month)
            .with("day", self.0.day)
            .with("hours", self.0.hour)
            .with("minutes", self.0.minute)
            .with("seconds", self.0.second)
    }
}

impl From<LocalTime> for DateTime {
    fn from(time: LocalTime) -> Self {
        Self(time)
    }
}

/// The last day of the month; where the year is not known, of the longest such month.
const fn longest_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(bytes: [u8; 7]) -> DateTime {
        DateTime::take(&mut Cursor::new(&bytes), "date time").unwrap()
    }

    /// Beyond what the tests of im97mori's JavaBLEUtil (MIT) hold: those read "9999-02-31" back as sent, and so
    /// do we, but there is no such moment.
    #[test]
    fn an_impossible_moment_is_kept_as_sent_and_never_taken_for_a_time() {
        let table = [
            ([0x0F, 0x27, 12, 31, 23, 59, 59], "9999-12-31T23:59:59", true),
            ([0x2E, 0x06, 1, 1, 23, 59, 59], "1582-01-01T23:59:59", true),
            ([0x2E, 0x06, 0, 0, 0, 0, 0], "1582-00-00T00:00:00", true),
            ([0, 0, 2, 29, 0, 0, 0], "0000-02-29T00:00:00", true),
            ([0xE8, 0x07, 2, 29, 0, 0, 0], "2024-02-29T00:00:00", true),
            ([0xE9, 0x07, 2, 29, 0, 0, 0], "2025-02-29T00:00:00", false),
            ([0x6C, 0x07, 2, 29, 0, 0, 0], "1900-02-29T00:00:00", false),
            ([0x0F, 0x27, 2, 31, 23, 59, 59], "9999-02-31T23:59:59", false),
            ([0x0F, 0x27, 4, 31, 23, 59, 59], "9999-04-31T23:59:59", false),
            ([4, 0, 5, 6, 7, 8, 9], "0004-05-06T07:08:09", false),
            ([0xE8, 0x07, 13, 1, 0, 0, 0], "2024-13-01T00:00:00", false),
            ([0xE8, 0x07, 1, 1, 24, 0, 0], "2024-01-01T24:00:00", false),
            ([0xE8, 0x07, 1, 1, 0, 60, 0], "2024-01-01T00:60:00", false),
            ([0xE8, 0x07, 1, 1, 0, 0, 60], "2024-01-01T00:00:60", false),
        ];
        for (bytes, text, possible) in table {
            let date = date(bytes);
            assert_eq!(date.as_sent().to_string(), text);
            assert_eq!(date.moment().is_some(), possible, "{text}");
            assert_eq!(date.clock_is_unset(), !possible, "{text}");
        }
    }

    #[test]
    fn no_date_at_all_means_a_clock_that_was_never_set() {
        let unknown = date([0; 7]);
        assert!(unknown.moment().is_some());
        assert!(unknown.clock_is_unset());
    }
}
