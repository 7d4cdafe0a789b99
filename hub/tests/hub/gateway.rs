//! A hub in a temporary directory, and gateways enrolled with it that make batches.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use varde_hub::{
    Arrival, Cause, Directory, Enrol, Intake, ListAlarms, Outcome, Pair, Show, Signature, Store,
};
use varde_wire::{
    About, Anchor, Batch, BootId, ChainId, Content, Decimal, DeviceId, Event, Flags, Gap, GatewayId, Hash,
    HubKeys, Instant, Lane, Metric, Observation, Receipt, Record, Report, Sealed, SealingEpoch, SealingKey,
    SignedBatch, SigningKey, Stamp, Trust, Unit, Value, VerifyingKey, WallTime,
};

/// Any moment will do for batches that are taken in without a clock.
pub(crate) const NOW: WallTime = WallTime::from_unix_millis(1_800_000_000_000);
pub(crate) const BOOT: BootId = BootId::from_bytes([9; 16]);

/// A hub and its directory.
pub(crate) struct Hub {
    pub(crate) root: TempDir,
    pub(crate) directory: Directory,
}

impl Hub {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = varde_hub::init(&root.path().join("hub"), &["localhost".to_owned()]).unwrap();
        Self { root, directory }
    }

    pub(crate) fn enrol(&self, id: &str, signature: Signature, again: bool) -> Gateway {
        let out = self.root.path().join(format!("{id}-{again}"));
        let enrol = Enrol { gateway: id.parse().unwrap(), out: out.clone(), signature, again };
        varde_hub::enrol(&self.directory, &self.database(), &enrol).unwrap();
        Gateway::load(&out)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.database()
    }

    pub(crate) fn intake(&self) -> Intake {
        Intake::new(Store::open(&self.database()).unwrap(), self.directory.clone()).unwrap()
    }

    /// The lines of `show --json`.
    pub(crate) fn shown(&self, show: Show) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        varde_hub::show(&self.database(), &Show { json: true, ..show }, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn observations(&self) -> Vec<serde_json::Value> {
        self.shown(Show::default())
    }

    /// The lines of `alarms --json`.
    pub(crate) fn alarms(&self, list: ListAlarms) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        varde_hub::list_alarms(&self.database(), &ListAlarms { json: true, ..list }, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn incidents(&self) -> Vec<serde_json::Value> {
        self.shown(Show { incidents: true, ..Show::default() })
    }
}

/// What a gateway knows after it was enrolled.
pub(crate) struct Gateway {
    pub(crate) id: GatewayId,
    pub(crate) credentials: PathBuf,
    pub(crate) signing: SigningKey,
    pub(crate) hub_seal: SealingKey,
    pub(crate) hub_verify: VerifyingKey,
}

impl Gateway {
    pub(crate) fn load(credentials: &Path) -> Self {
        let text = |name: &str| std::fs::read_to_string(credentials.join(name)).unwrap();
        Self {
            id: text("gateway.id").trim_end().parse().unwrap(),
            credentials: credentials.to_owned(),
            signing: SigningKey::from_text(&text("sign.key")).unwrap(),
            hub_seal: SealingKey::from_text(&text("hub-seal.key")).unwrap(),
            hub_verify: VerifyingKey::from_text(&text("hub-verify.key")).unwrap(),
        }
    }

    /// Goes by this pair of the hub's keys from now on.
    pub(crate) fn go_over(&mut self, pair: &Pair) {
        let HubKeys { verifying, sealing } = pair.public();
        (self.hub_verify, self.hub_seal) = (verifying, sealing);
    }

    pub(crate) fn epoch(&self, entropy: u8) -> SealingEpoch {
        SealingEpoch::begin(&self.hub_seal, &self.id, [entropy; 32]).unwrap()
    }

    pub(crate) fn outbox(&self, lane: Lane, chain: u8) -> Outbox<'_> {
        Outbox {
            gateway: self,
            lane,
            chain: ChainId::from_bytes([chain; 16]),
            number: 0,
            previous: Hash::NONE,
            seq: 1,
            epoch: self.epoch(chain),
        }
    }

    pub(crate) fn arrival(&self, lane: Lane, signed: &SignedBatch) -> Arrival {
        Arrival { gateway: self.id.clone(), lane, signed: signed.clone() }
    }
}

/// One chain of one lane.
pub(crate) struct Outbox<'g> {
    pub(crate) gateway: &'g Gateway,
    pub(crate) lane: Lane,
    pub(crate) chain: ChainId,
    pub(crate) number: u64,
    pub(crate) previous: Hash,
    pub(crate) seq: u64,
    pub(crate) epoch: SealingEpoch,
}

