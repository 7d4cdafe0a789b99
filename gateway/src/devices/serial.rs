//! A serial port: opened, served, and opened again when it comes back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use varde_core::Backoff;
use varde_link::{Chunk, Link, LinkError, Request, SerialLink};

use super::line::{Line, LineEnded};
use crate::aside::{Aside, Left};
use crate::board::{Board, Fault};
use crate::config::SerialPort;
use crate::intake::Intake;
use crate::{clock, entropy};

const REOPEN_FIRST: Duration = Duration::from_millis(500);
/// A stick that was pulled and put back is looked for this often at the least.
const REOPEN_LONGEST: Duration = Duration::from_secs(10);

/// Serves the port until the store stops.
pub async fn serve(
    port: SerialPort,
    captures: Option<PathBuf>,
    intake: Arc<Intake>,
    board: Arc<Board>,
    aside: Arc<Aside>,
) {
    let name = port.path.display().to_string();
    let fault = Fault::Port(name.clone());
    let devices: Vec<_> = port.devices.iter().map(|device| device.name.clone()).collect();
    let link_state = |state| devices.iter().for_each(|name| board.device(name, |d| d.link = state));
    let left = Left::Port(port.path.clone());
    let mut backoff = Backoff::new(REOPEN_FIRST, REOPEN_LONGEST, entropy::seed());
    loop {
        if aside.keeps_from(&left) {
            link_state("left to a technician");
            aside.until(&left, false).await;
        }
        let mut session = match port.protocol.session(port.devices.clone()) {
            Ok(session) => session,
            // The configuration was checked with the same code.
            Err(error) => return board.fault(fault, error),
        };
        let ended = match SerialLink::open(&port.path, port.protocol.baud(), clock::boot_ms) {
            Ok(link) => {
                board.well(&fault);
                link_state("listening");
                backoff.succeeded();
                let line =
                    Line { intake: &intake, board: &board, name: &name, device: None, is_overheard: true };
                let link = Lent { link, path: &port.path, aside: &aside, left: &left };
                line.serve(link, session.as_mut(), captures.as_deref()).await.ended
            }
            Err(error) => error.into(),
        };
        match ended {
            LineEnded::Store(_) => return,
            LineEnded::Link(LinkError::PortClosed { .. }) if aside.keeps_from(&left) => continue,
            LineEnded::Link(error) => {
                link_state("failed");
                board.fault(fault.clone(), error);
            }
        }
        tokio::time::sleep(backoff.failed()).await;
    }
}

/// A port that is closed when a technician asks for it.
struct Lent<'a> {
    link: SerialLink,
    path: &'a Path,
    aside: &'a Aside,
    left: &'a Left,
}

impl Link for Lent<'_> {
    async fn next(&mut self) -> Result<Chunk, LinkError> {
        tokio::select! {
            chunk = self.link.next() => chunk,
            () = self.aside.until(self.left, true) => Err(LinkError::PortClosed { path: self.path.to_owned() }),
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), LinkError> {
        self.link.request(request).await
    }
}
