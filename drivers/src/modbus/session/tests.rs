use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::modbus::Table;
use crate::modbus::adu::crc;

const MAINS: &[&str] = &[
    "input 0 u16 MDCX_VOLTAGE V 1e-1",
    "discrete 5 off mains-lost on mains-restored",
    "input 1 i16 MDC_TEMP_ROOM Cel 1e-1",
];

/// A bus with a simulated time, and what its units would answer.
struct Bus {
    session: ModbusSession,
    now: u64,
    /// By unit and table, the registers from address 0 on; a unit that is not here does not answer.
    units: BTreeMap<(u8, u8), Vec<u16>>,
    exception: Option<u8>,
    told: Vec<(u64, String)>,
}

impl Bus {
    fn new(units: &[(&str, u8, &[&str])]) -> Self {
        let unit = |(name, address, items): &(&str, u8, &[&str])| {
            let items = items.iter().map(|text| text.parse().unwrap()).collect();
            let options = UnitOptions { address: *address, every: Duration::from_secs(10), items };
            Unit::new(name.parse().unwrap(), &options)
        };
        let session = ModbusSession::new(units.iter().map(unit).collect());
        Self { session, now: 0, units: BTreeMap::new(), exception: None, told: Vec::new() }
    }

    fn set(&mut self, unit: u8, table: Table, registers: &[u16]) {
        self.units.insert((unit, table.function()), registers.to_vec());
    }

    fn input(&mut self, input: Input<'_>) {
        self.session.handle_input(input, Instant::from_millis(self.now));
        self.drain();
    }

    /// Does what the session wants until a second.
    fn run(&mut self, second: u64) {
        while let Some(due) = self.session.poll_timeout() {
            let due = (0..).find(|ms| Instant::from_millis(*ms) >= due).unwrap().max(self.now);
            if due > second * 1000 {
                break;
            }
            self.now = due;
            self.session.handle_timeout(Instant::from_millis(due));
            self.drain();
        }
        self.now = second * 1000;
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            let word = match output {
                Output::Request(Request::Send(bytes)) => {
                    if let Some(answer) = self.answer(&bytes) {
                        let input = Input::Chunk { channel: Channel::Serial, bytes: &answer };
                        self.session.handle_input(input, Instant::from_millis(self.now + 20));
                    }
                    continue;
                }
                Output::Heard(_) => continue,
                Output::Reading(reading) => {
                    let values = reading.observations.iter().map(|o| o.value.to_string());
                    values.collect::<Vec<_>>().join(" ")
                }
                Output::Refused(refused) => refused.error.problem.to_string(),
                Output::Well(device) => format!("{device} is well"),
                other @ (Output::Request(_)
                | Output::Outcome(_)
                | Output::AwaitCommit
                | Output::Remember(_)
                | Output::UnknownSender(_)) => panic!("{other:?}"),
            };
            self.told.push((self.now / 1000, word));
        }
    }

    fn answer(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let &[unit, function, high, low, _, count, ..] = bytes else { panic!("{bytes:?}") };
        let registers = self.units.get(&(unit, function))?;
        let (first, count) = (usize::from(u16::from_be_bytes([high, low])), usize::from(count));
        let mut body = vec![unit, function];
        if let Some(code) = self.exception {
            body = vec![unit, function | 0x80, code];
        } else if function <= 2 {
            let bits =
                registers[first..first + count].iter().enumerate().fold(0, |all, (at, bit)| all | bit << at);
            body.extend([1, u8::try_from(bits).unwrap()]);
        } else {
            body.push(u8::try_from(count * 2).unwrap());
            body.extend(registers[first..first + count].iter().flat_map(|word| word.to_be_bytes()));
        }
        let crc = crc(&body).to_le_bytes();
        body.extend(crc);
        Some(body)
    }

    fn told(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.told)
    }
}

fn words(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(second, word)| (*second, (*word).to_owned())).collect()
}

#[test]
fn what_is_news_in_registers_is_told_and_mains_that_go_at_the_next_round() {
    let mut bus = Bus::new(&[("ups-1", 3, MAINS)]);
    bus.set(3, Table::Input, &[2301, 215]);
    bus.set(3, Table::Discrete, &[1; 6]);
    bus.input(Input::Connected);
    bus.run(30);
    assert_eq!(bus.told(), words(&[(0, "230.1 21.5")]));
    bus.set(3, Table::Discrete, &[0; 6]);
    bus.run(45);
    assert_eq!(bus.told(), words(&[(40, "mains-lost")]));
    bus.set(3, Table::Discrete, &[1; 6]);
    bus.set(3, Table::Input, &[2299, 215]);
    bus.run(200);
    assert_eq!(bus.told(), words(&[(50, "mains-restored"), (60, "229.9")]));
}

