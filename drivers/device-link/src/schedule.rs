//! When doses are due, and which were never confirmed: the same at both ends.
//!
//! The course of a plan is followed in local time, by a mark that only moves forward. What local time passes over is
//! due when it does so (a dose at 02:30 of the night that has no 02:30 is due at 03:00), and what it passes twice is
//! due the first time only. The same holds where the zone or the clock is set.

use serde::{Deserialize, Serialize};

use crate::plan::Place;
use crate::{DoseRef, LocalMinute, MAX_DOSES, Plan, Zone};

/// No two places on earth, and no change of daylight saving, are further apart. A mark that is further ahead of the
/// clock comes from a clock that was wrong.
const FURTHEST_AHEAD_MIN: u32 = 26 * 60;

/// A mark that is further behind comes from a clock that was wrong, or from a device that lay in a drawer.
const FURTHEST_BEHIND_MIN: u32 = 35 * 24 * 60;

/// A dose that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Which.
    pub dose: DoseRef,
    /// Since when, in seconds since 1970-01-01T00:00:00Z.
    pub at_s: u64,
    /// Until when it can be taken.
    pub until_s: u64,
    /// Where it lies, where the plan says so.
    pub compartment: Option<u8>,
    /// How many units.
    pub count: u8,
}

/// What a watch noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A dose is due.
    Due(Due),
    /// A dose's window is over and nothing settled it. What is not known is never taken to be taken.
    NotConfirmed(Due),
}

/// Follows a plan, and the doses that are due and not settled.
///
/// A device keeps it over a loss of power, as postcard writes it: so it finds the doses that fell into the dark.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoseWatch {
    through: Option<Place>,
    looked_s: u64,
    open: heapless::Vec<Due, MAX_DOSES>,
    /// Settled before they were due.
    ahead: heapless::Vec<DoseRef, MAX_DOSES>,
}

impl DoseWatch {
    /// The next thing that came about until now, in seconds since 1970-01-01T00:00:00Z; to be called until it gives
    /// none. The first call begins the watch: what was due before is not looked for.
    pub fn poll(&mut self, plan: Option<&Plan>, zone: &Zone, now_s: u64) -> Option<Watched> {
        let now = zone.local(now_s);
        self.looked_s = self.looked_s.min(now_s);
        let through = match self.through {
            Some(through) if is_near(through.minute, now) => through,
            Some(_) | None => end_of(now),
        };
        self.through = Some(through);
        let due = plan.and_then(|plan| self.next_due(plan, zone, now_s));
        let closes = self.open.iter().enumerate().min_by_key(|(_, open)| open.until_s);
        match (due, closes) {
            (due, Some((index, open)))
                if open.until_s <= now_s && due.is_none_or(|(_, due)| open.until_s <= due.at_s) =>
            {
                Some(Watched::NotConfirmed(self.open.swap_remove(index)))
            }
            (Some((place, due)), _) => {
                self.through = Some(place);
                if let Some(index) = self.ahead.iter().position(|settled| *settled == due.dose) {
                    self.ahead.swap_remove(index);
                    return self.poll(plan, zone, now_s);
                }
                // Where there is no room to watch it, nobody will know what became of it.
                Some(if self.open.push(due).is_ok() { Watched::Due(due) } else { Watched::NotConfirmed(due) })
            }
            (None, _) => {
                self.through = Some(through.max(end_of(now)));
                self.looked_s = now_s;
                None
            }
        }
    }

    /// Something is known of this dose: its window is closed, or will not open.
    pub fn settle(&mut self, dose: DoseRef) {
        let before = self.open.len();
        self.open.retain(|open| open.dose != dose);
        let today = self.through.map_or(dose.day, |through| through.minute.day());
        self.ahead.retain(|settled| settled.day >= today && *settled != dose);
        if self.open.len() == before && dose.day >= today {
            if self.ahead.is_full() {
                self.ahead.remove(0);
            }
            // There is room.
            let _ = self.ahead.push(dose);
        }
    }

