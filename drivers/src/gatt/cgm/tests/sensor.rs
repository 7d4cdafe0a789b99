//! A sensor at its session.

use varde_wire::{Absence, DeviceId, Event, Flags, Instant, Metric, Observation};

use super::super::*;
use crate::gatt::MeterSession;
use crate::{Channel, HomeTime, Input, Output, Reading, Request, Session};

const NOON: HomeTime = HomeTime { unix_s: 1_792_317_600, utc_offset_min: 120, daylight_saving_min: 60 };

/// A sensor in interstitial fluid, with E2E-CRC.
const FEATURES: &[u8] = &[0x00, 0x10, 0x00, 0x59];

fn ago(minutes: i64) -> HomeTime {
    HomeTime { unix_s: NOON.unix_s - minutes * 60, ..NOON }
}

/// A session, connected, with the answers of a sensor that has E2E-CRC.
struct Worn(MeterSession<CgmSensor>);

impl Worn {
    fn new(time: Option<HomeTime>) -> (Self, Vec<Output>) {
        let mut worn = Self(MeterSession::new("sensor-1".parse().unwrap(), CgmSensor::default()));
        if let Some(time) = time {
            worn.give(Input::Time(time));
        }
        let asked = worn.give(Input::Connected);
        (worn, asked)
    }

    /// One that was told the time, that many minutes ago; it is two minutes behind.
    fn running(minutes: u16) -> Self {
        let (mut worn, _) = Self::new(Some(NOON));
        worn.answer(FEATURE, FEATURES);
        worn.answer(
            SESSION_START_TIME,
            &SessionStartTime::at(ago(i64::from(minutes) + 2)).encode(E2eCrc::Absent),
        );
        worn.status(minutes, 0);
        worn
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        self.0.handle_input(input, Instant::from_millis(0));
        std::iter::from_fn(|| self.0.poll_output()).collect()
    }

    /// The value, with its CRC.
    fn answer(&mut self, characteristic: Uuid, fields: &[u8]) -> Vec<Output> {
        let bytes = E2eCrc::Present.append(fields.to_vec());
        self.give(Input::Chunk { channel: Channel::Read(characteristic), bytes: &bytes })
    }

    fn status(&mut self, minutes: u16, status: u32) -> Vec<Output> {
        let bytes = [&minutes.to_le_bytes()[..], &status.to_le_bytes()[..3]].concat();
        self.answer(STATUS, &bytes)
    }

    fn notify(&mut self, bytes: &[u8]) -> Vec<Output> {
        self.give(Input::Chunk { channel: Channel::Notified(MEASUREMENT), bytes })
    }

    /// What comes of a measurement of that minute.
    fn measure(&mut self, minutes: u16, status: u32) -> (Reading, Vec<Output>) {
        let mut outputs = self.notify(&record(minutes, status)).into_iter();
        let Some(Output::Reading(reading)) = outputs.next() else { panic!("no reading") };
        (reading, outputs.collect())
    }

    fn write(outputs: &[Output], to: Uuid) -> Option<&[u8]> {
        outputs.iter().find_map(|output| {
            let Output::Request(Request::Write { characteristic, bytes }) = output else { return None };
            (*characteristic == to).then_some(&bytes[..])
        })
    }
}

/// 120 mg/dL in that minute.
fn record(minutes: u16, status: u32) -> Vec<u8> {
    let [low, high] = minutes.to_le_bytes();
    let mut fields = vec![8, 0, 120, 0, low, high];
    if status != 0 {
        fields[0] = 11;
        fields[1] = 0xE0;
        fields.extend(&status.to_le_bytes()[..3]);
    }
    E2eCrc::Present.append(fields)
}

fn events(observations: &[Observation]) -> Vec<Event> {
    observations
        .iter()
        .filter_map(|o| if let Value::Event(event) = o.value { Some(event) } else { None })
        .collect()
}

fn readings(outputs: &[Output]) -> Vec<&Reading> {
    outputs
        .iter()
        .filter_map(|o| if let Output::Reading(reading) = o { Some(reading) } else { None })
        .collect()
}

#[test]
fn what_is_needed_to_understand_a_measurement_is_read_before_one_is_subscribed_to() {
    let (_, asked) = Worn::new(None);
    let expected = [
        Request::Read(FEATURE),
        Request::Read(SESSION_START_TIME),
        Request::Read(STATUS),
        Request::Subscribe(MEASUREMENT),
        Request::Subscribe(CONTROL_POINT),
    ];
    assert_eq!(asked[..5], expected.map(Output::Request));
}

