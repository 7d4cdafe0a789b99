//! Supervision of people, computed in the home: what did not happen that should have.
//!
//! A rule counts time: from a sign of a person on (left the bed, used the door, moved), until another sign says
//! that all is well. When it has counted for as long as it says, it raises its alarm; when all is well afterwards,
//! it clears it. What each kind of rule counts stands at [`Watch`].
//!
//! Time counts only while the rule can judge: while every device that it needs is heard, the gateway is on, and, if it
//! goes by the time of day, the clock is set. When a rule cannot judge it says so, once, and again when it can. What was
//! counted before is kept, so that a flickering power supply cannot put an alarm off for ever.
//!
//! ```text
//!                  a sign of unrest              counted long enough
//!      [all is well] ────────────────► [counts] ────────────────────► [raised]
//!            ▲  ▲                       │    │ ▲                          │
//!            │  └── a sign of rest ─────┘    │ │ everything heard again   │
//!            │                     a device  ▼ │                          │
//!            │                     is silent [cannot judge: time stands]  │
//!            └───────────── a sign of rest: cleared ──────────────────────┘
//! ```
//!
//! All instants are life times ([`crate::LifeClock`]). What happens around the change to summer time and back is
//! defined at [`crate::HomeClock`].

mod rule;
mod sign;
mod watcher;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use varde_wire::{DeviceId, Instant};

pub use rule::{Awaited, Rule, Watch};
pub use sign::Sign;

use crate::{Now, saved};
use watcher::Watcher;

const VERSION: u8 = 1;

/// What a rule has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The rule's name.
    pub rule: String,
    /// What it says.
    pub verdict: Verdict,
    /// Since when this is so.
    pub at: Instant,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its alarm is to be raised.
    Raise,
    /// What it raised is over.
    Clear,
    /// It cannot judge.
    CannotJudge(Because),
    /// It can again.
    JudgesAgain,
}

/// Why a rule cannot judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// This device, which it needs, is silent.
    Silent(DeviceId),
    /// It goes by the time of day, and the gateway's clock is not set.
    ClockUnset,
}

/// The rules of a home, at work.
#[derive(Debug)]
pub struct Rules {
    watchers: Vec<Watcher>,
    now: Now,
    /// When something is due.
    next: Option<Instant>,
    judgements: VecDeque<Judgement>,
}

#[derive(Serialize, Deserialize)]
struct State<W> {
    at: Instant,
    watchers: W,
}

impl Rules {
    /// Rules that know of nothing yet.
    pub fn new(rules: Vec<Rule>, now: Now) -> Self {
        let watchers = rules.into_iter().map(|rule| Watcher::new(rule, now)).collect();
        let mut rules = Self { watchers, now, next: None, judgements: VecDeque::new() };
        rules.each(now, |watcher| watcher.listen(now));
        rules
    }

    /// Goes on from a [`Self::snapshot`], or from the beginning where the bytes are none. The gateway has heard nothing
    /// since `deaf_since` ([`crate::LifeClock::alive_until`]). A rule that was changed begins anew.
    pub fn restore(rules: Vec<Rule>, bytes: &[u8], deaf_since: Instant, now: Now) -> Self {
        let Some(mut saved) = saved::read::<State<Vec<Watcher>>>(VERSION, bytes) else {
            return Self::new(rules, now);
        };
        let deaf_since = deaf_since.max(saved.at).min(now.at);
        let watchers = rules.into_iter().map(|rule| {
            match saved.watchers.iter().position(|watcher| watcher.rule == rule) {
                Some(place) => saved.watchers.swap_remove(place),
                None => Watcher::new(rule, now),
            }
        });
        let watchers = watchers.collect();
        let saved_at = now.at(saved.at);
        let mut rules = Self { watchers, now: saved_at, next: None, judgements: VecDeque::new() };
        rules.each(saved_at, |watcher| {
            watcher.plan(saved_at);
            None
        });
        rules.pass(now.at(deaf_since));
        rules.each(rules.now, |watcher| {
            watcher.was_off(deaf_since);
            None
        });
        rules.handle_timeout(now);
        rules.each(now, |watcher| watcher.listen(now));
        rules.pass(now);
        rules
    }

    /// What is known, to be saved in the same transaction as what was told: take every output first.
    pub fn snapshot(&self) -> Vec<u8> {
        saved::bytes(VERSION, &State { at: self.now.at, watchers: &self.watchers })
    }

    /// A device gave a sign of a person.
    pub fn handle_sign(&mut self, device: &DeviceId, sign: Sign, now: Now) {
        self.handle_timeout(now);
        self.each(now, |watcher| {
            let effect = watcher.rule.effect(device, sign)?;
            watcher.sign(effect, now)
        });
        self.pass(now);
    }

    /// A device cannot be heard: it is missing, or its link is down.
    pub fn handle_silent(&mut self, device: &DeviceId, now: Now) {
        self.hear(device, false, now);
    }

    /// A device can be heard again.
    pub fn handle_heard_again(&mut self, device: &DeviceId, now: Now) {
        self.hear(device, true, now);
    }

    /// Time has passed, or the clock on the wall was changed. What became due is told in the order in which it did,
    /// however late this is called.
    pub fn handle_timeout(&mut self, now: Now) {
        // Until now the clock is taken to have gone on as it was known; what it was changed to holds from now on.
        let as_known = self.now.at(now.at);
        self.pass(as_known);
        self.now = now;
        if now != as_known {
            self.each(now, |watcher| {
                watcher.turn(now);
                watcher.listen(now)
            });
            self.pass(now);
        }
    }

    /// When [`Self::handle_timeout`] is due, if the clock is not changed before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// What the rules have come to, in its order.
    pub fn poll_output(&mut self) -> Option<Judgement> {
        self.judgements.pop_front()
    }

    /// The rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.watchers.iter().map(|watcher| &watcher.rule)
    }

    /// Lets everything happen that is due until then.
    fn pass(&mut self, until: Now) {
        while let Some(due) = self.next.filter(|due| *due <= until.at) {
            // What a clock that was put forward has passed over is due now.
            let due = until.at(due.max(self.now.at));
            self.now = due;
            self.each(due, |watcher| watcher.settle(due));
        }
    }

    fn hear(&mut self, device: &DeviceId, heard: bool, now: Now) {
        self.handle_timeout(now);
        self.each(now, |watcher| {
            watcher.rule.needs().any(|needed| needed == device).then_some(())?;
            watcher.hear(device, heard, now)
        });
        self.pass(now);
    }

    /// Has every rule do something, and works out when something is due after that.
    fn each(&mut self, now: Now, mut judge: impl FnMut(&mut Watcher) -> Option<Verdict>) {
        for watcher in &mut self.watchers {
            if let Some(verdict) = judge(watcher) {
                let rule = watcher.rule.name.clone();
                self.judgements.push_back(Judgement { rule, verdict, at: now.at });
            }
        }
        self.next = self.watchers.iter().filter_map(|watcher| watcher.due(now)).min();
    }
}
