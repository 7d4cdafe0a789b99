//! Rules in drop-ins: what they become, and every fault that can be made in them.

use varde_core::Weekdays;
use varde_core::rules::{Rule, Watch};
use varde_wire::Severity;

use super::{CUFF, Home, UPLINK};

/// A contact, a motion sensor and a rocker on one stick.
const SENSORS: &str = r#"
[[device]]
name = "front-door"
protocol = "esp3"
port = "/dev/ttyUSB0"
id = "01020304"
profile = "D5-00-01"
[[device]]
name = "pendant-2"
protocol = "esp3"
port = "/dev/ttyUSB0"
id = "01020305"
profile = "F6-02-01"
[[device]]
name = "hall"
protocol = "ble"
address = "F0:F1:F2:F3:F4:09"
profile = "bthome"
"#;

#[test]
fn every_kind_of_rule_is_read_and_what_is_not_said_has_its_default() {
    let home = Home::new();
    home.write("10-uplink.toml", UPLINK);
    home.write("50-devices.toml", &format!("{CUFF}{SENSORS}"));
    home.write(
        "60-rules.toml",
        r#"
[[rule]]
name = "night-bed"
watch = "not-back-in-bed"
devices = ["hall"]
within_min = 30
from = "22:00"
to = "07:00"
[[rule]]
name = "night-door"
watch = "not-back-home"
doors = ["front-door"]
devices = ["hall"]
within_min = 15
from = "23:00"
to = "06:00"
days = ["fri", "sat"]
severity = 40
[[rule]]
name = "still"
watch = "no-motion"
devices = ["hall"]
within_min = 240
[[rule]]
name = "bathroom"
watch = "long-stay"
devices = ["hall"]
elsewhere = ["hall"]
within_min = 45
[[rule]]
name = "up"
watch = "no-activity-by"
devices = ["hall"]
since = "05:00"
by = "10:00"
[[rule]]
name = "measures"
watch = "no-measurement-by"
devices = ["blood-pressure-1"]
since = "00:00"
by = "12:00"
days = ["mon"]
"#,
    );
    let rules = home.load().unwrap().home.household.rules;
    let shown: Vec<(&str, &str, Severity)> =
        rules.iter().map(|rule| (rule.name.as_str(), rule.alarm().name(), rule.severity)).collect();
    let expected = [
        ("night-bed", "bed", Severity::Serious),
        ("night-door", "door", Severity::Critical),
        ("still", "inactivity", Severity::Serious),
        ("bathroom", "bathroom", Severity::Serious),
        ("up", "inactivity", Severity::Serious),
        ("measures", "measurement", Severity::Normal),
    ];
    assert_eq!(shown, expected);
    let days = |rule: &Rule| rule.window.map(|window| window.days);
    assert_eq!(days(&rules[0]), Some(Weekdays::ALL));
    assert_eq!(days(&rules[1]), Some(Weekdays::NONE.with(4).with(5)));
    assert_eq!(days(&rules[2]), None);
    assert!(matches!(&rules[5].watch, Watch::NothingBy { days, .. } if *days == Weekdays::NONE.with(0)));
}

#[test]
fn every_fault_of_a_rule_names_its_line_its_key_and_its_mend() {
    // [[rule]] is line 1, name 2, watch 3, devices 4, within_min 5.
    let rule = |lines: &str| format!("[[rule]]\nname = \"r\"\n{lines}");
    let bed = "watch = \"not-back-in-bed\"\ndevices = [\"hall\"]\nwithin_min = 30\n";
    let table: &[(String, &[&str])] = &[
        (
            rule("watch = \"not-back-in-bedd\""),
            &["3: rule.watch: 'not-back-in-bedd' is no known watch; did you mean 'not-back-in-bed'?"],
        ),
        (rule(""), &["1: rule.watch: missing: add to this table the line watch = "]),
        (
            rule(&bed.replace("hall", "hal")),
            &[
                "4: rule.devices: 'hal' is no device of this home: name one that has a [[device]]. There are: blood-pressure-1, front-door, hall, pendant-2",
            ],
        ),
        (
            rule(&bed.replace("hall", "blood-pressure-1")),
            &[
                "4: rule.devices: 'blood-pressure-1' cannot tell whether somebody is in bed: name a device that can",
            ],
        ),
        (
            rule(&bed.replace("[\"hall\"]", "[\"hall\", \"pendant-2\"]")),
            &["4: rule.devices: 'pendant-2' cannot tell whether somebody is in bed"],
        ),
        (
            rule(&bed.replace("[\"hall\"]", "[\"hall\", \"hall\"]")),
            &["4: rule.devices: this rule watches one device"],
        ),
        (
            rule(&bed.replace("[\"hall\"]", "\"hall\"")),
            &["4: rule.devices: expected a list of texts such as"],
        ),
        (rule(&bed.replace("[\"hall\"]", "[]")), &["4: rule.devices: missing: name at least one device"]),
        (
            rule(&bed.replace("30", "0")),
            &["5: rule.within_min: expected a whole number of 1 to 44640, got 0"],
        ),
        (rule(&bed.replace("within_min = 30", "")), &["1: rule.within_min: missing:"]),
        (rule(&format!("{bed}from = \"22:00\"")), &["1: rule.to: missing: add to this table the line to = "]),
        (
            rule(&format!("{bed}from = \"22.00\"\nto = \"07:00\"")),
            &["6: rule.from: '22.00' is no time of day: expected 00:00 to 23:59, such as 22:30"],
        ),
        (
            rule(&format!("{bed}doors = [\"front-door\"]\nby = \"10:00\"\ndays = [\"mon\"]")),
            &[
                "6: rule.doors: means nothing to a rule that watches 'not-back-in-bed': leave it out",
                "7: rule.by: means nothing to a rule",
                "8: rule.days: means nothing to a rule",
            ],
        ),
        (rule(&format!("{bed}severity = 35")), &["6: rule.severity: expected 0, 10, 20, 30 or 40"]),
        (
            rule(
                "watch = \"no-activity-by\"\ndevices = [\"hall\"]\nsince = \"05:00\"\nby = \"10:00\"\ndays = [\"monday\"]",
            ),
            &["7: rule.days: 'monday' is no known day"],
        ),
        (
            format!("{}{}", rule(bed), rule(bed)),
            &["7: rule.name: 'r' is the name of the rule at 60-rules.toml:2 already: choose another"],
        ),
    ];
    for (text, expected) in table {
        let home = Home::new();
        home.write("10-uplink.toml", UPLINK);
        home.write("50-devices.toml", &format!("{CUFF}{SENSORS}"));
        home.write("60-rules.toml", text);
        let faults = home.faults();
        let starts = expected.iter().map(|start| format!("60-rules.toml:{start}"));
        let same = faults.len() == expected.len()
            && faults.iter().zip(starts).all(|(fault, start)| fault.starts_with(&start));
        assert!(same, "{text}\ngot {faults:#?}\nexpected {expected:#?}");
    }
}
