//! A dosing plan: which doses a dispenser gives out, and when.

use serde::{Deserialize, Serialize};

use crate::{BoundedText, DecodeError, WallTime};

/// The most doses a plan may have.
pub const MAX_DOSES: usize = 64;

const MINUTES_A_DAY: u16 = 24 * 60;
const EVERY_DAY: u8 = 0x7f;

/// What a dispenser is to give out. It replaces the plan before it all or nothing.
///
/// Every time of day is local to [`zone`](Self::zone). A dose whose time does not exist in a night when the clock is
/// put forward is due at the first moment after the gap; one whose time comes twice, when the clock is put back, is
/// due at the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DosingPlan {
    /// Which plan this is: a later one has a greater version. The device reports which one it runs.
    pub version: u32,
    /// The time zone by its name in the IANA database, such as `Europe/Oslo`.
    pub zone: BoundedText<64>,
    /// The first local day of the plan; none where it begins at once.
    pub from: Option<Date>,
    /// The last local day of the plan; none where it has no end.
    pub until: Option<Date>,
    /// At most [`MAX_DOSES`], each with an id of its own. None: nothing is given out.
    pub doses: Vec<Dose>,
    /// The person travels until then: doses that fall due before may be taken out beforehand.
    pub travel_until: Option<WallTime>,
    /// Nothing is given out until then, and nothing is missed.
    pub paused_until: Option<WallTime>,
}

/// One dose of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dose {
    /// By this the device tells what became of it; unique within the plan.
    pub id: u16,
    /// When it is due, in minutes after local midnight: 0 to 1439.
    pub minute: u16,
    /// On which local days.
    pub weekdays: Weekdays,
    /// How long after that it may be taken, in minutes: 1 to 1440.
    pub window_minutes: u16,
    /// Out of which compartment; none where the device takes the next.
    pub compartment: Option<u8>,
    /// How many portions: 1 at least.
    pub count: u8,
}

/// Days of the week: bit 0 is Monday, bit 6 Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weekdays(u8);

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date {
    /// 2000 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl DosingPlan {
    /// # Errors
    /// Where the plan breaks a rule of its fields.
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        let zone = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'/' | b'_' | b'-' | b'+');
        let dates = || self.from.into_iter().chain(self.until);
        let reversed = self.from.zip(self.until).is_some_and(|(from, until)| until < from);
        let ids: std::collections::BTreeSet<u16> = self.doses.iter().map(|dose| dose.id).collect();
        let rule = if self.zone.as_str().is_empty() || !self.zone.as_str().bytes().all(zone) {
            "a dosing plan's time zone is no name such as Europe/Oslo"
        } else if self.doses.len() > MAX_DOSES {
            "a dosing plan has more than 64 doses"
        } else if !dates().all(Date::is_real) {
            "a dosing plan names a day that does not exist"
        } else if reversed {
            "a dosing plan ends before it begins"
        } else if ids.len() != self.doses.len() {
            "two doses of a dosing plan have the same id"
        } else {
            return self.doses.iter().try_for_each(Dose::check);
        };
        Err(DecodeError::Invalid(rule))
    }
}

impl Dose {
    fn check(&self) -> Result<(), DecodeError> {
        let rule = if self.minute >= MINUTES_A_DAY {
            "a dose is due at a minute that no day has"
        } else if !(1..=EVERY_DAY).contains(&self.weekdays.0) {
            "a dose has no day of the week, or one that does not exist"
        } else if !(1..=MINUTES_A_DAY).contains(&self.window_minutes) {
            "a dose may be taken for 1 to 1440 minutes"
        } else if self.count == 0 {
            "a dose is of no portion"
        } else {
            return Ok(());
        };
        Err(DecodeError::Invalid(rule))
    }
}

impl Weekdays {
    /// Monday to Sunday.
    pub const ALL: Self = Self(EVERY_DAY);

    /// The days whose bits are set: bit 0 is Monday.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl Date {
    fn is_real(self) -> bool {
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 31,
        };
        (2000..=9999).contains(&self.year) && (1..=12).contains(&self.month) && (1..=days).contains(&self.day)
    }
}

/// The form of RFC 3339: `2026-03-29`.
impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> DosingPlan {
        let dose = |id| Dose {
            id,
            minute: 8 * 60,
            weekdays: Weekdays::ALL,
            window_minutes: 60,
            compartment: Some(1),
            count: 1,
        };
        DosingPlan {
            version: 1,
            zone: "Europe/Oslo".parse().unwrap(),
            from: Some(Date { year: 2028, month: 2, day: 29 }),
            until: Some(Date { year: 2028, month: 2, day: 29 }),
            doses: (0..64).map(dose).collect(),
            travel_until: None,
            paused_until: None,
        }
    }

    #[test]
    fn a_plan_that_breaks_a_rule_is_refused() {
        assert_eq!(plan().check(), Ok(()));
        let breaks: [fn(&mut DosingPlan); 13] = [
            |plan| plan.zone = "".parse().unwrap(),
            |plan| plan.zone = "../../etc".parse().unwrap(),
            |plan| plan.doses.push(Dose { id: 64, ..plan.doses[0].clone() }),
            |plan| plan.doses[1].id = 0,
            |plan| plan.doses[1].minute = 1440,
            |plan| plan.doses[1].weekdays = Weekdays::from_bits(0),
            |plan| plan.doses[1].weekdays = Weekdays::from_bits(0x80),
            |plan| plan.doses[1].window_minutes = 0,
            |plan| plan.doses[1].window_minutes = 1441,
            |plan| plan.doses[1].count = 0,
            |plan| plan.until = Some(Date { year: 2028, month: 2, day: 28 }),
            |plan| plan.from = Some(Date { year: 2027, month: 2, day: 29 }),
            |plan| plan.from = Some(Date { year: 2027, month: 13, day: 1 }),
        ];
        for (place, break_it) in breaks.into_iter().enumerate() {
            let mut plan = plan();
            break_it(&mut plan);
            assert!(plan.check().is_err(), "{place}");
        }
    }
}