#[test]
fn a_measurement_has_the_time_of_its_session_and_how_far_the_sensor_is_behind() {
    let mut worn = Worn::running(600);
    let (reading, asked) = worn.measure(600, 0);
    let [glucose] = &reading.observations[..] else { panic!("{reading:?}") };
    assert_eq!(
        (glucose.metric, &glucose.value),
        (Metric::GLUCOSE_INTERSTITIAL_FLUID, &Value::Decimal(Decimal::whole(120)))
    );
    assert_eq!(glucose.device_time.map(|time| time.to_string()).as_deref(), Some("2026-10-18T11:58:00"));
    assert_eq!(glucose.flags, Flags::NONE);
    assert_eq!(reading.context.clock_offset_s, Some(120));
    assert_eq!(asked, []);
}

#[test]
fn the_sensors_clock_is_told_beside_ours() {
    let (mut worn, _) = Worn::new(Some(NOON));
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &SessionStartTime::at(ago(61)).encode(E2eCrc::Absent));
    let outputs = worn.status(60, 0);
    let [reading] = readings(&outputs)[..] else { panic!("{outputs:?}") };
    let clock = reading.observations.iter().find(|o| o.metric == Metric::CLOCK).unwrap();
    assert_eq!(clock.value, Value::Decimal(Decimal::whole(60)));
    assert_eq!(clock.device_time.map(|time| time.to_string()).as_deref(), Some("2026-10-18T11:59:00"));
}

#[test]
fn a_sensor_that_was_never_told_the_time_is_told_it_once_a_connection() {
    let (mut worn, _) = Worn::new(Some(NOON));
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &[0; 9]);
    let outputs = worn.status(30, 1 << 8);
    let told = Worn::write(&outputs, SESSION_START_TIME).unwrap();
    assert_eq!(told, SessionStartTime::at(NOON).encode(E2eCrc::Present));
    assert_eq!(
        outputs[outputs.len() - 2..],
        [SESSION_START_TIME, STATUS].map(|uuid| Output::Request(Request::Read(uuid)))
    );
    let clock = readings(&outputs)[0].observations.iter().find(|o| o.metric == Metric::CLOCK).unwrap();
    assert_eq!(clock.value, Value::Absent(Absence::NotANumber));
    assert!(clock.flags.has(Flags::DEVICE_CLOCK_UNSET));

    worn.answer(SESSION_START_TIME, &[0; 9]);
    assert_eq!(Worn::write(&worn.status(30, 1 << 8), SESSION_START_TIME), None, "it does not take it");
    worn.give(Input::Disconnected);
    worn.give(Input::Connected);
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &[0; 9]);
    assert!(Worn::write(&worn.status(31, 0), SESSION_START_TIME).is_some());
}

#[test]
fn while_a_sensor_does_not_know_the_time_ours_says_when_its_session_began() {
    let (mut worn, _) = Worn::new(Some(NOON));
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &[0; 9]);
    worn.status(30, 1 << 8);
    let (reading, _) = worn.measure(30, 0);
    assert_eq!(reading.observations[0].device_time, Some(NOON.local()));
    assert_eq!(reading.context.clock_offset_s, Some(0));
    assert_eq!(reading.observations[0].flags, Flags::NONE);
}

#[test]
fn without_a_right_clock_of_our_own_no_sensor_is_told_the_time() {
    let (mut worn, _) = Worn::new(None);
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &[0; 9]);
    assert_eq!(Worn::write(&worn.status(30, 1 << 8), SESSION_START_TIME), None);
    let (reading, _) = worn.measure(30, 0);
    assert_eq!(reading.observations[0].device_time, None);
    assert!(reading.observations[0].flags.has(Flags::DEVICE_CLOCK_UNSET));
}

#[test]
fn a_session_that_is_over_is_told_once_and_its_end_once() {
    let mut worn = Worn::running(600);
    let fault = vec![Event::DeviceFault];
    let outputs = worn.status(601, 1);
    assert_eq!(events(&readings(&outputs)[0].observations), fault);
    assert!(
        readings(&outputs)[0].observations.iter().all(|o| o.metric != Metric::CLOCK),
        "it does not count on"
    );
    assert_eq!(events(&worn.measure(601, 1).0.observations), []);
    let both = vec![Event::DeviceFaultCleared, Event::BatteryLow];
    assert_eq!(events(&worn.measure(602, 2).0.observations), both);
    assert_eq!(events(&worn.measure(603, 0).0.observations), [Event::BatteryRestored]);
}

