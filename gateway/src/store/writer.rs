//! The thread that writes the outbox: group commit, and what happens when the disk does not work.
//!
//! Urgent records are committed at once, each call by itself; routine ones together, at the end of a window.
//! While the disk does not work, urgent records go into an outbox in memory, with chains of its own, and out
//! from there; routine ones wait in memory, as many as it is worth, and what must be given up leaves a gap
//! record. The disk is tried again all the time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use varde_core::{Backoff, Dispatch};
use varde_wire::{Content, Gap, GapReason, Hash, Instant, Lane, Record, SignedBatch, WallTime};

use super::salvage::{salvage, set_aside};
use super::{Identity, Outbox, StoreError};
use crate::board::{Board, Fault};
use crate::{clock, entropy};

/// How many routine records wait in memory while the disk does not work.
const MOST_PENDING: usize = 8192;

/// How many routine records are committed at the latest, whatever the window.
const FULL_GROUP: usize = 2048;

/// How many records are given up together when memory is full: the oldest.
const GIVEN_UP: usize = 1024;

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
}

/// How much is where, by [`Queue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depths {
    /// In the order of [`Queue::ALL`]. The disk's are missing while its file cannot be opened.
    pub queues: [Option<Depth>; 3],
    /// Bytes in the outbox.
    pub size_bytes: u64,
}

struct Append {
    records: Vec<Record>,
    committed: oneshot::Sender<()>,
}

enum Control {
    Fetch { queue: Queue, number: u64, only_full: bool, at_most: usize, reply: Reply<Option<SignedBatch>> },
    Release { queue: Queue, number: u64, hash: Hash, reply: Reply<u64> },
    Restart { queue: Queue, number: u64, hash: Hash, through: u64, reply: Reply<Dispatch> },
    Depths { reply: Reply<Depths> },
    Trusted { time: WallTime },
    Tidy,
    Corrupt { what: String },
    Stop { reply: Reply<()> },
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// The store's handle. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    urgent: mpsc::Sender<Append>,
    routine: mpsc::Sender<Append>,
    control: mpsc::Sender<Control>,
    committed: Arc<Notify>,
    generation: Arc<AtomicU64>,
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
        let memory = Outbox::open(None, identity.clone(), u64::MAX >> 16)?;
        let (urgent, urgent_rx) = mpsc::channel(256);
        let (routine, routine_rx) = mpsc::channel(256);
        let (control, control_rx) = mpsc::channel(64);
        let committed = Arc::new(Notify::new());
        let generation = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            disk: None,
            memory,
            pending: Vec::new(),
            waiting: Vec::new(),
            given_up: None,
            retry: Backoff::new(Duration::from_millis(500), Duration::from_secs(30), entropy::seed()),
            retry_at: None,
            options,
            identity,
            board,
            committed: Arc::clone(&committed),
            generation: Arc::clone(&generation),
        };
        if let Err(error @ (StoreError::Newer { .. } | StoreError::Foreign { .. } | StoreError::InUse)) =
            writer.open_disk()
        {
            return Err(error);
        }
        let last_trusted = writer.disk.as_ref().and_then(|disk| disk.last_trusted().ok().flatten());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| StoreError::Database(e.to_string()))?;
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || runtime.block_on(writer.run(urgent_rx, routine_rx, control_rx)))
            .map_err(|e| StoreError::Database(e.to_string()))?;
        Ok((Self { urgent, routine, control, committed, generation }, last_trusted))
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
        let (committed, receiver) = oneshot::channel();
        let channel = match lane {
            Lane::Urgent => &self.urgent,
            Lane::Routine => &self.routine,
        };
        channel.send(Append { records, committed }).await.map_err(|_| StoreError::Stopped)?;
        Ok(receiver)
    }

    /// The signed batch of this number; see [`Outbox::fetch`].
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

    /// Frees everything up to this batch; see [`Outbox::release`].
    ///
    /// # Errors
    /// Where it cannot be committed.
    pub async fn release(&self, queue: Queue, number: u64, hash: Hash) -> Result<u64, StoreError> {
        self.ask(|reply| Control::Release { queue, number, hash, reply }).await
    }

    /// Begins a new chain; see [`Outbox::restart`]. Gives where it stands.
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
        &self.committed
    }

    /// How often the disk's outbox was opened: its chains may be others each time.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
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

