//! Random homes live a year beside a model that counts minutes: no alarm is missed, and none is invented.
//!
//! Every life has power cuts, restarts at any moment, radios that fail, a clock that is unset or wrong for a while, the
//! nights in which summer time begins and ends, and people who sometimes do not come back.
//!
//! `VARDE_YEAR_SEEDS=10000 cargo nextest run -p varde-core --test year --release --no-capture` is the long run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

mod model;
mod oslo;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::life::{self, DEVICES, Happening, INTERVAL, SILENT_AFTER};
use model::{Edge, Model, START, Who};
use varde_core::alarm::{Source, Told};
use varde_core::guard::{Household, Output};
use varde_core::rules::{Awaited, Rule, Verdict, Watch};
use varde_core::supervision::{Expectation, Finding, LinkNumber};
use varde_core::{Guard, Now, Weekdays, Window};
use varde_wire::{
    AlarmStep, Change, Decimal, DeviceId, Event, Flags, Instant, Metric, Observation, Severity, Trouble,
    Unit, Value,
};

const YEAR: u64 = 365 * 1440;

fn id(name: &str) -> DeviceId {
    name.parse().unwrap()
}

fn ids(names: &[&str]) -> Vec<DeviceId> {
    names.iter().map(|name| id(name)).collect()
}

fn window(from: &str, to: &str, days: Weekdays) -> Option<Window> {
    Some(Window { from: from.parse().unwrap(), to: to.parse().unwrap(), days })
}

fn rules() -> Vec<Rule> {
    let all = Weekdays::ALL;
    let weekend = Weekdays::NONE.with(5).with(6);
    let minutes = Duration::from_mins;
    let not_home = |m| Watch::NotBackHome {
        doors: ids(&["door"]),
        indoors: ids(&["hall", "kitchen", "bed"]),
        within: minutes(m),
    };
    let still = |m, doors: &[&str]| Watch::NoMotion {
        sensors: ids(&["hall", "kitchen", "bath", "bed"]),
        doors: ids(doors),
        within: minutes(m),
    };
    let bed = |m| Watch::NotBackInBed { bed: id("bed"), within: minutes(m) };
    let bath =
        |m| Watch::LongStay { room: id("bath"), elsewhere: ids(&["hall", "kitchen"]), within: minutes(m) };
    let nothing = |devices: &[&str], awaited, since: &str, by: &str, days| Watch::NothingBy {
        devices: ids(devices),
        awaited,
        since: since.parse().unwrap(),
        by: by.parse().unwrap(),
        days,
    };
    [
        ("night-bed", bed(30), window("22:00", "07:00", all)),
        ("weekend-bed", bed(60), window("20:00", "02:30", weekend)),
        ("night-door", not_home(15), window("21:00", "06:00", all)),
        ("away", not_home(600), None),
        ("still", still(360, &["door"]), window("08:00", "22:00", all)),
        ("very-still", still(840, &[]), None),
        ("bath", bath(45), None),
        ("night-bath", bath(20), window("02:15", "02:55", all)),
        ("up", nothing(&["hall", "kitchen"], Awaited::Activity, "05:00", "10:00", all), None),
        ("weigh", nothing(&["scale"], Awaited::Measurement, "02:30", "12:00", all), None),
        ("weekend-out", nothing(&["door"], Awaited::Activity, "20:00", "02:30", weekend), None),
    ]
    .map(|(name, watch, window)| Rule { name: name.to_owned(), watch, window, severity: Severity::Serious })
    .to_vec()
}

fn household() -> Household {
    let device = |(number, name): (usize, &&str)| {
        let expectation = Expectation {
            interval: Duration::from_mins(INTERVAL),
            silent_after: Duration::from_mins(SILENT_AFTER),
            link: LinkNumber(u8::try_from(life::link(number)).unwrap()),
            on_mains: (1..=3).contains(&number),
        };
        (id(name), expectation)
    };
    Household {
        devices: DEVICES.iter().enumerate().map(device).collect(),
        cancels: BTreeMap::new(),
        visits: BTreeMap::new(),
        pre_alarms: BTreeMap::from([(id("pendant"), Duration::from_mins(3))]),
        rules: rules(),
        quiet_hours: None,
        quiet_kinds: BTreeSet::new(),
    }
}

/// What came of the lives of many homes.
#[derive(Default)]
struct Figures {
    happenings: u64,
    alarms: u64,
    announcements: u64,
    edges: u64,
    messages: u64,
    /// From the last that was heard of a device to its being missing, in minutes.
    to_missing: Vec<u64>,
}

