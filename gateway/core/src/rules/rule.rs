//! What a rule says: plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{AlarmKind, DeviceId, Severity};

use super::Sign;
use crate::{TimeOfDay, Weekdays, Window};

/// One rule of a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name: unique in the home.
    pub name: String,
    /// What it watches.
    pub watch: Watch,
    /// When it counts; always, where there is none. [`Watch::NothingBy`] has times of its own instead.
    pub window: Option<Window>,
    /// How serious its alarm is.
    pub severity: Severity,
}

/// What a rule watches. Time counts only while all the devices are heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watch {
    /// Somebody left the bed within the window and has not been back in it for so long, still within it.
    NotBackInBed {
        /// A bed or chair sensor.
        bed: DeviceId,
        /// How long.
        within: Duration,
    },
    /// An outer door was used within the window, and nothing has moved indoors since, for so long, still within it.
    NotBackHome {
        /// The outer doors.
        doors: Vec<DeviceId>,
        /// Sensors that would notice somebody at home.
        indoors: Vec<DeviceId>,
        /// How long.
        within: Duration,
    },
    /// Somebody is at home (something moved since an outer door was used last), and nothing has moved for so long of
    /// the window.
    NoMotion {
        /// Sensors that would notice somebody.
        sensors: Vec<DeviceId>,
        /// The outer doors; where there are none, somebody is always at home.
        doors: Vec<DeviceId>,
        /// How long.
        within: Duration,
    },
    /// Somebody went into a room and has neither left it nor been noticed elsewhere for so long of the window.
    LongStay {
        /// The room's sensor.
        room: DeviceId,
        /// Sensors of the other rooms.
        elsewhere: Vec<DeviceId>,
        /// How long.
        within: Duration,
    },
    /// Nothing has come from the devices between two times of a day.
    NothingBy {
        /// Any of them will do.
        devices: Vec<DeviceId>,
        /// What has to come.
        awaited: Awaited,
        /// From this time on it counts.
        since: TimeOfDay,
        /// By this time it must have come; on the next day, where it is not after `since`.
        by: TimeOfDay,
        /// The days on which `since` lies.
        days: Weekdays,
    },
}

/// What [`Watch::NothingBy`] awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Awaited {
    /// Any sign of somebody.
    Activity,
    /// A measurement.
    Measurement,
}

/// What a sign does to the time a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It counts from now on, unless it counts already.
    Start,
    /// It counts from now on.
    Restart,
    /// All is well: it counts from now on.
    StartOver,
    /// All is well: nothing counts.
    Stop,
    /// Nothing counts, and whether all is well is not known.
    Suspend,
}

impl Rule {
    /// The devices without which it cannot judge.
    pub fn needs(&self) -> impl Iterator<Item = &DeviceId> {
        let (one, some, more): (Option<&DeviceId>, &[DeviceId], &[DeviceId]) = match &self.watch {
            Watch::NotBackInBed { bed, .. } => (Some(bed), &[], &[]),
            Watch::NotBackHome { doors, indoors, .. } => (None, doors, indoors),
            Watch::NoMotion { sensors, doors, .. } => (None, sensors, doors),
            Watch::LongStay { room, elsewhere, .. } => (Some(room), elsewhere, &[]),
            // A meter is silent between its measurements: that is no reason not to miss one.
            Watch::NothingBy { awaited: Awaited::Measurement, .. } => (None, &[], &[]),
            Watch::NothingBy { devices, .. } => (None, devices, &[]),
        };
        one.into_iter().chain(some).chain(more)
    }

    /// Whether it needs to know what the wall clock shows.
    pub fn needs_clock(&self) -> bool {
        self.window.is_some() || matches!(self.watch, Watch::NothingBy { .. })
    }

    /// The alarm that it raises.
    pub fn alarm(&self) -> AlarmKind {
        match &self.watch {
            Watch::NotBackInBed { .. } => AlarmKind::Bed,
            Watch::NotBackHome { .. } if self.window.is_some() => AlarmKind::Door,
            Watch::NotBackHome { .. } => AlarmKind::Absence,
            Watch::LongStay { .. } => AlarmKind::Bathroom,
            Watch::NoMotion { .. } | Watch::NothingBy { awaited: Awaited::Activity, .. } => {
                AlarmKind::Inactivity
            }
            Watch::NothingBy { awaited: Awaited::Measurement, .. } => AlarmKind::Measurement,
        }
    }

    /// How long it waits; none where it waits for a time of day.
    pub(super) fn within(&self) -> Option<Duration> {
        match &self.watch {
            Watch::NotBackInBed { within, .. }
            | Watch::NotBackHome { within, .. }
            | Watch::NoMotion { within, .. }
            | Watch::LongStay { within, .. } => Some(*within),
            Watch::NothingBy { .. } => None,
        }
    }

    /// Whether what began before the window counts from its opening on. Who left the bed before the night is not
    /// expected back in it.
    pub(super) fn carries_over(&self) -> bool {
        matches!(self.watch, Watch::NoMotion { .. } | Watch::LongStay { .. })
    }

    /// What this sign of this device does.
    pub(super) fn effect(&self, device: &DeviceId, sign: Sign) -> Option<Effect> {
        let somebody = matches!(sign, Sign::Activity | Sign::LeftBed | Sign::InBed);
        match &self.watch {
            Watch::NotBackInBed { bed, .. } if device == bed => match sign {
                Sign::LeftBed => Some(Effect::Start),
                Sign::InBed => Some(Effect::Stop),
                Sign::Door | Sign::Activity | Sign::LeftRoom | Sign::Measured => None,
            },
            Watch::NotBackHome { doors, indoors, .. } => {
                if sign == Sign::Door && doors.contains(device) {
                    Some(Effect::Restart)
                } else {
                    (somebody && indoors.contains(device)).then_some(Effect::Stop)
                }
            }
            Watch::NoMotion { sensors, doors, .. } => {
                if sign == Sign::Door && doors.contains(device) {
                    Some(Effect::Suspend)
                } else {
                    (somebody && sensors.contains(device)).then_some(Effect::StartOver)
                }
            }
            Watch::LongStay { room, elsewhere, .. } => {
                if device == room {
                    match sign {
                        Sign::Activity => Some(Effect::Start),
                        Sign::LeftRoom => Some(Effect::Stop),
                        Sign::LeftBed | Sign::InBed | Sign::Door | Sign::Measured => None,
                    }
                } else {
                    (somebody && elsewhere.contains(device)).then_some(Effect::Stop)
                }
            }
            Watch::NothingBy { devices, awaited, .. } => {
                let came = match awaited {
                    Awaited::Activity => somebody || sign == Sign::Door,
                    Awaited::Measurement => sign == Sign::Measured,
                };
                (came && devices.contains(device)).then_some(Effect::Stop)
            }
            Watch::NotBackInBed { .. } => None,
        }
    }
}
