//! What happens at a device: kept by it until the gateway has it for good.

use serde::{Deserialize, Serialize};

use crate::{Day, DeviceTime};

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from 1, one more than the event's before it; never used again within one log, also after a loss of
    /// power.
    pub number: u32,
    /// When it happened.
    pub time: DeviceTime,
    /// What happened.
    pub what: What,
}

/// What can happen. On the line its place in this list: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// The person took a dose out of the device.
    Dispensed {
        /// In which way.
        how: How,
        /// Which dose.
        portion: Portion,
    },
    /// A dose lies ready and the person is called to it.
    Offered(Portion),
    /// A dose was not dispensed within its window, and the device knows it.
    Missed(Portion),
    /// The person said that they do not take it.
    Refused(Portion),
    /// The person took a dose out before its time.
    Early(Portion),
    /// The window of a dose is over and the device does not know what became of it.
    NotConfirmed(Portion),
    /// A dose could not be dispensed because the medicine is used up.
    NoMedicine(Portion),
    /// The mechanism is stuck.
    Jammed {
        /// Where.
        compartment: Option<u8>,
    },
    /// It runs again.
    JamCleared {
        /// Where.
        compartment: Option<u8>,
    },
    /// The medicine is used up.
    Empty {
        /// Where.
        compartment: Option<u8>,
    },
    /// The medicine will soon be used up.
    NearlyEmpty {
        /// Where.
        compartment: Option<u8>,
    },
    /// There is medicine again.
    Refilled {
        /// Where.
        compartment: Option<u8>,
    },
    /// The drawer for doses that were not taken is full.
    DrawerFull,
    /// There is room in it again.
    DrawerEmptied,
    /// The device was opened, with its key or after an unlocking.
    Opened,
    /// It is closed again.
    Closed,
    /// It was opened by force.
    BrokenInto,
    /// A button that is no call for help was pressed.
    Button {
        /// Which, from 1.
        index: u8,
    },
    /// The person calls for help: the pre-alarm, where there is one, ran out.
    Alarm,
    /// The person began to call for help and can still cancel it.
    PreAlarmStarted,
    /// The person cancelled it.
    PreAlarmCancelled,
    /// Somebody tries the device's alarm.
    Test,
    /// The person acknowledged a message.
    MessageAcknowledged {
        /// The message's id.
        id: u32,
    },
    /// A message was shown long enough and nobody acknowledged it.
    MessageNotRead {
        /// The message's id.
        id: u32,
    },
    /// It should dispense and has no plan.
    NoSchedule,
}

/// Which dose, and from where, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portion {
    /// The dose of the plan; none for one that the plan does not have.
    pub dose: Option<DoseRef>,
    /// The compartment it came from.
    pub compartment: Option<u8>,
}

/// One dose of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DoseRef {
    /// The version of the plan that it was due by.
    pub plan: u32,
    /// The dose's id in that plan.
    pub dose: u16,
    /// The local day that it was due on.
    pub day: Day,
}

/// In which way a dose was dispensed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// The person took it by themselves.
    Unassisted,
    /// Somebody helped.
    Assisted,
    /// One that is taken as needed.
    AsNeeded,
    /// Taken out beforehand for a journey.
    Travel,
}

impl What {
    /// The dose whose window this event closes: after it, nothing is open about that dose.
    pub const fn settles(&self) -> Option<DoseRef> {
        match self {
            Self::Dispensed { portion, .. }
            | Self::Missed(portion)
            | Self::Refused(portion)
            | Self::Early(portion)
            | Self::NotConfirmed(portion)
            | Self::NoMedicine(portion) => portion.dose,
            Self::Offered(_)
            | Self::Jammed { .. }
            | Self::JamCleared { .. }
            | Self::Empty { .. }
            | Self::NearlyEmpty { .. }
            | Self::Refilled { .. }
            | Self::DrawerFull
            | Self::DrawerEmptied
            | Self::Opened
            | Self::Closed
            | Self::BrokenInto
            | Self::Button { .. }
            | Self::Alarm
            | Self::PreAlarmStarted
            | Self::PreAlarmCancelled
            | Self::Test
            | Self::MessageAcknowledged { .. }
            | Self::MessageNotRead { .. }
            | Self::NoSchedule => None,
        }
    }
}
