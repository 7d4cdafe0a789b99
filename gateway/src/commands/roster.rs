//! The roster, changed by the hub.
//!
//! A change is judged as a drop-in is, by the same code and with the same words, and lies on the disk before it is told
//! as done. It counts when the daemon begins anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use varde_wire::{Cause, DeviceId, RosterChange, Stage};

use super::own::Carried;
use crate::config::{Faults, Settings, Writer, added_devices, drop_in, standing};
use crate::lasting;

/// The roster on the disk.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The directory of the drop-ins, which is the technicians'.
    pub configuration: PathBuf,
    /// The state directory, below which stands what the hub added.
    pub state_directory: PathBuf,
}

impl Roster {
    /// Makes a change; `is_repeat` where nobody knows whether it was made before. Waits for the disk.
    pub fn change(&self, change: &RosterChange, is_repeat: bool) -> Carried {
        let changed = match change {
            RosterChange::Add { table } => self.add(table.as_str(), is_repeat),
            RosterChange::Remove { device } => self.remove(device, is_repeat),
        };
        changed.unwrap_or_else(|refused| refused)
    }

    fn add(&self, table: &str, is_repeat: bool) -> Result<Carried, Carried> {
        let added = added_devices(&self.state_directory);
        let text = format!("{}\n\n{table}", Writer::Hub.header());
        if is_repeat && holds(&added, &text) {
            return Ok(done_before());
        }
        let device = Settings::judge_with(&self.configuration, table).map_err(wrong)?;
        let disk = |error| refused(Cause::CannotRecord, no_file(&added, &error));
        fs::create_dir_all(&added).and_then(|()| lasting::names(&self.state_directory)).map_err(disk)?;
        let path = drop_in::write(&added, &device, &text).map_err(disk)?;
        // A technician may have changed the drop-ins meanwhile.
        if let Err(faults) = Settings::load(&self.configuration) {
            let _ = fs::remove_file(&path).and_then(|()| lasting::names(&added));
            return Err(wrong(faults));
        }
        Ok(done(format!("{device} stands in {}", path.display())))
    }

    fn remove(&self, device: &DeviceId, is_repeat: bool) -> Result<Carried, Carried> {
        let added = added_devices(&self.state_directory);
        let Some(standing) = standing(&self.configuration, device).map_err(wrong)? else {
            return if is_repeat {
                Ok(done_before())
            } else {
                Err(refused(Cause::NoSuchDevice, format!("no device {device} is in the roster")))
            };
        };
        let path = standing.place.file.clone();
        if !path.starts_with(&added) {
            let note = format!(
                "{device} stands at {}, which somebody wrote on the box: take its [[device]] out there, then systemctl restart varde",
                standing.place
            );
            return Err(refused(Cause::NotSupported, note));
        }
        Settings::judge_without(&self.configuration, device).map_err(wrong)?;
        let removed = fs::remove_file(&path).and_then(|()| lasting::names(&added));
        removed.map_err(|error| refused(Cause::CannotRecord, no_file(&added, &error)))?;
        Ok(done(format!("{} is removed", path.display())))
    }
}

fn done(note: String) -> Carried {
    Carried { stage: Stage::Done, note, begins_anew: true }
}

/// This life began with it.
fn done_before() -> Carried {
    (Stage::Done, String::new()).into()
}

fn refused(cause: Cause, note: String) -> Carried {
    (Stage::Refused(cause), note).into()
}

/// Whether a drop-in of the directory says just this. One that is not in its place yet says nothing.
fn holds(directory: &Path, text: &str) -> bool {
    let paths = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut drop_ins = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    drop_ins.any(|path| fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes()))
}

fn wrong(faults: Faults) -> Carried {
    refused(Cause::Invalid, faults.to_string())
}

fn no_file(directory: &Path, error: &io::Error) -> String {
    format!(
        "{} takes no change ({error}): does the disk work, and is it the user's that runs varde?",
        directory.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{Home, PENDANT, UPLINK};

    const HALL: &str = r#"
[[device]]
name = "hall-1"
protocol = "esp3"
port = "/dev/serial/by-id/usb-EnOcean_USB300"
id = "05123456"
profile = "A5-07-01"
"#;

    fn home() -> (Home, Roster) {
        let home = Home::new();
        let state_directory = home.config().parent().unwrap().join("state");
        fs::create_dir(&state_directory).unwrap();
        home.write(
            "10-home.toml",
            &format!("state_directory = \"{}\"\n{UPLINK}{PENDANT}", state_directory.display()),
        );
        let roster = Roster { configuration: home.config(), state_directory };
        (home, roster)
    }

    fn names(roster: &Roster) -> Vec<String> {
        let settings = Settings::load(&roster.configuration).unwrap();
        settings.serial[0].roster.entries().iter().map(|device| device.name.to_string()).collect()
    }

    fn hall() -> RosterChange {
        RosterChange::Add { table: HALL.parse().unwrap() }
    }

    fn no_hall() -> RosterChange {
        RosterChange::Remove { device: "hall-1".parse().unwrap() }
    }

    #[test]
    fn what_was_added_stands_in_the_roster_and_what_was_removed_does_not() {
        let (_home, roster) = home();
        let carried = roster.change(&hall(), false);
        assert!(carried.stage == Stage::Done && carried.begins_anew, "{carried:?}");
        assert_eq!(names(&roster), ["pendant-1", "hall-1"]);
        assert_eq!(Settings::load(&roster.configuration).unwrap().added, ["hall-1".parse().unwrap()]);
        let carried = roster.change(&no_hall(), false);
        assert!(carried.stage == Stage::Done && carried.begins_anew, "{carried:?}");
        assert_eq!(names(&roster), ["pendant-1"]);
    }

    /// The power failed behind the change and before its outcome was written down.
    #[test]
    fn a_change_that_was_made_is_not_made_again_nor_refused() {
        let (_home, roster) = home();
        for change in [hall(), no_hall()] {
            assert!(roster.change(&change, false).begins_anew);
            let again = roster.change(&change, true);
            assert!(again.stage == Stage::Done && !again.begins_anew, "{again:?}");
            let afresh = roster.change(&change, false);
            assert!(matches!(afresh.stage, Stage::Refused(_)), "{afresh:?}");
        }
    }

    #[test]
    fn a_file_that_was_not_in_its_place_yet_is_written_again() {
        let (_home, roster) = home();
        roster.change(&hall(), false);
        let added = added_devices(&roster.state_directory);
        fs::rename(added.join("hall-1.toml"), added.join(".hall-1.new")).unwrap();
        assert_eq!(names(&roster), ["pendant-1"]);
        assert!(roster.change(&hall(), true).begins_anew);
        assert_eq!(names(&roster), ["pendant-1", "hall-1"]);
        assert_eq!(fs::read_dir(added).unwrap().count(), 1);
    }

    #[test]
    fn a_device_that_a_rule_watches_is_not_removed() {
        let (home, roster) = home();
        roster.change(&hall(), false);
        home.write(
            "60-rule.toml",
            "[[rule]]\nname = \"night\"\nwatch = \"no-activity-by\"\ndevices = [\"hall-1\"]\nsince = \"05:00\"\nby = \"10:00\"\n",
        );
        Settings::load(&roster.configuration).unwrap();
        let carried = roster.change(&no_hall(), false);
        assert_eq!(carried.stage, Stage::Refused(Cause::Invalid));
        assert!(
            carried.note.contains("60-rule.toml:4: rule.devices: 'hall-1' is no device of this home"),
            "{carried:?}"
        );
        assert_eq!(names(&roster), ["pendant-1", "hall-1"]);
    }
}
