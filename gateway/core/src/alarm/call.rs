//! What is raised: an alarm as a device or a rule hands it over, with what the configuration says of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{AlarmKind, DeviceId, Severity};

use super::kind::is_never_inhibited;

/// An alarm to be raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who raises it.
    pub source: Source,
    /// What it is about.
    pub kind: AlarmKind,
    /// How serious it is.
    pub severity: Severity,
    /// It is a test: marked so all the way, held back by nothing, escalated to nobody, over with its receipt.
    pub test: bool,
    /// So long it can be cancelled where it was raised before it is sent; zero where it is sent at once.
    pub pre_alarm: Duration,
    /// Its cause lasts until it is cleared, as smoke does and a press of a button does not.
    pub lasts: bool,
    /// If no person has seen it after this, it is escalated.
    pub escalate_after: Option<Duration>,
    /// What holds it back.
    pub inhibit: Inhibit,
}

/// Who raises an alarm. One source has one open alarm of a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A device.
    Device(DeviceId),
    /// A rule, by its name.
    Rule(String),
}

/// What holds an alarm back. Calls for help and dangers to life are held back by nothing, whatever stands here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inhibit {
    /// Staff in the home.
    pub visit: bool,
    /// The quiet hours.
    pub quiet_hours: bool,
}

/// If no person has seen a serious alarm after this, it is escalated, unless it is said otherwise: 99 % of alarms are
/// answered in 180 s, by European practice.
pub const ESCALATION: Duration = Duration::from_mins(3);

impl Call {
    /// A call of this kind, with what holds where nothing is configured: no pre-alarm; serious ones are escalated; staff in
    /// the home holds back what they are there for.
    pub fn new(source: Source, kind: AlarmKind) -> Self {
        let severity = kind.severity();
        Self {
            kind,
            severity,
            test: false,
            pre_alarm: Duration::ZERO,
            lasts: matches!(source, Source::Rule(_))
                || matches!(
                    kind,
                    AlarmKind::Smoke | AlarmKind::Gas | AlarmKind::Water | AlarmKind::Technical
                ),
            escalate_after: (severity >= Severity::Serious).then_some(ESCALATION),
            inhibit: Inhibit { visit: !is_never_inhibited(kind), quiet_hours: false },
            source,
        }
    }
}
