//! `varde-hub keys retire`: a pair that nobody needs any more is destroyed. With its copies, nothing is left that opens what
//! somebody recorded.

use std::path::Path;

use varde_wire::GatewayId;

use super::holders::{Holder, holders};
use super::{Pair, ring};
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
    ring::sweep(&directory.key_pairs())?;
    let keys = directory.keys()?;
    let Some(pair) = keys.pairs().find(|pair| pair.number() == retire.number) else {
        let held: Vec<_> = keys.pairs().map(|pair| pair.number().to_string()).collect();
        return Err(Error::NoPair { number: retire.number, held: held.join(", ") });
    };
    if pair.number() == keys.newest().number() {
        return Err(Error::NewestPair(pair.number()));
    }
    let store = Store::open_to_read(database)?;
    let held = |key| keys.of(Some(key)).map(Pair::number);
    let reason = |holder: &Holder| match holder.key {
        None => Some("has not said by which pair it goes"),
        Some(key) if key == pair.id() => Some("goes by it"),
        Some(key) => match held(key) {
            None => Some("goes by a pair that this hub does not hold"),
            Some(number) if number < pair.number() => Some("goes by an earlier one, and may be told of this"),
            Some(_) => holder.older_wait.then_some("may hold entries that are sealed with it"),
        },
    };
    let needed = |gateway: &GatewayId| !retire.give_up.contains(gateway);
    let mut needing = Vec::new();
    for holder in holders(&store)?.iter().filter(|holder| needed(&holder.gateway)) {
        needing.extend(reason(holder).map(|reason| format!("{} {reason}", holder.gateway)));
    }
    for (gateway, command) in store.waiting_commands()? {
        if needed(&gateway) && command.key_id().is_ok_and(|key| key == pair.id()) {
            needing.push(format!("a command waits for {gateway} that is signed with it"));
        }
    }
    if !needing.is_empty() {
        return Err(Error::PairNeeded { number: pair.number(), needing: needing.join("; ") });
    }
    ring::destroy(&directory.key_pairs(), pair.number())
}
