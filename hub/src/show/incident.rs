//! Incidents and refused batches as lines of JSON.

use serde::Serialize;
use varde_wire::{ChainId, Hash};

use crate::store::{Store, lane_name};
use crate::{Error, clock};

/// What scripts read. Fields that do not apply are left out.
#[derive(Serialize)]
pub(super) struct Line {
    /// `chain-began`, `missing`, `gap`, `unreadable`, `opened-later`, or `refused`.
    pub(super) incident: &'static str,
    id: i64,
    pub(super) gateway: String,
    pub(super) lane: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<u64>,
    /// The seqs it is about: first and last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seqs: Option<[u64; 2]>,
    /// Of seqs, entries or observations; or how often the batch came.
    pub(super) count: u64,
    /// Why a batch was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    /// Of the refused batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    /// When it happened; of a batch that came several times, when first.
    pub(super) at: Option<String>,
    /// When the batch came last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<String>,
}

/// Calls `each` with every incident, then with every refused batch that was kept.
pub(super) fn each(
    store: &Store,
    gateway: Option<&str>,
    mut each: impl FnMut(Line) -> Result<(), Error>,
) -> Result<(), Error> {
    let wanted = |name: &str| gateway.is_none_or(|gateway| gateway == name);
    for occurred in store.incidents()?.into_iter().filter(|occurred| wanted(&occurred.gateway)) {
        let incident = occurred.incident;
        each(Line {
            incident: incident.kind.name(),
            id: occurred.id,
            gateway: occurred.gateway,
            lane: lane_name(occurred.lane),
            chain: Some(ChainId::from_bytes(occurred.chain).to_string()),
            batch: Some(occurred.number),
            seqs: Some([incident.seqs.0, incident.seqs.1]),
            count: incident.count,
            cause: None,
            hash: None,
            detail: incident.detail,
            at: clock::rfc3339(occurred.at),
            last: None,
        })?;
    }
    for refused in store.refused()?.into_iter().filter(|refused| wanted(&refused.claimed)) {
        each(Line {
            incident: "refused",
            id: refused.id,
            gateway: refused.claimed,
            lane: lane_name(refused.lane),
            chain: refused.place.map(|(chain, _)| ChainId::from_bytes(chain).to_string()),
            batch: refused.place.map(|(_, number)| number),
            seqs: None,
            count: refused.count.cast_unsigned(),
            cause: Some(refused.cause),
            hash: Some(Hash::from_bytes(refused.hash).to_string()),
            detail: None,
            at: clock::rfc3339(refused.first),
            last: clock::rfc3339(refused.last),
        })?;
    }
    Ok(())
}
