//! What the gateway does itself when it is commanded.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use varde_drivers::Reading;
use varde_wire::{
    Action, AlarmNotice, Cause, DeviceId, Event, Flags, GatewayId, HubKeys, Metric, Observation,
    RosterChange, SealingEpoch, Stage, Value,
};

use super::roster::Roster;
use crate::belief::Belief;
use crate::board::Board;
use crate::clock::Clocks;
use crate::entropy;
use crate::guarding::Guarding;
use crate::heartbeat::rhythm::Rhythm;
use crate::intake::Intake;
use crate::snapshot::{Snapshot, Sources};
use crate::store::{Store, StoreError};

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

impl From<(Stage, String)> for Carried {
    fn from((stage, note): (Stage, String)) -> Self {
        Self { stage, note, begins_anew: false }
    }
}

/// The gateway as a device among the others.
pub struct Own {
    /// Its id.
    pub gateway: GatewayId,
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
    /// The guard.
    pub guarding: Arc<Guarding>,
    /// How often the gateway shows that it lives.
    pub rhythm: Arc<Rhythm>,
    /// Who the hub is.
    pub belief: Arc<Belief>,
}

impl Own {
    /// Does it; `is_repeat` where nobody knows whether it was done before.
    pub async fn carry_out(
        &self,
        number: u64,
        device: &DeviceId,
        action: &Action,
        is_repeat: bool,
    ) -> Carried {
        let done = match action {
            Action::Roster(change) => return self.change_roster(change.clone(), is_repeat).await,
            Action::TestAlarm => self.test_alarm(number).await,
            Action::Alarm { alarm, notice } => self.notice(*alarm, *notice).await,
            Action::Visit { minutes } => self.visit(*minutes).await,
            Action::Supervise { expected_every_s } => self.supervise(device, *expected_every_s).await,
            Action::Diagnose => self.diagnose().await,
            Action::ChangeHubKeys(keys) => return self.change_hub_keys(keys.clone()).await,
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
            | Action::Indicate(_) => {
                (Stage::Refused(Cause::NotSupported), "the gateway itself cannot do this".to_owned())
            }
        };
        done.into()
    }

    /// Whether it does no harm when it is done again, because nobody knows whether it was done.
    pub const fn may_be_repeated(action: &Action) -> bool {
        matches!(
            action,
            Action::Diagnose
                | Action::Heartbeat { .. }
                | Action::Alarm { .. }
                | Action::Visit { .. }
                | Action::Supervise { .. }
                | Action::Roster(_)
                | Action::ChangeHubKeys(_)
        )
    }

    /// Beside the event loop: a worn card takes its time, and alarms must not wait for it.
    async fn change_roster(&self, change: RosterChange, is_repeat: bool) -> Carried {
        let roster = self.roster.clone();
        let changed = tokio::task::spawn_blocking(move || roster.change(&change, is_repeat)).await;
        changed.unwrap_or_else(|error| (Stage::Refused(Cause::Interrupted), error.to_string()).into())
    }

    /// Done once more after a power cut behind the change, it finds that this life has the keys, and changes nothing.
    async fn change_hub_keys(&self, keys: HubKeys) -> Carried {
        let refused = |cause, note: String| (Stage::Refused(cause), note).into();
        let usable = entropy::bytes().map(|bytes| SealingEpoch::begin(&keys.sealing, &self.gateway, bytes));
        match usable {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return refused(Cause::Invalid, error.to_string()),
            Err(error) => return refused(Cause::CannotRecord, error.to_string()),
        }
        match self.belief.change(keys).await {
            Ok(begins_anew) => Carried { stage: Stage::Done, note: String::new(), begins_anew },
            Err(error) => refused(Cause::CannotRecord, error.to_string()),
        }
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

    /// What a person says of an alarm.
    async fn notice(&self, alarm: u64, notice: AlarmNotice) -> (Stage, String) {
        let said = self.guarding.say(|alarms, now| match notice {
            AlarmNotice::Seen { announcement } => alarms.handle_seen(alarm, announcement, now),
            AlarmNotice::Ended => alarms.handle_ended(alarm, now),
            AlarmNotice::FalseAlarm => alarms.handle_false_alarm(alarm, now),
        });
        kept(said.await, || format!("alarm {alarm} is not open here, or was not announced so often"))
    }

    async fn visit(&self, minutes: Option<u16>) -> (Stage, String) {
        let said = self.guarding.say(|alarms, now| match minutes {
            Some(minutes) => {
                let until = now.at.after(Duration::from_secs(u64::from(minutes).saturating_mul(60)));
                alarms.handle_visit(until, now);
            }
            None => alarms.handle_visit_over(now),
        });
        kept(said.await, String::new)
    }

    async fn supervise(&self, device: &DeviceId, expected_every_s: Option<u32>) -> (Stage, String) {
        let every = expected_every_s.map(|seconds| Duration::from_secs(seconds.into()));
        match self.guarding.wish(device, every).await {
            Ok(false) => (Stage::Refused(Cause::NoSuchDevice), String::new()),
            wished => kept(wished, String::new),
        }
    }

    async fn diagnose(&self) -> (Stage, String) {
        let sources = Sources {
            gateway: self.gateway.as_str(),
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

/// What became of what the guard was told.
fn kept(said: Result<bool, StoreError>, unknown: impl FnOnce() -> String) -> (Stage, String) {
    match said {
        Ok(true) => (Stage::Done, String::new()),
        Ok(false) => (Stage::Refused(Cause::Invalid), unknown()),
        Err(error) => (Stage::Refused(Cause::CannotRecord), error.to_string()),
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
