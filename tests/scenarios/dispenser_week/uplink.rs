//! From what a session reads to what the hub has: the real admission, outbox, delivery and hub, without the network.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use varde::config::Credentials;
use varde::store::{Identity, Outbox};
use varde_core::{Admission, Delivery, Output};
use varde_hub::{Arrival, Directory, Enrol, Intake, Round, Show, Signature, Store};
use varde_wire::{
    BootId, Content, GatewayId, Instant, Lane, Observation, Record, Stamp, Trust, VerifyingKey, WallTime,
};

const MAX_BYTES: u64 = 64_000_000;

/// The gateway's way out, and the hub at its end.
pub(crate) struct Uplink {
    folder: TempDir,
    outbox: Outbox,
    identity: Identity,
    admission: Admission,
    deliveries: [Delivery; 2],
    hub: Intake,
    hub_key: VerifyingKey,
    directory: Directory,
    is_online: bool,
    boots: u8,
    /// What was committed, by lane.
    committed: [Vec<Observation>; 2],
}

impl Uplink {
    /// A gateway that is enrolled with a hub, both new.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = varde_hub::init(&folder.path().join("hub"), &["127.0.0.1".to_owned()]).unwrap();
        let out = folder.path().join("credentials");
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let wish = Enrol { gateway, out: out.clone(), signature: Signature::Ed25519, again: false };
        varde_hub::enrol(&directory, &directory.database(), &wish).unwrap();
        let credentials = Credentials::read(&out).unwrap_or_else(|faults| panic!("{faults:?}"));
        let Credentials { gateway, sign, hub_seal, hub_verify: hub_key, .. } = credentials;
        let identity = Identity { gateway, sign, hub_seal };
        let outbox =
            Outbox::open(Some(&folder.path().join("outbox.db")), identity.clone(), MAX_BYTES).unwrap();
        let hub = Intake::new(Store::open(&directory.database()).unwrap(), directory.clone()).unwrap();
        let (deliveries, admission) = (deliveries(&outbox), Admission::default());
        let mut uplink = Self {
            folder,
            outbox,
            identity,
            admission,
            deliveries,
            hub,
            hub_key,
            directory,
            is_online: false,
            boots: 0,
            committed: Default::default(),
        };
        uplink.set_online(true);
        uplink
    }

    /// The gateway lost its power, and has it again: what is in its file is all that it has.
    pub(crate) fn restart(&mut self) {
        let path = self.folder.path().join("outbox.db");
        self.outbox = Outbox::open(None, self.identity.clone(), MAX_BYTES).unwrap();
        self.outbox = Outbox::open(Some(&path), self.identity.clone(), MAX_BYTES).unwrap();
        self.deliveries = deliveries(&self.outbox);
        self.admission = Admission::default();
        self.boots += 1;
        self.set_online(self.is_online);
    }

    /// Whether the hub is in reach.
    pub(crate) fn set_online(&mut self, is_online: bool) {
        self.is_online = is_online;
        for delivery in &mut self.deliveries {
            if is_online { delivery.handle_connected() } else { delivery.handle_disconnected() }
        }
    }

    /// A reading is committed.
    pub(crate) fn commit(&mut self, reading: Vec<Observation>, now_ms: u64) {
        let now = Instant::from_millis(now_ms);
        let Some(reading) = self.admission.admit(reading, now) else { return };
        let admitted = self.admission.send(reading);
        let at = Lane::ALL.into_iter().position(|lane| lane == admitted.lane).unwrap();
        self.committed[at].extend(admitted.observations.clone());
        let wall = WallTime::from_unix_millis(i64::try_from(now_ms).unwrap());
        let boot = BootId::from_bytes([self.boots; 16]);
        let stamp = Stamp { boot, uptime: now, wall, trust: Trust::Synchronised };
        let contents = admitted.observations.into_iter().map(Content::Observation);
        let records: Vec<_> = contents.map(|content| Record { stamp, content }).collect();
        self.outbox.append(admitted.lane, &records).unwrap();
        self.deliveries.iter_mut().for_each(Delivery::handle_committed);
    }

    /// Sends what is to be sent now, and frees what the hub has.
    pub(crate) fn work(&mut self, now_ms: u64) {
        let now = Instant::from_millis(now_ms);
        for (at, lane) in Lane::ALL.into_iter().enumerate() {
            self.deliveries[at].handle_timeout(now);
            while let Some(output) = self.deliveries[at].poll_output() {
                match output {
                    Output::Fetch { number, only_full, at_most } => {
                        let found = self.outbox.fetch(lane, number, only_full, at_most).unwrap();
                        let length = found.as_ref().map(|signed| signed.as_bytes().len());
                        if self.deliveries[at].handle_fetched(number, length, now)
                            && let Some(signed) = found
                        {
                            let arrival = Arrival { gateway: self.identity.gateway.clone(), lane, signed };
                            self.arrive(&arrival, now_ms);
                        }
                    }
                    Output::Release { number, hash } => {
                        let oldest = self.outbox.release(lane, number, &hash).unwrap();
                        self.deliveries[at].handle_released(oldest, now);
                    }
                    Output::Restart { .. } => panic!("the hub followed all along"),
                }
            }
        }
    }

    /// When [`Self::work`] has to be called, if nothing is committed before.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        self.deliveries.iter().filter_map(Delivery::poll_timeout).map(Instant::as_millis).min()
    }

    /// Compares what the hub shows with what was committed: everything once, in its order.
    pub(crate) fn check(&mut self, now_ms: u64) {
        self.work(now_ms);
        let mut text = Vec::new();
        let show = Show { json: true, ..Show::default() };
        varde_hub::show(&self.directory.database(), &show, &mut text).unwrap();
        let lines: Vec<Value> =
            text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        for (lane, committed) in Lane::ALL.into_iter().zip(&self.committed) {
            let at_hub = lines.iter().filter(|line| line["lane"] == lane.name());
            let at_hub: Vec<_> = at_hub.map(|line| (line["code"].clone(), line["value"].clone())).collect();
            let said =
                |one: &Observation| (Value::from(one.metric.code()), Value::from(one.value.to_string()));
            assert_eq!(at_hub, committed.iter().map(said).collect::<Vec<_>>(), "{lane}");
        }
        assert!(!self.committed[1].is_empty(), "the week said nothing");
        let mut incidents = Vec::new();
        let show = Show { json: true, incidents: true, ..Show::default() };
        varde_hub::show(&self.directory.database(), &show, &mut incidents).unwrap();
        let incidents = String::from_utf8(incidents).unwrap();
        assert!(incidents.lines().all(|line| line.contains("chain-began")), "{incidents}");
    }

    fn arrive(&mut self, arrival: &Arrival, now_ms: u64) {
        let mut round: Round<'_> = self.hub.begin().unwrap();
        round.take(arrival, WallTime::from_unix_millis(i64::try_from(now_ms).unwrap())).unwrap();
        for answer in round.commit().unwrap() {
            let receipt = answer.receipt.verify(&self.hub_key, &self.identity.gateway).unwrap();
            let at = Lane::ALL.into_iter().position(|lane| lane == receipt.lane).unwrap();
            self.deliveries[at].handle_receipt(receipt.verdict, Instant::from_millis(now_ms));
        }
    }
}

fn deliveries(outbox: &Outbox) -> [Delivery; 2] {
    Lane::ALL.map(|lane| Delivery::new(outbox.place(lane).dispatch(), 16, Duration::from_secs(60), 7))
}
