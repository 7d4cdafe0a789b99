//! Who is silent: decided here, without a clock, a database or a broker.
//!
//! A gateway is silent when three of its heartbeats did not come while the hub could have heard them. So time in which
//! the hub itself was off, without its broker, or stopped in its tracks counts against nobody. What was decided comes out
//! of [`Judge::poll_output`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use varde_wire::{Instant, LifeState};

use crate::store::GatewayRow;

/// How many heartbeats may be missed.
const MISSED: u32 = 3;

/// What a heartbeat may be late by, beyond that: networks are not even.
const SLACK: Duration = Duration::from_secs(5);

/// How long gateways have to come back to a broker that was away, or to a hub: they wait up to a minute between two
/// attempts, and notice a dead connection after most of another.
const RETURN: Duration = Duration::from_secs(180);

/// How long a gateway that said that it stops may stay away: a restart, a new version, a new place on the shelf.
const PLANNED: Duration = Duration::from_secs(15 * 60);

/// A hub that did not look for so long was stopped itself.
const STALL: Duration = Duration::from_secs(15);

/// Where fewer fall silent at once, it is their story and not the network's.
const MANY: usize = 5;

/// Within so long after each other, or within an interval of theirs if that is longer, is at once.
const AT_ONCE: Duration = Duration::from_secs(60);

/// How a gateway stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is heard.
    Living,
    /// It said that it stops.
    Stopped,
    /// It should have been heard, and was not.
    Silent {
        /// Whether that is part of the story of many.
        merged: bool,
    },
}

impl Standing {
    /// That of a gateway whose newest heartbeat says so.
    pub(crate) const fn of(state: LifeState) -> Self {
        match state {
            LifeState::Running => Self::Living,
            LifeState::Stopping => Self::Stopped,
        }
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A gateway fell silent.
    Silent {
        gateway: GatewayRow,
        /// It had said that it stops, and did not come back.
        after_stop: bool,
        /// Part of the story of many, that is told once.
        merged: bool,
    },
    /// One that was silent is heard.
    Restored { gateway: GatewayRow, merged: bool },
    /// More than half of those that should have been heard fell silent at once: rather the broker or the network.
    ManySilent,
    /// Most of them are heard again. Those that are not are told each by itself, behind this.
    ManyRestored,
    /// One of the many that did not come back with them.
    StillSilent { gateway: GatewayRow },
}

/// Decides who is silent.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// Since when gateways can be heard; none while they cannot.
    hearing_since: Option<Instant>,
    looked: Option<Instant>,
    watched: BTreeMap<GatewayRow, Watched>,
    many: Option<Many>,
    outputs: VecDeque<Notice>,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    every: Duration,
    standing: Standing,
    /// The last sign of life that this hub heard itself.
    heard: Option<Instant>,
    /// When this hub last found it silent, other than after a planned stop.
    fell: Option<Instant>,
}

/// The story of many that fell silent at once.
#[derive(Debug, Default)]
struct Many {
    silent: BTreeSet<GatewayRow>,
    peak: usize,
    /// When the last of them fell silent; none where that was before this hub began.
    last: Option<Instant>,
    /// Since when three quarters of them are back.
    returning: Option<Instant>,
}

impl Judge {
    /// Takes up what an earlier hub knew of a gateway.
    pub(crate) fn recall(&mut self, gateway: GatewayRow, every_s: u32, standing: Standing) {
        let every = Duration::from_secs(every_s.into());
        self.watched.insert(gateway, Watched { every, standing, heard: None, fell: None });
        if standing == (Standing::Silent { merged: true }) {
            let many = self.many.get_or_insert_default();
            many.silent.insert(gateway);
            many.peak = many.silent.len();
        }
    }

    /// Gateways can be heard from now on.
    pub(crate) const fn handle_hearing(&mut self, now: Instant) {
        self.hearing_since = Some(now);
    }

    /// They cannot be heard any more.
    pub(crate) const fn handle_deaf(&mut self) {
        self.hearing_since = None;
    }

    /// A heartbeat that counts.
    pub(crate) fn handle_heartbeat(
        &mut self,
        gateway: GatewayRow,
        every_s: u32,
        state: LifeState,
        now: Instant,
    ) {
        let every = Duration::from_secs(every_s.into());
        let first = Watched { every, standing: Standing::Living, heard: None, fell: None };
        self.watched.entry(gateway).or_insert(first).every = every;
        self.live(gateway, now);
        if let Some(watched) = self.watched.get_mut(&gateway) {
            watched.standing = Standing::of(state);
        }
    }

