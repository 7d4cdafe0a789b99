//! Supervision, rules and alarms of one home, as one: each admitted observation goes in, what is to be kept and sent
//! comes out.
//!
//! What the three say to each other is all that stands here: a device that is missing, or whose link is down, makes the
//! rules that need it say that they cannot judge; what a rule comes to raises its alarm or clears it.

mod report;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{AlarmKind, DeviceId, Event, Flags, Instant, Observation, Value};

use crate::alarm::{self, Alarms, Call, Source, Told};
use crate::rules::{Judgement, Rule, Rules, Sign, Verdict};
use crate::supervision::{Condition, Expectation, Finding, LinkNumber, Supervision};
use crate::{Now, Window, saved};

const VERSION: u8 = 1;

/// What the configuration says of a home.
#[derive(Clone, Debug, Default)]
pub struct Household {
    /// What is expected of each device that is supervised.
    pub devices: BTreeMap<DeviceId, Expectation>,
    /// How long the alarms of a device can be cancelled before they are sent; those of others are sent at once.
    pub pre_alarms: BTreeMap<DeviceId, Duration>,
    /// Buttons that cancel the pre-alarms of other devices.
    pub cancels: BTreeMap<DeviceId, Vec<DeviceId>>,
    /// Buttons and tags of staff: pressed, they are in the home for so long; pressed again, they are gone.
    pub visits: BTreeMap<DeviceId, Duration>,
    /// Supervision of people.
    pub rules: Vec<Rule>,
    /// When alarms of `quiet_kinds` are held back.
    pub quiet_hours: Option<Window>,
    /// What the quiet hours hold back. Calls for help and dangers to life are never held back, whatever stands here.
    pub quiet_kinds: BTreeSet<AlarmKind>,
}

/// What is to be kept, and what is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Of a device.
    Finding(Finding),
    /// Of a rule.
    Judgement(Judgement),
    /// Of an alarm, or of a visit.
    Alarm(Told),
}

/// The three, at work.
#[derive(Debug)]
pub struct Guard {
    household: Household,
    supervision: Supervision,
    rules: Rules,
    alarms: Alarms,
    /// How often the hub wants devices heard, whatever the configuration says.
    wishes: BTreeMap<DeviceId, Option<Duration>>,
    /// The devices that rules need, and whether the rules were told that they cannot be heard.
    needed: BTreeMap<DeviceId, bool>,
    now: Now,
    outputs: VecDeque<Output>,
}

#[derive(Serialize, Deserialize)]
struct State {
    supervision: Vec<u8>,
    rules: Vec<u8>,
    alarms: Vec<u8>,
    wishes: BTreeMap<DeviceId, Option<Duration>>,
}

impl Guard {
    /// A home of which nothing is known yet.
    pub fn new(household: Household, now: Now) -> Self {
        let supervision = Supervision::new(household.devices.clone(), now.at);
        let rules = Rules::new(household.rules.clone(), now);
        let alarms = Alarms::new(household.quiet_hours, now);
        let mut guard = Self::of(household, supervision, rules, alarms, now);
        guard.pass_on(now);
        guard
    }

    /// Goes on from a [`Self::snapshot`], or from the beginning where the bytes are none. The gateway has heard nothing
    /// since `deaf_since` ([`crate::LifeClock::alive_until`]). A link that was down is taken to
    /// be down still; say of each how it is.
    pub fn restore(mut household: Household, bytes: &[u8], deaf_since: Instant, now: Now) -> Self {
        let Some(saved) = saved::read::<State>(VERSION, bytes) else { return Self::new(household, now) };
        for (device, expectation) in &mut household.devices {
            if let Some(wish) = saved.wishes.get(device) {
                *expectation = expectation.every(*wish);
            }
        }
        let devices = household.devices.clone();
        let supervision = Supervision::restore(devices, &saved.supervision, deaf_since, now.at);
        let rules = Rules::restore(household.rules.clone(), &saved.rules, deaf_since, now);
        let alarms = Alarms::restore(household.quiet_hours, &saved.alarms, now);
        let mut guard = Self::of(household, supervision, rules, alarms, now);
        guard.wishes = saved.wishes;
        // Who is silent is known to each rule; what changed with the restart is not.
        for (device, told) in &mut guard.needed {
            if guard.supervision.is_heard(device) != Some(false) {
                guard.rules.handle_heard_again(device, now);
            } else {
                guard.rules.handle_silent(device, now);
                *told = true;
            }
        }
        guard.handle_timeout(now);
        guard
    }

