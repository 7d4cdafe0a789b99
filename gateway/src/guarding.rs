//! The guard at work: told of everything that is heard and not heard, it says what alarms are raised, who is missing,
//! and what of a reading leaves the home.
//!
//! What it comes to and where it stands then are one [`Judged`]: committed in one transaction, in the order in which it
//! was judged. What a power cut takes was neither told nor remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use varde_core::alarm::{Feedback, Source, Told};
use varde_core::forwarding::{Fate, Tally};
use varde_core::guard::Output;
use varde_core::rules::Sign;
use varde_core::supervision::{Condition, LinkNumber};
use varde_core::{Admission, Admitted, Alarms, Forwarding, Guard, LifeClock, Now};
use varde_wire::{About, AlarmStep, Content, DeviceId, Instant, Lane, Observation, Record, Report, Stamp};

use crate::board::{Board, Fault};
use crate::clock::{self, Clocks};
use crate::config::Home;
use crate::store::{Handed, Judged, Part, Released, Reserved, Seat, StateSeal, Store, StoreError};

/// Where judgement stands is saved this often, whatever happens: after a restart the gateway is taken to have heard
/// nothing since, and rules have not counted. With less, a supply that flickers could put an alarm off for ever.
const SAVED_EVERY: Duration = Duration::from_mins(1);

/// A sign of a person moves judgement without anything being told. It is saved this soon: at once, where nothing was
/// saved just before.
const SAVED_AFTER_SIGN: Duration = Duration::from_secs(1);

/// What the person at home is to be shown: how the alarms stand of each who raised one.
pub type Shown = BTreeMap<Source, Feedback>;

/// The guard, and all it needs to be kept at work.
pub struct Guarding {
    judge: Mutex<Judge>,
    clocks: Arc<Clocks>,
    store: Store,
    board: Arc<Board>,
    /// Something is due at another time than before.
    replanned: Notify,
    aftermaths: mpsc::UnboundedSender<Aftermath>,
    shown: watch::Sender<Shown>,
}

/// What comes after a judgement that was handed over.
pub struct Aftermaths(mpsc::UnboundedReceiver<Aftermath>);

struct Judge {
    admission: Admission,
    guard: Guard,
    tally: Tally,
    forwarding: HashMap<DeviceId, Forwarding>,
    life: LifeClock,
    seal: StateSeal,
    /// When it was saved last; nothing where that is to be done now.
    saved: Option<Instant>,
    /// Since it was saved a sign moved it.
    moved: bool,
}

/// What is to be done when it is known where the records are.
struct Aftermath {
    seated: oneshot::Receiver<Seat>,
    announced: Vec<(u64, u32)>,
    shown: Shown,
}

/// What became of a reading.
pub enum Taken {
    /// It was an exact repeat.
    Repeated,
    /// Nothing of it leaves the home.
    Withheld,
    /// It is on its way.
    HandedOver(oneshot::Receiver<()>),
    /// It has time.
    Routine(Vec<Observation>),
}

impl Guarding {
    /// Takes up where the last life left off. A disk that does not work is no reason not to guard.
    pub async fn begin(
        home: Home,
        seal: StateSeal,
        store: Store,
        clocks: Arc<Clocks>,
        board: Arc<Board>,
    ) -> (Self, Aftermaths) {
        let guard = recall(&store, &seal, Part::Guard).await;
        let life = recall(&store, &seal, Part::Life).await;
        let tally = recall(&store, &seal, Part::Tally).await;
        let life = LifeClock::resume(&life, &clocks.stamp_only());
        let now = Now { at: life.life(clock::now()), home: clocks.home_clock() };
        let judge = Judge {
            admission: Admission::default(),
            guard: Guard::restore(home.household, &guard, life.alive_until(), now),
            tally: Tally::restore(&tally, now),
            forwarding: home.forwarding,
            life,
            seal,
            saved: None,
            moved: true,
        };
        let (aftermaths, after) = mpsc::unbounded_channel();
        let (shown, _) = watch::channel(judge.shown());
        let (judge, replanned) = (Mutex::new(judge), Notify::new());
        let guarding = Self { judge, clocks, store, board, replanned, aftermaths, shown };
        guarding.tell_board(&guarding.judge());
        (guarding, Aftermaths(after))
    }

