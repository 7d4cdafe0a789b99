//! The hands of the [`RadioLadder`]: what it wants done for the radio is done, counted and told.

use std::sync::Arc;
use std::time::Duration;

use varde_core::{RadioCare as Care, RadioLadder, Rung};
use varde_link::{Bluetooth, Central, LinkError};

use crate::board::{Board, Fault};
use crate::clock;

/// Meters may be silent for days: the scan is begun anew for them once an hour, since it is known to die.
const QUIET_WITH_METERS: Duration = Duration::from_hours(1);

/// Cares for one radio.
pub struct RadioCare {
    ladder: RadioLadder,
    /// Why the last rung could not be taken.
    refused: Option<LinkError>,
    board: Arc<Board>,
}

impl RadioCare {
    /// Care for a radio that hears sensors, which are never silent for longer than that together; or only meters.
    pub fn new(sensors_quiet: Option<Duration>, board: Arc<Board>) -> Self {
        let quiet = sensors_quiet.unwrap_or(QUIET_WITH_METERS);
        let ladder = RadioLadder::new(quiet, sensors_quiet.is_some(), clock::now());
        Self { ladder, refused: None, board }
    }

    /// A device was heard.
    pub fn heard(&mut self) {
        self.ladder.handle_heard(clock::now());
    }

    /// The radio listens.
    pub fn listening(&mut self) {
        self.ladder.handle_listening(clock::now());
    }

    /// The radio does not work.
    pub fn failed(&mut self) {
        self.ladder.handle_failed(clock::now());
    }

    /// Waits until there is something to [`take`](Self::take).
    pub async fn due(&mut self) {
        loop {
            if self.ladder.has_output() {
                return;
            }
            match self.ladder.poll_timeout() {
                Some(at) => tokio::time::sleep(at.since(clock::now())).await,
                None => std::future::pending().await,
            }
            self.ladder.handle_timeout(clock::now());
        }
    }

    /// Does what is due. All but a new scan end the central by themselves.
    pub async fn take(&mut self, bluetooth: &Bluetooth, central: Option<&Central>) {
        while let Some(care) = self.ladder.poll_output() {
            match care {
                Care::Take(rung) => self.climb(rung, bluetooth, central).await,
                Care::Silent => self.board.fault(Fault::BluetoothSilence, silence(self.refused.as_ref())),
                Care::HeardAgain => self.board.well(&Fault::BluetoothSilence),
            }
        }
    }

    async fn climb(&mut self, rung: Rung, bluetooth: &Bluetooth, central: Option<&Central>) {
        let (count, done) = match (rung, central) {
            (Rung::RestartScan, Some(central)) => ("bluetooth scans restarted", central.restart_scan().await),
            (Rung::RestartScan, None) => return,
            (Rung::PowerCycle, _) => ("bluetooth adapter power cycles", bluetooth.power_cycle().await),
            (Rung::RestartDaemon, _) => ("bluetoothd restarts", bluetooth.restart_daemon().await),
        };
        self.board.count(count);
        match &done {
            Ok(()) => tracing::info!("bluetooth: {count}, for want of anything heard"),
            Err(error) => tracing::warn!("bluetooth: {count}: {error}"),
        }
        self.refused = done.err();
    }
}

/// What a technician is told of a silence that outlasted every rung. One that could not be taken comes first: to mend
/// that is cheaper than a new adapter.
fn silence(refused: Option<&LinkError>) -> String {
    match refused {
        Some(refused) => format!("no device is heard any more, and the last resort failed: {refused}"),
        None => "no device is heard any more, and restarting the scan, the adapter and bluetoothd did not help: look \
                 whether the devices have power, then replace the adapter"
            .to_owned(),
    }
}