#[test]
fn no_alarm_is_missed_and_none_is_invented_in_random_homes_that_live_a_year() {
    let seeds: u64 = std::env::var("VARDE_YEAR_SEEDS").map_or(200, |seeds| seeds.parse().unwrap());
    let next = AtomicU64::new(0);
    let figures = Mutex::new(Figures::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds)
                {
                    let home = live_and_compare(seed);
                    figures.lock().unwrap().add(&home);
                }
            });
        }
    });
    figures.into_inner().unwrap().print(seeds);
}

/// Lives one life twice, and compares what came of it after each minute.
fn live_and_compare(seed: u64) -> Home {
    let happenings = life::live(seed, YEAR);
    let mut home = Home::new();
    home.happenings = happenings.len() as u64;
    for (t, happening) in &happenings {
        home.happen(*t, *happening);
    }
    home.pass(YEAR);
    let mut model = Model::new(&rules());
    let mut rest = &happenings[..];
    for t in 0..=YEAR {
        let (now, later) = rest.split_at(rest.partition_point(|(at, _)| *at <= t));
        model.minute(t, now);
        rest = later;
    }
    same(seed, &happenings, &mut home.told, &mut model.told, |(t, _)| *t);
    // What is certain at the very end may still be gathered with others.
    home.edges.retain(|edge| edge.4 + 2 < YEAR);
    model.edges.retain(|edge| edge.4 + 2 < YEAR);
    same(seed, &happenings, &mut home.edges, &mut model.edges, |edge| edge.4);
    home
}

/// Both told the same at the same times; else the first difference, and what happened around it.
fn same<T: Ord + std::fmt::Debug>(
    seed: u64,
    happenings: &[(u64, Happening)],
    home: &mut [T],
    model: &mut [T],
    when: impl Fn(&T) -> u64,
) {
    home.sort_by(|a, b| (when(a), a).cmp(&(when(b), b)));
    model.sort_by(|a, b| (when(a), a).cmp(&(when(b), b)));
    let place = home.iter().zip(model.iter()).take_while(|(a, b)| a == b).count();
    let (got, expected) = (home.get(place), model.get(place));
    if got.is_none() && expected.is_none() {
        return;
    }
    let t = got.into_iter().chain(expected).map(&when).min().unwrap();
    let around = happenings.iter().filter(|(at, _)| (t.saturating_sub(700)..=t + 10).contains(at));
    let around: Vec<String> = around.map(|happening| format!("{happening:?}")).collect();
    let before = &model[place.saturating_sub(8)..place];
    panic!(
        "seed {seed}, minute {t}: the home told {got:?}, the model {expected:?}\nbefore: {before:#?}\n{}",
        around.join("\n")
    );
}

impl Figures {
    fn add(&mut self, home: &Home) {
        self.happenings += home.happenings;
        self.alarms += home.told.iter().filter(|(_, told)| told.starts_with("sent")).count() as u64;
        self.announcements += home.announcements;
        self.edges += home.edges.len() as u64;
        self.messages += home.messages;
        let missing = home.edges.iter().filter(|edge| (edge.1, edge.2) == (Trouble::Contact, Change::Began));
        self.to_missing.extend(missing.map(|edge| edge.4 - edge.3));
    }

    fn print(mut self, seeds: u64) {
        self.to_missing.sort_unstable();
        let a_year = |count: u64| count as f64 / seeds as f64;
        let hours = |part: usize| {
            let place = (self.to_missing.len() - 1) * part / 100;
            self.to_missing[place] as f64 / 60.0
        };
        println!("{seeds} home-years, {:.0} happenings in each", a_year(self.happenings));
        println!("alarms raised in a home-year: {:.1}; missed: 0; invented: 0", a_year(self.alarms));
        println!("announcements of them: {:.0}", a_year(self.announcements));
        println!(
            "troubles of devices told in a home-year: {:.1}, in {:.1} messages",
            a_year(self.edges),
            a_year(self.messages)
        );
        println!(
            "from the last telegram to missing: p1 {:.1} h, p50 {:.1} h, p99 {:.1} h, longest {:.1} h (asked {} h)",
            hours(1),
            hours(50),
            hours(99),
            hours(100),
            SILENT_AFTER / 60
        );
    }
}