struct Writer {
    /// None while its file cannot be opened.
    disk: Option<Outbox>,
    memory: Outbox,
    /// Routine records that are not committed yet, and who wants to know when they are.
    pending: Vec<Record>,
    waiting: Vec<oneshot::Sender<()>>,
    given_up: Option<Gap>,
    retry: Backoff,
    retry_at: Option<Instant>,
    options: Options,
    identity: Identity,
    board: Arc<Board>,
    committed: Arc<Notify>,
    generation: Arc<AtomicU64>,
}

impl Writer {
    async fn run(
        mut self,
        mut urgent: mpsc::Receiver<Append>,
        mut routine: mpsc::Receiver<Append>,
        mut control: mpsc::Receiver<Control>,
    ) {
        let window = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(window);
        loop {
            let open = self.retry_at.is_none();
            let again = self.retry_at.map(|at| at.since(clock::now()));
            tokio::select! {
                biased;
                Some(append) = urgent.recv() => self.append_urgent(append),
                Some(message) = control.recv() => {
                    if let Control::Stop { reply } = message {
                        self.stop(reply, &mut urgent, &mut routine);
                        return;
                    }
                    self.control(message);
                }
                () = tokio::time::sleep(again.unwrap_or_default()), if !open => self.try_disk(),
                () = &mut window, if open && self.holds_something() => self.commit_routine(),
                Some(append) = routine.recv() => {
                    if self.pending.is_empty() {
                        window.set(tokio::time::sleep(self.options.commit_window));
                    }
                    self.hold(append);
                    if open && self.pending.len() >= FULL_GROUP {
                        self.commit_routine();
                    }
                }
                else => return,
            }
        }
    }

    fn append_urgent(&mut self, append: Append) {
        match self.on_disk(|disk| disk.append(Lane::Urgent, &append.records)) {
            Ok(()) => {
                // Whoever asked may have gone.
                let _ = append.committed.send(());
            }
            Err(_) => {
                if let Err(error) = self.memory.append(Lane::Urgent, &append.records) {
                    self.board.fault(Fault::Seal, format!("an alarm could be kept nowhere: {error}"));
                }
            }
        }
        self.committed.notify_one();
    }

    fn hold(&mut self, append: Append) {
        if self.pending.len() + append.records.len() > MOST_PENDING {
            self.give_up();
        }
        self.pending.extend(append.records);
        self.waiting.push(append.committed);
    }

    fn holds_something(&self) -> bool {
        !self.pending.is_empty() || self.given_up.is_some()
    }

    fn commit_routine(&mut self) {
        let mut records = std::mem::take(&mut self.pending);
        if let Some(gap) = self.given_up {
            records.push(Record { stamp: gap.to, content: Content::Gap(gap) });
        }
        match self.on_disk(|disk| disk.append(Lane::Routine, &records)) {
            Ok(()) => {
                self.disk_works();
                if self.given_up.take().is_some() {
                    self.board.count("gap records written");
                }
                for waiting in self.waiting.drain(..) {
                    let _ = waiting.send(());
                }
                // Keeps its room, unless a bad day made it large.
                records.clear();
                records.shrink_to(FULL_GROUP);
                self.pending = records;
                self.committed.notify_one();
            }
            Err(_) => {
                records.truncate(records.len() - usize::from(self.given_up.is_some()));
                self.pending = records;
            }
        }
    }

