//! `[[rule]]`: supervision of people.

use std::{collections::HashMap, time::Duration};

use varde_core::{
    TimeOfDay, Weekdays, Window,
    rules::{Awaited, Rule, Watch},
};
use varde_wire::{DeviceId, Severity};

use super::{
    devices::{Roster, given},
    document::{Field, Located},
    fault::{Place, Problem},
    fragment::{DeviceFragment, RuleFragment},
    judge::Judge,
    signs::{Gives, Need},
};

/// What a rule watches, by its word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    NotBackInBed,
    NotBackHome,
    NoMotion,
    LongStay,
    NoActivityBy,
    NoMeasurementBy,
}

const KINDS: [(&str, Kind); 6] = [
    ("not-back-in-bed", Kind::NotBackInBed),
    ("not-back-home", Kind::NotBackHome),
    ("no-motion", Kind::NoMotion),
    ("long-stay", Kind::LongStay),
    ("no-activity-by", Kind::NoActivityBy),
    ("no-measurement-by", Kind::NoMeasurementBy),
];

/// A day at the most, and for absences a month.
const WITHIN_MIN: std::ops::RangeInclusive<i64> = 1..=44_640;

/// The devices of the home, and what they can tell. A device whose own table is at fault is there, so that no rule is
/// blamed for it.
pub(super) struct Known(HashMap<String, Gives>);

impl Known {
    /// Every device that is named.
    pub(super) fn of_fragments(devices: &[DeviceFragment]) -> Self {
        let names = devices.iter().filter_map(|device| given(&device.name));
        Self(names.map(|name| (name.value.clone(), Gives::Anything)).collect())
    }

    /// With what is known of those that stood every test.
    pub(super) fn with(mut self, roster: &Roster) -> Self {
        for device in roster.serial.iter().flat_map(|port| port.roster.entries()) {
            self.0.insert(device.name.to_string(), Gives::of_serial(device.profile));
        }
        for device in &roster.ble {
            self.0.insert(device.name.to_string(), Gives::of_ble(device.profile));
        }
        self
    }
}

/// The rules that stand every test.
pub(super) fn of_fragments(from: &[RuleFragment], known: &Known, judge: &mut Judge<'_>) -> Vec<Rule> {
    let mut names = HashMap::new();
    from.iter().filter_map(|from| Reading { from, known, judge }.rule(&mut names)).collect()
}

/// One `[[rule]]` on its way to be a rule.
struct Reading<'r, 'j> {
    from: &'r RuleFragment,
    known: &'r Known,
    judge: &'r mut Judge<'j>,
}

impl Reading<'_, '_> {
    fn rule(&mut self, names: &mut HashMap<String, Place>) -> Option<Rule> {
        let from = self.from;
        let name = self.name(names);
        let example = "watch = \"not-back-in-bed\"";
        let text = self.judge.required(&from.watch, "rule.watch", Some(&from.place), example);
        let kind = text.and_then(|text| {
            let found = KINDS.iter().find(|(word, _)| *word == text.value).map(|(_, kind)| *kind);
            self.judge.word(text, "rule.watch", "watch", found, KINDS.iter().map(|(word, _)| *word))
        })?;
        let window = self.window(kind);
        let severity = self.severity();
        let watch = self.watch(kind);
        let (watch, window) = (watch?, window?);
        let mut rule = Rule { name: name?, watch, window, severity: Severity::Serious };
        rule.severity = severity?.unwrap_or_else(|| rule.alarm().severity());
        Some(rule)
    }

    fn name(&mut self, names: &mut HashMap<String, Place>) -> Option<String> {
        const KEY: &str = "rule.name";
        let from = self.from;
        let text = self.judge.required(&from.name, KEY, Some(&from.place), "name = \"night-bed\"")?;
        // A rule's name goes where a device's goes: logs, status, the hub.
        let name: DeviceId = self.judge.parse(text, KEY)?;
        if let Some(first) = names.insert(text.value.clone(), text.place.clone()) {
            return self.judge.fault(
                &text.place,
                KEY,
                Problem::RepeatedRule { got: text.value.clone(), first },
            );
        }
        Some(name.to_string())
    }

