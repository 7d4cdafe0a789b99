//! What is expected of each device, what its alarms do, and what of its words leaves the home.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use varde_core::guard::Household;
use varde_core::rules::Rule;
use varde_core::supervision::{Expectation, LinkNumber};
use varde_core::{Forwarding, TimeOfDay, Weekdays, Window};
use varde_wire::{AlarmKind, DeviceId};

use super::{
    devices::{Roster, given},
    document::{Field, Located},
    fault::Problem,
    fragment::{DeviceFragment, QuietFragment},
    judge::Judge,
};

/// The home as the guard sees it.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// What is expected in it.
    pub household: Household,
    /// What of a device's words leaves it; of one that stands not here, what is usual for its kind.
    pub forwarding: HashMap<DeviceId, Forwarding>,
}

/// The number of the Bluetooth radio among the links; a serial port's is its place in the settings.
pub const BLUETOOTH: LinkNumber = LinkNumber(u8::MAX);

/// A month at the most.
const EXPECTED_MIN: std::ops::RangeInclusive<i64> = 0..=44_640;

/// What one device's table says of it.
#[derive(Default)]
struct Said {
    /// How often it is expected; never, where that is nothing.
    every: Option<Option<Duration>>,
    on_mains: bool,
    forwarding: Option<Forwarding>,
    pre_alarm: Duration,
    cancels: Vec<DeviceId>,
    visit: Option<Duration>,
}

/// What the tables of the devices say, before the devices themselves are judged.
#[derive(Default)]
pub(super) struct Wanted {
    devices: HashMap<DeviceId, Said>,
    quiet_hours: Option<Window>,
    quiet_kinds: BTreeSet<AlarmKind>,
}

impl Wanted {
    /// Judges what the tables say.
    pub(super) fn of_fragments(
        devices: &[DeviceFragment],
        quiet: Option<&QuietFragment>,
        judge: &mut Judge<'_>,
    ) -> Self {
        let names: Vec<String> =
            devices.iter().filter_map(|device| given(&device.name)).map(|name| name.value.clone()).collect();
        let mut wanted = Self::default();
        for from in devices {
            let said = said(from, &names, judge);
            // A name that is none is a fault of its own.
            if let (Some(said), Some(Ok(name))) = (said, given(&from.name).map(|name| name.value.parse())) {
                wanted.devices.insert(name, said);
            }
        }
        if let Some(from) = quiet {
            wanted.quiet_hours = window(from, judge);
            wanted.quiet_kinds = kinds(from, judge).unwrap_or_default();
        }
        wanted
    }

    /// The home, now that its devices are known.
    pub(super) fn home(mut self, roster: &Roster, rules: Vec<Rule>) -> Home {
        let Self { quiet_hours, quiet_kinds, .. } = self;
        let mut home = Home {
            household: Household {
                rules,
                quiet_hours,
                quiet_kinds: quiet_kinds.clone(),
                ..Household::default()
            },
            forwarding: HashMap::new(),
        };
        for (port, number) in roster.serial.iter().zip(0_u8..) {
            for device in port.roster.entries() {
                let said = self.devices.remove(device.name).unwrap_or_default();
                said.add(&mut home, device.name, LinkNumber(number), device.heard_every);
            }
        }
        for device in &roster.ble {
            let said = self.devices.remove(&device.name).unwrap_or_default();
            let usual = device.profile.heard_every(device.options.purpose);
            said.add(&mut home, &device.name, BLUETOOTH, usual);
        }
        home
    }
}

impl Said {
    fn add(self, home: &mut Home, name: &DeviceId, link: LinkNumber, usual: Option<Duration>) {
        let Self { every, on_mains, forwarding, pre_alarm, cancels, visit } = self;
        let never = Expectation::NEVER;
        let expectation = Expectation { interval: never, silent_after: never, link, on_mains };
        let household = &mut home.household;
        household.devices.insert(name.clone(), expectation.every(every.unwrap_or(usual)));
        home.forwarding.extend(forwarding.map(|forwarding| (name.clone(), forwarding)));
        if !pre_alarm.is_zero() {
            household.pre_alarms.insert(name.clone(), pre_alarm);
        }
        if !cancels.is_empty() {
            household.cancels.insert(name.clone(), cancels);
        }
        household.visits.extend(visit.map(|visit| (name.clone(), visit)));
    }
}

