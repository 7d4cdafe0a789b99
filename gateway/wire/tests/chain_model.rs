//! The chain against a model that forgets nothing: whatever the network delivers, the hub stores each batch
//! once, in order, and says of every other one why not.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]

use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use varde_wire::{
    Batch, Chain, ChainId, Following, GatewayId, Hash, Lane, Refusal, Sealed, SigningKey, VerifiedBatch,
    WINDOW,
};

const CHAINS: u8 = 2;
const LENGTH: usize = 40;
/// Where the branches of a chain leave its trunk: at once, within the window, beyond it.
const FORKS: [usize; 3] = [0, 5, 30];

/// What arrives at the hub next.
#[derive(Clone, Debug)]
enum Arrival {
    /// One batch, wherever it is from: lost ones never come, others come late, twice or long after.
    Any { chain: u8, branch: usize, number: usize },
    /// The batch that the hub waits for, and the ones after it. Without these, nothing would ever grow.
    Next { chain: u8, branch: usize, count: usize },
    /// The hub starts again from what it stored.
    Restart,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let branch = prop_oneof![3 => Just(0), 1 => 1..=FORKS.len()];
    let any = (0..CHAINS, 0..=FORKS.len(), 0..LENGTH);
    prop_oneof![
        5 => any.prop_map(|(chain, branch, number)| Arrival::Any { chain, branch, number }),
        4 => (0..CHAINS, branch, 1..12usize)
            .prop_map(|(chain, branch, count)| Arrival::Next { chain, branch, count }),
        1 => Just(Arrival::Restart),
    ]
}

proptest! {
    #[test]
    fn every_batch_is_stored_once_and_in_order_whatever_is_delivered(
        arrivals in prop::collection::vec(arrival(), 1..80)
    ) {
        let mut hub = Hub::default();
        for arrival in arrivals {
            match arrival {
                Arrival::Any { chain, branch, number } => hub.take(chain, batch(chain, branch, number))?,
                Arrival::Next { chain, branch, count } => {
                    let from = hub.model.get(&chain).map_or(0, Vec::len);
                    for number in from..LENGTH.min(from + count) {
                        hub.take(chain, batch(chain, branch, number))?;
                    }
                }
                Arrival::Restart => hub.restart(),
            }
        }
        // Whichever branch each chain took, its gateway can end it.
        for chain in 0..CHAINS {
            let Some(branch) = (0..=FORKS.len()).find(|branch| hub.is_on(chain, *branch)) else {
                return Err(TestCaseError::fail("a chain of mixed branches"));
            };
            for number in 0..LENGTH {
                hub.take(chain, batch(chain, branch, number))?;
            }
            prop_assert_eq!(hub.model[&chain].len(), LENGTH);
        }
    }
}

/// The hub's chains, and beside each everything that was ever stored of it.
#[derive(Default)]
struct Hub {
    chains: HashMap<u8, Chain>,
    model: HashMap<u8, Vec<VerifiedBatch>>,
}

impl Hub {
    fn take(&mut self, chain: u8, arrived: &VerifiedBatch) -> Result<(), TestCaseError> {
        let stored = self.model.entry(chain).or_default();
        let judge = self.chains.entry(chain).or_insert_with(|| Chain::new(chain_id(chain)));
        let verdict = judge.judge(arrived);
        prop_assert_eq!(verdict, expected(stored, arrived));
        if let Following::Next { .. } = verdict {
            judge.extend(arrived);
            stored.push(arrived.clone());
        }
        prop_assert_eq!(judge.next(), stored.len() as u64);
        prop_assert_eq!(judge.head(), stored.last().map_or(Hash::NONE, VerifiedBatch::hash));
        prop_assert_eq!(judge.through(), stored.last().map(|last| last.batch().last()));
        Ok(())
    }

    fn restart(&mut self) {
        for chain in self.chains.values_mut() {
            *chain = Chain::resume(chain.id(), chain.next(), chain.through(), chain.recent().copied());
        }
    }

