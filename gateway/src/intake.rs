//! From a device's words to the store: admitted, stamped, handed over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, oneshot};
use varde_core::supervision::LinkNumber;
use varde_drivers::{ClockChange, HomeTime, Reading};
use varde_wire::{Content, Context, DeviceId, Lane, Metric, Observation, Record, Stamp, Unit, Value};

use crate::board::{Board, Fault};
use crate::clock::{self, Clocks};
use crate::config::Whose;
use crate::guarding::{Guarding, Taken};
use crate::store::{Memory, StateSeal, Store, StoreError};
use crate::watch::Sighting;

/// The one door to the store.
pub struct Intake {
    guarding: Arc<Guarding>,
    clocks: Arc<Clocks>,
    store: Store,
    seal: Mutex<StateSeal>,
    board: Arc<Board>,
    whose: Whose,
    watchers: broadcast::Sender<Sighting>,
}

/// Observations that wait for a slow watcher before it loses the oldest.
const WATCHED: usize = 256;

impl Intake {
    /// A door to this store; what drivers remember is sealed in it.
    pub fn new(
        guarding: Arc<Guarding>,
        clocks: Arc<Clocks>,
        (store, seal): (Store, StateSeal),
        board: Arc<Board>,
        whose: Whose,
    ) -> Self {
        let (watchers, _) = broadcast::channel(WATCHED);
        Self { guarding, clocks, store, seal: Mutex::new(seal), board, whose, watchers }
    }

