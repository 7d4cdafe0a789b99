//! The device's end of the link.

use crate::message::{Direction, Greeting, Packet, ToDevice, ToGateway};
use crate::{
    About, Answer, Answered, Deframer, Event, Frame, GONE_MS, GREETING_MS, HEARTBEAT_MS, Identity, Instant,
    Plan, PlanCopy, PlanDraft, RETRY_MS, Refusal, Request, State, VERSION, WINDOW,
};

/// What a device keeps over a loss of power. Each call is to be finished, as far as a loss of power is concerned,
/// when it returns: either all of it is kept, or nothing.
pub trait Memory {
    /// Names the series of event numbers: drawn at random when the log of events is made or erased.
    fn log(&self) -> u32;

    /// Which events it keeps.
    fn kept_events(&self) -> KeptEvents;

    /// The event of this number, while it is kept.
    fn event(&self, number: u32) -> Option<Event>;

    /// Forgets every event up to this number: the gateway has them for good.
    fn release_events(&mut self, through: u32);

    /// The last answer that was kept.
    fn last_answer(&self) -> Option<Answered>;

    /// Keeps an answer in place of the last one.
    fn keep_answer(&mut self, answered: Answered);

    /// The plan that runs.
    fn plan(&self) -> Option<&Plan>;

    /// Keeps this plan in place of the one that runs. Whether it did: where not, the old one runs on.
    fn keep_plan(&mut self, plan: &Plan) -> bool;
}

/// The numbers of the events that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptEvents {
    /// The oldest; where none is kept, the same as `next`.
    pub first: u32,
    /// The number that the next event will have; 1 in a new log.
    pub next: u32,
}

/// What a device's firmware is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceOutput {
    /// Send these bytes.
    Send(Frame),
    /// Do this, once: decide on the answer, give it to [`DeviceEnd::answer`], and only then act.
    Perform {
        /// The request's number.
        number: u32,
        /// What is asked.
        request: Request,
    },
    /// Whether a gateway is heard. A device that calls for help shows that it is not.
    Contact(bool),
}

/// The device's end: greets, tells its state and its events until each is acknowledged, passes each request on once,
/// and takes plans in.
#[derive(Clone, Debug)]
pub struct DeviceEnd {
    about: About,
    now: Instant,
    deframer: Deframer,
    garbled: u32,

    boot: u32,
    sessions: u32,
    session: Option<u32>,
    greeting: Option<Greeting>,
    ungreeted_at: Instant,
    heard_at: Instant,
    is_in_contact: bool,
    contact: Option<bool>,

    state: State,
    state_at: Instant,
    next_event: u32,
    retry_at: Option<Instant>,

    perform: Option<Request>,
    performing: Option<u32>,
    answer: Option<Answered>,
    draft: Option<PlanDraft>,
    shown_part: Option<u8>,
}

impl DeviceEnd {
    /// The end of a device that has just started. `boot` differs from that of every earlier start: a counter that is
    /// kept, or a random number.
    pub fn new(about: About, boot: u32, now: Instant) -> Self {
        Self {
            about,
            now,
            deframer: Deframer::default(),
            garbled: 0,
            boot,
            sessions: 0,
            session: None,
            greeting: None,
            ungreeted_at: now,
            heard_at: now,
            is_in_contact: false,
            contact: None,
            state: State::default(),
            state_at: now,
            next_event: 0,
            retry_at: None,
            perform: None,
            performing: None,
            answer: None,
            draft: None,
            shown_part: None,
        }
    }

    /// Bytes came. Gives how many of them it took: it stops behind a frame.
    pub fn handle_input(&mut self, bytes: &[u8], memory: &mut impl Memory, now: Instant) -> usize {
        self.now = now;
        let (taken, body) = self.deframer.take(bytes);
        match body.map(Packet::read) {
            None => {}
            Some(Ok(packet)) => self.take(packet, memory),
            Some(Err(_)) => self.garbled = self.garbled.saturating_add(1),
        }
        taken
    }

