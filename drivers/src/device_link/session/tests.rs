use varde_device_link::{
    About, Answered, Capabilities, Day, Deframer, Direction, DoseRef, Frame, Greeting, How, Packet, Portion,
    Refusal, ToDevice, ToGateway, What, Words,
};
use varde_wire::{Action, Stage};

use super::*;

const SESSION: u32 = 4096;

/// A line whose device end is played by hand.
struct Line {
    session: DeviceLinkSession,
    now: u64,
    /// The nonce of the last greeting.
    greeting: u32,
    memory: Option<Vec<u8>>,
    asked: Vec<ToDevice>,
    told: Vec<Vec<String>>,
    stages: Vec<(u64, Stage)>,
    awaits_commit: bool,
}

impl Line {
    /// Greeted by a device that answered so many requests in its life, with no time of day.
    fn greeted(memory: Option<Vec<u8>>, requests_through: u32) -> Self {
        let mut line = Self::silent(memory);
        line.greets(requests_through);
        line
    }

    /// Connected, and the device has not answered yet.
    fn silent(memory: Option<Vec<u8>>) -> Self {
        let mut session = DeviceLinkSession::new("dispenser-1".parse().unwrap());
        if let Some(memory) = &memory {
            session.recall(memory);
        }
        let mut line = Self {
            session,
            now: 1000,
            greeting: 0,
            memory,
            asked: Vec::new(),
            told: Vec::new(),
            stages: Vec::new(),
            awaits_commit: false,
        };
        line.give(Input::Connected);
        line
    }

    /// The device answers the last greeting.
    fn greets(&mut self, requests_through: u32) {
        let words = |text: &str| Words::try_from(text).unwrap();
        let about = About {
            maker: words("Maker"),
            model: words("D1"),
            serial: words("0001"),
            firmware: words("1.0.0"),
            capabilities: Capabilities::PLAN,
        };
        let identity = Identity {
            version: 1,
            nonce: self.greeting,
            session: SESSION,
            log: 1,
            events_through: 10,
            requests_through,
            about,
        };
        self.hears(&Packet::Greeting(Direction::ToGateway, Greeting::Identity(identity)));
    }

    fn give(&mut self, input: Input<'_>) {
        self.session.handle_input(input, Instant::from_millis(self.now));
        self.drain();
    }

    fn hears(&mut self, packet: &Packet) {
        let frame: Frame = packet.frame().unwrap();
        self.give(Input::Chunk { channel: Channel::Serial, bytes: &frame });
    }

    fn says(&mut self, message: ToGateway) {
        self.hears(&Packet::ToGateway(SESSION, message));
    }

    fn orders(&mut self, number: u64, is_repeat: bool) {
        self.orders_until(number, is_repeat, None);
    }

    fn orders_until(&mut self, number: u64, is_repeat: bool, expires: Option<u64>) {
        let action = Action::Dispense { compartment: None };
        let expires = expires.map(Instant::from_millis);
        let order = Order { number, device: "dispenser-1".parse().unwrap(), action, expires, is_repeat };
        self.session.handle_order(&order, Instant::from_millis(self.now)).unwrap();
        self.drain();
    }

    fn passes(&mut self, ms: u64) {
        self.now += ms;
        self.session.handle_timeout(Instant::from_millis(self.now));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Request(Request::Send(bytes)) => {
                    let mut deframer = Deframer::default();
                    let (_, body) = deframer.take(&bytes);
                    match Packet::read(body.unwrap()).unwrap() {
                        Packet::ToDevice(_, message) => self.asked.push(message),
                        Packet::Greeting(_, Greeting::Hello { nonce, .. }) => self.greeting = nonce,
                        Packet::Greeting(..) | Packet::ToGateway(..) => panic!("no gateway says this"),
                    }
                }
                Output::Reading(reading) => {
                    self.told.push(reading.observations.iter().map(|one| one.value.to_string()).collect());
                }
                Output::AwaitCommit => self.awaits_commit = true,
                Output::Remember(memory) => self.memory = Some(memory),
                Output::Outcome(outcome) => self.stages.push((outcome.number, outcome.stage)),
                Output::Heard(_)
                | Output::Refused(_)
                | Output::UnknownSender(_)
                | Output::Well(_)
                | Output::Request(_) => {}
            }
        }
    }

    /// What was told of doses: the event, the plan and the dose.
    fn doses(&self) -> Vec<String> {
        let doses = self.told.iter().filter(|said| said[0].starts_with("dose-"));
        doses.map(|said| said[..3].join(" ")).collect()
    }

    fn requests(&self) -> Vec<(u32, link::Request)> {
        let request = |message: &ToDevice| match message {
            ToDevice::Request { number, request } => Some((*number, request.clone())),
            ToDevice::Alive | ToDevice::Acknowledge { .. } | ToDevice::ReadPlan { .. } => None,
        };
        self.asked.iter().filter_map(request).collect()
    }

    fn acknowledged(&self) -> Option<u32> {
        self.asked.iter().rev().find_map(|message| match message {
            ToDevice::Acknowledge { through } => Some(*through),
            ToDevice::Alive | ToDevice::Request { .. } | ToDevice::ReadPlan { .. } => None,
        })
    }
}

