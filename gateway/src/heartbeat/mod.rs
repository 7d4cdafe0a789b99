//! The gateway's sign of life: one at each interval while there is a connection, and a last one before a planned stop.
//!
//! - [`rhythm`]: what of it outlives the program
//! - [`slot`]: the way to the uplink
//!
//! [`varde_core::Pulse`] decides when; this task makes them, and the uplink sends the newest. So nothing queues up, and
//! an alarm never waits for more than one small packet.

pub mod rhythm;
pub mod slot;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::sleep;
use varde_core::Pulse;
use varde_wire::{Backlog, BoundedText, GatewayId, GoesBy, Heartbeat, KeyId, Lane, LifeState, SigningKey};

use self::rhythm::Rhythm;
use self::slot::{Giver, Newest};
use crate::board::Board;
use crate::clock;
use crate::intake::Intake;
use crate::snapshot::{self, LaneView};
use crate::stopping::Stopping;
use crate::store::{Store, StoreError};

/// What the gateway says of itself, and with which key.
pub struct Heart {
    /// Whose it is.
    pub gateway: GatewayId,
    /// Signs.
    pub sign: SigningKey,
    /// When the program started, since boot.
    pub started_ms: u64,
    /// How often it beats.
    pub rhythm: Arc<Rhythm>,
    /// By which key it knows its hub.
    pub hub_key: KeyId,
    /// Stamps.
    pub intake: Arc<Intake>,
    /// Knows which faults stand.
    pub board: Arc<Board>,
    /// Knows what waits.
    pub store: Store,
}

impl Heart {
    /// Beats until the daemon stops, and then once more, until that has left the gateway; or until the store stops.
    pub async fn run(self, mut giver: Giver, stopping: Stopping) {
        let mut every_s = self.rhythm.every_s();
        let mut pulse = Pulse::new(*every_s.borrow_and_update(), self.rhythm.latest_life());
        loop {
            let due = pulse.poll_timeout();
            let left = due.map(|at| at.since(clock::now())).unwrap_or_default();
            tokio::select! {
                biased;
                () = stopping.begun() => break,
                connected = giver.changed() => match connected {
                    true => pulse.handle_connected(clock::now()),
                    false => pulse.handle_disconnected(),
                },
                Ok(()) = every_s.changed() => pulse.handle_interval(*every_s.borrow_and_update(), clock::now()),
                () = sleep(left), if due.is_some() => {
                    if self.beat(&mut pulse, &giver, LifeState::Running).await.is_err() {
                        return;
                    }
                }
            }
        }
        if giver.is_connected() && self.beat(&mut pulse, &giver, LifeState::Stopping).await.is_ok() {
            giver.gone().await;
        }
    }

    async fn beat(&self, pulse: &mut Pulse, giver: &Giver, state: LifeState) -> Result<(), StoreError> {
        let stamp = self.intake.stamp().await?;
        let depths = self.store.depths().await?;
        let lanes = snapshot::lanes(&depths);
        let beat = pulse.beat(&stamp, clock::now());
        if beat.begins_life
            && let Err(error) = self.rhythm.keep_life(beat.life).await
        {
            // The disk is a fault by itself; as long as the clock goes, the next life is told from this one all the same.
            tracing::warn!("the heartbeat's life cannot be kept: {error}");
        }
        let heartbeat = Heartbeat {
            gateway: self.gateway.clone(),
            life: beat.life,
            number: beat.number,
            stamp,
            every_s: beat.every_s,
            state,
            version: BoundedText::cut(env!("CARGO_PKG_VERSION")),
            up_s: clock::boot_ms().saturating_sub(self.started_ms) / 1000,
            faults: self.board.read(|facts| u32::try_from(facts.faults.len()).unwrap_or(u32::MAX)),
            urgent: backlog(&lanes, Lane::Urgent),
            routine: backlog(&lanes, Lane::Routine),
            goes_by: Some(GoesBy { key: self.hub_key, older_wait: depths.older_wait() }),
        };
        match heartbeat.sign(&self.sign) {
            Ok(signed) => giver.give(Newest { signed, is_last: state == LifeState::Stopping }),
            Err(error) => tracing::error!("a heartbeat cannot be made: {error}"),
        }
        Ok(())
    }
}

fn backlog(lanes: &BTreeMap<String, LaneView>, lane: Lane) -> Backlog {
    lanes.get(lane.name()).map_or_else(Backlog::default, |view| Backlog {
        entries: view.committed.saturating_sub(view.released),
        oldest_s: view.oldest_age_s,
    })
}
