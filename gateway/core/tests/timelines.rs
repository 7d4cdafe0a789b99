//! What a home's events come to, as timelines that a nurse could read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test"
)]

mod oslo;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use table::assert_timeline;
use varde_core::guard::Household;
use varde_core::rules::{Awaited, Rule, Watch};
use varde_core::supervision::{Expectation, LinkNumber};
use varde_core::{Weekdays, Window};
use varde_wire::{AlarmKind, DeviceId, Severity};

fn id(name: &str) -> DeviceId {
    name.parse().unwrap()
}

fn window(from: &str, to: &str) -> Option<Window> {
    Some(Window { from: from.parse().unwrap(), to: to.parse().unwrap(), days: Weekdays::ALL })
}

fn rule(name: &str, watch: Watch, window: Option<Window>) -> Rule {
    Rule { name: name.to_owned(), watch, window, severity: Severity::Serious }
}

/// A home whose pendant is missed after a day.
fn home_with_an_anxious_pendant() -> Household {
    let mut home = home(vec![]);
    home.devices.entry(id("pendant")).and_modify(|expected| expected.silent_after = Duration::from_hours(24));
    home
}

/// A home whose devices are missed after two weeks.
fn home(rules: Vec<Rule>) -> Household {
    let device = |name: &str, on_mains: bool| {
        let (interval, silent_after) = (Duration::from_hours(1), Duration::from_hours(24 * 14));
        (id(name), Expectation { interval, silent_after, link: LinkNumber(0), on_mains })
    };
    let devices = [
        device("bed", false),
        device("hall", true),
        device("kitchen", true),
        device("bath", true),
        device("door", false),
        device("scale", false),
        device("pendant", false),
    ];
    Household {
        devices: BTreeMap::from(devices),
        cancels: BTreeMap::new(),
        visits: BTreeMap::new(),
        pre_alarms: BTreeMap::from([(id("bed"), Duration::from_secs(10))]),
        rules,
        quiet_hours: None,
        quiet_kinds: BTreeSet::new(),
    }
}

fn night_bed() -> Rule {
    let watch = Watch::NotBackInBed { bed: id("bed"), within: Duration::from_mins(30) };
    rule("night-bed", watch, window("22:00", "07:00"))
}

#[test]
fn who_left_the_bed_at_night_and_is_not_back() {
    assert_timeline(
        home(vec![night_bed()]),
        0,
        "Mon 21:00 bed in-bed
         Mon 22:10 bed left-bed
         Mon 22:40    => ALARM bed of night-bed: raised, announced 1
         Mon 22:40:02 hub has it
         Mon 22:40:02 => ALARM bed of night-bed: received
         Mon 22:41 nurse has seen it
         Mon 22:41    => ALARM bed of night-bed: seen
         Mon 22:55 bed in-bed
         Mon 22:55    => ALARM bed of night-bed: cleared, ended
         Tue 03:00 bed left-bed
         Tue 03:29 bed in-bed
         Tue 06:45 bed left-bed
         Tue 12:00 wait
         Tue 21:50 bed left-bed
         Tue 23:59 wait",
    );
}

#[test]
fn who_went_out_at_night_and_who_has_been_away_for_long() {
    let watch = |minutes| Watch::NotBackHome {
        doors: vec![id("door")],
        indoors: vec![id("hall"), id("kitchen")],
        within: Duration::from_mins(minutes),
    };
    let rules =
        vec![rule("night-door", watch(15), window("23:00", "06:00")), rule("away", watch(36 * 60), None)];
    assert_timeline(
        home(rules),
        0,
        "Mon 14:00 door door-opened
         Mon 14:00 door door-closed
         Mon 19:00 door door-opened
         Mon 19:01 hall motion
         Mon 23:30 door door-opened
         Mon 23:31 hall motion
         Tue 01:00 door door-opened
         Tue 01:01 door door-closed
         Tue 01:16    => ALARM door of night-door: raised, announced 1
         Tue 01:16:05 hub has it
         Tue 01:16:05 => ALARM door of night-door: received
         Tue 01:18 door door-opened
         Tue 01:18:30 hall motion
         Tue 01:18:30 => ALARM door of night-door: cleared
         Tue 01:18:40 nurse has seen it
         Tue 01:18:40 => ALARM door of night-door: seen, ended
         Tue 08:00 door door-closed
         Wed 20:00    => ALARM absence of away: raised, announced 1
         Wed 20:00:01 nurse calls it false
         Wed 20:00:01 => ALARM absence of away: cancelled",
    );
}

