//! The dosing plan: sent in parts, checked as a whole, in effect all or nothing.

use serde::{Deserialize, Serialize};

use crate::checksum::Crc32;
use crate::{Day, LocalMinute};

/// The most doses that a plan can have.
pub const MAX_DOSES: usize = 64;

/// The most doses that one part of a plan carries.
pub const PART_DOSES: usize = 8;

const MINUTES_OF_DAY: u16 = 24 * 60;

/// Every day of the week.
const WEEK: u8 = 0b0111_1111;

/// What a plan says beside its doses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHead {
    /// The plan's version: each plan has another.
    pub version: u32,
    /// How many doses it has.
    pub doses: u8,
    /// The first local day that it is good for; from the start where none.
    pub valid_from: Option<Day>,
    /// The last local day that it is good for; for ever where none.
    pub valid_until: Option<Day>,
    /// The person travels until then, in seconds since 1970-01-01T00:00:00Z: nothing is due before, the doses were
    /// taken along.
    pub travel_until_s: Option<u64>,
    /// The plan pauses until then, in seconds since 1970-01-01T00:00:00Z: nothing is due before.
    pub pause_until_s: Option<u64>,
}

/// One dose of each chosen day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dose {
    /// Its id, which no other dose of the plan has.
    pub id: u16,
    /// When it is due, in minutes of the local day.
    pub minute: u16,
    /// On which days, as bits: 1 for Monday to 64 for Sunday.
    pub weekdays: u8,
    /// How long it can be taken from then on, in minutes: a day at most.
    pub window_min: u16,
    /// Where it lies; where the device knows that itself, none.
    pub compartment: Option<u8>,
    /// How many units: tablets, pouches.
    pub count: u8,
}

/// A run of doses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPart {
    /// Which part, from 0.
    pub index: u8,
    /// Its doses: [`PART_DOSES`], and what is left in the last part.
    pub doses: heapless::Vec<Dose, PART_DOSES>,
}

/// A part of the plan that runs, as a device shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCopy {
    /// The plan's head.
    pub head: PlanHead,
    /// The part that was asked for.
    pub part: PlanPart,
}

/// A rule that a plan breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPlan {
    /// More doses than a plan can have.
    TooManyDoses,
    /// Another number of doses than the head says.
    Count {
        /// What the head says.
        expected: u8,
    },
    /// Two doses of one id.
    DoseTwice {
        /// The id.
        id: u16,
    },
    /// A time of day that no day has.
    Minute {
        /// The dose.
        id: u16,
    },
    /// No day of the week, or one that no week has.
    Weekdays {
        /// The dose.
        id: u16,
    },
    /// A window that is empty or longer than a day.
    Window {
        /// The dose.
        id: u16,
    },
    /// Nothing to take.
    Nothing {
        /// The dose.
        id: u16,
    },
}

impl core::fmt::Display for BadPlan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooManyDoses => write!(f, "a plan has at most {MAX_DOSES} doses: leave some out"),
            Self::Count { expected } => write!(f, "the plan says it has {expected} doses and has others"),
            Self::DoseTwice { id } => write!(f, "dose {id} stands twice in the plan: give each its own id"),
            Self::Minute { id } => write!(f, "dose {id}: the time of day is beyond 23:59"),
            Self::Weekdays { id } => {
                write!(f, "dose {id}: name at least one day of the week, Monday to Sunday")
            }
            Self::Window { id } => write!(f, "dose {id}: expected a window of 1 to 1440 minutes"),
            Self::Nothing { id } => write!(f, "dose {id}: expected a count of at least 1"),
        }
    }
}

impl core::error::Error for BadPlan {}

/// A dosing plan that keeps every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    head: PlanHead,
    doses: heapless::Vec<Dose, MAX_DOSES>,
}

