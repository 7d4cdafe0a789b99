//! Both ends over a line that loses, garbles, repeats and is cut, with power cuts on both sides: every event is recorded
//! exactly once and in order, every request is performed exactly once, and the plan is always wholly one or another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::collections::VecDeque;

use proptest::prelude::*;
use varde_device_link::*;

const BOXES: u8 = 7;

#[derive(Clone, Copy, Debug)]
enum Life {
    /// Something happens at the device.
    Happens,
    /// The gateway is told to have a dose dispensed.
    OrderDose,
    /// The gateway is told to send a plan.
    OrderPlan,
    /// The gateway's disk commits.
    Commits,
    /// Time passes, and what is on the line arrives.
    Passes {
        ms: u16,
    },
    /// What is on the line arrives damaged: which byte of which direction, and how.
    Garbles {
        at: u16,
        by: u8,
        to_device: bool,
    },
    /// What is on the line is lost.
    Cut,
    /// A frame that was sent before comes once more.
    Replays {
        back: u8,
        to_device: bool,
    },
    DeviceLosesPower,
    GatewayLosesPower,
}

fn life() -> impl Strategy<Value = Vec<Life>> {
    let one = prop_oneof![
        4 => Just(Life::Happens),
        2 => Just(Life::OrderDose),
        1 => Just(Life::OrderPlan),
        3 => Just(Life::Commits),
        8 => (0_u16..4000).prop_map(|ms| Life::Passes { ms }),
        4 => any::<(u16, u8, bool)>().prop_map(|(at, by, to_device)| Life::Garbles { at, by, to_device }),
        2 => Just(Life::Cut),
        3 => any::<(u8, bool)>().prop_map(|(back, to_device)| Life::Replays { back, to_device }),
        1 => Just(Life::DeviceLosesPower),
        1 => Just(Life::GatewayLosesPower),
    ];
    prop::collection::vec(one, 0..200)
}

