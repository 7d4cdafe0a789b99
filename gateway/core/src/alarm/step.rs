//! What becomes of an alarm, step by step. Each is to be kept as an observation with its time.

use varde_wire::{AlarmStep, Instant};

use super::call::Call;

/// One step in the life of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNews {
    /// When.
    pub at: Instant,
    /// Which alarm: never given twice, restarts included.
    pub alarm: u64,
    /// What was raised.
    pub call: Call,
    /// How often it has been raised, from 1.
    pub count: u32,
    /// What became of it.
    pub step: AlarmStep,
}

/// What the person at home is shown of an open alarm, the most pressing last. Shown only after it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feedback {
    /// A person has seen it.
    Seen,
    /// Received by the hub.
    Received,
    /// Heard here.
    Heard,
    /// Not getting through.
    NotGettingThrough,
}