fn event(number: u32) -> ToGateway {
    let event =
        link::Event { number, time: DeviceTime::SinceBoot(1), what: What::Refused(Portion::default()) };
    ToGateway::Event { first: number, event }
}

/// A home an hour ahead of UTC, on 2026-01-15 at this minute of the day.
fn at(minute: i64) -> Input<'static> {
    let unix_s = 1_768_435_200 - 3_600 + minute * 60;
    Input::Time(HomeTime { unix_s, utc_offset_min: 60, daylight_saving_min: 0 })
}

const EIGHT: i64 = 8 * 60;
const TODAY: Day = Day(20_468);

/// Two doses at eight, which can be taken for half an hour.
fn plan() -> Plan {
    let dose =
        |id| link::Dose { id, minute: 480, weekdays: 127, window_min: 30, compartment: Some(2), count: 1 };
    let head = link::PlanHead {
        version: 7,
        doses: 0,
        valid_from: None,
        valid_until: None,
        travel_until_s: None,
        pause_until_s: None,
    };
    Plan::new(head, &[dose(1), dose(2)]).unwrap()
}

fn taken(number: u32, dose: u16) -> ToGateway {
    let dose = Some(DoseRef { plan: 7, dose, day: TODAY });
    let what = What::Dispensed { how: How::Unassisted, portion: Portion { dose, compartment: Some(2) } };
    ToGateway::Event { first: number, event: link::Event { number, time: DeviceTime::SinceBoot(1), what } }
}

/// What a gateway keeps that saw the plan in a dispenser's hands, and five minutes past eight the first dose taken.
fn kept_at_five_past_eight() -> Option<Vec<u8>> {
    let mut line = Line::greeted(None, 0);
    line.give(at(EIGHT - 1));
    line.says(ToGateway::State(State { plan: Some(7), ..State::default() }));
    line.says(ToGateway::Plan(Some(link::PlanCopy { head: *plan().head(), part: plan().part(0) })));
    for _ in 0..36 {
        line.passes(10_000);
        line.says(ToGateway::State(State { plan: Some(7), ..State::default() }));
    }
    line.says(taken(10, 1));
    line.give(Input::Committed);
    assert_eq!(line.doses(), ["dose-dispensed 7 1"]);
    line.memory
}

const DISPENSE: link::Request = link::Request::Dispense { compartment: None };

#[test]
fn an_event_is_acknowledged_once_it_is_committed_and_not_before() {
    let mut line = Line::greeted(None, 0);
    line.says(event(10));
    assert!(line.awaits_commit);
    line.says(event(10));
    line.passes(20_000);
    assert_eq!((line.told.len(), line.acknowledged()), (1, None));
    line.give(Input::Committed);
    assert_eq!(line.acknowledged(), Some(10));

    let mut after = Line::greeted(line.memory, 0);
    after.says(event(10));
    assert_eq!((after.told.len(), after.acknowledged()), (0, Some(10)), "it was kept before the restart");
}

#[test]
fn what_could_not_be_committed_is_taken_again_when_it_is_told_again() {
    let mut line = Line::greeted(None, 0);
    line.says(event(10));
    for _ in 0..3 {
        line.passes(20_000);
        line.says(ToGateway::State(State::default()));
        line.says(event(10));
    }
    assert_eq!(line.told.len(), 2);
}

#[test]
fn events_that_the_device_gave_up_are_told() {
    let mut line = Line::greeted(None, 0);
    line.says(event(5));
    line.says(event(9));
    assert_eq!(line.told, [vec!["dose-refused", "5"], vec!["events-lost", "3"], vec!["dose-refused", "9"]]);
}

#[test]
fn an_order_is_repeated_after_a_restart_under_the_number_that_the_device_knows() {
    let mut line = Line::greeted(None, 41);
    line.orders(700, false);
    assert_eq!(line.requests(), [(42, DISPENSE)]);
    // The device did it, and its answer was lost with the gateway.
    let mut after = Line::greeted(line.memory, 42);
    after.orders(700, true);
    assert_eq!(after.requests(), [(42, DISPENSE)]);
    after.says(ToGateway::Answer(Answered { number: 42, answer: Answer::Done }));
    after.says(ToGateway::Answer(Answered { number: 42, answer: Answer::Done }));
    assert_eq!(after.stages, [(700, Stage::Done)]);
}