#[test]
fn a_count_that_begins_anew_is_another_session_whose_start_is_asked_for() {
    let mut worn = Worn::running(600);
    worn.measure(600, 0);
    let (reading, asked) = worn.measure(5, 0);
    assert_eq!(reading.observations[0].device_time, None, "not that of the session before");
    assert_eq!(reading.context.clock_offset_s, None);
    assert_eq!(asked, [SESSION_START_TIME, STATUS].map(|uuid| Output::Request(Request::Read(uuid))));
    worn.answer(SESSION_START_TIME, &SessionStartTime::at(ago(6)).encode(E2eCrc::Absent));
    worn.status(6, 0);
    let (reading, asked) = worn.measure(6, 0);
    assert_eq!(reading.observations[0].device_time, Some(NOON.local()));
    assert_eq!(asked, []);
}

#[test]
fn of_several_records_in_one_notification_each_is_a_reading_and_a_bad_one_costs_no_other() {
    let mut worn = Worn::running(600);
    let mut bad = record(601, 0);
    bad[2] ^= 1;
    let outputs = worn.notify(&[record(600, 0), bad, record(602, 0), vec![3, 4]].concat());
    let minutes: Vec<_> =
        readings(&outputs).iter().map(|r| r.observations[0].device_time.unwrap().minute).collect();
    assert_eq!(minutes, [58, 0]);
    let refused: Vec<_> = outputs
        .iter()
        .filter_map(|o| if let Output::Refused(refused) = o { Some(refused.error.field) } else { None })
        .collect();
    assert_eq!(refused, ["E2E-CRC", "size"]);
    assert_eq!(outputs.len(), 4);
}

const RECORD_ACCESS: Uuid = Uuid::sig(0x2A52);

/// Records of the memory, reported as the control point is asked; what came, and what was asked for.
fn fetch(worn: &mut Worn, new: &[u16]) -> (Vec<Output>, Vec<Vec<u8>>) {
    let count = u8::try_from(new.len()).unwrap();
    let mut outputs = Vec::new();
    let mut asked = Vec::new();
    let mut request = Some(vec![4, 1]);
    while let Some(bytes) = request.take() {
        let answer: &[u8] = if bytes[0] == 4 {
            &[5, 0, count, 0]
        } else {
            outputs.extend(new.iter().flat_map(|minutes| worn.notify(&record(*minutes, 1 << 3))));
            &[6, 0, 1, 1]
        };
        let came = worn.give(Input::Chunk { channel: Channel::Notified(RECORD_ACCESS), bytes: answer });
        asked.push(bytes);
        request = Worn::write(&came, RECORD_ACCESS).map(<[u8]>::to_vec);
        outputs.extend(came);
    }
    outputs.extend(worn.give(Input::Committed));
    (outputs, asked)
}

#[test]
fn what_was_measured_while_nobody_listened_is_fetched_and_tells_no_fault_of_now() {
    let mut worn = Worn::running(600);
    let (outputs, asked) = fetch(&mut worn, &[595, 600]);
    assert_eq!(asked[1], [1, 1], "all of them");
    let minutes: Vec<_> = readings(&outputs)
        .iter()
        .map(|reading| {
            assert_eq!(events(&reading.observations), []);
            assert_eq!(reading.context.clock_offset_s, Some(120));
            let glucose = &reading.observations[0];
            assert!(glucose.flags.has(Flags::STORED.with(Flags::QUESTIONABLE)));
            glucose.device_time.unwrap().minute
        })
        .collect();
    assert_eq!(minutes, [53, 58]);
    assert!(outputs.iter().any(|output| matches!(output, Output::Remember(_))));
}

