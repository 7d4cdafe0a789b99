//! `varde-hub show`: what has been received. Looks only; `serve` may run meanwhile.

mod entry;
mod incident;
mod observation;
mod report;
mod summary;

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::Error;
use crate::store::Store;

pub(crate) use report::{Alarm, Source};

/// What is to be shown.
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// A JSON object a line instead of text for people.
    pub json: bool,
    /// Only observations and reports after this cursor.
    pub since: i64,
    /// Only this gateway's.
    pub gateway: Option<String>,
    /// Incidents and refused batches instead of those.
    pub incidents: bool,
}

/// Writes what is in the database to `out`.
///
/// # Errors
/// Where the database cannot be read or `out` not be written.
pub fn show(database: &Path, show: &Show, out: &mut impl Write) -> Result<(), Error> {
    let store = Store::open_to_read(database)?;
    let gateway = show.gateway.as_deref();
    match (show.incidents, show.json) {
        (true, true) => incident::each(&store, gateway, |incident| line(out, &incident))?,
        (true, false) => summary::incidents(&store, gateway, out)?,
        (false, true) => entry::each(&store, show.since, gateway, |entry| line(out, &entry))?,
        (false, false) => {
            summary::gateways(&store, gateway, out)?;
            summary::incidents(&store, gateway, out)?;
        }
    }
    out.flush().map_err(Error::Output)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, value).map_err(|e| Error::Output(io::Error::from(e)))?;
    out.write_all(b"\n").map_err(Error::Output)
}
