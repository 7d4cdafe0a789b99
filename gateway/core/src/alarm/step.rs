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

/// What the person at home is shown. Shown only after the step is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feedback {
    /// Heard here.
    Heard,
    /// Not getting through.
    NotGettingThrough,
    /// Received by the hub.
    Received,
    /// A person has seen it.
    Seen,
    /// Nothing is open any more.
    Over,
}

impl Feedback {
    /// What the person at home is shown of a step, where it changes anything for them.
    pub const fn of(step: AlarmStep) -> Option<Self> {
        match step {
            AlarmStep::Raised | AlarmStep::RaisedAgain | AlarmStep::PreAlarm { .. } => Some(Self::Heard),
            AlarmStep::NotGettingThrough => Some(Self::NotGettingThrough),
            AlarmStep::Received => Some(Self::Received),
            AlarmStep::Seen => Some(Self::Seen),
            AlarmStep::Cancelled | AlarmStep::Ended => Some(Self::Over),
            AlarmStep::Inhibited(_)
            | AlarmStep::Announced { .. }
            | AlarmStep::Escalated
            | AlarmStep::Cleared
            | AlarmStep::CancelRefused => None,
        }
    }
}
