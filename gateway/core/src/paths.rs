//! Several ways to the hub, one of them in use at a time: which, when another is tried, when the preferred one is gone
//! back to.
//!
//! The paths are numbered in their order of preference, from 0. A path in use that breaks, or that brings no receipt
//! for an urgent batch within [`SILENCE`], is left for the next at once. It is not called lost for that: a broker that
//! restarts breaks every path's connection. Only a connection or a test that fails makes it lost.
//!
//! What is not in use is tested: seldom where it is a reserve, often where it is preferred to the one in use, which is
//! left for it when its tests have succeeded for a while. That while grows with each time that it did not hold.

use std::time::Duration;

use varde_wire::Instant;

use crate::Backoff;

/// How long an urgent batch may be without a receipt before another path is tried. It doubles with each path on which
/// none comes, since then it is the hub that is silent; a receipt makes it short again.
pub const SILENCE: Duration = Duration::from_secs(5);
const LONGEST_SILENCE: Duration = Duration::from_mins(5);

/// How long connecting may take while there is another path to try, and while there is none.
const PATIENCE: Duration = Duration::from_secs(7);
const LAST_PATIENCE: Duration = Duration::from_secs(30);

/// Between two tests of a path that is lost, or is to be gone back to; doubling while it stays lost.
const TEST_AGAIN: Duration = Duration::from_secs(10);
/// The longest of these where it is preferred to the one in use.
const LOOK_FOR_PREFERRED: Duration = Duration::from_mins(1);

/// How long its tests must succeed before a path is gone back to: the half of it to all of it, doubling each time that
/// it was then lost within [`HELD`].
const STEADY: Duration = Duration::from_secs(40);
const LONGEST_STEADY: Duration = Duration::from_mins(16);
const HELD: Duration = Duration::from_mins(10);

/// A connection that lasted so long was of use even if nothing had to be receipted on it.
const OF_USE: Duration = Duration::from_mins(1);

/// What is known of a path beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every byte costs: it carries what is urgent, and is no way for the routine lane while there is another path.
    pub metered: bool,
    /// How often it is tested while it is a reserve that works.
    pub test_every: Duration,
}

/// How a path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody knows: not tested yet, or its connection has ended since.
    Unknown,
    /// The last connection or test succeeded.
    Works,
    /// It failed.
    Lost,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Connect, and give up after `patience`; see [`Paths::handle_connected`] and [`Paths::handle_failed`].
    Connect {
        /// The path's number.
        path: usize,
        /// For all of it, down to the broker's word.
        patience: Duration,
    },
    /// All have been tried: wait a little; see [`Paths::handle_paused`].
    Pause,
    /// Give this connection up for another.
    Leave,
    /// See whether this path leads to the broker; see [`Paths::handle_tested`]. Forget tests under way when the
    /// connection ends.
    Test {
        /// The path's number.
        path: usize,
    },
}

/// The paths and which is in use.
#[derive(Debug)]
pub struct Paths {
    paths: Vec<Path>,
    stage: Stage,
    /// Where to go next, whatever else there is.
    back_to: Option<usize>,
    silence: Duration,
    strange: u64,
}

#[derive(Debug)]
struct Path {
    plan: Plan,
    standing: Standing,
    /// Tried since a connection was last of use.
    tried: bool,
    /// Failures in a row.
    failures: u32,
    /// Since when its tests succeed.
    well_since: Option<Instant>,
    /// How long they must.
    steady: Duration,
    backoff: Backoff,
    test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    /// None is wanted: it is in use, or nothing is.
    None,
    At(Instant),
    Due,
    UnderWay,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Choosing,
    Connecting { path: usize, is_return: bool },
    InUse(InUse),
    Pausing,
}

#[derive(Clone, Copy, Debug)]
struct InUse {
    path: usize,
    since: Instant,
    answered: bool,
    /// Since when an urgent batch is without a receipt.
    asked: Option<Instant>,
    /// It was without one for too long, and there was nowhere to go.
    silent: bool,
    leaving: bool,
}

impl Paths {
    /// For these paths, the most preferred first. Where none is given there is one, of which nothing is known. `seed`
    /// decides the jitter.
    pub fn new(plans: impl IntoIterator<Item = Plan>, seed: u64) -> Self {
        let mut paths: Vec<Path> =
            plans.into_iter().zip(0_u64..).map(|(plan, n)| Path::new(plan, seed.wrapping_add(n))).collect();
        if paths.is_empty() {
            paths.push(Path::new(Plan { metered: false, test_every: LONGEST_STEADY }, seed));
        }
        Self { paths, stage: Stage::Choosing, back_to: None, silence: SILENCE, strange: 0 }
    }