    fn is_on(&self, chain: u8, branch: usize) -> bool {
        let stored = self.model.get(&chain).map_or(&[][..], Vec::as_slice);
        stored.iter().enumerate().all(|(number, held)| held == batch(chain, branch, number))
    }
}

/// The rules, told over everything that was ever stored.
fn expected(stored: &[VerifiedBatch], arrived: &VerifiedBatch) -> Following {
    let number = usize::try_from(arrived.batch().number).unwrap();
    match stored.get(number) {
        Some(_) if stored.len() - number > usize::try_from(WINDOW).unwrap() => {
            Following::Refused(Refusal::Replay)
        }
        Some(held) if held.hash() == arrived.hash() => Following::Repeated,
        Some(_) => Following::Refused(Refusal::Fork),
        None if number > stored.len() => Following::Refused(Refusal::Missing),
        None => match stored.last() {
            None => Following::Next { skipped: 0 },
            Some(last) if arrived.batch().previous != last.hash() => Following::Refused(Refusal::Fork),
            Some(last) => match arrived.batch().first.checked_sub(last.batch().last() + 1) {
                Some(skipped) => Following::Next { skipped },
                None => Following::Refused(Refusal::Fork),
            },
        },
    }
}

#[test]
fn a_batch_whose_seqs_go_back_is_refused_though_it_is_signed_and_chained() {
    let first = sign(&unsigned(0, 0, Hash::NONE, 10, 3));
    let mut chain = Chain::new(chain_id(0));
    chain.extend(&first);
    for (from, verdict) in [
        (0, Following::Refused(Refusal::Fork)),
        (12, Following::Refused(Refusal::Fork)),
        (13, Following::Next { skipped: 0 }),
        (20, Following::Next { skipped: 7 }),
    ] {
        assert_eq!(chain.judge(&sign(&unsigned(0, 1, first.hash(), from, 1))), verdict, "from {from}");
    }
}

/// Every batch there is: by chain, by branch (0 is the trunk), by number.
static BATCHES: LazyLock<Vec<Vec<Vec<VerifiedBatch>>>> = LazyLock::new(|| {
    (0..CHAINS)
        .map(|chain| {
            let trunk = grow(chain, Vec::new(), 1);
            let branches = FORKS.iter().map(|fork| grow(chain, trunk[..*fork].to_vec(), 2)).collect();
            [vec![trunk], branches].concat()
        })
        .collect()
});

fn batch(chain: u8, branch: usize, number: usize) -> &'static VerifiedBatch {
    &BATCHES[usize::from(chain)][branch][number]
}

/// A chain to its full length, `step` entries a batch, with a hole of one seq after each third.
fn grow(chain: u8, mut made: Vec<VerifiedBatch>, step: usize) -> Vec<VerifiedBatch> {
    for number in made.len()..LENGTH {
        let (previous, next) =
            made.last().map_or((Hash::NONE, 0), |last| (last.hash(), last.batch().last() + 1));
        let first = next + u64::from(number % 3 == 2);
        made.push(sign(&unsigned(chain, number as u64, previous, first, step)));
    }
    made
}

fn unsigned(chain: u8, number: u64, previous: Hash, first: u64, entries: usize) -> Batch {
    // What is in an entry is nothing to the chain.
    let entry = Sealed { epoch: 0, count: 0, bytes: Vec::new() };
    Batch {
        gateway: gateway(),
        lane: Lane::Routine,
        chain: chain_id(chain),
        number,
        previous,
        first,
        epochs: vec![[0; 32]],
        entries: vec![entry; entries],
    }
}

fn sign(batch: &Batch) -> VerifiedBatch {
    let key = SigningKey::ed25519(&[1; 32]);
    batch.sign(&key).unwrap().verify(&key.verifying_key(), &gateway()).unwrap()
}

fn chain_id(chain: u8) -> ChainId {
    ChainId::from_bytes([chain; 16])
}

fn gateway() -> GatewayId {
    "gw-1".parse().unwrap()
}