    /// The doses that are due and not settled.
    pub fn open(&self) -> &[Due] {
        &self.open
    }

    /// When to call [`poll`](Self::poll) next, in seconds since 1970-01-01T00:00:00Z.
    pub fn next_s(&self, plan: Option<&Plan>, zone: &Zone) -> Option<u64> {
        let closes = self.open.iter().map(|open| open.until_s).min();
        let due = match (plan, self.through) {
            (Some(plan), Some(through)) => plan.next_dose(through).map(|(place, _)| zone.utc_s(place.minute)),
            (Some(_) | None, _) => None,
        };
        closes.into_iter().chain(due).min()
    }

    /// The first dose behind the mark that local time has reached, with pauses passed over.
    fn next_due(&self, plan: &Plan, zone: &Zone, now_s: u64) -> Option<(Place, Due)> {
        let mut behind = self.through?;
        loop {
            let (place, dose) = plan.next_dose(behind)?;
            let at_s = zone.utc_s(place.minute);
            if at_s > now_s {
                return None;
            }
            // What a new zone passed over could not be taken before: its window begins now.
            let at_s = at_s.max(self.looked_s);
            if plan.is_away_at(at_s) {
                behind = place;
                continue;
            }
            let due = Due {
                dose: DoseRef { plan: plan.version(), dose: dose.id, day: place.minute.day() },
                at_s,
                until_s: at_s.saturating_add(u64::from(dose.window_min).saturating_mul(60)),
                compartment: dose.compartment,
                count: dose.count,
            };
            return Some((place, due));
        }
    }
}

const fn is_near(mark: LocalMinute, now: LocalMinute) -> bool {
    let earliest = now.0.saturating_sub(FURTHEST_BEHIND_MIN);
    let latest = now.0.saturating_add(FURTHEST_AHEAD_MIN);
    earliest <= mark.0 && mark.0 <= latest
}

