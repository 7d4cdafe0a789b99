//! The thread that writes the outbox: group commit, and what happens when the disk does not work.
//!
//! Urgent records are committed at once, each call by itself; routine ones together, at the end of a window.
//! While the disk does not work, urgent records go into an outbox in memory, with chains of its own, and out
//! from there; routine ones wait in memory, as many as it is worth, and what must be given up leaves a gap
//! record. The disk is tried again all the time.

use std::collections::BTreeMap;
use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use varde_core::Backoff;
use varde_wire::{Content, DeviceId, Gap, GapReason, Instant, Lane, Record, WallTime};

use super::handle::{Append, Control, Depth, Depths, Judgement, Options, Queue, Reply, Told};
use super::salvage::{salvage, set_aside};
use super::state::{Released, Seat};
use super::{Identity, Outbox, StoreError};
use crate::board::{Board, Fault};
use crate::{clock, entropy};

/// How many routine records wait in memory while the disk does not work.
const MOST_PENDING: usize = 8192;

/// How many routine records are committed at the latest, whatever the window.
const FULL_GROUP: usize = 2048;

/// How many records are given up together when memory is full: the oldest.
const GIVEN_UP: usize = 1024;

/// The thread's state.
pub(super) struct Writer {
    /// None while its file cannot be opened.
    disk: Option<Outbox>,
    /// By lane, the seq that came next when it was opened.
    found: [u64; 2],
    memory: Outbox,
    /// Routine records that are not committed yet, and who wants to know when they are.
    pending: Vec<Record>,
    waiting: Vec<oneshot::Sender<()>>,
    /// What is remembered of them, and of what was committed before.
    memories: BTreeMap<DeviceId, Vec<u8>>,
    given_up: Option<Gap>,
    retry: Backoff,
    retry_at: Option<Instant>,
    options: Options,
    identity: Identity,
    board: Arc<Board>,
    told: Told,
}

impl Writer {
    /// Opens the outbox, or finds out that it cannot be opened now.
    ///
    /// # Errors
    /// See [`super::Store::start`].
    pub(super) fn open(
        options: Options,
        identity: Identity,
        board: Arc<Board>,
        told: Told,
    ) -> Result<Self, StoreError> {
        let mut writer = Self {
            disk: None,
            found: [0; 2],
            memory: Outbox::open(None, identity.clone(), u64::MAX >> 16)?,
            pending: Vec::new(),
            waiting: Vec::new(),
            memories: BTreeMap::new(),
            given_up: None,
            retry: Backoff::new(Duration::from_millis(500), Duration::from_secs(30), entropy::seed()),
            retry_at: None,
            options,
            identity,
            board,
            told,
        };
        match writer.open_disk() {
            Err(error @ (StoreError::Newer { .. } | StoreError::Foreign { .. } | StoreError::InUse)) => {
                Err(error)
            }
            Ok(()) | Err(_) => Ok(writer),
        }
    }

    /// The last trusted time of earlier boots.
    pub(super) fn last_trusted(&self) -> Option<WallTime> {
        self.disk.as_ref().and_then(|disk| disk.last_trusted().ok().flatten())
    }

