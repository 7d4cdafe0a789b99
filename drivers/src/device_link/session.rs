//! The session of one device on one line.

use std::collections::VecDeque;
use std::time::Duration;

use varde_device_link as link;
use varde_device_link::{
    Answer, ClockSetting, DeviceTime, GatewayEnd, GatewayOutput, Identity, Plan, PlanDraft, State, Zone,
    ZoneChange,
};
use varde_wire::{Cause, DeviceId, Event, Flags, Instant, Metric, Observation, Value};

use super::memory::Memory;
use super::orders::Orders;
use super::state::Told;
use super::words::{not_confirmed, observations, whole};
use crate::{
    Channel, ClockChange, Description, FrameError, HomeTime, Input, Order, OrderRefused, Output, Problem,
    Reading, Refused, Request, Session,
};

/// A commit that takes longer has failed: what the device then tells again is taken again.
const COMMIT_LIMIT: Duration = Duration::from_mins(1);

/// A device's clock that is further off is set.
const CLOCK_TOLERANCE_MS: u64 = 2_000;

/// How often a clock is set at most.
const CLOCK_PAUSE: Duration = Duration::from_mins(1);

/// The gateway's clock is asked for again so often: a line stays open for months.
const TIME_GOOD_FOR: Duration = Duration::from_hours(1);

/// What happened longer ago comes from the device's memory.
const LIVE_MS: u64 = 60_000;

/// The driver of a device that speaks the device link.
#[derive(Debug)]
pub struct DeviceLinkSession {
    device: DeviceId,
    link: GatewayEnd,
    memory: Memory,
    outputs: VecDeque<Output>,
    now: Instant,

    identity: Option<Identity>,
    told: Told,
    commit_asked: Option<Instant>,

    time: Option<(Instant, HomeTime)>,
    change: Option<ClockChange>,
    clock: DeviceClock,

    asking: Asking,
    orders: Orders,
    /// Whether the device answered requests that are not remembered here.
    has_unknown_requests: bool,

    draft: Option<PlanDraft>,
}

/// What is known of setting the device's clock.
#[derive(Debug, Default)]
struct DeviceClock {
    /// The zone it was given last in this session.
    zone: Option<Zone>,
    asked: Option<Instant>,
    /// Whether it was right when it was set or told last: between two states it runs on, and nobody sees it.
    is_right: bool,
    cannot: bool,
}

/// What the request that is not answered yet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    Clock,
    Order,
}

impl DeviceLinkSession {
    /// The session of this device.
    pub fn new(device: DeviceId) -> Self {
        Self {
            device,
            link: GatewayEnd::new(None),
            memory: Memory::default(),
            outputs: VecDeque::new(),
            now: Instant::default(),
            identity: None,
            told: Told::default(),
            commit_asked: None,
            time: None,
            change: None,
            clock: DeviceClock::default(),
            asking: Asking::Clock,
            orders: Orders::default(),
            has_unknown_requests: false,
            draft: None,
        }
    }

    /// Does what the link wants, and gives it what is to be asked, until both have nothing more.
    fn pump(&mut self) {
        // Before a new plan comes: what was due before it is not its.
        self.tell_unconfirmed();
        self.drop_late();
        loop {
            // All that came before anything is asked: a greeting says what may be asked at all.
            while let Some(output) = self.link.poll_output() {
                self.take(output);
            }
            if !self.ask() {
                break;
            }
        }
    }

    /// What is too late is asked neither for the first time nor once more.
    fn drop_late(&mut self) {
        let expired = self.orders.expired(self.now);
        self.outputs.extend(expired.into_iter().map(Output::Outcome));
        if self.asking == Asking::Order && self.orders.is_late(self.now) {
            self.link.stop_repeating();
        }
    }

