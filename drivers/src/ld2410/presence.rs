//! What of ten reports a second is worth telling.

use std::time::Duration;

use varde_wire::{DeviceId, Event, Instant, Metric, Observation, Value};

use crate::ld2410::Target;

/// How long something has to be so before it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Somebody is there: [`Event::EnteredRoom`].
    pub entered: Duration,
    /// Nobody is there any more: [`Event::LeftRoom`]. A radar loses a sleeper for minutes.
    pub left: Duration,
    /// Nothing moves any more: [`Event::MotionCleared`].
    pub still: Duration,
}

impl Default for Holds {
    fn default() -> Self {
        Self { entered: Duration::from_secs(1), left: Duration::from_mins(2), still: Duration::from_secs(30) }
    }
}

/// Whether somebody is in the room, and whether they move.
///
/// What was so before the first report is not known: a room that is empty at first is not told of as left.
#[derive(Debug)]
pub struct Presence {
    occupied: Held,
    moving: Held,
}

/// A yes or no that is believed only when it has stood for a while.
#[derive(Debug)]
struct Held {
    believed: bool,
    /// How long it must stand to become yes, and to become no.
    rise: Duration,
    fall: Duration,
    /// Since when it has been otherwise than believed.
    otherwise: Option<Instant>,
}

impl Presence {
    /// Of an empty room.
    pub const fn new(holds: Holds) -> Self {
        let Holds { entered, left, still } = holds;
        Self { occupied: Held::new(entered, left), moving: Held::new(entered, still) }
    }

    /// Takes one report, and gives what it makes news.
    pub fn take(&mut self, target: Target, now: Instant) -> Vec<Event> {
        let (occupied, moving) = match target {
            Target::Nobody => (false, false),
            Target::Still => (true, false),
            Target::Moving | Target::StillAndMoving => (true, true),
            Target::Learning => return Vec::new(),
        };
        self.occupied.say(occupied, now);
        self.moving.say(moving, now);
        self.settle(now)
    }

    /// What time alone makes news.
    pub fn settle(&mut self, now: Instant) -> Vec<Event> {
        let occupied =
            self.occupied.settle(now).map(|yes| if yes { Event::EnteredRoom } else { Event::LeftRoom });
        let moving =
            self.moving.settle(now).map(|yes| if yes { Event::Motion } else { Event::MotionCleared });
        // Who leaves has stopped moving first.
        let left = occupied == Some(Event::LeftRoom);
        let pair = if left { [moving, occupied] } else { [occupied, moving] };
        pair.into_iter().flatten().collect()
    }

    /// Nothing is heard from now on: what is only held is forgotten, what was believed is not.
    pub const fn pause(&mut self) {
        self.occupied.otherwise = None;
        self.moving.otherwise = None;
    }

    /// When to call [`settle`](Self::settle), if no report comes before.
    pub fn due(&self) -> Option<Instant> {
        [self.occupied.due(), self.moving.due()].into_iter().flatten().min()
    }
}

impl Held {
    const fn new(rise: Duration, fall: Duration) -> Self {
        Self { believed: false, rise, fall, otherwise: None }
    }

    fn say(&mut self, yes: bool, now: Instant) {
        self.otherwise = (yes != self.believed).then(|| self.otherwise.unwrap_or(now));
    }

    fn settle(&mut self, now: Instant) -> Option<bool> {
        (self.due()? <= now).then(|| {
            self.otherwise = None;
            self.believed = !self.believed;
            self.believed
        })
    }

    fn due(&self) -> Option<Instant> {
        self.otherwise.map(|since| since.after(if self.believed { self.fall } else { self.rise }))
    }
}

/// The event in common words.
pub(crate) fn observation(event: Event, device: &DeviceId) -> Observation {
    let is_about_room = matches!(event, Event::EnteredRoom | Event::LeftRoom);
    let metric = if is_about_room { Metric::OCCUPANCY } else { Metric::MOTION };
    Observation::new(device.clone(), metric, Value::Event(event))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is told, by the tenth of a second, of targets that come ten times a second.
    fn told(targets: impl IntoIterator<Item = Target>) -> Vec<(u64, Event)> {
        let mut presence = Presence::new(Holds::default());
        let at = |tenth: u64| Instant::from_millis(tenth * 100);
        let reports = (0..).zip(targets);
        reports
            .flat_map(|(tenth, target)| presence.take(target, at(tenth)).into_iter().map(move |e| (tenth, e)))
            .collect()
    }

    fn lasting(parts: &[(Target, usize)]) -> Vec<Target> {
        parts.iter().flat_map(|(target, tenths)| std::iter::repeat_n(*target, *tenths)).collect()
    }

    #[test]
    fn a_visit_is_four_events_however_many_reports_it_takes() {
        use Target::{Moving, Nobody, Still};
        let visit = [(Nobody, 50), (Moving, 100), (Still, 600), (Nobody, 2000)];
        let expected = [
            (60, Event::EnteredRoom),
            (60, Event::Motion),
            (450, Event::MotionCleared),
            (1950, Event::LeftRoom),
        ];
        assert_eq!(told(lasting(&visit)), expected);
    }

    #[test]
    fn a_flicker_and_a_sleeper_who_is_lost_for_a_minute_are_no_news() {
        use Target::{Moving, Nobody, Still};
        assert_eq!(told(lasting(&[(Nobody, 10), (Moving, 9), (Nobody, 100)])), []);
        let sleeper = [(Still, 100), (Nobody, 600), (Still, 100), (Nobody, 1100), (Still, 10)];
        assert_eq!(told(lasting(&sleeper)), [(10, Event::EnteredRoom)]);
    }

    #[test]
    fn a_room_that_is_empty_at_first_is_not_told_of() {
        assert_eq!(told(lasting(&[(Target::Nobody, 5000), (Target::Learning, 5000)])), []);
    }

    proptest! {
        /// Whatever a radar sees: entered and left take turns, so do motion and its end, and nothing is told that has
        /// not stood for its hold.
        #[test]
        fn events_come_in_turns_and_only_of_what_has_stood(
            parts in proptest::collection::vec((0..4_usize, 1..2000_usize), 1..30),
        ) {
            use Target::{Moving, Nobody, Still, StillAndMoving};
            let targets = [Nobody, Moving, Still, StillAndMoving];
            let parts: Vec<_> = parts.into_iter().map(|(target, tenths)| (targets[target], tenths)).collect();
            let reports = lasting(&parts);
            let told = told(reports.clone());
            for (yes, no, hold_yes, hold_no, is) in [
                (Event::EnteredRoom, Event::LeftRoom, 10, 1200, (|t| t != Nobody) as fn(Target) -> bool),
                (Event::Motion, Event::MotionCleared, 10, 300, |t| matches!(t, Moving | StillAndMoving)),
            ] {
                let mut expected = yes;
                for (tenth, event) in told.iter().filter(|(_, event)| [yes, no].contains(event)) {
                    prop_assert_eq!(*event, expected);
                    let (hold, stood) = if *event == yes { (hold_yes, true) } else { (hold_no, false) };
                    let end = usize::try_from(*tenth).unwrap();
                    prop_assert!(reports[end - hold..=end].iter().all(|target| is(*target) == stood));
                    expected = if expected == yes { no } else { yes };
                }
            }
        }
    }
}
