//! Staff in the home: for a limited time, because a visit that nobody ends must not hold alarms back for ever.

use serde::{Deserialize, Serialize};
use varde_wire::Instant;

/// Staff came, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitStep {
    /// They came, or said that they will stay longer.
    Began {
        /// When.
        at: Instant,
        /// When they are taken to be gone.
        until: Instant,
    },
    /// They said that they are gone.
    Ended {
        /// When.
        at: Instant,
    },
    /// Nobody said so, and their time is over.
    TimeUp {
        /// When.
        at: Instant,
    },
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Visit {
    until: Option<Instant>,
}

impl Visit {
    pub(super) fn is_on(&self) -> bool {
        self.until.is_some()
    }

    pub(super) fn begin(&mut self, until: Instant, now: Instant) -> Option<VisitStep> {
        if until <= now {
            return None;
        }
        self.until = Some(until);
        Some(VisitStep::Began { at: now, until })
    }

    pub(super) fn end(&mut self, now: Instant) -> Option<VisitStep> {
        self.until.take().map(|_| VisitStep::Ended { at: now })
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn pass(&mut self, now: Instant) -> Option<VisitStep> {
        self.until.filter(|until| *until <= now)?;
        self.until = None;
        Some(VisitStep::TimeUp { at: now })
    }
}
