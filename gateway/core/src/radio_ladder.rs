//! What is done for a radio that does not hear: from the gentlest means to the strongest, then a fault.
//!
//! Two things start it. The radio *fails*: bluetoothd, the adapter or the scan says so. Or it is *silent*: everything
//! seems well, and nothing is heard of devices that speak all the time; scans are known to die like that for hours.
//!
//! Each rung is given time to work before the next. When the last has not helped, the silence is a fault, and the
//! climb begins again after a rest, for as long as it takes.

use std::time::Duration;

use varde_wire::Instant;

/// A means to mend a radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// End the scan and begin it again.
    RestartScan,
    /// Switch the adapter off and on.
    PowerCycle,
    /// Have systemd restart bluetoothd.
    RestartDaemon,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RadioCare {
    /// Take this rung.
    Take(Rung),
    /// The silence has outlasted every rung: tell it as a fault. Failures are told by whoever meets them.
    Silent,
    /// Something was heard again after [`Silent`](Self::Silent).
    HeardAgain,
}

/// How long a rung has to show that it helped, at the most: bluetoothd takes some ten seconds to start, and a sensor
/// speaks at least once a minute. Where less silence than that is too long already, so much.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a failure may last before anything is done: bluetoothd restarts by itself within seconds.
const FAILURE_GRACE: Duration = Duration::from_secs(20);

/// How long a radio that failed must listen without failing before it counts as mended. One that works for a moment,
/// again and again, goes on climbing.
const PROOF: Duration = Duration::from_mins(1);

/// Between the last rung and the next climb.
const REST: Duration = Duration::from_mins(30);

/// The ladder of one radio.
#[derive(Debug)]
pub struct RadioLadder {
    /// The longest silence that is normal here.
    quiet: Duration,
    /// Whether silence proves anything. Where only meters are awaited that come for a minute a week, the scan is
    /// begun anew once in a while, and nothing more.
    silence_is_telling: bool,
    state: State,
    /// Since when it has listened without failing, after a failure.
    listens: Option<Instant>,
    /// The last thing heard, or the last beginning of all.
    heard: Instant,
    told: bool,
    due: Option<RadioCare>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is known to be wrong.
    Well,
    /// It says that it fails, since then.
    Failing(Instant),
    /// This rung was taken then.
    Climbing { rung: Rung, since: Instant, why: Why },
    /// No rung helped.
    Resting { since: Instant, why: Why },
}

/// Why the ladder was climbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// It ends when the radio has listened for [`PROOF`].
    Failure,
    /// It ends when a device is heard; that the stronger rungs end the scan, and it begins again, says nothing.
    Silence,
}

impl State {
    const fn is_failure(self) -> bool {
        match self {
            Self::Failing(_)
            | Self::Climbing { why: Why::Failure, .. }
            | Self::Resting { why: Why::Failure, .. } => true,
            Self::Well
            | Self::Climbing { why: Why::Silence, .. }
            | Self::Resting { why: Why::Silence, .. } => false,
        }
    }
}

impl RadioLadder {
    /// A ladder for a home whose devices are heard at least every `quiet`, or where no silence is too long.
    pub fn new(quiet: Duration, silence_is_telling: bool, now: Instant) -> Self {
        Self {
            quiet,
            silence_is_telling,
            state: State::Well,
            listens: None,
            heard: now,
            told: false,
            due: None,
        }
    }

    /// A device was heard.
    pub fn handle_heard(&mut self, now: Instant) {
        self.heard = now;
        if self.state.is_failure() {
            self.listens.get_or_insert(now);
        } else {
            self.state = State::Well;
        }
        self.due = std::mem::take(&mut self.told).then_some(RadioCare::HeardAgain);
    }

    /// The radio says that it listens.
    pub fn handle_listening(&mut self, now: Instant) {
        if self.state.is_failure() {
            self.listens.get_or_insert(now);
        }
    }

    /// The radio says that it does not work.
    pub fn handle_failed(&mut self, now: Instant) {
        self.listens = None;
        match self.state {
            // While it rests nothing of ours can have ended the scan.
            State::Well | State::Resting { why: Why::Silence, .. } => self.state = State::Failing(now),
            State::Failing(_) | State::Climbing { .. } | State::Resting { why: Why::Failure, .. } => {}
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        if let Some(since) = self.listens.take() {
            // The failure is over; whether the radio hears is another question, asked from now on.
            self.heard = self.heard.max(since);
            self.state = State::Well;
            return;
        }
        match self.state {
            State::Well | State::Resting { why: Why::Silence, .. } => {
                self.take(Rung::RestartScan, now, Why::Silence);
            }
            // A scan that cannot be begun need not be begun again.
            State::Failing(_) | State::Resting { why: Why::Failure, .. } => {
                self.take(Rung::PowerCycle, now, Why::Failure);
            }
            State::Climbing { rung: Rung::RestartScan, .. } if !self.silence_is_telling => {
                self.state = State::Well;
                self.heard = now;
            }
            State::Climbing { rung: Rung::RestartScan, why, .. } => self.take(Rung::PowerCycle, now, why),
            State::Climbing { rung: Rung::PowerCycle, why, .. } => self.take(Rung::RestartDaemon, now, why),
            State::Climbing { rung: Rung::RestartDaemon, why, .. } => {
                self.state = State::Resting { since: now, why };
                if why == Why::Silence && !std::mem::replace(&mut self.told, true) {
                    self.due = Some(RadioCare::Silent);
                }
            }
        }
    }

    /// When time will have to be told.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if let Some(since) = self.listens {
            return Some(since.after(PROOF));
        }
        Some(match self.state {
            State::Well => self.heard.after(self.quiet),
            State::Failing(since) => since.after(FAILURE_GRACE),
            State::Climbing { since, .. } => since.after(self.quiet.min(PATIENCE)),
            State::Resting { since, .. } => since.after(REST),
        })
    }

    /// Whether something is to be done.
    pub fn has_output(&self) -> bool {
        self.due.is_some()
    }

    /// What is to be done, once.
    pub fn poll_output(&mut self) -> Option<RadioCare> {
        self.due.take()
    }

    fn take(&mut self, rung: Rung, now: Instant, why: Why) {
        self.state = State::Climbing { rung, since: now, why };
        self.due = Some(RadioCare::Take(rung));
    }
}

#[cfg(test)]
mod tests;
