//! The only place that reads a clock.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};
use varde_core::{ClockReading, ClockTrust, HomeClock};
use varde_drivers::{ClockChange, HomeTime};
use varde_wire::{Anchor, BootId, Instant, Stamp, Trust, WallTime};

/// Milliseconds since boot, suspended time counted (`CLOCK_BOOTTIME`).
pub fn boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000_000
}

/// Now, since boot.
pub fn now() -> Instant {
    Instant::from_millis(boot_ms())
}

/// The wall clock, whatever it shows.
pub fn wall() -> WallTime {
    let ms = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    let now = SystemTime::now();
    WallTime::from_unix_millis(match now.duration_since(UNIX_EPOCH) {
        Ok(after) => ms(after),
        Err(before) => -ms(before.duration()),
    })
}

/// When the wall clock will show this, if nobody moves it meanwhile; now, where it has shown it already.
pub fn when(shown: WallTime) -> Instant {
    let left = shown.as_unix_millis().saturating_sub(wall().as_unix_millis());
    now().after(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
}

/// When this program was built.
pub fn built() -> WallTime {
    let seconds: i64 = env!("VARDE_BUILT").parse().unwrap_or_default();
    WallTime::from_unix_millis(seconds * 1000)
}

/// The kernel's id of this boot; where there is none (a container without /proc), one of this start.
pub fn boot_id() -> BootId {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    match u128::from_str_radix(&digits, 16) {
        Ok(id) if digits.len() == 32 => BootId::from_bytes(id.to_be_bytes()),
        _ => BootId::from_bytes(crate::entropy::bytes().unwrap_or_default()),
    }
}

/// The home's civil time at that moment, with the changes of its offset on both sides.
pub fn home_clock(wall: i64, zone: &TimeZone) -> Option<HomeClock> {
    let now = Timestamp::from_millisecond(wall).ok()?;
    let minutes = |at: Timestamp| i16::try_from(zone.to_offset(at).seconds() / 60).unwrap_or_default();
    let of_change = |change: Timestamp, other: Timestamp| {
        (WallTime::from_unix_millis(change.as_millisecond()), minutes(other))
    };
    let before = zone.preceding(now).next().map(|change| change.timestamp()).and_then(|change| {
        let just_before = Timestamp::from_millisecond(change.as_millisecond().saturating_sub(1)).ok()?;
        Some(of_change(change, just_before))
    });
    let after = zone.following(now).next().map(|change| of_change(change.timestamp(), change.timestamp()));
    Some(HomeClock { wall: WallTime::from_unix_millis(wall), utc_offset_min: minutes(now), before, after })
}

/// The clocks and what they are worth, shared by all who stamp.
#[derive(Debug)]
pub struct Clocks {
    trust: Mutex<ClockTrust>,
    /// A file that exists while a time service disciplines the clock; systemd-timesyncd keeps one.
    marker: PathBuf,
}

impl Clocks {
    /// The clocks of this boot; `last_trusted` is what the store kept of earlier ones.
    pub fn new(marker: PathBuf, last_trusted: Option<WallTime>) -> Self {
        Self { trust: Mutex::new(ClockTrust::new(boot_id(), built(), last_trusted)), marker }
    }

    /// A stamp for something made now, and an anchor where the clock has just become right or was moved.
    pub fn stamp(&self) -> (Stamp, Option<(Stamp, Anchor)>) {
        let reading = ClockReading { uptime: now(), wall: wall(), synchronised: self.marker.exists() };
        let mut trust = self.trust();
        let anchor = trust.handle_reading(reading);
        (trust.stamp(reading), anchor)
    }

    /// What the wall clock is worth now.
    pub fn worth(&self) -> Trust {
        self.stamp_only().trust
    }

    /// The time of day in the home, where the clock is right, and its next change where one is known.
    pub fn home_time(&self) -> Option<(HomeTime, Option<ClockChange>)> {
        if self.worth() != Trust::Synchronised {
            return None;
        }
        let now = Timestamp::from_millisecond(wall().as_unix_millis()).ok()?;
        let home = TimeZone::system();
        let zone = home.to_offset_info(now);
        let minutes = |seconds: i32| i16::try_from(seconds / 60).unwrap_or_default();
        let change = home.following(now).next().map(|change| ClockChange {
            at_unix_s: change.timestamp().as_second(),
            utc_offset_min: minutes(change.offset().seconds()),
        });
        let time = HomeTime {
            unix_s: now.as_second(),
            utc_offset_min: minutes(zone.offset().seconds()),
            // Everywhere but on one island it is an hour.
            daylight_saving_min: if zone.dst().is_dst() { 60 } else { 0 },
        };
        Some((time, change))
    }

    /// What the clock on the wall of the home shows, where it is right.
    pub fn home_clock(&self) -> Option<HomeClock> {
        let is_right = self.worth() == Trust::Synchronised;
        is_right.then(|| home_clock(wall().as_unix_millis(), &TimeZone::system())).flatten()
    }

    /// The time to check certificates against.
    pub fn certificate_time(&self) -> WallTime {
        self.trust().certificate_time(wall())
    }

    /// The last time that was known to be right, for the next boot.
    pub fn last_trusted(&self) -> WallTime {
        self.trust().last_trusted()
    }

    /// A stamp for something made now, whatever became of the clock.
    pub fn stamp_only(&self) -> Stamp {
        self.trust().stamp(ClockReading { uptime: now(), wall: wall(), synchronised: self.marker.exists() })
    }

    fn trust(&self) -> MutexGuard<'_, ClockTrust> {
        // The state is whole after every step, so a panic elsewhere does not spoil it.
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