impl Outbox<'_> {
    /// The next batch of the chain, with these records.
    pub(crate) fn batch(&mut self, records: &[Record]) -> SignedBatch {
        let entries = (self.seq..).zip(records).map(|(seq, record)| {
            let (count, bytes) = self.epoch.seal(self.lane, seq, &record.encode().unwrap()).unwrap();
            Sealed { epoch: 0, count, bytes }
        });
        let entries = entries.collect();
        self.batch_of(entries)
    }

    pub(crate) fn batch_of(&mut self, entries: Vec<Sealed>) -> SignedBatch {
        let batch = Batch {
            gateway: self.gateway.id.clone(),
            lane: self.lane,
            chain: self.chain,
            number: self.number,
            previous: self.previous,
            first: self.seq,
            epochs: vec![*self.epoch.encapsulation()],
            entries,
        };
        let signed = batch.sign(&self.gateway.signing).unwrap();
        self.number += 1;
        self.previous = signed.hash();
        self.seq = batch.last() + 1;
        signed
    }
}

pub(crate) fn stamp(uptime: u64, wall: i64, trust: Trust) -> Stamp {
    Stamp { boot: BOOT, uptime: Instant::from_millis(uptime), wall: WallTime::from_unix_millis(wall), trust }
}

pub(crate) fn observation(metric: Metric, value: Value, unit: Option<Unit>) -> Observation {
    Observation {
        device: "cuff-1".parse::<DeviceId>().unwrap(),
        metric,
        value,
        unit,
        device_time: None,
        user: None,
        flags: Flags::NONE,
        group: None,
    }
}

/// A reading of so many mmHg.
pub(crate) fn reading(mmhg: i64) -> Record {
    let value = Value::Decimal(Decimal::whole(mmhg));
    let content = observation(Metric::SYSTOLIC, value, Some(Unit::MillimetreOfMercury));
    Record {
        stamp: stamp(1_000, 1_700_000_000_000, Trust::Synchronised),
        content: Content::Observation(content),
    }
}

pub(crate) fn alarm() -> Record {
    let content = observation(Metric::PERSONAL_ALARM, Value::Event(Event::SafetyAlarm), None);
    Record {
        stamp: stamp(2_000, 1_700_000_001_000, Trust::Synchronised),
        content: Content::Observation(content),
    }
}

pub(crate) fn anchor(uptime: u64, wall: i64) -> Record {
    Record {
        stamp: stamp(uptime, wall, Trust::Synchronised),
        content: Content::Anchor(Anchor { moved_ms: 0 }),
    }
}

/// What a gateway came to by itself, so long after its boot, with a clock that is right.
pub(crate) fn report(uptime: u64, about: About) -> Record {
    let wall = 1_700_000_000_000 + i64::try_from(uptime).unwrap();
    Record {
        stamp: stamp(uptime, wall, Trust::Synchronised),
        content: Content::Report(Report { age_ms: 0, about }),
    }
}

pub(crate) fn gap(gap: Gap) -> Record {
    Record { stamp: gap.to, content: Content::Gap(gap) }
}

/// Takes batches in, one round each; gives what became of them and the receipts.
pub(crate) fn take(
    intake: &mut Intake,
    gateway: &Gateway,
    lane: Lane,
    batches: &[&SignedBatch],
) -> Vec<(Outcome, Vec<Receipt>)> {
    let one = |signed: &&SignedBatch| {
        let mut round = intake.begin().unwrap();
        let outcome = round.take(&gateway.arrival(lane, signed), NOW).unwrap();
        let answers = round.commit().unwrap();
        let verified = |answer: varde_hub::Answer| {
            assert_eq!((&answer.gateway, answer.lane), (&gateway.id, lane));
            answer.receipt.verify(&gateway.hub_verify, &gateway.id).unwrap()
        };
        (outcome, answers.into_iter().map(verified).collect())
    };
    batches.iter().map(one).collect()
}

/// What became of batches, as short as it can be said.
pub(crate) fn causes(taken: &[(Outcome, Vec<Receipt>)]) -> Vec<Option<Cause>> {
    let cause = |outcome: &Outcome| match outcome {
        Outcome::Refused(cause) => Some(*cause),
        Outcome::Stored { .. } | Outcome::Repeated => None,
    };
    taken.iter().map(|(outcome, _)| cause(outcome)).collect()
}
