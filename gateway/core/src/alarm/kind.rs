//! What an alarm is about, and how serious that is.

use serde::{Deserialize, Serialize};
use varde_wire::{Event, Observation, Value};

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlarmKind {
    /// Somebody pressed for help.
    Pendant,
    /// Somebody pulled a cord for help.
    PullCord,
    /// Somebody fell.
    Fall,
    /// Smoke or fire.
    Smoke,
    /// Gas or carbon monoxide.
    Gas,
    /// Water where none should be.
    Water,
    /// Somebody left the bed and is not back.
    Bed,
    /// Somebody went out when they should not, and is not back.
    Door,
    /// Nothing has moved for too long.
    Inactivity,
    /// Somebody has been out for unexpectedly long.
    Absence,
    /// Somebody has been in the bathroom for too long.
    Bathroom,
    /// A measurement did not come by its time.
    Measurement,
    /// A dispenser's medicine was not taken, or it cannot give it.
    Dispenser,
    /// A seizure.
    Epilepsy,
    /// Something does not work.
    Technical,
}

/// How serious an alarm is: the severities of VKP, 0 to 40.
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

impl AlarmKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Pendant,
        Self::PullCord,
        Self::Fall,
        Self::Smoke,
        Self::Gas,
        Self::Water,
        Self::Bed,
        Self::Door,
        Self::Inactivity,
        Self::Absence,
        Self::Bathroom,
        Self::Measurement,
        Self::Dispenser,
        Self::Epilepsy,
        Self::Technical,
    ];

    /// The word in configuration and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pendant => "pendant",
            Self::PullCord => "pull-cord",
            Self::Fall => "fall",
            Self::Smoke => "smoke",
            Self::Gas => "gas",
            Self::Water => "water",
            Self::Bed => "bed",
            Self::Door => "door",
            Self::Inactivity => "inactivity",
            Self::Absence => "absence",
            Self::Bathroom => "bathroom",
            Self::Measurement => "measurement",
            Self::Dispenser => "dispenser",
            Self::Epilepsy => "epilepsy",
            Self::Technical => "technical",
        }
    }

    /// Its VKP alert code (`vkp-alert-code-v090`). A dispenser's own code is finer; this is "not dispensed".
    pub const fn vkp(self) -> &'static str {
        match self {
            Self::Pendant => "3",
            Self::PullCord => "4.14",
            Self::Fall => "4.1",
            Self::Smoke | Self::Gas => "4.11",
            Self::Water => "4.17",
            Self::Bed => "4.2",
            Self::Door => "4.21",
            Self::Inactivity => "4.9",
            Self::Absence => "4.7",
            Self::Bathroom => "4.23",
            Self::Measurement => "5.3.2",
            Self::Dispenser => "1.1",
            Self::Epilepsy => "4.24",
            Self::Technical => "1.5",
        }
    }

    /// How serious it is where nothing else is configured.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Pendant | Self::PullCord | Self::Fall | Self::Smoke | Self::Gas | Self::Epilepsy => {
                Severity::Critical
            }
            Self::Bed | Self::Door | Self::Inactivity | Self::Absence | Self::Bathroom => Severity::Serious,
            Self::Water | Self::Dispenser | Self::Technical => Severity::Moderate,
            Self::Measurement => Severity::Normal,
        }
    }

    /// Whether it is a call for help or a danger to life: never held back, whatever the configuration says.
    pub const fn is_never_inhibited(self) -> bool {
        match self {
            Self::Pendant
            | Self::PullCord
            | Self::Fall
            | Self::Smoke
            | Self::Gas
            | Self::Water
            | Self::Epilepsy
            | Self::Technical => true,
            Self::Bed
            | Self::Door
            | Self::Inactivity
            | Self::Absence
            | Self::Bathroom
            | Self::Measurement
            | Self::Dispenser => false,
        }
    }

    /// The alarm that this observation raises by itself, without any rule.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other event raises none by itself")]
    pub const fn raised_by(observation: &Observation) -> Option<Self> {
        Some(match observation.value {
            Value::Event(Event::SafetyAlarm) => Self::Pendant,
            Value::Event(Event::PullCord) => Self::PullCord,
            Value::Event(Event::Fall) => Self::Fall,
            Value::Event(Event::Smoke) => Self::Smoke,
            Value::Event(Event::Gas) => Self::Gas,
            Value::Event(Event::Water) => Self::Water,
            _ => return None,
        })
    }

    /// The alarm whose cause this observation says is gone.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other event clears none")]
    pub const fn cleared_by(observation: &Observation) -> Option<Self> {
        Some(match observation.value {
            Value::Event(Event::SmokeCleared) => Self::Smoke,
            Value::Event(Event::GasCleared) => Self::Gas,
            Value::Event(Event::WaterCleared) => Self::Water,
            _ => return None,
        })
    }
}
