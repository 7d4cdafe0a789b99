//! A dispenser's week in simulated time: plan and change of plan, power cuts on both sides, a line that garbles and is
//! cut, the night when the clock goes back, a hub that is out of reach for three days, and a record there that has to
//! equal what happened.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

mod uplink;

use std::collections::BTreeMap;

use varde_device_link::{self as link, Event, How, Portion, Request, What};
use varde_drivers::{
    Channel, ClockChange, HomeTime, Input, Order, Output, SerialDevice, SerialOptions, SerialRoster, Session,
};
use varde_tests::sim::{
    chance::Chance,
    dispenser::{Flash, Habit, Machine, Person},
};
use varde_wire::{
    Action, DeviceId, Dose, DosingPlan, Event as Word, Instant, Metric, Observation, Stage, Value, Weekdays,
};

use uplink::Uplink;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Monday 2026-10-19, midnight in Oslo.
const MONDAY_S: u64 = 1_792_360_800;
/// Sunday 2026-10-25, 03:00 in Oslo, when it becomes 02:00.
const CHANGE_S: u64 = 1_792_890_000;

/// How long the disk takes.
const COMMIT_MS: u64 = 200;

const MORNING: u16 = 1;
const AFTERNOON: u16 = 2;
const EVENING: u16 = 3;
const NIGHT: u16 = 4;

#[test]
fn after_a_week_of_power_cuts_and_a_bad_line_the_record_equals_what_happened() {
    for seed in 1..=4 {
        let mut home = Home::new(seed);
        home.order(Action::Plan(plan(1)));
        home.live_until(MONDAY_S + DAY + 7 * HOUR + 55 * 60);
        // Tuesday: the dispenser has no power when its morning dose is due, and when its window ends.
        home.cut_device();
        home.live_until(MONDAY_S + DAY + 10 * HOUR);
        home.switch_device_on();
        home.live_until(MONDAY_S + 2 * DAY + 13 * HOUR);
        // Wednesday: the gateway has none for two hours.
        home.cut_gateway();
        home.live_until(MONDAY_S + 2 * DAY + 15 * HOUR);
        home.switch_gateway_on();
        home.live_until(MONDAY_S + 3 * DAY + 12 * HOUR + 45 * 60);
        // Thursday: a new plan, while power comes and goes on both sides.
        home.order(Action::Plan(plan(2)));
        for _ in 0..6 {
            home.live_for_ms(400);
            home.cut_device();
            home.switch_device_on();
            home.live_for_ms(300);
            home.cut_gateway();
            home.switch_gateway_on();
        }
        // Until Sunday the hub is out of reach. Until Friday morning, doses are asked for, and the gateway is killed each
        // time.
        home.uplink.set_online(false);
        for _ in 0..20 {
            home.live_for_ms(HOUR * 1000);
            home.order(Action::Dispense { compartment: None });
            let ms = home.chance.below(800);
            home.live_for_ms(ms);
            home.cut_gateway();
            home.switch_gateway_on();
            let ms = home.chance.below(800);
            home.live_for_ms(ms);
            if home.chance.percent(50) {
                home.cut_device();
                home.switch_device_on();
            }
        }
        home.live_until(MONDAY_S + 6 * DAY + 13 * HOUR);
        home.uplink.set_online(true);
        home.live_until(MONDAY_S + 7 * DAY + HOUR + HOUR);

        home.check(seed);
    }
}

fn plan(version: u32) -> DosingPlan {
    let dose = |id, minute| Dose {
        id,
        minute,
        weekdays: Weekdays::ALL,
        window_minutes: 60,
        compartment: Some(1),
        count: 1,
    };
    let doses = vec![
        dose(MORNING, 8 * 60),
        dose(AFTERNOON, 14 * 60 + 15),
        dose(EVENING, 20 * 60),
        dose(NIGHT, 2 * 60 + 30),
    ];
    DosingPlan {
        version,
        zone: "Europe/Oslo".parse().unwrap(),
        from: None,
        until: None,
        doses,
        travel_until: None,
        paused_until: None,
    }
}

