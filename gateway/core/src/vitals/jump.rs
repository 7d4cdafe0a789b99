//! Jumps of the wall clock.

use varde_wire::{Stamp, Trust};

/// Compares the wall clock with the time since boot, from one reading to the next.
#[derive(Debug, Default)]
pub(super) struct Jump {
    last: Option<Stamp>,
}

impl Jump {
    /// How many seconds the clock moved that nothing explains. A clock that nobody had set, or that a time service has
    /// just taken in hand, is set: that is no jump.
    pub(super) fn seconds(&mut self, now: Stamp) -> i64 {
        let Some(last) = self.last.replace(now) else { return 0 };
        let taken_in_hand = now.trust == Trust::Synchronised && last.trust != Trust::Synchronised;
        if taken_in_hand || last.trust == Trust::Unset || now.boot != last.boot {
            return 0;
        }
        let moved = offset_ms(&now).saturating_sub(offset_ms(&last));
        moved.saturating_abs().checked_div(1_000).unwrap_or_default()
    }
}

fn offset_ms(stamp: &Stamp) -> i64 {
    let uptime = i64::try_from(stamp.uptime.as_millis()).unwrap_or(i64::MAX);
    stamp.wall.as_unix_millis().saturating_sub(uptime)
}