#[test]
fn nobody_moves_though_somebody_is_at_home() {
    let watch = Watch::NoMotion {
        sensors: vec![id("hall"), id("kitchen")],
        doors: vec![id("door")],
        within: Duration::from_hours(4),
    };
    assert_timeline(
        home(vec![rule("still", watch, window("08:00", "22:00"))]),
        0,
        "Mon 07:00 hall motion
         Mon 11:00 kitchen motion
         Mon 13:00 door door-opened
         Mon 21:00 door door-opened
         Mon 21:05 hall motion
         Tue 11:59 wait
         Tue 12:00    => ALARM inactivity of still: raised, announced 1
         Tue 12:00:10 hall motion
         Tue 12:00:10 => ALARM inactivity of still: cleared
         Tue 12:00:20 nurse has seen it
         Tue 12:00:20 => ALARM inactivity of still: seen, ended",
    );
}

#[test]
fn a_long_stay_in_the_bathroom() {
    let watch =
        Watch::LongStay { room: id("bath"), elsewhere: vec![id("hall")], within: Duration::from_mins(45) };
    assert_timeline(
        home(vec![rule("bathroom", watch, None)]),
        0,
        "Mon 08:00 bath motion
         Mon 08:20 bath motion
         Mon 08:30 hall motion
         Mon 09:00 bath entered-room
         Mon 09:10 bath left-room
         Mon 10:00 bath motion
         Mon 10:40 bath motion
         Mon 10:45    => ALARM bathroom of bathroom: raised, announced 1
         Mon 10:45:03 hub has it
         Mon 10:45:03 => ALARM bathroom of bathroom: received
         Mon 10:48    => ALARM bathroom of bathroom: escalated
         Mon 10:50 nurse has seen it
         Mon 10:50    => ALARM bathroom of bathroom: seen
         Mon 10:55 hall motion
         Mon 10:55    => ALARM bathroom of bathroom: cleared, ended",
    );
}

fn nothing_by(awaited: Awaited, devices: &[&str], since: &str, by: &str) -> Watch {
    Watch::NothingBy {
        devices: devices.iter().map(|name| id(name)).collect(),
        awaited,
        since: since.parse().unwrap(),
        by: by.parse().unwrap(),
        days: Weekdays::ALL,
    }
}

#[test]
fn no_activity_by_ten_and_no_measurement_by_noon() {
    let rules = vec![
        rule("up", nothing_by(Awaited::Activity, &["hall", "kitchen"], "05:00", "10:00"), None),
        rule("weigh", nothing_by(Awaited::Measurement, &["scale"], "00:00", "12:00"), None),
    ];
    assert_timeline(
        home(rules),
        0,
        "Mon 08:00 hall motion
         Mon 12:00 wait
         Tue 04:00 hall motion
         Tue 08:00 scale measures
         Tue 10:00    => ALARM inactivity of up: raised, announced 1
         Tue 10:00:10 hub has it
         Tue 10:00:10 => ALARM inactivity of up: received
         Tue 10:02 nurse has seen it
         Tue 10:02    => ALARM inactivity of up: seen
         Tue 10:15 kitchen motion
         Tue 10:15    => ALARM inactivity of up: cleared, ended
         Wed 09:00 hall motion
         Wed 12:00    => ALARM measurement of weigh: raised, announced 1
         Wed 12:00:01 nurse ends it
         Wed 12:00:01 => ALARM measurement of weigh: ended
         Thu 09:00 hall motion
         Thu 12:00    => ALARM measurement of weigh: raised, announced 1
         Thu 12:00:02 nurse ends it
         Thu 12:00:02 => ALARM measurement of weigh: ended",
    );
}

#[test]
fn summer_time_begins_and_ends_and_ten_o_clock_is_ten_o_clock() {
    let rules =
        || vec![night_bed(), rule("up", nothing_by(Awaited::Activity, &["hall"], "02:30", "10:00"), None)];
    // 2026-03-23 to 29: 02:00 is 03:00.
    assert_timeline(
        home(rules()),
        3,
        "Mon 09:00 hall motion
         Tue 09:00 hall motion
         Wed 09:00 hall motion
         Thu 09:00 hall motion
         Fri 09:00 hall motion
         Sat 09:00 hall motion
         Sun 01:50 bed left-bed
         Sun 03:20    => ALARM bed of night-bed: raised, announced 1
         Sun 03:20 nurse calls it false
         Sun 03:20    => ALARM bed of night-bed: cancelled
         Sun 10:00    => ALARM inactivity of up: raised, announced 1
         Sun 10:00 nurse ends it
         Sun 10:00    => ALARM inactivity of up: ended",
    );
    // 2026-10-19 to 25: 02:00 to 03:00 comes twice, and what happens in its first hour counts.
    assert_timeline(
        home(rules()),
        33,
        "Mon 09:00 hall motion
         Tue 09:00 hall motion
         Wed 09:00 hall motion
         Thu 09:00 hall motion
         Fri 09:00 hall motion
         Sat 09:00 hall motion
         Sun 01:50 bed left-bed
         Sun 02:20    => ALARM bed of night-bed: raised, announced 1
         Sun 02:20 nurse calls it false
         Sun 02:20    => ALARM bed of night-bed: cancelled
         Sun 02:40 hall motion
         Sun 12:00 wait",
    );
}

