//! What the gateway keeps of itself over a restart: how often it started, what it was then, and what it told that is not
//! over. Kept with the words that tell of it, so that neither is there without the other for long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use varde_core::vitals::{Past, Vital};
use varde_drivers::Reading;
use varde_wire::{DeviceId, Metric, Observation, Value};

use crate::board::Fault;
use crate::intake::Intake;
use crate::store::{Memory, StoreError};

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The runs before.
    pub past: Past,
    /// The vitals that were told not to be well, and on how many of their steps.
    pub vitals: BTreeMap<Vital, usize>,
    /// The faults that were told and are not over.
    pub told: BTreeSet<Fault>,
}

/// The diary. It stands in the store among what drivers remember, under the gateway's own name.
pub struct Diary {
    kept: Mutex<Kept>,
    intake: Arc<Intake>,
}

impl Diary {
    /// Opens it where the last run left off; an empty one where there is none that can be read.
    pub async fn open(intake: Arc<Intake>) -> Self {
        let bytes = intake.recall(&DeviceId::gateway()).await.unwrap_or_default();
        Self { kept: Mutex::new(serde_json::from_slice(&bytes).unwrap_or_default()), intake }
    }

    /// What it says.
    pub async fn read<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&*self.kept.lock().await)
    }

    /// Changes it, and tells the hub these values about the gateway in the same breath, where there are any.
    ///
    /// # Errors
    /// Where the store has stopped.
    pub async fn write(&self, tell: Vec<Value>, change: impl FnOnce(&mut Kept)) -> Result<(), StoreError> {
        // Held to the end: an older page must not be written over a newer one.
        let mut kept = self.kept.lock().await;
        let losses = self.intake.losses();
        change(&mut kept);
        let bytes = serde_json::to_vec(&*kept).unwrap_or_default();
        let memory = Memory { device: DeviceId::gateway(), bytes, losses };
        if tell.is_empty() {
            return self.intake.remember(memory).await;
        }
        let says = |value| Observation::new(DeviceId::gateway(), Metric::GATEWAY, value);
        let reading = Reading::new(DeviceId::gateway(), tell.into_iter().map(says).collect());
        self.intake.take_and_remember(reading, Some(memory)).await.map(drop)
    }
}
