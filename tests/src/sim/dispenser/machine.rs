//! The dispenser without its line.

use std::collections::VecDeque;

use varde_device_link::{
    About, Answer, Answered, Capabilities, ClockSetting, DeviceEnd, DeviceOutput, DeviceTime, Due, Event,
    How, Indicator, Instant, Level, Memory as _, Portion, Refusal, Request, State, Watched, What, Words,
};

use super::defect::{Defect, Meddler};
use super::{Flash, Habit, Person};

/// A dispenser with power. [`Machine::lose_power`] leaves its flash.
#[derive(Clone, Debug)]
pub struct Machine {
    end: DeviceEnd,
    flash: Flash,
    person: Person,
    now: Instant,
    booted: Instant,
    clock: Option<(Instant, ClockSetting)>,
    /// What somebody is about to do.
    intentions: Vec<(Instant, Intention)>,
    to_gateway: VecDeque<Vec<u8>>,
    meddler: Meddler,
    happened: Vec<Event>,
    performed: Vec<Request>,
    /// What it shows of an alarm.
    pub indicator: Indicator,
    /// Whether it hears a gateway.
    pub has_contact: bool,
    /// How it is, beside what it knows itself.
    pub state: State,
}

#[derive(Clone, Copy, Debug)]
enum Intention {
    Takes(Due),
    Refuses(Due),
    Reads { message: u32 },
}

impl Machine {
    /// A dispenser that is switched on, with what its flash holds.
    pub fn switch_on(mut flash: Flash, person: Person, now: Instant) -> Self {
        let boot = flash.boots();
        let state = State { battery: Some(90), mains: Some(true), locked: Some(true), ..State::default() };
        let mut machine = Self {
            end: DeviceEnd::new(about(), boot, now),
            flash,
            person,
            now,
            booted: now,
            clock: None,
            intentions: Vec::new(),
            to_gateway: VecDeque::new(),
            meddler: Meddler::new(None),
            happened: Vec::new(),
            performed: Vec::new(),
            indicator: Indicator::Off,
            has_contact: false,
            state,
        };
        machine.handle_timeout(now);
        machine
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(mut self, defect: Defect) -> Self {
        self.meddler = Meddler::new(Some(defect));
        self
    }

    /// Power is cut. What is left.
    pub fn lose_power(self) -> Flash {
        Flash::after_power_loss(self.flash.bytes())
    }

    /// Bytes came from the gateway.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) {
        self.now = now;
        let heard = self.meddler.heard(bytes);
        let mut bytes = heard.as_slice();
        while !bytes.is_empty() {
            let taken = self.end.handle_input(bytes, &mut self.flash, now);
            bytes = bytes.get(taken..).unwrap_or_default();
            self.drain();
            self.spoil();
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.look_at_the_plan();
        self.act();
        self.tell_state();
        self.end.handle_timeout(&self.flash, now);
        self.drain();
    }

    /// When something is to be done next.
    pub fn poll_timeout(&self) -> Instant {
        let person = self.intentions.iter().map(|(at, _)| *at);
        let dose = self.clock.and_then(|(_, setting)| {
            let next_s = self.flash.watch().next_s(self.flash.plan(), &setting.zone)?;
            let left = next_s.saturating_mul(1000).saturating_sub(self.utc_ms()?);
            Some(self.now.after(left))
        });
        person.chain(dose).fold(self.end.poll_timeout(), Instant::min)
    }

    /// A frame for the gateway.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.to_gateway.pop_front()
    }

    /// Something happens at the dispenser.
    pub fn happens(&mut self, what: What, now: Instant) {
        self.now = now;
        self.log(what);
        self.end.handle_timeout(&self.flash, now);
        self.drain();
    }

    /// The person changes.
    pub fn meets(&mut self, person: Person) {
        self.person = person;
    }

    /// Everything that happened since it was switched on.
    pub fn happened(&self) -> &[Event] {
        &self.happened
    }

    /// Everything that it was asked and did since it was switched on.
    pub fn performed(&self) -> &[Request] {
        &self.performed
    }

    /// Its flash.
    pub fn flash(&self) -> &Flash {
        &self.flash
    }

    /// Its flash, to break it.
    pub fn flash_mut(&mut self) -> &mut Flash {
        &mut self.flash
    }

    fn drain(&mut self) {
        while let Some(output) = self.end.poll_output(&self.flash) {
            match output {
                DeviceOutput::Send(frame) if self.meddler.says(&frame) => {
                    self.to_gateway.push_back(frame.to_vec());
                }
                DeviceOutput::Send(_) => {}
                DeviceOutput::Contact(contact) => self.has_contact = contact,
                DeviceOutput::Perform { number, request } => self.perform(number, &request),
            }
        }
    }

