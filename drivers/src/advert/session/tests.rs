use proptest::prelude::*;
use varde_wire::{Flags, Metric};

use super::*;
use crate::describe::unhex;
use crate::{BleOptions, BleProfile, Purpose, Uuid};

const BIND_KEY: [u8; 16] = 0x231d_39c1_d7cc_1ab1_aee2_24cd_096d_b932_u128.to_be_bytes();
const ADDRESS: [u8; 6] = [0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5];

/// A sensor, and the clock of the gateway that hears it.
struct Sensor {
    session: Box<dyn Session>,
    channel: Channel,
    now: Instant,
}

impl Sensor {
    fn new(profile: BleProfile, options: &BleOptions) -> Self {
        let channel = match profile.company() {
            Some(company) => Channel::ManufacturerData(company),
            None => Channel::ServiceData(profile.services()[0]),
        };
        let session = profile.session("sensor-1".parse().unwrap(), options);
        Self { session, channel, now: Instant::from_millis(1_000_000) }
    }

    fn plain(purpose: Option<Purpose>) -> Self {
        Self::new(BleProfile::BtHome, &BleOptions { purpose, ..BleOptions::default() })
    }

    fn encrypted(purpose: Option<Purpose>) -> Self {
        let options =
            BleOptions { purpose, bind_key: Some(BIND_KEY), address: ADDRESS, ..BleOptions::default() };
        Self::new(BleProfile::BtHome, &options)
    }

    /// Hears an advertisement that many seconds after the last.
    fn hear(&mut self, seconds: u64, hex: &str) -> Vec<String> {
        self.now = Instant::from_millis(self.now.as_millis() + seconds * 1000);
        self.give(self.channel, &unhex(hex))
    }

    fn give(&mut self, channel: Channel, bytes: &[u8]) -> Vec<String> {
        self.session.handle_input(Input::Chunk { channel, bytes }, self.now);
        self.drain()
    }

    fn wait(&mut self, seconds: u64) -> Vec<String> {
        self.now = Instant::from_millis(self.now.as_millis() + seconds * 1000);
        self.session.handle_timeout(self.now);
        self.drain()
    }

    fn drain(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_output()).map(word).collect()
    }
}

fn word(output: Output) -> String {
    match output {
        Output::Reading(reading) => {
            let words = reading.observations.iter().map(|o| {
                let doubt = if o.flags == Flags::NONE { "" } else { "?" };
                format!("{}{doubt}", o.value)
            });
            words.collect::<Vec<_>>().join(" ")
        }
        Output::Heard(_) => "heard".to_owned(),
        Output::Refused(Refused { error, .. }) => format!("refused {}", error.field),
        Output::Remember(_) => "remember".to_owned(),
        Output::Request(_)
        | Output::Outcome(_)
        | Output::AwaitCommit
        | Output::UnknownSender(_)
        | Output::Well(_) => {
            panic!("a sensor that only advertises asks for nothing: {output:?}")
        }
    }
}

/// An encrypted advertisement with these objects.
fn seal(counter: u32, objects: &str) -> String {
    use aes::Aes128;
    use ccm::aead::{AeadInOut, KeyInit};
    use ccm::{
        Ccm,
        consts::{U4, U13},
    };

    let cipher = Ccm::<Aes128, U4, U13>::new(&BIND_KEY.into());
    let mut nonce = [0; 13];
    nonce[..6].copy_from_slice(&ADDRESS);
    nonce[6..9].copy_from_slice(&[0xD2, 0xFC, 0x41]);
    nonce[9..].copy_from_slice(&counter.to_le_bytes());
    let mut objects = unhex(objects);
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &[], objects.as_mut_slice().into()).unwrap();
    crate::describe::hex(&[&[0x41], objects.as_slice(), &counter.to_le_bytes(), tag.as_slice()].concat())
}

#[test]
fn a_door_is_told_when_it_is_first_heard_and_when_it_moves() {
    let mut door = Sensor::plain(None);
    assert_eq!(door.hear(0, "401a00"), ["door-closed"]);
    assert_eq!(door.hear(5, "401a00"), ["heard"]);
    assert_eq!(door.hear(5, "401a01"), ["door-opened"]);
    assert_eq!(door.hear(5, "401a01"), ["heard"]);
    assert_eq!(door.hear(5, "401a00"), ["door-closed"]);
}

