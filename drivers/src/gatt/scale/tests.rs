use proptest::prelude::*;
use varde_wire::{Decimal, Metric, Value};

use super::*;
use crate::describe::unhex;
use crate::gatt::MeterSession;
use crate::gatt::user_data::ConsentCode;
use crate::{Channel, Input, Output, Session};

/// User 2, 22.5 % fat, 512.3 ohm, 72.5 kg: the first part.
const FIRST: &str = "0416e100020314a438";
/// 65 kg of muscle: the second.
const SECOND: &str = "2010e100c832";
const WHOLE: &str = "0400e10002";

struct Home {
    session: MeterSession<Scale>,
    now: Instant,
}

impl Home {
    fn new() -> Self {
        let mut home = Self::of(&[]);
        home.give(Input::Connected);
        home
    }

    fn of(consents: &[Consent]) -> Self {
        let session = MeterSession::new("scale-1".parse().unwrap(), Scale::new(consents));
        Self { session, now: at(0) }
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        self.session.handle_input(input, self.now);
        std::iter::from_fn(|| self.session.poll_output()).collect()
    }

    fn composed(&mut self, hex: &str) -> Vec<String> {
        let channel = Channel::Notified(body_composition::MEASUREMENT);
        readings(self.give(Input::Chunk { channel, bytes: &unhex(hex) }))
    }

