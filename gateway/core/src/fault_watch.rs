//! Faults that last, told once, each with its restored twin.

use std::collections::BTreeMap;
use std::time::Duration;

use varde_wire::Instant;

/// A fault came or went, and it is time to say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultChange<K> {
    /// It lasted longer than its grace.
    Raised(K),
    /// A raised one is over.
    Restored(K),
}

/// Which faults there are, and which have been told of. A fault that passes within its grace is not worth
/// waking anybody.
#[derive(Debug)]
pub struct FaultWatch<K> {
    faults: BTreeMap<K, Fault>,
    changes: Vec<FaultChange<K>>,
}

#[derive(Debug)]
struct Fault {
    due: Instant,
    raised: bool,
}

impl<K> Default for FaultWatch<K> {
    fn default() -> Self {
        Self { faults: BTreeMap::new(), changes: Vec::new() }
    }
}

impl<K: Ord + Clone> FaultWatch<K> {
    /// Something does not work; it is told if it still does not after `grace`. Saying it again changes nothing.
    pub fn handle_fault(&mut self, key: K, grace: Duration, now: Instant) {
        self.faults.entry(key).or_insert(Fault { due: now.after(grace), raised: false });
        self.handle_timeout(now);
    }

    /// It works.
    pub fn handle_well(&mut self, key: &K) {
        if self.faults.remove(key).is_some_and(|fault| fault.raised) {
            self.changes.push(FaultChange::Restored(key.clone()));
        }
    }

    /// Raises what has lasted.
    pub fn handle_timeout(&mut self, now: Instant) {
        for (key, fault) in &mut self.faults {
            if !fault.raised && fault.due <= now {
                fault.raised = true;
                self.changes.push(FaultChange::Raised(key.clone()));
            }
        }
    }

    /// When the next fault is to be raised.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.faults.values().filter(|fault| !fault.raised).map(|fault| fault.due).min()
    }

    /// The changes since last asked.
    pub fn poll_output(&mut self) -> Option<FaultChange<K>> {
        if self.changes.is_empty() { None } else { Some(self.changes.remove(0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_once_after_its_grace_and_its_end_once() {
        let mut watch = FaultWatch::default();
        let (grace, at) = (Duration::from_secs(60), |s: u64| Instant::from_millis(s * 1000));
        watch.handle_fault("radio", grace, at(0));
        watch.handle_fault("radio", grace, at(30));
        assert_eq!((watch.poll_output(), watch.poll_timeout()), (None, Some(at(60))));
        watch.handle_timeout(at(60));
        assert_eq!(watch.poll_output(), Some(FaultChange::Raised("radio")));
        watch.handle_fault("radio", grace, at(90));
        assert_eq!((watch.poll_output(), watch.poll_timeout()), (None, None));
        watch.handle_well(&"radio");
        watch.handle_well(&"radio");
        assert_eq!(watch.poll_output(), Some(FaultChange::Restored("radio")));
        assert_eq!(watch.poll_output(), None);
    }

    #[test]
    fn a_fault_that_passes_in_its_grace_wakes_nobody() {
        let mut watch = FaultWatch::default();
        watch.handle_fault(1, Duration::from_secs(60), Instant::from_millis(0));
        watch.handle_well(&1);
        watch.handle_timeout(Instant::from_millis(100_000));
        assert_eq!(watch.poll_output(), None);
    }
}