    /// Judges the observations of one reading, and hands over what is urgent of it. `admitted` sees all of it that is no
    /// repeat, and `content` makes a record's content of what leaves the home.
    pub fn take(
        &self,
        observations: Vec<Observation>,
        rssi_dbm: Option<i8>,
        reserved: Reserved<'_>,
        stamp: Stamp,
        content: impl Fn(Observation) -> Content,
        admitted: impl Fn(&[Observation]),
    ) -> Taken {
        let mut judge = self.judge();
        let (now, due) = (judge.now(&self.clocks), judge.due());
        if let Some(first) = observations.first().filter(|first| first.device != DeviceId::gateway()) {
            judge.guard.handle_heard(&first.device, rssi_dbm, now);
        }
        let reading = judge.admission.admit(observations, clock::now());
        self.board.set_count("exact repeats dropped", judge.admission.repeated());
        let repeated = reading.is_none();
        reading.as_deref().into_iter().for_each(admitted);
        let kept =
            reading.into_iter().flatten().filter(|observation| judge.judge(observation, now)).collect();
        let Admitted { lane, observations } = judge.admission.send(kept);
        let withheld = observations.is_empty();
        let (urgent, routine) = match lane {
            Lane::Urgent => (observations, Vec::new()),
            Lane::Routine => (Vec::new(), observations),
        };
        let records = urgent.into_iter().map(|observation| Record { stamp, content: content(observation) });
        let committed = self.hand_over(&mut judge, reserved, stamp, records.collect());
        if judge.due() < due {
            self.replanned.notify_one();
        }
        match committed {
            _ if repeated => Taken::Repeated,
            _ if withheld => Taken::Withheld,
            Some(committed) if routine.is_empty() => Taken::HandedOver(committed),
            _ => Taken::Routine(routine),
        }
    }

    /// A device was heard, whatever it said.
    pub fn heard(&self, device: &DeviceId) {
        self.tell(|guard, now| guard.handle_heard(device, None, now));
    }

    /// A link hears, or cannot.
    pub fn link(&self, link: LinkNumber, hears: bool) {
        self.tell(|guard, now| {
            if hears {
                guard.handle_link_up(link, now);
            } else {
                guard.handle_link_down(link, now);
            }
        });
    }

    /// The device measured somebody whom the roster knows, or does not.
    pub fn user(&self, device: &DeviceId, is_known: bool) {
        self.tell(|guard, now| guard.handle_condition(device, Condition::UserKnown(is_known), now));
    }