fn person() -> Person {
    Person::who(Habit::Takes { after_s: 300 })
        .but(AFTERNOON, Habit::Refuses { after_s: 120 })
        .but(EVENING, Habit::Ignores)
}

/// The gateway's part and the dispenser's, and the model of both.
struct Home {
    chance: Chance,
    now_ms: u64,

    machine: Option<Machine>,
    flash: Flash,
    /// Everything that ever happened at the dispenser.
    happened: Vec<Event>,
    dispensed_on_demand: usize,

    session: Option<Box<dyn Session>>,
    memory: Option<Vec<u8>>,
    /// Read and not yet on the disk, with when it will be.
    uncommitted: Vec<Vec<Observation>>,
    /// What is to be remembered with it.
    uncommitted_memory: Option<Vec<u8>>,
    commit_at_ms: Option<u64>,
    is_awaited: bool,
    record: Vec<Vec<Observation>>,
    uplink: Uplink,

    /// Without a final outcome yet.
    orders: Vec<Order>,
    ordered: u64,
    finals: BTreeMap<u64, Vec<Stage>>,

    to_device: Vec<u8>,
    to_gateway: Vec<u8>,
}

impl Home {
    fn new(seed: u64) -> Self {
        let mut home = Self {
            chance: Chance::seeded(seed),
            now_ms: MONDAY_S * 1000,
            machine: None,
            flash: Flash::new(0xBEEF, 200),
            happened: Vec::new(),
            dispensed_on_demand: 0,
            session: None,
            memory: None,
            uncommitted: Vec::new(),
            uncommitted_memory: None,
            commit_at_ms: None,
            is_awaited: false,
            record: Vec::new(),
            uplink: Uplink::new(),
            orders: Vec::new(),
            ordered: 0,
            finals: BTreeMap::new(),
            to_device: Vec::new(),
            to_gateway: Vec::new(),
        };
        home.switch_device_on();
        home.switch_gateway_on();
        home
    }

    fn switch_device_on(&mut self) {
        let flash = self.flash.clone();
        self.machine = Some(Machine::switch_on(flash, person(), link::Instant::from_millis(self.now_ms)));
    }

    fn cut_device(&mut self) {
        if let Some(machine) = self.machine.take() {
            self.happened.extend(machine.happened());
            let dispensed = |request: &&Request| matches!(request, Request::Dispense { .. });
            self.dispensed_on_demand += machine.performed().iter().filter(dispensed).count();
            self.flash = machine.lose_power();
        }
        self.to_device.clear();
    }

    fn switch_gateway_on(&mut self) {
        let device = SerialDevice { name: device(), options: SerialOptions::DeviceLink };
        let mut session = SerialRoster::new(device).session();
        if let Some(memory) = &self.memory {
            session.recall(memory);
        }
        self.session = Some(session);
        self.tell_time();
        self.give(Input::Connected);
        for order in &mut self.orders {
            order.is_repeat = true;
            self.session.as_mut().unwrap().handle_order(order, Instant::from_millis(self.now_ms)).unwrap();
        }
        self.drain_gateway();
    }

    fn cut_gateway(&mut self) {
        self.session = None;
        self.uncommitted.clear();
        self.uncommitted_memory = None;
        self.commit_at_ms = None;
        self.is_awaited = false;
        self.to_gateway.clear();
        self.uplink.restart();
    }

    fn order(&mut self, action: Action) {
        self.ordered += 1;
        let order = Order { number: self.ordered, device: device(), action, expires: None, is_repeat: false };
        self.orders.push(order.clone());
        let now = Instant::from_millis(self.now_ms);
        self.session.as_mut().unwrap().handle_order(&order, now).unwrap();
        self.drain_gateway();
    }

    fn live_until(&mut self, end_s: u64) {
        while self.now_ms < end_s * 1000 {
            self.step(end_s * 1000);
        }
    }

    fn live_for_ms(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while self.now_ms < end_ms {
            self.step(end_ms);
        }
    }

