//! What a golden file says, as JSON that a reader in any language can be compared with.

use super::reports;
use serde_json::{Value as Json, json};
use varde_wire::{
    Action, AlarmNotice, Backlog, Batch, Cause, Command, Content, DosingPlan, GoesBy, Hash, Heartbeat,
    Observation, Outcome, Receipt, Record, RosterChange, Stage, Stamp, Value, Verdict, WallTime,
};

pub(crate) fn record(record: &Record) -> Json {
    let (kind, content) = match &record.content {
        Content::Observation(made) => ("observation", observation(made)),
        Content::InContext(made, context) => ("in_context", {
            let mut made = observation(made);
            made["context"] = json!({
                "person": context.person.as_ref().map(|person| person.as_str()),
                "clock_offset_s": context.clock_offset_s,
                "rssi_dbm": context.rssi_dbm,
                "repeaters": context.repeaters,
            });
            made
        }),
        Content::Gap(gap) => (
            "gap",
            json!({
                "observations": gap.observations, "from": stamp(&gap.from), "to": stamp(&gap.to),
                "reason": gap.reason.name(),
            }),
        ),
        Content::Outcome(made) => ("outcome", outcome(made)),
        Content::Report(made) => ("report", reports::words(made)),
        Content::Anchor(anchor) => ("anchor", json!({ "moved_ms": anchor.moved_ms })),
    };
    json!({ "stamp": stamp(&record.stamp), kind: content })
}

fn stamp(stamp: &Stamp) -> Json {
    json!({
        "boot": stamp.boot.to_string(), "uptime_ms": stamp.uptime.as_millis(),
        "wall_ms": stamp.wall.as_unix_millis(), "trust": stamp.trust.name(),
    })
}

fn observation(made: &Observation) -> Json {
    json!({
        "device": made.device.as_str(),
        "metric": made.metric.code(),
        "value": value(&made.value),
        "unit": made.unit.map(|unit| unit.ucum()),
        "device_time": made.device_time.map(|time| time.to_string()),
        "user": made.user,
        "flags": made.flags.names().collect::<Vec<_>>(),
        "group": made.group.map(|g| json!({ "id": g.id, "member": g.member, "size": g.size })),
    })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Decimal(number) => json!({ "decimal": {
            "mantissa": number.mantissa, "exponent": number.exponent, "text": number.to_string(),
        } }),
        Value::Absent(absence) => json!({ "absent": absence.name() }),
        Value::Event(event) => {
            json!({ "event": { "name": event.name(), "vkp": event.vkp(), "scaip": event.scaip() } })
        }
        Value::Bits(bits) => json!({ "bits": bits }),
        Value::Text(text) => json!({ "text": text }),
    }
}

pub(crate) fn batch(batch: &Batch, hash: Hash, records: &[Record]) -> Json {
    let entries: Vec<_> = (batch.first..)
        .zip(batch.entries.iter().zip(records))
        .map(|(seq, (entry, made))| {
            json!({ "seq": seq, "epoch": entry.epoch, "count": entry.count, "record": record(made) })
        })
        .collect();
    json!({
        "gateway": batch.gateway.as_str(), "lane": batch.lane.name(), "chain": batch.chain.to_string(),
        "number": batch.number, "previous": batch.previous.to_string(), "hash": hash.to_string(),
        "first": batch.first, "last": batch.last(),
        "epochs": batch.epochs.iter().map(|epoch| hex(epoch)).collect::<Vec<_>>(),
        "entries": entries,
    })
}

pub(crate) fn receipt(receipt: &Receipt) -> Json {
    let verdict = match receipt.verdict {
        Verdict::Stored { number, hash, through } => {
            json!({ "stored": { "number": number, "hash": hash.to_string(), "through": through } })
        }
        Verdict::Refused { number, hash, reason, expected, through } => json!({ "refused": {
            "number": number, "hash": hash.to_string(), "reason": reason.name(),
            "expected": expected, "through": through,
        } }),
    };
    json!({
        "gateway": receipt.gateway.as_str(), "lane": receipt.lane.name(),
        "chain": receipt.chain.to_string(), "verdict": verdict,
    })
}

