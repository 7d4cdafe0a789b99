//! One device under supervision.

use serde::{Deserialize, Serialize};
use varde_wire::{Change, DeviceId, Instant, Trouble};

use super::battery::Battery;
use super::contact::Contact;
use super::signal::Signal;
use super::trouble::{Edge, hold};
use super::{Condition, Expectation};
use crate::held::Held;

/// What is known of a device. Its memory is bounded: nothing in it grows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Thing {
    pub(super) contact: Contact,
    battery: Battery,
    mains: Held<bool>,
    tamper: Held<bool>,
    clock: Held<bool>,
    signal: Signal,
    weak: Held<bool>,
    user: Held<bool>,
}

impl Thing {
    pub(super) fn new(expectation: &Expectation, now: Instant) -> Self {
        Self {
            contact: Contact::new(expectation, now),
            battery: Battery::new(),
            mains: Held::new(false),
            tamper: Held::new(false),
            clock: Held::new(false),
            signal: Signal::default(),
            weak: Held::new(false),
            user: Held::new(false),
        }
    }

    pub(super) fn say(&mut self, condition: Condition, now: Instant) {
        match condition {
            Condition::Mains(has) => self.mains.say(!has, now),
            Condition::Tampered(is) => self.tamper.say(is, now),
            Condition::ClockRight(is) => self.clock.say(!is, now),
            Condition::UserKnown(is) => self.user.say(!is, now),
            Condition::Charge(_)
            | Condition::BatteryLow
            | Condition::BatteryEmpty
            | Condition::BatteryWell => self.battery.say(condition, now),
        }
    }

    /// Nothing is wrong with it from now on.
    pub(super) fn heal(&mut self, now: Instant) {
        for condition in [
            Condition::Mains(true),
            Condition::Tampered(false),
            Condition::ClockRight(true),
            Condition::UserKnown(true),
            Condition::BatteryWell,
        ] {
            self.say(condition, now);
        }
        self.weak.say(false, now);
    }

    pub(super) fn hear_signal(&mut self, dbm: i8, now: Instant) {
        let weak = self.signal.hear(dbm, self.weak.is());
        self.weak.say(weak, now);
    }

    /// The gateway was off until now.
    pub(super) fn resume(&mut self, now: Instant) {
        self.battery.resume(now);
    }

    /// When something of it is to be told, but for its silence.
    pub(super) fn due(&self) -> Option<Instant> {
        let held = self.held().into_iter().filter_map(|(trouble, held)| held.due(|is| hold(trouble, is)));
        held.chain(self.battery.due()).min()
    }

    /// What is to be told of it now, but for its silence.
    pub(super) fn tell(&mut self, device: &DeviceId, now: Instant, tell: &mut impl FnMut(Edge)) {
        for (trouble, held) in [
            (Trouble::Mains, &mut self.mains),
            (Trouble::Tamper, &mut self.tamper),
            (Trouble::Clock, &mut self.clock),
            (Trouble::Signal, &mut self.weak),
            (Trouble::User, &mut self.user),
        ] {
            if let Some(turn) = held.turn(now, |is| hold(trouble, is)) {
                let change = if turn.to { Change::Began } else { Change::Over };
                let at = turn.since.after(hold(trouble, turn.to));
                tell(Edge { device: device.clone(), trouble, change, since: turn.since, at });
            }
        }
        for told in self.battery.tell(now) {
            let super::battery::Told { trouble, change, since, at } = told;
            tell(Edge { device: device.clone(), trouble, change, since, at });
        }
    }

    fn held(&self) -> [(Trouble, &Held<bool>); 5] {
        [
            (Trouble::Mains, &self.mains),
            (Trouble::Tamper, &self.tamper),
            (Trouble::Clock, &self.clock),
            (Trouble::Signal, &self.weak),
            (Trouble::User, &self.user),
        ]
    }
}
