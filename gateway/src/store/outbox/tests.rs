//! An outbox lives a random life, power cuts among it, beside a hub that opens what it gets. After each step the
//! two must agree on where every record is.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use varde_wire::{
    BootId, Chain, Content, Decimal, DeviceId, Flags, Following, Instant, Metric, Observation, OpeningEpoch,
    OpeningKey, SigningKey, Stamp, Trust, Value,
};

use super::*;
use crate::store::cut::BATCH_BYTES;

fn identity() -> (Identity, OpeningKey) {
    let hub = OpeningKey::derive(&[1; 32]);
    let identity = Identity {
        gateway: "gw-1".parse().unwrap(),
        sign: SigningKey::ed25519(&[2; 32]),
        hub_seal: hub.sealing_key(),
    };
    (identity, hub)
}

/// A record that can be told apart by its number.
fn record(number: i64) -> Record {
    Record {
        stamp: Stamp {
            boot: BootId::from_bytes([3; 16]),
            uptime: Instant::from_millis(0),
            wall: WallTime::from_unix_millis(number),
            trust: Trust::Estimated,
        },
        content: Content::Observation(Observation {
            device: "d-1".parse::<DeviceId>().unwrap(),
            metric: Metric::SYSTOLIC,
            value: Value::Decimal(Decimal::whole(number)),
            unit: None,
            device_time: None,
            user: None,
            flags: Flags::NONE,
            group: None,
        }),
    }
}

/// The hub as it must be: by lane its chains, and each record by epoch and seq.
struct Hub {
    key: OpeningKey,
    epochs: HashMap<Encapsulation, OpeningEpoch>,
    chains: HashMap<ChainId, Chain>,
    stored: BTreeMap<(Lane, Encapsulation, u64), i64>,
}

impl Hub {
    fn take(&mut self, identity: &Identity, signed: &SignedBatch) -> Following {
        let verified = signed.verify(&identity.sign.verifying_key(), &identity.gateway).unwrap();
        let id = verified.batch().chain;
        let chain = self.chains.entry(id).or_insert_with(|| Chain::new(id));
        let following = chain.judge(&verified);
        if matches!(following, Following::Next { .. }) {
            chain.extend(&verified);
            for opened in verified.unlock(&[&self.key], &mut self.epochs).unwrap().entries() {
                let Content::Observation(observation) = opened.record.unwrap().content else { panic!() };
                let Value::Decimal(number) = observation.value else { panic!() };
                self.stored.insert((verified.batch().lane, opened.epoch, opened.seq), number.mantissa);
            }
        }
        following
    }

