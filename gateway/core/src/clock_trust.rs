//! What a wall time is worth on a box without a clock battery.

use varde_wire::{Anchor, BootId, Instant, Stamp, Trust, WallTime};

/// What the clocks show at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Since boot.
    pub uptime: Instant,
    /// The system's wall clock.
    pub wall: WallTime,
    /// Whether a time service disciplines it.
    pub synchronised: bool,
}

/// Judges the wall clock. A time before the program was built, or before the last time that was known to be
/// right, is no time at all.
#[derive(Clone, Debug)]
pub struct ClockTrust {
    boot: BootId,
    floor: WallTime,
    /// Wall time minus uptime at the last reading.
    offset: Option<i64>,
    anchored: bool,
}

impl ClockTrust {
    /// For this boot; `built` is when the program was built, `last_trusted` what was stored of earlier boots.
    pub fn new(boot: BootId, built: WallTime, last_trusted: Option<WallTime>) -> Self {
        Self {
            boot,
            floor: last_trusted.map_or(built, |last| last.max(built)),
            offset: None,
            anchored: false,
        }
    }

    /// The time to check certificates against: never before what is known to have passed.
    pub fn certificate_time(&self, wall: WallTime) -> WallTime {
        wall.max(self.floor)
    }

    /// The last time that was known to be right, to be stored for the next boot.
    pub fn last_trusted(&self) -> WallTime {
        self.floor
    }

    /// The stamp of something made now.
    pub fn stamp(&self, reading: ClockReading) -> Stamp {
        let ClockReading { uptime, wall, synchronised } = reading;
        let trust = match (synchronised && wall >= self.floor, wall >= self.floor) {
            (true, _) => Trust::Synchronised,
            (false, true) => Trust::Estimated,
            (false, false) => Trust::Unset,
        };
        Stamp { boot: self.boot, uptime, wall, trust }
    }

    /// Looks at the clocks, from time to time and before stamping. Gives an anchor when the clock has become
    /// right in this boot, or was moved by a second or more while it was right.
    pub fn handle_reading(&mut self, reading: ClockReading) -> Option<(Stamp, Anchor)> {
        let stamp = self.stamp(reading);
        let uptime = i64::try_from(reading.uptime.as_millis()).unwrap_or(i64::MAX);
        let offset = reading.wall.as_unix_millis().saturating_sub(uptime);
        let moved_ms = offset.saturating_sub(self.offset.unwrap_or(offset));
        if stamp.trust != Trust::Synchronised {
            self.offset.get_or_insert(offset);
            self.anchored = self.anchored && moved_ms.saturating_abs() < 1_000;
            return None;
        }
        self.floor = self.floor.max(reading.wall);
        if self.anchored && moved_ms.saturating_abs() < 1_000 {
            return None;
        }
        self.anchored = true;
        self.offset = Some(offset);
        Some((stamp, Anchor { moved_ms }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: i64 = 1_790_000_000_000;

    fn clock() -> ClockTrust {
        ClockTrust::new(BootId::from_bytes([1; 16]), WallTime::from_unix_millis(BUILT), None)
    }

    fn reading(uptime: u64, wall: i64, synchronised: bool) -> ClockReading {
        ClockReading {
            uptime: Instant::from_millis(uptime),
            wall: WallTime::from_unix_millis(wall),
            synchronised,
        }
    }

    #[test]
    fn a_box_that_wakes_in_1970_stamps_unset_until_it_is_anchored() {
        let mut clock = clock();
        assert_eq!(clock.stamp(reading(5_000, 5_000, false)).trust, Trust::Unset);
        assert_eq!(clock.handle_reading(reading(5_000, 5_000, false)), None);
        let (stamp, anchor) = clock.handle_reading(reading(65_000, BUILT + 65_000, true)).unwrap();
        assert_eq!(stamp.trust, Trust::Synchronised);
        assert_eq!(anchor.moved_ms, BUILT);
        assert_eq!(clock.handle_reading(reading(66_000, BUILT + 66_200, true)), None, "drift is no jump");
        assert!(clock.handle_reading(reading(67_000, BUILT + 90_000, true)).is_some(), "a jump is");
    }

    #[test]
    fn a_clock_that_nothing_vouches_for_is_estimated_and_one_before_its_own_past_is_unset() {
        let last = WallTime::from_unix_millis(BUILT + 1_000);
        let clock =
            ClockTrust::new(BootId::from_bytes([1; 16]), WallTime::from_unix_millis(BUILT), Some(last));
        assert_eq!(clock.stamp(reading(0, BUILT + 1_000, false)).trust, Trust::Estimated);
        assert_eq!(clock.stamp(reading(0, BUILT + 999, false)).trust, Trust::Unset);
        assert_eq!(
            clock.stamp(reading(0, BUILT + 999, true)).trust,
            Trust::Unset,
            "a service can be wrong too"
        );
        assert_eq!(clock.certificate_time(WallTime::from_unix_millis(0)), last);
    }
}
