//! What is expected of devices, what their alarms do, and what leaves the home.

use std::time::Duration;

use varde_core::Forwarding;
use varde_core::supervision::Expectation;
use varde_wire::{AlarmKind, DeviceId};

use super::{CUFF, Home, PENDANT, UPLINK};

fn id(name: &str) -> DeviceId {
    name.parse().unwrap()
}

const CONTACT: &str = "[[device]]\nname = \"door-1\"\nprotocol = \"esp3\"\nid = \"01020304\"\n\
                       port = \"/dev/serial/by-id/usb-EnOcean_USB300\"\nprofile = \"D5-00-01\"\n";

#[test]
fn what_a_device_of_its_kind_does_is_expected_and_the_configuration_knows_better() {
    let home = Home::new();
    home.write("a.toml", &format!("{UPLINK}{PENDANT}\nexpected_every_min = 720\n{CONTACT}{CUFF}"));
    let made = home.load().unwrap().home;
    let expected = |name: &str| made.household.devices[&id(name)].silent_after;
    assert_eq!(expected("pendant-1"), Duration::from_hours(24));
    assert_eq!(expected("door-1"), Duration::from_hours(2));
    assert_eq!(expected("blood-pressure-1"), Expectation::NEVER);
    home.write("a.toml", &format!("{UPLINK}{CONTACT}\nexpected_every_min = 0\n"));
    let unsupervised: Vec<_> = home.load().unwrap().home.unsupervised().cloned().collect();
    assert_eq!(unsupervised, [id("door-1")]);
}

#[test]
fn alarms_visits_and_forwarding_are_read() {
    let home = Home::new();
    let door = "forward = \"daily-summary\"\non_mains = true\ncancels = [\"pendant-1\"]\nvisit_min = 60\n";
    let quiet = "[quiet_hours]\nfrom = \"22:00\"\nto = \"07:00\"\nkinds = [\"door\"]\n";
    home.write("a.toml", &format!("{UPLINK}{quiet}{PENDANT}\npre_alarm_s = 10\n{CONTACT}{door}"));
    let made = home.load().unwrap().home;
    assert_eq!(made.forwarding[&id("door-1")], Forwarding::DailySummary);
    assert!(made.household.devices[&id("door-1")].on_mains);
    assert_eq!(made.household.pre_alarms[&id("pendant-1")], Duration::from_secs(10));
    assert_eq!(made.household.cancels[&id("door-1")], [id("pendant-1")]);
    assert_eq!(made.household.visits[&id("door-1")], Duration::from_hours(1));
    assert!(made.household.quiet_hours.is_some() && made.household.quiet_kinds.contains(&AlarmKind::Door));
}

#[test]
fn whoever_would_hold_a_call_for_help_back_is_told_that_nobody_can() {
    let home = Home::new();
    let quiet = "[quiet_hours]\nfrom = \"22:00\"\nto = \"7\"\nkinds = [\"pendant\"]\n";
    let bad = "forward = \"nothing\"\ncancels = [\"lamp-1\"]\npre_alarm_s = 600\n";
    home.write("a.toml", &format!("{UPLINK}{quiet}{PENDANT}\n{bad}"));
    let said = home.load().unwrap_err().to_string();
    for key in
        ["quiet_hours.to", "quiet_hours.kinds", "device.forward", "device.cancels", "device.pre_alarm_s"]
    {
        assert!(said.contains(key), "{key} is missing in:\n{said}");
    }
    assert!(said.contains("measurement"), "what can be held back is named:\n{said}");
}
