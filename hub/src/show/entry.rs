//! What was received, an entry a line of JSON: what a device said, or what its gateway came to by itself.

use serde::Serialize;
use varde_wire::{ChainId, Content, Context, Record, Stamp, WallTime};

use super::{observation, report};
use crate::mending::{Anchors, Mended};
use crate::store::{Store, StoredEntry, lane_name};
use crate::{Error, clock};

/// What scripts read.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Line {
    Observation(Box<observation::Line>),
    Report(Box<report::Line>),
}

/// Where it stands.
#[derive(Serialize)]
pub(super) struct Place {
    /// The cursor for `--since`.
    n: i64,
    gateway: String,
    lane: &'static str,
    seq: u64,
    /// The batch's number in its chain.
    batch: u64,
    chain: String,
}

/// When it was. Fields that do not apply are left out.
#[derive(Serialize)]
pub(super) struct Made {
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
}

/// Calls `each` with every observation and report after `since`, oldest first.
pub(super) fn each(
    store: &Store,
    since: i64,
    gateway: Option<&str>,
    mut each: impl FnMut(Line) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut since = since;
    let mut anchors = Anchors::of(store);
    loop {
        let page = store.entries_after(since, gateway)?;
        let Some(last) = page.last() else { return Ok(()) };
        since = last.n;
        for entry in page {
            // Only what decodes is stored as an entry.
            let Ok(Record { stamp, content }) = Record::decode(&entry.record) else { continue };
            let when = anchors.mend(&entry.gateway, &stamp)?;
            let received = clock::rfc3339(entry.received);
            let (place, made) = (place(entry), made(&stamp, &when));
            each(match content {
                Content::Observation(observation) => {
                    observation::line(place, made, received, observation, Context::default())
                }
                Content::InContext(observation, context) => {
                    observation::line(place, made, received, observation, context)
                }
                Content::Report(report) => report::line(place, made, received, &when, report),
                Content::Gap(_) | Content::Anchor(_) | Content::Outcome(_) => continue,
            })?;
        }
    }
}

impl Made {
    /// What was told then, and happened at that moment.
    pub(super) fn happened(self, time: WallTime) -> Self {
        Self { time: clock::rfc3339(time), ..self }
    }
}

fn place(entry: StoredEntry) -> Place {
    Place {
        n: entry.n,
        gateway: entry.gateway,
        lane: lane_name(entry.lane),
        seq: entry.seq,
        batch: entry.number,
        chain: ChainId::from_bytes(entry.chain).to_string(),
    }
}

fn made(stamp: &Stamp, when: &Mended) -> Made {
    Made {
        time: clock::rfc3339(when.time),
        trust: when.trust.name(),
        mended: when.clock.map(|_| true),
        clock_time: when.clock.and_then(clock::rfc3339),
        boot: stamp.boot.to_string(),
        uptime_ms: stamp.uptime.as_millis(),
    }
}
