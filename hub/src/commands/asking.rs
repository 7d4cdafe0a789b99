//! `varde-hub command`: what may be asked, in words of a command line.

use std::path::PathBuf;

use clap::Subcommand;
use varde_wire::{Action, BoundedText, DeviceId, Indication, RosterChange, TextTooLong};

use super::plan_file;
use crate::{Directory, Error, file};

/// What a device, or the gateway itself, is asked.
#[derive(Clone, Debug, Subcommand)]
pub enum Ask {
    /// Show or sound where the device is.
    Identify,
    /// Switch an output.
    Switch {
        /// How it is to be.
        #[arg(value_parser = ["on", "off"])]
        to: String,
    },
    /// Run this dosing plan from now on.
    Plan {
        /// The plan in TOML.
        file: PathBuf,
    },
    /// Give out a dose now, beside the plan.
    Dispense {
        /// Out of this compartment instead of the next.
        #[arg(long)]
        compartment: Option<u8>,
    },
    /// Lock the device.
    Lock,
    /// Unlock the device.
    Unlock,
    /// Show or speak a message to the person.
    Message {
        /// The message: at most 200 bytes.
        text: String,
        /// By this its acknowledgement is told.
        #[arg(long, default_value_t = 0)]
        id: u32,
    },
    /// Show how an alarm stands.
    Indicator {
        /// What is shown.
        #[arg(value_parser = Indication::ALL.map(Indication::name))]
        shows: String,
    },
    /// Raise an alarm that is marked as a test all the way. DEVICE is 'gateway' or a device that can.
    TestAlarm,
    /// Change the roster of devices. DEVICE is 'gateway'.
    #[command(subcommand)]
    Roster(Roster),
    /// Change how soon the silence of the device is told.
    Supervise {
        /// How often it should be heard, in seconds; left out, its silence is not told.
        #[arg(long, value_name = "SECONDS")]
        every: Option<u32>,
    },
    /// Send a sign of life so often. DEVICE is 'gateway'.
    Heartbeat {
        /// 10 to 86400.
        seconds: u32,
    },
    /// Report the gateway's state, without any health data. DEVICE is 'gateway'.
    Diagnostics,
    /// Go by the newest pair of this hub's keys from now on. DEVICE is 'gateway'.
    HubKey,
}

/// A change of the roster.
#[derive(Clone, Debug, Subcommand)]
pub enum Roster {
    /// A device more.
    Add {
        /// A file with its one `[[device]]` table.
        file: PathBuf,
    },
    /// A device less.
    Remove {
        /// Its name.
        name: DeviceId,
    },
}

impl Ask {
    /// The action, with what its files or the hub's hold.
    ///
    /// # Errors
    /// Where a file cannot be read, or holds something else.
    pub(crate) fn action(&self, directory: &Directory) -> Result<Action, Error> {
        Ok(match self {
            Self::Identify => Action::Identify,
            Self::Switch { to } => Action::Switch { on: to == "on" },
            Self::Plan { file } => Action::Plan(plan_file::read(file)?),
            Self::Dispense { compartment } => Action::Dispense { compartment: *compartment },
            Self::Lock => Action::Lock { locked: true },
            Self::Unlock => Action::Lock { locked: false },
            Self::Message { text, id } => Action::Message { id: *id, text: fitting(text)? },
            Self::Indicator { shows } => Action::Indicate(indication(shows)),
            Self::TestAlarm => Action::TestAlarm,
            Self::Roster(Roster::Add { file }) => {
                Action::Roster(RosterChange::Add { table: fitting(&file::read(file)?)? })
            }
            Self::Roster(Roster::Remove { name }) => {
                Action::Roster(RosterChange::Remove { device: name.clone() })
            }
            Self::Supervise { every } => Action::Supervise { expected_every_s: *every },
            Self::Heartbeat { seconds } => Action::Heartbeat { every_s: *seconds },
            Self::Diagnostics => Action::Diagnose,
            Self::HubKey => Action::ChangeHubKeys(directory.keys()?.newest().public()),
        })
    }
}

fn indication(word: &str) -> Indication {
    // Only these words pass the command line.
    Indication::ALL.into_iter().find(|indication| indication.name() == word).unwrap_or(Indication::Off)
}

fn fitting<const MOST: usize>(text: &str) -> Result<BoundedText<MOST>, Error> {
    text.parse().map_err(|error: TextTooLong| Error::Command(error.to_string()))
}
