//! What holds for every message, not only for the golden ones.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]

mod any;

use std::collections::HashMap;

use proptest::prelude::*;
use varde_wire::{
    Action, Backlog, Batch, BoundedText, ChainId, Command, Decimal, DecodeError, GatewayId, GoesBy, Hash,
    Heartbeat, Lane, LifeState, MAX_BATCH_BYTES, MAX_RECORD_BYTES, OpenError, OpeningKey, Receipt, Record,
    SealError, SealingEpoch, SealingKey, SignedBatch, SignedCommand, SignedHeartbeat, SignedReceipt,
    SigningKey, Topic, Verdict, VerifyError, VerifyingKey, WallTime,
};

proptest! {
    #[test]
    fn any_record_reads_back_as_it_was(record in any::record()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(Record::decode(&bytes).unwrap(), record);
    }

    #[test]
    fn a_record_cut_short_or_followed_by_anything_is_refused(
        record in any::record(),
        cut in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let bytes = record.encode().unwrap();
        let short = &bytes[..cut.index(bytes.len())];
        prop_assert!(matches!(Record::decode(short), Err(DecodeError::Malformed(_))));
        let long = [bytes.as_slice(), &more].concat();
        prop_assert_eq!(Record::decode(&long), Err(DecodeError::LeftOver(more.len())));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        take_any_bytes(&bytes);
    }

    /// Random bytes seldom come past the first few; broken ones from something real go deep.
    #[test]
    fn no_broken_message_makes_a_decoder_panic(
        record in any::record(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let signed = batch_of(&ed25519(), &record).as_bytes().to_vec();
        for mut bytes in [record.encode().unwrap(), signed, heartbeat().encode().unwrap()] {
            for (place, byte) in &places {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            take_any_bytes(&bytes);
        }
    }

    #[test]
    fn no_text_makes_a_key_or_a_topic_panic(text in "\\PC{0,200}", hex in "[0-9a-f]{60,140}") {
        for text in [text, format!("varde-verify es256 {hex}"), format!("varde-open x25519 {hex}")] {
            let _ = SigningKey::from_text(&text);
            let _ = VerifyingKey::from_text(&text);
            let _ = OpeningKey::from_text(&text);
            let _ = SealingKey::from_text(&text);
            let _ = Topic::parse(&text);
        }
    }

    #[test]
    fn a_signed_batch_gives_back_what_was_sealed(record in any::record(), es256 in any::<bool>()) {
        let key = if es256 { self::es256() } else { ed25519() };
        let verified = batch_of(&key, &record).verify(&key.verifying_key(), &gateway()).unwrap();
        let mut known = HashMap::new();
        let opened: Vec<_> = verified.unlock(&[&hub()], &mut known).unwrap().entries().collect();
        prop_assert_eq!(opened.len(), 1);
        prop_assert_eq!(opened[0].record.as_ref(), Ok(&record));
        // And to nobody else.
        let mut known = HashMap::new();
        let other = OpeningKey::derive(&[9; 32]);
        let opened: Vec<_> = verified.unlock(&[&other], &mut known).unwrap().entries().collect();
        prop_assert_eq!(opened[0].record.as_ref(), Err(&OpenError::Seal(SealError::Broken)));
    }

    /// The same number twice: as text, and as an integer at a scale where both exponents are whole.
    #[test]
    fn a_decimals_text_is_its_value_with_all_its_digits(mantissa in any::<i64>(), exponent in -18i8..=18) {
        let text = Decimal::new(mantissa, exponent).to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        prop_assert_eq!(fraction.len(), usize::from((-exponent).max(0).unsigned_abs()));

        let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
        let scale = 10i128.pow(exponent.max(0).unsigned_abs().into());
        prop_assert_eq!(digits, i128::from(mantissa) * scale);
        prop_assert_eq!(text.starts_with('-'), mantissa < 0);
        prop_assert!(whole.trim_start_matches('-') == "0" || !whole.trim_start_matches('-').starts_with('0'));
    }

    #[test]
    fn no_decimal_is_too_large_or_small_to_be_written(mantissa in any::<i64>(), exponent in any::<i8>()) {
        let text = Decimal::new(mantissa, exponent).to_string();
        prop_assert!(text.len() <= 150, "{} characters", text.len());
    }
}

#[test]
fn every_single_changed_bit_of_a_signed_message_is_refused() {
    let record = some_record();
    for key in [ed25519(), es256()] {
        let public = key.verifying_key();
        let batch = batch_of(&key, &record);
        assert!(batch.verify(&public, &gateway()).is_ok());
        for_each_changed_bit(batch.as_bytes(), |bytes| {
            SignedBatch::from_bytes(bytes).verify(&public, &gateway()).is_err()
        });
        let receipt = receipt().sign(&key).unwrap();
        assert!(receipt.verify(&public, &gateway()).is_ok());
        for_each_changed_bit(receipt.as_bytes(), |bytes| {
            SignedReceipt::from_bytes(bytes).verify(&public, &gateway()).is_err()
        });
        let command = command(&key);
        assert!(command.verify(&public, &gateway()).is_ok());
        for_each_changed_bit(command.as_bytes(), |bytes| {
            SignedCommand::from_bytes(bytes).verify(&public, &gateway()).is_err()
        });
        let heartbeat = heartbeat().sign(&key).unwrap();
        assert!(heartbeat.verify(&public, &gateway()).is_ok());
        for_each_changed_bit(heartbeat.as_bytes(), |bytes| {
            SignedHeartbeat::from_bytes(bytes).verify(&public, &gateway()).is_err()
        });
    }
}

#[test]
fn a_signed_batch_cut_short_or_followed_by_a_byte_is_refused() {
    let key = ed25519();
    let batch = batch_of(&key, &some_record());
    let bytes = batch.as_bytes();
    let refused = |bytes: Vec<u8>| {
        let verdict = SignedBatch::from_bytes(bytes).verify(&key.verifying_key(), &gateway());
        assert!(matches!(verdict, Err(VerifyError::Envelope(_))), "{verdict:?}");
    };
    (0..bytes.len()).for_each(|length| refused(bytes[..length].to_vec()));
    refused([bytes, &[0]].concat());
}

#[test]
fn a_batch_that_breaks_a_rule_is_neither_signed_nor_read() {
    let key = ed25519();
    let good = unsigned(&some_record());
    let bad = [
        Batch { entries: Vec::new(), ..good.clone() },
        Batch { entries: vec![good.entries[0].clone(); varde_wire::MAX_BATCH_ENTRIES + 1], ..good.clone() },
        Batch { epochs: Vec::new(), ..good.clone() },
        Batch { first: u64::MAX, ..good.clone() },
        Batch { number: 1, ..good.clone() },
        Batch { previous: Hash::of(b"something"), ..good.clone() },
    ];
    for batch in bad {
        assert!(matches!(batch.sign(&key), Err(DecodeError::Invalid(_))), "{batch:?}");
    }
    let mut large = good.entries[0].clone();
    large.bytes = vec![0; MAX_BATCH_BYTES];
    let large = Batch { entries: vec![large], ..good };
    assert!(matches!(large.sign(&key), Err(DecodeError::TooLong { .. })));
}

#[test]
fn a_length_that_is_claimed_and_not_there_is_refused() {
    // A record up to its device's name, which then claims to be 2^63 bytes long.
    let start = [&[0][..], &[0; 16], &[0, 0, 0], &[0]].concat();
    let claim = [&[0xff; 9][..], &[0x01]].concat();
    let bytes = [start, claim].concat();
    assert!(matches!(Record::decode(&bytes), Err(DecodeError::Malformed(_))));
    let long = vec![0; MAX_RECORD_BYTES + 1];
    let refused = Err(DecodeError::TooLong { got: MAX_RECORD_BYTES + 1, most: MAX_RECORD_BYTES });
    assert_eq!(Record::decode(&long), refused);
}

/// postcard lets a varint carry idle bytes up to its type's most; the format says that readers take them.
#[test]
fn a_padded_number_is_read_and_one_that_is_too_large_is_not() {
    let start = [&[0][..], &[0; 16]].concat();
    let anchor = |uptime: &[u8]| [&start[..], uptime, &[0, 0, 2, 0]].concat();
    let plain = Record::decode(&anchor(&[5])).unwrap();
    assert_eq!(Record::decode(&anchor(&[0x85, 0x80, 0])).unwrap(), plain);
    for too_large in [[&[0xff; 9][..], &[2]].concat(), [&[0x80; 10][..], &[0]].concat()] {
        assert!(matches!(Record::decode(&anchor(&too_large)), Err(DecodeError::Malformed(_))));
    }
}

fn take_any_bytes(bytes: &[u8]) {
    let _ = Record::decode(bytes);
    let _ = Heartbeat::decode(bytes);
    for key in [ed25519().verifying_key(), es256().verifying_key()] {
        let _ = SignedBatch::from_bytes(bytes.to_vec()).verify(&key, &gateway());
        let _ = SignedReceipt::from_bytes(bytes.to_vec()).verify(&key, &gateway());
        let _ = SignedCommand::from_bytes(bytes.to_vec()).verify(&key, &gateway());
        let _ = SignedHeartbeat::from_bytes(bytes.to_vec()).verify(&key, &gateway());
    }
    let _ = SignedBatch::from_bytes(bytes.to_vec()).key_id();
}

fn for_each_changed_bit(bytes: &[u8], refused: impl Fn(Vec<u8>) -> bool) {
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(changed), "bit {bit}");
    }
}

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&[1; 32])
}

