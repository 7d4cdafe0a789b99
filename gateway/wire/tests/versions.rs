//! If this fails, do not change the test: the change is wrong.
//!
//! `versions/v1/` holds what version 1 looks like, byte for byte. Gateways in homes write it and hubs have it
//! stored; both for years. Today's encoder must give exactly these bytes, and today's decoder must read them
//! to exactly these values. A new kind of record, event or unit is a new case with new files; so is a changed
//! layout, which is a new version beside the old one.
//!
//! `VARDE_WRITE_GOLDEN=1 cargo test -p varde-wire --test versions` writes the files that are missing and
//! never touches one that is there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test"
)]

#[path = "versions/cases.rs"]
mod cases;
#[path = "versions/reports.rs"]
mod reports;
#[path = "versions/words.rs"]
mod words;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use varde_wire::{
    Chain, Following, OpeningKey, Record, SealingKey, SignedBatch, SignedCommand, SignedHeartbeat,
    SignedReceipt, SigningKey, VerifyingKey,
};

use cases::Keys;

#[test]
fn key_files_hold_these_lines() {
    let keys = Keys::fixed();
    for (name, line) in keys.files() {
        let text = String::from_utf8(golden(&format!("keys/{name}"), line.as_bytes())).unwrap();
        assert_eq!(text, line, "{name}");
        let again = match name.split_once('.').unwrap().1 {
            "sign" => SigningKey::from_text(&text).unwrap().to_text().to_string(),
            "verify" => VerifyingKey::from_text(&text).unwrap().to_text(),
            "open" => OpeningKey::from_text(&text).unwrap().to_text().to_string(),
            "seal" => SealingKey::from_text(&text).unwrap().to_text(),
            other => panic!("no kind of key: {other}"),
        };
        assert_eq!(again, line, "{name}");
    }
}

#[test]
fn records_are_these_bytes_and_these_bytes_are_these_records() {
    for (name, record) in cases::records() {
        let made = record.encode().unwrap();
        let line = format!("{}\n", words::hex(&made));
        let file = golden(&format!("records/{name}.hex"), line.as_bytes());
        assert_eq!(String::from_utf8(file).unwrap(), line, "{name}");
        assert_eq!(Record::decode(&made).unwrap(), record, "{name}");
        said(&format!("records/{name}.json"), &words::record(&record));
    }
}

#[test]
fn batches_are_these_bytes_and_open_to_these_records() {
    let keys = Keys::fixed();
    for case in cases::batches(&keys) {
        let name = case.name;
        let made = case.batch.sign(&case.key).unwrap();
        let file = SignedBatch::from_bytes(golden(&format!("signed/{name}.cose"), made.as_bytes()));
        assert_eq!(file, made, "{name}");
        said(&format!("signed/{name}.json"), &words::batch(&case.batch, made.hash(), &case.records));

        let verified = file.verify(&case.key.verifying_key(), &case.batch.gateway).unwrap();
        assert_eq!(*verified.batch(), case.batch, "{name}");
        let mut known = HashMap::new();
        let unlocked = verified.unlock(&[&keys.hub_opening], &mut known).unwrap();
        let opened: Vec<_> = unlocked.entries().map(|entry| entry.record.unwrap()).collect();
        assert_eq!(opened, case.records, "{name}");
    }
}

#[test]
fn the_second_batch_follows_the_first() {
    let keys = Keys::fixed();
    let cases = cases::batches(&keys);
    let verified: Vec<_> = cases
        .iter()
        .map(|c| c.batch.sign(&c.key).unwrap().verify(&c.key.verifying_key(), &c.batch.gateway).unwrap())
        .collect();
    let mut chain = Chain::new(cases[0].batch.chain);
    assert_eq!(chain.judge(&verified[0]), Following::Next { skipped: 0 });
    chain.extend(&verified[0]);
    assert_eq!(chain.judge(&verified[1]), Following::Next { skipped: 2 });
}

