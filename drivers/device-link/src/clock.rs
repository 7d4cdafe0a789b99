//! The device's clock: UTC, and how local time is derived from it without asking anybody.

use serde::{Deserialize, Serialize};

/// What a gateway sets a device's clock to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSetting {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub utc_ms: u64,
    /// How local time is derived from it.
    pub zone: Zone,
}

/// How far local time is ahead of UTC, now and after the next change of daylight saving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Minutes ahead of UTC until the change.
    pub offset_min: i16,
    /// The next change that is known.
    pub change: Option<ZoneChange>,
}

/// A change of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneChange {
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub at_s: u64,
    /// Minutes ahead of UTC from then on.
    pub offset_min: i16,
}

/// A local day, in days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub u16);

/// A minute of local time, in minutes since 1970-01-01T00:00 on a clock on the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalMinute(pub u32);

const MINUTES_OF_DAY: u32 = 24 * 60;

impl Zone {
    /// What a clock on the wall shows at this second of UTC.
    pub fn local(&self, utc_s: u64) -> LocalMinute {
        let offset = match self.change {
            Some(change) if utc_s >= change.at_s => change.offset_min,
            Some(_) | None => self.offset_min,
        };
        let minutes = i64::try_from(utc_s / 60).unwrap_or(i64::MAX).saturating_add(i64::from(offset));
        LocalMinute(u32::try_from(minutes.max(0)).unwrap_or(u32::MAX))
    }

    /// The second of UTC at which a clock on the wall shows, or passes over, this minute: of a minute that comes
    /// twice the first, of one that is skipped the moment of the change.
    pub fn utc_s(&self, local: LocalMinute) -> u64 {
        let before = utc_s(local, self.offset_min);
        match self.change {
            Some(change) if before >= change.at_s => utc_s(local, change.offset_min).max(change.at_s),
            Some(_) | None => before,
        }
    }
}

fn utc_s(local: LocalMinute, offset_min: i16) -> u64 {
    let minutes = i64::from(local.0).saturating_sub(i64::from(offset_min));
    u64::try_from(minutes.saturating_mul(60)).unwrap_or_default()
}

impl LocalMinute {
    /// This minute of that day.
    pub fn of(day: Day, minute: u16) -> Self {
        Self(u32::from(day.0).saturating_mul(MINUTES_OF_DAY).saturating_add(u32::from(minute)))
    }

    /// The day that it belongs to.
    pub fn day(self) -> Day {
        Day(u16::try_from(self.0 / MINUTES_OF_DAY).unwrap_or(u16::MAX))
    }
}

impl Day {
    /// That many days later.
    #[must_use]
    pub fn after(self, days: u16) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The day of the week as a bit: 1 for Monday to 64 for Sunday. 1970-01-01 was a Thursday.
    pub fn weekday_bit(self) -> u8 {
        1 << (u32::from(self.0).saturating_add(3) % 7)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// 2026-03-29T01:00Z: Europe/Oslo goes from +1 to +2 hours.
    pub(crate) const SPRING_S: u64 = 1_774_746_000;
    /// 2026-10-25T01:00Z: and back.
    pub(crate) const AUTUMN_S: u64 = 1_792_890_000;

    pub(crate) const OSLO_SPRING: Zone =
        Zone { offset_min: 60, change: Some(ZoneChange { at_s: SPRING_S, offset_min: 120 }) };
    pub(crate) const OSLO_AUTUMN: Zone =
        Zone { offset_min: 120, change: Some(ZoneChange { at_s: AUTUMN_S, offset_min: 60 }) };

    #[test]
    fn a_skipped_minute_is_the_moment_of_the_change_and_a_repeated_one_is_its_first() {
        let spring = OSLO_SPRING.local(SPRING_S).day();
        let autumn = OSLO_AUTUMN.local(AUTUMN_S).day();
        assert_eq!((spring.weekday_bit(), autumn.weekday_bit()), (64, 64), "both are Sundays");
        let table = [
            (OSLO_SPRING, spring, 119, SPRING_S - 60),
            (OSLO_SPRING, spring, 2 * 60, SPRING_S),
            (OSLO_SPRING, spring, 150, SPRING_S),
            (OSLO_SPRING, spring, 3 * 60, SPRING_S),
            (OSLO_SPRING, spring, 181, SPRING_S + 60),
            (OSLO_AUTUMN, autumn, 119, AUTUMN_S - 3660),
            (OSLO_AUTUMN, autumn, 150, AUTUMN_S - 1800),
            (OSLO_AUTUMN, autumn, 179, AUTUMN_S - 60),
            (OSLO_AUTUMN, autumn, 3 * 60, AUTUMN_S + 3600),
        ];
        for (zone, day, minute, expected) in table {
            assert_eq!(zone.utc_s(LocalMinute::of(day, minute)), expected, "minute {minute}");
        }
        assert_eq!(OSLO_SPRING.local(SPRING_S), LocalMinute::of(spring, 180));
        assert_eq!(OSLO_AUTUMN.local(AUTUMN_S - 1), LocalMinute::of(autumn, 179));
        assert_eq!(OSLO_AUTUMN.local(AUTUMN_S), LocalMinute::of(autumn, 120));
    }
}
