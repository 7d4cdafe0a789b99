//! What becomes of batches, one by one.

use crate::gateway::{Hub, alarm, anchor, causes, gap, observation, reading, stamp, take};
use varde_hub::{Cause, Outcome, Show, Signature};
use varde_wire::{
    Content, Decimal, Event, Gap, GapReason, Lane, Metric, Record, Refusal, Sealed, SignedBatch, Trust,
    Value, Verdict,
};

#[test]
fn a_batch_is_stored_receipted_and_shown() {
    let hub = Hub::new();
    for (id, signature) in [("gw-1", Signature::Ed25519), ("gw-2", Signature::Es256)] {
        let gateway = hub.enrol(id, signature, false);
        let mut outbox = gateway.outbox(Lane::Urgent, 1);
        let batch = outbox.batch(&[alarm(), reading(120)]);
        let taken = take(&mut hub.intake(), &gateway, Lane::Urgent, &[&batch]);
        let (Outcome::Stored { new: 2 }, [receipt]) = (taken[0].0, &*taken[0].1) else {
            panic!("{taken:?}");
        };
        assert_eq!(receipt.verdict, Verdict::Stored { number: 0, hash: batch.hash(), through: 2 });
    }
    let shown = hub.shown(Show { gateway: Some("gw-1".to_owned()), ..Show::default() });
    assert_eq!(shown.len(), 2);
    let first = &shown[0];
    assert_eq!(first["n"], 1);
    assert_eq!(first["lane"], "urgent");
    assert_eq!(first["metric"], "MDC_AI_TYPE_SENSOR_PERS");
    assert_eq!(first["value"], "safety-alarm");
    assert_eq!(first["vkp"], "3");
    assert_eq!(first["time"], "2023-11-14T22:13:21.000Z");
    assert_eq!(first["received"], "2027-01-15T08:00:00.000Z");
    assert!(first.get("unit").is_none() && first.get("mended").is_none());
    assert_eq!((&shown[1]["value"], &shown[1]["unit"]), (&"120".into(), &"mm[Hg]".into()));
    assert_eq!((&shown[1]["seq"], &shown[1]["batch"]), (&2.into(), &0.into()));
    assert_eq!(hub.shown(Show { since: 3, ..Show::default() }).len(), 1);
}

#[test]
fn repeated_batches_are_receipted_again_for_the_newest_of_them() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let [first, second, third] = [1, 2, 3].map(|mmhg| outbox.batch(&[reading(mmhg)]));
    // A new intake for what comes again: what it has to know comes from the disk.
    take(&mut hub.intake(), &gateway, Lane::Routine, &[&first, &second, &third]);
    let mut intake = hub.intake();
    let mut round = intake.begin().unwrap();
    for again in [&second, &first] {
        let taken = round.take(&gateway.arrival(Lane::Routine, again), crate::gateway::NOW).unwrap();
        assert_eq!(taken, Outcome::Repeated);
    }
    let answers = round.commit().unwrap();
    let [answer] = &*answers else { panic!("{answers:?}") };
    let receipt = answer.receipt.verify(&gateway.hub_verify, &gateway.id).unwrap();
    assert_eq!(receipt.verdict, Verdict::Stored { number: 1, hash: second.hash(), through: 2 });
    assert_eq!(hub.observations().len(), 3);
}

#[test]
fn a_batch_that_does_not_follow_is_refused_in_writing_and_kept() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let batches: Vec<_> = (0..20).map(|mmhg| outbox.batch(&[reading(mmhg)])).collect();
    let fork = gateway.outbox(Lane::Routine, 1).batch(&[reading(99)]);
    let mut intake = hub.intake();

    let early = take(&mut intake, &gateway, Lane::Routine, &[&batches[1]]);
    let (number, hash) = (1, batches[1].hash());
    let verdict = Verdict::Refused { number, hash, reason: Refusal::Missing, expected: 0, through: 0 };
    assert_eq!(early[0].1[0].verdict, verdict);

    take(&mut intake, &gateway, Lane::Routine, &batches.iter().take(16).collect::<Vec<_>>());
    let forked = take(&mut intake, &gateway, Lane::Routine, &[&fork, &fork]);
    let (number, hash) = (0, fork.hash());
    let verdict = Verdict::Refused { number, hash, reason: Refusal::Fork, expected: 16, through: 16 };
    assert_eq!(forked[0].1[0].verdict, verdict);

    take(&mut intake, &gateway, Lane::Routine, &batches.iter().skip(16).collect::<Vec<_>>());
    let old = take(&mut intake, &gateway, Lane::Routine, &[&batches[0]]);
    assert_eq!(causes(&old), [Some(Cause::Replay)]);

    let incidents = hub.incidents();
    let refused: Vec<_> = incidents
        .iter()
        .filter(|line| line["incident"] == "refused")
        .map(|line| (line["cause"].as_str().unwrap(), line["count"].as_u64().unwrap()))
        .collect();
    // The one that came too early is stored by now, and is evidence of nothing.
    assert_eq!(refused, [("fork", 2), ("replay", 1)]);
    assert_eq!(hub.observations().len(), 20);
}

