//! Which gateways go by which pair, as they said last.

use varde_wire::{GatewayId, KeyId};

use crate::store::{Life, Store, StoreError};

/// An enrolled gateway.
pub(super) struct Holder {
    pub(super) gateway: GatewayId,
    /// The pair that it goes by; none where that is not known.
    pub(super) key: Option<KeyId>,
    /// Whether entries may wait there that were sealed to an earlier one.
    pub(super) older_wait: bool,
}

/// Every enrolled gateway, in the order of their ids.
pub(super) fn holders(store: &Store) -> Result<Vec<Holder>, StoreError> {
    let holder = |life: Life| {
        let gateway = life.name.parse().map_err(|_| StoreError::Damaged("a gateway's name"))?;
        Ok(Holder { gateway, key: life.hub_key(), older_wait: older_wait(&life) })
    };
    store.lives()?.into_iter().map(holder).collect()
}

/// A gateway takes other keys up by beginning anew, and seals with one key all its life. One that was never heard, nor
/// enrolled before, has nothing yet.
fn older_wait(life: &Life) -> bool {
    match &life.heartbeat {
        Some(heartbeat) => heartbeat.goes_by.is_none_or(|goes_by| goes_by.older_wait),
        None => life.enrolled_again || life.last_sign.is_some(),
    }
}
