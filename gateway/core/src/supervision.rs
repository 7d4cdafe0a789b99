//! Supervision of things: no device falls silent, runs empty or is tampered with unnoticed.
//!
//! Every trouble has its beginning and its end, each told once and with its exact times; what flaps within its hold
//! time is not told. A missing device is looked for only while the gateway can hear it: while a link is down, its own
//! fault tells of it, and none of its devices is reported missing besides. Troubles of one cause that come
//! together are one [`Story`].
//!
//! All instants are life times ([`crate::LifeClock`]), so that a state may be saved and restored in another boot.

mod battery;
mod condition;
mod contact;
mod signal;
mod storm;
mod thing;
mod trouble;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{Change, DeviceId, Instant, Phase, Trouble};

pub use battery::{EMPTY_PERCENT, HYSTERESIS_PERCENT, LOW_PERCENT, REMINDER};
pub use condition::Condition;
pub use signal::{HYSTERESIS_DB, WEAK_DBM};
pub use storm::{AFTERMATH, GATHERING, STORM_DEVICES, STORM_WINDOW};
pub use trouble::Edge;

use crate::saved;
use storm::Storm;
use thing::Thing;

const VERSION: u8 = 1;

/// Longer than any trouble's end has to last before it is told.
const HEALED: Duration = Duration::from_hours(48);

/// What is expected of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// It speaks at least this often.
    pub interval: Duration,
    /// After so long a silence it is missing; at least twice `interval`, because radio loses telegrams.
    pub silent_after: Duration,
    /// The link on which it is heard.
    pub link: LinkNumber,
    /// It lives on mains: in a power cut its silence explains itself.
    pub on_mains: bool,
}

impl Expectation {
    /// As both times: its silence is not told.
    pub const NEVER: Duration = Duration::MAX;

    /// It speaks at least so often, and is missing after twice that; with none, its silence is not told.
    #[must_use]
    pub const fn every(self, interval: Option<Duration>) -> Self {
        let (interval, silent_after) = match interval {
            Some(interval) => (interval, interval.saturating_mul(2)),
            None => (Self::NEVER, Self::NEVER),
        };
        Self { interval, silent_after, ..self }
    }
}

/// A radio or port, as the caller numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkNumber(pub u8);

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// One trouble of one device.
    Single(Edge),
    /// Many that have one cause.
    Story(Story),
}

/// One cause, many devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What is behind it.
    pub cause: Cause,
    /// Where it stands.
    pub phase: Phase,
    /// What is new in it, each with its own times.
    pub edges: Vec<Edge>,
    /// Who of it is in trouble now. When the story is over these did not come back.
    pub out: Vec<DeviceId>,
    /// When this was told.
    pub at: Instant,
}

/// What is behind a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Devices lost their mains.
    PowerCut,
    /// Devices fell silent, and nothing says why.
    Silence,
}

/// Every device of the home.
#[derive(Debug)]
pub struct Supervision {
    expectations: BTreeMap<DeviceId, Expectation>,
    state: State,
    /// When something is due.
    next: Option<Instant>,
    findings: VecDeque<Finding>,
    strange: u64,
}

/// What outlives a restart.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// When this was right.
    at: Instant,
    things: BTreeMap<DeviceId, Thing>,
    /// Links that are down, since then.
    down: BTreeMap<LinkNumber, Instant>,
    power: Storm,
    silence: Storm,
}

impl Supervision {
    /// Devices of which nothing is known yet.
    pub fn new(expectations: BTreeMap<DeviceId, Expectation>, now: Instant) -> Self {
        let things =
            expectations.iter().map(|(id, expected)| (id.clone(), Thing::new(expected, now))).collect();
        let (power, silence) = (Storm::default(), Storm::default());
        let state = State { at: now, things, down: BTreeMap::new(), power, silence };
        let findings = VecDeque::new();
        let mut supervision = Self { expectations, state, next: None, findings, strange: 0 };
        supervision.plan();
        supervision
    }