#[test]
fn an_order_of_which_nobody_knows_whether_it_was_done_is_not_done_again() {
    let mut line = Line::greeted(None, 42);
    line.orders(700, true);
    assert_eq!((line.requests(), line.stages), (vec![], vec![(700, Stage::Refused(Cause::Interrupted))]));
}

#[test]
fn an_order_that_waited_for_the_greeting_is_not_done_again_either() {
    let mut line = Line::silent(None);
    line.orders(700, true);
    line.greets(42);
    assert_eq!((line.requests(), line.stages), (vec![], vec![(700, Stage::Refused(Cause::Interrupted))]));
}

#[test]
fn what_may_be_done_for_five_seconds_is_not_done_a_minute_later() {
    // The device comes back too late.
    let mut late = Line::silent(None);
    late.orders_until(1, false, Some(6_000));
    assert_eq!(late.session.poll_timeout(), Some(Instant::from_millis(3_000)), "the next greeting");
    late.passes(4_999);
    assert_eq!(late.stages, []);
    late.passes(1);
    late.passes(54_000);
    late.greets(0);
    assert_eq!((late.requests(), late.stages), (vec![], vec![(1, Stage::Expired)]));

    // It came too late itself, to a device that waits.
    let mut line = Line::greeted(None, 0);
    line.orders_until(1, false, Some(1_000));
    assert_eq!((line.requests(), line.stages), (vec![], vec![(1, Stage::Expired)]));

    // Another order is before it, and its answer takes long.
    let mut line = Line::greeted(None, 0);
    line.orders(1, false);
    line.orders_until(2, false, Some(6_000));
    assert_eq!(line.session.poll_timeout().map(Instant::as_millis), Some(2_000));
    line.passes(5_000);
    line.says(ToGateway::Answer(Answered { number: 1, answer: Answer::Done }));
    assert_eq!(line.stages, [(2, Stage::Expired), (1, Stage::Done)]);
    assert!(line.requests().iter().all(|(number, _)| *number == 1));

    // Nobody knows whether an earlier life asked for it.
    let mut line = Line::silent(None);
    line.orders_until(1, true, Some(6_000));
    line.passes(5_000);
    assert_eq!(line.stages, [(1, Stage::Refused(Cause::Unanswered))]);
}

#[test]
fn what_was_asked_in_time_is_not_asked_again_too_late_and_its_answer_counts_whenever_it_comes() {
    let in_time = |memory: &mut Option<Vec<u8>>| {
        let mut line = Line::greeted(None, 0);
        line.orders_until(1, false, Some(6_000));
        for _ in 0..8 {
            line.passes(1_000);
        }
        assert_eq!(line.requests().len(), 5, "each second until its time was over");
        memory.clone_from(&line.memory);
        line
    };
    let mut memory = None;
    let mut line = in_time(&mut memory);
    line.says(ToGateway::Answer(Answered { number: 1, answer: Answer::Done }));
    assert_eq!(line.stages, [(1, Stage::Done)]);

    let mut line = in_time(&mut memory);
    line.passes(60_000);
    assert_eq!(line.stages, [(1, Stage::Refused(Cause::Unanswered))]);

    // The device was off meanwhile. What it did it says, and what it never heard of it does not do.
    for (requests_through, stage) in [(1, Stage::Done), (0, Stage::Expired)] {
        let mut line = in_time(&mut memory);
        let asked = line.requests().len();
        line.passes(25_000);
        line.hears(&Packet::Greeting(Direction::ToGateway, Greeting::Ungreeted));
        line.greets(requests_through);
        line.says(ToGateway::Answer(Answered { number: 1, answer: Answer::Done }));
        assert_eq!(line.stages, [(1, stage)]);
        assert_eq!(line.requests().len() - asked, usize::try_from(requests_through).unwrap());

        // And the same over a restart of the gateway.
        let mut after = Line::silent(memory.clone());
        after.orders_until(1, true, Some(500));
        after.greets(requests_through);
        after.says(ToGateway::Answer(Answered { number: 1, answer: Answer::Done }));
        assert_eq!(after.stages, [(1, stage)]);
    }
}

