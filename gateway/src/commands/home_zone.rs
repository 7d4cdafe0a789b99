//! Whether a dosing plan's times are the home's.
//!
//! A device runs its plan by the clock on the wall, which it has from the box. A plan of another time zone would be given
//! at the wrong hours, and nobody would be told: it is refused.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use varde_wire::{DosingPlan, WallTime};

/// Zones of different names are the same where their clocks agree for so long: rules that differ later are read again
/// from a newer database by then.
const AHEAD: Duration = Duration::from_hours(2 * 365 * 24);

/// Why a plan cannot be run in a home whose clocks keep this time, for technicians; none where it can.
pub fn refusal(plan: &DosingPlan, home: &TimeZone, now: WallTime) -> Option<String> {
    let name = plan.zone.as_str();
    // A plan that ends all doses means the same everywhere, and must not be held back.
    if plan.doses.is_empty() || home.iana_name().is_some_and(|home| home.eq_ignore_ascii_case(name)) {
        return None;
    }
    let mend = format!(
        "if the plan is right, set the box to the home's time zone by 'timedatectl set-timezone {name}' and restart varde; \
         then give the plan again"
    );
    let keeps = home.iana_name().unwrap_or("a time zone without a name");
    match TimeZone::get(name) {
        Ok(zone) if agree(&zone, home, now) => None,
        Ok(_) => {
            Some(format!("the plan's times are those of {name}, this box keeps those of {keeps}: {mend}"))
        }
        Err(_) => Some(format!(
            "the plan's times are those of {name}, which the box's time zone database does not know; the box keeps \
             those of {keeps}: see that the package tzdata is installed and up to date; {mend}"
        )),
    }
}

/// Whether clocks of both zones show the same from now on.
fn agree(one: &TimeZone, other: &TimeZone, now: WallTime) -> bool {
    let Ok(now) = Timestamp::from_millisecond(now.as_unix_millis()) else { return false };
    let Ok(end) = now.checked_add(AHEAD) else { return false };
    let changes = |zone: &TimeZone| {
        let following = zone.following(now).map(|change| change.timestamp());
        following.take_while(|change| *change < end).collect::<BTreeSet<_>>()
    };
    let moments = [changes(one), changes(other), BTreeSet::from([now])];
    moments.iter().flatten().all(|moment| one.to_offset(*moment) == other.to_offset(*moment))
}

#[cfg(test)]
mod tests {
    use varde_wire::{Dose, Weekdays};

    use super::*;

    fn plan(zone: &str) -> DosingPlan {
        let dose = Dose {
            id: 1,
            minute: 480,
            weekdays: Weekdays::ALL,
            window_minutes: 60,
            compartment: None,
            count: 1,
        };
        DosingPlan {
            version: 1,
            zone: zone.parse().unwrap(),
            from: None,
            until: None,
            doses: vec![dose],
            travel_until: None,
            paused_until: None,
        }
    }

    /// 2026-01-15T12:00Z and half a year later: what a winter cannot tell apart, a summer can.
    const MOMENTS: [i64; 2] = [1_768_478_400_000, 1_784_116_800_000];

    #[test]
    fn a_plan_is_run_only_where_the_clock_on_the_wall_is_the_plans_the_whole_year() {
        let zone = |name| TimeZone::get(name).unwrap();
        let copied = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let table = [
            ("Europe/Oslo", zone("Europe/Oslo"), true),
            // One is a link to the other, or was.
            ("Europe/Oslo", zone("Europe/Berlin"), true),
            ("europe/oslo", zone("Europe/Oslo"), true),
            ("Atlantic/Jan_Mayen", zone("Europe/Oslo"), true),
            // A box whose zone has no name.
            ("Europe/Oslo", copied, true),
            ("Europe/London", TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(), false),
            ("Etc/UTC", zone("UTC"), true),
            ("Etc/UTC", TimeZone::UTC, true),
            ("Europe/Oslo", TimeZone::UTC, false),
            // A box of which nobody said where it is.
            ("Europe/Oslo", TimeZone::unknown(), false),
            ("Europe/Oslo", zone("Europe/Helsinki"), false),
            // The same in winter, and the same in summer.
            ("Europe/Oslo", zone("Africa/Algiers"), false),
            ("Europe/Oslo", zone("Africa/Johannesburg"), false),
            ("Europe/London", zone("UTC"), false),
        ];
        for (name, home, is_run) in table {
            for moment in MOMENTS {
                let refused = refusal(&plan(name), &home, WallTime::from_unix_millis(moment));
                assert_eq!(refused.is_none(), is_run, "{name} in {home:?}: {refused:?}");
            }
        }
    }

    #[test]
    fn a_technician_reads_what_the_plan_says_what_the_box_has_and_what_to_do() {
        let now = WallTime::from_unix_millis(MOMENTS[0]);
        let said = refusal(&plan("Europe/Oslo"), &TimeZone::get("Europe/London").unwrap(), now).unwrap();
        for part in
            ["Europe/Oslo", "Europe/London", "'timedatectl set-timezone Europe/Oslo'", "restart varde"]
        {
            assert!(said.contains(part), "{said}");
        }
        let unknown = refusal(&plan("Europe/Atlantis"), &TimeZone::UTC, now).unwrap();
        assert!(unknown.contains("Europe/Atlantis") && unknown.contains("tzdata"), "{unknown}");
    }

    #[test]
    fn a_plan_without_doses_ends_them_wherever_the_box_believes_to_be() {
        let none = DosingPlan { doses: Vec::new(), ..plan("Europe/Oslo") };
        assert_eq!(refusal(&none, &TimeZone::UTC, WallTime::from_unix_millis(MOMENTS[0])), None);
    }
}