    /// Somebody says something of alarms, or of a visit. Gives whether it meant anything; it is kept when this returns.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn say(&self, say: impl FnOnce(&mut Alarms, Now)) -> Result<bool, StoreError> {
        self.change(|judge, now| {
            let strange = judge.guard.alarms().strange();
            judge.guard.handle_alarms(now, |alarms| say(alarms, now));
            judge.guard.alarms().strange() == strange
        })
        .await
    }

    /// The hub wants a device heard so often. Gives whether there is such a device; it is kept when this returns.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn wish(&self, device: &DeviceId, every: Option<Duration>) -> Result<bool, StoreError> {
        self.change(|judge, now| judge.guard.handle_wish(device, every, now)).await
    }

    /// What the person at home is to be shown: only what is kept.
    pub fn shown(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }

    /// Keeps time for the guard, and tells it what receipts say, until the store stops.
    pub async fn run(self: Arc<Self>, Aftermaths(mut aftermaths): Aftermaths) {
        let mut released = self.store.released();
        // In the order in which they were judged: what is shown last is how it stands.
        let mut waiting = FuturesOrdered::new();
        let mut seated: Vec<(Seat, Vec<(u64, u32)>)> = Vec::new();
        loop {
            let due = self.judge().due();
            tokio::select! {
                Some(aftermath) = aftermaths.recv() => {
                    let Aftermath { seated, announced, shown } = aftermath;
                    waiting.push_back(async move { (seated.await, announced, shown) });
                    continue;
                }
                Some((seat, announced, shown)) = waiting.next() => {
                    self.shown.send_if_modified(|before| std::mem::replace(before, shown.clone()) != shown);
                    seated.extend(seat.ok().filter(|_| !announced.is_empty()).map(|seat| (seat, announced)));
                }
                Ok(()) = released.changed() => {}
                () = tokio::time::sleep(due.since(clock::now())) => {}
                () = self.replanned.notified() => {}
            }
            let received = received(&mut seated, &released.borrow_and_update());
            let passed = self.change(|judge, now| {
                judge.guard.handle_timeout(now);
                judge.tally.handle_timeout(now);
                judge.guard.handle_alarms(now, |alarms| {
                    received.iter().for_each(|(alarm, number)| alarms.handle_received(*alarm, *number, now));
                });
            });
            if passed.await.is_err() {
                return;
            }
        }
    }

    /// Keeps where judgement stands, before the gateway stops.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn save(&self) -> Result<(), StoreError> {
        self.change(|judge, _| judge.saved = None).await
    }

    /// Tells the guard something. What comes of it is kept by [`Self::run`].
    fn tell(&self, tell: impl FnOnce(&mut Guard, Now)) {
        let mut judge = self.judge();
        let (now, due) = (judge.now(&self.clocks), judge.due());
        tell(&mut judge.guard, now);
        if judge.due() < due || judge.guard.has_output() {
            self.replanned.notify_one();
        }
    }

    async fn change<T>(&self, change: impl FnOnce(&mut Judge, Now) -> T) -> Result<T, StoreError> {
        let stamp = self.clocks.stamp_only();
        let reserved = self.store.reserve().await?;
        let (changed, committed) = {
            let mut judge = self.judge();
            let now = judge.now(&self.clocks);
            let changed = change(&mut judge, now);
            (changed, self.hand_over(&mut judge, reserved, stamp, Vec::new()))
        };
        if let Some(committed) = committed {
            // Where the disk does not take it, it goes out from memory.
            let _ = committed.await;
        }
        Ok(changed)
    }

    /// Hands over what the guard came to, with where it stands then, where there is anything to be kept now.
    fn hand_over(
        &self,
        judge: &mut Judge,
        reserved: Reserved<'_>,
        stamp: Stamp,
        urgent: Vec<Record>,
    ) -> Option<oneshot::Receiver<()>> {
        let mut judged = Judged { urgent, ..Judged::default() };
        let announced = judge.drain(stamp, &mut judged);
        if !judged.urgent.is_empty() || !judged.routine.is_empty() || judge.save_due() <= clock::now() {
            match judge.save(&self.clocks) {
                Ok(state) => judged.state = state,
                Err(error) => self.board.fault(Fault::Seal, error),
            }
        }
        if judged.urgent.is_empty() && judged.routine.is_empty() && judged.state.is_empty() {
            return None;
        }
        self.tell_board(judge);
        let has_urgent = !judged.urgent.is_empty();
        let Handed { committed, seated } = reserved.send(judged);
        if has_urgent {
            // It fails only where the gateway is stopping.
            let _ = self.aftermaths.send(Aftermath { seated, announced, shown: judge.shown() });
        }
        Some(committed)
    }

    fn tell_board(&self, judge: &Judge) {
        let supervision = judge.guard.supervision();
        self.board.guard(judge.guard.alarms().open(), |device| supervision.is_missing(device));
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        // The guard is whole after every step, so a panic elsewhere does not spoil it.
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Judge {
    fn now(&self, clocks: &Clocks) -> Now {
        Now { at: self.life.life(clock::now()), home: clocks.home_clock() }
    }

    /// Judges an observation. Gives whether it leaves the home.
    fn judge(&mut self, observation: &Observation, now: Now) -> bool {
        self.moved |= Sign::of(observation).is_some() || Condition::of(observation).is_some();
        self.guard.handle_observation(observation, None, now);
        let policy = self.forwarding.get(&observation.device).copied();
        match policy.unwrap_or_else(|| Forwarding::default_for(observation.metric)).fate(observation) {
            Fate::Forward => true,
            Fate::Count => {
                self.tally.handle_counted(observation, now);
                self.moved = true;
                false
            }
            Fate::Forget => false,
        }
    }

    /// When something is to be done, in uptime.
    fn due(&self) -> Instant {
        let dues = [self.guard.poll_timeout(), self.tally.poll_timeout()];
        let due = dues.into_iter().flatten().map(|life| self.life.uptime(life)).min();
        due.map_or(self.save_due(), |due| due.min(self.save_due()))
    }

    fn save_due(&self) -> Instant {
        let wait = if self.moved { SAVED_AFTER_SIGN } else { SAVED_EVERY };
        self.saved.map(|saved| saved.after(wait)).unwrap_or_default()
    }

    fn save(&mut self, clocks: &Clocks) -> Result<Vec<(Part, Vec<u8>)>, StoreError> {
        self.saved = Some(clock::now());
        self.moved = false;
        let parts = [
            (Part::Guard, self.guard.snapshot()),
            (Part::Life, self.life.mark(&clocks.stamp_only())),
            (Part::Tally, self.tally.snapshot()),
        ];
        parts.into_iter().map(|(part, bytes)| Ok((part, self.seal.seal(part, &bytes)?))).collect()
    }

    /// How the alarms stand; of several of one source, the most pressing.
    fn shown(&self) -> Shown {
        let mut shown = Shown::new();
        for (source, feedback) in self.guard.alarms().feedback() {
            let before = shown.entry(source.clone()).or_insert(feedback);
            *before = feedback.max(*before);
        }
        shown
    }

    /// What the guard came to, as records; gives the announcements among them.
    fn drain(&mut self, stamp: Stamp, judged: &mut Judged) -> Vec<(u64, u32)> {
        let now = self.life.life(stamp.uptime);
        let mut announced = Vec::new();
        let record = |report| Record { stamp, content: Content::Report(report) };
        while let Some(output) = self.guard.poll_output() {
            log(&output);
            if let Output::Alarm(Told::Alarm(news)) = &output
                && let AlarmStep::Announced { number } = news.step
            {
                announced.push((news.alarm, number));
            }
            let records = output.reports(now).into_iter().map(record);
            match output.lane() {
                Lane::Urgent => judged.urgent.extend(records),
                Lane::Routine => judged.routine.extend(records),
            }
        }
        let counts = std::iter::from_fn(|| self.tally.poll_output());
        let counts = counts.map(|count| record(Report { age_ms: 0, about: About::Count(count) }));
        judged.routine.extend(counts);
        announced
    }
}

/// Says in the log that something came about, and nothing of whom or what.
fn log(output: &Output) {
    match output {
        Output::Alarm(Told::Alarm(news)) => {
            tracing::debug!("alarm {}: {}", news.alarm, news.step.name());
        }
        Output::Alarm(Told::Visit(visit)) => tracing::debug!("visit: {}", visit.step.name()),
        Output::Finding(_) | Output::Judgement(_) => {}
    }
}

/// The announcements whose receipts have come. Those whose outbox was replaced are announced again in any case.
fn received(seated: &mut Vec<(Seat, Vec<(u64, u32)>)>, released: &Released) -> Vec<(u64, u32)> {
    let mut received = Vec::new();
    seated.retain_mut(|(seat, announced)| match released.covers(seat) {
        Some(true) => {
            received.append(announced);
            false
        }
        Some(false) => true,
        None => false,
    });
    received
}

/// What was kept of this part; nothing where there is nothing, or nothing that can be read.
async fn recall(store: &Store, seal: &StateSeal, part: Part) -> Vec<u8> {
    let kept = match store.state(part).await {
        Ok(Some(sealed)) => seal.open(part, &sealed).map_err(StoreError::from),
        Ok(None) => return Vec::new(),
        Err(error) => Err(error),
    };
    kept.unwrap_or_else(|error| {
        tracing::warn!("which alarms were open before cannot be read: {error}");
        Vec::new()
    })
}
