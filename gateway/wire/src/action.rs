//! What a command asks for.

use serde::{Deserialize, Serialize};

use crate::{BoundedText, DecodeError, DeviceId, DosingPlan, HEARTBEAT_EVERY_S, SealingKey, VerifyingKey};

/// What a device, or the gateway itself, can be asked. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Show or sound where the device is.
    Identify,
    /// Switch an output.
    Switch {
        /// On or off.
        on: bool,
    },
    /// Run this dosing plan from now on.
    Plan(DosingPlan),
    /// Give out a dose now, beside the plan.
    Dispense {
        /// Out of which compartment; none where the device takes the next.
        compartment: Option<u8>,
    },
    /// Lock or unlock the device.
    Lock {
        /// Whether it is locked afterwards.
        locked: bool,
    },
    /// Show or speak a message to the person, and tell when it was acknowledged.
    Message {
        /// By this the device tells what became of it.
        id: u32,
        /// The message.
        text: BoundedText<200>,
    },
    /// Show how an alarm stands.
    Indicate(Indication),
    /// Raise an alarm that is marked as a test all the way. For the gateway itself, or a device that can.
    TestAlarm,
    /// Change the gateway's roster of devices. For the gateway itself.
    Roster(RosterChange),
    /// Change how soon the silence of the device is told.
    Supervise {
        /// How often it should be heard, in seconds: 60 at least. None: its silence is not told.
        expected_every_s: Option<u32>,
    },
    /// Send a sign of life so often. For the gateway itself.
    Heartbeat {
        /// Seconds: [`HEARTBEAT_EVERY_S`].
        every_s: u32,
    },
    /// Report the gateway's state, without any health data. For the gateway itself.
    Diagnose,
    /// Believe and seal to another pair of hub keys from now on. For the gateway itself.
    ChangeHubKeys(HubKeys),
    /// What a person says of an alarm. For the gateway itself.
    Alarm {
        /// The alarm's number.
        alarm: u64,
        /// What they say.
        notice: AlarmNotice,
    },
    /// Staff is in the home, or leaves it. For the gateway itself.
    Visit {
        /// For how long at the most, in minutes: 1 to 480. None: they are gone.
        minutes: Option<u16>,
    },
}

/// What a person says of an alarm. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlarmNotice {
    /// They have seen it.
    Seen {
        /// The announcement that they saw: one of an earlier press ends no later one.
        announcement: u32,
    },
    /// It is dealt with.
    Ended,
    /// It was a false alarm.
    FalseAlarm,
}

impl AlarmNotice {
    /// The word on command lines and in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen { .. } => "seen",
            Self::Ended => "ended",
            Self::FalseAlarm => "false-alarm",
        }
    }
}

/// How an alarm stands, shown to the person at home. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Indication {
    /// The gateway heard it.
    HeardHere,
    /// The receiving centre has it.
    Received,
    /// A person has seen it.
    Seen,
    /// It does not get through.
    NotGettingThrough,
    /// Nothing is to be shown any more.
    Off,
}

impl Indication {
    /// Every indication, in wire order.
    pub const ALL: [Self; 5] =
        [Self::HeardHere, Self::Received, Self::Seen, Self::NotGettingThrough, Self::Off];

    /// The word on command lines and in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HeardHere => "heard-here",
            Self::Received => "received",
            Self::Seen => "seen",
            Self::NotGettingThrough => "not-getting-through",
            Self::Off => "off",
        }
    }
}

/// A change of the gateway's roster. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RosterChange {
    /// A device more.
    Add {
        /// Its one `[[device]]` table, as a configuration file has it.
        table: BoundedText<2048>,
    },
    /// A device less.
    Remove {
        /// Its name.
        device: DeviceId,
    },
}

/// What a gateway knows its hub by. The command that brings them is signed with the key that was believed before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubKeys {
    /// Verifies receipts and commands.
    pub verifying: VerifyingKey,
    /// Seals entries.
    pub sealing: SealingKey,
}

impl Action {
    /// The word for the action in output. Nothing of its content.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Switch { .. } => "switch",
            Self::Plan(_) => "plan",
            Self::Dispense { .. } => "dispense",
            Self::Lock { .. } => "lock",
            Self::Message { .. } => "message",
            Self::Indicate(_) => "indicate",
            Self::TestAlarm => "test-alarm",
            Self::Roster(_) => "roster",
            Self::Supervise { .. } => "supervise",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Diagnose => "diagnose",
            Self::ChangeHubKeys(_) => "change-hub-keys",
            Self::Alarm { .. } => "alarm",
            Self::Visit { .. } => "visit",
        }
    }

    /// # Errors
    /// Where its content breaks a rule of its fields.
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        let (holds, rule) = match self {
            Self::Plan(plan) => return plan.check(),
            Self::Message { text, .. } => (!text.as_str().is_empty(), "a message without a word"),
            Self::Roster(RosterChange::Add { table }) => {
                (!table.as_str().is_empty(), "a device without a table")
            }
            Self::Supervise { expected_every_s } => (
                expected_every_s.is_none_or(|every| every >= 60),
                "a device is expected more often than each minute",
            ),
            Self::Heartbeat { every_s } => {
                (HEARTBEAT_EVERY_S.contains(every_s), "a heartbeat comes each 10 to 86,400 seconds")
            }
            Self::Visit { minutes } => {
                (minutes.is_none_or(|minutes| (1..=480).contains(&minutes)), "a visit lasts 1 to 480 minutes")
            }
            Self::Identify
            | Self::Switch { .. }
            | Self::Dispense { .. }
            | Self::Lock { .. }
            | Self::Indicate(_)
            | Self::TestAlarm
            | Self::Roster(RosterChange::Remove { .. })
            | Self::Diagnose
            | Self::ChangeHubKeys(_)
            | Self::Alarm { .. } => return Ok(()),
        };
        if holds { Ok(()) } else { Err(DecodeError::Invalid(rule)) }
    }
}