    /// Serves until it is told to stop, or nobody can ask any more.
    pub(super) async fn run(
        mut self,
        mut urgent: mpsc::Receiver<Judgement>,
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
                Some(judgement) = urgent.recv() => self.append_judged(judgement),
                Some(message) = control.recv() => {
                    if let Control::Stop { reply } = message {
                        self.stop(reply, &mut urgent, &mut routine);
                        return;
                    }
                    self.control(message);
                }
                () = tokio::time::sleep(again.unwrap_or_default()), if !open => self.try_disk(),
                // Behind the urgent ones: what is remembered may speak of one that comes first. Before the next routine
                // one: a flood that did not wait here would be given up, though the disk works.
                () = ready(()), if open && self.pending.len() >= FULL_GROUP => self.commit_routine(),
                () = &mut window, if open && self.holds_something() => self.commit_routine(),
                Some(append) = routine.recv() => {
                    if self.pending.is_empty() && self.memories.is_empty() {
                        window.set(tokio::time::sleep(self.options.commit_window));
                    }
                    self.hold(append);
                }
                else => return,
            }
        }
    }

    fn append_judged(&mut self, judgement: Judgement) {
        let Judgement { mut judged, committed, seated } = judgement;
        let mut kept = self.on_disk(|disk| disk.append_judged(&judged));
        if matches!(kept, Err(StoreError::Full)) {
            // What is urgent, and where judgement stands, have room of their own.
            self.wait(std::mem::take(&mut judged.routine));
            kept = self.on_disk(|disk| disk.append_judged(&judged));
        }
        let seat = match kept {
            Ok(()) => {
                // Whoever asked may have gone.
                let _ = committed.send(());
                self.disk.as_ref().map(|disk| (Queue::Urgent, disk.place(Lane::Urgent).next_seq))
            }
            Err(_) => {
                self.wait(std::mem::take(&mut judged.routine));
                if !judged.urgent.is_empty() {
                    self.lost();
                    if let Err(error) = self.memory.append(Lane::Urgent, &judged.urgent) {
                        self.board.fault(Fault::Seal, format!("an alarm could be kept nowhere: {error}"));
                    }
                }
                Some((Queue::Memory, self.memory.place(Lane::Urgent).next_seq))
            }
        };
        if let Some((queue, next)) = seat.filter(|_| !judged.urgent.is_empty()) {
            let generation = self.told.generation.load(Ordering::Acquire);
            let _ = seated.send(Seat { queue, generation, seq: next.saturating_sub(1) });
            self.told.committed.notify_one();
        } else if !judged.routine.is_empty() {
            self.told.committed.notify_one();
        }
    }

    fn hold(&mut self, append: Append) {
        self.wait(append.records);
        self.waiting.push(append.committed);
        let losses = self.told.losses.load(Ordering::Acquire);
        if let Some(memory) = append.memory.filter(|memory| memory.losses == losses) {
            self.memories.insert(memory.device, memory.bytes);
        }
    }

    /// Routine records wait to be committed together.
    fn wait(&mut self, records: Vec<Record>) {
        if self.pending.len() + records.len() > MOST_PENDING {
            self.give_up();
        }
        self.pending.extend(records);
    }

    fn tell_released(&self) {
        let released = Released {
            generation: self.told.generation.load(Ordering::Acquire),
            urgent: self.disk.as_ref().map_or(0, |disk| disk.place(Lane::Urgent).released_seq),
            memory: self.memory.place(Lane::Urgent).released_seq,
        };
        self.told.released.send_if_modified(|before| std::mem::replace(before, released) != released);
    }

    /// Records were handed over that the disk does not have: nothing may be remembered as if it had.
    fn lost(&mut self) {
        self.told.losses.fetch_add(1, Ordering::Release);
        self.memories.clear();
    }

    fn holds_something(&self) -> bool {
        !self.pending.is_empty() || !self.memories.is_empty() || self.given_up.is_some()
    }

    fn commit_routine(&mut self) {
        let mut records = std::mem::take(&mut self.pending);
        if let Some(gap) = self.given_up {
            records.push(Record { stamp: gap.to, content: Content::Gap(gap) });
        }
        let memories = std::mem::take(&mut self.memories);
        match self.on_disk(|disk| disk.append_and_remember(Lane::Routine, &records, &memories)) {
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
                self.told.committed.notify_one();
            }
            Err(_) => {
                records.truncate(records.len() - usize::from(self.given_up.is_some()));
                self.pending = records;
                self.memories = memories;
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
        self.lost();
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
                self.tell_released();
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
            Control::Recall { device, reply } => {
                let _ = reply.send(self.on_disk(|disk| disk.recall(&device)));
            }
            Control::State { part, reply } => {
                let _ = reply.send(self.on_disk(|disk| disk.state(part)));
            }
            Control::RememberOnly { roster } => {
                let _ = self.on_disk(|disk| disk.remember_only(&roster));
            }
            Control::Step { step, reply } => {
                let _ = reply.send(self.on_disk(|disk| disk.step(&step)));
                self.told.committed.notify_one();
            }
            Control::Commands { reply } => {
                let _ = reply.send(self.on_disk(|disk| disk.commands()));
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
        urgent: &mut mpsc::Receiver<Judgement>,
        routine: &mut mpsc::Receiver<Append>,
    ) {
        while let Ok(judgement) = urgent.try_recv() {
            self.append_judged(judgement);
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
            self.told.committed.notify_one();
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
            let time = self.last_trusted().unwrap_or(WallTime::from_unix_millis(0));
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
        self.found = Lane::ALL.map(|lane| outbox.place(lane).next_seq);
        self.disk = Some(outbox);
        self.told.generation.fetch_add(1, Ordering::Release);
        self.tell_released();
        self.told.committed.notify_one();
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
            salvaged.lost.map_or_else(|| "nobody knows how many".to_owned(), |lost| lost.to_string())
        );
        self.take_disk(outbox);
        if salvaged.lost != Some(0) {
            self.lost();
            let (stamp, _) = crate::clock::Clocks::new(PathBuf::new(), None).stamp();
            let reason = GapReason::Corruption;
            let observations = salvaged.lost.unwrap_or_default();
            let gap = Gap { observations, from: stamp, to: stamp, reason };
            self.given_up.get_or_insert(gap);
        }
        Ok(())
    }

    fn depths(&self) -> Depths {
        let depth = |outbox: &Outbox, lane, found: u64| {
            let place = outbox.place(lane);
            Depth {
                dispatch: place.dispatch(),
                committed: place.next_seq,
                in_batches: place.cut_seq.saturating_sub(place.released_seq),
                released: place.released_seq,
                oldest_made: outbox.oldest_made(lane).ok().flatten(),
                older_wait: place.released_seq < found,
            }
        };
        let [urgent, routine] = self.found;
        let disk = |lane, found| self.disk.as_ref().map(|disk| depth(disk, lane, found));
        let size = self.disk.as_ref().and_then(|disk| disk.size_bytes().ok());
        Depths {
            queues: [
                Some(depth(&self.memory, Lane::Urgent, 0)),
                disk(Lane::Urgent, urgent),
                disk(Lane::Routine, routine),
            ],
            size_bytes: size.unwrap_or_default(),
        }
    }
}
