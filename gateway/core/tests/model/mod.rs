//! What should come of a life, worked out slowly: a minute at a time, by counting.
//!
//! Nothing here knows of timers, instants that are moved, or snapshots. A rule counts the minutes in which it could
//! judge; a device is missing when it was silent for so many minutes in which it could have been heard.

pub(crate) mod life;

use std::collections::BTreeMap;

use life::{DEVICES, Happening, INTERVAL, SILENT_AFTER};
use varde_core::rules::{Awaited, Rule, Watch};
use varde_core::supervision::Condition;
use varde_core::{TimeOfDay, Weekdays, Window};
use varde_wire::{Change, Event, Trouble};

use crate::oslo;

/// 2026-01-01T00:00Z, in minutes since 1970.
pub(crate) const START: i64 = 29_453_760;

/// A trouble of a device began, lasts or is over: device, trouble, change, since, when it was certain.
pub(crate) type Edge = (usize, Trouble, Change, u64, u64);

/// Who has an alarm: a rule's or device's name, and whether it is a test.
pub(crate) type Who = (String, bool);

pub(crate) struct Model {
    things: Vec<Thing>,
    links: [bool; 2],
    rules: Vec<Judge>,
    alarms: BTreeMap<Who, Open>,
    visit_until: Option<u64>,
    on: bool,
    off_since: u64,
    clock_set: bool,
    clock_error: i64,
    /// What is told of devices.
    pub(crate) edges: Vec<Edge>,
    /// What is told of rules and alarms, and when.
    pub(crate) told: Vec<(u64, String)>,
}

#[derive(Default)]
struct Thing {
    /// Minutes in which it could have been heard, and was not.
    silent: u64,
    heard: u64,
    deafened: bool,
    reprieved: bool,
    missing: bool,
    /// 0 empty, 1 low, 2 well.
    battery: Flap<u8>,
    remind: Option<u64>,
    mains: Flap<bool>,
    tamper: Flap<bool>,
    clock: Flap<bool>,
}

/// A state, when it became so, and what was told of it last.
#[derive(Clone, Copy, Default)]
struct Flap<T> {
    is: T,
    since: u64,
    told: T,
}

struct Judge {
    rule: Rule,
    /// The devices that it needs.
    needs: Vec<usize>,
    counting: bool,
    counted: u64,
    open: bool,
    raised: bool,
    today: Option<Today>,
    deaf_since: Option<u64>,
    deaf_told: bool,
}

/// The day for which something is awaited, from one `since` to the next.
struct Today {
    began: i64,
    by: i64,
    ends: i64,
    /// Minutes lost to deafness.
    lost: u64,
    /// It came, or was missed, or is not awaited.
    settled: bool,
}

enum Open {
    Held,
    /// Can be cancelled until then.
    PreAlarm(u64),
    Sent {
        seen: bool,
        cleared: bool,
    },
}

