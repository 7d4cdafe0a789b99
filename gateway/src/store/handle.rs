//! The store's handle: what other tasks ask of the writer's thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use varde_core::Dispatch;
use varde_wire::{DeviceId, Hash, Lane, Record, SignedBatch, WallTime};

use super::commands::{CommandStep, StoredCommand};
use super::state::{Judged, Part, Released, Seat};
use super::writer::Writer;
use super::{Identity, StoreError};
use crate::board::Board;

/// How the store is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The outbox's file.
    pub path: PathBuf,
    /// How long routine records wait for others before they are committed together.
    pub commit_window: Duration,
    /// The largest size of the file.
    pub max_size_bytes: u64,
}

/// Where entries wait: one delivery each, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Urgent entries that the disk did not take.
    Memory,
    /// Urgent entries.
    Urgent,
    /// Routine entries.
    Routine,
}

impl Queue {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Urgent, Self::Routine];

    /// The lane it sends in.
    pub const fn lane(self) -> Lane {
        match self {
            Self::Memory | Self::Urgent => Lane::Urgent,
            Self::Routine => Lane::Routine,
        }
    }
}

/// How much is where, for [`crate::snapshot`] and for a delivery's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Where its chain stands.
    pub dispatch: Dispatch,
    /// Entries ever committed.
    pub committed: u64,
    /// Entries in batches that wait for a receipt.
    pub in_batches: u64,
    /// Entries that a receipt freed.
    pub released: u64,
    /// When the oldest entry without a receipt was made.
    pub oldest_made: Option<WallTime>,
    /// Whether one of them was in the outbox when this life opened it.
    pub older_wait: bool,
}

/// How much is where, by [`Queue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depths {
    /// In the order of [`Queue::ALL`]. The disk's are missing while its file cannot be opened.
    pub queues: [Option<Depth>; 3],
    /// Bytes in the outbox.
    pub size_bytes: u64,
}

impl Depths {
    /// Whether entries wait, or may wait, that were in the outbox when this life opened it.
    pub fn older_wait(&self) -> bool {
        self.queues.iter().any(|queue| queue.is_none_or(|depth| depth.older_wait))
    }
}

/// What the driver of a device wants to know after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The device.
    pub device: DeviceId,
    /// What its driver wrote; it replaces what was kept before.
    pub bytes: Vec<u8>,
    /// What [`Store::losses`] gave before the first of the records was handed over that it speaks of.
    pub losses: u64,
}

/// Records on their way in, what is remembered of them, and who wants to know when they are committed.
pub(super) struct Append {
    pub(super) records: Vec<Record>,
    pub(super) memory: Option<Memory>,
    pub(super) committed: oneshot::Sender<()>,
}

/// What was judged, on its way in, and who wants to know what became of it.
pub(super) struct Judgement {
    pub(super) judged: Judged,
    pub(super) committed: oneshot::Sender<()>,
    pub(super) seated: oneshot::Sender<Seat>,
}

/// What became of what was judged.
pub struct Handed {
    /// Fires when it is on the disk; fails if it is not, and then what is urgent is on its way from memory.
    pub committed: oneshot::Receiver<()>,
    /// Where its urgent records are, on the disk or in memory; fails if there are none.
    pub seated: oneshot::Receiver<Seat>,
}

/// Room for one judgement, so that it can be handed over in the moment it is made: judgements are kept in the order in
/// which they were made.
pub struct Reserved<'s>(mpsc::Permit<'s, Judgement>);

impl Reserved<'_> {
    /// Hands it over.
    pub fn send(self, judged: Judged) -> Handed {
        let (committed, committed_rx) = oneshot::channel();
        let (seated, seated_rx) = oneshot::channel();
        self.0.send(Judgement { judged, committed, seated });
        Handed { committed: committed_rx, seated: seated_rx }
    }
}