    fn perform(&mut self, number: u32, request: &Request) {
        let is_empty = self.flash.doses_left() == 0;
        let answer = if matches!(request, Request::Dispense { .. }) && is_empty {
            Answer::Refused(Refusal::Empty)
        } else if *request == Request::Identify && self.meddler.defect == Some(Defect::CannotIdentify) {
            Answer::NotSupported
        } else {
            Answer::Done
        };
        self.end.answer(Answered { number, answer }, &mut self.flash);
        if answer != Answer::Done {
            return;
        }
        self.performed.push(request.clone());
        match request {
            Request::SetClock(setting) => self.set_clock(*setting),
            Request::Dispense { compartment } => {
                self.flash.take_dose();
                let portion = Portion { dose: None, compartment: *compartment };
                self.log(What::Dispensed { how: How::AsNeeded, portion });
            }
            Request::Lock { locked } => self.state.locked = Some(*locked),
            Request::ShowMessage { id, .. } => {
                if let Some(after_s) = self.person.reads_after_s {
                    self.intend(after_s, Intention::Reads { message: *id });
                }
            }
            Request::Indicate(indicator) => self.indicator = *indicator,
            Request::Identify => {}
            // The end does these by itself.
            Request::BeginPlan(_) | Request::PlanDoses(_) | Request::CommitPlan { .. } => {}
        }
        self.tell_state();
    }

    fn set_clock(&mut self, mut setting: ClockSetting) {
        match self.meddler.defect {
            Some(Defect::IgnoresTheClock) => return,
            Some(Defect::KnowsNoDaylightSaving) => setting.zone.change = None,
            _ => {}
        }
        self.clock = Some((self.now, setting));
        self.look_at_the_plan();
    }

    /// What its defect does to its memory.
    fn spoil(&mut self) {
        match self.meddler.defect {
            Some(Defect::ForgetsAnswers) => self.flash.forget_answer(),
            Some(Defect::RunsHalfPlans) if self.end.is_preparing() => self.flash.forget_plan(),
            _ => {}
        }
    }

    fn look_at_the_plan(&mut self) {
        let (Some((_, setting)), Some(utc_ms)) = (self.clock, self.utc_ms()) else { return };
        while let Some(watched) =
            self.flash.change_watch(|watch, plan| watch.poll(plan, &setting.zone, utc_ms / 1000))
        {
            match watched {
                Watched::Due(due) => self.offer(due),
                Watched::NotConfirmed(due) => self.log(What::NotConfirmed(portion(due))),
            }
        }
    }

    fn offer(&mut self, due: Due) {
        if self.utc_ms().is_some_and(|utc_ms| due.until_s <= utc_ms / 1000) {
            // It was due while there was no power: nobody was called.
            return;
        }
        if self.flash.doses_left() == 0 {
            self.log(What::NoMedicine(portion(due)));
            return self.settle(due);
        }
        self.log(What::Offered(portion(due)));
        match self.person.about(due.dose.dose) {
            Habit::Takes { after_s } => self.intend(after_s, Intention::Takes(due)),
            Habit::Refuses { after_s } => self.intend(after_s, Intention::Refuses(due)),
            Habit::Ignores => {}
        }
    }

    fn intend(&mut self, after_s: u64, intention: Intention) {
        self.intentions.push((self.now.after(after_s.saturating_mul(1000)), intention));
    }

    /// Does what the person intends, while the dose still lies there.
    fn act(&mut self) {
        let now = self.now;
        let is_open = |flash: &Flash, due: Due| flash.watch().open().iter().any(|open| open.dose == due.dose);
        for (_, intention) in self.intentions.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            match intention {
                Intention::Takes(due) if is_open(&self.flash, due) => {
                    self.flash.take_dose();
                    self.log(What::Dispensed { how: How::Unassisted, portion: portion(due) });
                    self.settle(due);
                }
                Intention::Refuses(due) if is_open(&self.flash, due) => {
                    self.log(What::Refused(portion(due)));
                    self.settle(due);
                }
                Intention::Takes(_) | Intention::Refuses(_) => {}
                Intention::Reads { message } => self.log(What::MessageAcknowledged { id: message }),
            }
        }
    }

    fn settle(&mut self, due: Due) {
        self.flash.change_watch(|watch, _| watch.settle(due.dose));
    }

    fn log(&mut self, what: What) {
        let time = self.time();
        self.happened.push(self.flash.log_event(|number| Event { number, time, what }));
    }

    fn tell_state(&mut self) {
        let level = Level::Doses(self.flash.doses_left());
        let state = State { clock: self.time(), level, ..self.state.clone() };
        self.end.tell_state(state, self.now);
    }

    fn time(&self) -> DeviceTime {
        self.utc_ms().map_or_else(
            || DeviceTime::SinceBoot(self.now.as_millis().saturating_sub(self.booted.as_millis())),
            DeviceTime::Utc,
        )
    }

    fn utc_ms(&self) -> Option<u64> {
        let (set, setting) = self.clock?;
        Some(setting.utc_ms.saturating_add(self.now.as_millis().saturating_sub(set.as_millis())))
    }
}

fn portion(due: Due) -> Portion {
    Portion { dose: Some(due.dose), compartment: due.compartment }
}

/// What the simulated dispenser says of itself.
fn about() -> About {
    let words = |text: &str| Words::try_from(text).unwrap_or_default();
    About {
        maker: words("Varde"),
        model: words("simulated dispenser"),
        serial: words("SIM-0001"),
        firmware: words("1.0.0"),
        capabilities: Capabilities::PLAN
            .with(Capabilities::DISPENSE)
            .with(Capabilities::LOCK)
            .with(Capabilities::MESSAGE)
            .with(Capabilities::INDICATOR)
            .with(Capabilities::ALARM)
            .with(Capabilities::IDENTIFY)
            .with(Capabilities::MAINS)
            .with(Capabilities::LEVEL),
    }
}