    fn take(&mut self, output: GatewayOutput) {
        match output {
            GatewayOutput::Send(frame) => {
                self.outputs.push_back(Output::Request(Request::Send(frame.to_vec())));
            }
            GatewayOutput::Greeted { identity, is_set_back } => self.greeted(identity, is_set_back),
            GatewayOutput::State(state) => self.take_state(state),
            GatewayOutput::Event { event, lost } => self.take_event(&event, lost),
            GatewayOutput::Answered(answered) => self.answered(answered.answer),
            GatewayOutput::Plan(copy) => self.take_plan(copy),
            GatewayOutput::Gone => self.identity = None,
            GatewayOutput::Incompatible { highest, .. } => {
                self.refuse("version", Problem::UnknownFormat { got: highest, known: "1" });
            }
            GatewayOutput::Garbled(fault) => self.refuse("frame", Problem::DeviceLink(fault)),
            GatewayOutput::Echo => self.refuse("direction", Problem::Unexpected),
        }
    }

    fn greeted(&mut self, identity: Identity, is_set_back: bool) {
        let known = self.memory.link.map_or(0, |kept| kept.requests_through);
        self.has_unknown_requests = identity.requests_through > known;
        if is_set_back {
            let event = Value::Event(Event::EventsLost);
            self.tell(vec![Observation::new(self.device.clone(), Metric::DEVICE_PROBLEM, event)]);
        }
        self.outputs.push_back(Output::Heard(self.device.clone()));
        if self.asking == Asking::Order && self.orders.is_late(self.now) {
            // Whether it may be asked again is for the greeting to say.
            self.link.give_up();
        }
        self.identity = Some(identity);
        self.clock = DeviceClock::default();
    }

    fn take_event(&mut self, event: &link::Event, lost: u32) {
        if lost > 0 {
            let said =
                [(Metric::DEVICE_PROBLEM, Value::Event(Event::EventsLost)), (Metric::COUNT, whole(lost))];
            let said = said.map(|(metric, value)| Observation::new(self.device.clone(), metric, value));
            self.tell(said.to_vec());
        }
        if let Some(dose) = event.what.settles() {
            self.memory.doses.settle(dose);
        }
        let mut said = observations(event, &self.device, &self.zone().unwrap_or_default());
        if self.is_stored(event.time) {
            said.iter_mut().for_each(|one| one.flags = one.flags.with(Flags::STORED));
        }
        self.tell(said);
        // Right behind it: they are kept together, or neither is.
        self.remember();
        self.commit_asked = Some(self.now);
        self.outputs.push_back(Output::AwaitCommit);
    }

    fn take_state(&mut self, state: State) {
        self.outputs.push_back(Output::Heard(self.device.clone()));
        let mut told = self.memory.told;
        // While it is given a plan, it runs neither for sure.
        let plan = self.memory.given.filter(|_| !self.orders.is_planning());
        for news in self.told.news(&state, plan, &mut told, &self.device) {
            self.tell(news);
        }
        if told != self.memory.told {
            self.memory.told = told;
            self.remember();
        }
        if state.plan.is_none() && self.memory.plan.take().is_some() {
            self.remember();
        }
        let is_known = state.plan == self.memory.plan.as_ref().map(Plan::version);
        if !is_known && self.draft.is_none() && !self.orders.is_planning() {
            self.link.read_plan(0);
        }
        self.clock.is_right = match (state.clock, self.utc_ms()) {
            (DeviceTime::Utc(ms), Some(utc_ms)) => ms.abs_diff(utc_ms) <= CLOCK_TOLERANCE_MS,
            (DeviceTime::SinceBoot(_), _) | (DeviceTime::Utc(_), None) => false,
        };
    }

    /// The plan that the device runs, part by part.
    fn take_plan(&mut self, copy: Option<link::PlanCopy>) {
        let Some(copy) = copy else { return };
        let draft = self.draft.take().filter(|draft| *draft.head() == copy.head && copy.part.index > 0);
        let mut draft = draft.unwrap_or_else(|| PlanDraft::new(copy.head));
        if !draft.add(&copy.part) {
            return;
        }
        if draft.is_whole() {
            self.memory.plan = draft.finish().ok();
            self.remember();
        } else {
            self.link.read_plan(draft.next_part());
            self.draft = Some(draft);
        }
    }