#[test]
fn only_what_came_after_the_last_record_is_fetched_until_a_new_session_numbers_them_anew() {
    let mut worn = Worn::running(600);
    fetch(&mut worn, &[595, 600]);
    worn.give(Input::Disconnected);
    worn.give(Input::Connected);
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &SessionStartTime::at(ago(602)).encode(E2eCrc::Absent));
    worn.status(610, 0);
    let (_, asked) = fetch(&mut worn, &[605]);
    assert_eq!(asked[1..3], [[4, 3, 1, 89, 2], [1, 3, 1, 89, 2]], "from minute 601 on");
    worn.give(Input::Disconnected);
    worn.give(Input::Connected);
    worn.answer(FEATURE, FEATURES);
    worn.answer(SESSION_START_TIME, &SessionStartTime::at(ago(20)).encode(E2eCrc::Absent));
    worn.status(20, 0);
    let (outputs, asked) = fetch(&mut worn, &[10, 20]);
    assert_eq!(asked[1], [1, 1], "all of them");
    assert_eq!(readings(&outputs).len(), 2);
    worn.give(Input::Disconnected);
    worn.give(Input::Connected);
    worn.answer(FEATURE, FEATURES);
    let told_anew = HomeTime { unix_s: ago(20).unix_s + 59, ..NOON };
    worn.answer(SESSION_START_TIME, &SessionStartTime::at(told_anew).encode(E2eCrc::Absent));
    let (_, asked) = fetch(&mut worn, &[25]);
    assert_eq!(asked[1], [4, 3, 1, 21, 0], "the same session");
}

#[test]
fn only_what_is_wrong_with_the_measurement_makes_it_questionable() {
    let doubtful = [0, 2, 3, 5, 11, 12, 13, 22, 23];
    for bit in 0..24 {
        let (reading, _) = Worn::running(600).measure(600, 1 << bit);
        let questionable = reading.observations[0].flags.has(Flags::QUESTIONABLE);
        assert_eq!(questionable, doubtful.contains(&bit), "bit {bit}");
        assert_eq!(reading.observations[0].value, Value::Decimal(Decimal::whole(120)), "the number is kept");
        assert_eq!(reading.observations[1].value, Value::Bits(1 << bit));
    }
}

#[test]
fn how_often_a_sensor_notifies_is_asked_and_told_in_its_description() {
    let (mut worn, _) = Worn::new(None);
    let asked = worn.answer(FEATURE, FEATURES);
    let question = Question::CommunicationInterval.encode(E2eCrc::Present);
    assert_eq!(Worn::write(&asked, CONTROL_POINT), Some(&question[..]));
    let answer = E2eCrc::Present.append(vec![3, 5]);
    worn.give(Input::Chunk { channel: Channel::Notified(CONTROL_POINT), bytes: &answer });
    worn.answer(SESSION_RUN_TIME, &[0xF0, 0x00]);
    let names: Vec<_> = worn.0.device_description().fields().iter().map(|f| f.name).collect();
    assert_eq!(names, ["features", "session", "communication_interval_min"]);
    assert_eq!(Worn::write(&worn.answer(FEATURE, FEATURES), CONTROL_POINT), None, "it is known");
}

#[test]
fn a_sensor_whose_feature_could_not_be_read_is_understood_by_the_length_of_its_values() {
    let (mut worn, _) = Worn::new(None);
    assert_eq!(readings(&worn.notify(&record(1, 0))).len(), 1);
    assert_eq!(readings(&worn.notify(&[6, 0, 120, 0, 2, 0])).len(), 1);
}

#[test]
fn what_a_sensor_measures_in_names_the_glucose_and_a_control_solution_is_a_test() {
    let device: DeviceId = "sensor-1".parse().unwrap();
    let glucose = |octet| {
        let feature = CgmFeature::decode(&[0, 0, 0, octet, 0xFF, 0xFF]).unwrap();
        let record = CgmMeasurement::decode(&[6, 0, 120, 0, 2, 0], feature.e2e_crc()).unwrap();
        record.observations(&device, Some(&feature), None).remove(0)
    };
    assert_eq!(glucose(0x59).metric, Metric::GLUCOSE_INTERSTITIAL_FLUID);
    assert_eq!(glucose(0x11).metric, Metric::GLUCOSE_CAPILLARY_BLOOD);
    assert_eq!(glucose(0x50).metric, Metric::GLUCOSE, "a type that is reserved");
    assert_eq!(glucose(0x49).metric, Metric::GLUCOSE_CONTROL, "by its location");
    let tests = [0x59, 0x5A, 0x49].map(|octet| glucose(octet).flags.has(Flags::TEST));
    assert_eq!(tests, [false, true, true]);
}