    /// What is known, to be saved in the same transaction as what was told: take every output first.
    pub fn snapshot(&self) -> Vec<u8> {
        let (supervision, rules) = (self.supervision.snapshot(), self.rules.snapshot());
        let (alarms, wishes) = (self.alarms.snapshot(), self.wishes.clone());
        saved::bytes(VERSION, &State { supervision, rules, alarms, wishes })
    }

    /// A device said something, and it was admitted.
    pub fn handle_observation(&mut self, observation: &Observation, rssi_dbm: Option<i8>, now: Now) {
        let device = &observation.device;
        self.handle_heard(device, rssi_dbm, now);
        if let Some(condition) = Condition::of(observation) {
            self.supervision.handle_condition(device, condition, now.at);
        }
        if let Some(sign) = Sign::of(observation) {
            self.rules.handle_sign(device, sign, now);
        }
        if let Some(kind) = alarm::raised_by(observation) {
            let mut call = self.call(Source::Device(device.clone()), kind);
            call.pre_alarm = self.household.pre_alarms.get(device).copied().unwrap_or_default();
            call.test = observation.flags.has(Flags::TEST);
            self.alarms.handle_raised(call, now);
        }
        match observation.value {
            Value::Event(Event::PreAlarmCancelled) => {
                self.alarms.handle_cancelled_at_home(&Source::Device(device.clone()), now);
            }
            Value::Event(Event::ButtonPressed) => self.handle_button(device, now),
            Value::Event(_) | Value::Decimal(_) | Value::Absent(_) | Value::Bits(_) | Value::Text(_) => {}
        }
        if let Some(kind) = alarm::cleared_by(observation) {
            self.alarms.handle_cleared(&Source::Device(device.clone()), kind, now);
        }
        self.pass_on(now);
    }

    /// A device is in a condition that it does not tell of itself.
    pub fn handle_condition(&mut self, device: &DeviceId, condition: Condition, now: Now) {
        self.handle_timeout(now);
        self.supervision.handle_condition(device, condition, now.at);
        self.pass_on(now);
    }

    /// A device was heard, whatever it said.
    pub fn handle_heard(&mut self, device: &DeviceId, rssi_dbm: Option<i8>, now: Now) {
        self.handle_timeout(now);
        self.supervision.handle_heard(device, rssi_dbm, now.at);
        self.pass_on(now);
    }

    /// The hub wants a device heard so often; its silence is not told where it wants none. Gives whether there is such a
    /// device.
    pub fn handle_wish(&mut self, device: &DeviceId, every: Option<Duration>, now: Now) -> bool {
        self.handle_timeout(now);
        let Some(expectation) = self.household.devices.get_mut(device) else { return false };
        *expectation = expectation.every(every);
        self.supervision.handle_expectation(device, *expectation, now.at);
        self.wishes.insert(device.clone(), every);
        self.pass_on(now);
        true
    }

    /// A link cannot hear.
    pub fn handle_link_down(&mut self, link: LinkNumber, now: Now) {
        self.handle_timeout(now);
        self.supervision.handle_link_down(link, now.at);
        self.pass_on(now);
    }

    /// A link hears again.
    pub fn handle_link_up(&mut self, link: LinkNumber, now: Now) {
        self.handle_timeout(now);
        self.supervision.handle_link_up(link, now.at);
        self.pass_on(now);
    }

