//! What the gateway does itself when it is commanded.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use varde_drivers::Reading;
use varde_wire::{Action, Cause, DeviceId, Event, Flags, Metric, Observation, Stage, Value};

use crate::board::Board;
use crate::clock::Clocks;
use crate::heartbeat::rhythm::Rhythm;
use crate::intake::Intake;
use crate::snapshot::{Snapshot, Sources};
use crate::store::Store;

/// The gateway as a device among the others.
pub struct Own {
    /// Its id.
    pub gateway: String,
    /// When the program started, since boot.
    pub started_ms: u64,
    /// The state directory.
    pub state_directory: PathBuf,
    /// Where what it says goes.
    pub intake: Arc<Intake>,
    /// What is known.
    pub board: Arc<Board>,
    /// What the clocks are worth.
    pub clocks: Arc<Clocks>,
    /// What is stored.
    pub store: Store,
    /// How often the gateway shows that it lives.
    pub rhythm: Arc<Rhythm>,
}

impl Own {
    /// Does it, and gives its final stage with a word for technicians.
    pub async fn carry_out(&self, number: u64, action: &Action) -> (Stage, String) {
        match action {
            Action::TestAlarm => self.test_alarm(number).await,
            Action::Diagnose => self.diagnose().await,
            Action::Heartbeat { every_s } => match self.rhythm.change(*every_s).await {
                Ok(()) => (Stage::Done, String::new()),
                Err(error) => (Stage::Refused(Cause::CannotRecord), error.to_string()),
            },
            Action::Identify
            | Action::Switch { .. }
            | Action::Plan(_)
            | Action::Dispense { .. }
            | Action::Lock { .. }
            | Action::Message { .. }
            | Action::Indicate(_)
            | Action::Roster(_)
            | Action::Supervise { .. }
            | Action::ChangeHubKeys(_)
            | Action::Alarm { .. }
            | Action::Visit { .. } => {
                (Stage::Refused(Cause::NotSupported), "the gateway itself cannot do this".to_owned())
            }
        }
    }

    /// Whether it does no harm when it is done again, because nobody knows whether it was done.
    pub const fn may_be_repeated(action: &Action) -> bool {
        matches!(action, Action::Diagnose | Action::Heartbeat { .. })
    }

    /// On the way of every alarm, from the door of the store on.
    async fn test_alarm(&self, number: u64) -> (Stage, String) {
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
                Ok(()) => (Stage::Done, String::new()),
                Err(_) => (Stage::Done, "the disk does not work: it goes out from memory".to_owned()),
            },
            Ok(None) | Err(_) => (Stage::Refused(Cause::CannotRecord), "the gateway is stopping".to_owned()),
        }
    }

    async fn diagnose(&self) -> (Stage, String) {
        let sources = Sources {
            gateway: &self.gateway,
            started_ms: self.started_ms,
            state_directory: &self.state_directory,
            board: &self.board,
            clocks: &self.clocks,
            store: &self.store,
        };
        match sources.picture().await {
            Ok(picture) => (Stage::Done, in_words(&picture)),
            Err(error) => (Stage::Refused(Cause::CannotRecord), error.to_string()),
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