    /// Goes on from a [`Self::snapshot`], or from the beginning where the bytes are none. The gateway has heard nothing
    /// since `deaf_since` ([`crate::LifeClock::alive_until`]). Devices that are new begin now, of those that are gone every
    /// trouble is over. A link that was down is taken to be down still; say of each how it is.
    pub fn restore(
        expectations: BTreeMap<DeviceId, Expectation>,
        bytes: &[u8],
        deaf_since: Instant,
        now: Instant,
    ) -> Self {
        let mut fresh = Self::new(expectations, now);
        let Some(mut saved) = saved::read::<State>(VERSION, bytes) else { return fresh };
        let gone = saved.things.extract_if(.., |id, _| !fresh.expectations.contains_key(id));
        let gone: Vec<(DeviceId, Thing)> = gone.collect();
        for (id, thing) in std::mem::take(&mut fresh.state.things) {
            saved.things.entry(id).or_insert(thing);
        }
        for (id, thing) in &mut saved.things {
            thing.resume(now);
            let Some(expected) = fresh.expectations.get(id) else { continue };
            if !saved.down.contains_key(&expected.link) {
                thing.contact.deaf(deaf_since.max(saved.at), now, expected.interval);
            }
        }
        saved.at = now;
        fresh.state = saved;
        for (id, expectation) in fresh.expectations.clone() {
            fresh.expect(&id, expectation, now);
        }
        for (id, thing) in gone {
            fresh.part_with(&id, thing, now);
        }
        // What became due while the gateway was off is told now, and only once.
        fresh.settle(now);
        fresh
    }

    /// What is known, to be saved in the same transaction as what it told: take every output first.
    pub fn snapshot(&self) -> Vec<u8> {
        saved::bytes(VERSION, &self.state)
    }

    /// From now on this is expected of a device.
    pub fn handle_expectation(&mut self, device: &DeviceId, expectation: Expectation, now: Instant) {
        self.handle_timeout(now);
        self.expect(device, expectation, now);
        self.act(now);
    }

    /// A device was heard, with this strength where the radio says so.
    pub fn handle_heard(&mut self, device: &DeviceId, rssi_dbm: Option<i8>, now: Instant) {
        self.handle_timeout(now);
        let (Some(thing), Some(expected)) =
            (self.state.things.get_mut(device), self.expectations.get(device))
        else {
            self.strange = self.strange.saturating_add(1);
            return;
        };
        if let Some(dbm) = rssi_dbm {
            thing.hear_signal(dbm, now);
        }
        if thing.contact.hear(expected, now) {
            let (trouble, change) = (Trouble::Contact, Change::Over);
            self.tell(Edge { device: device.clone(), trouble, change, since: now, at: now }, now);
        }
        self.act(now);
    }

    /// A device says something of itself. That it was heard is told by [`Self::handle_heard`].
    pub fn handle_condition(&mut self, device: &DeviceId, condition: Condition, now: Instant) {
        self.handle_timeout(now);
        match self.state.things.get_mut(device) {
            Some(thing) => thing.say(condition, now),
            None => self.strange = self.strange.saturating_add(1),
        }
        self.act(now);
    }

    /// A link cannot hear. Its own fault is told by whoever meets it.
    pub fn handle_link_down(&mut self, link: LinkNumber, now: Instant) {
        self.handle_timeout(now);
        self.state.down.entry(link).or_insert(now);
        self.act(now);
    }

    /// A link hears again.
    pub fn handle_link_up(&mut self, link: LinkNumber, now: Instant) {
        self.handle_timeout(now);
        let Some(since) = self.state.down.remove(&link) else { return };
        for (id, expected) in self.expectations.iter().filter(|(_, expected)| expected.link == link) {
            if let Some(thing) = self.state.things.get_mut(id) {
                thing.contact.deaf(since, now, expected.interval);
            }
        }
        self.act(now);
    }