    /// Asks for what is to be done next, if nothing is asked already. Whether it did.
    fn ask(&mut self) -> bool {
        if !self.link.is_greeted() || self.link.is_asking() {
            return false;
        }
        if self.ask_again() {
            return true;
        }
        if let Some(setting) = self.clock_setting() {
            self.clock.asked = Some(self.now);
            self.clock.zone = Some(setting.zone);
            self.asking = Asking::Clock;
            let asked = self.link.ask(link::Request::SetClock(setting));
            asked.map(|_| self.remember()).is_some()
        } else if self.is_in_doubt() {
            let note = "the gateway was restarted; whether the device did it is not known";
            self.outputs.extend(self.orders.refuse(Cause::Interrupted, note).map(Output::Outcome));
            self.ask()
        } else if let Some((order, request)) = self.orders.next() {
            let number = order.number;
            let Some(asked) = self.link.ask(request) else { return false };
            self.asking = Asking::Order;
            self.memory.asks(number, asked);
            self.remember();
            self.orders.asked(self.now);
            true
        } else {
            false
        }
    }

    /// Asks for the first order under the number that the device was asked for it before, where it was. This comes
    /// before all else: the device knows no number below its last again. A plan is sent anew from its beginning.
    fn ask_again(&mut self) -> bool {
        let Some((order, request)) = self.orders.next() else { return false };
        let Some(known) = self.memory.request(order.number).filter(|_| !self.orders.is_planning()) else {
            return false;
        };
        let has_answered = self.identity.as_ref().is_some_and(|device| device.requests_through >= known);
        if self.orders.is_late(self.now) && !has_answered {
            // It was lost on the way. What was answered, on the other hand, is only answered again.
            self.outputs.extend(self.orders.expire().map(Output::Outcome));
            return self.ask_again();
        }
        if !self.link.ask_again(known, request) {
            return false;
        }
        self.asking = Asking::Order;
        self.orders.asked(self.now);
        true
    }

    /// Whether the first order may have been done in a life of the gateway that nobody remembers.
    fn is_in_doubt(&self) -> bool {
        let is_repeat = self.orders.next().is_some_and(|(order, _)| order.is_repeat);
        is_repeat && self.has_unknown_requests && !self.orders.is_planning()
    }

    fn answered(&mut self, answer: Answer) {
        match self.asking {
            Asking::Clock => {
                self.clock.is_right = answer == Answer::Done;
                self.clock.cannot = answer != Answer::Done;
            }
            Asking::Order => {
                let Some(turn) = self.orders.answered(answer, self.now) else { return };
                if let Some(plan) = turn.plan {
                    self.memory.given = Some(plan.version());
                    self.memory.plan = Some(*plan);
                    self.draft = None;
                    self.remember();
                }
                self.outputs.push_back(Output::Outcome(turn.outcome));
            }
        }
    }

    /// What the device's clock is to be set to; none where it is right, or nobody knows the time.
    fn clock_setting(&self) -> Option<ClockSetting> {
        let (utc_ms, zone) = (self.utc_ms()?, self.zone()?);
        let is_soon = self.clock.asked.is_some_and(|asked| self.now < asked.after(CLOCK_PAUSE));
        let is_right = self.clock.zone == Some(zone) && self.clock.is_right;
        (!is_right && !is_soon && !self.clock.cannot).then_some(ClockSetting { utc_ms, zone })
    }

    fn tell_unconfirmed(&mut self) {
        let (Some(utc_ms), Some(zone)) = (self.utc_ms(), self.zone()) else { return };
        let now_s = utc_ms / 1000;
        let Memory { plan, doses, .. } = &mut self.memory;
        if doses.follow(plan.as_ref(), &zone, now_s) {
            self.remember();
        }
        while let Some(due) = self.memory.doses.not_confirmed(now_s) {
            self.tell(not_confirmed(due.dose, due.compartment, &self.device));
            // Right behind it: it is told once, whatever is restarted.
            self.remember();
        }
    }

    fn utc_ms(&self) -> Option<u64> {
        let (given, time) = self.time?;
        let passed = u64::try_from(self.now.since(given).as_millis()).ok()?;
        u64::try_from(time.unix_s).ok()?.checked_mul(1000)?.checked_add(passed)
    }

    fn zone(&self) -> Option<Zone> {
        let (_, time) = self.time?;
        let change = self.change.and_then(|change| {
            Some(ZoneChange {
                at_s: u64::try_from(change.at_unix_s).ok()?,
                offset_min: change.utc_offset_min,
            })
        });
        Some(Zone { offset_min: time.utc_offset_min, change })
    }

