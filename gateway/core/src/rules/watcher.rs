//! One rule at work: what it counts, and since when.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{DeviceId, Instant};

use super::rule::{Effect, Rule, Watch};
use super::{Because, Verdict};
use crate::Now;
use crate::home_clock::Day;

/// What a rule knows. Everything counts from instants that are moved forward by the time in which it was deaf.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Watcher {
    pub(super) rule: Rule,
    /// It counts since then.
    since: Option<Instant>,
    /// The window is open since then.
    opened: Option<Instant>,
    /// The day on which something is awaited, or was last.
    awaited: Option<AwaitedOn>,
    /// It has raised its alarm, and all is not well yet.
    raised: bool,
    silent: BTreeSet<DeviceId>,
    deaf: Option<Deaf>,
    /// When the time of day changes something next, by the clock as it was known last.
    #[serde(skip)]
    edge: Option<Instant>,
}

/// It cannot judge.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Deaf {
    since: Instant,
    /// It has been said; a restart of the gateway is not.
    told: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct AwaitedOn {
    day: Day,
    /// How long it was deaf within that day's time.
    lost: Duration,
    /// It came, or was missed, or is not awaited on that day.
    settled: bool,
}

impl Watcher {
    pub(super) fn new(rule: Rule, now: Now) -> Self {
        let mut watcher = Self {
            rule,
            since: None,
            opened: None,
            awaited: None,
            raised: false,
            silent: BTreeSet::new(),
            deaf: None,
            edge: None,
        };
        watcher.turn(now);
        // What happened today before the rule was there is not known.
        if let Some(awaited) = &mut watcher.awaited {
            awaited.settled = true;
        }
        watcher
    }

    /// When it has something to do, as far as it can be told by this clock.
    pub(super) fn due(&self, now: Now) -> Option<Instant> {
        [self.raises(now), self.edge].into_iter().flatten().min()
    }

    /// What is due at this moment.
    pub(super) fn settle(&mut self, now: Now) -> Option<Verdict> {
        if self.edge.is_some_and(|edge| edge <= now.at) {
            self.turn(now);
        }
        self.raises(now).filter(|at| *at <= now.at)?;
        self.raised = true;
        if let Some(awaited) = &mut self.awaited {
            awaited.settled = true;
        }
        Some(Verdict::Raise)
    }

    /// A sign of a device.
    pub(super) fn sign(&mut self, effect: Effect, now: Now) -> Option<Verdict> {
        let counts = self.opened.is_some() || self.rule.carries_over();
        match effect {
            Effect::Start if counts => self.since = self.since.or(Some(now.at)),
            Effect::Restart if counts => self.since = Some(now.at),
            Effect::StartOver => self.since = Some(now.at),
            Effect::Stop | Effect::Suspend => self.since = None,
            Effect::Start | Effect::Restart => {}
        }
        if !matches!(effect, Effect::Stop | Effect::StartOver) {
            return None;
        }
        if let Some(awaited) = &mut self.awaited {
            awaited.settled = true;
        }
        std::mem::take(&mut self.raised).then_some(Verdict::Clear)
    }

    /// A device that it needs is silent, or is heard again.
    pub(super) fn hear(&mut self, device: &DeviceId, heard: bool, now: Now) -> Option<Verdict> {
        if heard {
            self.silent.remove(device);
        } else {
            self.silent.insert(device.clone());
        }
        self.listen(now)
    }

    /// It has heard nothing since then, and nobody knew.
    pub(super) fn was_off(&mut self, since: Instant) {
        self.deaf.get_or_insert(Deaf { since, told: false });
    }

    /// Looks whether it can judge.
    pub(super) fn listen(&mut self, now: Now) -> Option<Verdict> {
        let because = match self.silent.first() {
            Some(device) => Some(Because::Silent(device.clone())),
            None => (self.rule.needs_clock() && now.home.is_none()).then_some(Because::ClockUnset),
        };
        match because {
            Some(because) => {
                let deaf = self.deaf.get_or_insert(Deaf { since: now.at, told: false });
                (!std::mem::replace(&mut deaf.told, true)).then_some(Verdict::CannotJudge(because))
            }
            None => {
                let deaf = self.deaf.take()?;
                self.forgive(deaf.since, now);
                deaf.told.then_some(Verdict::JudgesAgain)
            }
        }
    }

    /// When it raises its alarm, if nothing happens.
    fn raises(&self, now: Now) -> Option<Instant> {
        if self.deaf.is_some() {
            return None;
        }
        let Some(within) = self.rule.within() else { return self.missed(now) };
        let counts_since = self.since?.max(self.opened?);
        (!self.raised).then(|| counts_since.after(within))
    }

    /// When what is awaited today is missed.
    fn missed(&self, now: Now) -> Option<Instant> {
        let (Watch::NothingBy { since, by, .. }, Some(clock)) = (&self.rule.watch, now.home) else {
            return None;
        };
        let awaited = self.awaited.filter(|awaited| !awaited.settled)?;
        let day = if by > since { awaited.day } else { awaited.day.saturating_add(1) };
        Some(now.instant(&clock, clock.comes(day, *by)).after(awaited.lost))
    }

    /// What the time of day changes, and a clock that was set: the window opens or closes, another day's time begins.
    pub(super) fn turn(&mut self, now: Now) {
        self.plan(now);
        let open = match (&self.rule.window, now.home) {
            (None, _) => true,
            (Some(window), Some(clock)) => window.is_open(&clock),
            // Not known: as it was.
            (Some(_), None) => self.opened.is_some(),
        };
        match (open, self.opened) {
            (true, None) => self.opened = Some(now.at),
            (false, Some(_)) => {
                self.opened = None;
                if !self.rule.carries_over() {
                    self.since = None;
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
        if let (Watch::NothingBy { since, days, .. }, Some(clock)) = (&self.rule.watch, now.home) {
            let (today, _) = clock.shown();
            let begun = clock.comes(today, *since) <= clock.wall;
            let day = if begun { today } else { today.saturating_sub(1) };
            // A clock that goes back does not make a day come twice.
            if self.awaited.is_none_or(|awaited| awaited.day < day) {
                self.awaited = Some(AwaitedOn { day, lost: Duration::ZERO, settled: !days.has(day) });
            }
        }
    }

    /// Works out when the time of day changes something next.
    pub(super) fn plan(&mut self, now: Now) {
        self.edge = now.home.and_then(|clock| {
            let wall = match (&self.rule.watch, &self.rule.window) {
                (Watch::NothingBy { since, .. }, _) => clock.next(&[*since]),
                (_, Some(window)) => window.next_edge(&clock),
                (_, None) => None,
            };
            wall.map(|wall| now.instant(&clock, wall))
        });
    }

    /// The time in which it was deaf does not count.
    fn forgive(&mut self, from: Instant, now: Now) {
        let moved = |instant: Instant| instant.after(now.at.since(from.max(instant)));
        self.since = self.since.map(moved);
        self.opened = self.opened.map(moved);
        if let (Watch::NothingBy { since, .. }, Some(clock), Some(awaited)) =
            (&self.rule.watch, now.home, &mut self.awaited)
        {
            let began = now.instant(&clock, clock.comes(awaited.day, *since));
            awaited.lost = awaited.lost.saturating_add(now.at.since(from.max(began)));
        }
    }
}
