//! What the hub asks: verified, judged, written down, carried out, answered.
//!
//! - [`mailbox`]: orders on their way to a line's devices
//! - [`home_zone`]: whether a dosing plan's times are the home's
//! - [`own`]: what the gateway does itself
//! - [`roster`]: of that, what changes the roster
//!
//! [`varde_core::CommandLedger`] decides; this task is its hands. A command is in the store, together with the entry
//! that says `accepted`, before anything of it is carried out; and each step after that is in the store together with
//! the entry that tells of it. So a power cut finds it taken on or not, and never half told.

pub mod home_zone;
pub mod mailbox;
pub mod own;
pub mod roster;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Notify, mpsc};
use varde_core::{Allowance, Claim, CommandLedger, Ruling};
use varde_drivers::{Order, Reading};
use varde_wire::{
    Action, BoundedText, Cause, Command, Content, DeviceId, Event, Lane, Metric, Observation, OpeningKey,
    Outcome, SignedCommand, Stage, Trust, Value, VerifiedCommand, VerifyError, WallTime,
};

use self::mailbox::{Mailbox, Withdrawn};
use self::own::{Carried, Own};
use crate::belief::Belief;
use crate::clock;
use crate::store::{CommandStep, StoreError, StoredCommand, TakenOn};

/// Commands that wait to be looked at. What does not fit is sent again by the hub.
const INCOMING: usize = 16;

/// Outcomes of devices that wait to be written down.
const OUTCOMES: usize = 64;

/// How soon the disk is tried again for an outcome that it did not take.
const RETRY: Duration = Duration::from_secs(1);

/// How soon an order is looked after again that a session still had when its time was over.
const LOOK_AGAIN_MS: i64 = 5_000;

/// Answers to commands that are not taken on: a hub that lost its memory gets them, a flood does not fill the outbox.
const ANSWERS: Allowance = Allowance::new(16, Duration::from_secs(10));

/// Reports of commands that no honest hub sends.
const REPORTS: Allowance = Allowance::new(3, Duration::from_secs(600));

/// What commands are believed by.
pub struct Keys {
    /// Opens them.
    pub open: OpeningKey,
    /// Verifies them.
    pub belief: Arc<Belief>,
}

/// How the devices of the roster are reached; none for one that only speaks.
pub type Routes = HashMap<DeviceId, Option<Arc<Mailbox>>>;

/// The task's ends: commands as they came, and what became of those that devices were given.
pub struct Ends {
    /// For whoever hears the broker.
    pub signed: mpsc::Sender<Vec<u8>>,
    /// For the mailboxes.
    pub outcomes: mpsc::Sender<Outcome>,
    incoming: Incoming,
}

struct Incoming {
    signed: mpsc::Receiver<Vec<u8>>,
    outcomes: mpsc::Receiver<Outcome>,
}

impl Default for Ends {
    fn default() -> Self {
        let (signed, signed_rx) = mpsc::channel(INCOMING);
        let (outcomes, outcomes_rx) = mpsc::channel(OUTCOMES);
        Self { signed, outcomes, incoming: Incoming { signed: signed_rx, outcomes: outcomes_rx } }
    }
}

/// The task.
pub struct Commands {
    keys: Keys,
    own: Own,
    routes: Routes,
    /// Told when what was done counts only once the daemon begins anew.
    anew: Arc<Notify>,
    /// None until it could be read from the store.
    ledger: Option<CommandLedger>,
    /// Posted to a mailbox and not finished: until when they are valid, and where they lie.
    posted: BTreeMap<u64, (WallTime, Arc<Mailbox>)>,
    /// Outcomes that the disk did not take yet.
    untold: VecDeque<Outcome>,
    answers: Allowance,
    reports: Allowance,
    /// The daemon is to begin anew: what is asked now, the next life is asked again.
    is_ending: bool,
}

/// What happened.
enum Happened {
    Signed(Vec<u8>),
    Outcome(Outcome),
    Due,
}