#[test]
fn an_output_that_is_always_off_is_no_loss_of_mains() {
    let mut thermometer = Sensor::plain(None);
    assert_eq!(thermometer.hear(0, "401000"), ["heard"]);
    assert_eq!(thermometer.hear(5, "401001"), ["mains-restored"]);
    assert_eq!(thermometer.hear(5, "401000"), ["mains-lost"]);
}

#[test]
fn a_press_is_told_once_however_often_it_is_sent_and_each_press_is_told() {
    let mut pendant = Sensor::plain(Some(Purpose::Pendant));
    assert_eq!(pendant.hear(0, "440021015e3a01"), ["safety-alarm press", "94"]);
    assert_eq!(pendant.hear(2, "440021015e3a01"), ["heard"]);
    assert_eq!(pendant.hear(50, "440021015e3a01"), ["heard"], "at the edge of the radio's range");
    assert_eq!(pendant.hear(1, "440022015e3a00"), ["heard"], "let go");
    assert_eq!(pendant.hear(1, "440023015e3a04"), ["safety-alarm long_press"]);
    let mut switch = Sensor::plain(None);
    assert_eq!(switch.hear(0, "403a01"), ["button-pressed press"]);
    assert_eq!(switch.hear(2, "403a01"), ["heard"]);
    assert_eq!(switch.hear(11, "403a01"), ["button-pressed press"], "without a packet id, after a pause");
}

#[test]
fn several_same_sensors_are_told_apart() {
    let mut panel = Sensor::plain(None);
    let expected = ["button-pressed press 2", "button-pressed triple_press 3"];
    assert_eq!(panel.hear(0, "403a003a013a03"), expected);
    let mut probe = Sensor::plain(None);
    assert_eq!(probe.hear(0, "40015d02ca0902cf09"), ["93", "25.06 1", "25.11 2"]);
    assert_eq!(probe.hear(61, "40015d02ca0902d009"), ["25.12 2"]);
}

#[test]
fn numbers_of_one_advertisement_are_one_reading_with_the_strength_of_its_signal() {
    let mut sensor = Sensor::plain(None);
    assert_eq!(sensor.give(Channel::Rssi, &[0xC4]), Vec::<String>::new());
    let bytes = unhex("4002ca0903bf13");
    sensor.session.handle_input(Input::Chunk { channel: sensor.channel, bytes: &bytes }, sensor.now);
    let Some(Output::Reading(reading)) = sensor.session.poll_output() else { panic!("a reading") };
    assert_eq!(reading.context.rssi_dbm, Some(-60));
    let metrics: Vec<_> = reading.observations.iter().map(|o| o.metric).collect();
    assert_eq!(metrics, [Metric::ROOM_TEMPERATURE, Metric::HUMIDITY]);
    assert_eq!(sensor.hear(61, "4002cb0903bf13"), ["25.07"]);

    // The strength of one that was refused is not that of the next.
    sensor.give(Channel::Rssi, &[0xC4]);
    sensor.give(sensor.channel, &unhex("4003bf"));
    let bytes = unhex("400161");
    sensor.session.handle_input(Input::Chunk { channel: sensor.channel, bytes: &bytes }, sensor.now);
    let Some(Output::Reading(reading)) = sensor.session.poll_output() else { panic!("a reading") };
    assert_eq!(reading.context.rssi_dbm, None);
}

#[test]
fn the_last_number_of_a_sensor_that_falls_silent_is_told() {
    let mut sensor = Sensor::plain(None);
    sensor.hear(0, "4002ca09");
    assert_eq!(sensor.hear(10, "4002cb09"), ["heard"]);
    let due = sensor.session.poll_timeout().unwrap();
    assert_eq!(due.since(sensor.now).as_secs(), 50);
    assert_eq!(sensor.wait(50), ["25.07"]);
    assert_eq!(sensor.session.poll_timeout(), None);
}

