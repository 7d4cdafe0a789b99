//! The pendant and the door that most scenarios speak with, and what is asked of them afterwards.

use std::time::Duration;

use serde_json::Value;

use super::Home;
use crate::sim::SimError;
use crate::sim::enocean::{Rocker, Telegram};

/// The pendant's sender id.
pub const PENDANT: [u8; 4] = [0xFE, 0xFB, 0x9A, 0x1C];
/// The door's sender id.
pub const DOOR: [u8; 4] = [0x01, 0x82, 0x5D, 0xAB];

/// The same button within 100 ms is an echo; a hand is slower.
const ECHO: Duration = Duration::from_millis(150);

impl Home {
    /// Presses the pendant, once somebody listens.
    ///
    /// # Errors
    /// When nobody does, or the stick fails.
    pub async fn press(&self) -> Result<(), SimError> {
        self.stick.opened().await?;
        tokio::time::sleep(ECHO).await;
        self.heard(&Telegram::pressed(PENDANT, Rocker::Ai)).await
    }

    /// Opens or closes the door, once somebody listens.
    ///
    /// # Errors
    /// When nobody does, or the stick fails.
    pub async fn door(&self, closed: bool) -> Result<(), SimError> {
        self.stick.opened().await?;
        self.heard(&Telegram::contact(DOOR, closed)).await
    }

    /// Waits until the gateway has committed so many routine entries in all, and with them every press before the last.
    ///
    /// # Errors
    /// When the limit passes, or the gateway does not run.
    pub async fn committed(&self, limit: Duration, routine: u64) -> Result<(), SimError> {
        let all = |status: &Value| status["lanes"]["routine"]["committed"] == routine;
        self.gateway.wait_for("the commit of all that was heard", limit, all).await.map(drop)
    }

    async fn heard(&self, telegram: &Telegram) -> Result<(), SimError> {
        if self.stick.hear(telegram).await? {
            return Ok(());
        }
        let what = "the stick".to_owned();
        Err(SimError::Unexpected { what, expected: "somebody who listens", got: "nobody".to_owned() })
    }
}

/// How many alarms the hub shows.
pub fn alarms(seen: &[Value]) -> u64 {
    count(seen, "safety-alarm")
}

/// How many movements of doors the hub shows.
pub fn doors(seen: &[Value]) -> u64 {
    count(seen, "door-")
}

/// How many technical alarms the hub shows.
pub fn technical_faults(seen: &[Value]) -> u64 {
    count(seen, "technical-fault")
}

/// The message of a fault that stands, by the beginning of its name; empty where there is none.
pub fn fault<'a>(status: &'a Value, what: &str) -> &'a str {
    let faults = status["faults"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = faults.iter().find(|fault| fault["what"].as_str().is_some_and(|name| name.starts_with(what)));
    found.and_then(|fault| fault["message"].as_str()).unwrap_or_default()
}

fn count(seen: &[Value], value: &str) -> u64 {
    let of = |line: &&Value| line["value"].as_str().is_some_and(|text| text.starts_with(value));
    seen.iter().filter(of).count() as u64
}
