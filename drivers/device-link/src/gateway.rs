//! The gateway's end of the link.

use crate::message::{Direction, Greeting, Packet, ToDevice, ToGateway};
use crate::{
    Answered, Deframer, Event, Frame, GONE_MS, GREETING_MS, Garbled, HEARTBEAT_MS, Identity, Instant,
    PacketFault, PlanCopy, RETRY_MS, Request, State, VERSION,
};

/// What a gateway keeps of a device over its own restarts. It tells nothing of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The device's log of events.
    pub log: u32,
    /// The last event of it that is kept for good.
    pub events_through: u32,
    /// The last number that was given to a request.
    pub requests_through: u32,
}

/// What the gateway is to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayOutput {
    /// Send these bytes.
    Send(Frame),
    /// A session begins.
    Greeted {
        /// Who the device is.
        identity: Identity,
        /// Whether it uses numbers of events again that it had used before. What it tells is taken as new.
        is_set_back: bool,
    },
    /// The device speaks none of our versions.
    Incompatible {
        /// The lowest that it speaks.
        lowest: u8,
        /// The highest.
        highest: u8,
    },
    /// How the device is.
    State(State),
    /// Something happened. To be kept for good, and then acknowledged ([`GatewayEnd::acknowledge`]).
    Event {
        /// What.
        event: Event,
        /// How many events before it the device gave up because its memory was full.
        lost: u32,
    },
    /// What became of a request.
    Answered(Answered),
    /// A part of the plan that runs.
    Plan(Option<PlanCopy>),
    /// The device is silent: the session is over, and it is greeted until it answers.
    Gone,
    /// Bytes came that cannot be read; to be counted.
    Garbled(Garbled),
    /// The gateway hears itself: the line's two wires are connected.
    Echo,
}

/// The gateway's end: greets, takes each event once and in order, and repeats a request until it is answered.
#[derive(Clone, Debug)]
pub struct GatewayEnd {
    now: Instant,
    deframer: Deframer,
    inbox: Option<GatewayOutput>,

    is_connected: bool,
    session: Option<u32>,
    hello_at: Option<Instant>,
    /// Of the greeting that is not answered yet.
    nonce: Option<u32>,
    no_hello_before: Instant,
    heard_at: Instant,
    alive_at: Instant,

    remembered: Option<Remembered>,
    requests_through: u32,
    delivered: u32,
    is_acknowledgement_due: bool,

    asked: Option<Asked>,
    read: Option<Read>,
}

#[derive(Clone, Debug)]
struct Asked {
    number: u32,
    request: Request,
    /// When it is sent next; never again where none.
    at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Read {
    part: u8,
    at: Instant,
}

impl GatewayEnd {
    /// The end of a gateway that remembers this of the device.
    pub fn new(remembered: Option<Remembered>) -> Self {
        Self {
            now: Instant::default(),
            deframer: Deframer::default(),
            inbox: None,
            is_connected: false,
            session: None,
            hello_at: None,
            nonce: None,
            no_hello_before: Instant::default(),
            heard_at: Instant::default(),
            alive_at: Instant::default(),
            remembered,
            requests_through: remembered.map_or(0, |kept| kept.requests_through),
            delivered: remembered.map_or(0, |kept| kept.events_through),
            is_acknowledgement_due: false,
            asked: None,
            read: None,
        }
    }

    /// The line is open: the device is greeted.
    pub fn handle_connected(&mut self, now: Instant) {
        self.now = now;
        self.deframer = Deframer::default();
        self.is_connected = true;
        self.session = None;
        self.heard_at = now;
        self.hello_at = Some(now);
        self.deliver_again();
    }

    /// The line is closed.
    pub fn handle_disconnected(&mut self) {
        self.is_connected = false;
        self.session = None;
        self.inbox = None;
    }

