//! The first stage: what the drop-ins say, key by key. Nothing is needed yet, and nothing is judged but types.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    document::{self, Field, Located, Table},
    fault::{Fault, Place, Problem},
};

/// What one drop-in says, or several laid over each other.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    pub(super) state_directory: Field<String>,
    /// Where the last `[uplink]` begins: what is missing in it belongs there.
    pub(super) uplink: Option<Place>,
    pub(super) broker: Field<String>,
    pub(super) credentials: Field<String>,
    pub(super) keep_alive_s: Field<i64>,
    pub(super) paths: Vec<PathFragment>,
    pub(super) commit_window_ms: Field<i64>,
    pub(super) max_size_mb: Field<i64>,
    pub(super) synchronised_marker: Field<String>,
    pub(super) log_level: Field<String>,
    pub(super) capture_directory: Field<String>,
    pub(super) bluetooth_quiet_s: Field<i64>,
    pub(super) devices: Vec<DeviceFragment>,
    pub(super) rules: Vec<RuleFragment>,
    pub(super) quiet: Option<QuietFragment>,
    pub(super) light: Field<String>,
    pub(super) sound: Field<Vec<Located<String>>>,
}

/// Names and texts, each at its place.
pub(super) type Pairs = Vec<(Located<String>, Located<String>)>;

/// What one `[[device]]` says.
#[derive(Debug)]
pub(super) struct DeviceFragment {
    pub(super) place: Place,
    pub(super) name: Field<String>,
    pub(super) protocol: Field<String>,
    pub(super) port: Field<String>,
    pub(super) line: Field<String>,
    pub(super) id: Field<String>,
    pub(super) address: Field<String>,
    pub(super) profile: Field<String>,
    pub(super) purpose: Field<String>,
    pub(super) bind_key: Field<String>,
    pub(super) clear_memory: Field<bool>,
    pub(super) left_after_s: Field<i64>,
    pub(super) still_after_s: Field<i64>,
    pub(super) patterns: Vec<Located<String>>,
    pub(super) values: Pairs,
    pub(super) events: Pairs,
    pub(super) every_s: Field<i64>,
    pub(super) unit: Field<i64>,
    pub(super) poll_s: Field<i64>,
    pub(super) registers: Pairs,
    pub(super) consents: Pairs,
    pub(super) person: Field<String>,
    pub(super) users: Pairs,
    pub(super) expected_every_min: Field<i64>,
    pub(super) on_mains: Field<bool>,
    pub(super) forward: Field<String>,
    pub(super) pre_alarm_s: Field<i64>,
    pub(super) cancels: Field<Vec<Located<String>>>,
    pub(super) visit_min: Field<i64>,
}

/// What one `[[uplink.path]]` says.
#[derive(Debug)]
pub(super) struct PathFragment {
    pub(super) place: Place,
    pub(super) name: Field<String>,
    pub(super) interface: Field<String>,
    pub(super) source: Field<String>,
    pub(super) broker: Field<String>,
    pub(super) metered: Field<bool>,
    pub(super) test_every_min: Field<i64>,
}

/// What `[quiet_hours]` says.
#[derive(Debug)]
pub(super) struct QuietFragment {
    pub(super) place: Place,
    pub(super) from: Field<String>,
    pub(super) to: Field<String>,
    pub(super) kinds: Field<Vec<Located<String>>>,
}

/// What one `[[rule]]` says.
#[derive(Debug)]
pub(super) struct RuleFragment {
    pub(super) place: Place,
    pub(super) name: Field<String>,
    pub(super) watch: Field<String>,
    pub(super) devices: Field<Vec<Located<String>>>,
    pub(super) doors: Field<Vec<Located<String>>>,
    pub(super) elsewhere: Field<Vec<Located<String>>>,
    pub(super) within_min: Field<i64>,
    pub(super) from: Field<String>,
    pub(super) to: Field<String>,
    pub(super) since: Field<String>,
    pub(super) by: Field<String>,
    pub(super) days: Field<Vec<Located<String>>>,
    pub(super) severity: Field<i64>,
}