#[test]
fn nothing_is_answered_to_who_is_not_believed() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let other = hub.enrol("gw-2", Signature::Ed25519, false);
    let mut intake = hub.intake();
    let batch = gateway.outbox(Lane::Routine, 1).batch(&[reading(1)]);
    let mut bytes = batch.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let changed = SignedBatch::from_bytes(bytes);
    let garbage = SignedBatch::from_bytes(vec![0xff; 40]);

    let refused = take(&mut intake, &gateway, Lane::Routine, &[&changed, &garbage]);
    assert_eq!(causes(&refused), [Some(Cause::Signature), Some(Cause::Malformed)]);
    let refused = [refused, take(&mut intake, &gateway, Lane::Urgent, &[&batch])].concat();
    let refused = [refused, take(&mut intake, &other, Lane::Routine, &[&batch])].concat();
    assert_eq!(causes(&refused)[2..], [Some(Cause::WrongLane), Some(Cause::UnknownKey)]);
    assert!(refused.iter().all(|(_, receipts)| receipts.is_empty()));

    let mut round = intake.begin().unwrap();
    let mut stranger = gateway.arrival(Lane::Routine, &batch);
    stranger.gateway = "gw-3".parse().unwrap();
    assert_eq!(round.take(&stranger, crate::gateway::NOW).unwrap(), Outcome::Refused(Cause::UnknownGateway));
    assert!(round.commit().unwrap().is_empty());
    assert_eq!(hub.incidents().len(), 5);
    assert!(hub.observations().is_empty());
}

#[test]
fn a_gateway_that_was_enrolled_again_is_not_believed_by_its_old_key() {
    let hub = Hub::new();
    let old = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut intake = hub.intake();
    let mut outbox = old.outbox(Lane::Routine, 1);
    assert_eq!(causes(&take(&mut intake, &old, Lane::Routine, &[&outbox.batch(&[reading(1)])])), [None]);
    let new = hub.enrol("gw-1", Signature::Es256, true);
    let late = outbox.batch(&[reading(2)]);
    assert_eq!(causes(&take(&mut intake, &old, Lane::Routine, &[&late])), [Some(Cause::SupersededKey)]);
    let fresh = new.outbox(Lane::Routine, 2).batch(&[reading(3)]);
    assert_eq!(causes(&take(&mut intake, &new, Lane::Routine, &[&fresh])), [None]);

    let path = hub.root.path().join("late");
    std::fs::write(&path, late.as_bytes()).unwrap();
    let said = varde_hub::verify(&hub.directory, &hub.database(), &path).unwrap();
    assert!(said.contains("superseded") && said.contains("gw-1") && said.contains("not stored"), "{said}");
}

#[test]
fn an_entry_that_does_not_open_is_kept_and_does_not_hold_up_its_lane() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let sealed = |outbox: &mut crate::gateway::Outbox<'_>, seq, record: &Record| {
        let (count, bytes) = outbox.epoch.seal(Lane::Routine, seq, &record.encode().unwrap()).unwrap();
        Sealed { epoch: 0, count, bytes }
    };
    let good = sealed(&mut outbox, 1, &reading(1));
    let out_of_place = sealed(&mut outbox, 7, &reading(2));
    let batch = outbox.batch_of(vec![good, out_of_place]);
    let taken = take(&mut hub.intake(), &gateway, Lane::Routine, &[&batch]);
    assert_eq!(taken[0].0, Outcome::Stored { new: 1 });
    assert_eq!(taken[0].1.len(), 1);
    let unreadable: Vec<_> =
        hub.incidents().into_iter().filter(|line| line["incident"] == "unreadable").collect();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0]["seqs"], serde_json::json!([2, 2]));
}

#[test]
fn one_gateway_cannot_bring_what_another_one_sealed() {
    let hub = Hub::new();
    let (victim, thief) =
        (hub.enrol("gw-1", Signature::Ed25519, false), hub.enrol("gw-2", Signature::Ed25519, false));
    let mut intake = hub.intake();
    let mut own = victim.outbox(Lane::Routine, 1);
    let (count, bytes) = own.epoch.seal(Lane::Routine, 1, &reading(1).encode().unwrap()).unwrap();
    let entry = Sealed { epoch: 0, count, bytes };
    let mut stolen = thief.outbox(Lane::Routine, 1);
    stolen.epoch = victim.epoch(1);
    let (own, stolen) = (own.batch_of(vec![entry.clone()]), stolen.batch_of(vec![entry]));
    take(&mut intake, &victim, Lane::Routine, &[&own]);
    let taken = take(&mut intake, &thief, Lane::Routine, &[&stolen]);
    assert_eq!(taken[0].0, Outcome::Stored { new: 0 });
    assert_eq!(hub.observations().len(), 1);
}

