//! When a heartbeat is due, and which place it has among all that its gateway ever sent.

use std::time::Duration;

use varde_wire::{Instant, Stamp, Trust};

/// Decides when heartbeats go out and how they are numbered.
///
/// One is due as soon as there is a connection, as soon as the interval is another, and then at the interval. While
/// there is no connection none is: an old sign of life is worth nothing.
///
/// A *life* is what the hub tells a recording from something new by, so it must be greater than every life before,
/// also where what was kept of them is lost: hence the wall clock's seconds where they are more.
#[derive(Debug)]
pub struct Pulse {
    every_s: u32,
    due: Option<Instant>,
    /// The greatest life that is known of; this one, once it has begun.
    latest: Option<u64>,
    begun: Option<Begun>,
    number: u64,
}

/// What a life's number was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    ByMemory,
    ByClock,
}

/// What a heartbeat says of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Which life.
    pub life: u64,
    /// Which heartbeat of it.
    pub number: u64,
    /// When the next one comes at the latest, in seconds.
    pub every_s: u32,
    /// Whether it is the first of its life: the life is to be kept before anybody hears of it.
    pub begins_life: bool,
}

impl Pulse {
    /// For a program that has just started, with this interval and the latest life that was kept.
    pub const fn new(every_s: u32, latest: Option<u64>) -> Self {
        Self { every_s, due: None, latest, begun: None, number: 0 }
    }

    /// There is a connection.
    pub const fn handle_connected(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// There is none any more.
    pub const fn handle_disconnected(&mut self) {
        self.due = None;
    }

    /// The interval is another from now on.
    pub fn handle_interval(&mut self, every_s: u32, now: Instant) {
        self.every_s = every_s;
        self.due = self.due.and(Some(now));
    }

    /// When the next one is due.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// One goes out now; `stamp` is its.
    pub fn beat(&mut self, stamp: &Stamp, now: Instant) -> Beat {
        let begins_life = self.begin_life(stamp);
        let beat = Beat {
            life: self.latest.unwrap_or_default(),
            number: self.number,
            every_s: self.every_s,
            begins_life,
        };
        self.number = self.number.saturating_add(1);
        self.due = self.due.and(Some(now.after(Duration::from_secs(self.every_s.into()))));
        beat
    }

    /// A life begins with the program, and once more when the clock turns out to be worth something: where nothing was
    /// kept, only the clock can take it past the lives before.
    fn begin_life(&mut self, stamp: &Stamp) -> bool {
        let (source, floor) = match stamp.trust {
            Trust::Unset => (Begun::ByMemory, 0),
            Trust::Estimated | Trust::Synchronised => {
                (Begun::ByClock, u64::try_from(stamp.wall.as_unix_millis()).unwrap_or_default() / 1000)
            }
        };
        if self.begun.is_some_and(|begun| begun == Begun::ByClock || begun == source) {
            return false;
        }
        let next = self.latest.map_or(0, |latest| latest.saturating_add(1));
        self.latest = Some(next.max(floor));
        self.begun = Some(source);
        self.number = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use varde_wire::{BootId, WallTime};

    use super::*;

    const BOOT: BootId = BootId::from_bytes([1; 16]);

    fn at(s: u64) -> Instant {
        Instant::from_millis(s * 1000)
    }

    fn stamp(wall_s: u64, trust: Trust) -> Stamp {
        let wall = WallTime::from_unix_millis(i64::try_from(wall_s).unwrap() * 1000);
        Stamp { boot: BOOT, uptime: at(0), wall, trust }
    }

    #[test]
    fn one_is_due_at_once_on_a_connection_or_another_interval_and_then_at_the_interval() {
        let mut pulse = Pulse::new(60, None);
        pulse.handle_interval(30, at(0));
        assert_eq!(pulse.poll_timeout(), None, "nobody is there to hear it");
        pulse.handle_connected(at(5));
        assert_eq!(pulse.poll_timeout(), Some(at(5)));
        assert_eq!(pulse.beat(&stamp(9, Trust::Synchronised), at(6)).every_s, 30);
        assert_eq!(pulse.poll_timeout(), Some(at(36)));
        pulse.handle_interval(10, at(7));
        assert_eq!(pulse.poll_timeout(), Some(at(7)));
        assert_eq!(pulse.beat(&stamp(9, Trust::Synchronised), at(7)).every_s, 10);
        assert_eq!(pulse.poll_timeout(), Some(at(17)));
        pulse.handle_disconnected();
        assert_eq!(pulse.poll_timeout(), None);
        pulse.beat(&stamp(9, Trust::Synchronised), at(8));
        assert_eq!(pulse.poll_timeout(), None, "the last one before a stop is no reason for another");
    }

    #[test]
    fn a_life_begins_anew_once_the_clock_turns_out_to_be_worth_something() {
        let mut pulse = Pulse::new(60, None);
        let mut life = |wall, trust| {
            let beat = pulse.beat(&stamp(wall, trust), at(0));
            (beat.life, beat.number, beat.begins_life)
        };
        assert_eq!(life(7, Trust::Unset), (0, 0, true));
        assert_eq!(life(7, Trust::Unset), (0, 1, false));
        assert_eq!(life(1_000, Trust::Estimated), (1_000, 0, true));
        assert_eq!(life(2_000, Trust::Synchronised), (1_000, 1, false));
        assert_eq!(life(7, Trust::Unset), (1_000, 2, false));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Beat(Trust),
        Restart,
        /// The state directory is lost; afterwards the clock is worth something.
        Lost,
        /// So many seconds pass.
        Wait(u16),
        /// The clock was far ahead, and everybody believed it.
        Ahead(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        let trust = prop_oneof![Just(Trust::Unset), Just(Trust::Estimated), Just(Trust::Synchronised)];
        prop_oneof![
            6 => trust.prop_map(Step::Beat),
            2 => Just(Step::Restart),
            1 => Just(Step::Lost),
            3 => any::<u16>().prop_map(Step::Wait),
            1 => any::<u16>().prop_map(Step::Ahead),
        ]
    }

    proptest! {
        #[test]
        fn places_rise_through_restarts_wrong_clocks_and_a_lost_memory(
            steps in prop::collection::vec(step(), 1..80),
        ) {
            let (mut wall, mut ahead, mut kept, mut lost) = (1_700_000_000_u64, 0_u64, None, false);
            let (mut pulse, mut last) = (Pulse::new(60, None), None);
            for step in steps {
                match step {
                    Step::Beat(trust) => {
                        // A lost memory and a clock that is worth nothing together leave nothing to go on from.
                        let trust = if lost { Trust::Synchronised } else { trust };
                        let shown = match trust {
                            Trust::Unset => 0,
                            Trust::Estimated | Trust::Synchronised => wall + ahead,
                        };
                        let beat = pulse.beat(&stamp(shown, trust), at(0));
                        if beat.begins_life {
                            kept = Some(beat.life);
                        }
                        let place = Some((beat.life, beat.number));
                        prop_assert!(place > last, "{:?} after {:?}", place, last);
                        last = place;
                    }
                    Step::Restart => pulse = Pulse::new(60, kept),
                    Step::Lost => {
                        // What was ahead of the right time only memory can go past.
                        ahead = 0;
                        wall = wall.max(last.map_or(0, |(life, _)| life)) + 1;
                        (kept, lost) = (None, true);
                        pulse = Pulse::new(60, None);
                    }
                    Step::Wait(s) => wall += u64::from(s),
                    Step::Ahead(s) => ahead = u64::from(s),
                }
            }
        }
    }
}
