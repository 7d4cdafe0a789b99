//! What a sensor told live, so that it is not told again when it comes from the memory: many store what they send.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::gatt::acom::HealthObservation;

/// More live observations between two fetches are not held: they would come twice.
const MOST: usize = 4096;

/// The live observations of one sensor, as hashes.
#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<u64>);

impl Told {
    pub(super) fn note(&mut self, observation: &HealthObservation) {
        let Some(key) = key(observation) else { return };
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(key);
    }

    pub(super) fn knows(&self, observation: &HealthObservation) -> bool {
        key(observation).is_some_and(|key| self.0.contains(&key))
    }
}

/// Two observations without a time of day may be two measurements, however much they are alike: a tick counter begins
/// anew.
fn key(observation: &HealthObservation) -> Option<u64> {
    observation.time_stamp()?.time_of_day()?;
    let mut hasher = DefaultHasher::new();
    observation.hash(&mut hasher);
    Some(hasher.finish())
}