    /// Time passed, or an event was written to the memory.
    pub fn handle_timeout(&mut self, memory: &impl Memory, now: Instant) {
        self.now = now;
        if self.is_in_contact && now >= self.heard_at.after(GONE_MS) {
            self.is_in_contact = false;
            self.contact = Some(false);
        }
        if self.session.is_none() && now >= self.ungreeted_at {
            self.greeting = Some(Greeting::Ungreeted);
            self.ungreeted_at = now.after(GREETING_MS);
        }
        if self.retry_at.is_some_and(|at| now >= at) {
            self.next_event = memory.kept_events().first;
            self.retry_at = None;
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing comes before.
    pub fn poll_timeout(&self) -> Instant {
        let talk = if self.session.is_some() { self.state_at } else { self.ungreeted_at };
        let gone = self.is_in_contact.then(|| self.heard_at.after(GONE_MS));
        [gone, self.retry_at].into_iter().flatten().fold(talk, Instant::min)
    }

    /// What to do next.
    pub fn poll_output(&mut self, memory: &impl Memory) -> Option<DeviceOutput> {
        if let Some(contact) = self.contact.take() {
            return Some(DeviceOutput::Contact(contact));
        }
        if let Some(greeting) = self.greeting.take() {
            return Packet::Greeting(Direction::ToGateway, greeting).frame().map(DeviceOutput::Send);
        }
        if let (Some(number), Some(request)) = (self.performing, self.perform.take()) {
            return Some(DeviceOutput::Perform { number, request });
        }
        let session = self.session?;
        let message = self.next_message(memory)?;
        Packet::ToGateway(session, message).frame().map(DeviceOutput::Send)
    }

    /// How the device is now. It is told when it differs from before, and as a heartbeat. The plan is the memory's.
    pub fn tell_state(&mut self, state: State, now: Instant) {
        self.now = now;
        let is_news = State { clock: self.state.clock, ..state.clone() } != self.state;
        self.state = state;
        if is_news {
            self.state_at = now;
        }
    }

    /// The answer to what was to be performed. It is kept before it is told: from here on the request is never
    /// performed again, so act after this call and not before it.
    pub fn answer(&mut self, answered: Answered, memory: &mut impl Memory) {
        memory.keep_answer(answered);
        self.performing = None;
        self.answer = Some(answered);
    }

    /// Whether a plan is being prepared.
    pub const fn is_preparing(&self) -> bool {
        self.draft.is_some()
    }

    /// How many frames came that could not be read.
    pub const fn garbled(&self) -> u32 {
        self.garbled
    }

    fn take(&mut self, packet: Packet, memory: &mut impl Memory) {
        match packet {
            Packet::Greeting(Direction::ToDevice, Greeting::Hello { lowest, highest, nonce }) => {
                self.greet(lowest..=highest, nonce, memory);
            }
            Packet::ToDevice(session, message) if self.session == Some(session) => {
                self.heard();
                self.take_message(message, memory);
            }
            // Of an earlier session; or its own words come back, from a line that is short-circuited.
            Packet::Greeting(..) | Packet::ToDevice(..) | Packet::ToGateway(..) => {}
        }
    }

    fn greet(&mut self, versions: core::ops::RangeInclusive<u8>, nonce: u32, memory: &impl Memory) {
        if !versions.contains(&VERSION) {
            self.greeting = Some(Greeting::Incompatible { lowest: VERSION, highest: VERSION });
            return;
        }
        let session = self.boot.wrapping_shl(12) | (self.sessions & 0x0FFF);
        self.sessions = self.sessions.wrapping_add(1);
        self.session = Some(session);
        let events = memory.kept_events();
        self.next_event = events.first;
        self.retry_at = None;
        self.state_at = self.now;
        self.greeting = Some(Greeting::Identity(Identity {
            version: VERSION,
            nonce,
            session,
            log: memory.log(),
            events_through: events.next.saturating_sub(1),
            requests_through: memory.last_answer().map_or(0, |answered| answered.number),
            about: self.about.clone(),
        }));
        self.heard();
    }

    fn heard(&mut self) {
        self.heard_at = self.now;
        if !self.is_in_contact {
            self.is_in_contact = true;
            self.contact = Some(true);
        }
    }

    fn take_message(&mut self, message: ToDevice, memory: &mut impl Memory) {
        match message {
            ToDevice::Alive => {}
            ToDevice::Acknowledge { through } => {
                let first = memory.kept_events().first;
                // Of what was never sent in this session, nobody can say that it is kept.
                if (first..self.next_event).contains(&through) {
                    memory.release_events(through);
                    let is_all = through.saturating_add(1) >= self.next_event;
                    self.retry_at = (!is_all).then(|| self.now.after(RETRY_MS));
                }
            }
            ToDevice::Request { number, request } => self.take_request(number, request, memory),
            ToDevice::ReadPlan { part } => self.shown_part = Some(part),
        }
    }

    fn take_request(&mut self, number: u32, request: Request, memory: &mut impl Memory) {
        match memory.last_answer() {
            Some(last) if number == last.number => self.answer = Some(last),
            Some(last) if number < last.number => {
                self.answer = Some(Answered { number, answer: Answer::Refused(Refusal::Superseded) });
            }
            // The one that is being performed is answered when it is.
            Some(_) | None if self.performing.is_some() => {}
            Some(_) | None => match self.plan_answer(&request, memory) {
                Some(answer) => self.answer(Answered { number, answer }, memory),
                None => {
                    self.performing = Some(number);
                    self.perform = Some(request);
                }
            },
        }
    }

    /// The answer to a request about the plan, which is done here; none for any other.
    fn plan_answer(&mut self, request: &Request, memory: &mut impl Memory) -> Option<Answer> {
        match request {
            Request::BeginPlan(head) => {
                self.draft = Some(PlanDraft::new(*head));
                Some(Answer::Done)
            }
            Request::PlanDoses(part) => Some(match self.draft.as_mut().map(|draft| draft.add(part)) {
                Some(true) => Answer::Done,
                Some(false) | None => {
                    self.draft = None;
                    Answer::Refused(Refusal::NothingPrepared)
                }
            }),
            Request::CommitPlan { version, digest } => Some(self.commit_plan(*version, *digest, memory)),
            Request::SetClock(_)
            | Request::Dispense { .. }
            | Request::Lock { .. }
            | Request::ShowMessage { .. }
            | Request::Indicate(_)
            | Request::Identify => None,
        }
    }

    fn commit_plan(&mut self, version: u32, digest: u32, memory: &mut impl Memory) -> Answer {
        // Power went after the plan was kept and before its answer was: it runs already.
        if memory.plan().is_some_and(|plan| plan.version() == version && plan.digest() == digest) {
            return Answer::Runs { version };
        }
        let Some(draft) = self.draft.take() else { return Answer::Refused(Refusal::NothingPrepared) };
        if !draft.is_whole() {
            return Answer::Refused(Refusal::PlanDiffers);
        }
        match draft.finish() {
            Err(_) => Answer::Refused(Refusal::BadPlan),
            Ok(plan) if plan.version() != version || plan.digest() != digest => {
                Answer::Refused(Refusal::PlanDiffers)
            }
            Ok(plan) if memory.keep_plan(&plan) => {
                self.state_at = self.now;
                Answer::Runs { version }
            }
            Ok(_) => Answer::Refused(Refusal::Memory),
        }
    }

    fn next_message(&mut self, memory: &impl Memory) -> Option<ToGateway> {
        if let Some(answered) = self.answer.take() {
            return Some(ToGateway::Answer(answered));
        }
        if let Some(message) = self.event(memory) {
            return Some(message);
        }
        if let Some(part) = self.shown_part.take() {
            let copy = memory.plan().map(|plan| PlanCopy { head: *plan.head(), part: plan.part(part) });
            return Some(ToGateway::Plan(copy));
        }
        if self.now < self.state_at {
            return None;
        }
        self.state_at = self.now.after(HEARTBEAT_MS);
        Some(ToGateway::State(State { plan: memory.plan().map(Plan::version), ..self.state.clone() }))
    }

    /// The next event that is not on its way.
    fn event(&mut self, memory: &impl Memory) -> Option<ToGateway> {
        let events = memory.kept_events();
        let number = self.next_event.max(events.first);
        if number >= events.next || number >= events.first.saturating_add(WINDOW) {
            return None;
        }
        let event = memory.event(number)?;
        self.next_event = number.saturating_add(1);
        self.retry_at.get_or_insert(self.now.after(RETRY_MS));
        Some(ToGateway::Event { first: events.first, event })
    }
}
