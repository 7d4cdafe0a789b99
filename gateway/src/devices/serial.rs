//! A serial port: opened, served, and opened again when it comes back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use varde_core::Backoff;
use varde_core::supervision::LinkNumber;
use varde_drivers::{DataBits, LineParameters, Parity, StopBits};
use varde_link::{self as link, Chunk, Link, LinkError, Request, SerialLink};

use super::line::{Line, LineEnded};
use crate::aside::{Aside, Left};
use crate::board::{Board, Fault};
use crate::commands::mailbox::Mailbox;
use crate::config::SerialPort;
use crate::intake::Intake;
use crate::stopping::Stopping;
use crate::{clock, entropy};

const REOPEN_FIRST: Duration = Duration::from_millis(500);
/// A stick that was pulled and put back is looked for this often at the least.
const REOPEN_LONGEST: Duration = Duration::from_secs(10);

/// Serves the port until the gateway stops; orders for its devices come from the mailbox.
pub async fn serve(
    port: SerialPort,
    number: LinkNumber,
    captures: Option<PathBuf>,
    (intake, board): (Arc<Intake>, Arc<Board>),
    (aside, mailbox, stopping): (Arc<Aside>, Arc<Mailbox>, Stopping),
) {
    let name = port.path.display().to_string();
    let fault = Fault::Port(name.clone());
    let devices: Vec<_> = port.roster.entries().iter().map(|device| device.name.clone()).collect();
    let link_state = |state| devices.iter().for_each(|name| board.device(name, |d| d.link = state));
    let left = Left::Port(port.path.clone());
    let mut backoff = Backoff::new(REOPEN_FIRST, REOPEN_LONGEST, entropy::seed());
    // It lasts over connections: a sensor's state may have changed while the port was away.
    let mut session = port.roster.session();
    let alone = if let [only] = devices.as_slice() { Some(only) } else { None };
    if let Some(device) = alone
        && let Some(memory) = intake.recall(device).await
    {
        session.recall(&memory);
    }
    let line = Line {
        intake: &intake,
        board: &board,
        stopping: &stopping,
        name: &name,
        device: alone,
        is_overheard: true,
        mailbox: Some(&mailbox),
    };
    loop {
        if aside.keeps_from(&left) {
            link_state("left to a technician");
            intake.link(number, false);
            aside.until(&left, false).await;
        }
        let ended = match SerialLink::open(&port.path, settings(port.line), clock::boot_ms) {
            Ok(link) => {
                board.well(&fault);
                link_state("listening");
                intake.link(number, true);
                backoff.succeeded();
                let link = Lent { link, path: &port.path, aside: &aside, left: &left };
                line.serve(link, session.as_mut(), captures.as_deref()).await.ended
            }
            Err(error) => error.into(),
        };
        match ended {
            LineEnded::Store(_) | LineEnded::Stopping => return,
            LineEnded::Link(LinkError::PortClosed { .. }) if aside.keeps_from(&left) => continue,
            LineEnded::Link(error) => {
                link_state("failed");
                intake.link(number, false);
                board.fault(fault.clone(), error);
            }
        }
        if stopping.unless(tokio::time::sleep(backoff.failed())).await.is_none() {
            return;
        }
        // What a driver notices by time alone, it notices of a device that is gone too.
        if line.overhear(&[], session.as_mut()).await.is_err() {
            return;
        }
    }
}

/// The same in the words of the link, which knows no driver.
pub const fn settings(line: LineParameters) -> link::LineSettings {
    link::LineSettings {
        baud: line.baud,
        data_bits: match line.data_bits {
            DataBits::Seven => link::DataBits::Seven,
            DataBits::Eight => link::DataBits::Eight,
        },
        parity: match line.parity {
            Parity::None => link::Parity::None,
            Parity::Even => link::Parity::Even,
            Parity::Odd => link::Parity::Odd,
        },
        stop_bits: match line.stop_bits {
            StopBits::One => link::StopBits::One,
            StopBits::Two => link::StopBits::Two,
        },
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
