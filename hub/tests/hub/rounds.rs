//! Whatever is delivered, in whatever order, however often and however rounds end: the database holds what a
//! simple model of the rules holds, and a receipt promises nothing that is not on the disk.

use std::collections::BTreeMap;

use crate::gateway::{Hub, NOW, Outbox, reading};
use proptest::prelude::*;
use rusqlite::{Connection, OpenFlags};
use varde_hub::Signature;
use varde_wire::{ChainId, Hash, Lane, Sealed, SignedBatch, Verdict};

/// A batch that may be delivered, as the model knows it.
struct Made {
    signed: SignedBatch,
    chain: ChainId,
    number: u64,
    previous: Hash,
    /// Seq and reading.
    entries: Vec<(u64, i64)>,
}

#[derive(Default)]
struct Model {
    chains: BTreeMap<ChainId, Vec<Hash>>,
    entries: BTreeMap<u64, i64>,
}

impl Model {
    fn take(&mut self, made: &Made) {
        let chain = self.chains.entry(made.chain).or_default();
        let follows =
            made.number == chain.len() as u64 && made.previous == chain.last().copied().unwrap_or(Hash::NONE);
        if follows {
            chain.push(made.signed.hash());
            for (seq, mmhg) in &made.entries {
                self.entries.entry(*seq).or_insert(*mmhg);
            }
        }
    }
}

/// Chain 1 with two readings a batch; a fork of each of its batches; chain 2, which brings the entries of
/// chain 1 from batch 2 on once more, and one new one.
fn pool(gateway: &crate::gateway::Gateway) -> Vec<Made> {
    let mut made = Vec::new();
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let mut carried_over = Vec::new();
    for number in 0..6 {
        let fork = (outbox.number, outbox.previous, outbox.seq);
        let first = outbox.seq;
        let readings = [10 * number, 10 * number + 1];
        let entries = sealed(&mut outbox, &readings);
        if number >= 2 {
            carried_over.extend((first..).zip(readings).zip(entries.clone()));
        }
        made.push(batch(&mut outbox, &readings, entries));
        let after = (outbox.number, outbox.previous, outbox.seq);
        (outbox.number, outbox.previous, outbox.seq) = fork;
        let readings = [1000 + number, 1001 + number];
        let entries = sealed(&mut outbox, &readings);
        made.push(batch(&mut outbox, &readings, entries));
        (outbox.number, outbox.previous, outbox.seq) = after;
    }
    outbox.chain = ChainId::from_bytes([2; 16]);
    (outbox.number, outbox.previous) = (0, Hash::NONE);
    outbox.seq = carried_over[0].0.0;
    for part in carried_over.chunks(3) {
        let readings: Vec<i64> = part.iter().map(|((_, mmhg), _)| *mmhg).collect();
        made.push(batch(&mut outbox, &readings, part.iter().map(|(_, entry)| entry.clone()).collect()));
    }
    let entries = sealed(&mut outbox, &[77]);
    made.push(batch(&mut outbox, &[77], entries));
    made
}

fn sealed(outbox: &mut Outbox<'_>, readings: &[i64]) -> Vec<Sealed> {
    let entry = |(seq, mmhg): (u64, &i64)| {
        let (count, bytes) =
            outbox.epoch.seal(Lane::Routine, seq, &reading(*mmhg).encode().unwrap()).unwrap();
        Sealed { epoch: 0, count, bytes }
    };
    (outbox.seq..).zip(readings).map(entry).collect()
}

fn batch(outbox: &mut Outbox<'_>, readings: &[i64], entries: Vec<Sealed>) -> Made {
    let (chain, number, previous, first) = (outbox.chain, outbox.number, outbox.previous, outbox.seq);
    let signed = outbox.batch_of(entries);
    Made { signed, chain, number, previous, entries: (first..).zip(readings.iter().copied()).collect() }
}

/// The hash of the batch on the disk, as another process would find it.
fn on_disk(reader: &Connection, chain: ChainId, number: u64) -> Option<[u8; 32]> {
    let sql =
        "SELECT hash FROM batch JOIN chain ON chain.id = batch.chain WHERE chain.chain = ?1 AND number = ?2";
    reader.query_row(sql, (chain.as_bytes(), number.cast_signed()), |row| row.get(0)).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn each_entry_is_stored_once_and_every_chain_is_unbroken(
        // Each round: which batches of the pool, whether it ends well, whether the hub starts anew after it.
        rounds in prop::collection::vec(
            (prop::collection::vec(0..16usize, 1..6), prop::bool::weighted(0.8), prop::bool::weighted(0.1)),
            1..16,
        ),
    ) {
        let hub = Hub::new();
        let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
        let pool = pool(&gateway);
        let reader = Connection::open_with_flags(hub.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut intake = hub.intake();
        let mut model = Model::default();
        for (deliveries, ends_well, starts_anew) in rounds {
            let mut round = intake.begin().unwrap();
            for made in deliveries.iter().map(|place| &pool[*place]) {
                round.take(&gateway.arrival(Lane::Routine, &made.signed), NOW).unwrap();
            }
            if !ends_well {
                drop(round);
                continue;
            }
            for answer in round.commit().unwrap() {
                let receipt = answer.receipt.verify(&gateway.hub_verify, &gateway.id).unwrap();
                if let Verdict::Stored { number, hash, .. } = receipt.verdict {
                    prop_assert_eq!(on_disk(&reader, receipt.chain, number), Some(*hash.as_bytes()));
                }
            }
            deliveries.iter().for_each(|place| model.take(&pool[*place]));
            let shown: Vec<(u64, i64)> = hub
                .observations()
                .iter()
                .map(|line| (line["seq"].as_u64().unwrap(), line["value"].as_str().unwrap().parse().unwrap()))
                .collect();
            prop_assert_eq!(shown.len(), model.entries.len(), "an entry was stored twice or lost");
            prop_assert_eq!(shown.into_iter().collect::<BTreeMap<_, _>>(), model.entries.clone());
            for (chain, hashes) in &model.chains {
                for (number, hash) in (0..).zip(hashes) {
                    prop_assert_eq!(on_disk(&reader, *chain, number), Some(*hash.as_bytes()));
                }
                prop_assert_eq!(on_disk(&reader, *chain, hashes.len() as u64), None);
            }
            if starts_anew {
                drop(intake);
                intake = hub.intake();
            }
        }
    }
}