#[test]
fn an_old_recording_is_refused_also_after_a_restart() {
    let mut door = Sensor::encrypted(None);
    assert_eq!(door.hear(0, &seal(7, "1a01")), ["door-opened", "remember"]);
    assert_eq!(door.hear(1, &seal(7, "1a01")), ["heard"], "its echo");
    assert_eq!(door.hear(1, &seal(8, "1a00")), ["door-closed", "remember"]);
    assert_eq!(door.hear(1, &seal(7, "1a01")), ["refused counter"]);

    door.session
        .handle_input(Input::Chunk { channel: door.channel, bytes: &unhex(&seal(9, "1a01")) }, door.now);
    let outputs: Vec<_> = std::iter::from_fn(|| door.session.poll_output()).collect();
    let Some(Output::Remember(memory)) = outputs.last() else { panic!("a memory: {outputs:?}") };
    let mut restarted = Sensor::encrypted(None);
    restarted.session.recall(memory);
    assert_eq!(restarted.hear(0, &seal(8, "1a00")), ["refused counter"]);
    assert_eq!(restarted.hear(0, &seal(9, "1a01")), ["heard"], "it is still being sent");
    assert_eq!(restarted.hear(0, &seal(10, "1a00")), ["door-closed", "remember"]);
}

#[test]
fn numbers_are_not_worth_a_write_to_the_flash_each() {
    let mut sensor = Sensor::encrypted(None);
    assert_eq!(sensor.hear(0, &seal(1, "02ca09")), ["25.06", "remember"], "the first");
    let mut writes = 0;
    for counter in 2..=129 {
        writes += sensor.hear(1, &seal(counter, "02ca09")).iter().filter(|word| *word == "remember").count();
    }
    assert_eq!(writes, 2);
    assert_eq!(sensor.hear(1, &seal(130, "02ca09")), ["heard"]);
    assert_eq!(sensor.session.poll_timeout().unwrap().since(sensor.now).as_secs(), 600);
    assert_eq!(sensor.wait(600), ["remember"]);
}

#[test]
fn a_device_with_a_key_that_speaks_in_the_clear_is_refused() {
    let mut door = Sensor::encrypted(Some(Purpose::Pendant));
    assert_eq!(door.hear(0, "401a00"), ["refused objects"]);
    assert_eq!(door.hear(0, "403a01"), ["refused objects"], "anybody could send that");
    assert_eq!(Sensor::plain(None).hear(0, &seal(1, "1a00")), ["refused encrypted objects"]);
}

#[test]
fn a_pendant_whose_counter_began_anew_still_alarms_though_in_doubt() {
    let mut pendant = Sensor::encrypted(Some(Purpose::Pendant));
    assert_eq!(pendant.hear(0, &seal(5000, "00013a01")), ["safety-alarm press", "remember"]);
    // A new battery.
    assert_eq!(pendant.hear(600, &seal(1, "0001015d3a00")), ["refused counter"]);
    let alarm = ["safety-alarm? press?", "refused counter"];
    assert_eq!(pendant.hear(600, &seal(2, "0002015d3a01")), alarm);
    assert_eq!(pendant.hear(1, &seal(2, "0002015d3a01")), ["refused counter"], "its echo");
}

#[test]
fn what_cannot_be_read_to_its_end_is_told_as_far_as_it_goes() {
    let mut sensor = Sensor::plain(None);
    assert_eq!(sensor.hear(0, "4002ca0903bf"), ["25.06", "refused humidity"]);
    assert_eq!(sensor.hear(1, "4003bf"), ["refused humidity"]);
    assert_eq!(sensor.hear(1, "40feca09"), ["heard"]);
    let description = sensor.session.device_description();
    let unknown = description.fields().iter().find(|field| field.name == "unknown_object").unwrap();
    assert_eq!(unknown.value, 0xFE_u8.into());
}

#[test]
fn a_device_tells_of_itself() {
    let mut sensor = Sensor::plain(None);
    sensor.hear(0, "44f00100f2000106");
    sensor.hear(0, "4402ca09");
    let description = sensor.session.device_description();
    let names: Vec<_> = description.fields().iter().map(|field| field.name).collect();
    let expected = ["bthome_version", "encrypted", "trigger_based", "device_type_id", "firmware_version"];
    assert_eq!(names, expected);
}