    /// Takes the observations of one reading. Gives what fires when they are committed; nothing where they were
    /// an exact repeat of what is there already.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn take(&self, reading: Reading) -> Result<Option<oneshot::Receiver<()>>, StoreError> {
        self.take_and_remember(reading, None).await
    }

    /// The same, with what the driver wants to remember of it: both are kept together, or not at all.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn take_and_remember(
        &self,
        reading: Reading,
        memory: Option<Memory>,
    ) -> Result<Option<oneshot::Receiver<()>>, StoreError> {
        let memory = memory.and_then(|memory| self.sealed(memory));
        let Reading { observations, context, .. } = reading;
        let rssi = context.rssi_dbm;
        let content = |observation: Observation| {
            let person = self.whose.person(&observation).cloned();
            Content::observation(observation, Context { person, ..context.clone() })
        };
        for observation in &observations {
            if let Some(is_known) = self.whose.knows_user(observation) {
                self.guarding.user(&observation.device, is_known);
            }
        }
        let (stamp, reserved) = (self.stamp().await?, self.store.reserve().await?);
        let admitted = |observations: &[Observation]| {
            observations.iter().for_each(|observation| self.note(observation));
            self.show(observations);
        };
        let routine = match self.guarding.take(observations, rssi, reserved, stamp, content, admitted) {
            Taken::HandedOver(committed) => {
                // Behind the routine records that it speaks of too, which may wait to be committed.
                if let Some(memory) = memory {
                    self.store.remember(memory).await?;
                }
                return Ok(Some(committed));
            }
            Taken::Routine(observations) => observations,
            Taken::Withheld if memory.is_none() => return Ok(Some(done())),
            Taken::Repeated if memory.is_none() => return Ok(None),
            Taken::Withheld | Taken::Repeated => Vec::new(),
        };
        let records = routine.into_iter().map(|observation| Record { stamp, content: content(observation) });
        let committed = self.store.append_and_remember(Lane::Routine, records.collect(), memory).await?;
        Ok(Some(committed))
    }

    /// A device was heard, and said nothing that is kept.
    pub fn heard(&self, device: &DeviceId) {
        self.board.device(device, |state| state.last_heard = Some(clock::wall()));
        self.guarding.heard(device);
    }

    /// A link hears, or cannot.
    pub fn link(&self, link: LinkNumber, hears: bool) {
        self.guarding.link(link, hears);
    }

    /// What is admitted from now on.
    pub fn watch(&self) -> broadcast::Receiver<Sighting> {
        self.watchers.subscribe()
    }

    /// The time of day in the home, where the gateway's clock is right, and its next change where one is known.
    pub fn home_time(&self) -> Option<(HomeTime, Option<ClockChange>)> {
        self.clocks.home_time()
    }

    /// What the driver of a device kept before, where it can be opened.
    pub async fn recall(&self, device: &DeviceId) -> Option<Vec<u8>> {
        let sealed = self.store.recall(device).await?;
        let opened = self.seal().open_memory(device, &sealed);
        let begins_anew = "its driver begins anew (expected once after an update, or with new credentials)";
        opened.inspect_err(|error| tracing::warn!("what was kept of {device}: {error}; {begins_anew}")).ok()
    }

    /// Keeps what a driver wants to know after a restart, as soon as all is kept that was taken before.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn remember(&self, memory: Memory) -> Result<(), StoreError> {
        match self.sealed(memory) {
            Some(memory) => self.store.remember(memory).await,
            None => Ok(()),
        }
    }

    /// What a [`Memory`] of readings that are taken from now on needs to say of the store.
    pub fn losses(&self) -> u64 {
        self.store.losses()
    }

    /// Looks at the clock without a reading: an anchor must not wait for one.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn look_at_clock(&self) -> Result<(), StoreError> {
        self.stamp().await.map(drop)
    }

    /// A stamp for something made now; an anchor goes into the store before it where the clock has just become right.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn stamp(&self) -> Result<Stamp, StoreError> {
        let (stamp, anchor) = self.clocks.stamp();
        if let Some((stamp, anchor)) = anchor {
            tracing::info!("the clock is right, and was moved by {} ms", anchor.moved_ms);
            let record = Record { stamp, content: Content::Anchor(anchor) };
            self.store.append(Lane::Routine, vec![record]).await?;
        }
        Ok(stamp)
    }

    /// Tells the hub something that is no reading. Gives what fires when it is committed.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn tell(&self, lane: Lane, content: Content) -> Result<oneshot::Receiver<()>, StoreError> {
        let stamp = self.stamp().await?;
        self.store.append(lane, vec![Record { stamp, content }]).await
    }

    /// What drivers remember, as it may touch the disk. Where it cannot be sealed, the older memory stays: things are told
    /// twice after a restart rather than read by anybody.
    fn sealed(&self, memory: Memory) -> Option<Memory> {
        match self.seal().seal_memory(&memory.device, &memory.bytes) {
            Ok(bytes) => Some(Memory { bytes, ..memory }),
            Err(error) => {
                self.board.fault(Fault::Seal, error);
                None
            }
        }
    }

    fn seal(&self) -> MutexGuard<'_, StateSeal> {
        // An epoch that a panic took away is begun anew.
        self.seal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what was admitted to those who watch; costs nothing where nobody does.
    fn show(&self, observations: &[Observation]) {
        if self.watchers.receiver_count() == 0 {
            return;
        }
        let at = clock::wall();
        for observation in observations {
            // The last of them may have gone meanwhile.
            let _ = self.watchers.send(Sighting { at, observation: observation.clone() });
        }
    }

    /// Keeps on the board what a technician asks for first; no measured value.
    fn note(&self, observation: &Observation) {
        if observation.device == DeviceId::gateway() {
            return;
        }
        self.board.device(&observation.device, |device| {
            device.observations += 1;
            device.last_heard = Some(clock::wall());
            if let (Metric::BATTERY, Some(Unit::Percent), Value::Decimal(charge)) =
                (observation.metric, observation.unit, &observation.value)
            {
                device.battery_percent = u8::try_from(charge.mantissa).ok();
            }
        });
    }
}

/// Of what is not to be kept, nothing has to be waited for.
fn done() -> oneshot::Receiver<()> {
    let (done, receiver) = oneshot::channel();
    // Its receiver is right here.
    let _ = done.send(());
    receiver
}
