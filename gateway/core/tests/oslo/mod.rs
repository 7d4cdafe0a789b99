//! Civil time in Oslo in 2026, from the two dates that the law gives.

use varde_core::HomeClock;
use varde_wire::WallTime;

/// 2026-03-29 and 2026-10-25, 01:00 UTC, in minutes since 1970.
const SPRING: i64 = 29_579_100;
const AUTUMN: i64 = 29_881_500;

const MINUTE_MS: i64 = 60_000;

/// How far local time is ahead of UTC, in minutes.
pub(crate) fn offset(utc_minute: i64) -> i64 {
    if (SPRING..AUTUMN).contains(&utc_minute) { 120 } else { 60 }
}

/// What the gateway is told at this moment.
pub(crate) fn clock(wall_ms: i64) -> HomeClock {
    let utc = wall_ms.div_euclid(MINUTE_MS);
    let change = |minute: i64, other: i16| Some((WallTime::from_unix_millis(minute * MINUTE_MS), other));
    let (before, after) = match utc {
        ..SPRING => (None, change(SPRING, 120)),
        SPRING..AUTUMN => (change(SPRING, 60), change(AUTUMN, 60)),
        AUTUMN.. => (change(AUTUMN, 120), None),
    };
    let utc_offset_min = i16::try_from(offset(utc)).unwrap();
    HomeClock { wall: WallTime::from_unix_millis(wall_ms), utc_offset_min, before, after }
}
