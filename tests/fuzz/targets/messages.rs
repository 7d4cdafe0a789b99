//! What goes between gateway and hub.

use std::collections::HashMap;
use std::sync::LazyLock;

use varde_wire::{
    Command, GatewayId, Heartbeat, OpeningKey, Record, SealingKey, SignedBatch, SignedCommand,
    SignedHeartbeat, SignedReceipt, SigningKey, VerifyingKey,
};

/// Texts of keys.
pub fn key_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = SigningKey::from_text(&text);
    let _ = OpeningKey::from_text(&text);
    if let Ok(key) = VerifyingKey::from_text(&text) {
        assert_eq!(
            VerifyingKey::from_text(&key.to_text()).as_ref().map(VerifyingKey::to_bytes),
            Ok(key.to_bytes())
        );
    }
    if let Ok(key) = SealingKey::from_text(&text) {
        assert!(SealingKey::from_text(&key.to_text()).is_ok());
    }
}

/// The plaintext of an entry.
pub fn record(bytes: &[u8]) {
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(record.encode().as_deref().map(Record::decode), Ok(Ok(record)));
    }
}

/// A batch as the hub gets it: verified with each kind of key, then opened.
pub fn signed_batch(bytes: &[u8]) {
    let batch = SignedBatch::from_bytes(bytes.to_vec());
    let _ = batch.key_id();
    for key in verifying_keys() {
        let Ok(batch) = batch.verify(key, &gateway()) else { continue };
        let mut epochs = HashMap::new();
        if let Ok(batch) = batch.unlock(&[&opening_key()], &mut epochs) {
            batch.entries().for_each(drop);
        }
    }
}

/// A receipt as the gateway gets it.
pub fn signed_receipt(bytes: &[u8]) {
    let receipt = SignedReceipt::from_bytes(bytes.to_vec());
    for key in verifying_keys() {
        let _ = receipt.verify(key, &gateway());
    }
}

/// A heartbeat as the hub gets it, and as it keeps it.
pub fn signed_heartbeat(bytes: &[u8]) {
    let heartbeat = SignedHeartbeat::from_bytes(bytes.to_vec());
    for key in verifying_keys() {
        let _ = heartbeat.verify(key, &gateway());
    }
    let _ = Heartbeat::decode(bytes);
}

/// A command as the gateway gets it: verified, then opened.
pub fn signed_command(bytes: &[u8]) {
    let command = SignedCommand::from_bytes(bytes.to_vec());
    for key in verifying_keys() {
        if let Ok(command) = command.verify(key, &gateway()) {
            let _ = command.open(&opening_key());
        }
    }
}

/// What is under the seal of a command.
pub fn command(bytes: &[u8]) {
    if let Ok(command) = Command::decode(bytes) {
        assert_eq!(command.encode().as_deref().map(Command::decode), Ok(Ok(command)));
    }
}

fn gateway() -> GatewayId {
    "gw-1".parse().expect("a good id")
}

/// The seeds are signed with these, so that replaying them goes past the signature.
fn verifying_keys() -> &'static [VerifyingKey; 2] {
    static KEYS: LazyLock<[VerifyingKey; 2]> = LazyLock::new(|| {
        let es256 = SigningKey::es256(&[7; 32]).expect("a good scalar");
        [SigningKey::ed25519(&[7; 32]).verifying_key(), es256.verifying_key()]
    });
    &KEYS
}

fn opening_key() -> OpeningKey {
    OpeningKey::derive(&[9; 32])
}