    /// Goes to the next moment at which something is to be done.
    fn step(&mut self, end_ms: u64) {
        let device = self.machine.as_ref().map(|machine| machine.poll_timeout().as_millis());
        let gateway =
            self.session.as_ref().and_then(|session| session.poll_timeout()).map(Instant::as_millis);
        let line = (!self.to_device.is_empty() || !self.to_gateway.is_empty()).then(|| self.now_ms + 5);
        let uplink = self.uplink.poll_timeout();
        let next =
            [device, gateway, line, uplink, self.commit_at_ms].into_iter().flatten().fold(end_ms, u64::min);
        self.now_ms = next.max(self.now_ms + 1);

        self.injure();
        let now = link::Instant::from_millis(self.now_ms);
        let bytes = std::mem::take(&mut self.to_device);
        if let Some(machine) = &mut self.machine {
            machine.handle_input(&bytes, now);
            machine.handle_timeout(now);
            while let Some(frame) = machine.poll_output() {
                self.to_gateway.extend(frame);
            }
        }
        if self.commit_at_ms.is_some_and(|at| at <= self.now_ms) {
            self.commit_at_ms = None;
            self.commit();
            self.memory = self.uncommitted_memory.take().or(self.memory.take());
            if std::mem::take(&mut self.is_awaited) {
                self.give(Input::Committed);
            }
        }
        self.uplink.work(self.now_ms);
        if self.session.as_ref().is_some_and(|session| session.wants_time()) {
            self.tell_time();
        }
        let bytes = std::mem::take(&mut self.to_gateway);
        for chunk in bytes.chunks(64) {
            self.give(Input::Chunk { channel: Channel::Serial, bytes: chunk });
        }
        if let Some(session) = &mut self.session {
            session.handle_timeout(Instant::from_millis(self.now_ms));
        }
        self.drain_gateway();
    }

    fn commit(&mut self) {
        for reading in self.uncommitted.drain(..) {
            self.uplink.commit(reading.clone(), self.now_ms);
            self.record.push(reading);
        }
    }

    /// One chunk in twenty of either direction is lost, and one has a changed byte.
    fn injure(&mut self) {
        for line in [&mut self.to_device, &mut self.to_gateway] {
            match self.chance.below(20) {
                0 => line.clear(),
                1 if !line.is_empty() => {
                    let place = usize::try_from(self.chance.below(line.len() as u64)).unwrap();
                    line[place] ^= 1 + u8::try_from(self.chance.below(255)).unwrap();
                }
                _ => {}
            }
        }
    }

    fn tell_time(&mut self) {
        let now_s = self.now_ms / 1000;
        let is_summer = now_s < CHANGE_S;
        let change = ClockChange { at_unix_s: i64::try_from(CHANGE_S).unwrap(), utc_offset_min: 60 };
        let time = HomeTime {
            unix_s: i64::try_from(now_s).unwrap(),
            utc_offset_min: if is_summer { 120 } else { 60 },
            daylight_saving_min: if is_summer { 60 } else { 0 },
        };
        if let Some(session) = &mut self.session {
            session.handle_clock_change(is_summer.then_some(change));
        }
        self.give(Input::Time(time));
    }

    fn give(&mut self, input: Input<'_>) {
        if let Some(session) = &mut self.session {
            session.handle_input(input, Instant::from_millis(self.now_ms));
        }
        self.drain_gateway();
    }

    fn drain_gateway(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        while let Some(output) = session.poll_output() {
            match output {
                Output::Reading(reading) => {
                    self.uncommitted.push(reading.observations);
                    self.commit_at_ms.get_or_insert(self.now_ms + COMMIT_MS);
                }
                Output::AwaitCommit => self.is_awaited = true,
                Output::Remember(memory) if self.uncommitted.is_empty() => self.memory = Some(memory),
                Output::Remember(memory) => self.uncommitted_memory = Some(memory),
                Output::Request(varde_drivers::Request::Send(bytes)) => self.to_device.extend(bytes),
                Output::Outcome(outcome) => {
                    if outcome.stage.is_final() {
                        self.orders.retain(|order| order.number != outcome.number);
                        self.finals.entry(outcome.number).or_default().push(outcome.stage);
                    }
                }
                Output::Request(_)
                | Output::Heard(_)
                | Output::Refused(_)
                | Output::UnknownSender(_)
                | Output::Well(_) => {}
            }
        }
        self.session = Some(session);
    }

