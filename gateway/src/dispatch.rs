//! The uplink's task: it performs what the deliveries decide.
//!
//! Waiting happens in `Dispatcher::select`, deciding in `Dispatcher::apply`, which waits for nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use varde_core::paths::SILENCE;
use varde_core::{Backoff, Delivery, Dispatch, Output};
use varde_wire::{GatewayId, Hash, Instant, Lane, Receipt, SignedBatch, SignedReceipt, Topic};

use crate::belief::Belief;
use crate::board::{Board, Fault};
use crate::heartbeat::slot::{Newest, Taker};
use crate::store::{Queue, Store, StoreError};
use crate::uplink::{Connection, Incoming, Uplink, UplinkError};
use crate::ways::{Outside, Tested, Ways};
use crate::{clock, entropy};

/// Batches on their way at once. Urgent ones are single alarms; routine ones are large.
const URGENT_WINDOW: u64 = 16;
const ROUTINE_WINDOW: u64 = 8;

/// The longest wait before what has no receipt is sent again.
const URGENT_RETRY: Duration = Duration::from_secs(15);
const ROUTINE_RETRY: Duration = Duration::from_secs(60);

/// Between two attempts to connect: doubling, and for a waiting alarm no longer than [`ALARM_PATIENCE`].
const CONNECT_FIRST: Duration = Duration::from_secs(1);
const CONNECT_LONGEST: Duration = Duration::from_secs(60);
const ALARM_PATIENCE: Duration = Duration::from_secs(5);

/// Sends what the store holds, and frees what the hub has.
pub struct Dispatcher<U> {
    uplink: U,
    ways: Ways,
    store: Store,
    board: Arc<Board>,
    gateway: GatewayId,
    belief: Arc<Belief>,
    /// Where commands go, as they came.
    commands: mpsc::Sender<Vec<u8>>,
    lines: [Option<Delivery>; 3],
    heartbeat: Taker,
    generation: u64,
    jobs: FuturesUnordered<Job>,
}

/// Something asked of the store that it has not answered yet.
type Job = Pin<Box<dyn Future<Output = (Queue, Answer)> + Send>>;

/// What happened.
enum Event {
    Uplink(Result<Incoming, UplinkError>),
    Store(Queue, Answer),
    Committed,
    Timeout,
    Heartbeat,
    Tested(Tested),
}

/// The store's answer to what a delivery asked for.
enum Answer {
    Fetched(u64, Result<Option<SignedBatch>, StoreError>),
    Released(Result<u64, StoreError>),
    Restarted(Result<Dispatch, StoreError>),
}

impl<U: Uplink> Dispatcher<U> {
    /// For this gateway, with receipts of this hub; its commands are handed on as they came, and its heartbeats taken
    /// from here.
    pub fn new(
        (uplink, ways): (U, Ways),
        store: Store,
        board: Arc<Board>,
        (gateway, belief): (GatewayId, Arc<Belief>),
        commands: mpsc::Sender<Vec<u8>>,
        heartbeat: Taker,
    ) -> Self {
        let (lines, jobs) = ([None, None, None], FuturesUnordered::new());
        Self { uplink, ways, store, board, gateway, belief, commands, lines, heartbeat, generation: 0, jobs }
    }