    /// What people and the hub say of alarms and visits: the handles of [`Alarms`].
    pub fn handle_alarms(&mut self, now: Now, say: impl FnOnce(&mut Alarms)) {
        self.handle_timeout(now);
        say(&mut self.alarms);
        self.pass_on(now);
    }

    /// Time has passed, or the clock on the wall was changed. What became due is told in the order in which it did,
    /// however late this is called.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(due) = self.poll_timeout().filter(|due| *due < now.at) {
            // Until now the clock is taken to have gone on as it was known.
            self.settle(self.now.at(due.max(self.now.at)));
        }
        self.settle(now);
    }

    /// When [`Self::handle_timeout`] is due, if the clock is not changed before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dues = [self.supervision.poll_timeout(), self.rules.poll_timeout(), self.alarms.poll_timeout()];
        dues.into_iter().flatten().min()
    }

    /// What is to be kept and sent, in its order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether there is anything to be kept and sent.
    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// The devices and their state.
    pub fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    /// The alarms and their state.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    fn of(household: Household, supervision: Supervision, rules: Rules, alarms: Alarms, now: Now) -> Self {
        let needed =
            household.rules.iter().flat_map(Rule::needs).map(|device| (device.clone(), false)).collect();
        let (wishes, outputs) = (BTreeMap::new(), VecDeque::new());
        Self { household, supervision, rules, alarms, wishes, needed, now, outputs }
    }

    /// A button that is no alarm, and means something here.
    fn handle_button(&mut self, device: &DeviceId, now: Now) {
        for cancelled in self.household.cancels.get(device).into_iter().flatten() {
            self.alarms.handle_cancelled_at_home(&Source::Device(cancelled.clone()), now);
        }
        match self.household.visits.get(device) {
            Some(_) if self.alarms.is_visited() => self.alarms.handle_visit_over(now),
            Some(visit) => self.alarms.handle_visit(now.at.after(*visit), now),
            None => {}
        }
    }

    fn settle(&mut self, now: Now) {
        self.now = now;
        self.supervision.handle_timeout(now.at);
        self.rules.handle_timeout(now);
        self.alarms.handle_timeout(now);
        self.pass_on(now);
    }

    /// Passes on what one says and another needs to know.
    fn pass_on(&mut self, now: Now) {
        self.pass_on_silence(now);
        while let Some(judgement) = self.rules.poll_output() {
            self.act_on(&judgement, now);
            self.outputs.push_back(Output::Judgement(judgement));
        }
        self.outputs.extend(std::iter::from_fn(|| self.supervision.poll_output()).map(Output::Finding));
        self.outputs.extend(std::iter::from_fn(|| self.alarms.poll_output()).map(Output::Alarm));
    }

    fn pass_on_silence(&mut self, now: Now) {
        for (device, told) in &mut self.needed {
            let silent = self.supervision.is_heard(device) == Some(false);
            match (std::mem::replace(told, silent), silent) {
                (false, true) => self.rules.handle_silent(device, now),
                (true, false) => self.rules.handle_heard_again(device, now),
                (true, true) | (false, false) => {}
            }
        }
    }

    fn call(&self, source: Source, kind: AlarmKind) -> Call {
        let mut call = Call::new(source, kind);
        call.inhibit.quiet_hours = self.household.quiet_kinds.contains(&kind);
        call
    }

    fn act_on(&mut self, judgement: &Judgement, now: Now) {
        let Some(rule) = self.household.rules.iter().find(|rule| rule.name == judgement.rule) else { return };
        let source = Source::Rule(rule.name.clone());
        match judgement.verdict {
            Verdict::Raise => {
                let call = Call { severity: rule.severity, ..self.call(source, rule.alarm()) };
                self.alarms.handle_raised(call, now);
            }
            Verdict::Clear => self.alarms.handle_cleared(&source, rule.alarm(), now),
            Verdict::CannotJudge(_) | Verdict::JudgesAgain => {}
        }
    }
}