/// Everything else that is asked of the writer.
pub(super) enum Control {
    Fetch { queue: Queue, number: u64, only_full: bool, at_most: usize, reply: Reply<Option<SignedBatch>> },
    Release { queue: Queue, number: u64, hash: Hash, reply: Reply<u64> },
    Restart { queue: Queue, number: u64, hash: Hash, through: u64, reply: Reply<Dispatch> },
    Depths { reply: Reply<Depths> },
    Trusted { time: WallTime },
    Recall { device: DeviceId, reply: Reply<Option<Vec<u8>>> },
    State { part: Part, reply: Reply<Option<Vec<u8>>> },
    RememberOnly { roster: Vec<DeviceId> },
    Step { step: Box<CommandStep>, reply: Reply<()> },
    Commands { reply: Reply<Vec<StoredCommand>> },
    Tidy,
    Corrupt { what: String },
    Stop { reply: Reply<()> },
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// The store's handle. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    urgent: mpsc::Sender<Judgement>,
    routine: mpsc::Sender<Append>,
    control: mpsc::Sender<Control>,
    told: Told,
}

/// What the writer tells whoever looks.
#[derive(Clone, Default)]
pub(super) struct Told {
    /// Entries were committed, or the disk works again.
    pub(super) committed: Arc<Notify>,
    /// How often the disk's outbox was opened.
    pub(super) generation: Arc<AtomicU64>,
    /// How often records were not committed to the disk that had been handed over.
    pub(super) losses: Arc<AtomicU64>,
    /// What receipts have freed.
    pub(super) released: Arc<watch::Sender<Released>>,
}