    /// Connects, sends, connects again, until the store stops or the last heartbeat is sent.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new(CONNECT_FIRST, CONNECT_LONGEST, entropy::seed());
        let mut failure = None;
        loop {
            if self.look_at_store().await.is_err() {
                return;
            }
            let (path, patience) = match self.ways.outside() {
                Outside::Connect(path, patience) => (path, patience),
                Outside::Pause => {
                    if let Some(error) = failure.take() {
                        self.board.fault(Fault::Uplink, &error);
                    }
                    self.pause(backoff.failed()).await;
                    self.ways.paused();
                    continue;
                }
            };
            let error = match self.uplink.connect(path, patience).await {
                Ok(connection) => {
                    failure = None;
                    self.ways.connected(clock::now());
                    self.board.uplink("connected", None);
                    self.board.well(&Fault::Uplink);
                    self.heartbeat.connected();
                    let Conversation { any, ended } = self.converse(connection).await;
                    self.heartbeat.disconnected();
                    // A broker that takes us in and throws us out at once deserves no hurry.
                    if any {
                        backoff.succeeded();
                    }
                    match ended {
                        Ended::Stopped => return,
                        Ended::ForAnother => {
                            self.board.uplink("waiting", Some("going over to another path".to_owned()));
                            continue;
                        }
                        Ended::Failed(error) => {
                            self.ways.lost(clock::now());
                            error
                        }
                    }
                }
                Err(error) => {
                    self.ways.failed(path, &error, clock::now());
                    error
                }
            };
            self.board.count("connections lost or failed");
            self.board.uplink("waiting", Some(error.to_string()));
            failure = Some(error);
        }
    }

    /// Waits before the next attempt; shorter where an alarm is waiting.
    async fn pause(&mut self, wait: Duration) {
        let began = clock::now();
        loop {
            let waiting = match self.store.depths().await {
                Ok(depths) => depths.queues.iter().take(2).flatten().any(|d| d.released < d.committed),
                Err(_) => return,
            };
            let wait = if waiting { wait.min(ALARM_PATIENCE) } else { wait };
            let left = wait.saturating_sub(clock::now().since(began));
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                () = self.store.committed().notified() => {}
            }
        }
    }

    /// Lives through one connection.
    async fn converse(&mut self, mut connection: U::Connection) -> Conversation {
        for (queue, line) in Queue::ALL.into_iter().zip(&mut self.lines) {
            // A line that rests takes receipts, and sends nothing.
            if let Some(delivery) = line.as_mut().filter(|_| self.ways.carries(queue.lane())) {
                delivery.handle_connected();
            }
        }
        let mut any = false;
        let ended = loop {
            self.perform();
            if self.ways.inside(&self.uplink) {
                break Ended::ForAnother;
            }
            let event = self.select(&mut connection).await;
            match self.apply(event, clock::now()) {
                Applied::Nothing => {}
                Applied::Receipt => {
                    any = true;
                    self.ways.receipt();
                }
                Applied::Send(queue, signed) => {
                    if let Err(error) = self.send(&mut connection, queue, signed).await {
                        break Ended::Failed(error);
                    }
                    self.ways.sent(queue.lane(), clock::now());
                }
                Applied::Beat(Newest { signed, is_last }) => {
                    let topic = Topic::Heartbeat(self.gateway.clone());
                    if let Err(error) = self.publish(&mut connection, &topic, signed.into_bytes()).await {
                        break Ended::Failed(error);
                    }
                    if is_last {
                        connection.leave().await;
                        break Ended::Stopped;
                    }
                }
                Applied::Look => {
                    if self.look_at_store().await.is_err() {
                        break Ended::Failed(UplinkError::Lost("the store has stopped".to_owned()));
                    }
                    self.lines.iter_mut().flatten().for_each(Delivery::handle_committed);
                }
                Applied::Ended(error) => break Ended::Failed(error),
            }
        };
        self.lines.iter_mut().flatten().for_each(Delivery::handle_disconnected);
        Conversation { any, ended }
    }

    /// Waits for the next event. Changes nothing.
    async fn select(&mut self, connection: &mut U::Connection) -> Event {
        let deliveries = self.lines.iter().flatten().filter_map(Delivery::poll_timeout);
        let due = deliveries.chain(self.ways.poll_timeout()).min();
        let left = due.map(|at| at.since(clock::now())).unwrap_or_default();
        tokio::select! {
            biased;
            Some((queue, answer)) = self.jobs.next() => Event::Store(queue, answer),
            incoming = connection.next() => Event::Uplink(incoming),
            () = self.store.committed().notified() => Event::Committed,
            () = self.heartbeat.wait() => Event::Heartbeat,
            Some(tested) = self.ways.tested() => Event::Tested(tested),
            () = tokio::time::sleep(left), if due.is_some() => Event::Timeout,
        }
    }

    /// Takes an event in. Waits for nothing.
    fn apply(&mut self, event: Event, now: Instant) -> Applied {
        match event {
            Event::Committed => Applied::Look,
            Event::Heartbeat => self.heartbeat.take().map_or(Applied::Nothing, Applied::Beat),
            Event::Tested(tested) => {
                self.ways.handle_tested(tested, now);
                Applied::Nothing
            }
            Event::Timeout => {
                self.ways.handle_timeout(now);
                for delivery in self.lines.iter_mut().flatten() {
                    let before = delivery.resent();
                    delivery.handle_timeout(now);
                    // Where it is known why, nothing is gained by saying less.
                    if delivery.resent() > before && !self.board.stands(&Fault::Hub) {
                        self.board.fault(
                            Fault::Hub,
                            "no receipt comes: the broker is there, the hub does not answer",
                        );
                    }
                }
                Applied::Nothing
            }
            Event::Uplink(Err(error)) => Applied::Ended(error),
            Event::Uplink(Ok(Incoming::Undelivered { reason })) => {
                self.board.count("publishes the broker delivered to nobody");
                self.board.fault(
                    Fault::Hub,
                    format!("the broker delivers to nobody ({reason}): is varde-hub running?"),
                );
                Applied::Nothing
            }
            Event::Uplink(Ok(Incoming::Message { topic: Topic::Receipt(_, lane), bytes })) => {
                self.receipt(lane, &SignedReceipt::from_bytes(bytes), now)
            }
            Event::Uplink(Ok(Incoming::Message { topic: Topic::Command(_), bytes })) => {
                if self.commands.try_send(bytes).is_err() {
                    self.board.count("commands that found no room, and come again");
                }
                Applied::Nothing
            }
            Event::Uplink(Ok(Incoming::Message { .. })) => {
                self.board.count("messages in topics without a meaning here");
                Applied::Nothing
            }
            Event::Store(queue, answer) => self.answered(queue, answer, now),
        }
    }

    fn receipt(&mut self, lane: Lane, signed: &SignedReceipt, now: Instant) -> Applied {
        let receipt = match self.belief.receipt(signed) {
            Ok(receipt) if receipt.lane == lane => receipt,
            Ok(_) => {
                self.board.count("receipts that did not verify");
                return Applied::Nothing;
            }
            Err(error) => {
                self.board.count("receipts that did not verify");
                self.board.fault(
                    Fault::Hub,
                    format!("a receipt does not verify ({error}): is it the hub that wrote hub-verify.key?"),
                );
                return Applied::Nothing;
            }
        };
        let Receipt { chain, verdict, .. } = receipt;
        let of_chain = |delivery: &&mut Delivery| delivery.place().chain == chain;
        match self.lines.iter_mut().flatten().find(of_chain) {
            Some(delivery) => delivery.handle_receipt(verdict, now),
            None => self.board.count("receipts for a chain that is no more"),
        }
        self.board.well(&Fault::Hub);
        Applied::Receipt
    }

    fn answered(&mut self, queue: Queue, answer: Answer, now: Instant) -> Applied {
        let Some(delivery) = self.line(queue) else { return Applied::Nothing };
        match answer {
            Answer::Fetched(number, fetched) => {
                let found = fetched.ok().flatten();
                let length = found.as_ref().map(|signed| signed.as_bytes().len());
                if delivery.handle_fetched(number, length, now) {
                    return found.map_or(Applied::Nothing, |signed| Applied::Send(queue, signed));
                }
            }
            // What could not be freed now is freed by the next receipt: the hub gives one for every repeat.
            Answer::Released(Ok(oldest)) => delivery.handle_released(oldest, now),
            Answer::Restarted(Ok(place)) => {
                delivery.handle_restarted(place);
                self.board.count("chains begun anew");
            }
            Answer::Released(Err(_)) | Answer::Restarted(Err(_)) => {}
        }
        Applied::Nothing
    }

    /// Does what the deliveries want done, the most urgent first.
    fn perform(&mut self) {
        for (queue, line) in Queue::ALL.into_iter().zip(&mut self.lines) {
            let Some(delivery) = line else { continue };
            while let Some(output) = delivery.poll_output() {
                let store = self.store.clone();
                self.jobs.push(match output {
                    Output::Fetch { number, only_full, at_most } => Box::pin(async move {
                        (queue, Answer::Fetched(number, store.fetch(queue, number, only_full, at_most).await))
                    }),
                    Output::Release { number, hash } => Box::pin(async move {
                        (queue, Answer::Released(store.release(queue, number, hash).await))
                    }),
                    Output::Restart { number, hash, through, reason } => {
                        tracing::warn!(
                            "the hub cannot follow the {} chain ({}): beginning a new one",
                            queue.lane(),
                            reason.name()
                        );
                        restart(store, queue, number, hash, through)
                    }
                });
            }
        }
    }

    async fn send(
        &mut self,
        connection: &mut U::Connection,
        queue: Queue,
        signed: SignedBatch,
    ) -> Result<(), UplinkError> {
        let topic = Topic::Up(self.gateway.clone(), queue.lane());
        self.board.count("batches sent");
        self.publish(connection, &topic, signed.into_bytes()).await
    }

    /// Where there is another path, a connection that takes nothing more is one that has stalled.
    async fn publish(
        &mut self,
        connection: &mut U::Connection,
        topic: &Topic,
        bytes: Vec<u8>,
    ) -> Result<(), UplinkError> {
        let publish = connection.publish(topic, bytes);
        if !self.ways.is_choice() {
            return publish.await;
        }
        let stalled = |_| UplinkError::Stalled { seconds: SILENCE.as_secs() };
        tokio::time::timeout(SILENCE, publish).await.map_err(stalled)?
    }

    /// Begins or replaces the deliveries whose chain is another than before.
    async fn look_at_store(&mut self) -> Result<(), StoreError> {
        let generation = self.store.generation();
        if generation == self.generation && self.lines.iter().all(Option::is_some) {
            return Ok(());
        }
        let depths = self.store.depths().await?;
        self.generation = generation;
        for ((queue, depth), line) in Queue::ALL.into_iter().zip(depths.queues).zip(&mut self.lines) {
            let Some(depth) = depth else { continue };
            if line.as_ref().is_some_and(|delivery| delivery.place().chain == depth.dispatch.chain) {
                continue;
            }
            let (window, longest) = match queue.lane() {
                Lane::Urgent => (URGENT_WINDOW, URGENT_RETRY),
                Lane::Routine => (ROUTINE_WINDOW, ROUTINE_RETRY),
            };
            let mut delivery = Delivery::new(depth.dispatch, window, longest, entropy::seed());
            if self.ways.carries(queue.lane()) {
                delivery.handle_connected();
            }
            *line = Some(delivery);
        }
        Ok(())
    }

    fn line(&mut self, queue: Queue) -> Option<&mut Delivery> {
        Queue::ALL.into_iter().zip(&mut self.lines).find(|(q, _)| *q == queue)?.1.as_mut()
    }
}

/// How a connection ended, and whether it was of any use.
struct Conversation {
    any: bool,
    ended: Ended,
}

/// How a connection ended.
enum Ended {
    /// By itself.
    Failed(UplinkError),
    /// We left it for another path.
    ForAnother,
    /// We left, and do not come back.
    Stopped,
}

/// What follows from an event.
enum Applied {
    Nothing,
    Receipt,
    Send(Queue, SignedBatch),
    Beat(Newest),
    Look,
    Ended(UplinkError),
}

fn restart(store: Store, queue: Queue, number: u64, hash: Hash, through: u64) -> Job {
    Box::pin(async move { (queue, Answer::Restarted(store.restart(queue, number, hash, through).await)) })
}
