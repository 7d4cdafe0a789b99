//! The same for people.

use std::io::{self, Write};

use crate::store::{Refusals, Store, lane_name};
use crate::{Error, clock};

use super::incident;

/// A paragraph a gateway.
pub(super) fn gateways(store: &Store, gateway: Option<&str>, out: &mut impl Write) -> Result<(), Error> {
    let (names, lanes, refusals) = (store.gateways()?, store.lanes()?, store.refusals()?);
    let mut write = || -> io::Result<()> {
        for (name, end) in names.iter().filter(|(name, _)| gateway.is_none_or(|wanted| wanted == name)) {
            writeln!(out, "{name}, certificate until {}", clock::rfc3339(*end).unwrap_or_default())?;
            for lane in lanes.iter().filter(|lane| lane.gateway == *name) {
                let (word, entries, chains) = (lane_name(lane.lane), lane.entries, lane.chains);
                let last = clock::rfc3339(lane.last).unwrap_or_default();
                writeln!(out, "  {word:<8} {entries} entries, {chains} chains, last received {last}")?;
            }
            for refusal in refusals.iter().filter(|refusal| refusal.gateway.as_ref() == Some(name)) {
                refused(out, refusal)?;
            }
        }
        if gateway.is_none() && refusals.iter().any(|refusal| refusal.gateway.is_none()) {
            writeln!(out, "gateways that are not enrolled")?;
            for refusal in refusals.iter().filter(|refusal| refusal.gateway.is_none()) {
                refused(out, refusal)?;
            }
        }
        Ok(())
    };
    write().map_err(Error::Output)
}

fn refused(out: &mut impl Write, refusal: &Refusals) -> io::Result<()> {
    let Refusals { lane, cause, count, last, .. } = refusal;
    let (lane, last) = (lane_name(*lane), clock::rfc3339(*last).unwrap_or_default());
    writeln!(out, "  {lane:<8} {count} batches refused: {cause}, last {last}")
}

/// A line an incident.
pub(super) fn incidents(store: &Store, gateway: Option<&str>, out: &mut impl Write) -> Result<(), Error> {
    incident::each(store, gateway, |line| {
        let what = match (&line.cause, line.seqs) {
            (Some(cause), _) => format!("{cause}, {} times", line.count),
            (None, Some([first, last])) if first == last => format!("seq {first}, count {}", line.count),
            (None, Some([first, last])) => format!("seqs {first}..{last}, count {}", line.count),
            (None, None) => String::new(),
        };
        let detail = line.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        let batch = line.batch.map(|number| format!(" batch {number}")).unwrap_or_default();
        writeln!(
            out,
            "{} {} {}{batch}: {} {what}{detail}",
            line.at.unwrap_or_default(),
            line.gateway,
            line.lane,
            line.incident,
        )
        .map_err(Error::Output)
    })
}