#[test]
fn a_rule_says_once_that_it_cannot_judge_and_goes_on_when_it_can() {
    assert_timeline(
        home(vec![night_bed()]),
        0,
        "Mon 22:10 bed left-bed
         Mon 22:20 radio down
         Mon 22:20    => night-bed: cannot judge: bed is silent
         Mon 23:20 radio up
         Mon 23:20    => night-bed: judges again
         Mon 23:40    => ALARM bed of night-bed: raised, announced 1
         Mon 23:40 nurse has seen it
         Mon 23:40    => ALARM bed of night-bed: seen
         Mon 23:50 bed in-bed
         Mon 23:50    => ALARM bed of night-bed: cleared, ended
         Tue 00:10 clock lost
         Tue 00:10    => night-bed: cannot judge: clock unset
         Tue 00:20 bed left-bed
         Tue 00:30 clock set
         Tue 00:30    => night-bed: judges again
         Tue 01:00    => ALARM bed of night-bed: raised, announced 1
         Tue 01:00 nurse ends it
         Tue 01:00    => ALARM bed of night-bed: ended",
    );
}

#[test]
fn a_restart_in_the_middle_of_it_neither_invents_nor_forgets() {
    assert_timeline(
        home(vec![night_bed()]),
        0,
        "Mon 22:10 bed left-bed
         Mon 22:20 power off
         Mon 23:20 power on
         Mon 23:40    => ALARM bed of night-bed: raised, announced 1
         Mon 23:40:05 power off
         Tue 00:00 power on
         Tue 00:00    => ALARM bed of night-bed: escalated, not getting through, announced 2
         Tue 00:00:10 nurse has seen it
         Tue 00:00:10 => ALARM bed of night-bed: seen
         Tue 00:00:20 power off
         Tue 00:10 power on
         Tue 00:11 nurse ends it
         Tue 00:11    => ALARM bed of night-bed: ended
         Tue 00:12 power off
         Tue 00:13 power on
         Tue 08:00 wait",
    );
}

#[test]
fn a_pendant_pressed_many_times_is_one_alarm_until_somebody_has_seen_it() {
    assert_timeline(
        home(vec![]),
        0,
        "Mon 10:00 pendant safety-alarm
         Mon 10:00    => ALARM pendant of pendant: raised, announced 1
         Mon 10:00:01 pendant safety-alarm
         Mon 10:00:01 => ALARM pendant of pendant: raised again (2)
         Mon 10:00:05 hub has it
         Mon 10:00:05 => ALARM pendant of pendant: received
         Mon 10:00:20 pendant cancel
         Mon 10:00:20 => ALARM pendant of pendant: too late to cancel
         Mon 10:02 nurse has seen it
         Mon 10:02    => ALARM pendant of pendant: seen
         Mon 10:30 pendant safety-alarm
         Mon 10:30    => ALARM pendant of pendant: raised again (3), announced 2
         Mon 10:30:30 => ALARM pendant of pendant: not getting through, announced 3
         Mon 10:31    => ALARM pendant of pendant: announced 4
         Mon 10:31:01 hub has it
         Mon 10:31:01 => ALARM pendant of pendant: received
         Mon 10:32 nurse ends it
         Mon 10:32    => ALARM pendant of pendant: ended
         Mon 11:00 pendant test-press
         Mon 11:00    => TEST ALARM pendant of pendant: raised, announced 1
         Mon 11:00:01 hub has it
         Mon 11:00:01 => TEST ALARM pendant of pendant: received, ended",
    );
}

#[test]
fn a_pre_alarm_can_be_cancelled_and_does_not_come_back() {
    assert_timeline(
        home(vec![]),
        0,
        "Mon 10:00 bed fall
         Mon 10:00    => ALARM fall of bed: raised, can be cancelled
         Mon 10:00:09 bed cancel
         Mon 10:00:09 => ALARM fall of bed: cancelled
         Mon 10:00:10 power off
         Mon 10:05 power on
         Mon 11:00 bed fall
         Mon 11:00    => ALARM fall of bed: raised, can be cancelled
         Mon 11:00:05 power off
         Mon 11:30 power on
         Mon 11:30    => ALARM fall of bed: announced 1
         Mon 11:30:01 nurse ends it
         Mon 11:30:01 => ALARM fall of bed: ended",
    );
}

