//! The ways out of the home, and every fault that can be made in them.

use std::time::Duration;

use super::{Home, SUMMER, UPLINK};
use crate::config::Exit;

const TWO: &str = r#"
[[uplink.path]]
name = "broadband"
[[uplink.path]]
name = "mobile"
interface = "wwan0"
metered = true
"#;

#[test]
fn without_a_path_there_is_one_and_with_them_their_order_is_that_of_preference() {
    let home = Home::new();
    home.write("a.toml", UPLINK);
    let paths = home.load().unwrap().uplink.paths;
    assert_eq!((paths.len(), &paths[0].exit, paths[0].metered), (1, &Exit::Any, false));

    home.write("a.toml", &format!("{UPLINK}{TWO}"));
    home.write(
        "b.toml",
        "[[uplink.path]]\nname = \"third\"\nsource = \"192.0.2.7\"\nbroker = \"mqtts://other.example\"\ntest_every_min = 60\n",
    );
    let paths = home.load().unwrap().uplink.paths;
    let exits: Vec<_> = paths.iter().map(|path| (path.name.as_str(), path.exit.to_string())).collect();
    let expected = [
        ("broadband", "as the box routes".to_owned()),
        ("mobile", "through wwan0".to_owned()),
        ("third", "from 192.0.2.7".to_owned()),
    ];
    assert_eq!(exits, expected);
    let tests: Vec<_> = paths.iter().map(|path| path.test_every).collect();
    assert_eq!(tests, [Duration::from_mins(10), Duration::from_hours(6), Duration::from_hours(1)]);
    assert_eq!(paths[2].broker.to_string(), "mqtts://other.example:8883");
    let report = home.check(SUMMER).to_string();
    assert!(report.contains("path mobile: through wwan0, tested every 360 min, metered"), "{report}");
}

#[test]
fn every_fault_of_a_path_is_told_with_its_mend() {
    let home = Home::new();
    for (path, said) in [
        ("interface = \"wwan0\"", "name = "),
        ("name = \"a\"\ninterface = \"wwan0\"\nsource = \"192.0.2.7\"", "leave out one of the two"),
        ("name = \"a\"\ninterface = \"a name with blanks\"", "as `ip link` shows it"),
        ("name = \"a\"\nsource = \"wwan0\"", "as `ip address` shows it"),
        ("name = \"a\"\nbroker = \"mqtt://b\"", "over TLS (mqtts) only"),
        ("name = \"a\"\ntest_every_min = 0", "1 to 10080"),
        ("name = \"a\"\ninterface = \"wwan0\"\nmetred = true", "did you mean 'metered'"),
        ("name = \"broadband\"\ninterface = \"wwan0\"", "choose another"),
        ("name = \"a\"", "the same way as the path 'broadband'"),
    ] {
        let first = "[[uplink.path]]\nname = \"broadband\"\n";
        home.write("a.toml", &format!("{UPLINK}{first}[[uplink.path]]\n{path}\n"));
        let faults = home.faults();
        assert!(faults.len() == 1 && faults[0].contains(said), "{path}: {faults:#?}");
    }
    home.write("a.toml", &format!("{UPLINK}[[uplink.path]]\nname = \"a\"\nmetered = true\n"));
    assert!(home.faults()[0].contains("routine readings would never leave"), "{:?}", home.faults());
}
