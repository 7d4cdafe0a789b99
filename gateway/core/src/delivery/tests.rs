//! A delivery, a store and a hub live a random life together: messages are lost, repeated and reordered,
//! connections break, time passes. A model says what must hold.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const FULL: u64 = 4;
const LONGEST: Duration = Duration::from_secs(60);

fn hash(number: u64) -> Hash {
    Hash::of(&number.to_be_bytes())
}

/// The store and the hub as simple as they can be, and the network between.
struct World {
    delivery: Delivery,
    now: Instant,
    /// The store: entries in no batch, and the number of entries in each batch cut, from batch 0 on.
    loose: u64,
    batches: Vec<u64>,
    released: u64,
    /// The hub: how many batches it has, in order.
    stored: u64,
    up: VecDeque<u64>,
    down: VecDeque<Verdict>,
    sent_in_flight_at_most: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Commit(u64),
    Connect,
    Disconnect,
    Deliver,
    Lose,
    Repeat,
    Swap,
    Answer,
    LoseAnswer,
    Wait(u64),
}

impl World {
    fn new() -> Self {
        let place = Dispatch { chain: ChainId::from_bytes([1; 16]), oldest: 0, next: 0 };
        Self {
            delivery: Delivery::new(place, 5, LONGEST, 1),
            now: Instant::from_millis(0),
            loose: 0,
            batches: Vec::new(),
            released: 0,
            stored: 0,
            up: VecDeque::new(),
            down: VecDeque::new(),
            sent_in_flight_at_most: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Commit(entries) => {
                self.loose += entries;
                // Nobody tells of what is committed while there is no connection.
                if self.delivery.connected {
                    self.delivery.handle_committed();
                }
            }
            Step::Connect => self.delivery.handle_connected(),
            Step::Disconnect => {
                self.delivery.handle_disconnected();
                self.up.clear();
                self.down.clear();
            }
            Step::Deliver => {
                if let Some(number) = self.up.pop_front() {
                    self.deliver(number);
                }
            }
            Step::Lose => drop(self.up.pop_front()),
            Step::Repeat => self.up.extend(self.up.front().copied()),
            Step::Swap => {
                if self.up.len() > 1 {
                    self.up.swap(0, 1);
                }
            }
            Step::Answer => {
                if let Some(verdict) = self.down.pop_front() {
                    self.delivery.handle_receipt(verdict, self.now);
                }
            }
            Step::LoseAnswer => drop(self.down.pop_front()),
            Step::Wait(ms) => {
                self.now = self.now.after(Duration::from_millis(*ms));
                self.delivery.handle_timeout(self.now);
            }
        }
        self.drain();
    }

    fn deliver(&mut self, number: u64) {
        let verdict = if number > self.stored {
            Verdict::Refused {
                number,
                hash: hash(number),
                reason: Refusal::Missing,
                expected: self.stored,
                through: 0,
            }
        } else {
            self.stored = self.stored.max(number + 1);
            let newest = self.stored - 1;
            Verdict::Stored { number: newest, hash: hash(newest), through: 0 }
        };
        self.down.push_back(verdict);
    }