impl Home {
    /// Devices whose silence is not told.
    pub fn unsupervised(&self) -> impl Iterator<Item = &DeviceId> {
        let devices = self.household.devices.iter();
        devices.filter(|(_, expected)| expected.silent_after == Expectation::NEVER).map(|(name, _)| name)
    }
}

fn said(from: &DeviceFragment, names: &[String], judge: &mut Judge<'_>) -> Option<Said> {
    let expected = judge.number_or(&from.expected_every_min, "device.expected_every_min", EXPECTED_MIN, 0);
    let pre_alarm = judge.number_or(&from.pre_alarm_s, "device.pre_alarm_s", 0..=120, 0);
    let visit = judge.number_or(&from.visit_min, "device.visit_min", 1..=480, 0);
    let forwarding = given(&from.forward).map(|text| {
        let found = Forwarding::ALL.into_iter().find(|policy| policy.name() == text.value);
        let known = Forwarding::ALL.into_iter().map(Forwarding::name);
        judge.word(text, "device.forward", "policy", found, known)
    });
    let cancels: Vec<_> = given(&from.cancels)
        .into_iter()
        .flat_map(|list| &list.value)
        .map(|text| cancelled(text, names, judge))
        .collect();
    let every = from.expected_every_min.as_ref().and(expected);
    Some(Said {
        every: every.map(|minutes| (minutes > 0).then(|| minutes_long(minutes))),
        on_mains: given(&from.on_mains).is_some_and(|on_mains| on_mains.value),
        forwarding: forwarding.flatten(),
        pre_alarm: Duration::from_secs(pre_alarm?),
        cancels: cancels.into_iter().collect::<Option<_>>()?,
        visit: visit.filter(|minutes| *minutes > 0).map(minutes_long),
    })
}

fn minutes_long(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

fn cancelled(text: &Located<String>, names: &[String], judge: &mut Judge<'_>) -> Option<DeviceId> {
    const KEY: &str = "device.cancels";
    if !names.contains(&text.value) {
        let (got, known) = (text.value.clone(), names.to_vec());
        return judge.fault(&text.place, KEY, Problem::NoSuchDevice { got, known });
    }
    judge.parse(text, KEY)
}

fn window(from: &QuietFragment, judge: &mut Judge<'_>) -> Option<Window> {
    let mut time = |field: &Field<String>, key: &str, example: &str| -> Option<TimeOfDay> {
        let text = judge.required(field, key, Some(&from.place), example)?;
        judge.parse(text, key)
    };
    let begins = time(&from.from, "quiet_hours.from", "from = \"22:00\"");
    let ends = time(&from.to, "quiet_hours.to", "to = \"07:00\"");
    Some(Window { from: begins?, to: ends?, days: Weekdays::ALL })
}

fn kinds(from: &QuietFragment, judge: &mut Judge<'_>) -> Option<BTreeSet<AlarmKind>> {
    const KEY: &str = "quiet_hours.kinds";
    // Calls for help and dangers to life are held back by nothing, so that nobody may believe they were.
    let may = || AlarmKind::ALL.iter().copied().filter(|kind| !varde_core::alarm::is_never_inhibited(*kind));
    let list = judge.required(&from.kinds, KEY, Some(&from.place), "kinds = [\"door\", \"measurement\"]")?;
    let kind = |text: &Located<String>, judge: &mut Judge<'_>| {
        let found = may().find(|kind| kind.name() == text.value);
        judge.word(text, KEY, "kind that can be held back", found, may().map(AlarmKind::name))
    };
    let kinds: Vec<_> = list.value.iter().map(|text| kind(text, judge)).collect();
    kinds.into_iter().collect()
}
