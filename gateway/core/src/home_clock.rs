//! What the clock on the wall of the home shows, now, earlier and later.
//!
//! Rules speak of ten o'clock and of Saturday nights, so they need the home's civil time, with the change of its
//! offset on both sides of now: a day in which summer time begins has 23 hours.
//!
//! - A moment belongs to a [`Window`] if the wall shows a time within it at that moment. In the hour that is
//!   shown twice it may belong to it, then not, then again.
//! - A time of a day comes at the first moment of that day at which the wall shows it or later: at the change itself
//!   where summer time skips it, and the first time where the wall shows it twice.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use varde_wire::{Instant, WallTime};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A moment as rules and alarms need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Life time ([`crate::LifeClock`]).
    pub at: Instant,
    /// The home's civil time at that moment; none while the gateway's clock is not set.
    pub home: Option<HomeClock>,
}

/// The home's civil time at one moment, and its offsets around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeClock {
    /// The moment.
    pub wall: WallTime,
    /// How far civil time is ahead of UTC now, in minutes.
    pub utc_offset_min: i16,
    /// The last change of the offset: when it was, and the offset before it.
    pub before: Option<(WallTime, i16)>,
    /// The next change: when it will be, and the offset after it.
    pub after: Option<(WallTime, i16)>,
}

/// A civil day, counted from 1970-01-01.
pub(crate) type Day = i64;

impl Now {
    /// The same moment in another life: that much later, on all clocks. For timers that were due earlier.
    pub(crate) fn at(self, at: Instant) -> Self {
        let home = self.home.map(|clock| HomeClock { wall: self.wall(clock, at), ..clock });
        Self { at, home }
    }

    /// The instant at which the wall clock shows this, as far as it can be told now; 0 for what was before.
    pub(crate) fn instant(&self, clock: &HomeClock, wall: WallTime) -> Instant {
        let ahead = wall.as_unix_millis().saturating_sub(clock.wall.as_unix_millis());
        let apart = Duration::from_millis(ahead.unsigned_abs());
        if ahead >= 0 {
            self.at.after(apart)
        } else {
            Instant::from_millis(0).after(self.at.since(Instant::from_millis(0)).saturating_sub(apart))
        }
    }

    fn wall(&self, clock: HomeClock, at: Instant) -> WallTime {
        let ahead = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let ahead = ahead.saturating_sub(i64::try_from(self.at.as_millis()).unwrap_or(i64::MAX));
        WallTime::from_unix_millis(clock.wall.as_unix_millis().saturating_add(ahead))
    }
}

impl HomeClock {
    /// The day and the time that the wall shows at its moment.
    pub(crate) fn shown(&self) -> (Day, TimeOfDay) {
        self.shown_at(self.wall)
    }

    fn shown_at(&self, wall: WallTime) -> (Day, TimeOfDay) {
        let local = wall.as_unix_millis().saturating_add(self.offset_ms(wall));
        let minutes = local.rem_euclid(DAY_MS).div_euclid(MINUTE_MS);
        (local.div_euclid(DAY_MS), TimeOfDay(u16::try_from(minutes).unwrap_or_default()))
    }

    fn offset_ms(&self, wall: WallTime) -> i64 {
        let offset = match (self.before, self.after) {
            (Some((change, offset)), _) if wall < change => offset,
            (_, Some((change, offset))) if wall >= change => offset,
            _ => self.utc_offset_min,
        };
        i64::from(offset).saturating_mul(MINUTE_MS)
    }

    /// When this time of this day comes.
    pub(crate) fn comes(&self, day: Day, time: TimeOfDay) -> WallTime {
        let shown = day.saturating_mul(DAY_MS).saturating_add(i64::from(time.0).saturating_mul(MINUTE_MS));
        let spans = [
            self.before.map(|(change, offset)| (i64::MIN, change.as_unix_millis(), offset)),
            Some((
                self.before.map_or(i64::MIN, |(change, _)| change.as_unix_millis()),
                self.after.map_or(i64::MAX, |(change, _)| change.as_unix_millis()),
                self.utc_offset_min,
            )),
            self.after.map(|(change, offset)| (change.as_unix_millis(), i64::MAX, offset)),
        ];
        let first = spans.into_iter().flatten().find_map(|(start, end, offset)| {
            let moment = shown.saturating_sub(i64::from(offset).saturating_mul(MINUTE_MS)).max(start);
            (moment < end).then_some(moment)
        });
        WallTime::from_unix_millis(first.unwrap_or(shown))
    }

    /// The first moment after now at which the wall may come to show one of these times. None is missed; at some of
    /// them, around a change of the offset, the wall shows something else.
    pub(crate) fn next(&self, times: &[TimeOfDay]) -> Option<WallTime> {
        let (today, _) = self.shown();
        let changes = [self.before, self.after].into_iter().flatten();
        let offsets = changes.clone().map(|(_, offset)| offset).chain([self.utc_offset_min]);
        let shows = |day: Day, time: TimeOfDay, offset: i16| {
            let minutes =
                day.saturating_mul(1440).saturating_add(i64::from(time.0)).saturating_sub(offset.into());
            WallTime::from_unix_millis(minutes.saturating_mul(MINUTE_MS))
        };
        let days = today.saturating_sub(1)..=today.saturating_add(2);
        let moments = days.flat_map(|day| {
            offsets.clone().flat_map(move |offset| times.iter().map(move |time| shows(day, *time, offset)))
        });
        moments.chain(changes.map(|(change, _)| change)).filter(|moment| *moment > self.wall).min()
    }
}

/// A time on the wall, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// `hour` 0 to 23, `minute` 0 to 59.
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        if hour < 24 && minute < 60 {
            Some(Self((hour as u16).saturating_mul(60).saturating_add(minute as u16)))
        } else {
            None
        }
    }

    /// Minutes since 00:00.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.div_euclid(60), self.0.rem_euclid(60))
    }
}