    fn give_up(&mut self) {
        let lost: Vec<Record> = self.pending.drain(..GIVEN_UP.min(self.pending.len())).collect();
        let (Some(first), Some(last)) = (lost.first(), lost.last()) else { return };
        let gap = self.given_up.get_or_insert(Gap {
            observations: 0,
            from: first.stamp,
            to: last.stamp,
            reason: GapReason::Disk,
        });
        gap.observations += u64::try_from(lost.len()).unwrap_or_default();
        gap.to = last.stamp;
        // Nobody is told that these were committed.
        self.waiting.clear();
        self.board.count("groups of observations given up");
    }

    fn control(&mut self, message: Control) {
        match message {
            Control::Fetch { queue, number, only_full, at_most, reply } => {
                let fetched =
                    self.on_queue(queue, |outbox| outbox.fetch(queue.lane(), number, only_full, at_most));
                let _ = reply.send(fetched);
            }
            Control::Release { queue, number, hash, reply } => {
                let released = self.on_queue(queue, |outbox| outbox.release(queue.lane(), number, &hash));
                let _ = reply.send(released);
            }
            Control::Restart { queue, number, hash, through, reply } => {
                let restarted = self.on_queue(queue, |outbox| {
                    outbox.restart(queue.lane(), number, &hash, through)?;
                    Ok(outbox.place(queue.lane()).dispatch())
                });
                let _ = reply.send(restarted);
            }
            Control::Depths { reply } => {
                let _ = reply.send(Ok(self.depths()));
            }
            Control::Trusted { time } => {
                // On the board by itself if it fails; the next one will do.
                let _ = self.on_disk(|disk| disk.set_last_trusted(time));
            }
            Control::Tidy => {
                let _ = self.on_disk(|disk| disk.shrink());
            }
            Control::Corrupt { what } => {
                let _: Result<(), _> = self.on_disk(|_| Err(StoreError::Corrupt(what)));
            }
            // Taken care of where the message was received.
            Control::Stop { .. } => {}
        }
    }

    fn stop(
        &mut self,
        reply: Reply<()>,
        urgent: &mut mpsc::Receiver<Append>,
        routine: &mut mpsc::Receiver<Append>,
    ) {
        while let Ok(append) = urgent.try_recv() {
            self.append_urgent(append);
        }
        while let Ok(append) = routine.try_recv() {
            self.hold(append);
        }
        if self.holds_something() {
            self.retry_at = None;
            self.commit_routine();
        }
        let lost = self.pending.len();
        let _ = reply.send(match lost {
            0 => Ok(()),
            lost => Err(StoreError::Unwritable(format!("{lost} routine records were not committed"))),
        });
    }

    fn on_queue<T>(
        &mut self,
        queue: Queue,
        step: impl FnOnce(&mut Outbox) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match queue {
            Queue::Memory => step(&mut self.memory),
            Queue::Urgent | Queue::Routine => self.on_disk(step),
        }
    }

    /// A step on the disk's outbox. Its faults are dealt with here.
    fn on_disk<T>(
        &mut self,
        step: impl FnOnce(&mut Outbox) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(disk) = &mut self.disk else {
            return Err(StoreError::Unwritable("the outbox file could not be opened".to_owned()));
        };
        step(disk).inspect_err(|error| self.disk_fails(error))
    }

    /// Only a routine entry that was committed proves it: reading works on a full disk too, and alarms have room of
    /// their own.
    fn disk_works(&mut self) {
        if self.retry_at.take().is_some() {
            self.retry.succeeded();
            self.board.well(&Fault::Disk);
            self.board.well(&Fault::Seal);
            self.committed.notify_one();
        }
    }