impl Plan {
    /// A plan of these doses; the head's own count of them is corrected.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(head: PlanHead, doses: &[Dose]) -> Result<Self, BadPlan> {
        let count = u8::try_from(doses.len()).map_err(|_| BadPlan::TooManyDoses)?;
        let doses = heapless::Vec::from_slice(doses).map_err(|_| BadPlan::TooManyDoses)?;
        for (index, dose) in doses.iter().enumerate() {
            let id = dose.id;
            if doses.iter().skip(index.saturating_add(1)).any(|other| other.id == id) {
                return Err(BadPlan::DoseTwice { id });
            }
            if dose.minute >= MINUTES_OF_DAY {
                return Err(BadPlan::Minute { id });
            }
            if dose.weekdays == 0 || dose.weekdays & !WEEK != 0 {
                return Err(BadPlan::Weekdays { id });
            }
            if dose.window_min == 0 || dose.window_min > MINUTES_OF_DAY {
                return Err(BadPlan::Window { id });
            }
            if dose.count == 0 {
                return Err(BadPlan::Nothing { id });
            }
        }
        Ok(Self { head: PlanHead { doses: count, ..head }, doses })
    }

    /// Its version.
    pub const fn version(&self) -> u32 {
        self.head.version
    }

    /// What it says beside its doses.
    pub const fn head(&self) -> &PlanHead {
        &self.head
    }

    /// Its doses.
    pub fn doses(&self) -> &[Dose] {
        &self.doses
    }

    /// The checksum of all of it: CRC-32 over the head and then each dose, as postcard writes them.
    pub fn digest(&self) -> u32 {
        let mut bytes = [0; 64];
        let mut crc = Crc32::new();
        if let Ok(written) = postcard::to_slice(&self.head, &mut bytes) {
            crc = crc.with(written);
        }
        for dose in &self.doses {
            if let Ok(written) = postcard::to_slice(dose, &mut bytes) {
                crc = crc.with(written);
            }
        }
        crc.value()
    }

    /// How many parts it is sent in.
    pub fn parts(&self) -> u8 {
        u8::try_from(self.doses.len().div_ceil(PART_DOSES)).unwrap_or(u8::MAX)
    }

    /// One of its parts; beyond the last one, an empty one.
    pub fn part(&self, index: u8) -> PlanPart {
        let skipped = usize::from(index).saturating_mul(PART_DOSES);
        PlanPart { index, doses: self.doses.iter().skip(skipped).take(PART_DOSES).copied().collect() }
    }

    /// The first dose that is due behind a place in local time, and that place. The plan's own pauses are not looked
    /// at.
    pub(crate) fn next_dose(&self, behind: Place) -> Option<(Place, &Dose)> {
        let first_day = behind.minute.day().max(self.head.valid_from.unwrap_or_default());
        self.doses
            .iter()
            .enumerate()
            .filter_map(|(index, dose)| {
                let dose_index = u8::try_from(index).ok()?;
                (0..=7)
                    .map(|days| first_day.after(days))
                    .filter(|day| dose.weekdays & day.weekday_bit() != 0)
                    .filter(|day| self.head.valid_until.is_none_or(|last| *day <= last))
                    .map(|day| Place { minute: LocalMinute::of(day, dose.minute), dose_index })
                    .find(|place| *place > behind)
                    .map(|place| (place, dose))
            })
            .min_by_key(|(place, _)| *place)
    }

    /// Whether something due at this second is left out: the person travels, or the plan pauses.
    pub(crate) fn is_away_at(&self, utc_s: u64) -> bool {
        [self.head.travel_until_s, self.head.pause_until_s]
            .into_iter()
            .flatten()
            .any(|until_s| utc_s < until_s)
    }
}

/// A place in a plan's course: a minute, and among the doses of one minute which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) minute: LocalMinute,
    pub(crate) dose_index: u8,
}

/// A plan whose parts come one after the other. It has no effect until it is whole.
#[derive(Clone, Debug)]
pub struct PlanDraft {
    head: PlanHead,
    doses: heapless::Vec<Dose, MAX_DOSES>,
    next_part: u8,
}

impl PlanDraft {
    /// A draft of which only the head is known.
    pub const fn new(head: PlanHead) -> Self {
        Self { head, doses: heapless::Vec::new(), next_part: 0 }
    }