impl Store {
    /// Starts the writer. Gives the last trusted time of earlier boots with it.
    ///
    /// # Errors
    /// Where starting would do harm: the file is another gateway's, a newer program's, or in use. A disk that
    /// does not work is none: it is a fault on the board, and tried again.
    pub fn start(
        options: Options,
        identity: Identity,
        board: Arc<Board>,
    ) -> Result<(Self, Option<WallTime>), StoreError> {
        let (urgent, urgent_rx) = mpsc::channel(256);
        let (routine, routine_rx) = mpsc::channel(256);
        let (control, control_rx) = mpsc::channel(64);
        let told = Told::default();
        let writer = Writer::open(options, identity, board, told.clone())?;
        let last_trusted = writer.last_trusted();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| StoreError::Database(e.to_string()))?;
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || runtime.block_on(writer.run(urgent_rx, routine_rx, control_rx)))
            .map_err(|e| StoreError::Database(e.to_string()))?;
        Ok((Self { urgent, routine, control, told }, last_trusted))
    }

    /// Hands records over to be committed in this lane. The receiver fires once they are; it fails if they were
    /// not, and then urgent ones are on their way from memory, routine ones counted in a gap. Waits while the
    /// writer is behind.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn append(
        &self,
        lane: Lane,
        records: Vec<Record>,
    ) -> Result<oneshot::Receiver<()>, StoreError> {
        self.append_and_remember(lane, records, None).await
    }

    /// The same, with what is to be remembered of these records and those before. It is committed with them, or later,
    /// and never before or without any of them.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn append_and_remember(
        &self,
        lane: Lane,
        records: Vec<Record>,
        memory: Option<Memory>,
    ) -> Result<oneshot::Receiver<()>, StoreError> {
        match lane {
            Lane::Urgent => {
                let judged = Judged { urgent: records, ..Judged::default() };
                let handed = self.reserve().await?.send(judged);
                // Behind the routine records that it speaks of too, which may wait to be committed.
                if let Some(memory) = memory {
                    self.remember(memory).await?;
                }
                Ok(handed.committed)
            }
            Lane::Routine => {
                let (committed, receiver) = oneshot::channel();
                send(&self.routine, Append { records, memory, committed }).await?;
                Ok(receiver)
            }
        }
    }

    /// Waits for room for one judgement.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn reserve(&self) -> Result<Reserved<'_>, StoreError> {
        self.urgent.reserve().await.map(Reserved).map_err(|_| StoreError::Stopped)
    }

    /// What receipts have freed, from now on.
    pub fn released(&self) -> watch::Receiver<Released> {
        self.told.released.subscribe()
    }

    /// Where judgement stood last; nothing where it never stood anywhere.
    ///
    /// # Errors
    /// Where it cannot be read now.
    pub async fn state(&self, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|reply| Control::State { part, reply }).await
    }

    /// Remembers this, as soon as all records are committed that were handed over before.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn remember(&self, memory: Memory) -> Result<(), StoreError> {
        let (committed, _) = oneshot::channel();
        send(&self.routine, Append { records: Vec::new(), memory: Some(memory), committed }).await
    }

    /// How often records were not committed to the disk though they had been handed over. What was remembered of such is
    /// not kept: see [`Memory::losses`].
    pub fn losses(&self) -> u64 {
        self.told.losses.load(Ordering::Acquire)
    }

    /// The signed batch of this number; see [`super::Outbox::fetch`].
    ///
    /// # Errors
    /// Where it cannot be read or cut.
    pub async fn fetch(
        &self,
        queue: Queue,
        number: u64,
        only_full: bool,
        at_most: usize,
    ) -> Result<Option<SignedBatch>, StoreError> {
        self.ask(|reply| Control::Fetch { queue, number, only_full, at_most, reply }).await
    }

    /// Frees everything up to this batch; see [`super::Outbox::release`].
    ///
    /// # Errors
    /// Where it cannot be committed.
    pub async fn release(&self, queue: Queue, number: u64, hash: Hash) -> Result<u64, StoreError> {
        self.ask(|reply| Control::Release { queue, number, hash, reply }).await
    }

    /// Begins a new chain; see [`super::Outbox::restart`]. Gives where it stands.
    ///
    /// # Errors
    /// Where it cannot be committed.
    pub async fn restart(
        &self,
        queue: Queue,
        number: u64,
        hash: Hash,
        through: u64,
    ) -> Result<Dispatch, StoreError> {
        self.ask(|reply| Control::Restart { queue, number, hash, through, reply }).await
    }

    /// How much is where.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn depths(&self) -> Result<Depths, StoreError> {
        self.ask(|reply| Control::Depths { reply }).await
    }

    /// Keeps the last trusted time for the next boot.
    pub async fn keep_trusted(&self, time: WallTime) {
        // A store that has stopped keeps nothing, and says so elsewhere.
        let _ = self.control.send(Control::Trusted { time }).await;
    }

    /// What the driver of a device kept before; nothing where the disk does not work, or does not know.
    pub async fn recall(&self, device: &DeviceId) -> Option<Vec<u8>> {
        let device = device.clone();
        self.ask(|reply| Control::Recall { device, reply }).await.ok().flatten()
    }

    /// Forgets what drivers kept of devices that are not in this roster.
    pub async fn remember_only(&self, roster: Vec<DeviceId>) {
        let _ = self.control.send(Control::RememberOnly { roster }).await;
    }

    /// Commits a step of a command, with the entry that tells of it. Never from memory: what is not on the disk could
    /// be carried out twice.
    ///
    /// # Errors
    /// Where the disk does not take it; nothing of it has happened then.
    pub async fn step(&self, step: CommandStep) -> Result<(), StoreError> {
        self.ask(|reply| Control::Step { step: Box::new(step), reply }).await
    }

    /// The commands that were taken on, in the order of the numbers.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn commands(&self) -> Result<Vec<StoredCommand>, StoreError> {
        self.ask(|reply| Control::Commands { reply }).await
    }

    /// Gives back room that is not needed, where there is much of it.
    pub async fn tidy(&self) {
        let _ = self.control.send(Control::Tidy).await;
    }

    /// Somebody found the file corrupt: it is set aside and salvaged.
    pub async fn found_corrupt(&self, what: String) {
        let _ = self.control.send(Control::Corrupt { what }).await;
    }

    /// Fires when entries were committed, or the disk works again.
    pub fn committed(&self) -> &Notify {
        &self.told.committed
    }

    /// How often the disk's outbox was opened: its chains may be others each time.
    pub fn generation(&self) -> u64 {
        self.told.generation.load(Ordering::Acquire)
    }

    /// Commits what waits and ends the thread.
    ///
    /// # Errors
    /// Where what waits could not be committed.
    pub async fn stop(&self) -> Result<(), StoreError> {
        self.ask(|reply| Control::Stop { reply }).await
    }

    async fn ask<T>(&self, control: impl FnOnce(Reply<T>) -> Control) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.control.send(control(reply)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

async fn send(channel: &mpsc::Sender<Append>, append: Append) -> Result<(), StoreError> {
    channel.send(append).await.map_err(|_| StoreError::Stopped)
}

#[cfg(test)]
mod tests;
