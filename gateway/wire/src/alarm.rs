//! Alarms as the gateway judges them: what they are about, and what becomes of them step by step.

use serde::{Deserialize, Serialize};

use crate::{BoundedText, DeviceId};

/// One step in the life of an alarm. `gateway/core/src/alarm.rs` draws that life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmReport {
    /// Which alarm: a gateway gives no number twice while its store lives.
    pub alarm: u64,
    /// Who raised it.
    pub source: AlarmSource,
    /// What it is about.
    pub kind: AlarmKind,
    /// How serious it is.
    pub severity: Severity,
    /// It is a test, and is one for everybody who receives it.
    pub test: bool,
    /// How often it has been raised, from 1.
    pub count: u32,
    /// What became of it.
    pub step: AlarmStep,
}

/// Who raised an alarm. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlarmSource {
    /// A device.
    Device(DeviceId),
    /// A rule, by its name.
    Rule(BoundedText<64>),
}

impl std::fmt::Display for AlarmSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device(device) => device.fmt(f),
            Self::Rule(name) => f.write_str(name.as_str()),
        }
    }
}

/// What becomes of an alarm. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlarmStep {
    /// It was held back. If its cause lasts, it is raised when nothing holds it back any more.
    Inhibited(Inhibitor),
    /// It was raised.
    Raised,
    /// For so long it can be cancelled where it was raised.
    PreAlarm {
        /// Milliseconds until it is sent.
        for_ms: u32,
    },
    /// Somebody has to know of it now.
    Announced {
        /// From 1; the notice that a person has seen it names it.
        number: u32,
    },
    /// It was raised again while it is open: the same alarm.
    RaisedAgain,
    /// No receipt came for a while.
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

impl AlarmStep {
    /// The word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inhibited(Inhibitor::Visit) => "inhibited-visit",
            Self::Inhibited(Inhibitor::QuietHours) => "inhibited-quiet-hours",
            Self::Raised => "raised",
            Self::PreAlarm { .. } => "pre-alarm",
            Self::Announced { .. } => "announced",
            Self::RaisedAgain => "raised-again",
            Self::NotGettingThrough => "not-getting-through",
            Self::Received => "received",
            Self::Escalated => "escalated",
            Self::Seen => "seen",
            Self::Cleared => "cleared",
            Self::CancelRefused => "cancel-refused",
            Self::Cancelled => "cancelled",
            Self::Ended => "ended",
        }
    }

    /// Whether the alarm is over with it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Ended)
    }
}

/// What holds an alarm back. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Inhibitor {
    /// Staff is in the home.
    Visit,
    /// It is a quiet hour.
    QuietHours,
}

/// How serious an alarm is: the severities of VKP, 0 to 40. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// 0: not reported.
    Unreported,
    /// 10.
    Normal,
    /// 20.
    Moderate,
    /// 30.
    Serious,
    /// 40.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 5] =
        [Self::Unreported, Self::Normal, Self::Moderate, Self::Serious, Self::Critical];

    /// VKP's number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unreported => 0,
            Self::Normal => 10,
            Self::Moderate => 20,
            Self::Serious => 30,
            Self::Critical => 40,
        }
    }
}

macro_rules! kinds {
    ($($name:ident $text:literal vkp $vkp:literal, $severity:ident, $doc:literal,)*) => {
        /// What an alarm is about. On the wire its place in this list: append only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum AlarmKind {
            $(#[doc = $doc] $name,)*
        }

        impl AlarmKind {
            /// Every kind, in wire order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in configuration and output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Its VKP alert code (`vkp-alert-code-v090`). A dispenser's own code is finer; this is "not dispensed".
            pub const fn vkp(self) -> &'static str {
                match self { $(Self::$name => $vkp,)* }
            }

            /// How serious it is where nothing else is configured.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

kinds! {
    Pendant "pendant" vkp "3", Critical, "Somebody pressed for help.",
    PullCord "pull-cord" vkp "4.14", Critical, "Somebody pulled a cord for help.",
    Fall "fall" vkp "4.1", Critical, "Somebody fell.",
    Smoke "smoke" vkp "4.11", Critical, "Smoke or fire.",
    Gas "gas" vkp "4.11", Critical, "Gas or carbon monoxide.",
    Water "water" vkp "4.17", Moderate, "Water where none should be.",
    Bed "bed" vkp "4.2", Serious, "Somebody left the bed and is not back.",
    Door "door" vkp "4.21", Serious, "Somebody went out when they should not, and is not back.",
    Inactivity "inactivity" vkp "4.9", Serious, "Nothing has moved for too long.",
    Absence "absence" vkp "4.7", Serious, "Somebody has been out for unexpectedly long.",
    Bathroom "bathroom" vkp "4.23", Serious, "Somebody has been in the bathroom for too long.",
    Measurement "measurement" vkp "5.3.2", Normal, "A measurement did not come by its time.",
    Dispenser "dispenser" vkp "1.1", Moderate, "A dispenser's medicine was not taken, or it cannot give it.",
    Epilepsy "epilepsy" vkp "4.24", Critical, "A seizure.",
    Technical "technical" vkp "1.5", Moderate, "Something does not work.",
}
