//! What the gateway came to by itself: told like any observation, in an entry of its own.

use serde::{Deserialize, Serialize};

use crate::{AlarmReport, BoundedText, DeviceId, Event, Metric, SupervisionReport};

/// Something that the gateway came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How long before the record's stamp it happened, in ms. What became due while the gateway was off is told late.
    pub age_ms: u64,
    /// What it is.
    pub about: About,
}

/// What a report is about. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// An alarm took a step.
    Alarm(AlarmReport),
    /// Devices are in trouble, or out of it.
    Supervision(SupervisionReport),
    /// A rule cannot judge, or can again.
    Rule(RuleReport),
    /// Staff came, or is gone.
    Visit(VisitStep),
    /// How often something happened in a day that is not told each time.
    Count(CountReport),
}

/// Whether a rule can judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    /// The rule, by its name.
    pub rule: BoundedText<64>,
    /// What keeps it from judging; nothing where it can again.
    pub hindrance: Option<Hindrance>,
}

/// Why a rule cannot judge. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hindrance {
    /// This device, which it needs, is silent.
    Silent(DeviceId),
    /// It goes by the time of day, and the gateway's clock is not set.
    ClockUnset,
}

/// Staff came, or is gone. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VisitStep {
    /// They came, or said that they will stay longer.
    Began {
        /// Milliseconds until they are taken to be gone.
        for_ms: u32,
    },
    /// They said that they are gone.
    Ended,
    /// Nobody said so, and their time is over.
    TimeUp,
}

impl VisitStep {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Began { .. } => "began",
            Self::Ended => "ended",
            Self::TimeUp => "time-up",
        }
    }
}

/// How often something happened in a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountReport {
    /// With which device.
    pub device: DeviceId,
    /// What was observed.
    pub metric: Metric,
    /// The event, where it was one.
    pub event: Option<Event>,
    /// The day in the home, counted from 1970-01-01.
    pub day: i64,
    /// How often.
    pub times: u32,
}
