//! Durable intake: how many observations a second the store seals and commits.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use varde::board::Board;
use varde::store::{Identity, Options, Store};
use varde_wire::{Lane, OpeningKey, SigningKey};

use crate::backlog::record;
use crate::table::Table;
use crate::{Outcome, floor};

const OBSERVATIONS: usize = 400_000;

/// Each observation is handed over by itself, as the devices' tasks do.
pub(crate) async fn measure(table: &mut Table) -> Outcome {
    let directory = tempfile::tempdir()?;
    let identity = Identity {
        gateway: "gw-1".parse()?,
        sign: SigningKey::ed25519(&[1; 32]),
        hub_seal: OpeningKey::derive(&[2; 32]).sealing_key(),
    };
    let options = Options {
        path: directory.path().join("outbox.db"),
        commit_window: Duration::from_millis(200),
        max_size_bytes: 4_000_000_000,
    };
    let (store, _) = Store::start(options, identity, Arc::new(Board::new([])))?;
    let records: Vec<_> = (0..OBSERVATIONS as u64).map(record).collect();
    let began = Instant::now();
    let mut last = None;
    for record in records {
        last = Some(store.append(Lane::Routine, vec![record]).await?);
    }
    last.ok_or("nothing handed over")?.await?;
    let rate = OBSERVATIONS as f64 / began.elapsed().as_secs_f64();
    let committed =
        store.depths().await?.queues.into_iter().flatten().map(|depth| depth.committed).sum::<u64>();
    if committed != OBSERVATIONS as u64 {
        return Err(format!("{committed} of {OBSERVATIONS} were committed").into());
    }
    store.stop().await?;
    let bare = floor::rows_per_second(directory.path(), OBSERVATIONS, 2048)?;
    table.row("durable intake", per_second(rate), per_second(bare), Some(rate / bare));
    Ok(())
}

pub(crate) fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

/// For callers that give up on an error of another thread.
pub(crate) fn missing(what: &str) -> Box<dyn Error> {
    format!("{what} is missing").into()
}