    fn watch(&mut self, kind: Kind) -> Option<Watch> {
        let from = self.from;
        let uses_doors = matches!(kind, Kind::NotBackHome | Kind::NoMotion);
        let uses_by = matches!(kind, Kind::NoActivityBy | Kind::NoMeasurementBy);
        self.leave_out(uses_doors, "doors", from.doors.as_ref().map(place));
        self.leave_out(kind == Kind::LongStay, "elsewhere", from.elsewhere.as_ref().map(place));
        self.leave_out(!uses_by, "within_min", from.within_min.as_ref().map(place));
        self.leave_out(uses_by, "since", from.since.as_ref().map(place));
        self.leave_out(uses_by, "by", from.by.as_ref().map(place));
        let need = match kind {
            Kind::NotBackInBed => Need::Bed,
            Kind::NoMeasurementBy => Need::Measurements,
            Kind::NotBackHome | Kind::NoMotion | Kind::LongStay | Kind::NoActivityBy => Need::Motion,
        };
        let devices = self.devices(&from.devices, "rule.devices", need, true);
        let one = matches!(kind, Kind::NotBackInBed | Kind::LongStay);
        let devices = devices.and_then(|(devices, place)| match devices.len() {
            2.. if one => self.judge.fault(&place, "rule.devices", Problem::OneDevice),
            _ => Some(devices),
        });
        match kind {
            Kind::NotBackInBed => {
                let within = self.within();
                Some(Watch::NotBackInBed { bed: devices?.into_iter().next()?, within: within? })
            }
            Kind::NotBackHome => {
                let doors = self.devices(&from.doors, "rule.doors", Need::Doors, true);
                let within = self.within();
                Some(Watch::NotBackHome { doors: doors?.0, indoors: devices?, within: within? })
            }
            Kind::NoMotion => {
                let doors = self.devices(&from.doors, "rule.doors", Need::Doors, false);
                let within = self.within();
                Some(Watch::NoMotion { sensors: devices?, doors: doors?.0, within: within? })
            }
            Kind::LongStay => {
                let elsewhere = self.devices(&from.elsewhere, "rule.elsewhere", Need::Motion, true);
                let within = self.within();
                let room = devices?.into_iter().next()?;
                Some(Watch::LongStay { room, elsewhere: elsewhere?.0, within: within? })
            }
            Kind::NoActivityBy | Kind::NoMeasurementBy => {
                let awaited =
                    if kind == Kind::NoActivityBy { Awaited::Activity } else { Awaited::Measurement };
                let since = self.time(&from.since, "rule.since", "since = \"05:00\"");
                let by = self.time(&from.by, "rule.by", "by = \"10:00\"");
                let days = self.days();
                Some(Watch::NothingBy { devices: devices?, awaited, since: since?, by: by?, days: days? })
            }
        }
    }

    /// The window, where there is one.
    fn window(&mut self, kind: Kind) -> Option<Option<Window>> {
        let from = self.from;
        let has_times_of_its_own = matches!(kind, Kind::NoActivityBy | Kind::NoMeasurementBy);
        if has_times_of_its_own {
            self.leave_out(false, "from", from.from.as_ref().map(place));
            self.leave_out(false, "to", from.to.as_ref().map(place));
            return Some(None);
        }
        if from.from.is_none() && from.to.is_none() {
            self.leave_out(false, "days", from.days.as_ref().map(place));
            return Some(None);
        }
        let begins = self.time(&from.from, "rule.from", "from = \"22:00\"");
        let ends = self.time(&from.to, "rule.to", "to = \"07:00\"");
        let days = self.days();
        Some(Some(Window { from: begins?, to: ends?, days: days? }))
    }