    fn check(mut self, seed: u64) {
        self.cut_device();
        self.commit();
        self.uplink.check(self.now_ms);

        // Every event once, in its order, in the same words.
        let told: Vec<&Vec<Observation>> = self.record.iter().filter(|said| number(said).is_some()).collect();
        let numbers: Vec<u64> = told.iter().filter_map(|said| number(said)).collect();
        let happened: Vec<u64> = self.happened.iter().map(|event| event.number.into()).collect();
        assert_eq!(numbers, happened, "seed {seed}");
        for (said, event) in told.iter().zip(&self.happened) {
            let is_right = matches!(
                (event.what, &said[0].value),
                (What::Offered(_), Value::Event(Word::DoseOffered))
                    | (What::Dispensed { .. }, Value::Event(Word::DoseDispensed))
                    | (What::Refused(_), Value::Event(Word::DoseRefused))
                    | (What::NotConfirmed(_), Value::Event(Word::DoseNotConfirmed))
            );
            assert!(is_right, "seed {seed}: {:?} was told as {:?}", event.what, said[0].value);
        }

        // Every order has one end; every dose on demand came out once for each that is done.
        assert!(self.orders.is_empty(), "seed {seed}: {:?}", self.orders);
        assert!(self.finals.values().all(|stages| stages.len() == 1), "seed {seed}: {:?}", self.finals);
        let doses = || self.finals.iter().filter(|(number, _)| **number > 2);
        let done = doses().filter(|(_, stages)| stages[0] == Stage::Done).count();
        assert_eq!((self.finals.len(), done), (22, 20), "seed {seed}: {:?}", self.finals);
        assert_eq!(self.dispensed_on_demand, 20, "seed {seed}");
        assert_eq!(self.finals[&1], [Stage::Done]);
        assert_eq!(self.finals[&2], [Stage::Done]);

        // Each dose of each day ended once, as the person did, and the night that has two half past twos had one dose.
        let mut ends = BTreeMap::new();
        for event in &self.happened {
            if let Some(dose) = event.what.settles() {
                ends.entry((dose.day, dose.dose)).or_insert_with(Vec::new).push(event.what);
            }
        }
        let days: Vec<_> = ends.keys().map(|(day, _)| *day).collect();
        assert_eq!(days.len(), 7 * 4, "seed {seed}: {ends:#?}");
        for ((day, dose), what) in &ends {
            let in_the_dark = day.0 == 20_746 && *dose == MORNING;
            let [what] = what.as_slice() else { panic!("seed {seed}: {day:?} {dose}: {what:?}") };
            match (*dose, what) {
                (MORNING | NIGHT, What::Dispensed { how: How::Unassisted, .. }) if !in_the_dark => {}
                (AFTERNOON, What::Refused(_)) | (EVENING, What::NotConfirmed(_)) => {}
                (MORNING, What::NotConfirmed(Portion { .. })) if in_the_dark => {}
                _ => panic!("seed {seed}: {day:?} {dose}: {what:?}"),
            }
        }

        // What the dispenser could not tell in time, the gateway told by itself; and nothing else.
        let by_gateway: Vec<_> = self
            .record
            .iter()
            .filter(|said| number(said).is_none())
            .filter(|said| said[0].value == Value::Event(Word::DoseNotConfirmed))
            .map(|said| (text(said, Metric::DOSE_DAY), text(said, Metric::DOSE)))
            .collect();
        assert_eq!(by_gateway, [(Some("2026-10-20".to_owned()), Some("1".to_owned()))], "seed {seed}");
    }
}

fn device() -> DeviceId {
    "dispenser-1".parse().unwrap()
}

fn number(said: &[Observation]) -> Option<u64> {
    text(said, Metric::EVENT_NUMBER)?.parse().ok()
}

fn text(said: &[Observation], metric: Metric) -> Option<String> {
    said.iter().find(|one| one.metric == metric).map(|one| one.value.to_string())
}
