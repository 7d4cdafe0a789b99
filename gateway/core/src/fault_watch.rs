//! Faults that last, told once, each with its restored twin.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Duration;

use varde_wire::Instant;

/// A fault came or went, and it is time to say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultChange<K> {
    /// It lasted longer than its grace, or has become worse since it was told.
    Raised(K),
    /// A raised one is over.
    Restored(K),
}

/// Which faults there are, and which have been told of. A fault that passes within its grace is not worth
/// waking anybody.
#[derive(Debug)]
pub struct FaultWatch<K> {
    faults: BTreeMap<K, State>,
    changes: VecDeque<FaultChange<K>>,
}

#[derive(Debug)]
enum State {
    /// There, and to be told then.
    Waits(Instant),
    /// There, and told.
    Told,
    /// Told before a restart, and over by then unless it is met again.
    Remembered(Instant),
}

impl<K> Default for FaultWatch<K> {
    fn default() -> Self {
        Self { faults: BTreeMap::new(), changes: VecDeque::new() }
    }
}

impl<K: Ord + Clone> FaultWatch<K> {
    /// These were told before a restart ([`Self::told`]). One that is met again within `patience` is not told anew; one
    /// that is not is over.
    pub fn handle_restart(&mut self, told: impl IntoIterator<Item = K>, patience: Duration, now: Instant) {
        for key in told {
            match self.faults.entry(key) {
                Entry::Vacant(new) => {
                    new.insert(State::Remembered(now.after(patience)));
                }
                Entry::Occupied(mut met) => {
                    met.insert(State::Told);
                }
            }
        }
    }

    /// Something does not work; it is told if it still does not after `grace`. Saying it again changes nothing.
    pub fn handle_fault(&mut self, key: K, grace: Duration, now: Instant) {
        match self.faults.entry(key).or_insert_with(|| State::Waits(now.after(grace))) {
            met @ State::Remembered(_) => *met = State::Told,
            State::Waits(_) | State::Told => {}
        }
        self.handle_timeout(now);
    }

    /// What does not work has become worse: it is told again, unless it still waits to be told at all.
    pub fn handle_worse(&mut self, key: &K) {
        if let Some(State::Told) = self.faults.get(key) {
            self.changes.push_back(FaultChange::Raised(key.clone()));
        }
    }

    /// It works.
    pub fn handle_well(&mut self, key: &K) {
        match self.faults.remove(key) {
            Some(State::Told | State::Remembered(_)) => {
                self.changes.push_back(FaultChange::Restored(key.clone()));
            }
            Some(State::Waits(_)) | None => {}
        }
    }

    /// Raises what has lasted, and restores what was not met again after a restart.
    pub fn handle_timeout(&mut self, now: Instant) {
        let changes = &mut self.changes;
        self.faults.retain(|key, state| match state {
            State::Waits(due) if *due <= now => {
                *state = State::Told;
                changes.push_back(FaultChange::Raised(key.clone()));
                true
            }
            State::Remembered(until) if *until <= now => {
                changes.push_back(FaultChange::Restored(key.clone()));
                false
            }
            State::Waits(_) | State::Told | State::Remembered(_) => true,
        });
    }

    /// When the next fault is to be raised or restored.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = |state: &State| match state {
            State::Waits(at) | State::Remembered(at) => Some(*at),
            State::Told => None,
        };
        self.faults.values().filter_map(due).min()
    }

    /// The changes since last asked.
    pub fn poll_output(&mut self) -> Option<FaultChange<K>> {
        self.changes.pop_front()
    }

    /// The faults that were told and are not over, to be remembered over a restart once every change is taken.
    pub fn told(&self) -> impl Iterator<Item = &K> {
        self.faults.iter().filter(|(_, state)| !matches!(state, State::Waits(_))).map(|(key, _)| key)
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

    #[test]
    fn a_fault_that_becomes_worse_is_told_again_and_ends_once() {
        let (mut watch, at) = (FaultWatch::default(), Instant::from_millis);
        watch.handle_fault("certificate", Duration::from_millis(5), at(0));
        watch.handle_worse(&"certificate");
        assert_eq!(watch.poll_output(), None, "it has not been told at all");
        watch.handle_timeout(at(5));
        watch.handle_worse(&"certificate");
        watch.handle_well(&"certificate");
        watch.handle_worse(&"certificate");
        let told: Vec<_> = std::iter::from_fn(|| watch.poll_output()).collect();
        use FaultChange::{Raised, Restored};
        assert_eq!(told, [Raised("certificate"), Raised("certificate"), Restored("certificate")]);
    }

    #[test]
    fn over_a_restart_a_fault_is_not_told_twice_and_its_end_not_forgotten() {
        let (patience, at) = (Duration::from_millis(900), Instant::from_millis);
        let mut before = FaultWatch::default();
        for fault in ["disk", "hub", "radio"] {
            before.handle_fault(fault, Duration::ZERO, at(0));
        }
        before.handle_fault("clock", patience, at(0));
        let told: Vec<_> = before.told().copied().collect();
        assert_eq!(told, ["disk", "hub", "radio"]);

        let mut watch = FaultWatch::default();
        watch.handle_fault("disk", patience, at(99));
        watch.handle_restart(told, patience, at(100));
        watch.handle_fault("hub", Duration::ZERO, at(200));
        assert_eq!((watch.poll_output(), watch.poll_timeout()), (None, Some(at(1_000))));
        assert_eq!(watch.told().count(), 3, "a second restart forgets nothing either");
        watch.handle_timeout(at(1_000));
        assert_eq!(watch.poll_output(), Some(FaultChange::Restored("radio")));
        watch.handle_well(&"disk");
        watch.handle_well(&"hub");
        assert_eq!(watch.poll_output(), Some(FaultChange::Restored("disk")));
        assert_eq!(watch.poll_output(), Some(FaultChange::Restored("hub")));
        assert_eq!(watch.poll_output(), None);
    }
}