proptest! {
    #[test]
    fn whatever_befalls_the_line_and_both_ends_nothing_is_lost_doubled_or_half_done(life in life()) {
        let mut home = Home::new();
        for step in &life {
            home.live(*step);
            home.check();
        }
        for _ in 0..200 {
            home.live(Life::Passes { ms: 1000 });
            home.live(Life::Commits);
            home.check();
        }
        let happened: Vec<u32> = (1..home.flash.next).collect();
        prop_assert_eq!(&home.record, &happened);
        prop_assert!(home.flash.events.is_empty(), "the device may forget what was recorded");
        let ordered: Vec<u8> = home.orders_given.iter().filter_map(|order| match order {
            Order::Dose(number) => Some(*number),
            Order::Plan(_) => None,
        }).collect();
        prop_assert_eq!(&home.performed, &ordered);
        let plan = home.orders_given.iter().rev().find_map(|order| match order {
            Order::Dose(_) => None,
            Order::Plan(version) => Some(*version),
        });
        prop_assert_eq!(home.flash.plan.as_ref().map(Plan::version), plan);
    }

    #[test]
    fn any_bytes_at_all_panic_neither_end(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..20)) {
        let mut home = Home::new();
        for chunk in chunks {
            home.to_device.extend(chunk.iter());
            home.to_gateway.extend(chunk.iter());
            home.live(Life::Passes { ms: 100 });
        }
    }

    #[test]
    fn any_body_at_all_is_a_message_or_a_fault_and_a_message_comes_back(body in prop::collection::vec(any::<u8>(), 0..MAX_BODY)) {
        if let Ok(packet) = Packet::decode(&body) {
            let frame = packet.frame().expect("a message has a frame");
            let mut deframer = Deframer::default();
            let (_, found) = deframer.take(&frame);
            prop_assert_eq!(Packet::decode(found.unwrap().unwrap()), Ok(packet));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Dose(u8),
    Plan(u32),
}

/// What a device keeps.
struct Flash {
    events: VecDeque<Event>,
    next: u32,
    answer: Option<Answered>,
    plan: Option<Plan>,
}

impl Memory for Flash {
    fn log(&self) -> u32 {
        0xA1B2_C3D4
    }

    fn kept_events(&self) -> KeptEvents {
        KeptEvents { first: self.events.front().map_or(self.next, |event| event.number), next: self.next }
    }

    fn event(&self, number: u32) -> Option<Event> {
        self.events.iter().find(|event| event.number == number).copied()
    }

    fn release_events(&mut self, through: u32) {
        self.events.retain(|event| event.number > through);
    }

    fn last_answer(&self) -> Option<Answered> {
        self.answer
    }

    fn keep_answer(&mut self, answered: Answered) {
        self.answer = Some(answered);
    }

    fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    fn keep_plan(&mut self, plan: &Plan) -> bool {
        self.plan = Some(plan.clone());
        true
    }
}

struct Home {
    now: Instant,
    flash: Flash,
    device: DeviceEnd,
    boots: u32,
    performed: Vec<u8>,

    gateway: GatewayEnd,
    /// What the gateway's disk has: committed together.
    record: Vec<u32>,
    remembered: Option<Remembered>,
    uncommitted: Vec<u32>,

    /// The gateway's orders, kept over its loss of power.
    orders: VecDeque<Order>,
    orders_given: Vec<Order>,
    /// The number under which the first of them was asked.
    asked: Option<u32>,
    /// How far the plan of the first of them was sent: not kept.
    plan_step: u8,

    to_device: Vec<u8>,
    to_gateway: Vec<u8>,
    sent_to_device: Vec<Frame>,
    sent_to_gateway: Vec<Frame>,
}

impl Home {
    fn new() -> Self {
        let now = Instant::from_millis(0);
        let mut gateway = GatewayEnd::new(None);
        gateway.handle_connected(now);
        Self {
            now,
            flash: Flash { events: VecDeque::new(), next: 1, answer: None, plan: None },
            device: DeviceEnd::new(about(), 0, now),
            boots: 0,
            performed: Vec::new(),
            gateway,
            record: Vec::new(),
            remembered: None,
            uncommitted: Vec::new(),
            orders: VecDeque::new(),
            orders_given: Vec::new(),
            asked: None,
            plan_step: 0,
            to_device: Vec::new(),
            to_gateway: Vec::new(),
            sent_to_device: Vec::new(),
            sent_to_gateway: Vec::new(),
        }
    }

    fn live(&mut self, step: Life) {
        match step {
            Life::Happens => {
                let number = self.flash.next;
                let what = What::Button { index: 1 };
                self.flash.events.push_back(Event { number, time: DeviceTime::SinceBoot(0), what });
                self.flash.next += 1;
            }
            Life::OrderDose => {
                let number = u8::try_from(self.orders_given.len() % 200).unwrap();
                self.give(Order::Dose(number));
            }
            Life::OrderPlan => {
                let version = 1 + u32::try_from(self.orders_given.len()).unwrap();
                self.give(Order::Plan(version));
            }
            Life::Commits => {
                self.record.append(&mut self.uncommitted);
                self.remembered = self.gateway.acknowledge().or(self.remembered);
            }
            Life::Passes { ms } => self.now = self.now.after(u64::from(ms)),
            Life::Garbles { at, by, to_device } => {
                let line = if to_device { &mut self.to_device } else { &mut self.to_gateway };
                if !line.is_empty() {
                    let at = usize::from(at) % line.len();
                    line[at] ^= by;
                }
            }
            Life::Cut => {
                self.to_device.clear();
                self.to_gateway.clear();
            }
            Life::Replays { back, to_device } => {
                let (sent, line) = if to_device {
                    (&self.sent_to_device, &mut self.to_device)
                } else {
                    (&self.sent_to_gateway, &mut self.to_gateway)
                };
                if let Some(frame) = sent.iter().rev().nth(usize::from(back)) {
                    line.extend_from_slice(frame);
                }
            }
            Life::DeviceLosesPower => {
                self.boots += 1;
                self.device = DeviceEnd::new(about(), self.boots, self.now);
            }
            Life::GatewayLosesPower => {
                self.now = self.now.after(1);
                self.uncommitted.clear();
                self.plan_step = 0;
                self.gateway = GatewayEnd::new(self.remembered);
                self.gateway.handle_connected(self.now);
            }
        }
        // Only time carries bytes: so faults find some on the line.
        if matches!(step, Life::Passes { .. }) {
            self.carry();
        }
    }

    fn give(&mut self, order: Order) {
        self.orders.push_back(order);
        self.orders_given.push(order);
    }

    fn carry(&mut self) {
        let bytes = std::mem::take(&mut self.to_gateway);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = self.gateway.handle_input(rest, self.now);
            rest = &rest[taken..];
            self.drain_gateway();
        }
        self.gateway.handle_timeout(self.now);
        self.drain_gateway();

        let bytes = std::mem::take(&mut self.to_device);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = self.device.handle_input(rest, &mut self.flash, self.now);
            rest = &rest[taken..];
            self.drain_device();
        }
        self.device.handle_timeout(&self.flash, self.now);
        self.drain_device();
    }

    fn drain_gateway(&mut self) {
        loop {
            self.ask();
            let Some(output) = self.gateway.poll_output() else { return };
            match output {
                GatewayOutput::Send(frame) => {
                    self.to_device.extend_from_slice(&frame);
                    self.sent_to_device.push(frame);
                }
                GatewayOutput::Event { event, lost } => {
                    assert_eq!(lost, 0);
                    self.uncommitted.push(event.number);
                }
                GatewayOutput::Answered(answered) => self.answered(answered.answer),
                GatewayOutput::Greeted { is_set_back, .. } => assert!(!is_set_back),
                GatewayOutput::Incompatible { .. }
                | GatewayOutput::State(_)
                | GatewayOutput::Plan(_)
                | GatewayOutput::Gone
                | GatewayOutput::Garbled(_)
                | GatewayOutput::Echo => {}
            }
        }
    }

    /// Asks for the first order, under the number that it was asked under before.
    fn ask(&mut self) {
        if self.gateway.is_asking() {
            return;
        }
        match self.orders.front() {
            Some(Order::Dose(number)) => {
                let request = Request::Dispense { compartment: Some(*number) };
                match self.asked {
                    Some(number) => {
                        self.gateway.ask_again(number, request);
                    }
                    None => {
                        self.asked = self.gateway.ask(request);
                        self.remembered = self.gateway.remembered().or(self.remembered);
                    }
                }
            }
            Some(Order::Plan(version)) => {
                let plan = plan(*version);
                let request = match self.plan_step {
                    0 => Request::BeginPlan(*plan.head()),
                    step if step <= plan.parts() => Request::PlanDoses(plan.part(step - 1)),
                    _ => Request::CommitPlan { version: *version, digest: plan.digest() },
                };
                self.gateway.ask(request);
            }
            None => {}
        }
    }

    fn answered(&mut self, answer: Answer) {
        match (self.orders.front(), answer) {
            (Some(Order::Dose(_)), answer) => {
                assert_eq!(answer, Answer::Done);
                self.asked = None;
                self.orders.pop_front();
            }
            (Some(Order::Plan(version)), Answer::Runs { version: running }) => {
                assert_eq!(*version, running);
                self.plan_step = 0;
                self.orders.pop_front();
            }
            (Some(Order::Plan(_)), Answer::Done) => self.plan_step += 1,
            (Some(Order::Plan(_)), Answer::Refused(_)) => self.plan_step = 0,
            (order, answer) => panic!("{answer:?} to {order:?}"),
        }
    }

    fn drain_device(&mut self) {
        while let Some(output) = self.device.poll_output(&self.flash) {
            match output {
                DeviceOutput::Send(frame) => {
                    self.to_gateway.extend_from_slice(&frame);
                    self.sent_to_gateway.push(frame);
                }
                DeviceOutput::Perform { number, request } => {
                    let Request::Dispense { compartment: Some(dose) } = request else {
                        panic!("{request:?} was never asked")
                    };
                    self.device.answer(Answered { number, answer: Answer::Done }, &mut self.flash);
                    self.performed.push(dose);
                }
                DeviceOutput::Contact(_) => {}
            }
        }
    }

    /// What holds at each moment.
    fn check(&self) {
        assert!(
            self.record.iter().copied().eq(1..=u32::try_from(self.record.len()).unwrap()),
            "{:?}",
            self.record
        );
        if let Some(running) = &self.flash.plan {
            assert_eq!(*running, plan(running.version()), "a plan is wholly one or another");
        }
    }
}

fn about() -> About {
    let words = |text: &str| Words::try_from(text).unwrap();
    About {
        maker: words("maker"),
        model: words("model"),
        serial: words("1"),
        firmware: words("1.0"),
        capabilities: Capabilities::PLAN.with(Capabilities::DISPENSE),
    }
}

/// The plan of a version: no two have a dose in common.
fn plan(version: u32) -> Plan {
    let head = PlanHead {
        version,
        doses: 0,
        valid_from: None,
        valid_until: None,
        travel_until_s: None,
        pause_until_s: None,
    };
    let doses: Vec<Dose> = (0..20)
        .map(|id| Dose {
            id,
            minute: id * 60 + u16::try_from(version % 60).unwrap(),
            weekdays: 127,
            window_min: 30,
            compartment: Some(u8::try_from(id).unwrap() % BOXES),
            count: 1,
        })
        .collect();
    Plan::new(head, &doses).unwrap()
}