impl Commands {
    /// For commands that verify with these keys. `anew` is told when the daemon is to begin anew.
    pub fn new(keys: Keys, own: Own, routes: Routes, anew: Arc<Notify>) -> Self {
        Self {
            keys,
            own,
            routes,
            anew,
            ledger: None,
            posted: BTreeMap::new(),
            untold: VecDeque::new(),
            answers: ANSWERS,
            reports: REPORTS,
            is_ending: false,
        }
    }

    /// Takes commands in until the store stops.
    pub async fn run(mut self, ends: Ends) {
        let Ends { incoming: Incoming { mut signed, mut outcomes }, .. } = ends;
        if let Err(StoreError::Stopped) = self.recall().await {
            return;
        }
        loop {
            let due = self.due();
            let happened = tokio::select! {
                Some(outcome) = outcomes.recv() => Happened::Outcome(outcome),
                Some(bytes) = signed.recv(), if !self.is_ending => Happened::Signed(bytes),
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => Happened::Due,
                else => return,
            };
            let done = match happened {
                Happened::Signed(bytes) => self.take(SignedCommand::from_bytes(bytes)).await,
                Happened::Outcome(outcome) => self.settle(outcome).await,
                Happened::Due => self.look_after_the_late().await,
            };
            if let Err(StoreError::Stopped) = done {
                return;
            }
        }
    }

    /// Takes up what the last life left: a disk that does not work yet is asked again at the next command.
    async fn recall(&mut self) -> Result<(), StoreError> {
        if self.ledger.is_some() {
            return Ok(());
        }
        let stored = self.own.store.commands().await?;
        let mut ledger = CommandLedger::default();
        for command in &stored {
            ledger.note_taken(command.claim, command.outcome.clone());
        }
        self.ledger = Some(ledger);
        for command in stored.into_iter().filter(|command| !command.outcome.stage.is_final()) {
            self.take_up(command).await?;
        }
        Ok(())
    }

    /// A command that was taken on in an earlier life, of which nobody knows how far it came.
    async fn take_up(&mut self, stored: StoredCommand) -> Result<(), StoreError> {
        let StoredCommand { claim, outcome, signed } = stored;
        let opened = signed.and_then(|signed| {
            let verified = self.keys.belief.command(&signed).ok()?;
            verified.open(&self.keys.open).ok()
        });
        let in_time = self.own.clocks.worth() != Trust::Unset && clock::wall() <= claim.expires;
        let is_own = outcome.device == DeviceId::gateway();
        match opened.filter(|command| in_time && (!is_own || Own::may_be_repeated(&command.action))) {
            Some(command) => self.carry_out(claim, command, true).await,
            None => {
                let note = "the gateway stopped while it was carried out: whether it was is not known";
                let stage = Stage::Refused(Cause::Interrupted);
                self.settle(Outcome { stage, note: BoundedText::cut(note), ..outcome }).await
            }
        }
    }

    async fn take(&mut self, signed: SignedCommand) -> Result<(), StoreError> {
        let verified = match self.keys.belief.command(&signed) {
            Ok(verified) => verified,
            Err(VerifyError::WrongGateway) => {
                return self.suspect("commands for another gateway", "a command for another gateway").await;
            }
            Err(error) => {
                let what = format!("a command that does not verify ({error})");
                return self.suspect("commands that did not verify", &what).await;
            }
        };
        let claim =
            Claim { number: verified.number(), hash: verified.hash(), expires: verified.validity().1 };
        if let Err(error) = self.recall().await {
            return self.refuse(claim.number, Cause::CannotRecord, &error.to_string()).await;
        }
        let Some(ledger) = &self.ledger else { return Ok(()) };
        let ruling = ledger.judge(&claim, clock::wall(), self.own.clocks.worth());
        if ruling.is_suspicious() {
            let (count, what) = suspicion(&ruling);
            self.suspect(count, &format!("{what} (number {})", claim.number)).await?;
        }
        match ruling {
            Ruling::TakeOn => self.take_on(claim, signed, &verified).await,
            Ruling::AnswerAgain(outcome) => self.answer(outcome).await,
            Ruling::Refuse(stage) => {
                let is_clock = stage == Stage::Refused(Cause::ClockUnset);
                let note = if is_clock { "does this home's network let NTP through?" } else { "" };
                self.answer(outcome(claim.number, DeviceId::gateway(), stage, note)).await
            }
            Ruling::Replay => Ok(()),
        }
    }

