//! The one place of this crate that reads the wall clock, and the one way it is written out.

use varde_wire::WallTime;

/// The wall clock.
pub(crate) fn now() -> WallTime {
    WallTime::from_unix_millis(jiff::Timestamp::now().as_millisecond())
}

/// The day it is, in UTC.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// RFC 3339 in UTC with milliseconds; none for a time that no calendar holds.
pub(crate) fn rfc3339(time: WallTime) -> Option<String> {
    let stamp = jiff::Timestamp::from_millisecond(time.as_unix_millis()).ok()?;
    Some(format!("{stamp:.3}"))
}

/// The day so many days after 1970-01-01; none where no calendar holds it.
pub(crate) fn date(days: i64) -> Option<String> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let day = epoch.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    Some(day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_its_milliseconds() {
        let text = |ms| rfc3339(WallTime::from_unix_millis(ms));
        assert_eq!(text(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(text(1_700_000_000_120).as_deref(), Some("2023-11-14T22:13:20.120Z"));
        assert_eq!(text(i64::MAX), None);
    }

    #[test]
    fn a_day_is_counted_from_1970() {
        assert_eq!(date(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date(20_513).as_deref(), Some("2026-03-01"));
        assert_eq!((date(i64::MAX), date(i64::MIN)), (None, None));
    }
}
