//! Every fault that a technician can make in a drop-in.

use std::fs;

use super::{CUFF, Home, PENDANT, UPLINK};

/// What stands below a sound `[uplink]` (lines 1 to 3), and each fault's beginning: line, key, words.
#[test]
fn every_fault_names_its_line_its_key_and_its_mend() {
    let device = |key: &str, value: &str| {
        let lines = PENDANT.lines().map(|line| {
            if line.starts_with(&format!("{key} =")) { value.to_owned() } else { line.to_owned() }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let cuff = |from: &str, to: &str| CUFF.replace(from, to);
    // PENDANT and CUFF begin with an empty line: [[device]] is line 5, name 6, protocol 7, port or address 8, id 9 …
    let table: &[(String, &[&str])] = &[
        ("keep_alive_s = 4".into(), &["4: uplink.keep_alive_s: expected a whole number of 5 to 600, got 4"]),
        (
            "keep_alive_s = 601".into(),
            &["4: uplink.keep_alive_s: expected a whole number of 5 to 600, got 601"],
        ),
        (
            "keep_alive_s = \"30\"".into(),
            &["4: uplink.keep_alive_s: expected a whole number without quotes, got a text in quotes"],
        ),
        (
            "keep_alive_s = 30.0".into(),
            &[
                "4: uplink.keep_alive_s: expected a whole number without quotes, got a number with a decimal point",
            ],
        ),
        (
            "keep_alive = 30".into(),
            &[
                "4: uplink.keep_alive: no such key; did you mean 'keep_alive_s'? Known here: broker, credentials, keep_alive_s",
            ],
        ),
        ("x = 1\ny = 2".into(), &["4: uplink.x: no such key. Known here:", "5: uplink.y: no such key."]),
        (
            "[store]\ncommit_window_ms = -1".into(),
            &["5: store.commit_window_ms: expected a whole number of 0 to 5000, got -1"],
        ),
        (
            "[store]\nmax_size_mb = 99999999999999999999".into(),
            &["5: store.max_size_mb: expected a whole number of 16 to 1048576, got a number far beyond"],
        ),
        (
            "[stor]\nmax_size_mb = 16".into(),
            &["4: stor: no such key; did you mean 'store'? Known here: state_directory, uplink,"],
        ),
        (
            "[log]\nlevel = \"inof\"".into(),
            &[
                "5: log.level: 'inof' is no known level; did you mean 'info'? Known: error, warn, info, debug, trace",
            ],
        ),
        (
            "[log]\nlevel = true".into(),
            &["5: log.level: expected a text in double quotes, got true or false"],
        ),
        (
            "[clock]\nsynchronised_marker = \"\"".into(),
            &[
                "5: clock.synchronised_marker: expected a path from the root such as /run/systemd/timesync/synchronized, got ''",
            ],
        ),
        (
            "[capture]\ndirectory = \"captures\"".into(),
            &[
                "5: capture.directory: expected a path from the root such as /var/lib/varde/captures, got 'captures'",
            ],
        ),
        (
            "[device]\nname = \"a\"".into(),
            &["4: device: expected tables, each headed by its name in double square brackets, got a table"],
        ),
        (
            device("name", "name = \"Ola Nordmann\""),
            &["6: device.name: 'Ola Nordmann' is no device name: expected 1 to 32 characters"],
        ),
        (
            device("name", "name = \"gateway\""),
            &["6: device.name: 'gateway' is the name by which the box reports on itself: choose another"],
        ),
        (device("name", ""), &["5: device.name: missing: add to this table the line name = \"NAME\""]),
        (
            device("protocol", "protocol = \"esp\""),
            &["7: device.protocol: 'esp' is no known protocol; did you mean 'esp3'? Known: esp3, "],
        ),
        (
            device("protocol", ""),
            &["5: device.protocol: missing: add to this table the line protocol = \"esp3\" or \"ble\""],
        ),
        (
            device("protocol", "protocol = \"ble\""),
            &[
                "5: device.address: missing: add to this table the line address = \"F0:F1:F2:F3:F4:01\"",
                "8: device.port: means nothing to a device of protocol 'ble': leave it out, or mend the protocol",
                "9: device.id: means nothing to a device of protocol 'ble'",
                "10: device.profile: 'F6-02-01' is no known profile. Known: blood-pressure, health-thermometer,",
            ],
        ),
        (
            device("port", "port = \"ttyUSB0\""),
            &["8: device.port: expected a path from the root such as /dev/serial/by-id/"],
        ),
        (
            device("port", "prot = \"/dev/ttyUSB0\""),
            &[
                "5: device.port: missing: add to this table the line port = \"/dev/serial/by-id/",
                "8: device.prot: no such key; did you mean 'port'? Known here: name, protocol, port, line, id, address, profile, purpose, bind_key, clear_memory, left_after_s, still_after_s, patterns, values, events, every_s, unit, poll_s, registers, consents, person, users",
            ],
        ),
        (
            device("id", "id = \"FEFB9A1\""),
            &["9: device.id: expected the eight hexadecimal digits printed on the device"],
        ),
        (
            device("id", "id = 12345678"),
            &["9: device.id: expected a text in double quotes, got a whole number"],
        ),
        (
            device("profile", "profile = \"F6-2-01\"\npurpose = \"pendent\""),
            &[
                "10: device.profile: 'F6-2-01' is no known profile; did you mean 'F6-02-01'? Known: F6-02-01, F6-02-02, F6-03-01, F6-03-02, F6-04-01, F6-05-00, F6-05-01, F6-05-02, F6-10-00",
                "11: device.purpose: 'pendent' is no known purpose; did you mean 'pendant'? Known: pendant, pull-cord, fall, epilepsy, switch",
            ],
        ),
        (
            device("profile", "profile = \"D5-00-01\"\npurpose = \"switch\""),
            &["11: device.purpose: a device of profile D5-00-01 has only one purpose: leave it out"],
        ),
        (
            cuff("blood-pressure\"", "blood-presure\""),
            &[
                "9: device.profile: 'blood-presure' is no known profile; did you mean 'blood-pressure'? Known: blood-pressure, health",
            ],
        ),
        (
            cuff("F0:F1:F2:F3:F4:01", "F0:F1"),
            &["8: device.address: expected a Bluetooth address such as C0:FF:EE:00:00:01, got \"F0:F1\""],
        ),
        (
            format!("{CUFF}bind_key = \"00\"\npurpose = \"pendant\"\nclear_memory = 1"),
            &[
                "10: device.bind_key: means nothing to a device of profile blood-pressure: leave it out",
                "11: device.purpose: means nothing to a device of profile blood-pressure: leave it out",
                "12: device.clear_memory: expected true or false without quotes, got a whole number",
            ],
        ),
        (
            cuff("blood-pressure\"", "weight-scale\"") + "consents = { 1 = \"10000\", 300 = \"1\" }",
            &[
                "10: device.consents: expected the code that the user chose on the scale, 0 to 9999 in quotes",
                "10: device.consents: expected the number of a user in the device, 0 to 254, got '300'",
            ],
        ),
        (
            format!("{CUFF}users = {{ \"255\" = \"p-1\", \"1\" = \"Kari Nordmann\", \"2\" = 2 }}"),
            &[
                "10: device.users: expected pairs in braces such as { \"1\" = \"p-1\", \"2\" = \"p-2\" }, got a whole number",
                "10: device.users: 'Kari Nordmann' is no person id: expected 1 to 32 characters",
                "10: device.users: expected the number of a user in the device, 0 to 254, got '255'",
            ],
        ),
        (
            format!("{CUFF}person = \"p-1\"\nusers = {{ 1 = \"p-1\" }}"),
            &[
                "10: device.person: a device has one person, or users that it keeps apart: leave out one of the two",
            ],
        ),
        (
            format!("{PENDANT}\nbind_key = \"00\"\nclear_memory = true"),
            &[
                "12: device.bind_key: means nothing to a device of protocol 'esp3'",
                "13: device.clear_memory: means nothing to a device of protocol 'esp3'",
            ],
        ),
        (
            format!("{PENDANT}{PENDANT}"),
            &[
                "13: device.name: 'pendant-1' stands at a.toml:6 already: two devices cannot share it",
                "16: device.id: 'FEFB9A1C' stands at a.toml:9 already: two devices cannot share it",
            ],
        ),
        (
            format!("{OXIMETER}{}", OXIMETER.replace("oximeter-1", "oximeter-2")),
            &[
                "14: device.port: 'oximeter-2' cannot share this port with 'oximeter-1': a nonin line has one device",
            ],
        ),
        (
            format!("{PENDANT}{}", OXIMETER.replace("usb-nonin", "usb-EnOcean_USB300")),
            &[
                "15: device.port: 'oximeter-1' cannot share this port with 'pendant-1', which speaks esp3: a port has one protocol",
            ],
        ),
        (
            format!("{OXIMETER}line = \"9600\"\nunit = 1\npatterns = ['x']\n"),
            &[
                "10: device.line: expected speed, data bits, parity (N, E or O) and stop bits as the device's manual",
                "11: device.unit: means nothing to a device of protocol 'nonin'",
                "12: device.patterns: means nothing to a device of protocol 'nonin'",
            ],
        ),
        (
            OXIMETER.replace("data-format-2", "data-format-3"),
            &["9: device.profile: 'data-format-3' is no known profile; did you mean 'data-format-"],
        ),
        (
            format!("{PENDANT}line = \"9600 8N1\""),
            &["11: device.line: means nothing to a device of protocol 'esp3'"],
        ),
        (
            serial(
                "lines",
                "patterns = [ '^(?<w>[0-9' , '^x$' ]\nvalues = { w = \"MDC_MASS_BODY kg\" }\nevents = { low = \"low\" }",
            ),
            &[
                "9: device.patterns: no regular expression: unclosed character class",
                "9: device.patterns: has no named group such as (?<weight>[0-9.]+)",
                "10: device.values: 'MDC_MASS_BODY' is no metric that is known",
                "11: device.events: 'low' is no event that such a device can tell of; known: safety-alarm, ",
            ],
        ),
        (
            serial(
                "lines",
                "patterns = [ '^(?<w>[0-9]+)$' ]\nvalues = { w = \"MDC_MASS_BODY_ACTUAL kg\" }\nevents = { low = \"battery-low\" }",
            ),
            &[
                "11: device.events: no pattern has a group of this name: name one (?<low>…), or leave this out",
            ],
        ),
        (
            serial("lines", "patterns = [ '^(?<w>[0-9]+)$' ]"),
            &["9: device.patterns: the group 'w' has no meaning: add it to values or to events"],
        ),
        (serial("lines", ""), &["5: device.patterns: missing: add to this table the line patterns = [ '"]),
        (
            serial(
                "modbus",
                "unit = 248\npoll_s = 0\nregisters = { a = \"input 1\", b = \"input 1 u16 MDC_TEMP_ROOM C\" }",
            ),
            &[
                "9: device.unit: expected a whole number of 1 to 247, got 248",
                "10: device.poll_s: expected a whole number of 1 to 3600, got 0",
                "11: device.registers: expected a table, an address, a kind and a meaning",
                "11: device.registers: 'C' is no unit that is known",
            ],
        ),
        (
            serial("modbus", ""),
            &[
                "5: device.unit: missing: add to this table the line unit = 1",
                "5: device.registers: missing: add below this table [device.registers] and a line such as mains =",
            ],
        ),
        (
            format!("{}{}", serial("modbus", UNIT), serial("modbus", UNIT).replace("device-1", "device-2")),
            &[
                "15: device.port: 'device-2' has unit address 7, as 'device-1' has on the same port: give each its own",
            ],
        ),
        (
            format!(
                "{}line = \"9600 8N1\"\n{}line = \"9600 8E1\"\n",
                serial("modbus", UNIT),
                serial("modbus", &UNIT.replace('7', "8")).replace("device-1", "device-2")
            ),
            &[
                "19: device.line: the devices of a port share its line, which is \"9600 8N1\" at a.toml:11: mend one of the two",
            ],
        ),
        (
            format!("{CUFF}poll_s = 1\nregisters = {{ a = \"b\" }}"),
            &[
                "10: device.poll_s: means nothing to a device of protocol 'ble'",
                "11: device.registers: means nothing to a device of protocol 'ble'",
            ],
        ),
        (
            format!("{CUFF}{}", cuff("-1\"", "-2\"").to_lowercase()),
            &["14: device.address: 'f0:f1:f2:f3:f4:01' stands at a.toml:8 already"],
        ),
    ];
    for (below, expected) in table {
        let home = Home::new();
        home.write("a.toml", &format!("{UPLINK}{below}"));
        let faults = home.faults();
        assert_eq!(faults.len(), expected.len(), "{below}\n{faults:#?}");
        for (fault, expected) in faults.iter().zip(*expected) {
            let expected = format!("a.toml:{expected}");
            assert!(fault.starts_with(&expected), "{below}\n     got: {fault}\nexpected: {expected}");
        }
    }
}

#[test]
fn what_is_needed_and_missing_is_told_with_the_file_to_put_it_into() {
    let home = Home::new();
    assert_eq!(
        home.faults(),
        [
            "config.d: uplink.broker: missing: put into config.d/10-uplink.toml the lines [uplink] and broker = \"mqtts://HOST:8883\"",
            "config.d: uplink.credentials: missing: put into config.d/10-uplink.toml the lines [uplink] and credentials = \"/var/lib/varde/credentials\"",
        ]
    );
    home.write("a.toml", "\n[uplink]\n");
    home.write("b.toml", "[uplink]\nbroker = \"http://broker.example\"");
    assert_eq!(
        home.faults(),
        [
            "b.toml:1: uplink.credentials: missing: add to this table the line credentials = \"/var/lib/varde/credentials\"",
            "b.toml:2: uplink.broker: expected a URL such as mqtts://broker.example:8883, got 'http://broker.example'; varde speaks MQTT over TLS (mqtts) only",
        ]
    );
    fs::remove_dir_all(home.config()).unwrap();
    assert!(home.faults()[0].starts_with("config.d: no such directory: create it"));
}

#[test]
fn the_faults_of_every_file_are_told_also_beside_lines_that_are_not_toml() {
    let home = Home::new();
    home.write(
        "a.toml",
        "[uplink]\nbroker = mqtts://broker.example\ncredentials = \"CREDENTIALS # wrong\nkeep_alive_s = 1\n",
    );
    home.write("b.toml", "[store\nmax_size_mb = 1\n");
    home.write("c.toml", "[store]\nmax_size_mb = 1\nmax_size_mb = 2\n");
    fs::write(home.config().join("d.toml"), b"\xFF").unwrap();
    fs::create_dir(home.config().join("e.toml")).unwrap();
    let faults = home.faults();
    let expected = [
        "a.toml:2: not TOML: string values must be quoted",
        "a.toml:3: not TOML: invalid basic string",
        "a.toml:4: uplink.keep_alive_s: expected",
        "b.toml:1: not TOML: unclosed table",
        "c.toml:2: store.max_size_mb: expected",
        "c.toml:3: not TOML: duplicate key",
        "d.toml: not a text in UTF-8",
        "e.toml: cannot be read (Is a directory",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}");
    }
}

const OXIMETER: &str = r#"
[[device]]
name = "oximeter-1"
protocol = "nonin"
port = "/dev/serial/by-id/usb-nonin"
profile = "data-format-2"
"#;

const UNIT: &str = "unit = 7\nregisters = { mains = \"discrete 5 off mains-lost on mains-restored\" }";

fn serial(protocol: &str, rest: &str) -> String {
    format!("\n[[device]]\nname = \"device-1\"\nprotocol = \"{protocol}\"\nport = \"/dev/ttyS1\"\n{rest}\n")
}