    fn numbers(&self, lane: Lane) -> Vec<i64> {
        let mut numbers: Vec<i64> =
            self.stored.iter().filter(|((l, ..), _)| *l == lane).map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(Lane, usize),
    /// Fetch and hand to the hub; release if the flag is set.
    Send(Lane, bool),
    /// Send the oldest unreleased batch again.
    Repeat(Lane),
    PowerCut,
    /// The hub says that it cannot follow, and that it has seqs up to this one.
    Restart(Lane, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lane = prop_oneof![Just(Lane::Urgent), Just(Lane::Routine)];
    let step = prop_oneof![
        4 => (lane.clone(), 1_usize..700).prop_map(|(lane, count)| Step::Append(lane, count)),
        4 => (lane.clone(), any::<bool>()).prop_map(|(lane, released)| Step::Send(lane, released)),
        1 => lane.clone().prop_map(Step::Repeat),
        1 => Just(Step::PowerCut),
        1 => (lane, 0_u64..3000).prop_map(|(lane, through)| Step::Restart(lane, through)),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_committed_reaches_the_hub_once_whatever_comes_between(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("outbox.db");
        let (identity, key) = identity();
        let open = || Outbox::open(Some(&path), identity.clone(), 1 << 30).unwrap();
        let mut outbox = open();
        let mut hub = Hub { key, epochs: HashMap::new(), chains: HashMap::new(), stored: BTreeMap::new() };
        let mut next = 0_i64;
        let mut committed: BTreeMap<Lane, Vec<i64>> = BTreeMap::new();
        let mut sent: HashMap<(ChainId, u64), SignedBatch> = HashMap::new();
        let mut seqs: BTreeMap<Lane, u64> = BTreeMap::new();

        for step in steps {
            match step {
                Step::Append(lane, count) => {
                    // A seq is never given twice, whatever came between.
                    let first = outbox.place(lane).next_seq;
                    prop_assert!(first >= seqs.get(&lane).copied().unwrap_or_default());
                    let numbers: Vec<i64> = (next..next + count as i64).collect();
                    outbox.append(lane, &numbers.iter().map(|n| record(*n)).collect::<Vec<_>>()).unwrap();
                    next += count as i64;
                    committed.entry(lane).or_default().extend(numbers);
                    seqs.insert(lane, outbox.place(lane).next_seq);
                }
                Step::Send(lane, released) => {
                    let place = *outbox.place(lane);
                    let number = sent.keys().filter(|(c, _)| *c == place.chain).map(|(_, n)| n + 1).max();
                    let number = number.unwrap_or(0).max(place.oldest_number);
                    if let Some(signed) = outbox.fetch(lane, number, false, BATCH_BYTES).unwrap() {
                        let next = matches!(hub.take(&identity, &signed), Following::Next { .. });
                        prop_assert!(next);
                        let hash = signed.hash();
                        sent.insert((place.chain, number), signed);
                        if released {
                            prop_assert_eq!(outbox.release(lane, number, &hash).unwrap(), number + 1);
                        }
                    }
                }
                Step::Repeat(lane) => {
                    let place = *outbox.place(lane);
                    if let Some(before) = sent.get(&(place.chain, place.oldest_number)) {
                        let again = outbox.fetch(lane, place.oldest_number, false, BATCH_BYTES).unwrap();
                        prop_assert_eq!(Some(before), again.as_ref(), "re-sent is byte-identical");
                    }
                }
                Step::PowerCut => {
                    // Nothing of the process is left; what was committed is in the file.
                    std::mem::forget(outbox);
                    outbox = open();
                }
                Step::Restart(lane, through) => {
                    let place = *outbox.place(lane);
                    if let Some(signed) = sent.get(&(place.chain, place.oldest_number)) {
                        outbox.restart(lane, place.oldest_number, &signed.hash(), through).unwrap();
                        prop_assert!(outbox.place(lane).next_seq > through);
                        prop_assert_ne!(outbox.place(lane).chain, place.chain);
                    }
                }
            }
        }
        for lane in Lane::ALL {
            while let Some(signed) = outbox.fetch(lane, outbox.place(lane).oldest_number, false, BATCH_BYTES).unwrap() {
                let number = outbox.place(lane).oldest_number;
                let refused = matches!(hub.take(&identity, &signed), Following::Refused(_));
                prop_assert!(!refused);
                outbox.release(lane, number, &signed.hash()).unwrap();
            }
            prop_assert_eq!(hub.numbers(lane), committed.remove(&lane).unwrap_or_default());
            prop_assert!(outbox.place(lane).is_empty());
            prop_assert_eq!(outbox.oldest_made(lane).unwrap(), None);
        }
    }
}

#[test]
fn a_receipt_of_another_batch_frees_nothing() {
    let (identity, _) = identity();
    let mut outbox = Outbox::open(None, identity, 1 << 30).unwrap();
    outbox.append(Lane::Urgent, &[record(1)]).unwrap();
    let signed = outbox.fetch(Lane::Urgent, 0, false, BATCH_BYTES).unwrap().unwrap();
    assert_eq!(outbox.release(Lane::Urgent, 0, &Hash::of(b"another")).unwrap(), 0);
    assert_eq!(outbox.fetch(Lane::Urgent, 0, false, BATCH_BYTES).unwrap(), Some(signed));
}

#[test]
fn an_outbox_of_another_gateway_or_a_newer_program_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox.db");
    let (ours, _) = identity();
    drop(Outbox::open(Some(&path), ours.clone(), 1 << 30).unwrap());
    let other = Identity { gateway: "gw-2".parse().unwrap(), ..ours.clone() };
    assert!(matches!(Outbox::open(Some(&path), other, 1 << 30), Err(StoreError::Foreign { .. })));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(
        Outbox::open(Some(&path), ours, 1 << 30),
        Err(StoreError::Newer { found: 99, known: 4 })
    ));
}

#[test]
fn a_full_outbox_takes_no_routine_entry_but_every_alarm() {
    let (identity, _) = identity();
    let mut outbox = Outbox::open(None, identity, 1 << 20).unwrap();
    let many: Vec<Record> = (0..1000).map(record).collect();
    let full = (0..100).find_map(|_| outbox.append(Lane::Routine, &many).err());
    assert!(matches!(full, Some(StoreError::Full)), "{full:?}");
    outbox.append(Lane::Urgent, &[record(1)]).unwrap();
    let signed =
        outbox.fetch(Lane::Routine, 0, false, BATCH_BYTES).unwrap().expect("what is stored still goes out");
    outbox.release(Lane::Routine, 0, &signed.hash()).unwrap();
}

#[test]
fn a_device_that_is_forgotten_and_added_again_begins_anew() {
    let (identity, _) = identity();
    let mut outbox = Outbox::open(None, identity, 1 << 30).unwrap();
    let [door, cuff]: [DeviceId; 2] = ["door-1", "cuff-1"].map(|name| name.parse().unwrap());
    for memory in [1, 2] {
        let memories = [&door, &cuff].map(|device| (device.clone(), vec![memory])).into();
        outbox.append_and_remember(Lane::Routine, &[], &memories).unwrap();
    }
    outbox.remember_only(std::slice::from_ref(&cuff)).unwrap();
    assert_eq!(outbox.recall(&cuff).unwrap(), Some(vec![2]));
    assert_eq!(outbox.recall(&door).unwrap(), None);
}
