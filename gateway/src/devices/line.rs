//! A driver's session on a link: what the link brings goes in, what the session wants is done.

use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt as _;
use varde_drivers as drivers;
use varde_drivers::{Input, Order, OrderRefused, Output, Session};
use varde_link::{self as link, Link, LinkError, Recorder};
use varde_wire::{DeviceId, Flags, Instant, Observation, Outcome, Stage};

use super::captures;
use super::commits::Commits;
use crate::board::{Board, Fault};
use crate::clock;
use crate::commands::mailbox::Mailbox;
use crate::intake::Intake;
use crate::stopping::Stopping;
use crate::store::{Memory, StoreError};

/// How long the end of a line waits for what is not yet committed. Longer than routine readings wait for each other.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why a line ended.
#[derive(Debug, thiserror::Error)]
pub enum LineEnded {
    /// The link did.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The store did.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gateway is stopping.
    #[error("the gateway stops")]
    Stopping,
}

/// How a conversation went.
#[derive(Debug)]
pub struct Conversation {
    /// Why it ended.
    pub ended: LineEnded,
    /// Whether the device said anything at all.
    pub answered: bool,
    /// Whether it was the session that wanted it to end.
    pub hung_up: bool,
}

/// What a line needs beside its link and session.
pub struct Line<'a> {
    /// Where readings go.
    pub intake: &'a Intake,
    /// What is known.
    pub board: &'a Board,
    /// When to end.
    pub stopping: &'a Stopping,
    /// A word for the line in log lines and capture files.
    pub name: &'a str,
    /// The device on it, where it is only one.
    pub device: Option<&'a DeviceId>,
    /// Whether devices speak on it by themselves, as in advertisements or radio telegrams, rather than being visited.
    pub is_overheard: bool,
    /// Where orders for its devices come from; none where they only speak.
    pub mailbox: Option<&'a Mailbox>,
}

