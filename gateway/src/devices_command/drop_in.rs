//! A device's own file in the configuration: one `[[device]]` table, written whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use varde_drivers::esp3::SenderId;
use varde_link::Address;
use varde_wire::DeviceId;

use super::Failure;
use super::terminal::say;
use crate::command::{EX_CANTCREAT, EX_NOPERM};
use crate::config::{Settings, Writer, drop_in};

/// What is written of a device.
#[derive(Clone, Debug)]
pub(super) struct DropIn<'a> {
    pub(super) name: &'a DeviceId,
    /// As the configuration calls it.
    pub(super) profile: &'a str,
    pub(super) heard: Heard<'a>,
}

/// By which way it is heard, and what else belongs to that.
#[derive(Clone, Debug)]
pub(super) enum Heard<'a> {
    Bluetooth {
        address: Address,
        /// Whose readings are whose: the device's number of a user, and the user's opaque id.
        users: &'a [(u8, String)],
        /// What its advertisements are encrypted with, in hexadecimal.
        bind_key: Option<&'a str>,
    },
    EnOcean {
        port: &'a Path,
        id: SenderId,
        purpose: Option<&'a str>,
    },
}

impl DropIn<'_> {
    /// The file's name, without a directory.
    pub(super) fn file(&self) -> PathBuf {
        drop_in::file_of(self.name)
    }

    /// The file's text.
    pub(super) fn text(&self) -> String {
        let (name, profile) = (quoted(self.name.as_str()), quoted(self.profile));
        let (writer, protocol, mut keys) = match &self.heard {
            Heard::Bluetooth { address, users, bind_key } => {
                let mut keys = vec![format!("address = \"{address}\"")];
                if !users.is_empty() {
                    let users: Vec<_> =
                        users.iter().map(|(number, id)| format!("\"{number}\" = {}", quoted(id))).collect();
                    keys.push(format!("users = {{ {} }}", users.join(", ")));
                }
                keys.extend(bind_key.map(|key| format!("bind_key = {}", quoted(key))));
                (Writer::Pair, "ble", keys)
            }
            Heard::EnOcean { port, id, purpose } => {
                let mut keys = vec![format!("port = {}", quoted(&port.to_string_lossy()))];
                keys.push(format!("id = \"{id}\""));
                keys.extend(purpose.map(|purpose| format!("purpose = {}", quoted(purpose))));
                (Writer::Teach, "esp3", keys)
            }
        };
        keys.push(format!("profile = {profile}\n"));
        let (header, keys) = (writer.header(), keys.join("\n"));
        format!("{header}\n\n[[device]]\nname = {name}\nprotocol = \"{protocol}\"\n{keys}")
    }

    /// Judges the configuration as it would be, by the code of `varde check`.
    pub(super) fn check(&self, config: &Path) -> Result<(), Failure> {
        let path = config.join(self.file());
        if path.exists() {
            let message =
                format!("{} exists already: choose another name, or remove that file", path.display());
            return Err(Failure::new(EX_CANTCREAT, message));
        }
        Settings::load_with(config, &self.file(), &self.text())?;
        Ok(())
    }

    /// Puts the device into the configuration; nothing is left of it where the whole would not stand.
    pub(super) fn keep(&self, config: &Path) -> Result<(), Failure> {
        self.check(config)?;
        let written = drop_in::write(config, self.name, &self.text());
        let path = written.map_err(|error| takes_no_file(config, EX_CANTCREAT, &error))?;
        if let Err(faults) = Settings::load(config) {
            let _ = fs::remove_file(&path);
            return Err(faults.into());
        }
        say(format_args!("{} written", path.display()));
        Ok(())
    }
}

/// Whether the directory takes files at all: to be known before anybody presses a button.
pub(super) fn takes_files(config: &Path) -> Result<(), Failure> {
    rustix::fs::access(config, rustix::fs::Access::WRITE_OK)
        .map_err(|error| takes_no_file(config, EX_NOPERM, &error.into()))
}

fn takes_no_file(config: &Path, code: u8, error: &io::Error) -> Failure {
    let mend = "run the command as root, such as by sudo, and see that the disk takes files";
    Failure::new(code, format!("{} takes no file ({error}): {mend}", config.display()))
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuff<'a>(name: &'a DeviceId, users: &'a [(u8, String)]) -> DropIn<'a> {
        let address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 1]);
        DropIn { name, profile: "blood-pressure", heard: Heard::Bluetooth { address, users, bind_key: None } }
    }

    #[test]
    fn the_file_reads_back_as_what_was_wanted_whatever_was_typed() {
        let name: DeviceId = "cuff-1".parse().unwrap();
        let users = [(1, "a\"b\\\n".to_owned()), (2, "p-2".to_owned())];
        let mut cuff = cuff(&name, &users);
        if let Heard::Bluetooth { bind_key, .. } = &mut cuff.heard {
            *bind_key = Some("00ff");
        }
        let table: toml::Table = cuff.text().parse().unwrap();
        let device = &table["device"][0];
        assert_eq!(device["name"].as_str(), Some("cuff-1"));
        assert_eq!(device["protocol"].as_str(), Some("ble"));
        assert_eq!(device["address"].as_str(), Some("F0:F1:F2:F3:F4:01"));
        assert_eq!(device["profile"].as_str(), Some("blood-pressure"));
        assert_eq!(device["users"]["1"].as_str(), Some("a\"b\\\n"));
        assert_eq!(device["bind_key"].as_str(), Some("00ff"));
    }

    #[test]
    fn a_sender_that_was_taught_in_reads_back_too() {
        let name: DeviceId = "pendant-1".parse().unwrap();
        let heard = Heard::EnOcean {
            port: Path::new("/dev/serial/by-id/usb-\"EnOcean\""),
            id: SenderId([0, 0x29, 0x89, 0x79]),
            purpose: Some("pendant"),
        };
        let text = DropIn { name: &name, profile: "F6-02-01", heard }.text();
        let table: toml::Table = text.parse().unwrap();
        let device = &table["device"][0];
        let keys =
            ["name", "protocol", "port", "id", "profile", "purpose"].map(|key| device[key].as_str().unwrap());
        let port = "/dev/serial/by-id/usb-\"EnOcean\"";
        assert_eq!(keys, ["pendant-1", "esp3", port, "00298979", "F6-02-01", "pendant"]);
    }
}
