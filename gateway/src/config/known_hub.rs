//! What the gateway knows its hub by: the keys of its credentials, or those that the hub changed them to.
//!
//! These stand in a file of the state directory, which the service may write; the credentials are the technicians'.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use varde_wire::{HubKeys, SealingKey, VerifyingKey};

use super::Credentials;
use crate::lasting;

/// The file in the state directory.
const FILE: &str = "hub-keys.toml";

/// The hub's keys, and where a change of them is kept.
#[derive(Clone, Debug)]
pub struct KnownHub {
    path: PathBuf,
    /// What names the enrolment: the gateway's own key, which is new in each.
    enrolment: VerifyingKey,
    is_changed: bool,
    /// Those that count.
    pub keys: HubKeys,
    /// What the hub signed with before, believed until it signs with what counts now.
    pub earlier: Option<VerifyingKey>,
    /// Why the file does not count, if it should: the credentials do then.
    pub damage: Option<String>,
}

/// A change, on the disk.
#[derive(Serialize, Deserialize)]
struct Change {
    /// Of which enrolment: one that came after it outranks it.
    enrolment: VerifyingKey,
    verifying: VerifyingKey,
    sealing: SealingKey,
    earlier: Option<VerifyingKey>,
}

impl KnownHub {
    /// As this state directory and these credentials have it.
    pub fn read(state_directory: &Path, credentials: &Credentials) -> Self {
        let Credentials { sign, hub_verify, hub_seal, .. } = credentials;
        let known = Self {
            path: state_directory.join(FILE),
            enrolment: sign.verifying_key(),
            is_changed: false,
            keys: HubKeys { verifying: hub_verify.clone(), sealing: hub_seal.clone() },
            earlier: None,
            damage: None,
        };
        match lasting::read::<Option<Change>>(&known.path) {
            Ok(Some(change)) if change.enrolment == known.enrolment => Self {
                is_changed: true,
                keys: HubKeys { verifying: change.verifying, sealing: change.sealing },
                earlier: change.earlier,
                ..known
            },
            Ok(_) => known,
            Err(error) => Self { damage: Some(format!("{}: {error}", known.path.display())), ..known },
        }
    }

    /// The file, where it counts.
    pub fn changed_in(&self) -> Option<&Path> {
        self.is_changed.then_some(&*self.path)
    }

    /// Keeps a change to these keys, on the disk when this returns. It counts from the next [`KnownHub::read`].
    ///
    /// # Errors
    /// As [`lasting::write`].
    pub fn keep(&self, keys: &HubKeys, earlier: Option<&VerifyingKey>) -> io::Result<()> {
        let change = Change {
            enrolment: self.enrolment.clone(),
            verifying: keys.verifying.clone(),
            sealing: keys.sealing.clone(),
            earlier: earlier.cloned(),
        };
        lasting::write(&self.path, &change)
    }
}