#[test]
fn gaps_missing_seqs_and_new_chains_are_shown() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let given_up = Gap {
        observations: 12,
        from: stamp(1, 0, Trust::Unset),
        to: stamp(2, 0, Trust::Unset),
        reason: GapReason::Disk,
    };
    let first = outbox.batch(&[reading(1)]);
    outbox.seq += 3;
    let second = outbox.batch(&[gap(given_up)]);
    let anew = {
        let mut anew = gateway.outbox(Lane::Routine, 2);
        anew.seq = outbox.seq;
        anew.batch(&[reading(2)])
    };
    take(&mut hub.intake(), &gateway, Lane::Routine, &[&first, &second, &anew]);
    let incidents: Vec<_> = hub
        .incidents()
        .iter()
        .map(|line| {
            (line["incident"].as_str().unwrap().to_owned(), line["seqs"].clone(), line["count"].clone())
        })
        .collect();
    let expected =
        [("chain-began", [1, 1], 1), ("missing", [2, 4], 3), ("gap", [5, 5], 12), ("chain-began", [6, 6], 1)];
    let expected = expected
        .map(|(kind, seqs, count)| (kind.to_owned(), serde_json::json!(seqs), serde_json::json!(count)));
    assert_eq!(incidents, expected);
}

#[test]
fn a_time_from_before_the_clock_was_set_is_mended_by_an_anchor_of_its_boot() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Routine, 1);
    let mut early = reading(1);
    early.stamp = stamp(5_000, 77, Trust::Unset);
    let mut other_boot = early.clone();
    other_boot.stamp.boot = varde_wire::BootId::from_bytes([1; 16]);
    let batch = outbox.batch(&[early, other_boot, anchor(65_000, 1_700_000_060_000), reading(2)]);
    take(&mut hub.intake(), &gateway, Lane::Routine, &[&batch]);
    let shown = hub.observations();
    assert_eq!(shown[0]["time"], "2023-11-14T22:13:20.000Z");
    assert_eq!((&shown[0]["trust"], &shown[0]["mended"]), (&"synchronised".into(), &true.into()));
    assert_eq!(shown[0]["clock_time"], "1970-01-01T00:00:00.077Z");
    assert_eq!(shown[1]["trust"], "unset");
    assert!(shown[1].get("mended").is_none() && shown[2].get("mended").is_none());
}

#[test]
fn verify_says_of_a_file_whose_it_is_and_where_it_stands() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox = gateway.outbox(Lane::Urgent, 1);
    let (stored, next) = (outbox.batch(&[alarm()]), outbox.batch(&[alarm()]));
    let mut intake = hub.intake();
    let mut round = intake.begin().unwrap();
    round.take(&gateway.arrival(Lane::Urgent, &stored), crate::gateway::NOW).unwrap();
    let answers = round.commit().unwrap();
    let verify = |bytes: &[u8]| {
        let path = hub.root.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        varde_hub::verify(&hub.directory, &hub.database(), &path)
    };
    let said = verify(stored.as_bytes()).unwrap();
    assert!(said.contains("gateway    gw-1") && said.contains("standing   stored"), "{said}");
    assert!(said.contains(&stored.hash().to_string()));
    assert!(verify(next.as_bytes()).unwrap().contains("would be the next one"));
    assert!(verify(answers[0].receipt.as_bytes()).unwrap().contains("stored: batch 0"));
    let mut bad = stored.as_bytes().to_vec();
    *bad.last_mut().unwrap() ^= 1;
    for bytes in [&*bad, b"no batch"] {
        assert_eq!(verify(bytes).unwrap_err().exit_code(), 65);
    }
}

#[test]
fn every_value_is_shown_with_its_precision() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let value = |value| {
        let content = Content::Observation(observation(Metric::BATTERY, value, None));
        Record { stamp: stamp(1, 1, Trust::Synchronised), content }
    };
    let records = [
        value(Value::Decimal(Decimal::new(200, -2))),
        value(Value::Event(Event::BatteryLow)),
        value(Value::Bits(5)),
    ];
    let batch = gateway.outbox(Lane::Routine, 1).batch(&records);
    take(&mut hub.intake(), &gateway, Lane::Routine, &[&batch]);
    let shown = hub.observations();
    let values: Vec<_> = shown.iter().map(|line| line["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["2.00", "battery-low", "0x5"]);
    assert_eq!((&shown[1]["vkp"], &shown[1]["scaip"]), (&"1.17".into(), &"0016".into()));
}

#[test]
fn a_flood_of_bad_batches_is_counted_in_full_and_kept_in_part() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut intake = hub.intake();
    let mut round = intake.begin().unwrap();
    for number in 0..400_u32 {
        let garbage = SignedBatch::from_bytes(number.to_be_bytes().to_vec());
        round.take(&gateway.arrival(Lane::Routine, &garbage), crate::gateway::NOW).unwrap();
    }
    round.commit().unwrap();
    assert_eq!(hub.incidents().len(), 256);
    let mut summary = Vec::new();
    varde_hub::show(&hub.database(), &Show::default(), &mut summary).unwrap();
    let summary = String::from_utf8(summary).unwrap();
    assert!(summary.contains("400 batches refused: malformed"), "{summary}");
}
