//! The gateway's clock in the home's time zone, and how far a meter's clock is from it.

use std::time::Duration;

use varde_wire::LocalTime;

/// A moment on the gateway's clock. It is only handed to a driver while that clock is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix_s: i64,
    /// How far local time is ahead of UTC, in minutes, daylight saving included.
    pub utc_offset_min: i16,
    /// How much of that is daylight saving, in minutes.
    pub daylight_saving_min: i16,
}

/// A change of the home's local time, such as to or from daylight saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub at_unix_s: i64,
    /// How far local time is ahead of UTC from then on, in minutes.
    pub utc_offset_min: i16,
}

impl HomeTime {
    /// The moment that much later, in the same time zone.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        Self { unix_s: self.unix_s.saturating_add(by), ..self }
    }

    /// What a clock on the wall shows.
    pub fn local(self) -> LocalTime {
        local_of_seconds(self.local_seconds())
    }

    /// The day of the week: 1 for Monday to 7 for Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        let days = self.local_seconds().div_euclid(DAY).saturating_add(3);
        u8::try_from(days.rem_euclid(7)).unwrap_or_default().saturating_add(1)
    }

    /// What has to be added to a meter's clock to come to this moment, in seconds; none where the meter shows no
    /// moment at all.
    pub fn ahead_of(self, meter: LocalTime) -> Option<i32> {
        let ahead = self.local_seconds().saturating_sub(seconds_of_local(meter)?);
        Some(i32::try_from(ahead).unwrap_or(if ahead < 0 { i32::MIN } else { i32::MAX }))
    }

    fn local_seconds(self) -> i64 {
        self.unix_s.saturating_add(i64::from(self.utc_offset_min).saturating_mul(60))
    }
}

const DAY: i64 = 86_400;

/// Seconds from 1970-01-01T00:00:00 on a clock on the wall; none where year, month or day is not known.
///
/// Civil days are counted from 1 March, so that the leap day ends a year.
pub(crate) fn seconds_of_local(time: LocalTime) -> Option<i64> {
    let LocalTime { year, month, day, hour, minute, second } = time;
    if year == 0 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = month.checked_add(9)?.checked_rem(12)?;
    let days = year
        .checked_mul(365)?
        .checked_add(year.div_euclid(4))?
        .checked_sub(year.div_euclid(100))?
        .checked_add(year.div_euclid(400))?
        .checked_add(month_from_march.checked_mul(153)?.checked_add(2)?.div_euclid(5))?
        .checked_add(day)?
        .checked_sub(DAYS_TO_1970)?;
    days.checked_mul(DAY)?
        .checked_add(i64::from(hour).checked_mul(3600)?)?
        .checked_add(i64::from(minute).checked_mul(60)?)?
        .checked_add(i64::from(second))
}

/// From 1 March of year 0 to 1970-01-01, counted with day 1 for the first.
const DAYS_TO_1970: i64 = 719_469;

/// What a clock on the wall shows that many seconds after 1970-01-01T00:00:00. Outside of the years 1 to 9999 it
/// shows nothing: all zeros.
#[expect(clippy::arithmetic_side_effects, reason = "the years are bounded before anything is multiplied")]
pub(crate) fn local_of_seconds(seconds: i64) -> LocalTime {
    const NOTHING: LocalTime = LocalTime { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    if !(-62_135_596_800..=253_402_300_799).contains(&seconds) {
        return NOTHING;
    }
    let days = seconds.div_euclid(DAY) + DAYS_TO_1970 - 1;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let of_day = seconds.rem_euclid(DAY);
    let byte = |number: i64| u8::try_from(number).unwrap_or_default();
    LocalTime {
        year: u16::try_from(year).unwrap_or_default(),
        month: byte(month),
        day: byte(day),
        hour: byte(of_day / 3600),
        minute: byte(of_day / 60 % 60),
        second: byte(of_day % 60),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_shown_as_the_calendar_has_them() {
        let table = [
            (0, "1970-01-01T00:00:00", 4),
            (951_782_400, "2000-02-29T00:00:00", 2),
            (1_792_281_600, "2026-10-18T00:00:00", 7),
            (-62_135_596_800, "0001-01-01T00:00:00", 1),
            (253_402_300_799, "9999-12-31T23:59:59", 5),
        ];
        for (unix_s, text, weekday) in table {
            let time = HomeTime { unix_s, utc_offset_min: 0, daylight_saving_min: 0 };
            assert_eq!(time.local().to_string(), text);
            assert_eq!(time.weekday(), weekday, "{text}");
        }
    }

    #[test]
    fn a_meter_that_is_an_hour_behind_is_told_by_how_much_whatever_the_zone() {
        let now = HomeTime { unix_s: 1_792_281_600, utc_offset_min: 120, daylight_saving_min: 60 };
        assert_eq!(now.local().to_string(), "2026-10-18T02:00:00");
        let meter = LocalTime { year: 2026, month: 10, day: 18, hour: 1, minute: 0, second: 5 };
        assert_eq!(now.ahead_of(meter), Some(3595));
        assert_eq!(now.ahead_of(LocalTime { year: 0, ..meter }), None);
    }

    proptest! {
        #[test]
        fn every_second_is_shown_and_read_back(seconds in -62_135_596_800_i64..=253_402_300_799) {
            prop_assert_eq!(seconds_of_local(local_of_seconds(seconds)), Some(seconds));
        }

        #[test]
        fn any_bytes_are_a_time_or_none_and_never_a_panic(seconds in any::<i64>(), parts in any::<[u8; 5]>(), year in any::<u16>()) {
            local_of_seconds(seconds);
            let [month, day, hour, minute, second] = parts;
            seconds_of_local(LocalTime { year, month, day, hour, minute, second });
        }
    }
}