    /// The path in use.
    pub fn in_use(&self) -> Option<usize> {
        match self.stage {
            Stage::InUse(in_use) => Some(in_use.path),
            Stage::Choosing | Stage::Connecting { .. } | Stage::Pausing => None,
        }
    }

    /// How a path stands; of one that does not exist nothing is known.
    pub fn standing(&self, path: usize) -> Standing {
        self.paths.get(path).map_or(Standing::Unknown, |path| path.standing)
    }

    /// Whether the routine lane may go out on the path in use.
    pub fn carries_routine(&self) -> bool {
        let path = self.in_use().and_then(|path| self.paths.get(path));
        path.is_some_and(|path| !path.plan.metered || self.paths.len() == 1)
    }

    /// How many events made no sense in their state.
    pub fn strange(&self) -> u64 {
        self.strange
    }

    /// The connection that was asked for stands.
    pub fn handle_connected(&mut self, now: Instant) {
        let Stage::Connecting { path, .. } = self.stage else { return self.is_strange() };
        self.stage = Stage::InUse(InUse {
            path,
            since: now,
            answered: false,
            asked: None,
            silent: false,
            leaving: false,
        });
        for (number, other) in (0..).zip(&mut self.paths) {
            if number == path {
                other.is_well(now);
                other.test = Test::None;
            } else {
                let wait = if other.standing == Standing::Works {
                    other.until_test(number < path)
                } else {
                    Duration::ZERO
                };
                other.test = Test::At(now.after(wait));
            }
        }
    }

    /// There is no connection to be had on the path that was asked for.
    pub fn handle_failed(&mut self, now: Instant) {
        let Stage::Connecting { path, is_return } = self.stage else { return self.is_strange() };
        self.stage = Stage::Choosing;
        if let Some(path) = self.paths.get_mut(path) {
            path.is_lost();
            path.tried = true;
            if is_return {
                path.did_not_hold(now, now);
            }
        }
    }

    /// The connection broke.
    pub fn handle_lost(&mut self, now: Instant) {
        let Stage::InUse(in_use) = self.stage else { return self.is_strange() };
        self.end_use(in_use, now);
        self.stage = Stage::Choosing;
    }

    /// The pause is over.
    pub fn handle_paused(&mut self) {
        match self.stage {
            Stage::Pausing => self.stage = Stage::Choosing,
            Stage::Choosing | Stage::Connecting { .. } | Stage::InUse(_) => self.is_strange(),
        }
    }

