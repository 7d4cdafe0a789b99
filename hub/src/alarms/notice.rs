//! What a person says of an alarm: a signed notice to its gateway, sent as any command.

use std::io::Write;
use std::path::Path;

use varde_wire::{Action, AlarmNotice, DeviceId, GatewayId};

use super::list::announcement;
use crate::commands::{Follow, Order};
use crate::store::{Store, StoredAlarm, WhichAlarms};
use crate::{Directory, Error, clock};

/// What a person says of an alarm.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whose alarm.
    pub gateway: GatewayId,
    /// The alarm's number.
    pub alarm: u64,
    /// What they say.
    pub says: Says,
    /// Closes it in the hub's list alone: its gateway is gone, or has forgotten it.
    pub only_here: bool,
    /// How the notice is sent, and waited for.
    pub follow: Follow,
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// They have seen it, and deal with it.
    Seen,
    /// It is dealt with.
    End,
    /// It was a false alarm.
    False,
}

/// Tells an alarm's gateway what a person says of it, and shows how far that comes.
///
/// # Errors
/// Where there is no such open alarm, or the notice did not end as `done`.
pub fn give_notice(
    directory: &Directory,
    database: &Path,
    notice: &Notice,
    out: &mut impl Write,
) -> Result<(), Error> {
    let store = Store::open(database)?;
    if store.gateway(&notice.gateway)?.is_none() {
        return Err(Error::NotEnrolled(notice.gateway.clone()));
    }
    let which = WhichAlarms { gateway: Some(notice.gateway.as_str()), ..WhichAlarms::default() };
    let open = store.alarms(which)?;
    let mut such = open.iter().filter(|alarm| alarm.number == notice.alarm);
    if notice.only_here {
        let oldest = such.next().ok_or_else(|| no_such(notice, &open))?;
        store.close_alarm(oldest, clock::now())?;
        let (gateway, alarm) = (&notice.gateway, notice.alarm);
        return writeln!(out, "alarm {alarm} of {gateway} is closed here; its gateway was not told")
            .map_err(Error::Output);
    }
    // Of several under one number its gateway knows the last.
    let words = match such.next_back() {
        Some(alarm) if alarm.is_forgotten => {
            return Err(Error::ForgottenAlarm { gateway: notice.gateway.clone(), alarm: notice.alarm });
        }
        Some(alarm) => in_wire_words(notice, alarm)?,
        None => return Err(no_such(notice, &open)),
    };
    drop(store);
    let action = Action::Alarm { alarm: notice.alarm, notice: words };
    let device = DeviceId::gateway();
    let order = Order { gateway: &notice.gateway, device: &device, action, follow: &notice.follow };
    crate::commands::order(directory, database, order, out)
}

fn in_wire_words(notice: &Notice, alarm: &StoredAlarm) -> Result<AlarmNotice, Error> {
    match notice.says {
        Says::Seen => {
            let announcement = announcement(alarm).ok_or_else(|| Error::NotAnnounced {
                gateway: notice.gateway.clone(),
                alarm: notice.alarm,
            })?;
            Ok(AlarmNotice::Seen { announcement })
        }
        Says::End => Ok(AlarmNotice::Ended),
        Says::False => Ok(AlarmNotice::FalseAlarm),
    }
}

fn no_such(notice: &Notice, open: &[StoredAlarm]) -> Error {
    let named = |alarm: &StoredAlarm| {
        let report = &alarm.steps.last()?.report;
        Some(format!("{} ({} of {})", alarm.number, report.kind.name(), report.source))
    };
    let open: Vec<String> = open.iter().filter_map(named).collect();
    let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
    Error::NoSuchAlarm { gateway: notice.gateway.clone(), alarm: notice.alarm, open }
}
