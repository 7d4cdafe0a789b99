//! The thread that hears signs of life. What it decides is in the database before it is told.
//!
//! A heartbeat counts only if it verifies, comes behind the last that counted, and is fresh: neither a recording nor one
//! that somebody held back keeps a dead gateway alive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as Clock};

use tokio::sync::watch;
use varde_wire::{GatewayId, Heartbeat, Instant, SignedHeartbeat, Trust, WallTime};

use super::judge::{Judge, Notice, Standing};
use crate::clock;
use crate::error::chain;
use crate::store::{Cause, GatewayRow, Hearing, Silence, Store, StoreError};

/// Between two looks, and two transactions.
const LOOK: Duration = Duration::from_millis(500);

/// How often the database is told that somebody hears, for those who ask it.
const REPORT: Duration = Duration::from_secs(20);

/// Signs that wait. What comes on top is let go: a gateway that lives sends more.
const MOST_WAITING: usize = 16 * 1024;

/// What is older than this by a clock that is right proves nothing any more, in milliseconds.
pub(crate) const FRESH_MS: u64 = 5 * 60 * 1000;

/// No more kinds of refusal than this are logged, whatever names strangers make up.
const MOST_TOLD: usize = 4096;

/// Something that a gateway may live by.
#[derive(Clone, Debug)]
pub(crate) enum Sign {
    /// What claims to be its heartbeat.
    Heartbeat(GatewayId, SignedHeartbeat),
    /// It made a batch just now, which is verified and stored.
    Batch(GatewayId),
}

/// Hands signs of life to the thread.
#[derive(Clone, Debug)]
pub(crate) struct Signs(SyncSender<Sign>);

impl Signs {
    /// A sign of life. Never waits.
    pub(crate) fn heard(&self, sign: Sign) {
        // Full, or the hub is stopping.
        let _ = self.0.try_send(sign);
    }
}

/// Signs of life, and where they are heard.
pub(crate) fn signs() -> (Signs, Receiver<Sign>) {
    let (sender, receiver) = sync_channel(MOST_WAITING);
    (Signs(sender), receiver)
}

/// The thread.
pub(crate) struct Watch {
    store: Store,
    judge: Judge,
    began: Clock,
    homes: HashMap<GatewayRow, Home>,
    /// Whether the lane on which heartbeats come is heard.
    is_up: watch::Receiver<bool>,
    hearing_since: Option<WallTime>,
    reported: Option<Clock>,
    unwritten: Unwritten,
    told: HashSet<(GatewayId, Cause)>,
}

/// What the thread knows of a gateway itself.
struct Home {
    id: GatewayId,
    /// The key under which its heartbeats have the places that are known.
    key: [u8; 8],
    place: Option<(u64, u64)>,
}

/// A heartbeat that counts, and whose it is; else why not, and whose it should be if that is known.
type Judged = Result<(GatewayRow, Heartbeat), (Option<GatewayRow>, Cause)>;

/// What is to be in the database, and is not yet.
#[derive(Default)]
struct Unwritten {
    signs: BTreeMap<GatewayRow, (WallTime, Option<Vec<u8>>)>,
    notices: Vec<(WallTime, Notice)>,
    /// How many of each kind, and when the last came.
    refused: HashMap<(Option<GatewayRow>, Cause), (u32, WallTime)>,
    hearing: bool,
}