    /// Another sign of life. It makes nobody watched who never sent a heartbeat, and one that stops sends its last
    /// batches before.
    pub(crate) fn handle_batch(&mut self, gateway: GatewayRow, now: Instant) {
        match self.watched.get(&gateway).map(|watched| watched.standing) {
            Some(Standing::Living | Standing::Silent { .. }) => self.live(gateway, now),
            Some(Standing::Stopped) | None => {}
        }
    }

    /// Looks whose time is over. To be called every second or so.
    pub(crate) fn handle_look(&mut self, now: Instant) {
        let looked = self.looked.replace(now);
        if looked.is_some_and(|looked| now.since(looked) > STALL) && self.hearing_since.is_some() {
            self.hearing_since = Some(now);
        }
        let due = |watched: &Watched| self.deadline(watched).is_some_and(|deadline| deadline <= now);
        let late: Vec<GatewayRow> =
            self.watched.iter().filter(|(_, watched)| due(watched)).map(|(gateway, _)| *gateway).collect();
        for gateway in late {
            self.fall(gateway, now);
        }
        self.look_at_many(now);
    }

    /// What was decided, oldest first.
    pub(crate) fn poll_output(&mut self) -> Option<Notice> {
        self.outputs.pop_front()
    }

    /// When a gateway falls silent if nothing is heard of it; none where it is silent, or nobody can hear it.
    fn deadline(&self, watched: &Watched) -> Option<Instant> {
        let since = self.hearing_since?;
        let missed = watched.every.saturating_mul(MISSED).saturating_add(SLACK);
        let heard = watched.heard.filter(|heard| *heard >= since);
        let patience = match (watched.standing, heard) {
            (Standing::Living, Some(_)) => missed,
            (Standing::Living, None) => missed.max(RETURN),
            (Standing::Stopped, _) => missed.max(PLANNED),
            (Standing::Silent { .. }, _) => return None,
        };
        Some(heard.unwrap_or(since).after(patience))
    }

    fn live(&mut self, gateway: GatewayRow, now: Instant) {
        let Some(watched) = self.watched.get_mut(&gateway) else { return };
        watched.heard = Some(now);
        if let Standing::Silent { merged } = std::mem::replace(&mut watched.standing, Standing::Living) {
            self.outputs.push_back(Notice::Restored { gateway, merged });
            if let Some(many) = &mut self.many {
                many.silent.remove(&gateway);
            }
        }
    }

    fn fall(&mut self, gateway: GatewayRow, now: Instant) {
        let Some(watched) = self.watched.get_mut(&gateway) else { return };
        let (after_stop, every) = (watched.standing == Standing::Stopped, watched.every);
        watched.standing = Standing::Silent { merged: false };
        // One that was switched off has a story of its own.
        watched.fell = (!after_stop).then_some(now);
        let merged = !after_stop && self.join_many(gateway, every, now);
        self.outputs.push_back(Notice::Silent { gateway, after_stop, merged });
    }

    /// Puts a gateway that fell silent into the story of many, if there is one now.
    fn join_many(&mut self, gateway: GatewayRow, every: Duration, now: Instant) -> bool {
        let window = every.max(AT_ONCE);
        let lately = |at: Option<Instant>| at.is_some_and(|at| now.since(at) <= window);
        // An old story of gateways that never come back must not swallow a new one.
        if !lately(self.many.as_ref().and_then(|many| many.last)) {
            let fell = |watched: &&Watched| {
                lately(watched.fell) && matches!(watched.standing, Standing::Silent { .. })
            };
            let fell = self.watched.values().filter(fell).count();
            let heard = self.watched.values().filter(|watched| lately(watched.heard)).count();
            if fell < MANY || fell <= heard {
                return false;
            }
            self.outputs.push_back(Notice::ManySilent);
        }
        let many = self.many.get_or_insert_default();
        many.silent.insert(gateway);
        many.peak = many.peak.max(many.silent.len());
        many.last = Some(now);
        self.set_merged(gateway, true);
        true
    }

    /// The story ends when all are back; or when three quarters are, and the others had time to follow them.
    fn look_at_many(&mut self, now: Instant) {
        let Some(many) = &mut self.many else { return };
        if many.silent.len().saturating_mul(4) > many.peak {
            many.returning = None;
            return;
        }
        let returning = *many.returning.get_or_insert(now);
        if !many.silent.is_empty() && now.since(returning) < RETURN {
            return;
        }
        let left = std::mem::take(&mut many.silent);
        self.many = None;
        self.outputs.push_back(Notice::ManyRestored);
        for gateway in left {
            self.set_merged(gateway, false);
            self.outputs.push_back(Notice::StillSilent { gateway });
        }
    }

    fn set_merged(&mut self, gateway: GatewayRow, merged: bool) {
        if let Some(watched) = self.watched.get_mut(&gateway) {
            watched.standing = Standing::Silent { merged };
        }
    }
}

#[cfg(test)]
mod tests;
