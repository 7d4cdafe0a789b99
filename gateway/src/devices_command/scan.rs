//! `varde devices scan`: who is near, what it is, and whether we know it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::time::{interval, timeout};
use varde_link::{Address, Neighbour, Neighbourhood};

use super::kind::Kind;
use super::terminal::say;
use super::{Failure, interrupted};
use crate::config::Settings;

/// Between two looks at what BlueZ has heard.
const LOOK: Duration = Duration::from_millis(500);

type Names = BTreeMap<Address, String>;

/// Listens for so many seconds. A line a device as it is first heard, then all of them, the nearest first.
///
/// # Errors
/// The radio does not do its part, or the technician ended it.
pub async fn scan(seconds: u64, config: &Path) -> Result<(), Failure> {
    let roster = roster(config);
    let mut neighbourhood = Neighbourhood::open().await?;
    neighbourhood.start_scan().await?;
    say(format_args!("listening for {seconds} s; Ctrl-C ends it"));
    let mut heard = BTreeMap::new();
    let listened = tokio::select! {
        end = timeout(Duration::from_secs(seconds), listen(&neighbourhood, &roster, &mut heard)) => {
            end.unwrap_or(Ok(()))
        }
        ended = interrupted() => Err(ended),
    };
    neighbourhood.stop_scan();
    if heard.is_empty() {
        say("no device was heard: is it awake, in pairing mode, and within some metres?");
    } else {
        let mut nearest: Vec<&Neighbour> = heard.values().collect();
        nearest.sort_by_key(|neighbour| std::cmp::Reverse(neighbour.rssi_dbm));
        say(format_args!("\nheard {}, the nearest first:", nearest.len()));
        nearest.into_iter().for_each(|neighbour| say(line(neighbour, &roster)));
    }
    listened
}

async fn listen(
    neighbourhood: &Neighbourhood,
    roster: &Names,
    heard: &mut BTreeMap<Address, Neighbour>,
) -> Result<(), Failure> {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        for neighbour in neighbourhood.devices().await? {
            // One without a signal is remembered, not near.
            if neighbour.rssi_dbm.is_none() && !neighbour.connected {
                continue;
            }
            if !heard.contains_key(&neighbour.address) {
                say(line(&neighbour, roster));
            }
            heard.insert(neighbour.address, neighbour);
        }
    }
}

/// Who is in the roster. A configuration that is not there yet, or not whole, is no reason not to listen.
fn roster(config: &Path) -> Names {
    match Settings::load(config) {
        Ok(settings) => {
            settings.ble.into_iter().map(|device| (device.address, device.name.to_string())).collect()
        }
        Err(_) => {
            say(format_args!(
                "the configuration in {0} cannot be read, so nobody is known by name: `varde check --config {0}` says why",
                config.display()
            ));
            Names::new()
        }
    }
}

fn line(neighbour: &Neighbour, roster: &Names) -> String {
    let strength = neighbour.rssi_dbm.map_or_else(|| "connected".to_owned(), strength);
    let name = neighbour.name.as_deref().unwrap_or("(no name)");
    let kind = Kind::of(neighbour).words;
    let known = roster
        .get(&neighbour.address)
        .map_or_else(|| "not in the roster".to_owned(), |name| format!("is {name}"));
    let bond = if neighbour.bonded { "bonded" } else { "not bonded" };
    format!("{}  {strength:18}  {name:24}  {kind:20}  {known}, {bond}", neighbour.address)
}

/// A signal strength in words and dBm. Below -88 dBm a connection hardly lasts.
fn strength(dbm: i16) -> String {
    let word = match dbm {
        -60.. => "strong",
        -75..=-61 => "good",
        -88..=-76 => "weak",
        ..=-89 => "too weak",
    };
    format!("{word} ({dbm} dBm)")
}
