//! One line of time through every restart.
//!
//! Uptime begins at 0 with each boot, so a state that is saved in one boot and restored in the next cannot keep its
//! instants in it. *Life time* is uptime plus a lead: it goes on where the last boot left off, and the time without
//! power is added as far as it is known. It never goes back, and a clock that is set while the gateway runs does not
//! move it: wall time is only asked across a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{BootId, Instant, Stamp, Trust, WallTime};

use crate::saved;

const VERSION: u8 = 1;

/// Translates between this boot's uptime and the gateway's life time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifeClock {
    lead: Duration,
    alive_until: Instant,
}

/// One moment on all clocks, to be kept beside the states that are saved then.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Mark {
    life: Instant,
    boot: BootId,
    uptime: Instant,
    wall: WallTime,
    trust: Trust,
}

impl LifeClock {
    /// Goes on from what [`Self::mark`] gave last; from the beginning where there is nothing, or nothing readable.
    pub fn resume(mark: &[u8], now: &Stamp) -> Self {
        let Some(mark) = saved::read::<Mark>(VERSION, mark) else { return Self::default() };
        let life = mark.life.after(mark.passed_until(now));
        Self { lead: life.since(now.uptime), alive_until: mark.life }
    }

    /// This moment, to be saved.
    pub fn mark(&self, now: &Stamp) -> Vec<u8> {
        let Stamp { boot, uptime, wall, trust } = *now;
        saved::bytes(VERSION, &Mark { life: self.life(uptime), boot, uptime, wall, trust })
    }

    /// Until when the gateway is known to have been alive before it went on: when the mark was made. Make one a minute.
    pub fn alive_until(&self) -> Instant {
        self.alive_until
    }

    /// The life time of a moment of this boot.
    pub fn life(&self, uptime: Instant) -> Instant {
        uptime.after(self.lead)
    }

    /// The uptime of a moment, for a timer; 0 for what was before this boot.
    pub fn uptime(&self, life: Instant) -> Instant {
        Instant::from_millis(0).after(life.since(Instant::from_millis(0)).saturating_sub(self.lead))
    }
}

impl Mark {
    /// At least how long ago this was. In another boot at least its uptime has passed; the wall clock may know of
    /// more, and where it goes back it knows nothing.
    fn passed_until(&self, now: &Stamp) -> Duration {
        if now.boot == self.boot {
            return now.uptime.since(self.uptime);
        }
        let this_boot = now.uptime.since(Instant::from_millis(0));
        if self.trust == Trust::Unset || now.trust == Trust::Unset {
            return this_boot;
        }
        let wall = now.wall.as_unix_millis().saturating_sub(self.wall.as_unix_millis());
        this_boot.max(Duration::from_millis(u64::try_from(wall).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(boot: u8, uptime_s: u64, wall_s: i64, trust: Trust) -> Stamp {
        Stamp {
            boot: BootId::from_bytes([boot; 16]),
            uptime: Instant::from_millis(uptime_s * 1000),
            wall: WallTime::from_unix_millis(wall_s * 1000),
            trust,
        }
    }

    #[test]
    fn life_goes_on_through_restarts_by_what_is_known_of_the_time_between() {
        use Trust::{Estimated, Synchronised, Unset};
        // Saved at life 5000 s, uptime 5000 s, wall 100,000 s.
        let saved = LifeClock::default().mark(&stamp(1, 5000, 100_000, Synchronised));
        let table = [
            ("the program alone restarted", stamp(1, 5060, 999_999, Unset), 5060),
            ("an hour without power, clock right", stamp(2, 60, 103_600, Synchronised), 8600),
            ("the clock is a lower bound", stamp(2, 60, 100_600, Estimated), 5600),
            ("the clock knows nothing", stamp(2, 60, 0, Unset), 5060),
            ("the clock went back", stamp(2, 60, 50_000, Synchronised), 5060),
        ];
        for (what, now, life_s) in table {
            let clock = LifeClock::resume(&saved, &now);
            assert_eq!(clock.life(now.uptime), Instant::from_millis(life_s * 1000), "{what}");
            assert_eq!(clock.uptime(clock.life(now.uptime)), now.uptime, "{what}");
        }
        assert_eq!(LifeClock::resume(b"damaged", &stamp(2, 60, 0, Unset)), LifeClock::default());
    }
}