    /// Bytes came. Gives how many of them it took: it stops behind a frame.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) -> usize {
        self.now = now;
        let (taken, body) = self.deframer.take(bytes);
        match body.map(Packet::read) {
            None => {}
            Some(Ok(packet)) => self.inbox = self.take(packet),
            Some(Err(garbled)) => self.inbox = Some(GatewayOutput::Garbled(garbled)),
        }
        taken
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if self.session.is_some() && now >= self.heard_at.after(GONE_MS) {
            self.session = None;
            self.hello_at = Some(now);
            self.inbox = Some(GatewayOutput::Gone);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing comes before; none while the line is closed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.is_connected {
            return None;
        }
        let in_session = self.session.map(|_| {
            let asked = self.asked.as_ref().and_then(|asked| asked.at);
            let read = self.read.map(|read| read.at);
            [asked, read]
                .into_iter()
                .flatten()
                .fold(self.alive_at.min(self.heard_at.after(GONE_MS)), Instant::min)
        });
        in_session.into_iter().chain(self.hello_at).min()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<GatewayOutput> {
        if let Some(output) = self.inbox.take() {
            if let GatewayOutput::Answered(_) = output {
                self.asked = None;
            }
            return Some(output);
        }
        if !self.is_connected {
            return None;
        }
        if self.hello_at.is_some_and(|at| self.now >= at) {
            self.hello_at = Some(self.now.after(GREETING_MS));
            self.no_hello_before = self.now.after(GREETING_MS);
            let nonce = nonce(self.now);
            self.nonce = Some(nonce);
            let hello = Greeting::Hello { lowest: VERSION, highest: VERSION, nonce };
            return Packet::Greeting(Direction::ToDevice, hello).frame().map(GatewayOutput::Send);
        }
        let session = self.session?;
        let message = self.next_message()?;
        self.alive_at = self.now.after(HEARTBEAT_MS);
        Packet::ToDevice(session, message).frame().map(GatewayOutput::Send)
    }

    /// Every event that was given out so far is kept for good: the device may forget them. Gives what to remember.
    pub fn acknowledge(&mut self) -> Option<Remembered> {
        let kept = self.remembered.as_mut()?;
        kept.events_through = self.delivered;
        self.is_acknowledgement_due = true;
        self.remembered()
    }

    /// Events that were given out and not acknowledged could not be kept: they are given out again when they come
    /// again.
    pub fn deliver_again(&mut self) {
        self.delivered = self.remembered.map_or(0, |kept| kept.events_through);
    }

    /// Asks the device for something, once, and repeats it until it is answered. Gives the request's number; none
    /// while there is no session, or another request is not answered yet.
    pub fn ask(&mut self, request: Request) -> Option<u32> {
        if self.session.is_none() || self.asked.is_some() {
            return None;
        }
        self.requests_through = self.requests_through.saturating_add(1);
        let number = self.requests_through;
        self.asked = Some(Asked { number, request, at: Some(self.now) });
        Some(number)
    }

    /// Asks again for what was asked under this number before a restart. Whether it could, as [`ask`](Self::ask).
    pub fn ask_again(&mut self, number: u32, request: Request) -> bool {
        if self.session.is_none() || self.asked.is_some() {
            return false;
        }
        self.requests_through = self.requests_through.max(number);
        self.asked = Some(Asked { number, request, at: Some(self.now) });
        true
    }

    /// What is asked comes to be too late: it is not sent again, and its answer still waited for.
    pub fn stop_repeating(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.at = None;
        }
    }

    /// Gives up on the request that is not answered. Whether it was done is not known.
    pub fn give_up(&mut self) {
        self.asked = None;
    }

    /// Wants to see a part of the plan that runs.
    pub fn read_plan(&mut self, part: u8) {
        self.read = Some(Read { part, at: self.now });
    }

    /// Whether there is a session.
    pub const fn is_greeted(&self) -> bool {
        self.session.is_some()
    }

    /// Whether a request waits for its answer.
    pub const fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// What is to be kept of the device over a restart; none before it was ever greeted.
    pub fn remembered(&self) -> Option<Remembered> {
        self.remembered.map(|kept| Remembered { requests_through: self.requests_through, ..kept })
    }

    /// The same with the events that were given out and are not acknowledged: to be kept in one transaction with them.
    pub fn remembered_with_events(&self) -> Option<Remembered> {
        self.remembered().map(|kept| Remembered { events_through: self.delivered, ..kept })
    }