#[test]
fn other_formats_beside_it_are_passed_over_and_other_channels_refused() {
    let mut sensor = Sensor::plain(None);
    assert_eq!(sensor.give(Channel::ManufacturerData(0x0BA9), &[1, 2, 3]), Vec::<String>::new());
    assert_eq!(sensor.give(Channel::ServiceData(Uuid::sig(0x180F)), &[1]), Vec::<String>::new());
    assert_eq!(sensor.give(Channel::Serial, &[1]), ["refused channel"]);
}

#[test]
fn a_ruuvi_air_is_heard_in_its_better_format_as_long_as_that_comes() {
    let mut air = Sensor::new(BleProfile::Ruuvi, &BleOptions::default());
    let short = "06170c5668c79e007000c90501d9ffcd004c884f";
    let long = "e1170c5668c79e0065007004bd11ca00c90a0213e0acffffffdecdee10ffffffffffcbb8334c884f";
    assert_eq!(air.hear(0, short), ["29.500 55.3000 101102 11.2 201 10 2 13026.67"]);
    assert_eq!(air.hear(1, long), ["10.1 121.3 455.4"], "what the other has not");
    assert_eq!(air.wait(59), ["13027.00 20 4"], "what differs, after its minute");
    assert_eq!(air.hear(100, short), ["heard"]);
    assert_eq!(air.hear(601, short), ["10 2 13026.67"]);
}

#[test]
fn a_thermometer_and_a_sensor_without_all_its_parts_are_heard() {
    let mut thermometer = Sensor::new(BleProfile::Atc, &BleOptions::default());
    assert_eq!(thermometer.hear(0, "8b376338c1a4ce0913107f0b521204"), ["0x4", "25.10 41.15 82 2.943"]);
    assert_eq!(thermometer.hear(5, "8b376338c1a4ce0913107f0b521304"), ["heard"]);
    let mut tag = Sensor::new(BleProfile::Ruuvi, &BleOptions::default());
    assert_eq!(tag.hear(0, "0512fcffffffff800080008000ffffffffffffffffffffff"), ["24.300"]);
}

proptest! {
    /// However a pendant is pressed and however often each press is sent: as many alarms as presses.
    #[test]
    fn there_are_as_many_alarms_as_presses(
        presses in proptest::collection::vec((1_u8..=6, 1_u8..6, 11_u64..90), 1..20),
        numbered in any::<bool>(),
        encrypted in any::<bool>(),
    ) {
        let purpose = Some(Purpose::Pendant);
        let mut pendant = if encrypted { Sensor::encrypted(purpose) } else { Sensor::plain(purpose) };
        let (mut alarms, mut sent) = (0, 0);
        for (number, (kind, repeats, pause)) in (0_u8..).zip(&presses) {
            let id = if numbered { format!("00{number:02x}") } else { String::new() };
            let objects = format!("{id}015d3a{kind:02x}");
            let mut wait = *pause;
            for _ in 0..*repeats {
                sent += 1;
                let advert = if encrypted { seal(sent, &objects) } else { format!("40{objects}") };
                let told = pendant.hear(wait, &advert);
                alarms += told.iter().filter(|word| word.starts_with("safety-alarm")).count();
                wait = 2;
            }
        }
        prop_assert_eq!(alarms, presses.len());
    }

    /// However often each advertisement of a door is heard or lost: each change that is heard is told, and no other.
    #[test]
    fn a_door_is_told_as_often_as_it_moves(heard in proptest::collection::vec(any::<bool>(), 1..40)) {
        let mut door = Sensor::plain(None);
        let told: Vec<_> = heard
            .iter()
            .flat_map(|open| door.hear(1, if *open { "401a01" } else { "401a00" }))
            .filter(|word| word != "heard")
            .collect();
        let mut moves: Vec<_> = heard.iter().map(|open| if *open { "door-opened" } else { "door-closed" }).collect();
        moves.dedup();
        prop_assert_eq!(told, moves);
    }
}
