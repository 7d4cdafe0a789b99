//! What each fuzz target does with its bytes. Whatever they are, nothing here may panic.
//!
//! The same bodies run under libFuzzer (`fuzz_targets/`) and, over the corpora, in the stable tests
//! (`tests/scenarios/fuzz_corpora.rs`).

mod adverts;
mod device_link;
mod messages;
mod meters;
mod serial;

use varde_drivers::{Channel, Input, Session};
use varde_wire::{DeviceId, Instant};

pub use adverts::{atc, bthome, ruuvi};
pub use device_link::{device_link_to_device, device_link_to_gateway};
pub use messages::{
    command, key_text, record, signed_batch, signed_command, signed_heartbeat, signed_receipt,
};
pub use meters::{
    blood_pressure, body_composition, continuous_glucose, cuff_pressure, device_information, elapsed_time,
    float, glucose, glucose_context, health_sensor, health_thermometer, heart_rate, pulse_oximeter,
    record_access, user_data, weight_scale,
};
pub use serial::{eep, esp3_stream, ld2410, lines, modbus, nonin};

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("atc", atc),
    ("blood_pressure", blood_pressure),
    ("body_composition", body_composition),
    ("bthome", bthome),
    ("command", command),
    ("continuous_glucose", continuous_glucose),
    ("cuff_pressure", cuff_pressure),
    ("device_information", device_information),
    ("device_link_to_device", device_link_to_device),
    ("device_link_to_gateway", device_link_to_gateway),
    ("eep", eep),
    ("elapsed_time", elapsed_time),
    ("esp3_stream", esp3_stream),
    ("float", float),
    ("glucose", glucose),
    ("glucose_context", glucose_context),
    ("health_sensor", health_sensor),
    ("health_thermometer", health_thermometer),
    ("heart_rate", heart_rate),
    ("key_text", key_text),
    ("ld2410", ld2410),
    ("lines", lines),
    ("modbus", modbus),
    ("nonin", nonin),
    ("pulse_oximeter", pulse_oximeter),
    ("record", record),
    ("record_access", record_access),
    ("ruuvi", ruuvi),
    ("signed_batch", signed_batch),
    ("signed_command", signed_command),
    ("signed_heartbeat", signed_heartbeat),
    ("signed_receipt", signed_receipt),
    ("user_data", user_data),
    ("weight_scale", weight_scale),
];

fn give(session: &mut dyn Session, channel: Channel, bytes: &[u8], now: u64) {
    let now = Instant::from_millis(now);
    if session.poll_timeout().is_some_and(|due| due <= now) {
        session.handle_timeout(now);
    }
    session.handle_input(Input::Chunk { channel, bytes }, now);
    while session.poll_output().is_some() {}
}

fn device() -> DeviceId {
    "device".parse().expect("a good name")
}