impl Watch {
    /// Takes up what the database knows. Gateways are heard while `is_up`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) fn new(store: Store, is_up: watch::Receiver<bool>) -> Result<Self, StoreError> {
        let (mut judge, mut homes) = (Judge::default(), HashMap::new());
        for life in store.lives()? {
            let id: GatewayId = life.name.parse().map_err(|_| StoreError::Damaged("a gateway's name"))?;
            let Some(gateway) = store.gateway(&id)? else { continue };
            let place = life.heartbeat.as_ref().map(Heartbeat::place);
            homes.insert(life.gateway, Home { id, key: gateway.verifying.id(), place });
            let standing = match (life.silence, &life.heartbeat) {
                (Some(silence), _) => Standing::Silent { merged: silence.merged },
                (None, Some(heartbeat)) => Standing::of(heartbeat.state),
                (None, None) => continue,
            };
            let every_s = life.heartbeat.map_or(0, |heartbeat| heartbeat.every_s);
            judge.recall(life.gateway, every_s, standing);
        }
        store.forgo_sync()?;
        Ok(Self {
            store,
            judge,
            began: Clock::now(),
            homes,
            is_up,
            hearing_since: None,
            reported: None,
            unwritten: Unwritten::default(),
            told: HashSet::new(),
        })
    }

    /// Starts the thread, until `stop` says so.
    pub(crate) fn begin(
        self,
        signs: Receiver<Sign>,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<JoinHandle<()>> {
        thread::Builder::new().name("silence".to_owned()).spawn(move || self.run(&signs, &stop))
    }

    fn run(mut self, signs: &Receiver<Sign>, stop: &watch::Receiver<bool>) {
        let mut trouble = String::new();
        while !*stop.borrow() {
            match self.look(signs) {
                Ok(()) => trouble.clear(),
                // Said once, not at every look.
                Err(error) => {
                    let error = chain(&error);
                    if error != trouble {
                        tracing::warn!("signs of life are not kept: {error}");
                        trouble = error;
                    }
                }
            }
        }
        self.hear(None);
        if let Err(error) = self.write() {
            tracing::warn!("signs of life are not kept: {}", chain(&error));
        }
    }

    /// One look: what came since the last, whose time is over, and what follows from that.
    fn look(&mut self, signs: &Receiver<Sign>) -> Result<(), StoreError> {
        self.look_at_link();
        let mut taken = Ok(());
        let until = Clock::now() + LOOK;
        while let Some(left) = until.checked_duration_since(Clock::now()) {
            match signs.recv_timeout(left) {
                Ok(sign) => taken = taken.and(self.take(sign)),
                Err(RecvTimeoutError::Timeout) => break,
                // Nobody can send any more: the hub is stopping.
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(left);
                    break;
                }
            }
        }
        self.judge.handle_look(self.now());
        self.decide();
        taken.and(self.write())
    }

    fn look_at_link(&mut self) {
        // A link that came and went between two looks is another one.
        if self.is_up.has_changed().unwrap_or_default() {
            let is_up = *self.is_up.borrow_and_update();
            self.hear(is_up.then(clock::now));
        }
        if self.reported.is_none_or(|reported| reported.elapsed() > REPORT) {
            self.unwritten.hearing = true;
        }
    }

    fn hear(&mut self, since: Option<WallTime>) {
        self.hearing_since = since;
        self.unwritten.hearing = true;
        match since {
            Some(_) => self.judge.handle_hearing(self.now()),
            None => self.judge.handle_deaf(),
        }
    }

    fn take(&mut self, sign: Sign) -> Result<(), StoreError> {
        let (now, at) = (self.now(), clock::now());
        match sign {
            Sign::Batch(id) => {
                if let Some(gateway) = self.store.gateway(&id)? {
                    self.judge.handle_batch(gateway.row, now);
                    self.unwritten.signs.entry(gateway.row).or_insert((at, None)).0 = at;
                }
            }
            Sign::Heartbeat(id, signed) => match self.judge_heartbeat(&id, &signed, at)? {
                Ok((gateway, heartbeat)) => {
                    self.judge.handle_heartbeat(gateway, heartbeat.every_s, heartbeat.state, now);
                    // It was read from bytes of this form just now.
                    let bytes = heartbeat.encode().ok();
                    self.unwritten.signs.insert(gateway, (at, bytes));
                }
                Err((gateway, cause)) => {
                    let refused = self.unwritten.refused.entry((gateway, cause)).or_insert((0, at));
                    *refused = (refused.0.saturating_add(1), at);
                    self.tell(id, cause);
                }
            },
        }
        // What came behind it in the same look must find it decided.
        self.decide();
        Ok(())
    }

    /// Whether a heartbeat counts.
    fn judge_heartbeat(
        &mut self,
        id: &GatewayId,
        signed: &SignedHeartbeat,
        at: WallTime,
    ) -> Result<Judged, StoreError> {
        let Some(gateway) = self.store.gateway(id)? else { return Ok(Err((None, Cause::UnknownGateway))) };
        let (row, key) = (gateway.row, gateway.verifying.id());
        let refused = |cause| Ok(Err((Some(row), cause)));
        let heartbeat = match signed.verify(&gateway.verifying, id) {
            Ok(heartbeat) => heartbeat,
            Err(error) => return refused(Cause::of(&error)),
        };
        let home = self.homes.entry(row).or_insert_with(|| Home { id: id.clone(), key, place: None });
        // Enrolled anew, it begins anew.
        if home.key != key {
            (home.key, home.place) = (key, None);
        }
        if home.place.is_some_and(|place| heartbeat.place() <= place) {
            return refused(Cause::Replay);
        }
        if heartbeat.stamp.trust == Trust::Synchronised && is_stale(heartbeat.stamp.wall, at) {
            return refused(Cause::Late);
        }
        home.place = Some(heartbeat.place());
        Ok(Ok((row, heartbeat)))
    }

    /// Tells what was decided, and has it written.
    fn decide(&mut self) {
        while let Some(notice) = self.judge.poll_output() {
            self.announce(notice);
            self.unwritten.notices.push((clock::now(), notice));
        }
    }

    fn announce(&self, notice: Notice) {
        let name = |row: GatewayRow| self.homes.get(&row).map_or("", |home| home.id.as_str());
        match notice {
            Notice::Silent { gateway, after_stop: false, merged: false } => tracing::warn!(
                gateway = name(gateway),
                "gateway silent: three heartbeats did not come; has it power, and a network?"
            ),
            Notice::Silent { gateway, after_stop: true, .. } => tracing::warn!(
                gateway = name(gateway),
                "gateway silent: it was stopped as planned, and has not come back"
            ),
            Notice::StillSilent { gateway } => tracing::warn!(
                gateway = name(gateway),
                "gateway silent: most others are heard again, and this one is not; has it power, and a network?"
            ),
            Notice::Restored { gateway, merged: false } => {
                tracing::info!(gateway = name(gateway), "gateway restored: it is heard again");
            }
            Notice::ManySilent => tracing::warn!(
                "many gateways fell silent at once: look at the broker and the network first; 'varde-hub gateways --silent' lists them"
            ),
            Notice::ManyRestored => {
                tracing::info!("most of the gateways that fell silent at once are heard again");
            }
            // Told with the others.
            Notice::Silent { merged: true, .. } | Notice::Restored { merged: true, .. } => {}
        }
    }

    /// The log gets the first of each kind; the database counts all.
    fn tell(&mut self, gateway: GatewayId, cause: Cause) {
        if self.told.len() < MOST_TOLD && self.told.insert((gateway.clone(), cause)) {
            let cause = cause.name();
            tracing::warn!(%gateway, cause, "refused a heartbeat; 'varde-hub gateways' counts all like it");
        }
    }

    /// Everything that is new, in one transaction; kept for the next look where that fails.
    fn write(&mut self) -> Result<(), StoreError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        self.store.begin()?;
        let written =
            self.unwritten.write(&self.store, self.hearing_since).and_then(|()| self.store.commit());
        if let Err(error) = written {
            // Where even this fails, the next BEGIN does too and says so.
            let _ = self.store.roll_back();
            return Err(error);
        }
        if std::mem::take(&mut self.unwritten).hearing {
            self.reported = Some(Clock::now());
        }
        Ok(())
    }

    /// Since the thread began, as this machine's clock counts that nobody can set.
    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