#[test]
fn a_unit_that_does_not_answer_is_told_of_once_then_as_well_and_never_holds_up_the_others_for_long() {
    let mut bus =
        Bus::new(&[("ups-1", 3, MAINS), ("ups-2", 4, &["discrete 0 off mains-lost on mains-restored"])]);
    bus.set(4, Table::Discrete, &[1]);
    bus.input(Input::Connected);
    bus.run(60);
    let lost = "no answer, again and again: is it on, and are its address, speed, parity and wires right?";
    assert_eq!(bus.told(), words(&[(21, lost)]));
    bus.set(4, Table::Discrete, &[0]);
    bus.run(73);
    assert_eq!(bus.told(), words(&[(61, "mains-lost")]));
    bus.set(3, Table::Input, &[2301, 215]);
    bus.set(3, Table::Discrete, &[1; 6]);
    bus.run(90);
    assert_eq!(bus.told(), words(&[(80, "ups-1 is well"), (80, "230.1 21.5")]));
}

#[test]
fn a_register_that_is_not_there_is_told_in_words() {
    let mut bus = Bus::new(&[("ups-1", 3, &["input 0 u16 MDCX_VOLTAGE V 1e-1"])]);
    bus.set(3, Table::Input, &[2301, 215]);
    bus.exception = Some(2);
    bus.input(Input::Connected);
    bus.run(1);
    let refused = "exception 2 at register 0 (illegal data address: it has no such register): mend the registers of \
                   the configuration";
    assert_eq!(bus.told(), words(&[(0, refused)]));
    bus.exception = None;
    bus.run(15);
    assert_eq!(bus.told(), words(&[(10, "ups-1 is well"), (10, "230.1")]));
}

#[test]
fn an_answer_that_comes_too_late_is_never_taken_for_the_next() {
    let mut bus = Bus::new(&[("ups-1", 3, &["input 0 u16 MDCX_VOLTAGE V", "input 9 u16 MDCX_COUNT 1"])]);
    bus.input(Input::Connected);
    bus.run(1);
    let late = [&[3, 4, 2, 0, 7][..], &crc(&[3, 4, 2, 0, 7]).to_le_bytes()].concat();
    bus.input(Input::Chunk { channel: Channel::Serial, bytes: &late });
    assert_eq!(bus.told(), words(&[(1, "the driver expects nothing on this channel")]));
    assert_eq!(bus.session.poll_timeout(), Some(Instant::from_millis(10_000)));
}

#[test]
fn a_bus_that_was_away_is_asked_anew() {
    let mut bus = Bus::new(&[("ups-1", 3, MAINS)]);
    bus.input(Input::Connected);
    bus.input(Input::Disconnected);
    assert_eq!(bus.session.poll_timeout(), None);
    bus.set(3, Table::Input, &[2301, 215]);
    bus.set(3, Table::Discrete, &[1; 6]);
    bus.now = 5000;
    bus.input(Input::Connected);
    bus.run(6);
    assert_eq!(bus.told(), words(&[(5, "230.1 21.5")]));
}

proptest! {
    /// Whatever is on the line between, the values that are passed on are the unit's: each change, as it is asked once a
    /// minute.
    #[test]
    fn noise_between_answers_never_changes_one(
        rounds in proptest::collection::vec((noise(), any::<u8>(), noise()), 1..5),
    ) {
        let mut session = Bus::new(&[("ups-1", 3, &["input 0 u16 MDCX_VOLTAGE V"])]).session;
        session.handle_input(Input::Connected, Instant::from_millis(0));
        let mut told = Vec::new();
        for ((before, value, after), minute) in rounds.iter().zip(0..) {
            let at = |ms: u64| Instant::from_millis(minute * 60_000 + ms);
            session.handle_timeout(at(0));
            let body = [3, 4, 2, 0, *value];
            let answer = [&body[..], &crc(&body).to_le_bytes()].concat();
            for bytes in [before, &answer, after] {
                session.handle_input(Input::Chunk { channel: Channel::Serial, bytes }, at(20));
            }
            // The last question is given up, and the next is asked no sooner than in a minute.
            session.handle_timeout(at(1000));
            told.extend(std::iter::from_fn(|| session.poll_output()).filter_map(|output| {
                if let Output::Reading(reading) = output { Some(reading.observations[0].value.to_string()) } else { None }
            }));
        }
        let mut expected: Vec<_> = rounds.iter().map(|(_, value, _)| value.to_string()).collect();
        // A number that stays is no news yet.
        expected.dedup();
        prop_assert_eq!(told, expected);
    }
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![any::<u8>(), Just(3), Just(4)], 0..30)
}
