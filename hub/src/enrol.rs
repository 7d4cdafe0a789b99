//! `varde-hub enrol`: a gateway's id, certificate and keys.

use std::path::{Path, PathBuf};

use varde_wire::{BadKey, GatewayId, OpeningKey, SigningKey};

use crate::authority::{Authority, HUB};
use crate::file::Readers;
use crate::store::{Enrolment, Store};
use crate::{Directory, Error, clock, entropy, file};

/// What a gateway signs with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Signature {
    /// Ed25519.
    #[default]
    Ed25519,
    /// ECDSA with P-256 and SHA-256, for secure elements and TPMs.
    Es256,
}

/// How a gateway is enrolled.
#[derive(Clone, Debug)]
pub struct Enrol {
    /// The gateway's id.
    pub gateway: GatewayId,
    /// The directory its credentials are written to.
    pub out: PathBuf,
    /// What it signs with.
    pub signature: Signature,
    /// Whether one that is enrolled gets new keys.
    pub again: bool,
}

/// Enrols a gateway with the hub: writes its credentials, then registers it in `database`.
///
/// # Errors
/// Where it is enrolled already and `again` is not set, its id is the hub's own, or a file or the database
/// cannot be written.
pub fn enrol(directory: &Directory, database: &Path, enrol: &Enrol) -> Result<(), Error> {
    if enrol.gateway.as_str() == HUB {
        return Err(Error::Reserved(enrol.gateway.clone()));
    }
    let keys = directory.keys()?;
    let hub = keys.newest().public();
    let mut store = Store::open(database)?;
    if !enrol.again && store.gateway(&enrol.gateway)?.is_some() {
        return Err(Error::Enrolled(enrol.gateway.clone()));
    }

    let signing = signing_key(enrol.signature)?;
    let opening = OpeningKey::derive(&*entropy()?);
    let client = Authority::load(directory)?.client(enrol.gateway.as_str())?;
    let out = &enrol.out;
    file::directory(out)?;
    file::write(&out.join("gateway.id"), &format!("{}\n", enrol.gateway), Readers::All)?;
    file::write(&out.join("ca.crt"), &file::read(&directory.ca_crt())?, Readers::All)?;
    file::write(&out.join("client.crt"), &client.certificate, Readers::All)?;
    file::write(&out.join("client.key"), &client.key, Readers::Owner)?;
    file::write(&out.join("sign.key"), &signing.to_text(), Readers::Owner)?;
    file::write(&out.join("open.key"), &opening.to_text(), Readers::Owner)?;
    file::write(&out.join("hub-verify.key"), &hub.verifying.to_text(), Readers::All)?;
    file::write(&out.join("hub-seal.key"), &hub.sealing.to_text(), Readers::All)?;
    file::sync_directory(out)?;

    store.enrol(
        &Enrolment {
            gateway: enrol.gateway.clone(),
            verifying: signing.verifying_key(),
            sealing: opening.sealing_key(),
            certificate_end: client.end,
            hub_key: hub.verifying.id(),
        },
        clock::now(),
    )?;
    Ok(())
}

fn signing_key(signature: Signature) -> Result<SigningKey, Error> {
    match signature {
        Signature::Ed25519 => Ok(SigningKey::ed25519(&*entropy()?)),
        Signature::Es256 => loop {
            // One draw in 2^32 is no scalar of the curve.
            match SigningKey::es256(&*entropy()?) {
                Ok(key) => return Ok(key),
                Err(BadKey::Damaged(_)) => {}
                Err(source) => return Err(Error::Key { path: PathBuf::from("sign.key"), source }),
            }
        },
    }
}