impl Line<'_> {
    /// Serves the link until it or the store ends, or the gateway stops; records what passes where `captures` says so.
    pub async fn serve<L: Link>(
        &self,
        link: L,
        session: &mut dyn Session,
        captures: Option<&Path>,
    ) -> Conversation {
        let mut commits = Commits::new(self.intake.losses());
        let mut conversation = match captures.and_then(|directory| captures::begin(directory, self.name)) {
            Some(capture) => self.converse(Recorder::new(link, capture), session, &mut commits).await,
            None => self.converse(link, session, &mut commits).await,
        };
        session.handle_input(Input::Disconnected, clock::now());
        // What the session still had to say is said; what it still wanted to do cannot be done.
        if let Err(LineEnded::Store(error)) = self.part(session, &mut commits).await {
            conversation.ended = error.into();
        }
        if let Some(mailbox) = self.mailbox {
            mailbox.line_ended();
        }
        conversation
    }

    /// The last words of a session, and what it has to remember of what was kept since.
    async fn part(&self, session: &mut dyn Session, commits: &mut Commits) -> Result<(), LineEnded> {
        self.drain_all(session, commits).await?;
        if commits.is_asked() && tokio::time::timeout(FAREWELL, commits.kept()).await.is_ok() {
            session.handle_input(Input::Committed, clock::now());
            self.drain_all(session, commits).await?;
        }
        Ok(())
    }

    /// Hears what a device that is not connected to says in an advertisement.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn overhear(&self, chunks: &[link::Chunk], session: &mut dyn Session) -> Result<(), LineEnded> {
        for chunk in chunks {
            hear(session, chunk);
        }
        if session.wants_time() {
            self.tell_time(session);
        }
        session.handle_timeout(clock::now());
        self.drain_all(session, &mut Commits::new(self.intake.losses())).await
    }

    /// What a session says when there is nobody to ask.
    async fn drain_all(&self, session: &mut dyn Session, commits: &mut Commits) -> Result<(), LineEnded> {
        while let Drained::Asked { .. } = self.drain(&mut Gone, session, commits).await? {}
        Ok(())
    }

    async fn converse<L: Link>(
        &self,
        mut link: L,
        session: &mut dyn Session,
        commits: &mut Commits,
    ) -> Conversation {
        let mut answered = false;
        let mut hung_up = false;
        self.tell_time(session);
        session.handle_input(Input::Connected, clock::now());
        let ended = loop {
            if session.wants_time() {
                self.tell_time(session);
            }
            match self.drain(&mut link, session, commits).await {
                Ok(Drained::Dry) => {}
                // What came meanwhile must not wait for the next request: BlueZ has confirmed it to the device.
                Ok(Drained::Asked { hangs_up }) => {
                    hung_up |= hangs_up;
                    match link.next().now_or_never() {
                        Some(Ok(chunk)) => {
                            answered = true;
                            hear(session, &chunk);
                        }
                        Some(Err(error)) => break error.into(),
                        None => {}
                    }
                    continue;
                }
                Err(ended) => break ended,
            }
            let due = session.poll_timeout();
            let left = due.map(|at| at.since(clock::now())).unwrap_or_default();
            tokio::select! {
                chunk = link.next() => match chunk {
                    Ok(chunk) => {
                        answered = true;
                        hear(session, &chunk);
                    }
                    Err(error) => break error.into(),
                },
                order = self.next_order() => self.order(session, order).await,
                () = commits.kept() => session.handle_input(Input::Committed, clock::now()),
                () = tokio::time::sleep(left), if due.is_some() => session.handle_timeout(clock::now()),
                () = self.stopping.begun() => break LineEnded::Stopping,
            }
        };
        Conversation { ended, answered, hung_up }
    }

    fn tell_time(&self, session: &mut dyn Session) {
        if let Some((time, change)) = self.intake.home_time() {
            session.handle_clock_change(change);
            session.handle_input(Input::Time(time), clock::now());
        }
    }

    async fn next_order(&self) -> Order {
        match self.mailbox {
            Some(mailbox) => mailbox.next().await,
            None => std::future::pending().await,
        }
    }

    async fn order(&self, session: &mut dyn Session, order: Order) {
        if let Err(OrderRefused { cause, note }) = session.handle_order(&order, clock::now()) {
            self.tell(order.outcome(Stage::Refused(cause), note)).await;
        }
    }

    async fn tell(&self, outcome: Outcome) {
        match self.mailbox {
            Some(mailbox) => mailbox.tell(outcome).await,
            None => self.board.count("outcomes of commands that were not given"),
        }
    }

    /// Does what the session wants, until it has asked the device for something, or wants nothing more.
    async fn drain<L: Link>(
        &self,
        link: &mut L,
        session: &mut dyn Session,
        commits: &mut Commits,
    ) -> Result<Drained, LineEnded> {
        let mut ahead = None;
        while let Some(output) = ahead.take().or_else(|| session.poll_output()) {
            match output {
                Output::Reading(reading) => {
                    // One in doubt is passed on, but proves nothing of its sensor.
                    let doubted = |observation: &Observation| observation.flags.has(Flags::QUESTIONABLE);
                    if self.is_overheard && !reading.observations.iter().any(doubted) {
                        self.board.well(&Fault::Device(reading.device.clone()));
                    }
                    // What is to be remembered of it is kept in the same moment.
                    let memory = match session.poll_output() {
                        Some(Output::Remember(bytes)) => self.memory(bytes, commits),
                        next => {
                            ahead = next;
                            None
                        }
                    };
                    // Not waited for: the commit of one reading must not hold up the next.
                    if let Some(committed) = self.intake.take_and_remember(reading, memory).await? {
                        commits.add(committed);
                    }
                }
                Output::AwaitCommit => commits.ask(),
                Output::Outcome(outcome) => self.tell(outcome).await,
                Output::Remember(bytes) => {
                    if let Some(memory) = self.memory(bytes, commits) {
                        self.intake.remember(memory).await?;
                    }
                }
                Output::Request(request) => {
                    let hangs_up = request == drivers::Request::Disconnect;
                    match link.request(asked(request)).await {
                        // Most devices lack something that their profile knows.
                        Ok(()) | Err(LinkError::CharacteristicMissing { .. }) => {}
                        Err(error) => {
                            // The session does not wait for it.
                            self.board.count("requests a device refused");
                            tracing::debug!("{}: {error}", self.name);
                        }
                    }
                    return Ok(Drained::Asked { hangs_up });
                }
                Output::Heard(device) => {
                    // Only a sensor that is not connected to speaks for itself here: of a meter, the visits tell.
                    if self.is_overheard {
                        self.board.well(&Fault::Device(device.clone()));
                    }
                    self.intake.heard(&device);
                }
                Output::Refused(refused) => {
                    self.board.count("frames that could not be read");
                    tracing::debug!("{}: {}", self.name, refused.error);
                    let stands = match refused.device {
                        Some(device) => {
                            self.board.device(&device, |state| state.refused += 1);
                            Fault::Device(device)
                        }
                        // What the stick itself does wrong; it is over when the port is opened anew.
                        None => Fault::Port(self.name.to_owned()),
                    };
                    if refused.error.problem.needs_somebody() {
                        self.board.fault(stands, refused.error);
                    }
                }
                Output::Well(device) => self.board.well(&Fault::Device(device)),
                Output::UnknownSender(id) => {
                    self.board.count("telegrams of senders that are not in the roster");
                    tracing::debug!("{}: sender {id} is not in the roster", self.name);
                }
            }
        }
        Ok(Drained::Dry)
    }

    /// A line with many devices has nothing to remember of any.
    fn memory(&self, bytes: Vec<u8>, commits: &Commits) -> Option<Memory> {
        self.device.map(|device| commits.memory(device.clone(), bytes))
    }
}