    /// Adds the next part. Whether it was the next one and had room: where not, the draft is to be thrown away.
    #[must_use]
    pub fn add(&mut self, part: &PlanPart) -> bool {
        if part.index != self.next_part || self.doses.extend_from_slice(&part.doses).is_err() {
            return false;
        }
        self.next_part = self.next_part.saturating_add(1);
        true
    }

    /// Whether every dose of the head's count is there.
    pub fn is_whole(&self) -> bool {
        self.doses.len() == usize::from(self.head.doses)
    }

    /// The part that is still missing first.
    pub const fn next_part(&self) -> u8 {
        self.next_part
    }

    /// What the plan says beside its doses.
    pub const fn head(&self) -> &PlanHead {
        &self.head
    }

    /// The plan, once it is whole.
    ///
    /// # Errors
    /// Where doses are missing, or the plan breaks a rule.
    pub fn finish(&self) -> Result<Plan, BadPlan> {
        if !self.is_whole() {
            return Err(BadPlan::Count { expected: self.head.doses });
        }
        Plan::new(self.head, &self.doses)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::string::ToString as _;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    pub(crate) const HEAD: PlanHead = PlanHead {
        version: 1,
        doses: 0,
        valid_from: None,
        valid_until: None,
        travel_until_s: None,
        pause_until_s: None,
    };

    pub(crate) fn dose(id: u16, minute: u16, window_min: u16) -> Dose {
        Dose { id, minute, weekdays: WEEK, window_min, compartment: None, count: 1 }
    }

    #[test]
    fn each_broken_rule_is_named() {
        let table = [
            (Dose { minute: 1440, ..dose(7, 0, 60) }, "dose 7: the time of day is beyond 23:59"),
            (
                Dose { weekdays: 0, ..dose(7, 0, 60) },
                "dose 7: name at least one day of the week, Monday to Sunday",
            ),
            (
                Dose { weekdays: 128, ..dose(7, 0, 60) },
                "dose 7: name at least one day of the week, Monday to Sunday",
            ),
            (Dose { window_min: 0, ..dose(7, 0, 60) }, "dose 7: expected a window of 1 to 1440 minutes"),
            (Dose { window_min: 1441, ..dose(7, 0, 60) }, "dose 7: expected a window of 1 to 1440 minutes"),
            (Dose { count: 0, ..dose(7, 0, 60) }, "dose 7: expected a count of at least 1"),
            (dose(1, 0, 60), "dose 1 stands twice in the plan: give each its own id"),
        ];
        for (bad, expected) in table {
            assert_eq!(Plan::new(HEAD, &[dose(1, 480, 60), bad]).unwrap_err().to_string(), expected);
        }
        let many: Vec<Dose> = (0..65).map(|id| dose(id, 0, 60)).collect();
        assert_eq!(Plan::new(HEAD, &many), Err(BadPlan::TooManyDoses));
    }

    proptest! {
        #[test]
        fn a_plan_comes_whole_out_of_its_parts_and_any_other_order_does_not(count in 0_u16..=64, skipped in any::<prop::sample::Index>()) {
            let doses: Vec<Dose> = (0..count).map(|id| dose(id, id * 20, 60)).collect();
            let plan = Plan::new(HEAD, &doses).unwrap();
            let mut draft = PlanDraft::new(*plan.head());
            for index in 0..plan.parts() {
                prop_assert!(!draft.is_whole());
                prop_assert!(draft.add(&plan.part(index)));
            }
            let copy = draft.finish().unwrap();
            prop_assert_eq!(copy.digest(), plan.digest());
            prop_assert_eq!(&copy, &plan);
            if plan.parts() > 0 {
                let left_out = u8::try_from(skipped.index(usize::from(plan.parts()))).unwrap();
                let mut draft = PlanDraft::new(*plan.head());
                let all = (0..plan.parts()).filter(|index| *index != left_out).all(|index| draft.add(&plan.part(index)));
                prop_assert!(!all || !draft.is_whole());
            }
        }

        #[test]
        fn another_plan_has_another_digest(minute in 0_u16..1440, other in 0_u16..1440) {
            let plan = |minute| Plan::new(HEAD, &[dose(1, minute, 60)]).unwrap().digest();
            prop_assert_eq!(plan(minute) == plan(other), minute == other);
        }
    }
}