/// A home with the real thing in it.
struct Home {
    guard: Guard,
    t: u64,
    on_since: u64,
    off: Option<(u64, Vec<u8>)>,
    clock_set: bool,
    clock_error: i64,
    edges: Vec<Edge>,
    told: Vec<(u64, String)>,
    /// Open alarms that were announced, and the last announcement.
    open: BTreeMap<u64, (Who, u32)>,
    /// Alarms whose next announcement is no repetition.
    to_be_sent: BTreeSet<u64>,
    seen: BTreeSet<u64>,
    happenings: u64,
    messages: u64,
    announcements: u64,
}

impl Home {
    fn new() -> Self {
        Self {
            guard: Guard::new(household(), now(0, true, 0)),
            t: 0,
            on_since: 0,
            off: None,
            clock_set: true,
            clock_error: 0,
            edges: Vec::new(),
            told: Vec::new(),
            open: BTreeMap::new(),
            to_be_sent: BTreeSet::new(),
            seen: BTreeSet::new(),
            happenings: 0,
            messages: 0,
            announcements: 0,
        }
    }

    /// Time passes until then, and this happens.
    fn happen(&mut self, t: u64, happening: Happening) {
        self.pass(t);
        let now = self.now();
        match happening {
            Happening::Heartbeat(device) => self.guard.handle_heard(&id(DEVICES[device]), None, now),
            Happening::Sign(device, event) => self.says(device, Metric::SWITCH, Value::Event(event)),
            Happening::Measured => {
                self.says(life::SCALE, Metric::BODY_FAT, Value::Decimal(Decimal::whole(70)))
            }
            Happening::Said(device, condition) => self.says(device, Metric::BATTERY, said(condition)),
            Happening::Pressed { test } => {
                let mut press =
                    observation(life::PENDANT, Metric::PERSONAL_ALARM, Value::Event(Event::SafetyAlarm));
                press.flags = if test { Flags::TEST } else { Flags::NONE };
                self.guard.handle_observation(&press, None, now);
            }
            Happening::CancelledAtHome => {
                let source = Source::Device(id("pendant"));
                self.guard.handle_alarms(now, |alarms| alarms.handle_cancelled_at_home(&source, now));
            }
            Happening::LinkDown(link) => self.guard.handle_link_down(number(link), now),
            Happening::LinkUp(link) => self.guard.handle_link_up(number(link), now),
            Happening::PowerOff => self.off = Some((t, self.saved())),
            Happening::PowerOn { clock_set } => self.power_on(clock_set),
            Happening::Restart => {
                let saved = self.saved();
                self.guard = Guard::restore(household(), &saved, now.at, now);
            }
            Happening::ClockSet => self.clock_set = true,
            Happening::ClockError(minutes) => self.clock_error = minutes,
            Happening::VisitBegins { minutes } => {
                let until = now.at.after(Duration::from_mins(minutes));
                self.guard.handle_alarms(now, |alarms| alarms.handle_visit(until, now));
            }
            Happening::VisitOver => self.guard.handle_alarms(now, |alarms| alarms.handle_visit_over(now)),
            Happening::HubReceives | Happening::NurseSees | Happening::NurseEnds => {
                for (alarm, (_, number)) in self.open.clone() {
                    self.guard.handle_alarms(now, |alarms| match happening {
                        Happening::HubReceives => alarms.handle_received(alarm, number, now),
                        Happening::NurseSees => alarms.handle_seen(alarm, number, now),
                        _ => alarms.handle_ended(alarm, now),
                    });
                }
            }
        }
        if self.off.is_none() {
            self.guard.handle_timeout(self.now());
            self.take();
        }
    }

    fn pass(&mut self, t: u64) {
        while self.off.is_none() {
            let Some(due) = self.guard.poll_timeout().filter(|due| due.as_millis() <= t * 60_000) else {
                break;
            };
            // Announcements come at half minutes; whatever else comes, comes at whole ones.
            self.t = due.as_millis() / 60_000;
            self.guard.handle_timeout(now_ms(due.as_millis(), self.clock_set, self.clock_error));
            self.take();
        }
        self.t = t;
    }

    fn power_on(&mut self, clock_set: bool) {
        let (since, saved) = self.off.take().unwrap();
        self.on_since = self.t;
        self.clock_set = clock_set;
        let since = Instant::from_millis(since * 60_000);
        self.guard = Guard::restore(household(), &saved, since, self.now());
    }

    fn saved(&mut self) -> Vec<u8> {
        self.guard.handle_timeout(self.now());
        self.take();
        self.guard.snapshot()
    }

