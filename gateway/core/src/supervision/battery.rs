//! A battery's charge in three steps, with room between the step down and the step up.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{Change, Instant, Trouble};

use super::Condition;
use super::trouble;
use crate::held::Held;

/// At this percentage and below a battery is low.
pub const LOW_PERCENT: u8 = 15;

/// At this percentage and below it is empty.
pub const EMPTY_PERCENT: u8 = 3;

/// So much above the step down lies the step up: a warm room is no new battery.
pub const HYSTERESIS_PERCENT: u8 = 10;

/// Between reminders of a low battery.
pub const REMINDER: Duration = Duration::from_hours(24);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Charge {
    Empty,
    Low,
    Well,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Battery {
    charge: Held<Charge>,
    /// When its owner is reminded next.
    remind: Option<Instant>,
}

/// What is to be told of a battery.
pub(super) struct Told {
    pub(super) trouble: Trouble,
    pub(super) change: Change,
    pub(super) since: Instant,
    pub(super) at: Instant,
}

impl Battery {
    pub(super) const fn new() -> Self {
        Self { charge: Held::new(Charge::Well), remind: None }
    }

    pub(super) fn say(&mut self, condition: Condition, now: Instant) {
        let is = self.charge.is();
        let charge = match condition {
            Condition::Charge(percent) => step(is, percent),
            Condition::BatteryEmpty => Charge::Empty,
            Condition::BatteryLow => is.min(Charge::Low),
            Condition::BatteryWell => Charge::Well,
            Condition::Mains(_)
            | Condition::Tampered(_)
            | Condition::ClockRight(_)
            | Condition::UserKnown(_) => is,
        };
        self.charge.say(charge, now);
    }

    /// The gateway was off until now: reminders that it missed become one.
    pub(super) fn resume(&mut self, now: Instant) {
        self.remind = self.remind.map(|at| at.max(now));
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.charge.due(hold), self.remind].into_iter().flatten().min()
    }

    pub(super) fn tell(&mut self, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        if let Some(turn) = self.charge.turn(now, hold) {
            for (trouble, step) in
                [(Trouble::BatteryLow, Charge::Low), (Trouble::BatteryEmpty, Charge::Empty)]
            {
                let change = match (turn.from <= step, turn.to <= step) {
                    (false, true) => Change::Began,
                    (true, false) => Change::Over,
                    _ => continue,
                };
                told.push(Told { trouble, change, since: turn.since, at: turn.since.after(hold(turn.to)) });
            }
            self.remind = (turn.to != Charge::Well).then(|| now.after(REMINDER));
        }
        if let Some(at) = self.remind.filter(|at| *at <= now) {
            let trouble = match self.charge.told() {
                Charge::Empty => Trouble::BatteryEmpty,
                Charge::Low | Charge::Well => Trouble::BatteryLow,
            };
            told.push(Told { trouble, change: Change::Lasts, since: at, at });
            self.remind = Some(now.after(REMINDER));
        }
        told
    }
}

const fn hold(charge: Charge) -> Duration {
    trouble::hold(Trouble::BatteryLow, !matches!(charge, Charge::Well))
}

const fn step(is: Charge, percent: u8) -> Charge {
    const WELL: u8 = LOW_PERCENT.saturating_add(HYSTERESIS_PERCENT);
    const NO_LONGER_EMPTY: u8 = EMPTY_PERCENT.saturating_add(HYSTERESIS_PERCENT);
    match (is, percent) {
        (_, ..=EMPTY_PERCENT) => Charge::Empty,
        (Charge::Empty, ..=NO_LONGER_EMPTY) => Charge::Empty,
        (Charge::Well, ..=LOW_PERCENT) => Charge::Low,
        (Charge::Low | Charge::Empty, ..=WELL) => Charge::Low,
        (Charge::Well | Charge::Low | Charge::Empty, _) => Charge::Well,
    }
}
