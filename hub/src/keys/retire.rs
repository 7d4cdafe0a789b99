//! `varde-hub keys retire`: a pair that nobody needs any more is destroyed, and with it what recorded traffic could be
//! opened with.

use std::path::Path;

use varde_wire::GatewayId;

use super::holders::{Holder, holders};
use super::ring;
use crate::store::Store;
use crate::{Directory, Error};

/// Which pair is retired.
#[derive(Clone, Debug)]
pub struct Retire {
    /// Its number.
    pub number: u32,
    /// Gateways that may need it and do not come back: they have to be enrolled again.
    pub give_up: Vec<GatewayId>,
}

/// Destroys a pair of keys.
///
/// # Errors
/// Where there is no such pair, it is the newest, a gateway may need it that is not given up, or its files cannot be
/// removed.
pub fn retire_keys(directory: &Directory, database: &Path, retire: &Retire) -> Result<(), Error> {
    let keys = directory.keys()?;
    let Some(pair) = keys.pairs().find(|pair| pair.number() == retire.number) else {
        let held: Vec<_> = keys.pairs().map(|pair| pair.number().to_string()).collect();
        return Err(Error::NoPair { number: retire.number, held: held.join(", ") });
    };
    if pair.number() == keys.newest().number() {
        return Err(Error::NewestPair(pair.number()));
    }
    let reason = |holder: &Holder| match holder.key {
        None => Some("has not said which it goes by"),
        Some(key) if key == pair.id() => Some("goes by it"),
        Some(_) => holder.may_hold_older.then_some("may hold entries that are sealed with it"),
    };
    let needing: Vec<_> = holders(&Store::open_to_read(database)?)?
        .iter()
        .filter(|holder| !retire.give_up.contains(&holder.gateway))
        .filter_map(|holder| Some(format!("{} {}", holder.gateway, reason(holder)?)))
        .collect();
    if !needing.is_empty() {
        return Err(Error::PairNeeded { number: pair.number(), needing: needing.join("; ") });
    }
    ring::destroy(&directory.key_pairs(), pair.number())
}
