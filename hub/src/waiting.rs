//! What has arrived and waits to be stored, and the thread that stores it.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use varde_wire::{GatewayId, Lane};

use crate::checkpoint::Checkpoints;
use crate::silence::{Sign, Signs};
use crate::store::StoreError;
use crate::{Answer, Arrival, Cause, Intake, Outcome, clock};

/// The most bytes that wait in a lane. What comes on top is let go: its gateway sends it again.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long a round goes on taking routine batches: so long an urgent one may have to wait for the commit.
const ROUTINE_SLICE: Duration = Duration::from_millis(4);
/// The most batches of a round, so that answers come even under an endless stream.
const MOST_IN_ROUND: usize = 256;
/// How long the thread rests when the database fails, before it tries the next round.
const REST: Duration = Duration::from_secs(1);

/// No more kinds of refusal than this are logged, whatever names strangers make up.
const MOST_TOLD: usize = 4096;

/// Batches that wait, by lane.
#[derive(Default)]
pub(crate) struct Waiting {
    queues: Mutex<Queues>,
    changed: Condvar,
}

#[derive(Default)]
struct Queues {
    urgent: Queue,
    routine: Queue,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    arrivals: VecDeque<Arrival>,
    bytes: usize,
}

/// Which batches a round still takes.
#[derive(Clone, Copy)]
enum Taking {
    /// Urgent ones first, then routine ones.
    All,
    /// Urgent ones.
    Urgent,
}

impl Waiting {
    /// Puts a batch in its queue; false if that is full.
    pub(crate) fn push(&self, arrival: Arrival) -> bool {
        let mut queues = self.lock();
        let queue = match arrival.lane {
            Lane::Urgent => &mut queues.urgent,
            Lane::Routine => &mut queues.routine,
        };
        let bytes = queue.bytes.saturating_add(arrival.signed.as_bytes().len());
        if bytes > MOST_BYTES {
            return false;
        }
        queue.bytes = bytes;
        queue.arrivals.push_back(arrival);
        drop(queues);
        self.changed.notify_one();
        true
    }

    /// Ends the thread once it has stored what waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next batch, as soon as there is one; none when there will be no more.
    fn wait(&self) -> Option<Arrival> {
        let mut queues = self.lock();
        loop {
            if let Some(arrival) = queues.pop(Taking::All) {
                return Some(arrival);
            }
            if queues.closed {
                return None;
            }
            queues = self.changed.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pop(&self, taking: Taking) -> Option<Arrival> {
        self.lock().pop(taking)
    }

    /// A thread that panicked cannot have left the queues half changed.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn pop(&mut self, taking: Taking) -> Option<Arrival> {
        match taking {
            Taking::All => self.urgent.pop().or_else(|| self.routine.pop()),
            Taking::Urgent => self.urgent.pop(),
        }
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Arrival> {
        let arrival = self.arrivals.pop_front()?;
        self.bytes = self.bytes.saturating_sub(arrival.signed.as_bytes().len());
        Some(arrival)
    }
}

/// Starts the thread that stores what waits and hands out the answers.
pub(crate) fn keep(
    waiting: Arc<Waiting>,
    mut intake: Intake,
    mut checkpoints: Checkpoints,
    (answer, signs): (impl Fn(Vec<Answer>) + Send + 'static, Signs),
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name("store".to_owned()).spawn(move || {
        let mut failing = false;
        let mut told = HashSet::new();
        while let Some(first) = waiting.wait() {
            match round(&waiting, &mut intake, first, &mut told) {
                Ok(Done { answers, living, bytes }) => {
                    checkpoints.committed(bytes);
                    if failing {
                        tracing::info!("the database works again");
                    }
                    failing = false;
                    answer(answers);
                    living.into_iter().for_each(|gateway| signs.heard(Sign::Batch(gateway)));
                }
                Err(e) => {
                    if !failing {
                        let e = crate::error::chain(&e);
                        tracing::error!("nothing is stored and no receipt is given: {e}");
                    }
                    failing = true;
                    thread::sleep(REST);
                }
            }
        }
    })
}

/// What a round came to.
struct Done {
    answers: Vec<Answer>,
    /// The gateways of which it brought something that they made just now.
    living: HashSet<GatewayId>,
    /// How many bytes of batches it took.
    bytes: usize,
}

/// One round, beginning with `first`.
fn round(
    waiting: &Waiting,
    intake: &mut Intake,
    first: Arrival,
    told: &mut Told,
) -> Result<Done, StoreError> {
    let mut round = intake.begin()?;
    let began = Instant::now();
    let (mut urgent, mut routine, mut bytes) = (false, false, 0_usize);
    let mut next = Some(first);
    for _ in 0..MOST_IN_ROUND {
        let Some(arrival) = next else { break };
        bytes = bytes.saturating_add(arrival.signed.as_bytes().len());
        urgent |= arrival.lane == Lane::Urgent;
        routine |= arrival.lane == Lane::Routine;
        if let Outcome::Refused(cause) = round.take(&arrival, clock::now())? {
            tell(told, &arrival, cause);
        }
        // An urgent batch does not wait for routine ones to join it.
        let enough = urgent || (routine && began.elapsed() > ROUTINE_SLICE);
        next = waiting.pop(if enough { Taking::Urgent } else { Taking::All });
    }
    let living = round.take_living();
    Ok(Done { answers: round.commit()?, living, bytes })
}

/// What was logged already. Every refusal is counted in the database; the log gets the first of each kind.
type Told = HashSet<(GatewayId, Lane, Cause)>;

fn tell(told: &mut Told, arrival: &Arrival, cause: Cause) {
    let Arrival { gateway, lane, .. } = arrival;
    if told.len() < MOST_TOLD && told.insert((gateway.clone(), *lane, cause)) {
        let cause = cause.name();
        tracing::warn!(%gateway, %lane, cause, "refused a batch; 'show --incidents' counts all like it");
    }
}

#[cfg(test)]
mod tests {
    use varde_wire::SignedBatch;

    use super::*;

    fn arrival(lane: Lane, bytes: usize) -> Arrival {
        let signed = SignedBatch::from_bytes(vec![0; bytes]);
        Arrival { gateway: "gw-1".parse().unwrap(), lane, signed }
    }

    #[test]
    fn an_urgent_batch_passes_every_routine_one_that_waits() {
        let waiting = Waiting::default();
        for lane in [Lane::Routine, Lane::Routine, Lane::Urgent] {
            assert!(waiting.push(arrival(lane, 1)));
        }
        let lanes = std::iter::from_fn(|| waiting.pop(Taking::All)).map(|arrival| arrival.lane);
        assert_eq!(lanes.collect::<Vec<_>>(), [Lane::Urgent, Lane::Routine, Lane::Routine]);
    }

    #[test]
    fn a_full_routine_lane_lets_go_and_the_urgent_one_still_takes() {
        let waiting = Waiting::default();
        assert!(waiting.push(arrival(Lane::Routine, MOST_BYTES)));
        assert!(!waiting.push(arrival(Lane::Routine, 1)));
        assert!(waiting.push(arrival(Lane::Urgent, 1)));
        waiting.close();
        assert_eq!(waiting.wait().map(|arrival| arrival.lane), Some(Lane::Urgent));
        assert_eq!(waiting.wait().map(|arrival| arrival.lane), Some(Lane::Routine));
        assert_eq!(waiting.wait(), None);
        assert!(waiting.push(arrival(Lane::Routine, MOST_BYTES)));
    }
}