#[test]
fn receipts_are_these_bytes_and_read_to_these_values() {
    let keys = Keys::fixed();
    for (name, receipt) in cases::receipts(&keys) {
        let made = receipt.sign(&keys.hub).unwrap();
        let file = SignedReceipt::from_bytes(golden(&format!("signed/{name}.cose"), made.as_bytes()));
        assert_eq!(file, made, "{name}");
        assert_eq!(file.verify(&keys.hub.verifying_key(), &receipt.gateway).unwrap(), receipt, "{name}");
        said(&format!("signed/{name}.json"), &words::receipt(&receipt));
    }
}

#[test]
fn commands_are_these_bytes_and_open_to_these_values() {
    let keys = Keys::fixed();
    let gateway = cases::gateway(1);
    let to = (&gateway, &keys.gateway_opening.sealing_key());
    for case in cases::commands() {
        let name = case.name;
        let made = case.command.sign(&keys.hub, to, case.number, case.validity, case.entropy).unwrap();
        let file = SignedCommand::from_bytes(golden(&format!("signed/{name}.cose"), made.as_bytes()));
        assert_eq!(file, made, "{name}");
        let verified = file.verify(&keys.hub.verifying_key(), &gateway).unwrap();
        assert_eq!((verified.number(), verified.validity()), (case.number, case.validity), "{name}");
        assert_eq!(verified.open(&keys.gateway_opening).unwrap(), case.command, "{name}");
        let words = words::command(gateway.as_str(), case.number, case.validity, &case.command);
        said(&format!("signed/{name}.json"), &words);
    }
}

#[test]
fn heartbeats_are_these_bytes_and_read_to_these_values() {
    for (name, key, heartbeat) in cases::heartbeats(&Keys::fixed()) {
        let made = heartbeat.sign(&key).unwrap();
        let file = SignedHeartbeat::from_bytes(golden(&format!("signed/{name}.cose"), made.as_bytes()));
        assert_eq!(file, made, "{name}");
        assert_eq!(file.verify(&key.verifying_key(), &heartbeat.gateway).unwrap(), heartbeat, "{name}");
        said(&format!("signed/{name}.json"), &words::heartbeat(&heartbeat));
    }
}

/// A case that was dropped would leave its files behind, unproved.
#[test]
fn no_golden_file_is_without_its_case() {
    let keys = Keys::fixed();
    let with_words = |folder: &str, name: &str, ending: &str| {
        [format!("{folder}/{name}.{ending}"), format!("{folder}/{name}.json")]
    };
    let mut expected: BTreeSet<String> =
        keys.files().into_iter().map(|(name, _)| format!("keys/{name}")).collect();
    expected.extend(cases::records().iter().flat_map(|(name, _)| with_words("records", name, "hex")));
    expected.extend(cases::batches(&keys).iter().flat_map(|case| with_words("signed", case.name, "cose")));
    expected.extend(cases::receipts(&keys).iter().flat_map(|(name, _)| with_words("signed", name, "cose")));
    expected
        .extend(cases::heartbeats(&keys).iter().flat_map(|(name, ..)| with_words("signed", name, "cose")));
    expected.extend(cases::commands().iter().flat_map(|case| with_words("signed", case.name, "cose")));

    for folder in ["keys", "records", "signed"] {
        for file in fs::read_dir(root().join(folder)).unwrap() {
            let path = format!("{folder}/{}", file.unwrap().file_name().to_str().unwrap());
            assert!(expected.contains(&path), "{path} has no case in versions/cases.rs");
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions/v1")
}

/// The golden file of this name; where there is none and it is asked for, it is written from `made`.
fn golden(name: &str, made: &[u8]) -> Vec<u8> {
    let path = root().join(name);
    if std::env::var_os("VARDE_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // `create_new` fails on a file that is there: none is ever overwritten.
        if let Ok(mut file) = fs::File::create_new(&path) {
            file.write_all(made).unwrap();
        }
    }
    fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}. A new case? Set VARDE_WRITE_GOLDEN=1 once"))
}

/// Compares with the golden words of this name.
fn said(name: &str, made: &Json) {
    let text = format!("{}\n", serde_json::to_string_pretty(made).unwrap());
    let file: Json = serde_json::from_slice(&golden(name, text.as_bytes())).unwrap();
    assert_eq!(file, *made, "{name}");
}