const fn end_of(minute: LocalMinute) -> Place {
    Place { minute, dose_index: u8::MAX }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::tests::{AUTUMN_S, OSLO_AUTUMN, OSLO_SPRING, SPRING_S};
    use crate::plan::tests::{HEAD, dose};
    use crate::{PlanHead, ZoneChange};

    const HOUR: u64 = 3600;

    /// What happens at which second, looked at every `step_s`, with nothing ever settled.
    fn course(plan: &Plan, zone: &Zone, seconds: core::ops::Range<u64>, step_s: u64) -> Vec<(u64, Watched)> {
        let mut watch = DoseWatch::default();
        let mut seen = Vec::new();
        let mut now_s = seconds.start;
        while now_s < seconds.end {
            while let Some(watched) = watch.poll(Some(plan), zone, now_s) {
                seen.push((now_s, watched));
            }
            now_s += step_s;
        }
        seen
    }

    fn dues(seen: &[(u64, Watched)]) -> Vec<(u64, u16)> {
        let due = |(now_s, watched): &(u64, Watched)| match watched {
            Watched::Due(due) => {
                assert_eq!(*now_s, due.at_s, "it is found when it is due");
                Some((due.at_s, due.dose.dose))
            }
            Watched::NotConfirmed(_) => None,
        };
        seen.iter().filter_map(due).collect()
    }

    #[test]
    fn in_the_night_without_half_past_two_its_dose_is_due_at_three() {
        let plan = Plan::new(HEAD, &[dose(1, 119, 60), dose(2, 150, 60), dose(3, 180, 60)]).unwrap();
        let seen = course(&plan, &OSLO_SPRING, SPRING_S - 2 * HOUR..SPRING_S + 2 * HOUR, 60);
        assert_eq!(dues(&seen), [(SPRING_S - 60, 1), (SPRING_S, 2), (SPRING_S, 3)]);
    }

    #[test]
    fn in_the_night_with_two_half_past_twos_its_dose_is_due_at_the_first() {
        let plan = Plan::new(HEAD, &[dose(1, 119, 60), dose(2, 150, 60), dose(3, 180, 60)]).unwrap();
        let seen = course(&plan, &OSLO_AUTUMN, AUTUMN_S - 2 * HOUR..AUTUMN_S + 2 * HOUR, 60);
        assert_eq!(dues(&seen), [(AUTUMN_S - 61 * 60, 1), (AUTUMN_S - 30 * 60, 2), (AUTUMN_S + HOUR, 3)]);
    }

    #[test]
    fn who_flies_east_is_called_at_once_to_what_was_flown_over_and_who_flies_back_to_nothing_twice() {
        let plan = Plan::new(HEAD, &[dose(1, 12 * 60, 60)]).unwrap();
        let (oslo, east) = (Zone { offset_min: 60, change: None }, Zone { offset_min: 360, change: None });
        let ten_utc = SPRING_S - SPRING_S % (24 * HOUR) + 10 * HOUR;
        let mut watch = DoseWatch::default();
        assert_eq!(watch.poll(Some(&plan), &oslo, ten_utc), None);
        assert!(matches!(watch.poll(Some(&plan), &east, ten_utc + 60), Some(Watched::Due(_))));
        assert_eq!(watch.poll(Some(&plan), &east, ten_utc + 60), None);
        assert_eq!(
            watch
                .poll(Some(&plan), &oslo, ten_utc + 90 * 60)
                .map(|one| matches!(one, Watched::NotConfirmed(_))),
            Some(true)
        );
        assert_eq!(watch.poll(Some(&plan), &oslo, ten_utc + 3 * HOUR), None, "it was due today");
    }

    #[test]
    fn a_clock_that_was_years_off_neither_silences_the_plan_nor_makes_it_due_for_all_those_years() {
        let plan = Plan::new(HEAD, &[dose(1, 12 * 60, 60)]).unwrap();
        let zone = Zone::default();
        let noon = SPRING_S - SPRING_S % (24 * HOUR) + 12 * HOUR;
        let mut watch = DoseWatch::default();
        assert_eq!(watch.poll(Some(&plan), &zone, noon - 1000 * 24 * HOUR), None);
        assert_eq!(watch.poll(Some(&plan), &zone, noon + 1000 * 24 * HOUR), None);
        assert_eq!(watch.poll(Some(&plan), &zone, noon - 60), None);
        assert!(matches!(watch.poll(Some(&plan), &zone, noon), Some(Watched::Due(_))));
    }

    #[test]
    fn nothing_is_due_in_pauses_on_journeys_and_outside_of_the_days_of_the_plan() {
        let monday = OSLO_SPRING.local(SPRING_S).day().after(1);
        let midnight_s = |days| OSLO_SPRING.utc_s(LocalMinute::of(monday.after(days), 0));
        let table = [
            (PlanHead { pause_until_s: Some(midnight_s(3)), ..HEAD }, 4),
            (PlanHead { travel_until_s: Some(midnight_s(5)), ..HEAD }, 2),
            (PlanHead { valid_from: Some(monday.after(2)), ..HEAD }, 5),
            (PlanHead { valid_until: Some(monday.after(2)), ..HEAD }, 3),
            (HEAD, 7),
        ];
        for (head, expected) in table {
            let plan = Plan::new(head, &[dose(1, 8 * 60, 60)]).unwrap();
            let seen = course(&plan, &OSLO_SPRING, midnight_s(0)..midnight_s(7), 60);
            assert_eq!(dues(&seen).len(), expected, "{head:?}");
        }
    }

    #[test]
    fn a_dose_is_not_confirmed_at_the_end_of_its_window_unless_something_settled_it() {
        let plan = Plan::new(HEAD, &[dose(1, 8 * 60, 60), dose(2, 8 * 60, 30)]).unwrap();
        let day = OSLO_SPRING.local(SPRING_S).day().after(1);
        let eight_s = OSLO_SPRING.utc_s(LocalMinute::of(day, 8 * 60));
        let mut watch = DoseWatch::default();
        assert_eq!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s - 60), None);
        assert_eq!(watch.next_s(Some(&plan), &OSLO_SPRING), Some(eight_s));
        assert!(
            matches!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s), Some(Watched::Due(due)) if due.dose.dose == 1)
        );
        assert!(
            matches!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s), Some(Watched::Due(due)) if due.dose.dose == 2)
        );
        assert_eq!(watch.next_s(Some(&plan), &OSLO_SPRING), Some(eight_s + 30 * 60));
        watch.settle(DoseRef { plan: 1, dose: 1, day });
        let found = watch.poll(Some(&plan), &OSLO_SPRING, eight_s + 30 * 60);
        assert!(matches!(found, Some(Watched::NotConfirmed(due)) if due.dose.dose == 2));
        assert_eq!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s + 12 * HOUR), None);
    }

    #[test]
    fn a_dose_that_is_settled_before_its_time_is_never_due() {
        let plan = Plan::new(HEAD, &[dose(1, 8 * 60, 60)]).unwrap();
        let day = OSLO_SPRING.local(SPRING_S).day().after(1);
        let eight_s = OSLO_SPRING.utc_s(LocalMinute::of(day, 8 * 60));
        let mut watch = DoseWatch::default();
        assert_eq!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s - 60), None);
        watch.settle(DoseRef { plan: 1, dose: 1, day });
        assert_eq!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s + HOUR), None);
        assert!(
            matches!(watch.poll(Some(&plan), &OSLO_SPRING, eight_s + 24 * HOUR), Some(Watched::Due(_))),
            "tomorrow's is"
        );
    }

    proptest! {
        /// Against a model that walks minute by minute and asks of each local minute whether it was seen before.
        #[test]
        fn whatever_the_zone_each_dose_of_each_day_is_due_once_and_closed_once(
            doses in prop::collection::vec((0_u16..1440, 1_u8..128, 1_u16..1440), 1..8),
            offset_min in -720_i16..=840,
            change in prop::option::of((0_u64..4 * 24 * 60, prop::sample::select(&[-60_i16, -30, 30, 60][..]))),
            step_min in 1_u64..300,
        ) {
            let start = SPRING_S - SPRING_S % (24 * HOUR);
            let minutes = 4 * 24 * 60;
            let zone = Zone {
                offset_min,
                change: change.map(|(minute, by)| ZoneChange { at_s: start + minute * 60, offset_min: offset_min + by }),
            };
            let doses: Vec<_> = doses
                .iter()
                .zip(1..)
                .map(|((minute, weekdays, window), id)| crate::Dose { weekdays: *weekdays, ..dose(id, *minute, *window) })
                .collect();
            let plan = Plan::new(HEAD, &doses).unwrap();

            let mut expected = Vec::new();
            let mut passed = zone.local(start).0;
            for minute in 1..=minutes {
                let now = zone.local(start + minute * 60).0;
                while passed < now {
                    passed += 1;
                    let day = LocalMinute(passed).day();
                    for dose in plan.doses() {
                        if dose.weekdays & day.weekday_bit() != 0 && LocalMinute::of(day, dose.minute).0 == passed {
                            expected.push((dose.id, day, start + minute * 60));
                        }
                    }
                }
            }

            let mut watch = DoseWatch::default();
            let (mut due, mut closed) = (Vec::new(), Vec::new());
            let mut steps: Vec<u64> = (0..minutes).step_by(usize::try_from(step_min).unwrap()).collect();
            steps.extend([minutes]);
            for minute in steps {
                while let Some(watched) = watch.poll(Some(&plan), &zone, start + minute * 60) {
                    match watched {
                        Watched::Due(one) => due.push((one.dose.dose, one.dose.day, one.at_s)),
                        Watched::NotConfirmed(one) => closed.push(one.dose),
                    }
                }
            }
            expected.sort_unstable();
            due.sort_unstable();
            prop_assert_eq!(&due, &expected);
            prop_assert_eq!(closed.len() + watch.open().len(), expected.len());
            closed.dedup();
            prop_assert!(watch.open().iter().all(|open| !closed.contains(&open.dose)));
        }
    }
}
