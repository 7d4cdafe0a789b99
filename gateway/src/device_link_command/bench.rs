//! The tester's end of the line: it sends exactly what a check wants, and waits for what should come.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use varde_device_link::{
    Answer, Answered, Capabilities, ClockSetting, Deframer, Direction, Event, GREETING_MS, Greeting,
    HEARTBEAT_MS, Identity, Packet, PlanCopy, Request, State, ToDevice, ToGateway, VERSION,
};
use varde_link::{Chunk, Link, LinkError};

/// How long a device may take to answer.
pub(super) const PROMPT: Duration = Duration::from_secs(1);

/// Why a check did not pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Something else came than what should.
    #[error("expected {expected}; {came}")]
    Differs {
        /// What should have come.
        expected: String,
        /// What did.
        came: String,
    },
    /// The device does not have what the check is about.
    #[error("skipped: the device does not say that it {0}")]
    Skipped(&'static str),
    /// The line ended.
    #[error(transparent)]
    Line(#[from] LinkError),
}

/// A device on a line.
pub(super) struct Bench<L> {
    link: L,
    deframer: Deframer,
    unread: Vec<u8>,
    identity: Option<Identity>,
    nonce: u32,
    number: u32,
    /// What came while something was waited for.
    came: Vec<String>,
}

impl<L: Link> Bench<L> {
    /// A bench on this line.
    pub(super) fn new(link: L) -> Self {
        Self {
            link,
            deframer: Deframer::default(),
            unread: Vec::new(),
            identity: None,
            nonce: 0,
            number: 0,
            came: Vec::new(),
        }
    }

    /// Begins a new session.
    pub(super) async fn greet(&mut self) -> Result<Identity, Failed> {
        self.nonce += 1;
        let nonce = self.nonce;
        self.hello(VERSION, VERSION).await?;
        let identity = self
            .wait("an Identity with the nonce of the greeting", PROMPT, |packet| {
                let Packet::Greeting(Direction::ToGateway, Greeting::Identity(identity)) = packet else {
                    return None;
                };
                (identity.nonce == nonce).then(|| identity.clone())
            })
            .await?;
        self.number = self.number.max(identity.requests_through);
        self.identity = Some(identity.clone());
        Ok(identity)
    }

    /// Says Hello with these versions.
    pub(super) async fn hello(&mut self, lowest: u8, highest: u8) -> Result<(), LinkError> {
        let hello = Greeting::Hello { lowest, highest, nonce: self.nonce };
        self.send(&Packet::Greeting(Direction::ToDevice, hello)).await
    }

    /// Says something within the session.
    pub(super) async fn say(&mut self, message: ToDevice) -> Result<(), LinkError> {
        let session = self.session();
        self.send(&Packet::ToDevice(session, message)).await
    }

    /// The session that the device began last.
    pub(super) fn session(&self) -> u32 {
        self.identity.as_ref().map_or(0, |identity| identity.session)
    }

    /// Whether the device said that it has these.
    pub(super) fn has(&self, capabilities: Capabilities) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.about.capabilities.has(capabilities))
    }

    /// A request's number that was never used.
    pub(super) fn next_number(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    /// Asks once, under a new number, and waits for the answer.
    pub(super) async fn ask(&mut self, request: Request) -> Result<Answer, Failed> {
        let number = self.next_number();
        self.ask_as(number, request).await
    }

    /// The same under this number.
    pub(super) async fn ask_as(&mut self, number: u32, request: Request) -> Result<Answer, Failed> {
        self.say(ToDevice::Request { number, request }).await?;
        self.answer(number).await
    }

    /// The answer to the request of this number.
    pub(super) async fn answer(&mut self, number: u32) -> Result<Answer, Failed> {
        let expected = format!("an Answer to request {number} within a second");
        self.message(&expected, PROMPT, |message| {
            let ToGateway::Answer(Answered { number: answered, answer }) = message else { return None };
            (*answered == number).then_some(*answer)
        })
        .await
    }

    /// Sets the clock; it is part of many checks.
    pub(super) async fn set_clock(&mut self, setting: ClockSetting) -> Result<(), Failed> {
        let answer = self.ask(Request::SetClock(setting)).await?;
        expect("the answer Done to Set clock", answer == Answer::Done, &answer)
    }

    /// The next state for which this holds.
    pub(super) async fn state(
        &mut self,
        expected: &str,
        holds: impl Fn(&State) -> bool,
    ) -> Result<State, Failed> {
        self.message(expected, Duration::from_millis(HEARTBEAT_MS) + PROMPT, |message| {
            let ToGateway::State(state) = message else { return None };
            holds(state).then(|| state.clone())
        })
        .await
    }

    /// The next event for which this holds.
    pub(super) async fn event(
        &mut self,
        expected: &str,
        limit: Duration,
        holds: impl Fn(&Event) -> bool,
    ) -> Result<Event, Failed> {
        self.message(expected, limit, |message| {
            let ToGateway::Event { event, .. } = message else { return None };
            holds(event).then_some(*event)
        })
        .await
    }

    /// A part of the plan that runs.
    pub(super) async fn read_plan(&mut self, part: u8) -> Result<Option<PlanCopy>, Failed> {
        self.say(ToDevice::ReadPlan { part }).await?;
        self.message("the Plan that was asked for, within a second", PROMPT, |message| {
            let ToGateway::Plan(copy) = message else { return None };
            Some(copy.clone())
        })
        .await
    }

    /// The next message of the session that is picked.
    pub(super) async fn message<T>(
        &mut self,
        expected: &str,
        limit: Duration,
        pick: impl Fn(&ToGateway) -> Option<T>,
    ) -> Result<T, Failed> {
        let session = self.session();
        self.wait(expected, limit, |packet| {
            let Packet::ToGateway(of, message) = packet else { return None };
            if *of == session { pick(message) } else { None }
        })
        .await
    }

    /// The next packet that is picked.
    pub(super) async fn wait<T>(
        &mut self,
        expected: &str,
        limit: Duration,
        pick: impl Fn(&Packet) -> Option<T>,
    ) -> Result<T, Failed> {
        self.came.clear();
        match timeout(limit, self.search(pick)).await {
            Ok(found) => Ok(found?),
            Err(_) => {
                let came = match self.came.as_slice() {
                    [] => "nothing came".to_owned(),
                    some => format!("in {} s came: {}", limit.as_secs(), some.join(", ")),
                };
                Err(Failed::Differs { expected: expected.to_owned(), came })
            }
        }
    }

    /// Hears whatever comes for so long, and gives what is picked of it.
    pub(super) async fn hear<T>(
        &mut self,
        limit: Duration,
        pick: impl Fn(&Packet) -> Option<T>,
    ) -> Result<Vec<T>, LinkError> {
        let mut heard = Vec::new();
        let listening = async {
            loop {
                heard.push(self.search(&pick).await?);
            }
        };
        match timeout(limit, listening).await {
            Ok(Err(ended)) => Err(ended),
            Ok(Ok(())) | Err(_) => Ok(heard),
        }
    }

    /// Puts bytes on the line as they are.
    pub(super) async fn put(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.link.request(varde_link::Request::Send(bytes.to_vec())).await
    }

    async fn send(&mut self, packet: &Packet) -> Result<(), LinkError> {
        match packet.frame() {
            Some(frame) => self.put(&frame).await,
            // None that a check can build is too long.
            None => Ok(()),
        }
    }

    async fn search<T>(&mut self, pick: impl Fn(&Packet) -> Option<T>) -> Result<T, LinkError> {
        loop {
            while let Some(packet) = self.next_unread() {
                if let Some(found) = pick(&packet) {
                    return Ok(found);
                }
                self.came.push(name(&packet));
            }
            let alive = sleep(Duration::from_millis(HEARTBEAT_MS - GREETING_MS));
            tokio::select! {
                chunk = self.link.next() => {
                    let Chunk { bytes, .. } = chunk?;
                    self.unread.extend(bytes);
                }
                () = alive => self.say(ToDevice::Alive).await?,
            }
        }
    }

    fn next_unread(&mut self) -> Option<Packet> {
        while !self.unread.is_empty() {
            let (taken, body) = self.deframer.take(&self.unread);
            let packet = body.map(Packet::read);
            self.unread.drain(..taken);
            match packet {
                Some(Ok(packet)) => return Some(packet),
                Some(Err(fault)) => self.came.push(format!("bytes that cannot be read ({fault})")),
                None => {}
            }
        }
        None
    }
}

/// That something holds of what came.
pub(super) fn expect(expected: &str, holds: bool, came: &impl std::fmt::Debug) -> Result<(), Failed> {
    if holds {
        return Ok(());
    }
    Err(Failed::Differs { expected: expected.to_owned(), came: format!("{came:?} came") })
}

fn name(packet: &Packet) -> String {
    match packet {
        Packet::Greeting(_, Greeting::Identity(_)) => "Identity".to_owned(),
        Packet::Greeting(_, Greeting::Ungreeted) => "Ungreeted".to_owned(),
        Packet::Greeting(_, Greeting::Incompatible { .. }) => "Incompatible".to_owned(),
        Packet::Greeting(_, Greeting::Hello { .. }) | Packet::ToDevice(..) => "our own words".to_owned(),
        Packet::ToGateway(_, ToGateway::State(_)) => "State".to_owned(),
        Packet::ToGateway(_, ToGateway::Event { event, .. }) => format!("Event {}", event.number),
        Packet::ToGateway(_, ToGateway::Answer(answered)) => {
            format!("Answer {:?} to request {}", answered.answer, answered.number)
        }
        Packet::ToGateway(_, ToGateway::Plan(_)) => "Plan".to_owned(),
    }
}