    fn says(&mut self, device: usize, metric: Metric, value: Value) {
        let now = self.now();
        self.guard.handle_observation(&observation(device, metric, value), None, now);
    }

    fn now(&self) -> Now {
        now(self.t, self.clock_set, self.clock_error)
    }

    fn take(&mut self) {
        let t = self.t;
        while let Some(output) = self.guard.poll_output() {
            match output {
                Output::Finding(finding) => {
                    self.messages += 1;
                    match finding {
                        Finding::Single(edge) => self.edge(&edge),
                        Finding::Story(story) => story.edges.iter().for_each(|edge| self.edge(edge)),
                    }
                }
                Output::Judgement(judgement) => match judgement.verdict {
                    Verdict::CannotJudge(_) => {
                        self.told.push((t, format!("{} cannot judge", judgement.rule)))
                    }
                    Verdict::JudgesAgain => self.told.push((t, format!("{} judges again", judgement.rule))),
                    Verdict::Raise | Verdict::Clear => {}
                },
                Output::Alarm(Told::Visit(_)) => {}
                Output::Alarm(Told::Alarm(step)) => {
                    let source = match &step.call.source {
                        Source::Device(device) => device.as_str().to_owned(),
                        Source::Rule(rule) => rule.clone(),
                    };
                    let who = (source, step.call.test);
                    match step.step {
                        AlarmStep::Raised => self.to_be_sent.insert(step.alarm),
                        AlarmStep::Seen => self.seen.insert(step.alarm),
                        AlarmStep::RaisedAgain => {
                            self.seen.remove(&step.alarm) && self.to_be_sent.insert(step.alarm)
                        }
                        AlarmStep::Announced { number } => {
                            self.announcements += 1;
                            self.open.insert(step.alarm, (who.clone(), number));
                            if self.to_be_sent.remove(&step.alarm) {
                                self.told.push((t, format!("sent {who:?}")));
                            }
                            true
                        }
                        AlarmStep::Cancelled | AlarmStep::Ended => {
                            self.told.push((t, format!("over {who:?}")));
                            self.open.remove(&step.alarm).is_some()
                        }
                        _ => true,
                    };
                }
            }
        }
    }

    fn edge(&mut self, edge: &varde_core::supervision::Edge) {
        let minute = |instant: Instant| {
            assert!(instant.as_millis().is_multiple_of(60_000), "{edge:?}");
            instant.as_millis() / 60_000
        };
        let device = DEVICES.iter().position(|name| *name == edge.device.as_str()).unwrap();
        let (since, at) = (minute(edge.since), minute(edge.at));
        let gathered = u64::from(matches!(edge.trouble, Trouble::Contact | Trouble::Mains));
        assert!(
            at <= self.t && self.t <= at.max(self.on_since) + gathered,
            "told late or early: {edge:?} at {}",
            self.t
        );
        self.edges.push((device, edge.trouble, edge.change, since, at));
    }
}

fn observation(device: usize, metric: Metric, value: Value) -> Observation {
    let mut observation = Observation::new(id(DEVICES[device]), metric, value);
    observation.unit = Some(Unit::Percent);
    observation
}

fn said(condition: varde_core::supervision::Condition) -> Value {
    use varde_core::supervision::Condition as C;
    Value::Event(match condition {
        C::Charge(percent) => return Value::Decimal(Decimal::whole(percent.into())),
        C::BatteryLow => Event::BatteryLow,
        C::BatteryEmpty => Event::BatteryEmpty,
        C::BatteryWell => Event::BatteryRestored,
        C::Mains(true) => Event::MainsRestored,
        C::Mains(false) => Event::MainsLost,
        C::Tampered(true) => Event::Tamper,
        C::Tampered(false) => Event::TamperCleared,
        C::ClockRight(true) => Event::ClockRestored,
        C::ClockRight(false) => Event::ClockWrong,
        C::UserKnown(_) => unreachable!("no device says so itself"),
    })
}

fn number(link: usize) -> LinkNumber {
    LinkNumber(u8::try_from(link).unwrap())
}

fn now(t: u64, clock_set: bool, clock_error: i64) -> Now {
    now_ms(t * 60_000, clock_set, clock_error)
}

fn now_ms(ms: u64, clock_set: bool, clock_error: i64) -> Now {
    let wall = (START + clock_error) * 60_000 + i64::try_from(ms).unwrap();
    Now { at: Instant::from_millis(ms), home: clock_set.then(|| oslo::clock(wall)) }
}