#[test]
fn staff_in_the_home_holds_back_what_they_are_there_for_and_no_call_for_help() {
    assert_timeline(
        home(vec![night_bed()]),
        0,
        "Mon 22:10 bed left-bed
         Mon 22:20 visit for 60 min
         Mon 22:20    => visit began
         Mon 22:40    => ALARM bed of night-bed: held back by Visit
         Mon 22:50 pendant safety-alarm
         Mon 22:50    => ALARM pendant of pendant: raised, announced 1
         Mon 22:50 nurse ends it
         Mon 22:50    => ALARM pendant of pendant: ended
         Mon 23:20    => visit over: time is up
         Mon 23:20    => ALARM bed of night-bed: raised, announced 1
         Mon 23:20 nurse ends it
         Mon 23:20    => ALARM bed of night-bed: ended
         Mon 23:30 bed in-bed
         Mon 23:40 bed left-bed
         Mon 23:45 visit for 60 min
         Mon 23:45    => visit began
         Tue 00:10    => ALARM bed of night-bed: held back by Visit
         Tue 00:15 bed in-bed
         Tue 00:15    => ALARM bed of night-bed: cleared, ended
         Tue 00:20 visit over
         Tue 00:20    => visit over",
    );
}

#[test]
fn quiet_hours_hold_back_what_can_wait_until_their_end() {
    let mut home = home(vec![night_bed()]);
    home.quiet_hours = window("22:00", "06:00");
    home.quiet_kinds = BTreeSet::from([AlarmKind::Bed, AlarmKind::Fall]);
    assert_timeline(
        home,
        0,
        "Mon 22:10 bed left-bed
         Mon 22:40    => ALARM bed of night-bed: held back by QuietHours
         Mon 22:50 hall fall
         Mon 22:50    => ALARM fall of hall: raised, announced 1
         Mon 22:50 nurse ends it
         Mon 22:50    => ALARM fall of hall: ended
         Mon 23:00 bed in-bed
         Mon 23:00    => ALARM bed of night-bed: cleared, ended
         Tue 03:00 bed left-bed
         Tue 03:30    => ALARM bed of night-bed: held back by QuietHours
         Tue 06:00    => ALARM bed of night-bed: raised, announced 1
         Tue 06:00 nurse ends it
         Tue 06:00    => ALARM bed of night-bed: ended",
    );
}

#[test]
fn a_pendant_that_is_not_heard_is_missing_and_a_weak_battery_is_said_daily() {
    assert_timeline(
        home_with_an_anxious_pendant(),
        0,
        "Mon 08:00 pendant button-pressed
         Tue 08:01    => pendant missing, last heard Mon 08:00
         Tue 09:00 pendant button-pressed
         Tue 09:01    => pendant no more missing
         Tue 09:30 scale battery 14 %
         Tue 09:35 scale battery 16 %
         Tue 09:40    => scale battery low
         Wed 08:50 pendant button-pressed
         Wed 09:40    => scale still battery low
         Wed 10:00 scale battery 2 %
         Wed 10:10    => scale battery empty
         Wed 12:00 scale battery 100 %
         Wed 12:10    => scale no more battery low
         Wed 12:10    => scale no more battery empty
         Wed 20:00 wait",
    );
}

#[test]
fn a_power_cut_is_one_story_and_who_does_not_come_back_is_named() {
    assert_timeline(
        home_with_an_anxious_pendant(),
        0,
        "Mon 08:00 pendant button-pressed
         Mon 09:00 hall mains-lost
         Mon 09:00:01 kitchen mains-lost
         Mon 09:00:02 bath mains-lost
         Mon 09:02    => POWER CUT began; out: bath hall kitchen
         Mon 10:00 hall mains-restored
         Mon 10:00 kitchen mains-restored
         Mon 10:02    => POWER CUT goes on; out: bath
         Mon 10:32    => POWER CUT over; out: bath
         Mon 12:00 bath mains-restored
         Mon 12:02    => bath no more no mains
         Mon 13:00 hall mains-lost
         Mon 13:00:30 hall mains-restored
         Mon 14:00 wait",
    );
}

#[test]
fn a_radio_that_is_down_makes_no_device_missing() {
    assert_timeline(
        home_with_an_anxious_pendant(),
        0,
        "Mon 08:00 pendant button-pressed
         Mon 09:00 radio down
         Thu 09:00 radio up
         Fri 08:01    => pendant missing, last heard Mon 08:00
         Fri 12:00 wait",
    );
}