    async fn take_on(
        &mut self,
        claim: Claim,
        signed: SignedCommand,
        verified: &VerifiedCommand,
    ) -> Result<(), StoreError> {
        let command = match verified.open(&self.keys.open) {
            Ok(command) => command,
            Err(error) => return self.refuse(claim.number, Cause::CannotOpen, &error.to_string()).await,
        };
        let accepted = outcome(claim.number, command.device.clone(), Stage::Accepted, "");
        let step = CommandStep {
            taken_on: Some(TakenOn { claim, signed }),
            outcome: accepted.clone(),
            stamp: self.own.intake.stamp().await?,
        };
        if let Err(error) = self.own.store.step(step).await {
            return self.refuse(claim.number, Cause::CannotRecord, &error.to_string()).await;
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.note_taken(claim, accepted);
        }
        tracing::info!("command {}: {} for {}", claim.number, command.action.name(), command.device);
        self.carry_out(claim, command, false).await
    }

    async fn carry_out(&mut self, claim: Claim, command: Command, is_repeat: bool) -> Result<(), StoreError> {
        let Command { device, action } = command;
        let number = claim.number;
        let is_own = device == DeviceId::gateway() || matches!(action, Action::Supervise { .. });
        let carried: Carried = if is_own {
            self.own.carry_out(number, &device, &action, is_repeat).await
        } else {
            match self.routes.get(&device) {
                Some(Some(mailbox)) => {
                    if let Some(note) = elsewhere(&action) {
                        let stage = Stage::Refused(Cause::Invalid);
                        return self.settle(outcome(number, device, stage, &note)).await;
                    }
                    self.posted.insert(number, (claim.expires, Arc::clone(mailbox)));
                    let expires = Some(clock::when(claim.expires));
                    mailbox.post(Order { number, device, action, expires, is_repeat });
                    return Ok(());
                }
                Some(None) => {
                    (Stage::Refused(Cause::NotSupported), "this device only speaks".to_owned()).into()
                }
                None => (Stage::Refused(Cause::NoSuchDevice), String::new()).into(),
            }
        };
        self.settle(outcome(number, device, carried.stage, &carried.note)).await?;
        self.is_ending |= carried.begins_anew;
        self.begin_anew_once_told();
        Ok(())
    }

    /// While the disk does not work, entries lie in memory, and would be lost with this life.
    fn begin_anew_once_told(&self) {
        if self.is_ending && self.untold.is_empty() {
            self.anew.notify_one();
        }
    }

    /// Writes down how far a command came, and tells the hub. What the disk does not take waits.
    async fn settle(&mut self, outcome: Outcome) -> Result<(), StoreError> {
        if !self.ledger.as_ref().is_some_and(|ledger| ledger.is_news(&outcome)) {
            self.own.board.count("outcomes of commands that were known, or never given");
            return Ok(());
        }
        let stamp = self.own.intake.stamp().await?;
        let step = CommandStep { taken_on: None, outcome: outcome.clone(), stamp };
        match self.own.store.step(step).await {
            Ok(()) => {}
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(_) => {
                self.untold.push_back(outcome);
                return Ok(());
            }
        }
        if outcome.stage.is_final() {
            self.posted.remove(&outcome.number);
        }
        tracing::info!("command {}: {}", outcome.number, outcome.stage.name());
        if let Some(ledger) = &mut self.ledger {
            ledger.note_outcome(outcome);
        }
        Ok(())
    }