    fn wait(&mut self) -> Vec<String> {
        self.now = self.session.poll_timeout().unwrap();
        self.session.handle_timeout(self.now);
        readings(std::iter::from_fn(|| self.session.poll_output()).collect())
    }
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

/// The values of each reading.
fn readings(outputs: Vec<Output>) -> Vec<String> {
    let values = |output: Output| {
        let Output::Reading(reading) = output else { return None };
        let values: Vec<_> = reading.observations.iter().map(|o| o.value.to_string()).collect();
        Some(values.join(" "))
    };
    outputs.into_iter().filter_map(values).collect()
}

const TOGETHER: &str = "22.5 65.000 512.3 72.500";

#[test]
fn the_parts_of_one_measurement_are_one_reading_when_no_more_comes() {
    let mut home = Home::new();
    assert!(home.composed(FIRST).is_empty());
    assert!(home.composed(SECOND).is_empty());
    assert_eq!(home.wait(), [TOGETHER]);
    assert_eq!(home.session.poll_timeout(), Some(at(24 * 3600)), "nothing is held any more");
}

#[test]
fn a_scale_that_goes_after_the_last_part_has_said_everything() {
    let mut home = Home::new();
    home.composed(FIRST);
    home.composed(SECOND);
    assert_eq!(readings(home.give(Input::Disconnected)), [TOGETHER]);
    assert!(readings(home.give(Input::Disconnected)).is_empty());
}

#[test]
fn a_part_that_stays_alone_is_not_lost() {
    let mut home = Home::new();
    home.composed(FIRST);
    assert_eq!(home.wait(), ["22.5 512.3 72.500"]);
}

#[test]
fn another_measurement_ends_the_one_that_was_held() {
    let mut home = Home::new();
    home.composed(FIRST);
    assert_eq!(home.composed(WHOLE), ["22.5 512.3 72.500", "22.5"]);
    home.composed(FIRST);
    assert_eq!(home.composed(FIRST), ["22.5 512.3 72.500"]);
    assert_eq!(home.wait(), ["22.5 512.3 72.500"]);
}

#[test]
fn a_weight_is_passed_on_at_once() {
    let mut home = Home::new();
    home.composed(FIRST);
    let bytes = unhex("00a438");
    let weight = Input::Chunk { channel: Channel::Notified(weight_scale::MEASUREMENT), bytes: &bytes };
    assert_eq!(readings(home.give(weight)), ["72.500"]);
    assert_eq!(home.wait(), ["22.5 512.3 72.500"]);
}

#[test]
fn users_consent_once_the_measurements_are_subscribed_to_and_what_comes_of_it_is_told() {
    let mut home = Home::of(&[Consent { user: 2, code: ConsentCode(1234) }]);
    let outputs = home.give(Input::Connected);
    let consent = Request::Write { characteristic: USER_CONTROL_POINT, bytes: vec![2, 2, 0xD2, 0x04] };
    let place =
        |request: Request| outputs.iter().position(|o| *o == Output::Request(request.clone())).unwrap();
    assert!(place(Request::Subscribe(body_composition::MEASUREMENT)) < place(consent.clone()));
    assert!(place(Request::Subscribe(USER_CONTROL_POINT)) < place(consent));

    let channel = Channel::Notified(USER_CONTROL_POINT);
    assert_eq!(readings(home.give(Input::Chunk { channel, bytes: &[0x20, 2, 5] })), ["device-fault"]);
    let channel = Channel::Read(DATABASE_CHANGE_INCREMENT);
    assert!(readings(home.give(Input::Chunk { channel, bytes: &[7, 0, 0, 0] })).is_empty());
    let names: Vec<_> = home.session.device_description().fields().iter().map(|f| f.name).collect();
    assert_eq!(names, ["database_change_increment", "consents"]);
}

#[test]
fn what_it_can_do_is_kept() {
    let mut home = Home::new();
    for uuid in [weight_scale::FEATURE, body_composition::FEATURE] {
        home.give(Input::Chunk { channel: Channel::Read(uuid), bytes: &[0; 4] });
    }
    let names: Vec<_> = home.session.device_description().fields().iter().map(|f| f.name).collect();
    assert_eq!(names, ["weight_features", "body_composition_features"]);
}

/// What can happen to a scale.
#[derive(Clone, Debug)]
enum Step {
    /// A value comes: flags beside those of the nine quantities, and which of these it has.
    Composed {
        part: bool,
        user: Option<u8>,
        quantities: u16,
    },
    Wait,
    Go,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let composed = (any::<bool>(), proptest::option::of(1..3_u8), 0..512_u16)
        .prop_map(|(part, user, quantities)| Step::Composed { part, user, quantities });
    let step = prop_oneof![6 => composed, 1 => Just(Step::Wait), 1 => Just(Step::Go)];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    /// Each number of the values that come is another, so that none can be lost, told twice or told of another user.
    #[test]
    fn every_value_is_told_once_and_of_whom_it_was(steps in steps()) {
        let mut home = Home::new();
        let (mut sent, mut told) = (Vec::new(), Vec::new());
        let mut number = 0_u16;
        for step in steps.into_iter().chain([Step::Go]) {
            let outputs = match step {
                Step::Composed { part, user, quantities } => {
                    let flags = u16::from(part) << 12 | quantities << 3 | u16::from(user.is_some()) << 2;
                    let mut bytes = [flags.to_le_bytes(), 1_u16.to_le_bytes()].concat();
                    bytes.extend(user);
                    for _ in 0..quantities.count_ones() {
                        number += 1;
                        bytes.extend(number.to_le_bytes());
                    }
                    let alone = BodyComposition::decode(&bytes).unwrap();
                    sent.extend(alone.values.into_iter().map(|(quantity, number)| (quantity.metric(), number, user)));
                    let channel = Channel::Notified(body_composition::MEASUREMENT);
                    home.give(Input::Chunk { channel, bytes: &bytes })
                }
                Step::Wait => {
                    home.now = home.now.after(BETWEEN_PARTS);
                    home.session.handle_timeout(home.now);
                    std::iter::from_fn(|| home.session.poll_output()).collect()
                }
                Step::Go => [home.give(Input::Disconnected), home.give(Input::Connected)].concat(),
            };
            for output in outputs {
                let Output::Reading(reading) = output else { continue };
                prop_assert!(reading.observations.iter().all(|o| o.user == reading.observations[0].user));
                for observation in reading.observations.iter().filter(|o| o.metric != Metric::BODY_FAT) {
                    let Value::Decimal(number) = observation.value else { panic!("{observation:?}") };
                    told.push((observation.metric, number, observation.user));
                }
            }
        }
        let key = |(metric, number, _): &(Metric, Decimal, Option<u8>)| (*metric, number.mantissa);
        sent.sort_by_key(key);
        told.sort_by_key(key);
        prop_assert_eq!(sent.len(), told.len());
        for (sent, told) in sent.iter().zip(&told) {
            prop_assert_eq!(key(sent), key(told));
            prop_assert!(sent.2.is_none() || sent.2 == told.2);
        }
    }
}