#[test]
fn an_order_ends_as_the_device_answers_or_does_not() {
    let table = [
        (Answer::Done, Stage::Done),
        (Answer::NotSupported, Stage::Refused(Cause::NotSupported)),
        (Answer::Refused(Refusal::Empty), Stage::Refused(Cause::DeviceRefused)),
        (Answer::Refused(Refusal::Busy), Stage::Refused(Cause::Busy)),
        (Answer::Refused(Refusal::Superseded), Stage::Refused(Cause::Interrupted)),
    ];
    for (answer, stage) in table {
        let mut line = Line::greeted(None, 0);
        line.orders(1, false);
        line.says(ToGateway::Answer(Answered { number: 1, answer }));
        assert_eq!(line.stages, [(1, stage)]);
    }
    let mut silent = Line::greeted(None, 0);
    silent.orders(1, false);
    silent.passes(25_000);
    silent.says(ToGateway::State(State::default()));
    silent.passes(36_000);
    assert_eq!(silent.stages, [(1, Stage::Refused(Cause::Unanswered))]);
}

#[test]
fn the_clock_is_set_once_the_time_is_known_and_again_when_it_is_off() {
    let mut line = Line::greeted(None, 0);
    assert_eq!(line.requests(), []);
    let change = ClockChange { at_unix_s: 1_774_746_000, utc_offset_min: 120 };
    line.session.handle_clock_change(Some(change));
    line.give(Input::Time(HomeTime { unix_s: 1_774_742_400, utc_offset_min: 60, daylight_saving_min: 0 }));
    let zone = Zone { offset_min: 60, change: Some(ZoneChange { at_s: 1_774_746_000, offset_min: 120 }) };
    let set = |utc_ms| link::Request::SetClock(ClockSetting { utc_ms, zone });
    assert_eq!(line.requests(), [(1, set(1_774_742_400_000))]);
    line.says(ToGateway::Answer(Answered { number: 1, answer: Answer::Done }));
    let state = |ms| State { clock: DeviceTime::Utc(ms), ..State::default() };
    for seconds in 1..=70 {
        line.passes(1_000);
        if seconds % 10 == 0 {
            line.says(ToGateway::State(state(1_774_742_401_500 + seconds * 1000)));
        }
    }
    assert_eq!(line.requests().len(), 1, "it is right, and runs on between two states");
    line.says(ToGateway::State(state(1_774_742_400_000)));
    assert_eq!(line.requests().last(), Some(&(2, set(1_774_742_470_000))));
}

#[test]
fn a_dose_is_not_confirmed_although_the_gateway_was_restarted_and_the_dispenser_is_dead() {
    let mut line = Line::silent(kept_at_five_past_eight());
    line.give(at(EIGHT + 10));
    line.passes(20 * 60_000);
    assert_eq!(line.doses(), [""; 0], "the window is over, and the device may still tell");
    let in_between = line.memory.clone();
    line.passes(5 * 60_000);
    assert_eq!(line.doses(), ["dose-not-confirmed 7 2"], "the first was taken");
    line.passes(60 * 60_000);
    assert_eq!(line.doses().len(), 1);

    // Restarted once more after it was told, and before.
    for (memory, expected) in [(line.memory, 0), (in_between, 1)] {
        let mut line = Line::silent(memory);
        line.give(at(EIGHT + 32));
        line.passes(4 * 60_000);
        assert_eq!(line.doses().len(), 0);
        line.passes(2 * 60_000);
        line.passes(60 * 60_000);
        assert_eq!(line.doses(), vec!["dose-not-confirmed 7 2"; expected]);
    }
}

#[test]
fn a_gateway_that_was_off_over_a_window_hears_the_dispenser_first() {
    for is_told in [true, false] {
        let mut line = Line::silent(kept_at_five_past_eight());
        line.give(at(EIGHT + 240));
        line.greets(4);
        if is_told {
            line.says(taken(11, 2));
        }
        line.passes(6 * 60_000);
        let told = if is_told { "dose-dispensed 7 2" } else { "dose-not-confirmed 7 2" };
        assert_eq!(line.doses(), [told]);
    }
    // And the doses of the days on which it was off are found.
    let mut line = Line::silent(kept_at_five_past_eight());
    line.give(at(EIGHT + 240 + 3 * 24 * 60));
    line.passes(6 * 60_000);
    assert_eq!(line.doses().len(), 1 + 3 * 2);
}

#[test]
fn of_a_plan_that_the_device_has_no_more_nothing_is_told() {
    let mut line = Line::silent(kept_at_five_past_eight());
    line.give(at(EIGHT + 5));
    line.greets(4);
    line.says(ToGateway::State(State::default()));
    let mut line = Line::silent(line.memory);
    line.give(at(EIGHT + 24 * 60));
    line.passes(60 * 60_000);
    assert_eq!(line.doses(), ["dose-not-confirmed 7 2"], "yesterday's, which was due");
}