    fn is_stored(&self, time: DeviceTime) -> bool {
        match (time, self.utc_ms()) {
            (DeviceTime::Utc(ms), Some(now_ms)) => ms.saturating_add(LIVE_MS) < now_ms,
            (DeviceTime::SinceBoot(_), _) | (DeviceTime::Utc(_), None) => false,
        }
    }

    fn remember(&mut self) {
        self.memory.link = self.link.remembered_with_events().or(self.memory.link);
        self.outputs.push_back(Output::Remember(self.memory.encode()));
    }

    fn tell(&mut self, said: Vec<Observation>) {
        self.outputs.push_back(Output::Reading(Reading::new(self.device.clone(), said)));
    }

    fn refuse(&mut self, field: &'static str, problem: Problem) {
        let error = FrameError { field, offset: 0, problem };
        self.outputs.push_back(Output::Refused(Refused { device: Some(self.device.clone()), error }));
    }

    /// When a second of UTC comes.
    fn instant(&self, utc_s: u64) -> Option<Instant> {
        let left = utc_s.saturating_mul(1000).saturating_sub(self.utc_ms()?);
        Some(self.now.after(Duration::from_millis(left)))
    }
}

impl Session for DeviceLinkSession {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        self.now = now;
        match input {
            Input::Time(time) => self.time = Some((now, time)),
            Input::Connected => self.link.handle_connected(instant(now)),
            Input::Chunk { channel: Channel::Serial, mut bytes } => {
                while !bytes.is_empty() {
                    let taken = self.link.handle_input(bytes, instant(now));
                    bytes = bytes.get(taken..).unwrap_or_default();
                    self.pump();
                }
            }
            Input::Chunk { .. } => self.refuse("channel", Problem::Unexpected),
            Input::Committed => {
                if self.commit_asked.take().is_some() {
                    self.link.acknowledge();
                }
            }
            Input::Disconnected => {
                self.link.handle_disconnected();
                self.link.give_up();
                self.orders.forget();
            }
        }
        self.pump();
    }

    fn handle_order(&mut self, order: &Order, now: Instant) -> Result<(), OrderRefused> {
        self.now = now;
        if order.device != self.device {
            return Err(Cause::NoSuchDevice.into());
        }
        let was_asked = self.memory.request(order.number).is_some();
        self.orders.take(order, was_asked, now)?;
        self.pump();
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.link.handle_timeout(instant(now));
        if self.commit_asked.is_some_and(|asked| asked.after(COMMIT_LIMIT) <= now) {
            self.commit_asked = None;
            self.link.deliver_again();
        }
        for (outcome, is_asked) in self.orders.given_up(now) {
            if is_asked && self.asking == Asking::Order {
                self.link.give_up();
            }
            self.outputs.push_back(Output::Outcome(outcome));
        }
        self.pump();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let link = self.link.poll_timeout().map(|at| Instant::from_millis(at.as_millis()));
        let commit = self.commit_asked.map(|asked| asked.after(COMMIT_LIMIT));
        let doses = self
            .zone()
            .and_then(|zone| self.memory.doses.next_s(self.memory.plan.as_ref(), &zone))
            .and_then(|utc_s| self.instant(utc_s));
        [link, commit, doses, self.orders.poll_timeout()].into_iter().flatten().min()
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn recall(&mut self, memory: &[u8]) {
        if let Some(memory) = Memory::decode(memory) {
            self.link = GatewayEnd::new(memory.link);
            self.memory = memory;
        }
    }

    fn wants_time(&self) -> bool {
        self.time.is_none_or(|(given, _)| given.after(TIME_GOOD_FOR) <= self.now)
    }

    fn handle_clock_change(&mut self, change: Option<ClockChange>) {
        self.change = change;
    }

    fn device_description(&self) -> Description {
        let Some(identity) = &self.identity else { return Description::default() };
        super::decode::describe(&identity.about)
    }
}

fn instant(now: Instant) -> link::Instant {
    link::Instant::from_millis(now.as_millis())
}

#[cfg(test)]
mod tests;
