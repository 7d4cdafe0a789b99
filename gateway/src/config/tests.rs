//! A home to configure, and what becomes of a configuration that is right.

mod credentials;
mod examples;
mod faults;
mod home;
mod paths;
mod rules;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use tempfile::TempDir;
use varde_drivers::SerialRoster;
use varde_wire::{Metric, Observation, OpeningKey, SigningKey, Value, WallTime};

use super::{Faults, Report, Settings, Warning, check};

/// A home: a directory of drop-ins and one of credentials, as `varde-hub enrol` writes them.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.config()).unwrap();
        enrol(&home.credentials(), "gw-1");
        home
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.0.path().join("config.d")
    }

    fn credentials(&self) -> PathBuf {
        self.0.path().join("credentials")
    }

    /// Writes a drop-in; `CREDENTIALS` in it stands for the home's.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let text = text.replace("CREDENTIALS", self.credentials().to_str().unwrap());
        fs::write(self.config().join(name), text).unwrap();
    }

    fn load(&self) -> Result<Settings, Faults> {
        Settings::load(&self.config())
    }

    fn check(&self, now: WallTime) -> Report {
        check(&self.config(), now).unwrap()
    }

    /// The faults as lines, with the home's directory left out of them.
    fn faults(&self) -> Vec<String> {
        let faults = self.load().expect_err("expected faults");
        let home = format!("{}/", self.0.path().display());
        faults.to_string().lines().map(|line| line.replace(&home, "")).collect()
    }
}

fn enrol(directory: &Path, id: &str) {
    fs::create_dir_all(directory).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, id);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    let certificate = params.self_signed(&key).unwrap().pem();
    let hub = SigningKey::ed25519(&[2; 32]);
    for (name, text) in [
        ("gateway.id", format!("{id}\n")),
        ("ca.crt", certificate.clone()),
        ("client.crt", certificate),
        ("client.key", key.serialize_pem()),
        ("sign.key", SigningKey::ed25519(&[1; 32]).to_text().to_string()),
        ("open.key", OpeningKey::derive(&[3; 32]).to_text().to_string()),
        ("hub-verify.key", hub.verifying_key().to_text()),
        ("hub-seal.key", OpeningKey::derive(&[4; 32]).sealing_key().to_text()),
    ] {
        fs::write(directory.join(name), text).unwrap();
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Noon of a day in the summer of 2026, when the certificates of [`enrol`] are valid.
const SUMMER: WallTime = WallTime::from_unix_millis(1_782_000_000_000);

pub(crate) const UPLINK: &str =
    "[uplink]\nbroker = \"mqtts://broker.example\"\ncredentials = \"CREDENTIALS\"\n";

pub(crate) const PENDANT: &str = r#"
[[device]]
name = "pendant-1"
protocol = "esp3"
port = "/dev/serial/by-id/usb-EnOcean_USB300"
id = "FEFB9A1C"
profile = "F6-02-01"
"#;

const CUFF: &str = r#"
[[device]]
name = "blood-pressure-1"
protocol = "ble"
address = "F0:F1:F2:F3:F4:01"
profile = "blood-pressure"
"#;

#[test]
fn the_least_configuration_gets_every_default() {
    let home = Home::new();
    home.write("a.toml", &format!("{UPLINK}{PENDANT}{CUFF}"));
    let settings = home.load().unwrap();
    assert_eq!(settings.state_directory, Path::new("/var/lib/varde"));
    assert_eq!(settings.uplink.broker.to_string(), "mqtts://broker.example:8883");
    assert_eq!(settings.uplink.credentials.gateway.as_str(), "gw-1");
    assert_eq!(settings.uplink.keep_alive.as_secs(), 30);
    assert_eq!(settings.store.commit_window.as_millis(), 200);
    assert_eq!(settings.store.max_size, 1_024_000_000);
    assert_eq!(settings.synchronised_marker, Path::new("/run/systemd/timesync/synchronized"));
    assert_eq!(settings.log_level, tracing::Level::INFO);
    assert_eq!(settings.capture_directory, None);
    let SerialRoster::Esp3(senders) = &settings.serial[0].roster else { panic!("{:?}", settings.serial) };
    assert_eq!(senders[0].1.id.to_string(), "FEFB9A1C");
    assert_eq!(senders[0].1.purpose, None);
    assert_eq!(settings.serial[0].line.to_string(), "57600 8N1");
    assert_eq!(settings.ble[0].address.to_string(), "F0:F1:F2:F3:F4:01");
}

#[test]
fn a_later_file_overrides_single_keys_and_adds_devices() {
    let home = Home::new();
    home.write("10-a.toml", &format!("{UPLINK}keep_alive_s = 60\n[store]\nmax_size_mb = 16\n{PENDANT}"));
    let second = PENDANT.replace("pendant-1", "pendant-2").replace("FEFB9A1C", "FEFB9A1D");
    home.write("20-b.toml", &format!("[uplink]\nbroker = \"mqtts://[::1]:1\"\n{second}{CUFF}"));
    home.write(".30-c.toml", "half-written by an editor");
    home.write("40-d.toml.example", "not read");
    let settings = home.load().unwrap();
    assert_eq!(settings.uplink.broker.to_string(), "mqtts://[::1]:1");
    assert_eq!(settings.uplink.keep_alive.as_secs(), 60);
    assert_eq!(settings.store.max_size, 16_000_000);
    assert_eq!(settings.serial.len(), 1, "one port, though two files name it");
    let names: Vec<_> =
        settings.serial[0].roster.entries().iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["pendant-1", "pendant-2"]);
    assert_eq!(settings.ble.len(), 1);
}