    fn disk_fails(&mut self, error: &StoreError) {
        self.board.count("failed writes to the outbox");
        let fault = if matches!(error, StoreError::Seal(_) | StoreError::Entropy(_)) {
            Fault::Seal
        } else {
            Fault::Disk
        };
        self.board.fault(fault, error);
        self.retry_at = Some(clock::now().after(self.retry.failed()));
        match error {
            StoreError::Corrupt(_) => {
                self.disk = None;
                // Where it cannot be set aside now, the retry tries again.
                let _ = self.replace_disk();
            }
            // SQLite may hold on to a file that is gone or has become read-only: a new look at each retry.
            StoreError::Unwritable(_) | StoreError::Database(_) => self.disk = None,
            StoreError::Full
            | StoreError::Newer { .. }
            | StoreError::Foreign { .. }
            | StoreError::InUse
            | StoreError::Seal(_)
            | StoreError::Encode(_)
            | StoreError::Entropy(_)
            | StoreError::Stopped => {}
        }
    }

    fn try_disk(&mut self) {
        self.retry_at = Some(clock::now().after(self.retry.failed()));
        if self.disk.is_none() && self.open_disk().is_err() {
            return;
        }
        if !self.holds_something() {
            // Proves that it takes writes.
            let time = self.disk.as_ref().and_then(|disk| disk.last_trusted().ok().flatten());
            let time = time.unwrap_or(WallTime::from_unix_millis(0));
            if self.on_disk(|disk| disk.set_last_trusted(time)).is_ok() {
                self.disk_works();
            }
        } else {
            self.commit_routine();
        }
    }

    fn open_disk(&mut self) -> Result<(), StoreError> {
        let options = &self.options;
        match Outbox::open(Some(&options.path), self.identity.clone(), options.max_size_bytes) {
            Ok(outbox) => {
                self.take_disk(outbox);
                Ok(())
            }
            Err(error @ StoreError::Corrupt(_)) => {
                self.board.fault(Fault::Disk, &error);
                self.retry_at = Some(clock::now());
                self.replace_disk()
            }
            Err(error) => {
                self.board.fault(Fault::Disk, &error);
                self.retry_at = Some(clock::now().after(self.retry.failed()));
                Err(error)
            }
        }
    }

    fn take_disk(&mut self, outbox: Outbox) {
        self.disk = Some(outbox);
        self.generation.fetch_add(1, Ordering::Release);
        self.committed.notify_one();
    }

    /// The file is corrupt: set aside, a new one in its place, what can be read brought over. A technical alarm
    /// stands until the new one has taken a write.
    fn replace_disk(&mut self) -> Result<(), StoreError> {
        let aside = set_aside(&self.options.path)?;
        let mut outbox =
            Outbox::open(Some(&self.options.path), self.identity.clone(), self.options.max_size_bytes)?;
        let salvaged = salvage(&aside, &mut outbox, &self.identity)?;
        self.board.count("corrupt outbox files set aside");
        tracing::error!(
            "the outbox was corrupt and lies in {}; {} entries brought over, {} lost",
            aside.display(),
            salvaged.entries,
            salvaged.lost
        );
        self.take_disk(outbox);
        if salvaged.lost > 0 {
            let (stamp, _) = crate::clock::Clocks::new(PathBuf::new(), None).stamp();
            let reason = GapReason::Corruption;
            let gap = Gap { observations: salvaged.lost, from: stamp, to: stamp, reason };
            self.given_up.get_or_insert(gap);
        }
        Ok(())
    }

    fn depths(&self) -> Depths {
        let depth = |outbox: &Outbox, lane| {
            let place = outbox.place(lane);
            Depth {
                dispatch: place.dispatch(),
                committed: place.next_seq,
                in_batches: place.cut_seq.saturating_sub(place.released_seq),
                released: place.released_seq,
                oldest_made: outbox.oldest_made(lane).ok().flatten(),
            }
        };
        let disk = |lane| self.disk.as_ref().map(|disk| depth(disk, lane));
        let size = self.disk.as_ref().and_then(|disk| disk.size_bytes().ok());
        Depths {
            queues: [Some(depth(&self.memory, Lane::Urgent)), disk(Lane::Urgent), disk(Lane::Routine)],
            size_bytes: size.unwrap_or_default(),
        }
    }
}