/// How far a session's wishes were fulfilled.
enum Drained {
    /// It wants nothing more.
    Dry,
    /// The device was asked for something.
    Asked {
        /// To hang up.
        hangs_up: bool,
    },
}

fn hear(session: &mut dyn Session, chunk: &link::Chunk) {
    let input = Input::Chunk { channel: channel(chunk.channel), bytes: &chunk.bytes };
    session.handle_input(input, Instant::from_millis(chunk.at_ms));
}

/// A link that has ended, or never was: nothing can be asked on it.
struct Gone;

impl Link for Gone {
    async fn next(&mut self) -> Result<link::Chunk, LinkError> {
        std::future::pending().await
    }

    async fn request(&mut self, _request: link::Request) -> Result<(), LinkError> {
        // Nothing that counts: the session did not know.
        Ok(())
    }
}

fn channel(channel: link::Channel) -> drivers::Channel {
    match channel {
        link::Channel::Serial => drivers::Channel::Serial,
        link::Channel::Notified(uuid) => drivers::Channel::Notified(drivers::Uuid(uuid.as_u128())),
        link::Channel::Read(uuid) => drivers::Channel::Read(drivers::Uuid(uuid.as_u128())),
        link::Channel::ServiceData(uuid) => drivers::Channel::ServiceData(drivers::Uuid(uuid.as_u128())),
        link::Channel::ManufacturerData(company) => drivers::Channel::ManufacturerData(company),
        link::Channel::Rssi => drivers::Channel::Rssi,
    }
}

fn asked(request: drivers::Request) -> link::Request {
    let uuid = |uuid: drivers::Uuid| link::Uuid::from_u128(uuid.0);
    match request {
        drivers::Request::Subscribe(characteristic) => {
            link::Request::Subscribe { characteristic: uuid(characteristic) }
        }
        drivers::Request::Read(characteristic) => {
            link::Request::Read { characteristic: uuid(characteristic) }
        }
        drivers::Request::Write { characteristic, bytes } => {
            link::Request::Write { characteristic: uuid(characteristic), bytes }
        }
        drivers::Request::Send(bytes) => link::Request::Send(bytes),
        drivers::Request::Disconnect => link::Request::Disconnect,
    }
}