impl Unwritten {
    fn is_empty(&self) -> bool {
        let Self { signs, notices, refused, hearing } = self;
        signs.is_empty() && notices.is_empty() && refused.is_empty() && !hearing
    }

    fn write(&self, store: &Store, hearing_since: Option<WallTime>) -> Result<(), StoreError> {
        for (gateway, (at, heartbeat)) in &self.signs {
            store.note_sign_of_life(*gateway, *at, heartbeat.as_deref())?;
        }
        for (at, notice) in &self.notices {
            match *notice {
                Notice::Silent { gateway, after_stop, merged } => {
                    store.note_silent(gateway, Silence { raised: *at, after_stop, merged })?;
                }
                Notice::Restored { gateway, .. } => store.note_restored(gateway, *at)?,
                Notice::StillSilent { gateway } => store.note_still_silent(gateway)?,
                Notice::ManySilent => store.note_many_silent(*at)?,
                Notice::ManyRestored => store.note_many_restored(*at)?,
            }
        }
        for ((gateway, cause), (count, at)) in &self.refused {
            store.note_refused_heartbeats(*gateway, *cause, *count, *at)?;
        }
        if self.hearing {
            store.note_hearing(&Hearing { since: hearing_since, looked: clock::now() })?;
        }
        Ok(())
    }
}

/// Whether what was made then proves nothing of now. A clock that is ahead is no reason to call anybody dead.
fn is_stale(made: WallTime, now: WallTime) -> bool {
    let age = now.as_unix_millis().saturating_sub(made.as_unix_millis());
    u64::try_from(age).is_ok_and(|age| age > FRESH_MS)
}
