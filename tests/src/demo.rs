//! `cargo demo`: a whole home on one machine, told as it happens, for somebody who sees it for the first time.

mod ledger;
mod scenes;
mod screen;
mod stage;

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use self::{ledger::Tally, screen::Screen, stage::Stage};
use crate::sim::{SimError, programs::Programs};

/// How the demonstration is to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Until Ctrl-C, instead of once through.
    pub keep_going: bool,
}

const OVERVIEW: &str = "\
Varde: a gateway for a home. Everything below runs on this machine. It takes about a minute.

  alarm pendant, door contact --- EnOcean stick (a pty) ---+
                                                           |
  blood pressure cuff --- Bluetooth (a fake BlueZ) -----> GATEWAY === network ===> HUB
                                                          varde       we cut it    varde-hub, a broker in it

  Simulated: the devices, the stick, BlueZ and the network. Real: gateway, hub, broker, certificates, TLS,
  signatures, encryption, disks, kill -9.
";

/// The whole demonstration: 0 when nothing was lost or repeated.
pub async fn run(options: Options) -> ExitCode {
    let screen = Screen::default();
    match show(options, &screen).await {
        Ok(code) => code,
        Err(error) => {
            screen.line(&format!("The demonstration itself failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn show(options: Options, screen: &Screen) -> Result<ExitCode, SimError> {
    let mut stop = Stop::listen()?;
    screen.plain(OVERVIEW);
    let mut stage = tokio::select! {
        stage = set_up(screen) => stage?,
        () = stop.asked() => return Ok(interrupted(screen)),
    };
    // Dropping the play wherever it is leaves nothing sent that is not written down: a message is put on the line and
    // into the ledger in one step.
    let played = tokio::select! {
        played = scenes::play(&mut stage, options.keep_going) => played,
        () = stop.asked() => {
            screen.line("Asked to end: what still waits is delivered. Ctrl-C once more ends at once.");
            Ok(())
        }
    };
    let ended = tokio::select! {
        ended = async { played?; scenes::end(&mut stage).await } => ended,
        () = stop.asked() => return Ok(interrupted(screen)),
    };
    match ended {
        Ok(tally) => Ok(verdict(screen, &stage, &tally)),
        Err(error) => {
            screen.line(&format!("Something did not happen that should have: {error}"));
            screen.plain(&stage.home.logs());
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn set_up(screen: &Screen) -> Result<Stage<'_>, SimError> {
    screen.builds(true);
    screen.doing("building gateway and hub; the first time takes minutes");
    Programs::built().await?;
    screen.builds(false);
    Stage::set_up(screen).await
}

fn verdict(screen: &Screen, stage: &Stage<'_>, tally: &Tally) -> ExitCode {
    screen.plain(&stage.ledger.summary(tally));
    if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn interrupted(screen: &Screen) -> ExitCode {
    screen.line("Ended before the end: there is no summary.");
    ExitCode::from(130)
}

/// The ways to ask a program on a terminal to end.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal is gone; unheard, this would end us and leave gateway, hub and D-Bus running.
    hang_up: Signal,
}

impl Stop {
    fn listen() -> Result<Self, SimError> {
        let to = |kind| signal(kind).map_err(SimError::io("listening for Ctrl-C"));
        Ok(Self {
            interrupt: to(SignalKind::interrupt())?,
            terminate: to(SignalKind::terminate())?,
            hang_up: to(SignalKind::hangup())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
