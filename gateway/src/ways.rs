//! The paths to the broker as the dispatcher uses them: what `varde_core::paths` decides, shown on the board under
//! their names, with the tests that are under way.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use varde_core::paths::{Paths, Plan, Standing, Step};
use varde_wire::{Instant, Lane};

use crate::board::{Board, Fault, PathState};
use crate::config::UplinkPath;
use crate::uplink::{Uplink, UplinkError};
use crate::{clock, entropy};

/// The paths.
pub struct Ways {
    paths: Paths,
    shown: Vec<PathState>,
    tests: FuturesUnordered<BoxFuture<'static, Tested>>,
    board: Arc<Board>,
}

/// A path, and what its test found.
pub type Tested = (usize, Result<(), UplinkError>);

/// What is to be done while there is no connection.
pub enum Outside {
    /// Connect over this path, and give up after so long.
    Connect(usize, Duration),
    /// Wait a little.
    Pause,
}

impl Ways {
    /// These paths, the most preferred first.
    pub fn new(paths: &[UplinkPath], board: Arc<Board>) -> Self {
        let plans = paths.iter().map(|path| Plan { metered: path.metered, test_every: path.test_every });
        let since = clock::wall();
        let state = |path: &UplinkPath| PathState {
            name: path.name.clone(),
            state: word(false, Standing::Unknown),
            since,
            reason: None,
        };
        let shown = paths.iter().map(state).collect();
        Self { paths: Paths::new(plans, entropy::seed()), shown, tests: FuturesUnordered::new(), board }
    }

    /// What is to be done now that there is no connection.
    pub fn outside(&mut self) -> Outside {
        match self.paths.poll_step() {
            Some(Step::Connect { path, patience }) => Outside::Connect(path, patience),
            Some(Step::Pause | Step::Leave | Step::Test { .. }) | None => Outside::Pause,
        }
    }

    /// Starts the tests that are due. Says whether the connection is to be left for another path.
    #[must_use]
    pub fn inside(&mut self, uplink: &impl Uplink) -> bool {
        while let Some(step) = self.paths.poll_step() {
            match step {
                Step::Test { path } => {
                    let test = uplink.test(path);
                    self.tests.push(Box::pin(async move { (path, test.await) }));
                }
                Step::Leave => {
                    self.end();
                    return true;
                }
                Step::Connect { .. } | Step::Pause => {}
            }
        }
        false
    }

    /// Whether entries of this lane go out over the path in use; none where there is none.
    pub fn carries(&self, lane: Lane) -> bool {
        match lane {
            Lane::Urgent => self.paths.in_use().is_some(),
            Lane::Routine => self.paths.carries_routine(),
        }
    }

    /// Whether there is another path to turn to.
    pub fn is_choice(&self) -> bool {
        self.shown.len() > 1
    }

    /// A connection stands over the path that [`Ways::outside`] named.
    pub fn connected(&mut self, now: Instant) {
        self.paths.handle_connected(now);
        if let Some(in_use) =
            self.paths.in_use().and_then(|path| self.shown.get(path)).filter(|_| self.is_choice())
        {
            tracing::info!("uplink: now over the path '{}'", in_use.name);
        }
        self.show();
    }

    /// There is none over it.
    pub fn failed(&mut self, path: usize, error: &UplinkError, now: Instant) {
        self.paths.handle_failed(now);
        self.reason(path, Some(error));
        self.show();
    }

    /// The connection broke.
    pub fn lost(&mut self, now: Instant) {
        self.paths.handle_lost(now);
        self.end();
    }

    /// The pause is over.
    pub fn paused(&mut self) {
        self.paths.handle_paused();
    }

    /// A batch of this lane went out.
    pub fn sent(&mut self, lane: Lane, now: Instant) {
        match lane {
            Lane::Urgent => self.paths.handle_urgent_sent(now),
            Lane::Routine => {}
        }
    }

    /// A receipt came.
    pub fn receipt(&mut self) {
        self.paths.handle_receipt();
    }

    /// The next test that comes to its end; nothing where none is under way. Cancel-safe.
    pub async fn tested(&mut self) -> Option<Tested> {
        self.tests.next().await
    }

    /// What a test found.
    pub fn handle_tested(&mut self, (path, found): Tested, now: Instant) {
        self.paths.handle_tested(path, found.is_ok(), now);
        self.reason(path, found.as_ref().err());
        self.show();
    }

    /// Notices what has not come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.paths.handle_timeout(now);
    }

    /// When [`Ways::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.paths.poll_timeout()
    }

    fn end(&mut self) {
        self.tests.clear();
        self.show();
    }

    fn reason(&mut self, path: usize, error: Option<&UplinkError>) {
        if let Some(shown) = self.shown.get_mut(path) {
            shown.reason = error.map(ToString::to_string);
        }
    }

    /// Puts on the board how the paths stand. One of them is only said to be lost while another works: where none does,
    /// it is the uplink as a whole that is.
    fn show(&mut self) {
        if !self.is_choice() {
            return;
        }
        let in_use = self.paths.in_use();
        for (number, shown) in self.shown.iter_mut().enumerate() {
            let standing = self.paths.standing(number);
            let state = word(in_use == Some(number), standing);
            if shown.state != state {
                (shown.state, shown.since) = (state, clock::wall());
            }
            let name = shown.name.clone();
            let fault = if number == 0 { Fault::PrimaryPath(name) } else { Fault::RedundantPath(name) };
            match standing {
                Standing::Works => {
                    shown.reason = None;
                    self.board.well(&fault);
                }
                Standing::Lost if in_use.is_some() => {
                    self.board
                        .fault(fault, shown.reason.as_deref().unwrap_or("it does not lead to the broker"));
                }
                Standing::Lost | Standing::Unknown => {}
            }
        }
        self.board.paths(self.shown.clone());
    }
}

const fn word(is_in_use: bool, standing: Standing) -> &'static str {
    match (is_in_use, standing) {
        (true, _) => "in use",
        (false, Standing::Works) => "works",
        (false, Standing::Lost) => "lost",
        (false, Standing::Unknown) => "not known",
    }
}
