//! `varde-hub init`: a hub's keys, its certificate authority and the files of its broker.

use std::path::{Path, PathBuf};

use crate::authority::{Authority, HUB};
use crate::file::Readers;
use crate::store::Store;
use crate::{Directory, Error, file, mosquitto};

/// Makes a hub in `root`, for a broker that gateways know by `broker_hosts`.
///
/// # Errors
/// Where there is a hub already, a host is neither a name nor an address, or a file cannot be written.
pub fn init(root: &Path, broker_hosts: &[String]) -> Result<Directory, Error> {
    let directory = Directory::at(root);
    if directory.holds_a_hub() {
        return Err(Error::HubExists(root.to_owned()));
    }
    let (authority, own) = Authority::found()?;
    let server = authority.server(broker_hosts)?;
    let client = authority.client(HUB)?;

    file::directory(root)?;
    let broker = absolute(&directory.broker())?;
    file::directory(&broker)?;
    file::write(&broker.join("ca.crt"), &own.certificate, Readers::All)?;
    file::write(&broker.join("server.crt"), &server.certificate, Readers::All)?;
    file::write(&broker.join("server.key"), &server.key, Readers::Owner)?;
    // mosquitto warns of an access list that others may read.
    file::write(&broker.join("acl"), mosquitto::ACCESS_LIST, Readers::Owner)?;
    file::write(&broker.join("mosquitto.conf"), &mosquitto::configuration(&broker), Readers::All)?;
    file::sync_directory(&broker)?;

    directory.add_keys()?;
    file::write(&directory.client_crt(), &client.certificate, Readers::All)?;
    file::write(&directory.client_key(), &client.key, Readers::Owner)?;
    file::write(&directory.ca_crt(), &own.certificate, Readers::All)?;
    drop(Store::open(&directory.database())?);
    // Last: whoever finds it finds a whole hub.
    file::write(&directory.ca_key(), &own.key, Readers::Owner)?;
    file::sync_directory(root)?;
    Ok(directory)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|source| Error::File { doing: "find", path: path.to_owned(), source })
}
