//! What becomes of an alarm, step by step. Each is to be kept as an observation with its time.

use varde_wire::Instant;

use super::call::Call;

/// One step in the life of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmStep {
    /// When.
    pub at: Instant,
    /// Which alarm: never given twice, restarts included.
    pub alarm: u64,
    /// What was raised.
    pub call: Call,
    /// How often it has been raised, from 1.
    pub count: u32,
    /// What became of it.
    pub step: Step,
}

/// What becomes of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was held back. If its cause lasts, it is raised when nothing holds it back any more.
    Inhibited(Inhibitor),
    /// It was raised.
    Raised,
    /// Until then it can be cancelled where it was raised.
    PreAlarm {
        /// When it will be sent.
        until: Instant,
    },
    /// It is to be sent, urgently.
    Announced {
        /// From 1; the receipt and the notice that it was seen name it.
        number: u32,
    },
    /// It was raised again while it is open: the same alarm.
    RaisedAgain,
    /// No receipt has come for a while.
    NotGettingThrough,
    /// The hub has it.
    Received,
    /// Nobody has seen it for too long.
    Escalated,
    /// A person has seen it.
    Seen,
    /// Its cause is gone.
    Cleared,
    /// Somebody at home wants to cancel it after it was sent: it stays open, and whoever deals with it should know.
    CancelRefused,
    /// Cancelled: in its pre-alarm at home, or as a false alarm by a person.
    Cancelled,
    /// Over.
    Ended,
}

/// What holds an alarm back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inhibitor {
    /// Staff is in the home.
    Visit,
    /// It is a quiet hour.
    QuietHours,
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

impl Step {
    /// What the person at home is shown of it, where it changes anything for them.
    pub const fn feedback(self) -> Option<Feedback> {
        match self {
            Self::Raised | Self::RaisedAgain | Self::PreAlarm { .. } => Some(Feedback::Heard),
            Self::NotGettingThrough => Some(Feedback::NotGettingThrough),
            Self::Received => Some(Feedback::Received),
            Self::Seen => Some(Feedback::Seen),
            Self::Cancelled | Self::Ended => Some(Feedback::Over),
            Self::Inhibited(_)
            | Self::Announced { .. }
            | Self::Escalated
            | Self::Cleared
            | Self::CancelRefused => None,
        }
    }
}