    /// Time has passed. What became due is told in the order in which it did, however late this is called.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.next.filter(|due| *due <= now) {
            self.settle(due);
        }
        self.state.at = self.state.at.max(now);
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// What is to be told, in its order.
    pub fn poll_output(&mut self) -> Option<Finding> {
        self.findings.pop_front()
    }

    /// Whether this device can be relied on: it is not missing, and its link hears. None for strangers.
    pub fn is_heard(&self, device: &DeviceId) -> Option<bool> {
        let (thing, expected) = (self.state.things.get(device)?, self.expectations.get(device)?);
        Some(!thing.contact.is_missing() && !self.state.down.contains_key(&expected.link))
    }

    /// Whether this device is missing. One whose link cannot hear is not, unless it was before.
    pub fn is_missing(&self, device: &DeviceId) -> bool {
        self.state.things.get(device).is_some_and(|thing| thing.contact.is_missing())
    }

    /// How often something was said of a device that is none of the home's.
    pub fn strange(&self) -> u64 {
        self.strange
    }

    /// A device is none of the home's any more: what was wrong with it is wrong with nobody.
    fn part_with(&mut self, device: &DeviceId, mut thing: Thing, now: Instant) {
        let mut edges = Vec::new();
        thing.heal(now);
        thing.tell(device, now.after(HEALED), &mut |edge| edges.push(Edge { at: now, ..edge }));
        if thing.contact.is_missing() {
            let (trouble, since) = (Trouble::Contact, thing.contact.heard_last());
            edges.push(Edge { device: device.clone(), trouble, change: Change::Over, since, at: now });
        }
        for edge in edges {
            self.tell(edge, now);
        }
    }

    fn expect(&mut self, device: &DeviceId, expectation: Expectation, now: Instant) {
        let Some(thing) = self.state.things.get_mut(device) else {
            self.strange = self.strange.saturating_add(1);
            return;
        };
        self.expectations.insert(device.clone(), expectation);
        let heard = thing.contact.heard_last();
        if thing.contact.expect(&expectation, now) {
            let (trouble, change) = (Trouble::Contact, Change::Over);
            self.tell(Edge { device: device.clone(), trouble, change, since: heard, at: now }, now);
        }
    }

    fn settle(&mut self, now: Instant) {
        let mut edges = Vec::new();
        for (id, thing) in &mut self.state.things {
            thing.tell(id, now, &mut |edge| edges.push(edge));
            let hears = self.expectations.get(id).is_some_and(|e| !self.state.down.contains_key(&e.link));
            if let Some(at) = thing.contact.due().filter(|at| hears && *at <= now) {
                let since = thing.contact.heard_last();
                thing.contact.miss();
                let (trouble, change) = (Trouble::Contact, Change::Began);
                edges.push(Edge { device: id.clone(), trouble, change, since, at });
            }
        }
        for edge in edges {
            self.tell(edge, now);
        }
        self.state.power.tell(Cause::PowerCut, now, &mut self.findings);
        self.state.silence.tell(Cause::Silence, now, &mut self.findings);
        self.plan();
    }

    /// Does what is due after something happened.
    fn act(&mut self, now: Instant) {
        self.plan();
        self.handle_timeout(now);
    }

    fn plan(&mut self) {
        let things = self.state.things.iter();
        let things = things.flat_map(|(id, thing)| [thing.due(), self.missing_at(id, thing)]).flatten();
        self.next = things.chain(self.state.power.due()).chain(self.state.silence.due()).min();
    }

    fn missing_at(&self, id: &DeviceId, thing: &Thing) -> Option<Instant> {
        let link = self.expectations.get(id)?.link;
        thing.contact.due().filter(|_| !self.state.down.contains_key(&link))
    }

    /// Tells an edge, or gathers it with others that may have the same cause.
    fn tell(&mut self, edge: Edge, now: Instant) {
        let State { power, silence, .. } = &mut self.state;
        match edge.trouble {
            Trouble::Mains => power.gather(edge, now),
            Trouble::Contact => {
                let on_mains = self.expectations.get(&edge.device).is_some_and(|e| e.on_mains);
                let explained = on_mains && power.is_brewing() && !silence.holds(&edge.device, edge.trouble);
                if explained || power.holds(&edge.device, edge.trouble) {
                    power.gather(edge, now);
                } else {
                    silence.gather(edge, now);
                }
            }
            Trouble::BatteryLow
            | Trouble::BatteryEmpty
            | Trouble::Tamper
            | Trouble::Clock
            | Trouble::Signal
            | Trouble::User => self.findings.push_back(Finding::Single(edge)),
        }
    }
}

#[cfg(test)]
mod tests;
