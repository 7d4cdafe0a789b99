//! A serial port: opened, served, and opened again when it comes back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use varde_core::Backoff;
use varde_link::SerialLink;

use super::line::{Line, LineEnded};
use crate::board::{Board, Fault};
use crate::config::SerialPort;
use crate::intake::Intake;
use crate::stopping::Stopping;
use crate::{clock, entropy};

const REOPEN_FIRST: Duration = Duration::from_millis(500);
/// A stick that was pulled and put back is looked for this often at the least.
const REOPEN_LONGEST: Duration = Duration::from_secs(10);

/// Serves the port until the gateway stops.
pub async fn serve(
    port: SerialPort,
    captures: Option<PathBuf>,
    intake: Arc<Intake>,
    board: Arc<Board>,
    stopping: Stopping,
) {
    let name = port.path.display().to_string();
    let fault = Fault::Port(name.clone());
    let devices: Vec<_> = port.devices.iter().map(|device| device.name.clone()).collect();
    let link_state = |state| devices.iter().for_each(|name| board.device(name, |d| d.link = state));
    let mut backoff = Backoff::new(REOPEN_FIRST, REOPEN_LONGEST, entropy::seed());
    loop {
        let mut session = match port.protocol.session(port.devices.clone()) {
            Ok(session) => session,
            // The configuration was checked with the same code. The other ports are served on.
            Err(error) => {
                board.fault(fault, error);
                return stopping.begun().await;
            }
        };
        let ended = match SerialLink::open(&port.path, port.protocol.baud(), clock::boot_ms) {
            Ok(link) => {
                board.well(&fault);
                link_state("listening");
                backoff.succeeded();
                let line = Line {
                    intake: &intake,
                    board: &board,
                    stopping: &stopping,
                    name: &name,
                    device: None,
                    is_overheard: false,
                };
                line.serve(link, session.as_mut(), captures.as_deref()).await.ended
            }
            Err(error) => error.into(),
        };
        match ended {
            LineEnded::Store(_) | LineEnded::Stopping => return,
            LineEnded::Link(error) => {
                link_state("failed");
                board.fault(fault.clone(), error);
            }
        }
        if stopping.unless(tokio::time::sleep(backoff.failed())).await.is_none() {
            return;
        }
    }
}