fn es256() -> SigningKey {
    SigningKey::es256(&[2; 32]).unwrap()
}

fn hub() -> OpeningKey {
    OpeningKey::derive(&[3; 32])
}

fn gateway() -> GatewayId {
    "gw-1".parse().unwrap()
}

fn some_record() -> Record {
    // An anchor, the shortest record there is.
    Record::decode(&[&[0][..], &[0; 16], &[0, 0, 0, 2, 0]].concat()).unwrap()
}

fn batch_of(key: &SigningKey, record: &Record) -> SignedBatch {
    unsigned(record).sign(key).unwrap()
}

fn unsigned(record: &Record) -> Batch {
    let mut epoch = SealingEpoch::begin(&hub().sealing_key(), &gateway(), [4; 32]).unwrap();
    let (count, bytes) = epoch.seal(Lane::Urgent, 0, &record.encode().unwrap()).unwrap();
    Batch {
        gateway: gateway(),
        lane: Lane::Urgent,
        chain: ChainId::from_bytes([5; 16]),
        number: 0,
        previous: Hash::NONE,
        first: 0,
        epochs: vec![*epoch.encapsulation()],
        entries: vec![varde_wire::Sealed { epoch: 0, count, bytes }],
    }
}

fn receipt() -> Receipt {
    let verdict = Verdict::Stored { number: 0, hash: Hash::of(b"a batch"), through: 0 };
    Receipt { gateway: gateway(), lane: Lane::Urgent, chain: ChainId::from_bytes([5; 16]), verdict }
}

fn heartbeat() -> Heartbeat {
    let backlog = Backlog { entries: 3, oldest_s: Some(1) };
    Heartbeat {
        gateway: gateway(),
        life: 1,
        number: 2,
        stamp: some_record().stamp,
        every_s: 60,
        state: LifeState::Running,
        version: BoundedText::cut("1.0.0"),
        up_s: 3,
        faults: 4,
        urgent: Backlog::default(),
        routine: backlog,
        goes_by: Some(GoesBy { key: [7; 8], older_wait: true }),
    }
}

fn command(key: &SigningKey) -> SignedCommand {
    let command = Command { device: "lamp-1".parse().unwrap(), action: Action::Identify };
    let validity = (WallTime::from_unix_millis(0), WallTime::from_unix_millis(1));
    command.sign(key, (&gateway(), &hub().sealing_key()), 1, validity, [6; 32]).unwrap()
}
