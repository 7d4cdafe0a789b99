//! What the gateway knows of an observation beside what the device said.

use serde::{Deserialize, Serialize};

use crate::PersonId;

/// What the gateway adds. Nothing in it changes what the device said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Whose it is, where the roster says so: an opaque id that only the receiver maps to a person.
    pub person: Option<PersonId>,
    /// What has to be added to `device_time` to come to the gateway's local time, in seconds: the two clocks were
    /// read at one moment (the coincident time stamp of the HL7 PHD guide).
    pub clock_offset_s: Option<i32>,
    /// How strong the radio signal was, in dBm.
    pub rssi_dbm: Option<i8>,
    /// How many repeaters the telegram came through.
    pub repeaters: Option<u8>,
}

impl Context {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
