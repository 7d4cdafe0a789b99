//! What a gateway asks of a device, and what the device answers.

use serde::{Deserialize, Serialize};

use crate::{ClockSetting, PlanHead, PlanPart};

/// The text of a message to the person: at most 200 bytes of UTF-8.
pub type MessageText = heapless::String<200>;

/// What a device is asked to do. On the line its place in this list: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Set the clock and the time zone.
    SetClock(ClockSetting),
    /// Put everything prepared of a plan away and prepare this one. The plan that runs goes on.
    BeginPlan(PlanHead),
    /// The next doses of the plan that is prepared.
    PlanDoses(PlanPart),
    /// Run the plan that is prepared, from now on and over every loss of power.
    CommitPlan {
        /// Its version.
        version: u32,
        /// [`Plan::digest`](crate::Plan::digest) of all of it.
        digest: u32,
    },
    /// Dispense now.
    Dispense {
        /// From there; where that is left to the device, none.
        compartment: Option<u8>,
    },
    /// Lock or unlock.
    Lock {
        /// Whether it is to be locked.
        locked: bool,
    },
    /// Show or speak a text to the person until they acknowledge it.
    ShowMessage {
        /// Comes back in the event of the acknowledgement.
        id: u32,
        /// The text.
        text: MessageText,
    },
    /// Show what became of an alarm.
    Indicate(Indicator),
    /// Draw attention for some seconds, so that a technician finds it.
    Identify,
}

/// What became of an alarm, to be seen or heard by who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Indicator {
    /// Nothing to show.
    Off,
    /// The gateway in the home has it.
    HeardHere,
    /// The centre has received it.
    Received,
    /// A person at the centre has seen it.
    Seen,
    /// It does not get through.
    NotGettingThrough,
}

/// What became of a request. On the line its place in this list: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done, or is being done: what comes of it physically is told by events.
    Done,
    /// It is not done, and will not be.
    Refused(Refusal),
    /// The device has nothing to do it with.
    NotSupported,
    /// The plan of this version runs.
    Runs {
        /// The version.
        version: u32,
    },
}

/// An answer with the number of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The request's number.
    pub number: u32,
    /// The answer.
    pub answer: Answer,
}

/// Why a device does not do what it is asked. On the line its place in this list: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It is busy with something that must not be interrupted.
    Busy,
    /// It is locked, or open.
    NotInPlace,
    /// The mechanism is stuck.
    Jammed,
    /// There is no medicine.
    Empty,
    /// There is no such compartment.
    NoSuchCompartment,
    /// No plan is being prepared: power was lost, or the parts came in another order.
    NothingPrepared,
    /// The plan that was prepared is not whole, or not the one that was meant.
    PlanDiffers,
    /// The plan breaks a rule, such as an id that two doses have.
    BadPlan,
    /// The memory for plan and events does not work.
    Memory,
    /// The clock is not set.
    ClockNotSet,
    /// It was dispensed too recently.
    TooSoon,
    /// A fault of the device.
    Fault,
    /// A later request was answered before; whether this one ever was is not known any more.
    Superseded,
}

impl Refusal {
    /// The reason in words, for a technician.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Busy => "it is busy",
            Self::NotInPlace => "it is locked or open",
            Self::Jammed => "its mechanism is stuck",
            Self::Empty => "it has no medicine",
            Self::NoSuchCompartment => "it has no such compartment",
            Self::NothingPrepared => "its preparation of the plan was interrupted",
            Self::PlanDiffers => "the plan that reached it is not the one that was sent",
            Self::BadPlan => "the plan breaks a rule",
            Self::Memory => "its memory does not work",
            Self::ClockNotSet => "its clock is not set",
            Self::TooSoon => "it dispensed too recently",
            Self::Fault => "it has a fault",
            Self::Superseded => "it has answered a later request since: whether it did this one is not known",
        }
    }
}
