//! From a device's words to the store: admitted, stamped, handed over.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use varde_core::Admission;
use varde_drivers::{ClockChange, HomeTime, Reading};
use varde_wire::{Content, Context, DeviceId, Lane, Metric, Observation, Record, Stamp, Unit, Value};

use crate::board::Board;
use crate::clock::{self, Clocks};
use crate::config::Whose;
use crate::store::{Memory, Store, StoreError};
use crate::watch::Sighting;

/// The one door to the store.
pub struct Intake {
    admission: Mutex<Admission>,
    clocks: Arc<Clocks>,
    store: Store,
    board: Arc<Board>,
    whose: Whose,
    watchers: broadcast::Sender<Sighting>,
}

/// Observations that wait for a slow watcher before it loses the oldest.
const WATCHED: usize = 256;

impl Intake {
    /// A door to this store.
    pub fn new(clocks: Arc<Clocks>, store: Store, board: Arc<Board>, whose: Whose) -> Self {
        let (watchers, _) = broadcast::channel(WATCHED);
        Self { admission: Mutex::default(), clocks, store, board, whose, watchers }
    }

    /// Takes the observations of one reading. Gives what fires when they are committed; nothing where they were
    /// an exact repeat of what is there already.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn take(
        &self,
        reading: Reading,
    ) -> Result<Option<tokio::sync::oneshot::Receiver<()>>, StoreError> {
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
    ) -> Result<Option<tokio::sync::oneshot::Receiver<()>>, StoreError> {
        let Reading { observations, context, .. } = reading;
        let admitted = {
            let mut admission = self.admission.lock().unwrap_or_else(PoisonError::into_inner);
            let admitted = admission.admit(observations, clock::now());
            self.board.set_count("exact repeats dropped", admission.repeated());
            admitted
        };
        let Some(admitted) = admitted else {
            if let Some(memory) = memory {
                self.store.remember(memory).await?;
            }
            return Ok(None);
        };
        for observation in &admitted.observations {
            self.note(observation);
        }
        self.show(&admitted.observations);
        let in_context = |observation: Observation| {
            let person = self.whose.person(&observation).cloned();
            Content::observation(observation, Context { person, ..context.clone() })
        };
        let contents = admitted.observations.into_iter().map(in_context).collect();
        self.hand_over(admitted.lane, contents, memory).await.map(Some)
    }

    /// What is admitted from now on.
    pub fn watch(&self) -> broadcast::Receiver<Sighting> {
        self.watchers.subscribe()
    }

    /// The time of day in the home, where the gateway's clock is right, and its next change where one is known.
    pub fn home_time(&self) -> Option<(HomeTime, Option<ClockChange>)> {
        self.clocks.home_time()
    }

    /// What the driver of a device kept before.
    pub async fn recall(&self, device: &DeviceId) -> Option<Vec<u8>> {
        self.store.recall(device).await
    }

    /// Keeps what a driver wants to know after a restart, as soon as all is kept that was taken before.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn remember(&self, memory: Memory) -> Result<(), StoreError> {
        self.store.remember(memory).await
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
    pub async fn tell(
        &self,
        lane: Lane,
        content: Content,
    ) -> Result<tokio::sync::oneshot::Receiver<()>, StoreError> {
        self.hand_over(lane, vec![content], None).await
    }

    async fn hand_over(
        &self,
        lane: Lane,
        contents: Vec<Content>,
        memory: Option<Memory>,
    ) -> Result<tokio::sync::oneshot::Receiver<()>, StoreError> {
        let stamp = self.stamp().await?;
        let records: Vec<Record> = contents.into_iter().map(|content| Record { stamp, content }).collect();
        self.store.append_and_remember(lane, records, memory).await
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
