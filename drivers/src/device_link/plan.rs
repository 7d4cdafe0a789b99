//! The hub's dosing plan in the words of the link.

use varde_device_link::{BadPlan, Day, Dose, Plan, PlanHead};
use varde_wire::{Date, DosingPlan, LocalTime, WallTime};

use crate::home_time::seconds_of_local;

/// The plan as the link has it. Its time zone stays behind: the device has the home's from its clock, and whoever gives
/// the order has seen that they are the same.
///
/// # Errors
/// Where it breaks a rule of the link.
pub(super) fn plan(ordered: &DosingPlan) -> Result<Plan, BadPlan> {
    let head = PlanHead {
        version: ordered.version,
        // Counted by the plan itself.
        doses: 0,
        valid_from: ordered.from.map(day),
        valid_until: ordered.until.map(day),
        travel_until_s: ordered.travel_until.map(second),
        pause_until_s: ordered.paused_until.map(second),
    };
    let doses: Vec<Dose> = ordered
        .doses
        .iter()
        .map(|dose| Dose {
            id: dose.id,
            minute: dose.minute,
            weekdays: dose.weekdays.bits(),
            window_min: dose.window_minutes,
            compartment: dose.compartment,
            count: dose.count,
        })
        .collect();
    Plan::new(head, &doses)
}

/// Beyond what a day's number can say, the last one.
fn day(date: Date) -> Day {
    let midnight =
        LocalTime { year: date.year, month: date.month, day: date.day, hour: 0, minute: 0, second: 0 };
    let days = seconds_of_local(midnight).unwrap_or_default() / 86_400;
    Day(u16::try_from(days).unwrap_or(u16::MAX))
}

fn second(time: WallTime) -> u64 {
    u64::try_from(time.as_unix_millis() / 1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use varde_wire::Weekdays;

    use super::*;

    #[test]
    fn days_weekdays_and_moments_are_the_hubs() {
        let ordered = DosingPlan {
            version: 3,
            zone: "Europe/Oslo".parse().unwrap(),
            from: Some(Date { year: 2026, month: 3, day: 29 }),
            until: Some(Date { year: 9999, month: 1, day: 1 }),
            doses: vec![varde_wire::Dose {
                id: 9,
                minute: 480,
                weekdays: Weekdays::from_bits(0b100_0001),
                window_minutes: 1440,
                compartment: Some(4),
                count: 2,
            }],
            travel_until: Some(WallTime::from_unix_millis(1_774_746_000_999)),
            paused_until: None,
        };
        let plan = plan(&ordered).unwrap();
        let head = PlanHead {
            version: 3,
            doses: 1,
            valid_from: Some(Day(20_541)),
            valid_until: Some(Day(u16::MAX)),
            travel_until_s: Some(1_774_746_000),
            pause_until_s: None,
        };
        let dose = Dose {
            id: 9,
            minute: 480,
            weekdays: 0b100_0001,
            window_min: 1440,
            compartment: Some(4),
            count: 2,
        };
        assert_eq!((plan.head(), plan.doses()), (&head, &[dose][..]));
    }
}