    fn drain(&mut self) {
        while let Some(output) = self.delivery.poll_output() {
            match output {
                Output::Fetch { number, only_full, .. } => {
                    if number == self.batches.len() as u64 {
                        let cut = self.loose.min(FULL);
                        if cut > 0 && (cut == FULL || !only_full) {
                            self.loose -= cut;
                            self.batches.push(cut);
                        }
                    }
                    let found = number < self.batches.len() as u64;
                    assert!(number >= self.released, "asked for a batch that is freed");
                    if self.delivery.handle_fetched(number, found.then_some(100), self.now) {
                        assert!(found);
                        self.up.push_back(number);
                    }
                }
                Output::Release { number, hash: freed } => {
                    assert_eq!(freed, hash(number));
                    assert!(number < self.stored, "freed what the hub does not have");
                    self.released = self.released.max(number + 1);
                    self.delivery.handle_released(self.released, self.now);
                }
                Output::Restart { .. } => panic!("this hub forgets nothing"),
            }
            self.sent_in_flight_at_most = self.sent_in_flight_at_most.max(self.delivery.in_flight());
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_u64..12).prop_map(Step::Commit),
        2 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        6 => Just(Step::Deliver),
        1 => Just(Step::Lose),
        1 => Just(Step::Repeat),
        1 => Just(Step::Swap),
        6 => Just(Step::Answer),
        1 => Just(Step::LoseAnswer),
        2 => (1_u64..30_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..300)
}

proptest! {
    #[test]
    fn whatever_the_network_does_everything_arrives_and_only_the_receipted_is_freed(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            prop_assert!(world.sent_in_flight_at_most <= 5);
            prop_assert!(world.released <= world.stored);
        }
        // The network heals: everything must get through without another push.
        world.step(&Step::Connect);
        for _ in 0..2_000 {
            world.step(&Step::Deliver);
            world.step(&Step::Answer);
            if world.up.is_empty() && world.down.is_empty() {
                match world.delivery.poll_timeout() {
                    Some(at) => world.step(&Step::Wait(at.since(world.now).as_millis() as u64)),
                    None => break,
                }
            }
        }
        let all = world.batches.len() as u64;
        prop_assert_eq!((world.loose, world.stored, world.released), (0, all, all));
        prop_assert_eq!(world.delivery.in_flight(), 0);
    }
}

#[test]
fn a_chain_the_hub_cannot_follow_is_restarted_once_and_only_for_a_batch_that_is_out() {
    let mut world = World::new();
    world.step(&Step::Commit(8));
    world.step(&Step::Connect);
    let refused = |number| Verdict::Refused {
        number,
        hash: hash(number),
        reason: Refusal::Fork,
        expected: 7,
        through: 99,
    };
    let now = world.now;
    world.delivery.handle_receipt(refused(7), now);
    assert_eq!((world.delivery.poll_output(), world.delivery.strange()), (None, 1));
    world.delivery.handle_receipt(refused(0), now);
    world.delivery.handle_receipt(refused(1), now);
    let restart = Output::Restart { number: 0, hash: hash(0), through: 99, reason: Refusal::Fork };
    assert_eq!(world.delivery.poll_output(), Some(restart));
    assert_eq!(world.delivery.poll_output(), None);

    let chain = ChainId::from_bytes([2; 16]);
    world.delivery.handle_restarted(Dispatch { chain, oldest: 0, next: 0 });
    assert!(matches!(world.delivery.poll_output(), Some(Output::Fetch { number: 0, only_full: false, .. })));
}

#[test]
fn the_first_retry_of_an_unanswered_batch_comes_within_five_seconds_and_they_never_end() {
    let mut world = World::new();
    world.step(&Step::Commit(1));
    world.step(&Step::Connect);
    let first = world.delivery.poll_timeout().unwrap();
    assert!(first.since(world.now) <= Duration::from_secs(5));
    for retry in 1..1_000 {
        let due = world.delivery.poll_timeout().expect("a retry is always due");
        assert!(due.since(world.now) <= LONGEST);
        world.up.clear();
        world.step(&Step::Wait(due.since(world.now).as_millis() as u64));
        assert_eq!((world.up.len(), world.delivery.resent()), (1, retry));
    }
}

#[test]
fn a_store_that_cannot_read_is_not_asked_in_a_circle() {
    let mut world = World::new();
    world.step(&Step::Commit(1));
    world.step(&Step::Connect);
    world.step(&Step::Disconnect);
    world.delivery.handle_connected();
    assert!(matches!(world.delivery.poll_output(), Some(Output::Fetch { number: 0, .. })));
    assert!(!world.delivery.handle_fetched(0, None, world.now));
    assert_eq!(world.delivery.poll_output(), None);
    let retry = world.delivery.poll_timeout().expect("but it is asked again");
    world.step(&Step::Wait(retry.since(world.now).as_millis() as u64));
    assert_eq!(world.up, [0]);
}
