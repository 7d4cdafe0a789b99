//! Elapsed Time Service 1.0 (0x183F): a device's clock as a count of time units, read and set.
//!
//! The count begins at 2000-01-01T00:00:00, in UTC or local time, or anywhere if it is a mere tick counter. The nine
//! bytes of the structure are also the time stamp of what such a device measures (GATT Specification Supplement,
//! Elapsed Time).

use varde_wire::{Decimal, LocalTime};

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::home_time::local_of_seconds;
use crate::{Description, FieldValue, FrameError, HomeTime, Uuid};

/// Current Elapsed Time.
pub const CURRENT_ELAPSED_TIME: Uuid = Uuid::sig(0x2BF2);

/// Current Elapsed Time.
pub(crate) const DECODERS: &[Decoder] =
    &[(0x2BF2, |bytes, _| Ok(Decoded::fields(CurrentElapsedTime::decode(bytes)?.describe())))];

/// 2000-01-01T00:00:00, in seconds after 1970.
const EPOCH_S: i64 = 946_684_800;

/// The unit of the time zone's offset.
const QUARTER_S: i64 = 900;

/// A moment on a device's clock, as the device sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ElapsedTime {
    /// How to read the rest.
    pub flags: u8,
    /// Time units since the clock's beginning; 48 bits.
    pub count: u64,
    /// Who set the clock last.
    pub sync_source: u8,
    /// How far local time is ahead of UTC, daylight saving included, in quarters of an hour; only where
    /// [`has_zone`](Self::has_zone).
    pub tz_dst_offset: i8,
}