    /// An urgent batch went out on the connection.
    pub fn handle_urgent_sent(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::InUse(in_use) => _ = in_use.asked.get_or_insert(now),
            Stage::Choosing | Stage::Connecting { .. } | Stage::Pausing => self.is_strange(),
        }
    }

    /// A receipt came: the path leads to the hub and back.
    pub fn handle_receipt(&mut self) {
        let Stage::InUse(in_use) = &mut self.stage else { return self.is_strange() };
        *in_use = InUse { answered: true, asked: None, silent: false, ..*in_use };
        self.silence = SILENCE;
    }

    /// What a test found.
    pub fn handle_tested(&mut self, number: usize, works: bool, now: Instant) {
        let (Stage::InUse(in_use), Some(path)) = (self.stage, self.paths.get_mut(number)) else {
            return self.is_strange();
        };
        if path.test != Test::UnderWay {
            return self.is_strange();
        }
        if works {
            path.is_well(now);
        } else {
            path.is_lost();
        }
        let is_preferred = number < in_use.path;
        path.test = Test::At(now.after(path.until_test(is_preferred)));
        let is_steady = path.well_since.is_some_and(|since| now.since(since) >= path.steady);
        if works && is_preferred && is_steady {
            self.go_back_to(number, in_use);
        } else if works && in_use.silent {
            self.give_up(in_use, now);
        }
    }

    /// Notices what has not come, and what is to be tested.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Stage::InUse(in_use) = self.stage else { return };
        for path in &mut self.paths {
            if matches!(path.test, Test::At(at) if at <= now) {
                path.test = Test::Due;
            }
        }
        if self.silent_at(in_use).is_some_and(|at| at <= now) {
            self.handle_silence(in_use, now);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let Stage::InUse(in_use) = self.stage else { return None };
        let tests = self.paths.iter().filter_map(|path| match path.test {
            Test::At(at) => Some(at),
            Test::None | Test::Due | Test::UnderWay => None,
        });
        tests.chain(self.silent_at(in_use)).min()
    }

    /// What is to be done next.
    pub fn poll_step(&mut self) -> Option<Step> {
        match self.stage {
            Stage::Choosing => Some(self.choose()),
            Stage::Connecting { .. } | Stage::Pausing => None,
            Stage::InUse(InUse { leaving: true, .. }) => {
                self.stage = Stage::Choosing;
                Some(Step::Leave)
            }
            Stage::InUse(_) => {
                let due = |(_, path): &(usize, &mut Path)| path.test == Test::Due;
                let (path, due) = (0..).zip(&mut self.paths).find(due)?;
                due.test = Test::UnderWay;
                Some(Step::Test { path })
            }
        }
    }

    /// The most preferred of those that are not known to be lost, and then of the others.
    fn choose(&mut self) -> Step {
        let back_to = self.back_to.take();
        let untried = || (0_usize..).zip(&self.paths).filter(|(_, path)| !path.tried);
        let best = || untried().min_by_key(|(number, path)| (path.standing == Standing::Lost, *number));
        let Some(path) = back_to.or_else(|| best().map(|(number, _)| number)) else {
            self.nothing_is_tried();
            self.stage = Stage::Pausing;
            return Step::Pause;
        };
        let is_last = untried().all(|(number, _)| number == path);
        self.stage = Stage::Connecting { path, is_return: back_to.is_some() };
        Step::Connect { path, patience: if is_last { LAST_PATIENCE } else { PATIENCE } }
    }

    /// When the path in use has been silent for too long; never where there is no other.
    fn silent_at(&self, in_use: InUse) -> Option<Instant> {
        let asked = in_use.asked.filter(|_| self.paths.len() > 1 && !in_use.silent && !in_use.leaving)?;
        Some(asked.after(self.silence))
    }

    fn handle_silence(&mut self, in_use: InUse, now: Instant) {
        let is_other = |number: usize| number != in_use.path;
        let mut others = (0..).zip(&self.paths).filter(|(number, _)| is_other(*number));
        if others.any(|(_, path)| path.standing != Standing::Lost) {
            return self.give_up(in_use, now);
        }
        // What works half the time is better than what does not: only a test that succeeds makes us go.
        self.stage = Stage::InUse(InUse { silent: true, ..in_use });
        for (number, path) in (0..).zip(&mut self.paths) {
            if is_other(number) && path.test != Test::UnderWay {
                path.test = Test::Due;
            }
        }
    }

    fn give_up(&mut self, in_use: InUse, now: Instant) {
        self.silence = self.silence.saturating_mul(2).min(LONGEST_SILENCE);
        self.end_use(in_use, now);
        self.stage = Stage::InUse(InUse { leaving: true, ..in_use });
    }

    fn go_back_to(&mut self, path: usize, in_use: InUse) {
        self.nothing_is_tried();
        self.back_to = Some(path);
        self.stage = Stage::InUse(InUse { leaving: true, ..in_use });
    }

    fn end_use(&mut self, in_use: InUse, now: Instant) {
        if in_use.leaving {
            return;
        }
        if in_use.answered || now.since(in_use.since) >= OF_USE {
            self.nothing_is_tried();
        }
        if let Some(path) = self.paths.get_mut(in_use.path) {
            path.tried = true;
            path.standing = Standing::Unknown;
            path.did_not_hold(in_use.since, now);
        }
    }

    fn nothing_is_tried(&mut self) {
        self.paths.iter_mut().for_each(|path| path.tried = false);
    }

    fn is_strange(&mut self) {
        self.strange = self.strange.saturating_add(1);
    }
}

impl Path {
    fn new(plan: Plan, seed: u64) -> Self {
        Self {
            plan,
            standing: Standing::Unknown,
            tried: false,
            failures: 0,
            well_since: None,
            steady: STEADY,
            backoff: Backoff::new(STEADY, LONGEST_STEADY, seed),
            test: Test::None,
        }
    }

    fn is_well(&mut self, now: Instant) {
        self.standing = Standing::Works;
        self.failures = 0;
        self.well_since.get_or_insert(now);
    }

    fn is_lost(&mut self) {
        self.standing = Standing::Lost;
        self.failures = self.failures.saturating_add(1);
        self.well_since = None;
    }

    /// Its connection, or the attempt to go back to it, came to an end.
    fn did_not_hold(&mut self, since: Instant, now: Instant) {
        if now.since(since) >= HELD {
            self.backoff.succeeded();
        }
        self.well_since = None;
        self.steady = self.backoff.failed();
    }

    fn until_test(&self, is_preferred: bool) -> Duration {
        if self.standing == Standing::Works {
            return if is_preferred { TEST_AGAIN } else { self.plan.test_every };
        }
        let doublings = self.failures.saturating_sub(1);
        let doubled = TEST_AGAIN.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
        doubled.min(if is_preferred { LOOK_FOR_PREFERRED } else { self.plan.test_every })
    }
}

#[cfg(test)]
mod tests;
