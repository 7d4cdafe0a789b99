//! Which gateways go by which pair, as they said last.

use varde_wire::{GatewayId, Heartbeat, KeyId};

use crate::store::{Store, StoreError};

/// An enrolled gateway.
pub(super) struct Holder {
    pub(super) gateway: GatewayId,
    /// The pair that it goes by; none where that is not known.
    pub(super) key: Option<KeyId>,
    /// Whether entries may wait there that an earlier life sealed.
    pub(super) may_hold_older: bool,
}

/// Every enrolled gateway, in the order of their ids.
pub(super) fn holders(store: &Store) -> Result<Vec<Holder>, StoreError> {
    let lives = store.lives()?;
    let mut holders = Vec::with_capacity(lives.len());
    for life in lives {
        let gateway: GatewayId = life.name.parse().map_err(|_| StoreError::Damaged("a gateway's name"))?;
        let key = store.gateway(&gateway)?.and_then(|known| known.hub_key);
        let may_hold_older = life.heartbeat.as_ref().is_none_or(outlived);
        holders.push(Holder { gateway, key, may_hold_older });
    }
    Ok(holders)
}

/// A gateway takes other keys up by beginning anew, and seals with one key all its life.
fn outlived(heartbeat: &Heartbeat) -> bool {
    let oldest = heartbeat.urgent.oldest_s.max(heartbeat.routine.oldest_s);
    // Both are whole seconds, cut off.
    oldest.is_some_and(|oldest| oldest.saturating_add(1) >= heartbeat.up_s)
}