    fn take(&mut self, packet: Packet) -> Option<GatewayOutput> {
        match packet {
            Packet::Greeting(Direction::ToDevice, _) | Packet::ToDevice(..) => Some(GatewayOutput::Echo),
            Packet::Greeting(Direction::ToGateway, Greeting::Identity(identity)) => {
                // Any other answers an earlier greeting, and may be out of date.
                self.nonce.take_if(|nonce| *nonce == identity.nonce).map(|_| self.greeted(identity))
            }

            Packet::Greeting(Direction::ToGateway, Greeting::Incompatible { lowest, highest }) => {
                Some(GatewayOutput::Incompatible { lowest, highest })
            }
            Packet::Greeting(Direction::ToGateway, Greeting::Ungreeted) => {
                self.greet_soon();
                None
            }
            Packet::Greeting(Direction::ToGateway, Greeting::Hello { .. }) => {
                Some(GatewayOutput::Garbled(Garbled::Packet(PacketFault::Message)))
            }
            Packet::ToGateway(session, message) if self.session == Some(session) => {
                self.heard_at = self.now;
                self.take_message(message)
            }
            // Its answer to the greeting was lost.
            Packet::ToGateway(..) => {
                self.greet_soon();
                None
            }
        }
    }

    fn greet_soon(&mut self) {
        self.hello_at.get_or_insert(self.now.max(self.no_hello_before));
    }

    fn greeted(&mut self, identity: Identity) -> GatewayOutput {
        if identity.version != VERSION {
            return GatewayOutput::Incompatible { lowest: identity.version, highest: identity.version };
        }
        let same_log = self.remembered.filter(|kept| kept.log == identity.log);
        let is_set_back = same_log.is_some_and(|kept| identity.events_through < kept.events_through);
        let kept = same_log.filter(|_| !is_set_back);
        self.requests_through = self.requests_through.max(identity.requests_through);
        let events_through = kept.map_or(0, |kept| kept.events_through);
        if kept.is_none() {
            self.delivered = 0;
        }
        self.remembered =
            Some(Remembered { log: identity.log, events_through, requests_through: self.requests_through });
        self.session = Some(identity.session);
        self.hello_at = None;
        self.heard_at = self.now;
        self.alive_at = self.now;
        if let Some(at) = self.asked.as_mut().and_then(|asked| asked.at.as_mut()) {
            *at = self.now;
        }
        if let Some(read) = &mut self.read {
            read.at = self.now;
        }
        GatewayOutput::Greeted { identity, is_set_back }
    }

    fn take_message(&mut self, message: ToGateway) -> Option<GatewayOutput> {
        match message {
            ToGateway::State(state) => Some(GatewayOutput::State(state)),
            ToGateway::Event { first, event } => self.take_event(first, event),
            ToGateway::Answer(answered) => {
                let is_ours = self.asked.as_ref().is_some_and(|asked| asked.number == answered.number);
                // An answer that came twice answers nothing the second time.
                is_ours.then_some(GatewayOutput::Answered(answered))
            }
            ToGateway::Plan(copy) => {
                let wanted = self
                    .read
                    .is_some_and(|read| copy.as_ref().is_none_or(|copy| copy.part.index == read.part));
                self.read.take_if(|_| wanted).map(|_| GatewayOutput::Plan(copy))
            }
        }
    }

    fn take_event(&mut self, first: u32, event: Event) -> Option<GatewayOutput> {
        let expected = self.delivered.saturating_add(1);
        if event.number < expected {
            // Told once more: the acknowledgement was lost, or the commit is still under way.
            let kept = self.remembered.map_or(0, |kept| kept.events_through);
            self.is_acknowledgement_due |= event.number <= kept;
            return None;
        }
        if event.number > expected.max(first) {
            // One before it was lost on the line, and will come again.
            return None;
        }
        // A gateway that never heard of this log cannot know what came before it.
        let lost = if self.delivered == 0 { 0 } else { event.number.saturating_sub(expected) };
        self.delivered = event.number;
        Some(GatewayOutput::Event { event, lost })
    }

    fn next_message(&mut self) -> Option<ToDevice> {
        if core::mem::take(&mut self.is_acknowledgement_due) {
            let through = self.remembered.map_or(0, |kept| kept.events_through);
            return Some(ToDevice::Acknowledge { through });
        }
        let again = self.now.after(RETRY_MS);
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.at.is_some_and(|at| self.now >= at)) {
            asked.at = Some(again);
            return Some(ToDevice::Request { number: asked.number, request: asked.request.clone() });
        }
        if let Some(read) = self.read.as_mut().filter(|read| self.now >= read.at) {
            read.at = again;
            return Some(ToDevice::ReadPlan { part: read.part });
        }
        (self.now >= self.alive_at).then_some(ToDevice::Alive)
    }
}

/// Differs from that of every greeting before it for seven weeks.
fn nonce(now: Instant) -> u32 {
    u32::try_from(now.as_millis() & u64::from(u32::MAX)).unwrap_or_default()
}
