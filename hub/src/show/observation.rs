//! An observation as a line of JSON.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::Serialize;
use varde_wire::{BootId, Content, Context, LocalTime, Observation, Record, Stamp, Trust, Value, WallTime};

use crate::store::{AnchorPoint, Store, StoredEntry, lane_name};
use crate::{Error, clock};

/// What scripts read. Fields that do not apply are left out.
#[derive(Serialize)]
pub(super) struct Line {
    /// The cursor for `--since`.
    n: i64,
    gateway: String,
    lane: &'static str,
    seq: u64,
    /// The batch's number in its chain.
    batch: u64,
    chain: String,
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
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    trust: &'static str,
    /// Whether `time` was mended by an anchor of the same boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<bool>,
    /// What the gateway's clock showed, where `time` was mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_time: Option<String>,
    boot: String,
    uptime_ms: u64,
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

/// When something was, as well as the hub knows.
struct Mended {
    time: WallTime,
    trust: Trust,
    /// What the gateway's clock showed, if that was mended.
    clock: Option<WallTime>,
}

/// Calls `each` with every observation after `since`, oldest first.
pub(super) fn each(
    store: &Store,
    since: i64,
    gateway: Option<&str>,
    mut each: impl FnMut(Line) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut since = since;
    let mut anchors = Anchors { store, last: None };
    loop {
        let page = store.entries_after(since, gateway)?;
        let Some(last) = page.last() else { return Ok(()) };
        since = last.n;
        for entry in page {
            // Only what decodes is stored as an entry.
            let Ok(record) = Record::decode(&entry.record) else { continue };
            let (observation, context) = match record.content {
                Content::Observation(observation) => (observation, Context::default()),
                Content::InContext(observation, context) => (observation, context),
                Content::Gap(_) | Content::Anchor(_) | Content::Outcome(_) | Content::Report(_) => continue,
            };
            let when = anchors.mend(&entry.gateway, &record.stamp)?;
            each(line(entry, observation, context, &record.stamp, &when))?;
        }
    }
}

fn line(
    entry: StoredEntry,
    observation: Observation,
    context: Context,
    stamp: &Stamp,
    when: &Mended,
) -> Line {
    let event = match observation.value {
        Value::Event(event) => Some(event),
        Value::Decimal(_) | Value::Absent(_) | Value::Bits(_) | Value::Text(_) => None,
    };
    Line {
        n: entry.n,
        gateway: entry.gateway,
        lane: lane_name(entry.lane),
        seq: entry.seq,
        batch: entry.number,
        chain: varde_wire::ChainId::from_bytes(entry.chain).to_string(),
        device: observation.device.to_string(),
        metric: observation.metric.to_string(),
        code: observation.metric.code(),
        value: observation.value.to_string(),
        unit: observation.unit.map(varde_wire::Unit::ucum),
        vkp: event.and_then(varde_wire::Event::vkp),
        scaip: event.and_then(varde_wire::Event::scaip),
        time: clock::rfc3339(when.time),
        trust: when.trust.name(),
        mended: when.clock.map(|_| true),
        clock_time: when.clock.and_then(clock::rfc3339),
        boot: stamp.boot.to_string(),
        uptime_ms: stamp.uptime.as_millis(),
        device_time: observation.device_time.map(|time| time.to_string()),
        user: observation.user,
        flags: observation.flags.names().collect(),
        group: observation.group.map(|g| Group { id: g.id, member: g.member, size: g.size }),
        person: context.person.map(|person| person.to_string()),
        clock_offset_s: context.clock_offset_s,
        measured: context.clock_offset_s.and_then(|offset| measured(observation.device_time?, offset)),
        rssi_dbm: context.rssi_dbm,
        repeaters: context.repeaters,
        received: clock::rfc3339(entry.received),
    }
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

/// The anchors of the database. Neighbours in the output mostly need the same one.
struct Anchors<'s> {
    store: &'s Store,
    last: Option<(String, Stamp, Option<AnchorPoint>)>,
}

impl Anchors<'_> {
    fn mend(&mut self, gateway: &str, stamp: &Stamp) -> Result<Mended, Error> {
        let as_shown = Mended { time: stamp.wall, trust: stamp.trust, clock: None };
        if stamp.trust == Trust::Synchronised {
            return Ok(as_shown);
        }
        let Some(anchor) = self.nearest(gateway, stamp.boot, stamp)? else { return Ok(as_shown) };
        let since = i64::try_from(anchor.uptime.as_millis()).unwrap_or(i64::MAX);
        let then = i64::try_from(stamp.uptime.as_millis()).unwrap_or(i64::MAX);
        let time = anchor.wall.as_unix_millis().saturating_sub(since.saturating_sub(then));
        Ok(Mended {
            time: WallTime::from_unix_millis(time),
            trust: Trust::Synchronised,
            clock: Some(stamp.wall),
        })
    }

    fn nearest(&mut self, gateway: &str, boot: BootId, stamp: &Stamp) -> Result<Option<AnchorPoint>, Error> {
        if let Some((of, known, anchor)) = &self.last
            && of == gateway
            && known.boot == boot
            && known.uptime <= stamp.uptime
            && anchor.is_none_or(|anchor| stamp.uptime <= anchor.uptime)
        {
            return Ok(*anchor);
        }
        let anchor = self.store.anchor(gateway, boot, stamp.uptime)?;
        self.last = Some((gateway.to_owned(), *stamp, anchor));
        Ok(anchor)
    }
}
