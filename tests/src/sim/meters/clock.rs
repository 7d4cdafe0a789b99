//! A meter's own clock: a quartz that somebody set once, and knows no time zone.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use super::values::{date_time, read_date_time};

/// A clock that runs as fast as ours and shows something else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    ahead: SignedDuration,
    set: Option<DateTime>,
}

impl Clock {
    /// One that is ahead of UTC by this; behind it where that is negative.
    pub const fn ahead(by: SignedDuration) -> Self {
        Self { ahead: by, set: None }
    }

    /// What it shows.
    pub fn now(&self) -> DateTime {
        Timestamp::now().to_zoned(TimeZone::UTC).datetime().saturating_add(self.ahead)
    }

    /// Shows this from now on.
    pub fn set(&mut self, shown: DateTime) {
        self.ahead += shown.duration_since(self.now());
        self.set = Some(shown);
    }

    /// What it was last set to by the other side.
    pub const fn was_set(&self) -> Option<DateTime> {
        self.set
    }

    /// How far it is ahead of UTC.
    pub const fn is_ahead(&self) -> SignedDuration {
        self.ahead
    }

    /// A Date Time (2A08).
    pub fn date_time(&self) -> [u8; 7] {
        date_time(self.now())
    }

    /// A Current Time (2A2B; CTS 1.1 §3.1): with day of the week, 1/256 s and no reason for adjustment.
    pub fn current_time(&self) -> Vec<u8> {
        let now = self.now();
        let mut bytes = date_time(now).to_vec();
        bytes.push(now.weekday().to_monday_one_offset().cast_unsigned());
        bytes.extend([0, 0]);
        bytes
    }

    /// Takes a Date Time or a Current Time; false where it is neither.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        let shown = read_date_time(bytes).filter(|_| matches!(bytes.len(), 7 | 10));
        if let Some(shown) = shown {
            self.set(shown);
        }
        shown.is_some()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_clock_that_is_set_runs_on_from_there() {
        let mut clock = Clock::ahead(SignedDuration::from_hours(-40_000));
        let shown = date(2026, 3, 9).at(7, 5, 30, 0);
        assert!(!clock.write(&[1, 2, 3]));
        assert!(clock.write(&date_time(shown)));
        assert_eq!(clock.was_set(), Some(shown));
        let ran = clock.now().duration_since(shown);
        assert!(!ran.is_negative() && ran < SignedDuration::from_hours(1));
    }
}
