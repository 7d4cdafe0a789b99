//! What the gateway does itself when it is commanded.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use varde_drivers::Reading;
use varde_wire::{Action, Cause, DeviceId, Event, Flags, Metric, Observation, RosterChange, Stage, Value};

use super::roster::Roster;
use crate::board::Board;
use crate::clock::Clocks;
use crate::intake::Intake;
use crate::snapshot::{Snapshot, Sources};
use crate::store::Store;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Its final stage.
    pub stage: Stage,
    /// A word for technicians.
    pub note: String,
    /// Whether it counts only when the daemon begins anew.
    pub begins_anew: bool,
}

impl Carried {
    pub(super) const fn done(note: String) -> Self {
        Self { stage: Stage::Done, note, begins_anew: false }
    }

    pub(super) const fn done_when_begun_anew(note: String) -> Self {
        Self { stage: Stage::Done, note, begins_anew: true }
    }

    pub(super) const fn refused(cause: Cause, note: String) -> Self {
        Self { stage: Stage::Refused(cause), note, begins_anew: false }
    }
}

/// The gateway as a device among the others.
pub struct Own {
    /// Its id.
    pub gateway: String,
    /// When the program started, since boot.
    pub started_ms: u64,
    /// The state directory.
    pub state_directory: PathBuf,
    /// The roster on the disk.
    pub roster: Roster,
    /// Where what it says goes.
    pub intake: Arc<Intake>,
    /// What is known.
    pub board: Arc<Board>,
    /// What the clocks are worth.
    pub clocks: Arc<Clocks>,
    /// What is stored.
    pub store: Store,
}

impl Own {
    /// Does it; `is_repeat` where nobody knows whether it was done before.
    pub async fn carry_out(&self, number: u64, action: &Action, is_repeat: bool) -> Carried {
        match action {
            Action::Roster(change) => self.change_roster(change.clone(), is_repeat).await,
            Action::TestAlarm => self.test_alarm(number).await,
            Action::Diagnose => self.diagnose().await,
            Action::Identify
            | Action::Switch { .. }
            | Action::Plan(_)
            | Action::Dispense { .. }
            | Action::Lock { .. }
            | Action::Message { .. }
            | Action::Indicate(_)
            | Action::Supervise { .. }
            | Action::Heartbeat { .. }
            | Action::ChangeHubKeys(_) => {
                Carried::refused(Cause::NotSupported, "the gateway itself cannot do this".to_owned())
            }
        }
    }

    /// Whether it does no harm when it is done again, because nobody knows whether it was done.
    pub const fn may_be_repeated(action: &Action) -> bool {
        matches!(action, Action::Diagnose | Action::Roster(_))
    }

    /// Beside the event loop: a worn card takes its time, and alarms must not wait for it.
    async fn change_roster(&self, change: RosterChange, is_repeat: bool) -> Carried {
        let roster = self.roster.clone();
        let changed = tokio::task::spawn_blocking(move || roster.change(&change, is_repeat)).await;
        changed.unwrap_or_else(|error| Carried::refused(Cause::Interrupted, error.to_string()))
    }

    /// On the way of every alarm, from the door of the store on.
    async fn test_alarm(&self, number: u64) -> Carried {
        let gateway = DeviceId::gateway;
        let test = |value| Observation {
            flags: Flags::TEST,
            ..Observation::new(gateway(), Metric::PERSONAL_ALARM, value)
        };
        let text = format!("test alarm by command {number}");
        let reading =
            Reading::new(gateway(), vec![test(Value::Event(Event::SafetyAlarm)), test(Value::Text(text))]);
        match self.intake.take(reading).await {
            Ok(Some(committed)) => match committed.await {
                Ok(()) => Carried::done(String::new()),
                Err(_) => Carried::done("the disk does not work: it goes out from memory".to_owned()),
            },
            Ok(None) | Err(_) => Carried::refused(Cause::CannotRecord, "the gateway is stopping".to_owned()),
        }
    }

    async fn diagnose(&self) -> Carried {
        let sources = Sources {
            gateway: &self.gateway,
            started_ms: self.started_ms,
            state_directory: &self.state_directory,
            board: &self.board,
            clocks: &self.clocks,
            store: &self.store,
        };
        match sources.picture().await {
            Ok(picture) => Carried::done(in_words(&picture)),
            Err(error) => Carried::refused(Cause::CannotRecord, error.to_string()),
        }
    }
}

/// What matters most first: an outcome's note is cut where it is full.
fn in_words(picture: &Snapshot) -> String {
    let Snapshot { version, uptime_s, clock_trust, uplink, lanes, devices, disk, faults, .. } = picture;
    let mut text = format!(
        "varde {version}, up {uptime_s} s, clock {clock_trust}, uplink {} since {}, disk {}, outbox {} bytes",
        uplink.state, uplink.since, disk.state, disk.outbox_bytes
    );
    // Writing to a String cannot fail.
    for (lane, view) in lanes {
        let _ = write!(text, ", {lane} waiting {}", view.committed.saturating_sub(view.released));
    }
    for fault in faults {
        let _ = write!(text, "\nfault {} since {}: {}", fault.what, fault.since, fault.message);
    }
    for (name, device) in devices {
        let heard = device.last_heard.as_deref().unwrap_or("never");
        let _ = write!(text, "\n{name} {}, heard {heard}", device.link);
    }
    text
}