    fn severity(&mut self) -> Option<Option<Severity>> {
        let Some(field) = &self.from.severity else { return Some(None) };
        let Located { value, place } = field.as_ref().ok()?;
        let found = Severity::ALL.into_iter().find(|severity| i64::from(severity.number()) == *value);
        match found {
            Some(severity) => Some(Some(severity)),
            None => self.judge.fault(place, "rule.severity", Problem::Severity { got: *value }),
        }
    }

    fn within(&mut self) -> Option<Duration> {
        const KEY: &str = "rule.within_min";
        self.judge.required(&self.from.within_min, KEY, Some(&self.from.place), "within_min = 30")?;
        let minutes = self.judge.number_or(&self.from.within_min, KEY, WITHIN_MIN, 0)?;
        Some(Duration::from_secs(minutes.saturating_mul(60)))
    }

    fn time(&mut self, field: &Field<String>, key: &str, example: &str) -> Option<TimeOfDay> {
        let text = self.judge.required(field, key, Some(&self.from.place), example)?;
        self.judge.parse(text, key)
    }

    /// Every day, where none are named.
    fn days(&mut self) -> Option<Weekdays> {
        let Some(field) = &self.from.days else { return Some(Weekdays::ALL) };
        let Located { value, .. } = field.as_ref().ok()?;
        let mut days = Some(Weekdays::NONE);
        for text in value {
            let found = (0..7).zip(Weekdays::NAMES).find(|(_, name)| *name == text.value).map(|(day, _)| day);
            let day = self.judge.word(text, "rule.days", "day", found, Weekdays::NAMES.into_iter());
            days = days.zip(day).map(|(days, day)| days.with(day));
        }
        days
    }

    /// Devices that exist and can tell what is needed, and where they stand.
    fn devices(
        &mut self,
        field: &Field<Vec<Located<String>>>,
        key: &str,
        need: Need,
        required: bool,
    ) -> Option<(Vec<DeviceId>, Place)> {
        if field.is_none() && !required {
            return Some((Vec::new(), self.from.place.clone()));
        }
        let name = key.split('.').next_back().unwrap_or_default();
        let example = format!("{name} = [\"NAME\"]");
        let Located { value, place } = self.judge.required(field, key, Some(&self.from.place), &example)?;
        if value.is_empty() && required {
            return self.judge.fault(
                place,
                key,
                Problem::Missing { mend: "name at least one device".to_owned() },
            );
        }
        let mut devices = Some(Vec::new());
        for text in value {
            let device = self.device(text, key, need);
            devices = devices.zip(device).map(|(mut devices, device)| {
                devices.push(device);
                devices
            });
        }
        Some((devices?, place.clone()))
    }

    fn device(&mut self, text: &Located<String>, key: &str, need: Need) -> Option<DeviceId> {
        let device: DeviceId = self.judge.parse(text, key)?;
        match self.known.0.get(&text.value) {
            None => {
                let mut known: Vec<String> = self.known.0.keys().cloned().collect();
                known.sort();
                let got = text.value.clone();
                self.judge.fault(&text.place, key, Problem::NoSuchDevice { got, known })
            }
            Some(gives) if !gives.can(need) => {
                let got = text.value.clone();
                self.judge.fault(&text.place, key, Problem::CannotTell { got, need: need.words() })
            }
            Some(_) => Some(device),
        }
    }

    fn leave_out(&mut self, useful: bool, key: &str, place: Option<Option<&Place>>) {
        if let (false, Some(Some(place))) = (useful, place) {
            let watch = given(&self.from.watch).map(|text| text.value.clone()).unwrap_or_default();
            self.judge.fault::<()>(place, &format!("rule.{key}"), Problem::OtherWatch { watch });
        }
    }
}

fn place<T>(field: &Result<Located<T>, super::document::Mistyped>) -> Option<&Place> {
    field.as_ref().ok().map(|located| &located.place)
}