/// A text is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is no time of day: expected 00:00 to 23:59, such as 22:30")]
pub struct BadTimeOfDay(String);

impl FromStr for TimeOfDay {
    type Err = BadTimeOfDay;

    fn from_str(text: &str) -> Result<Self, BadTimeOfDay> {
        let number =
            |part: &str| part.parse::<u8>().ok().filter(|_| part.len() == 2 && !part.starts_with('+'));
        text.split_once(':')
            .and_then(|(hour, minute)| Self::new(number(hour)?, number(minute)?))
            .ok_or_else(|| BadTimeOfDay(text.chars().take(32).collect()))
    }
}

/// A set of days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0x7F);
    /// No day.
    pub const NONE: Self = Self(0);
    /// The words for the days, Monday first.
    pub const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// These and one more: 0 for Monday to 6 for Sunday.
    #[must_use]
    pub const fn with(self, weekday: u8) -> Self {
        if weekday < 7 { Self(self.0 | 1 << weekday) } else { self }
    }

    /// Whether this civil day is one of them.
    pub(crate) fn has(self, day: Day) -> bool {
        // 1970-01-01 was a Thursday.
        let weekday = day.saturating_add(3).rem_euclid(7);
        self.0.checked_shr(u32::try_from(weekday).unwrap_or_default()).is_some_and(|bits| bits & 1 == 1)
    }
}

/// From one time of day to another, on some days: past midnight where it ends before it begins, and a whole day where
/// both are the same. The days are those on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// It begins then.
    pub from: TimeOfDay,
    /// It ends then.
    pub to: TimeOfDay,
    /// On which days it begins.
    pub days: Weekdays,
}

impl Window {
    /// Whether the wall shows a time within it.
    pub fn is_open(&self, clock: &HomeClock) -> bool {
        let (day, time) = clock.shown();
        if self.from < self.to {
            self.days.has(day) && (self.from..self.to).contains(&time)
        } else {
            (self.days.has(day) && time >= self.from)
                || (self.days.has(day.saturating_sub(1)) && time < self.to)
        }
    }

    /// The next moment at which that may change.
    pub(crate) fn next_edge(&self, clock: &HomeClock) -> Option<WallTime> {
        clock.next(&[self.from, self.to])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oslo at this moment of 2026: summer time from 29 March to 25 October, 01:00 UTC.
    fn oslo(utc_minute: i64) -> HomeClock {
        const SPRING: i64 = 1_774_746_000_000;
        const AUTUMN: i64 = 1_792_890_000_000;
        let wall = WallTime::from_unix_millis(utc_minute * MINUTE_MS);
        let (spring, autumn) = (WallTime::from_unix_millis(SPRING), WallTime::from_unix_millis(AUTUMN));
        if wall < spring {
            HomeClock { wall, utc_offset_min: 60, before: None, after: Some((spring, 120)) }
        } else if wall < autumn {
            let (before, after) = (Some((spring, 60)), Some((autumn, 60)));
            HomeClock { wall, utc_offset_min: 120, before, after }
        } else {
            HomeClock { wall, utc_offset_min: 60, before: Some((autumn, 120)), after: None }
        }
    }

    const SPRING_DAY: Day = 20_541;
    const AUTUMN_DAY: Day = 20_751;

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_comes_at_the_first_moment_that_shows_it_or_later() {
        for (day, clock_time, utc) in [
            (SPRING_DAY, "01:59", "00:59"),
            (SPRING_DAY, "02:00", "01:00"),
            (SPRING_DAY, "02:30", "01:00"),
            (SPRING_DAY, "03:00", "01:00"),
            (SPRING_DAY, "10:00", "08:00"),
            (AUTUMN_DAY, "02:30", "00:30"),
            (AUTUMN_DAY, "03:00", "02:00"),
            (AUTUMN_DAY, "10:00", "09:00"),
        ] {
            let expected = day * 1440 + i64::from(time(utc).minutes());
            // The same, from whichever side of the change it is asked.
            for asked in [day * 1440 - 600, day * 1440 + 30, day * 1440 + 61, day * 1440 + 900] {
                let comes = oslo(asked).comes(day, time(clock_time));
                assert_eq!(
                    comes.as_unix_millis() / MINUTE_MS,
                    expected,
                    "{day} {clock_time} asked at {asked}"
                );
            }
        }
    }

    #[test]
    fn next_edges_miss_no_change_of_a_window_in_two_years_of_nights() {
        let all = ["22:00-07:00", "02:15-02:45", "00:00-00:00", "08:00-20:00"];
        for (n, text) in all.iter().enumerate() {
            let (from, to) = text.split_once('-').unwrap();
            let days = if n % 2 == 0 { Weekdays::ALL } else { Weekdays::NONE.with(5).with(6) };
            let window = Window { from: time(from), to: time(to), days };
            for start in [SPRING_DAY - 2, AUTUMN_DAY - 2] {
                let mut open = window.is_open(&oslo(start * 1440));
                let mut next = window.next_edge(&oslo(start * 1440));
                for minute in start * 1440 + 1..(start + 9) * 1440 {
                    let clock = oslo(minute);
                    let is = window.is_open(&clock);
                    let due = next.is_some_and(|next| next <= clock.wall);
                    assert!(due || is == open, "{text} changed unannounced at {minute}");
                    if due {
                        next = window.next_edge(&clock);
                    }
                    open = is;
                }
            }
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_said_so() {
        for bad in ["", "7:00", "24:00", "12:60", "12.30", "+1:00", "12:30:00", "noon"] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
        assert_eq!(time("07:05").to_string(), "07:05");
    }
}
