//! An observation as a line of JSON.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::Serialize;
use varde_wire::{Context, LocalTime, Observation, Value};

use super::entry::{self, Made, Place};

/// What scripts read. Fields that do not apply are left out.
#[derive(Serialize)]
pub(super) struct Line {
    #[serde(flatten)]
    place: Place,
    device: String,
    /// Reference identifier of ISO/IEEE 11073-10101.
    metric: String,
    /// Its MDC code.
    code: u32,
    /// With the precision that the device gave it.
    value: String,
    /// UCUM.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vkp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaip: Option<&'static str>,
    #[serde(flatten)]
    made: Made,
    /// The device's own clock: local, without a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u8>,
    flags: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
    /// Whose it is: the gateway's opaque id.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// What the device's clock was behind ours, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_offset_s: Option<i32>,
    /// When it was measured, where the device's clock says so and was compared with ours: local, without a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rssi_dbm: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeaters: Option<u8>,
    received: Option<String>,
}

#[derive(Serialize)]
struct Group {
    id: u64,
    member: u8,
    size: u8,
}

pub(super) fn line(
    place: Place,
    made: Made,
    received: Option<String>,
    observation: Observation,
    context: Context,
) -> entry::Line {
    let event = match observation.value {
        Value::Event(event) => Some(event),
        Value::Decimal(_) | Value::Absent(_) | Value::Bits(_) | Value::Text(_) => None,
    };
    entry::Line::Observation(Box::new(Line {
        place,
        device: observation.device.to_string(),
        metric: observation.metric.to_string(),
        code: observation.metric.code(),
        value: observation.value.to_string(),
        unit: observation.unit.map(varde_wire::Unit::ucum),
        vkp: event.and_then(varde_wire::Event::vkp),
        scaip: event.and_then(varde_wire::Event::scaip),
        made,
        device_time: observation.device_time.map(|time| time.to_string()),
        user: observation.user,
        flags: observation.flags.names().collect(),
        group: observation.group.map(|g| Group { id: g.id, member: g.member, size: g.size }),
        person: context.person.map(|person| person.to_string()),
        clock_offset_s: context.clock_offset_s,
        measured: context.clock_offset_s.and_then(|offset| measured(observation.device_time?, offset)),
        rssi_dbm: context.rssi_dbm,
        repeaters: context.repeaters,
        received,
    }))
}

/// When the device measured, on a right clock.
fn measured(device_time: LocalTime, clock_offset_s: i32) -> Option<String> {
    let LocalTime { year, month, day, hour, minute, second } = device_time;
    let part = |part: u8| i8::try_from(part).ok();
    let shown = DateTime::new(
        i16::try_from(year).ok()?,
        part(month)?,
        part(day)?,
        part(hour)?,
        part(minute)?,
        part(second)?,
        0,
    );
    let right = shown.ok()?.checked_add(SignedDuration::from_secs(clock_offset_s.into())).ok()?;
    Some(right.to_string())
}