impl Model {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let judge = |rule: &Rule| Judge {
            rule: rule.clone(),
            needs: rule
                .needs()
                .map(|id| DEVICES.iter().position(|name| *name == id.as_str()).unwrap())
                .collect(),
            counting: false,
            counted: 0,
            open: false,
            raised: false,
            today: None,
            deaf_since: None,
            deaf_told: false,
        };
        let battery = Flap { is: 2, since: 0, told: 2 };
        let mut model = Self {
            things: DEVICES.iter().map(|_| Thing { battery, ..Thing::default() }).collect(),
            links: [true; 2],
            rules: rules.iter().map(judge).collect(),
            alarms: BTreeMap::new(),
            visit_until: None,
            on: true,
            off_since: 0,
            clock_set: true,
            clock_error: 0,
            edges: Vec::new(),
            told: Vec::new(),
        };
        model.turn(0);
        for judge in &mut model.rules {
            if let Some(today) = &mut judge.today {
                today.settled = true;
            }
        }
        model
    }

    /// One minute passes, and these things happen at its end.
    pub(crate) fn minute(&mut self, t: u64, happenings: &[(u64, Happening)]) {
        if self.on {
            self.count(t);
            self.pass(t);
        }
        for (_, happening) in happenings {
            self.happen(*happening, t);
            if self.on {
                self.pass(t);
            }
        }
    }

    /// The minute before `t` counts for whatever was listening in it.
    fn count(&mut self, t: u64) {
        if t == 0 {
            return;
        }
        for (device, thing) in self.things.iter_mut().enumerate() {
            if !self.links[life::link(device)] {
                thing.deafened = true;
            } else if !thing.missing {
                thing.silent += 1;
            }
        }
        for judge in &mut self.rules {
            if judge.deaf_since.is_none() && judge.counting && judge.open {
                judge.counted += 1;
            }
        }
    }

    /// Everything that is due by now.
    fn pass(&mut self, t: u64) {
        if self.visit_until.is_some_and(|until| until <= t) {
            self.visit_until = None;
            self.release(t);
        }
        for alarm in self.alarms.iter_mut() {
            if matches!(alarm.1, Open::PreAlarm(until) if *until <= t) {
                self.told.push((t, format!("sent {:?}", alarm.0)));
                *alarm.1 = Open::Sent { seen: false, cleared: false };
            }
        }
        for device in 0..self.things.len() {
            self.pass_thing(device, t);
        }
        self.turn(t);
        self.raise(t);
        if self.listen(t) {
            self.raise(t);
        }
    }

    fn pass_thing(&mut self, device: usize, t: u64) {
        let hears = self.links[life::link(device)];
        let thing = &mut self.things[device];
        if hears && !thing.missing && thing.silent >= SILENT_AFTER {
            thing.missing = true;
            self.edges.push((device, Trouble::Contact, Change::Began, thing.heard, t));
        }
        // Hold times in minutes: in trouble, out of it.
        for (trouble, flap, hold) in [
            (Trouble::Mains, &mut thing.mains, (1, 1)),
            (Trouble::Tamper, &mut thing.tamper, (0, 1)),
            (Trouble::Clock, &mut thing.clock, (1, 1)),
        ] {
            let certain = flap.since + if flap.is { hold.0 } else { hold.1 };
            if flap.is != flap.told && t >= certain {
                flap.told = flap.is;
                let change = if flap.is { Change::Began } else { Change::Over };
                self.edges.push((device, trouble, change, flap.since, certain));
            }
        }
        let battery = &mut thing.battery;
        let certain = battery.since + 10;
        if battery.is != battery.told && t >= certain {
            let (from, to) = (battery.told, battery.is);
            battery.told = to;
            for (trouble, limit) in [(Trouble::BatteryLow, 1), (Trouble::BatteryEmpty, 0)] {
                if (from <= limit) != (to <= limit) {
                    let change = if to <= limit { Change::Began } else { Change::Over };
                    self.edges.push((device, trouble, change, battery.since, certain));
                }
            }
            thing.remind = (to < 2).then_some(t + 1440);
        }
        if thing.remind == Some(t) {
            let trouble = if thing.battery.told == 0 { Trouble::BatteryEmpty } else { Trouble::BatteryLow };
            self.edges.push((device, trouble, Change::Lasts, t, t));
            thing.remind = Some(t + 1440);
        }
    }

    fn happen(&mut self, happening: Happening, t: u64) {
        match happening {
            Happening::Heartbeat(device) => self.hear(device, t),
            Happening::Sign(device, event) => self.sign(device, event, t),
            Happening::Measured => {
                self.hear(life::SCALE, t);
                self.awaited(life::SCALE, Awaited::Measurement, t);
            }
            Happening::Said(device, condition) => {
                self.hear(device, t);
                self.say(device, condition, t);
            }
            Happening::Pressed { test } => {
                self.hear(life::PENDANT, t);
                self.open_alarm(("pendant".to_owned(), test), false, 3, t);
            }
            Happening::CancelledAtHome => {
                for test in [false, true] {
                    let who = ("pendant".to_owned(), test);
                    if matches!(self.alarms.get(&who), Some(Open::PreAlarm(_))) {
                        self.close(&who, t);
                    }
                }
            }
            Happening::LinkDown(link) => self.links[link] = false,
            Happening::LinkUp(link) => self.links_up(&[link], t),
            Happening::PowerOff => {
                self.on = false;
                self.off_since = t;
                for judge in &mut self.rules {
                    judge.deaf_since.get_or_insert(t);
                }
            }
            Happening::PowerOn { clock_set } => self.power_on(clock_set, t),
            Happening::Restart => {}
            Happening::ClockSet => self.clock_set = true,
            Happening::ClockError(minutes) => self.clock_error = minutes,
            Happening::VisitBegins { minutes } => self.visit_until = Some(t + minutes),
            Happening::VisitOver => {
                self.visit_until = None;
                self.release(t);
            }
            Happening::HubReceives => self.of_sent(t, |who, _, _| who.1),
            Happening::NurseSees => self.of_sent(t, |who, seen, cleared| {
                *seen = true;
                *cleared || who.1
            }),
            Happening::NurseEnds => self.of_sent(t, |_, _, _| true),
        }
    }

    fn power_on(&mut self, clock_set: bool, t: u64) {
        self.on = true;
        if clock_set {
            // The time of day went on without the gateway.
            self.clock_set = true;
            for minute in self.off_since..t {
                self.turn(minute);
            }
        }
        self.clock_set = clock_set;
        for (device, thing) in self.things.iter_mut().enumerate() {
            thing.deafened |= self.links[life::link(device)];
            // What could not be said while it was off is said once.
            thing.remind = thing.remind.map(|at| at.max(t));
        }
        let up: Vec<usize> = (0..2).filter(|link| self.links[*link]).collect();
        self.links_up(&up, t);
    }

    /// What was said in the deaf time may have been missed: once, the device is given an interval of its own.
    fn links_up(&mut self, links: &[usize], t: u64) {
        for (device, thing) in self.things.iter_mut().enumerate() {
            if !links.contains(&life::link(device)) || !std::mem::take(&mut thing.deafened) || thing.missing {
                continue;
            }
            let grace = SILENT_AFTER - INTERVAL;
            if !thing.reprieved && thing.silent > grace && thing.heard < t {
                (thing.silent, thing.reprieved) = (grace, true);
            }
        }
        for link in links {
            self.links[*link] = true;
        }
    }

    fn hear(&mut self, device: usize, t: u64) {
        let thing = &mut self.things[device];
        if thing.missing {
            self.edges.push((device, Trouble::Contact, Change::Over, t, t));
        }
        (thing.silent, thing.heard, thing.missing, thing.reprieved) = (0, t, false, false);
        thing.deafened = false;
        self.pass(t);
    }

    fn say(&mut self, device: usize, condition: Condition, t: u64) {
        fn set<T: PartialEq>(flap: &mut Flap<T>, is: T, t: u64) {
            if flap.is != is {
                (flap.is, flap.since) = (is, t);
            }
        }
        let thing = &mut self.things[device];
        let battery = thing.battery.is;
        match condition {
            Condition::Mains(has) => set(&mut thing.mains, !has, t),
            Condition::Tampered(is) => set(&mut thing.tamper, is, t),
            Condition::ClockRight(is) => set(&mut thing.clock, !is, t),
            Condition::UserKnown(_) => {}
            Condition::BatteryEmpty => set(&mut thing.battery, 0, t),
            Condition::BatteryLow => set(&mut thing.battery, battery.min(1), t),
            Condition::BatteryWell => set(&mut thing.battery, 2, t),
            Condition::Charge(percent) => {
                let level = match battery {
                    2 if percent > 15 => 2,
                    1 | 0 if percent > 25 => 2,
                    0 if percent <= 13 => 0,
                    _ if percent <= 3 => 0,
                    _ => 1,
                };
                set(&mut thing.battery, level, t);
            }
        }
    }

    fn sign(&mut self, device: usize, event: Event, t: u64) {
        self.hear(device, t);
        let name = DEVICES[device];
        for n in 0..self.rules.len() {
            let judge = &mut self.rules[n];
            let is = |names: &[varde_wire::DeviceId]| names.iter().any(|id| id.as_str() == name);
            let door = matches!(event, Event::DoorOpened | Event::DoorClosed);
            let somebody =
                matches!(event, Event::Motion | Event::EnteredRoom | Event::InBed | Event::LeftBed);
            let Judge { rule, counting, counted, open, .. } = judge;
            let begin = |counting: &mut bool, counted: &mut u64, again: bool| {
                if again || !*counting {
                    (*counting, *counted) = (true, 0);
                }
            };
            let well = match &rule.watch {
                Watch::NotBackInBed { .. } if device == life::BED => {
                    if event == Event::LeftBed && *open {
                        begin(counting, counted, false);
                    }
                    event == Event::InBed
                }
                Watch::NotBackHome { doors, indoors, .. } => {
                    if door && is(doors) && *open {
                        begin(counting, counted, true);
                    }
                    somebody && is(indoors)
                }
                Watch::NoMotion { sensors, doors, .. } => {
                    if door && is(doors) {
                        *counting = false;
                    }
                    let well = somebody && is(sensors);
                    if well {
                        begin(counting, counted, true);
                    }
                    well
                }
                Watch::LongStay { room, elsewhere, .. } => {
                    let here = room.as_str() == name;
                    if here && matches!(event, Event::Motion | Event::EnteredRoom) {
                        begin(counting, counted, false);
                    }
                    (here && event == Event::LeftRoom) || (somebody && is(elsewhere))
                }
                Watch::NotBackInBed { .. } | Watch::NothingBy { .. } => false,
            };
            if well {
                let stops = !matches!(rule.watch, Watch::NoMotion { .. });
                *counting &= !stops;
                self.well(n, t);
            }
        }
        if event != Event::LeftRoom {
            self.awaited(device, Awaited::Activity, t);
        }
    }

    fn awaited(&mut self, device: usize, what: Awaited, t: u64) {
        for n in 0..self.rules.len() {
            let Watch::NothingBy { devices, awaited, .. } = &self.rules[n].rule.watch else { continue };
            if *awaited == what && devices.iter().any(|id| id.as_str() == DEVICES[device]) {
                self.well(n, t);
            }
        }
    }

    fn well(&mut self, n: usize, t: u64) {
        if let Some(today) = &mut self.rules[n].today {
            today.settled = true;
        }
        if std::mem::take(&mut self.rules[n].raised) {
            let who = (self.rules[n].rule.name.clone(), false);
            match self.alarms.get_mut(&who) {
                Some(Open::Sent { seen: false, cleared }) => *cleared = true,
                Some(Open::Sent { .. } | Open::Held | Open::PreAlarm(_)) => self.close(&who, t),
                None => {}
            }
        }
    }

    /// Windows open and close, days begin.
    fn turn(&mut self, t: u64) {
        let wall = START + i64::try_from(t).unwrap() + self.clock_error;
        let shown = shown(wall);
        for judge in &mut self.rules {
            let open = match &judge.rule.window {
                None => true,
                Some(_) if !self.clock_set => judge.open,
                Some(window) => shows_within(window, shown),
            };
            if open != judge.open {
                judge.counted = 0;
                let carries_over =
                    matches!(judge.rule.watch, Watch::NoMotion { .. } | Watch::LongStay { .. });
                judge.counting &= open || carries_over;
                judge.open = open;
            }
            // A clock that goes back begins no day again.
            if let (Watch::NothingBy { since, by, days, .. }, true) = (&judge.rule.watch, self.clock_set)
                && judge.today.as_ref().is_none_or(|today| wall >= today.ends)
            {
                let (today, _) = shown;
                let day = if wall < comes(today, *since) { today - 1 } else { today };
                judge.today = Some(Today {
                    began: comes(day, *since),
                    by: comes(if by > since { day } else { day + 1 }, *by),
                    ends: comes(day + 1, *since),
                    lost: 0,
                    settled: !falls_on(*days, day),
                });
            }
        }
    }

    fn raise(&mut self, t: u64) {
        let wall = START + i64::try_from(t).unwrap() + self.clock_error;
        for n in 0..self.rules.len() {
            let judge = &mut self.rules[n];
            let minutes = |duration: std::time::Duration| duration.as_secs() / 60;
            let due = judge.deaf_since.is_none()
                && match &judge.rule.watch {
                    Watch::NotBackInBed { within, .. }
                    | Watch::NotBackHome { within, .. }
                    | Watch::NoMotion { within, .. }
                    | Watch::LongStay { within, .. } => {
                        !judge.raised && judge.counting && judge.open && judge.counted >= minutes(*within)
                    }
                    Watch::NothingBy { .. } => judge.today.as_ref().is_some_and(|today| {
                        !today.settled && wall >= today.by + i64::try_from(today.lost).unwrap()
                    }),
                };
            if due {
                judge.raised = true;
                if let Some(today) = &mut judge.today {
                    today.settled = true;
                }
                let who = (judge.rule.name.clone(), false);
                self.open_alarm(who, true, 0, t);
            }
        }
    }

    /// Who can judge, and who can again; whether any can again.
    fn listen(&mut self, t: u64) -> bool {
        let mut again = false;
        let wall = START + i64::try_from(t).unwrap() + self.clock_error;
        for judge in &mut self.rules {
            let silent = |device: &usize| self.things[*device].missing || !self.links[life::link(*device)];
            let deaf = judge.needs.iter().any(silent) || (!self.clock_set && judge.rule.needs_clock());
            match (deaf, judge.deaf_since) {
                (true, _) => {
                    judge.deaf_since.get_or_insert(t);
                    if !std::mem::replace(&mut judge.deaf_told, true) {
                        self.told.push((t, format!("{} cannot judge", judge.rule.name)));
                    }
                }
                (false, Some(since)) => {
                    again = true;
                    judge.deaf_since = None;
                    if std::mem::take(&mut judge.deaf_told) {
                        self.told.push((t, format!("{} judges again", judge.rule.name)));
                    }
                    if let Some(today) = &mut judge.today {
                        let passed = u64::try_from(wall - today.began).unwrap_or(0);
                        today.lost += (t - since).min(passed);
                    }
                }
                (false, None) => {}
            }
        }
        again
    }

    fn open_alarm(&mut self, who: Who, can_be_held: bool, pre_alarm: u64, t: u64) {
        match self.alarms.get_mut(&who) {
            Some(Open::Sent { seen, cleared }) => {
                if std::mem::take(seen) {
                    self.told.push((t, format!("sent {who:?}")));
                }
                *cleared = false;
            }
            Some(Open::Held | Open::PreAlarm(_)) => {}
            None if can_be_held && self.visit_until.is_some() => {
                self.alarms.insert(who, Open::Held);
            }
            None if pre_alarm > 0 => {
                self.alarms.insert(who, Open::PreAlarm(t + pre_alarm));
            }
            None => {
                self.told.push((t, format!("sent {who:?}")));
                self.alarms.insert(who, Open::Sent { seen: false, cleared: false });
            }
        }
    }

    fn release(&mut self, t: u64) {
        for (who, open) in &mut self.alarms {
            if matches!(open, Open::Held) {
                self.told.push((t, format!("sent {who:?}")));
                *open = Open::Sent { seen: false, cleared: false };
            }
        }
    }

    /// What somebody does with every alarm that was sent; true ends it.
    fn of_sent(&mut self, t: u64, mut act: impl FnMut(&Who, &mut bool, &mut bool) -> bool) {
        let mut over = Vec::new();
        for (who, open) in &mut self.alarms {
            if let Open::Sent { seen, cleared } = open
                && act(who, seen, cleared)
            {
                over.push(who.clone());
            }
        }
        for who in over {
            self.close(&who, t);
        }
    }

    fn close(&mut self, who: &Who, t: u64) {
        self.alarms.remove(who);
        self.told.push((t, format!("over {who:?}")));
    }
}

/// The local day and minute that the wall shows.
fn shown(wall: i64) -> (i64, i64) {
    let local = wall + oslo::offset(wall);
    (local.div_euclid(1440), local.rem_euclid(1440))
}

/// The first minute of that day that shows this time or later, by looking at each.
fn comes(day: i64, time: TimeOfDay) -> i64 {
    let time = i64::from(time.minutes());
    let long_before = day * 1440 + time - 180;
    (long_before..).find(|wall| shown(*wall) >= (day, time)).unwrap()
}

fn falls_on(days: Weekdays, day: i64) -> bool {
    let weekday = u8::try_from((day + 3).rem_euclid(7)).unwrap();
    days.with(weekday) == days
}

fn shows_within(window: &Window, (day, minute): (i64, i64)) -> bool {
    let (from, to) = (i64::from(window.from.minutes()), i64::from(window.to.minutes()));
    if from < to {
        falls_on(window.days, day) && minute >= from && minute < to
    } else {
        (minute >= from && falls_on(window.days, day)) || (minute < to && falls_on(window.days, day - 1))
    }
}
