//! Whom the gateway believes to be its hub, and how that changes.
//!
//! A change counts from the next start on. The key before it is believed too until the hub has signed with the one that
//! counts: nothing that it answered meanwhile is lost, and one that has given a key up is obeyed by that key no longer.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use varde_wire::{
    GatewayId, HubKeys, Receipt, SignedCommand, SignedReceipt, VerifiedCommand, VerifyError, VerifyingKey,
};

use crate::config::KnownHub;

/// Verifies what claims to be the hub's.
pub struct Belief {
    gateway: GatewayId,
    keys: HubKeys,
    earlier: Mutex<Option<VerifyingKey>>,
    kept: Arc<Mutex<Kept>>,
}

/// What is on the disk, for one writer at a time.
struct Kept {
    hub: KnownHub,
    /// Whether the next life has other keys than this one.
    is_changed: bool,
}

impl Belief {
    /// In the hub as it is known to this gateway.
    pub fn new(gateway: GatewayId, hub: KnownHub) -> Self {
        let (keys, earlier) = (hub.keys.clone(), Mutex::new(hub.earlier.clone()));
        Self { gateway, keys, earlier, kept: Arc::new(Mutex::new(Kept { hub, is_changed: false })) }
    }

    /// The keys that count.
    pub const fn keys(&self) -> &HubKeys {
        &self.keys
    }

    /// A receipt, if it is the hub's and for this gateway.
    ///
    /// # Errors
    /// Where anything about it is not right.
    pub fn receipt(&self, signed: &SignedReceipt) -> Result<Receipt, VerifyError> {
        self.verify(|key| signed.verify(key, &self.gateway))
    }

    /// A command, if it is the hub's and for this gateway.
    ///
    /// # Errors
    /// Where anything about it is not right.
    pub fn command(&self, signed: &SignedCommand) -> Result<VerifiedCommand, VerifyError> {
        self.verify(|key| signed.verify(key, &self.gateway))
    }

    fn verify<T>(&self, by: impl Fn(&VerifyingKey) -> Result<T, VerifyError>) -> Result<T, VerifyError> {
        let verified = by(&self.keys.verifying);
        let mut earlier = self.earlier();
        match (&verified, &*earlier) {
            (Ok(_), Some(_)) => {
                *earlier = None;
                self.forget_earlier();
                verified
            }
            (Err(VerifyError::UnknownKey), Some(earlier)) => by(earlier),
            _ => verified,
        }
    }

    /// Later lives need not believe in it either.
    fn forget_earlier(&self) {
        tracing::info!("the hub signs with its new key: the one before is not believed any more");
        let (kept, keys) = (Arc::clone(&self.kept), self.keys.clone());
        // A worn card takes its time, and alarms must not wait for it.
        tokio::task::spawn_blocking(move || {
            let kept = lock(&kept);
            if kept.is_changed {
                return;
            }
            if let Err(error) = kept.hub.keep(&keys, None) {
                tracing::warn!(
                    "that cannot be kept ({error}): after a start, it is believed until the next receipt"
                );
            }
        });
    }

    /// Keeps other keys, from the next life on, and gives whether there is anything to change.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub async fn change(&self, keys: HubKeys) -> io::Result<bool> {
        let (kept, now) = (Arc::clone(&self.kept), self.keys.clone());
        let changed = tokio::task::spawn_blocking(move || {
            let mut kept = lock(&kept);
            if keys == now && kept.hub.damage.is_none() {
                return Ok(false);
            }
            let earlier = (keys.verifying != now.verifying).then_some(&now.verifying);
            kept.hub.keep(&keys, earlier)?;
            kept.is_changed = true;
            Ok(true)
        });
        changed.await.map_err(io::Error::other)?
    }

    fn earlier(&self) -> MutexGuard<'_, Option<VerifyingKey>> {
        self.earlier.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