#[test]
fn a_certificate_that_is_not_valid_now_is_a_warning() {
    let home = Home::new();
    home.write("a.toml", &format!("{UPLINK}{CUFF}"));
    let day = |days: i64| WallTime::from_unix_millis(SUMMER.as_unix_millis() + days * 86_400_000);
    assert_eq!(home.check(SUMMER).warnings, []);
    assert!(matches!(home.check(day(-365)).warnings[..], [Warning::NotYetValid { .. }]));
    assert!(matches!(home.check(day(180)).warnings[..], [Warning::Ending { .. }]));
    assert!(matches!(home.check(day(365)).warnings[..], [Warning::Expired { .. }]));
    assert!(home.check(day(365)).to_string().contains("ended at 2027-01-01T00:00:00Z"));
}

#[test]
fn whose_a_device_is_and_what_its_driver_needs_is_read() {
    let home = Home::new();
    let users = "users = { 1 = \"p-1\", 2 = \"p-2\" }";
    home.write("a.toml", &format!("{UPLINK}{PENDANT}\nperson = \"p-1\"\n{CUFF}{users}"));
    let settings = home.load().unwrap();
    assert_eq!(settings.ble[0].options.address, [0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 1]);
    let whose = |device: &str, user| {
        let device = device.parse().unwrap();
        let observation = Observation { user, ..Observation::new(device, Metric::SYSTOLIC, Value::Bits(0)) };
        settings.whose.person(&observation).map(|person| person.to_string())
    };
    assert_eq!(whose("blood-pressure-1", Some(2)).as_deref(), Some("p-2"));
    assert_eq!(whose("pendant-1", None).as_deref(), Some("p-1"));
}

#[test]
fn the_report_says_what_would_run_and_what_deserves_a_second_look() {
    let home = Home::new();
    home.write("a.toml", &format!("{UPLINK}{PENDANT}{CUFF}"));
    assert_eq!(
        home.check(SUMMER).to_string(),
        "gateway gw-1 to mqtts://broker.example:8883\n\
         certificate valid until 2027-01-01T00:00:00Z\n\
         outbox in /var/lib/varde, at most 1024 MB\n\
         esp3 on /dev/serial/by-id/usb-EnOcean_USB300 (57600 8N1): pendant-1\n\
         blood-pressure at F0:F1:F2:F3:F4:01: blood-pressure-1\n\
         silent until somebody uses them, so that nobody hears of their end: blood-pressure-1, pendant-1\n"
    );
    home.write("a.toml", &format!("{UPLINK}[capture]\ndirectory = \"/captures\"\n"));
    let secret = home.credentials().join("sign.key");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(home.credentials(), fs::Permissions::from_mode(0o755)).unwrap();
    let warnings = home.check(SUMMER).warnings;
    assert_eq!(
        warnings,
        [Warning::Exposed(secret), Warning::Capturing("/captures".into()), Warning::NoDevice]
    );
    fs::set_permissions(home.credentials(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(home.check(SUMMER).warnings.len(), 2, "nobody else can come by the file");
}

#[test]
fn whoever_looks_in_needs_no_credentials_to_find_the_state() {
    let home = Home::new();
    assert_eq!(Settings::state_directory(&home.config()).unwrap(), Path::new("/var/lib/varde"));
    home.write("a.toml", "state_directory = \"/srv/varde\"\n[uplink]\ncredentials = \"/nowhere\"");
    assert_eq!(Settings::state_directory(&home.config()).unwrap(), Path::new("/srv/varde"));
    home.write("b.toml", "state_directory = \"varde\"");
    assert!(
        Settings::state_directory(&home.config())
            .unwrap_err()
            .to_string()
            .starts_with("b.toml:1: state_directory: ")
    );
}

#[test]
fn settings_show_no_secret() {
    let home = Home::new();
    home.write("a.toml", UPLINK);
    let secret = fs::read_to_string(home.credentials().join("sign.key")).unwrap();
    let shown = format!("{:?}", home.load().unwrap());
    assert!(!shown.contains(secret.split_whitespace().last().unwrap()));
}