impl Fragment {
    /// Every `*.toml` of a directory in the order of their names. A later one overrides single keys of the earlier
    /// and adds its paths, devices and rules.
    pub(super) fn of_directory(directory: &Path) -> (Self, Vec<Fault>) {
        let drop_ins = match drop_ins(directory) {
            Ok(drop_ins) => drop_ins,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let problem = Problem::Absent {
                    what: "directory",
                    mend: "create it and put the drop-ins into it, or name another with --config",
                };
                return (Self::default(), vec![Fault { place: Place::file(directory), key: None, problem }]);
            }
            Err(error) => return (Self::default(), vec![unreadable(Place::file(directory), &error)]),
        };
        let mut whole = Self::default();
        let mut faults = Vec::new();
        for path in drop_ins {
            let name = Path::new(path.file_name().unwrap_or_default());
            let (fragment, more) = match fs::read(&path).map(String::from_utf8) {
                Ok(Ok(text)) => Self::of_text(name, &text),
                Ok(Err(_)) => (
                    Self::default(),
                    vec![Fault { place: Place::file(name), key: None, problem: Problem::NotUtf8 }],
                ),
                Err(error) => (Self::default(), vec![unreadable(Place::file(name), &error)]),
            };
            whole = whole.overridden_by(fragment);
            faults.extend(more);
        }
        (whole, faults)
    }

    /// One drop-in.
    pub(super) fn of_text(name: &Path, text: &str) -> (Self, Vec<Fault>) {
        document::read(name, text, Self::of_document)
    }

    fn of_document(mut document: Table<'_>) -> (Self, Vec<Fault>) {
        let mut fragment = Self { state_directory: document.text("state_directory"), ..Self::default() };
        let mut faults = Vec::new();
        if let Some(mut uplink) = document.table("uplink") {
            fragment.broker = uplink.text("broker");
            fragment.credentials = uplink.text("credentials");
            fragment.keep_alive_s = uplink.number("keep_alive_s");
            faults.extend(fragment.take_paths(&mut uplink));
            // A drop-in of paths alone is not where a missing broker belongs.
            let Self { broker, credentials, keep_alive_s, paths, .. } = &fragment;
            let is_own = broker.is_some() || credentials.is_some() || keep_alive_s.is_some();
            fragment.uplink = (is_own || paths.is_empty()).then(|| uplink.place().clone());
            faults.extend(uplink.finish());
        }
        if let Some(mut store) = document.table("store") {
            fragment.commit_window_ms = store.number("commit_window_ms");
            fragment.max_size_mb = store.number("max_size_mb");
            faults.extend(store.finish());
        }
        if let Some(mut clock) = document.table("clock") {
            fragment.synchronised_marker = clock.text("synchronised_marker");
            faults.extend(clock.finish());
        }
        if let Some(mut log) = document.table("log") {
            fragment.log_level = log.text("level");
            faults.extend(log.finish());
        }
        if let Some(mut capture) = document.table("capture") {
            fragment.capture_directory = capture.text("directory");
            faults.extend(capture.finish());
        }
        if let Some(mut bluetooth) = document.table("bluetooth") {
            fragment.bluetooth_quiet_s = bluetooth.number("quiet_s");
            faults.extend(bluetooth.finish());
        }
        if let Some(mut indicator) = document.table("indicator") {
            fragment.light = indicator.text("light");
            fragment.sound = indicator.list("sound");
            faults.extend(indicator.finish());
        }
        if let Some(mut quiet) = document.table("quiet_hours") {
            fragment.quiet = Some(QuietFragment {
                place: quiet.place().clone(),
                from: quiet.text("from"),
                to: quiet.text("to"),
                kinds: quiet.list("kinds"),
            });
            faults.extend(quiet.finish());
        }
        faults.extend(fragment.take_devices(&mut document));
        faults.extend(fragment.take_rules(&mut document));
        faults.extend(document.finish());
        (fragment, faults)
    }

    fn take_paths(&mut self, uplink: &mut Table<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for mut path in uplink.tables("path") {
            self.paths.push(PathFragment {
                place: path.place().clone(),
                name: path.text("name"),
                interface: path.text("interface"),
                source: path.text("source"),
                broker: path.text("broker"),
                metered: path.truth("metered"),
                test_every_min: path.number("test_every_min"),
            });
            faults.extend(path.finish());
        }
        faults
    }

    pub(super) fn take_devices(&mut self, document: &mut Table<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for mut device in document.tables("device") {
            self.devices.push(DeviceFragment {
                place: device.place().clone(),
                name: device.text("name"),
                protocol: device.text("protocol"),
                port: device.text("port"),
                line: device.text("line"),
                id: device.text("id"),
                address: device.text("address"),
                profile: device.text("profile"),
                purpose: device.text("purpose"),
                bind_key: device.text("bind_key"),
                clear_memory: device.truth("clear_memory"),
                left_after_s: device.number("left_after_s"),
                still_after_s: device.number("still_after_s"),
                patterns: device
                    .list("patterns")
                    .and_then(Result::ok)
                    .map_or_else(Vec::new, |list| list.value),
                values: device.texts("values"),
                events: device.texts("events"),
                every_s: device.number("every_s"),
                unit: device.number("unit"),
                poll_s: device.number("poll_s"),
                registers: device.texts("registers"),
                consents: device.texts("consents"),
                person: device.text("person"),
                users: device.texts("users"),
                expected_every_min: device.number("expected_every_min"),
                on_mains: device.truth("on_mains"),
                forward: device.text("forward"),
                pre_alarm_s: device.number("pre_alarm_s"),
                cancels: device.list("cancels"),
                visit_min: device.number("visit_min"),
            });
            faults.extend(device.finish());
        }
        faults
    }

    fn take_rules(&mut self, document: &mut Table<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for mut rule in document.tables("rule") {
            self.rules.push(RuleFragment {
                place: rule.place().clone(),
                name: rule.text("name"),
                watch: rule.text("watch"),
                devices: rule.list("devices"),
                doors: rule.list("doors"),
                elsewhere: rule.list("elsewhere"),
                within_min: rule.number("within_min"),
                from: rule.text("from"),
                to: rule.text("to"),
                since: rule.text("since"),
                by: rule.text("by"),
                days: rule.list("days"),
                severity: rule.number("severity"),
            });
            faults.extend(rule.finish());
        }
        faults
    }

    /// This one with another laid over it.
    pub(super) fn overridden_by(mut self, later: Self) -> Self {
        self.paths.extend(later.paths);
        self.devices.extend(later.devices);
        self.rules.extend(later.rules);
        Self {
            state_directory: later.state_directory.or(self.state_directory),
            uplink: later.uplink.or(self.uplink),
            broker: later.broker.or(self.broker),
            credentials: later.credentials.or(self.credentials),
            keep_alive_s: later.keep_alive_s.or(self.keep_alive_s),
            paths: self.paths,
            commit_window_ms: later.commit_window_ms.or(self.commit_window_ms),
            max_size_mb: later.max_size_mb.or(self.max_size_mb),
            synchronised_marker: later.synchronised_marker.or(self.synchronised_marker),
            log_level: later.log_level.or(self.log_level),
            capture_directory: later.capture_directory.or(self.capture_directory),
            bluetooth_quiet_s: later.bluetooth_quiet_s.or(self.bluetooth_quiet_s),
            devices: self.devices,
            rules: self.rules,
            quiet: later.quiet.or(self.quiet),
            light: later.light.or(self.light),
            sound: later.sound.or(self.sound),
        }
    }
}

/// Hidden files are left out: editors keep their half-written copies in them.
pub(super) fn drop_ins(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension() == Some(OsStr::new("toml")) && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

pub(super) fn unreadable(place: Place, error: &io::Error) -> Fault {
    Fault { place, key: None, problem: Problem::Unreadable { error: error.to_string() } }
}