    /// When something is to be looked after, if at all.
    fn due(&self) -> Option<Duration> {
        let now = clock::wall().as_unix_millis();
        let late = self.posted.values().map(|(expires, _)| {
            let ms = expires.as_unix_millis().saturating_sub(now).saturating_add(1);
            Duration::from_millis(u64::try_from(ms).unwrap_or_default()).max(Duration::from_millis(100))
        });
        let retry = !self.untold.is_empty() || self.ledger.is_none();
        late.chain(retry.then_some(RETRY)).min()
    }

    /// Orders whose time is over before a line took them, and what the disk did not give or take.
    async fn look_after_the_late(&mut self) -> Result<(), StoreError> {
        if let Err(StoreError::Stopped) = self.recall().await {
            return Err(StoreError::Stopped);
        }
        for outcome in std::mem::take(&mut self.untold) {
            self.settle(outcome).await?;
        }
        self.begin_anew_once_told();
        let now = clock::wall();
        let late: Vec<_> = self.posted.extract_if(.., |_, (expires, _)| *expires < now).collect();
        for (number, (_, mailbox)) in late {
            let stage = match mailbox.withdraw(number) {
                Some(Withdrawn::Unseen) => Stage::Expired,
                Some(Withdrawn::Seen) => Stage::Refused(Cause::Unanswered),
                // A session has it, and tells; unless its line ends.
                None => {
                    let again = now.as_unix_millis().saturating_add(LOOK_AGAIN_MS);
                    self.posted.insert(number, (WallTime::from_unix_millis(again), mailbox));
                    continue;
                }
            };
            let Some(device) = self.ledger.as_ref().and_then(|ledger| ledger.device(number)) else {
                continue;
            };
            self.settle(outcome(number, device, stage, "")).await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, number: u64, cause: Cause, note: &str) -> Result<(), StoreError> {
        self.answer(outcome(number, DeviceId::gateway(), Stage::Refused(cause), note)).await
    }

    /// Tells the hub of a command that is not taken on now.
    async fn answer(&mut self, outcome: Outcome) -> Result<(), StoreError> {
        if self.answers.take(clock::now()).is_none() {
            self.own.board.count("commands that were not answered: too many");
            return Ok(());
        }
        self.own.intake.tell(Lane::Urgent, Content::Outcome(outcome)).await.map(drop)
    }

    /// Somebody sends what no honest hub sends.
    async fn suspect(&mut self, count: &'static str, what: &str) -> Result<(), StoreError> {
        self.own.board.count(count);
        let Some(held_back) = self.reports.take(clock::now()) else { return Ok(()) };
        tracing::warn!("refused {what}");
        let others = match held_back {
            0 => String::new(),
            others => format!("; {others} others since the last report"),
        };
        let says = |value| Observation::new(DeviceId::gateway(), Metric::GATEWAY, value);
        let text = format!("refused {what}{others}");
        let told = vec![says(Value::Event(Event::CommandRefused)), says(Value::Text(text))];
        self.own.intake.take(Reading::new(DeviceId::gateway(), told)).await.map(drop)
    }
}

/// Why a plan's times are not this home's.
fn elsewhere(action: &Action) -> Option<String> {
    let Action::Plan(plan) = action else { return None };
    home_zone::refusal(plan, &TimeZone::system(), clock::wall())
}

fn outcome(number: u64, device: DeviceId, stage: Stage, note: &str) -> Outcome {
    Outcome { number, device, stage, note: BoundedText::cut(note) }
}

/// What is counted, and what is said of it.
fn suspicion(ruling: &Ruling) -> (&'static str, &'static str) {
    match ruling {
        Ruling::Refuse(Stage::Expired) => ("commands out of date", "a command that is out of date"),
        Ruling::Refuse(_) => ("commands out of order", "a command that is out of order"),
        Ruling::TakeOn | Ruling::AnswerAgain(_) | Ruling::Replay => {
            ("commands replayed", "a command that was played back or forged")
        }
    }
}
