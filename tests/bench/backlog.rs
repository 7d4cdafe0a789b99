//! A backlog as a long outage leaves it, written by the gateway's own store.

use std::path::Path;

use varde::config::Credentials;
use varde::store::{Identity, Outbox};
use varde_wire::{
    BootId, Content, Decimal, Flags, Instant, Lane, LocalTime, Metric, Observation, Record, Stamp, Trust,
    Unit, Value, WallTime,
};

/// How many entries the backlog has.
pub(crate) fn size() -> u64 {
    std::env::var("BACKLOG").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// The identity of a gateway whose credentials lie here.
pub(crate) fn identity(credentials: &Path) -> Result<Identity, Box<dyn std::error::Error>> {
    let credentials = Credentials::read(credentials).map_err(|faults| format!("{faults:?}"))?;
    Ok(Identity { gateway: credentials.gateway, sign: credentials.sign, hub_seal: credentials.hub_seal })
}

/// Fills an outbox with routine entries.
pub(crate) fn write(outbox: &Path, identity: Identity) -> Result<(), Box<dyn std::error::Error>> {
    let mut outbox = Outbox::open(Some(outbox), identity, 4_000_000_000)?;
    let group: Vec<Record> = (0..2_000).map(record).collect();
    for _ in 0..size() / 2_000 {
        outbox.append(Lane::Routine, &group)?;
    }
    Ok(())
}

/// A systolic pressure with all that a cuff says about it.
pub(crate) fn record(number: u64) -> Record {
    let minute = u8::try_from(number % 60).unwrap_or_default();
    Record {
        stamp: Stamp {
            boot: BootId::from_bytes([7; 16]),
            uptime: Instant::from_millis(number),
            wall: WallTime::from_unix_millis(1_790_000_000_000),
            trust: Trust::Synchronised,
        },
        content: Content::Observation(Observation {
            device: "blood-pressure-1".parse().expect("a valid name"),
            metric: Metric::SYSTOLIC,
            value: Value::Decimal(Decimal::whole(i64::from(minute) + 100)),
            unit: Some(Unit::MillimetreOfMercury),
            device_time: Some(LocalTime { year: 2026, month: 3, day: 1, hour: 8, minute, second: 0 }),
            user: Some(1),
            flags: Flags::NONE,
            group: None,
        }),
    }
}