/// Current Elapsed Time, 0x2BF2. What sets a clock is its first nine bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentElapsedTime {
    /// What the clock shows.
    pub time: ElapsedTime,
    /// Bit 0: the clock needs to be set (§3.1.1.2).
    pub status: Option<u8>,
    /// Bit 0: it minds daylight saving by itself; bit 1: time zones (§3.1.1.3).
    pub capabilities: Option<u8>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl ElapsedTime {
    const TICK_COUNTER: u8 = 1;
    const UTC: u8 = 1 << 1;
    const RESOLUTION: u8 = 0b11 << 2;
    const ZONE: u8 = 1 << 4;
    const CURRENT_TIMELINE: u8 = 1 << 5;
    const RESERVED: u8 = 0b1100_0000;

    /// Network Time Protocol: how the gateway's own clock is kept.
    const NETWORK: u8 = 1;

    /// The nine bytes at the cursor.
    pub(crate) fn take(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Self, FrameError> {
        let [flags, a, b, c, d, e, f, sync_source, tz_dst_offset] = cursor.array(field)?;
        let count = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        Ok(Self { flags, count, sync_source, tz_dst_offset: tz_dst_offset.cast_signed() })
    }

    /// The nine bytes.
    pub fn encode(&self) -> [u8; 9] {
        let [a, b, c, d, e, f, ..] = self.count.to_le_bytes();
        [self.flags, a, b, c, d, e, f, self.sync_source, self.tz_dst_offset.cast_unsigned()]
    }

    /// Whether it counts from an unknown beginning and shows no time of day.
    pub const fn is_tick_counter(&self) -> bool {
        self.flags & Self::TICK_COUNTER != 0
    }

    /// Whether it counts UTC; else local time. Means nothing for a tick counter.
    pub const fn is_utc(&self) -> bool {
        self.flags & Self::UTC != 0
    }

    /// Whether the time zone's offset is used. Means nothing for a tick counter.
    pub const fn has_zone(&self) -> bool {
        self.flags & Self::ZONE != 0
    }

    /// Whether the clock was not set or stopped since: it can be compared with what the clock shows now.
    pub const fn is_on_current_timeline(&self) -> bool {
        self.flags & Self::CURRENT_TIMELINE != 0
    }

    /// Whether the clock was right by itself: a network, a satellite or a radio signal set it, not a person.
    pub const fn is_synchronized(&self) -> bool {
        matches!(self.sync_source, 1 | 2 | 3 | 5 | 6)
    }

    /// How many time units make a second, as a power of ten.
    const fn decimal_places(&self) -> u32 {
        match (self.flags & Self::RESOLUTION) >> 2 {
            0 => 0,
            1 => 1,
            2 => 3,
            _ => 4,
        }
    }

    /// Whole seconds since the clock's beginning.
    pub fn seconds(&self) -> i64 {
        let units = 10_u64.saturating_pow(self.decimal_places());
        i64::try_from(self.count.checked_div(units).unwrap_or_default()).unwrap_or(i64::MAX)
    }

    /// What the clock shows as time of day: local time where the device tells its time zone or counts local time, else
    /// UTC. None for a tick counter, and after the year 9999.
    pub fn time_of_day(&self) -> Option<LocalTime> {
        if self.is_tick_counter() {
            return None;
        }
        let zone_s = if self.is_utc() && self.has_zone() {
            i64::from(self.tz_dst_offset).saturating_mul(QUARTER_S)
        } else {
            0
        };
        let time = local_of_seconds(self.seconds().saturating_add(EPOCH_S).saturating_add(zone_s));
        (time.year > 0).then_some(time)
    }

    /// What this clock shows when it is right: the same kind of count at `now`. None for a tick counter, which is never
    /// wrong, and before 2000.
    pub fn set_to(&self, now: HomeTime) -> Option<Self> {
        if self.is_tick_counter() {
            return None;
        }
        let ahead_min = i64::from(now.utc_offset_min);
        let local_s = if self.is_utc() { 0 } else { ahead_min.saturating_mul(60) };
        let seconds = now.unix_s.saturating_sub(EPOCH_S).saturating_add(local_s);
        let units = 10_u64.saturating_pow(self.decimal_places());
        let quarters = if self.has_zone() { ahead_min.div_euclid(15) } else { 0 };
        Some(Self {
            flags: self.flags & !Self::RESERVED | Self::CURRENT_TIMELINE,
            count: u64::try_from(seconds).ok()?.saturating_mul(units),
            sync_source: Self::NETWORK,
            tz_dst_offset: i8::try_from(quarters).unwrap_or_default(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let resolution = match self.decimal_places() {
            0 => "1 s",
            1 => "100 ms",
            3 => "1 ms",
            _ => "100 us",
        };
        let count = Decimal::whole(i64::try_from(self.count).unwrap_or(i64::MAX));
        let minutes = i64::from(self.tz_dst_offset).saturating_mul(15);
        Description::default()
            .with_some("time_of_day", self.time_of_day().map(|time| time.to_string()))
            .with("time_value", FieldValue::Number(count))
            .with("tick_counter", self.is_tick_counter())
            .with("utc", self.is_utc())
            .with("resolution", resolution)
            .with_some(
                "tz_dst_offset_min",
                self.has_zone().then(|| FieldValue::Number(Decimal::whole(minutes))),
            )
            .with("current_timeline", self.is_on_current_timeline())
            .with("sync_source", sync_source(self.sync_source))
            .with_bits("reserved_flags", (self.flags & Self::RESERVED).into())
    }
}

/// Time Source (GATT Specification Supplement).
fn sync_source(code: u8) -> FieldValue {
    const NAMES: [&str; 8] = [
        "unknown",
        "network-time-protocol",
        "gps",
        "radio-time-signal",
        "manual",
        "atomic-clock",
        "cellular-network",
        "not-synchronized",
    ];
    NAMES.get(usize::from(code)).map_or_else(|| code.into(), |name| (*name).into())
}

impl CurrentElapsedTime {
    /// The time in a value of the characteristic. Some devices leave out what follows the time.
    ///
    /// # Errors
    /// Where the value ends within the time.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self {
            time: ElapsedTime::take(&mut cursor, "elapsed time")?,
            status: cursor.u8("clock status").ok(),
            capabilities: cursor.u8("clock capabilities").ok(),
            rest: cursor.rest().to_vec(),
        })
    }

    /// Whether the device says that its clock is not set.
    pub fn needs_to_be_set(&self) -> bool {
        self.status.is_some_and(|status| status & 1 != 0)
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let named = |names, bits: u8| Description::default().with_named_bits(names, bits.into());
        let status = self.status.map(|bits| named(&["needs_to_be_set"], bits));
        let capabilities =
            self.capabilities.map(|bits| named(&["applies_daylight_saving", "follows_time_zone"], bits));
        self.time
            .describe()
            .with_some("clock_status", status)
            .with_some("clock_capabilities", capabilities)
            .with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::describe::unhex;

    fn time(hex: &str) -> ElapsedTime {
        CurrentElapsedTime::decode(&unhex(hex)).unwrap().time
    }

    /// The first two rows: the time stamp and the start value of STMicroelectronics' GHS application for STM32WBA. The
    /// second is 2024-06-04 there, though its comment says 2024-06-06. The others are derived from the structure.
    #[test]
    fn a_count_is_read_in_each_of_its_units_and_kinds() {
        let table = [
            ("22729d2b29000006000100", Some("2021-11-20T11:50:10"), "UTC without a zone"),
            ("300086f12d000006000100", Some("2024-06-04T08:00:00"), "local time with a zone of 0"),
            ("320029f42d000001080000", Some("2024-06-06T10:00:00"), "UTC, zone of two hours"),
            ("300029f42d000001080000", Some("2024-06-06T08:00:00"), "local time, zone of two hours"),
            ("320029f42d000001ec0000", Some("2024-06-06T03:00:00"), "UTC, zone of minus five hours"),
            ("24f47e690000000000", Some("2000-01-09T00:02:58"), "a tenth of a second"),
            ("28e803000000000000", Some("2000-01-01T00:00:01"), "a millisecond"),
            ("2c10270000000000ff", Some("2000-01-01T00:00:01"), "100 microseconds"),
            ("20ffffffffffff0000", None, "the largest count, in seconds: no year has it"),
            ("2cffffffffffff0000", Some("2891-12-16T05:21:11"), "the largest count, in the finest unit"),
            ("210029f42d00000000", None, "a tick counter"),
            ("20000000000000ff7f", Some("2000-01-01T00:00:00"), "the smallest"),
        ];
        for (hex, shown, why) in table {
            assert_eq!(time(hex).time_of_day().map(|time| time.to_string()).as_deref(), shown, "{why}");
        }
    }

    #[test]
    fn status_and_capabilities_may_be_missing_the_time_may_not() {
        let whole = CurrentElapsedTime::decode(&unhex("300029f42d00000600010203")).unwrap();
        assert!(whole.needs_to_be_set());
        assert_eq!((whole.status, whole.capabilities, &whole.rest[..]), (Some(1), Some(2), &[3][..]));
        let short = CurrentElapsedTime::decode(&unhex("300029f42d00000600")).unwrap();
        assert!(!short.needs_to_be_set() && short.status.is_none() && short.capabilities.is_none());
        let refused = CurrentElapsedTime::decode(&unhex("300029f42d000006")).unwrap_err();
        assert_eq!(refused.to_string(), "elapsed time at byte 0: too short: expected length 9, got 8");
    }

    #[test]
    fn a_clock_is_set_in_its_own_terms() {
        // 2026-10-18T10:05:09Z.
        let now = HomeTime { unix_s: 1_792_317_909, utc_offset_min: 120, daylight_saving_min: 60 };
        let table = [
            (0x00, 845_640_309_u64, 0, 0x20),
            (0x02, 845_633_109, 0, 0x22),
            (0x12, 845_633_109, 8, 0x32),
            (0xF8, 845_640_309_000, 8, 0x38),
            (0x0E, 8_456_331_090_000, 0, 0x2E),
        ];
        for (flags, count, tz_dst_offset, set) in table {
            let clock = ElapsedTime { flags, count: 0, sync_source: 7, tz_dst_offset: 0 };
            let expected = ElapsedTime { flags: set, count, sync_source: 1, tz_dst_offset };
            assert_eq!(clock.set_to(now), Some(expected), "{flags:02x}");
        }
        assert_eq!(time("210000000000000000").set_to(now), None, "ticks are not set");
        assert_eq!(time("200000000000000000").set_to(HomeTime { unix_s: 0, ..now }), None);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(bytes in any::<[u8; 9]>()) {
            let time = ElapsedTime::take(&mut Cursor::new(&bytes), "time").unwrap();
            prop_assert_eq!(time.encode(), bytes);
            time.describe();
        }

        #[test]
        fn a_clock_that_was_set_shows_the_moment_it_was_set_to(
            flags in any::<u8>(),
            unix_s in EPOCH_S + 86_400..4_000_000_000_i64,
            quarters in -48_i16..=56,
        ) {
            let now = HomeTime { unix_s, utc_offset_min: quarters * 15, daylight_saving_min: 0 };
            let clock = ElapsedTime { flags, count: 0, sync_source: 0, tz_dst_offset: 0 };
            let Some(set) = clock.set_to(now) else {
                prop_assert!(clock.is_tick_counter());
                return Ok(());
            };
            let shown = set.time_of_day().unwrap();
            let utc = HomeTime { utc_offset_min: 0, ..now };
            let shows_utc = set.is_utc() && !set.has_zone();
            prop_assert_eq!(shown, if shows_utc { utc.local() } else { now.local() });
        }
    }
}