pub(crate) fn heartbeat(made: &Heartbeat) -> Json {
    let backlog = |of: Backlog| json!({ "entries": of.entries, "oldest_s": of.oldest_s });
    let mut words = json!({
        "gateway": made.gateway.as_str(), "life": made.life, "number": made.number,
        "stamp": stamp(&made.stamp), "every_s": made.every_s, "state": made.state.name(),
        "version": made.version.as_str(), "up_s": made.up_s, "faults": made.faults,
        "urgent": backlog(made.urgent), "routine": backlog(made.routine),
    });
    if let Some(GoesBy { key, older_wait }) = made.goes_by {
        words["goes_by"] = json!({ "key": hex(&key), "older_wait": older_wait });
    }
    words
}

pub(crate) fn command(
    gateway: &str,
    number: u64,
    (issued, expires): (WallTime, WallTime),
    command: &Command,
) -> Json {
    let action = match &command.action {
        Action::Identify | Action::TestAlarm | Action::Diagnose => json!(command.action.name()),
        Action::Switch { on } => json!({ "switch": { "on": on } }),
        Action::Plan(made) => json!({ "plan": plan(made) }),
        Action::Dispense { compartment } => json!({ "dispense": { "compartment": compartment } }),
        Action::Lock { locked } => json!({ "lock": { "locked": locked } }),
        Action::Message { id, text } => json!({ "message": { "id": id, "text": text.as_str() } }),
        Action::Indicate(indication) => json!({ "indicate": indication.name() }),
        Action::Roster(RosterChange::Add { table }) => json!({ "roster": { "add": table.as_str() } }),
        Action::Roster(RosterChange::Remove { device }) => {
            json!({ "roster": { "remove": device.as_str() } })
        }
        Action::Supervise { expected_every_s } => {
            json!({ "supervise": { "expected_every_s": expected_every_s } })
        }
        Action::Heartbeat { every_s } => json!({ "heartbeat": { "every_s": every_s } }),
        Action::ChangeHubKeys(keys) => json!({ "change-hub-keys": {
            "verifying": keys.verifying.to_text().trim_end(), "sealing": keys.sealing.to_text().trim_end(),
        } }),
        Action::Alarm { alarm, notice: AlarmNotice::Seen { announcement } } => {
            json!({ "alarm": { "alarm": alarm, "notice": { "seen": { "announcement": announcement } } } })
        }
        Action::Alarm { alarm, notice } => {
            json!({ "alarm": { "alarm": alarm, "notice": notice.name() } })
        }
        Action::Visit { minutes } => json!({ "visit": { "minutes": minutes } }),
    };
    json!({
        "gateway": gateway, "number": number,
        "issued_ms": issued.as_unix_millis(), "expires_ms": expires.as_unix_millis(),
        "device": command.device.as_str(), "action": action,
    })
}

fn plan(plan: &DosingPlan) -> Json {
    let doses: Vec<_> = plan
        .doses
        .iter()
        .map(|dose| {
            json!({
                "id": dose.id, "minute": dose.minute, "weekdays": dose.weekdays.bits(),
                "window_minutes": dose.window_minutes, "compartment": dose.compartment, "count": dose.count,
            })
        })
        .collect();
    json!({
        "version": plan.version, "zone": plan.zone.as_str(),
        "from": plan.from.map(|date| date.to_string()), "until": plan.until.map(|date| date.to_string()),
        "doses": doses,
        "travel_until_ms": plan.travel_until.map(WallTime::as_unix_millis),
        "paused_until_ms": plan.paused_until.map(WallTime::as_unix_millis),
    })
}

fn outcome(outcome: &Outcome) -> Json {
    let stage = match outcome.stage {
        Stage::Accepted | Stage::Delivered | Stage::Done | Stage::Expired => json!(outcome.stage.name()),
        Stage::Refused(Cause::OutOfOrder { highest }) => {
            json!({ "refused": { "out-of-order": { "highest": highest } } })
        }
        Stage::Refused(cause) => json!({ "refused": cause.name() }),
    };
    json!({
        "number": outcome.number, "device": outcome.device.as_str(), "stage": stage,
        "note": outcome.note.as_str(),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
