use proptest::prelude::*;
use varde_wire::{Event, Metric, Value};

use super::*;
use crate::Problem;
use crate::describe::unhex;

mod vectors;

const V1: Channel = Channel::ServiceData(SERVICE_V1);
const V1_ENCRYPTED: Channel = Channel::ServiceData(SERVICE_V1_ENCRYPTED);
const V2: Channel = Channel::ServiceData(SERVICE);

/// Key and address of bthome-ble's tests and of bthome.io/encryption.
const SECRET: Secret = Secret {
    bind_key: 0x231d_39c1_d7cc_1ab1_aee2_24cd_096d_b932_u128.to_be_bytes(),
    address: [0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5],
};

fn decode(channel: Channel, hex: &str) -> Packet {
    Packet::decode(channel, &unhex(hex), None).unwrap()
}

/// The objects in one line, sorted, without the zeros at the end of numbers.
fn objects(packet: &Packet) -> String {
    const HEAD: [&str; 8] =
        ["version", "encrypted", "trigger_based", "reserved_bits", "address", "counter", "rest", "broken"];
    let description = packet.describe();
    let fields = description.fields().iter().filter(|field| !HEAD.contains(&field.name));
    let mut fields: Vec<_> = fields.map(|field| format!("{}={}", field.name, word(&field.value))).collect();
    fields.sort();
    fields.join(" ")
}

fn word(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Bool(yes) => yes.to_string(),
        FieldValue::Number(number) if number.exponent < 0 => {
            number.to_string().trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        FieldValue::Number(number) => number.to_string(),
        FieldValue::List(values) => format!("[{}]", values.iter().map(word).collect::<Vec<_>>().join(" ")),
        FieldValue::Fields(fields) => {
            let parts = fields.fields().iter().map(|part| format!("{}={}", part.name, word(&part.value)));
            format!("({})", parts.collect::<Vec<_>>().join(" "))
        }
    }
}

#[test]
fn every_object_is_read_as_the_reference_implementation_reads_it() {
    for (channel, table) in [(V1, vectors::VERSION_1), (V2, vectors::VERSION_2)] {
        for (hex, expected) in table {
            let packet = decode(channel, hex);
            assert_eq!(objects(&packet), *expected, "{hex}");
            assert_eq!((packet.rest.as_slice(), packet.broken), (&[][..], None), "{hex}");
        }
    }
}

/// The rest of bthome-ble's assertions, with what is different here and why.
#[test]
fn where_we_differ_from_the_reference_implementation_we_know_why() {
    let table = [
        // A float in version 1 (102.24 kg): its bytes are shown. No device is known that sends one.
        (V1, "4306fe70", "", "4306fe70"),
        // bthome-ble drops this packet id as older than the one before (9). One radio hears in order.
        (V2, "400008", "packet_id=8", ""),
        // An unknown object first, and one in the middle: the same, and the bytes are shown.
        (V2, "40feca09", "", "feca09"),
        (V2, "40015dfe5d0903b718", "battery=93", "fe5d0903b718"),
        // Three buttons, of which the first is not pressed: the same, with its place.
        (V2, "403a003a013a03", "button=[none press triple_press]", ""),
        (V2, "440023015e3a00", "battery=94 button=none packet_id=35", ""),
        // bthome-ble ignores a way to press that it does not know. On a pendant that would be an alarm lost.
        (V2, "403afe", "button=other_press", ""),
        // Not UTF-8: bthome-ble drops the text, here its bytes are shown.
        (V2, "44530187", "text=87", ""),
    ];
    for (channel, hex, expected, rest) in table {
        let packet = decode(channel, hex);
        assert_eq!((objects(&packet).as_str(), packet.rest), (expected, unhex(rest)), "{hex}");
    }
}

#[test]
fn objects_newer_than_the_reference_implementation_we_have_are_read_by_the_format() {
    let table = [
        // Examples of bthome.io/format.
        ("403b010305", "command=(opcode=3 command=step_up arguments=05)"),
        ("406507", "settings_revision=7"),
        ("40f00100", "device_type_id=1"),
        ("40f100010204", "firmware_version=4.2.1.0"),
        ("40f2000106", "firmware_version=6.1.0"),
        ("403c020a", "dimmer=10"),
        ("403c0000", "dimmer=none"),
    ];
    for (hex, expected) in table {
        assert_eq!(objects(&decode(V2, hex)), expected, "{hex}");
    }
}

/// The encrypted rows of bthome-ble's tests.
#[test]
fn what_is_encrypted_is_opened_with_the_right_key_alone() {
    let climate = "humidity=50.55 temperature=25.06";
    let table = [
        (V1_ENCRYPTED, "fba435e4d3c312fb0011223357d90a99", climate),
        (V2, "41a47266c95f730011223378237214", climate),
        (V2, "43a5808fe64854f196c06ffb4900112233f08ecbde", climate),
        (V2, "4187b90011223372b0231f", "motion=true"),
    ];
    for (channel, hex, expected) in table {
        let packet = Packet::decode(channel, &unhex(hex), Some(&SECRET)).unwrap();
        assert_eq!((objects(&packet).as_str(), packet.counter), (expected, Some(0x3322_1100)), "{hex}");

        let wrong = Secret { bind_key: [0; 16], ..SECRET };
        for secret in [None, Some(&wrong)] {
            let refused = Packet::decode(channel, &unhex(hex), secret).unwrap_err();
            let expected = if secret.is_some() { Problem::NotAuthentic } else { Problem::NoBindKey };
            assert_eq!(refused.problem, expected, "{hex}");
        }
    }
    // Of their downgrade test: its tag is not right, and nothing there asks for it.
    let refused = Packet::decode(V2, &unhex("41c869d37ea5f88e271629ecf27a85"), Some(&SECRET)).unwrap_err();
    assert_eq!(refused.problem, Problem::NotAuthentic);
}

#[test]
fn a_value_that_breaks_off_is_named_and_what_came_before_is_kept() {
    let packet = decode(V2, "4002ca0903bf");
    assert_eq!(objects(&packet), "temperature=25.06");
    assert_eq!(packet.broken.unwrap().to_string(), "humidity at byte 5: too short: expected length 2, got 1");
    let table = [
        (V2, "", "device information at byte 0: too short: expected length 1, got 0"),
        (V2, "00", "version at byte 0: 0x00 has no decoder; known are 1 (in another service), 2"),
        (V2, "4102", "counter at byte 1: too short: expected length 4, got 1"),
        (V2, "4203", "address at byte 1: too short: expected length 6, got 1"),
        (V2, "4003bf", "humidity at byte 2: too short: expected length 2, got 1"),
        (V2, "405305", "text at byte 3: too short: expected length 5, got 0"),
        (V1, "2302", "object at byte 1: too short: expected length 3, got 1"),
        (V1, "00", "object length at byte 0: expected a length of 1 to 31, got 0"),
        (V1, "0902ffffffffffffffff", "temperature at byte 2: expected a length of 1 to 7, got 8"),
        (V1_ENCRYPTED, "0011", "counter at byte 0: too short: expected length 4, got 2"),
    ];
    for (channel, hex, expected) in table {
        let refused = Packet::decode(channel, &unhex(hex), Some(&SECRET)).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{hex}");
    }
}

fn events(purpose: Option<Purpose>, hex: &str) -> Vec<(Metric, Option<u8>, Value)> {
    let device = "device".parse().unwrap();
    let statements = decode(V2, hex).statements(purpose);
    let value = |statement: &Statement| {
        statement.observations(&device, varde_wire::Flags::NONE).first().unwrap().value.clone()
    };
    statements.iter().map(|statement| (statement.key.metric, statement.key.index, value(statement))).collect()
}

#[test]
fn states_become_the_events_of_the_home() {
    let table = [
        (0x11, Metric::CONTACT, Event::DoorOpened, Event::DoorClosed),
        (0x1A, Metric::CONTACT, Event::DoorOpened, Event::DoorClosed),
        (0x1B, Metric::CONTACT, Event::DoorOpened, Event::DoorClosed),
        (0x2D, Metric::CONTACT, Event::DoorOpened, Event::DoorClosed),
        (0x15, Metric::BATTERY_STATE, Event::BatteryLow, Event::BatteryRestored),
        (0x17, Metric::CARBON_MONOXIDE, Event::Gas, Event::GasCleared),
        (0x1C, Metric::GAS, Event::Gas, Event::GasCleared),
        (0x20, Metric::WATER, Event::Water, Event::WaterCleared),
        (0x21, Metric::MOTION, Event::Motion, Event::MotionCleared),
        (0x22, Metric::MOVING, Event::Motion, Event::MotionCleared),
        (0x23, Metric::OCCUPANCY, Event::EnteredRoom, Event::LeftRoom),
        (0x25, Metric::PRESENCE, Event::EnteredRoom, Event::LeftRoom),
        (0x26, Metric::DEVICE_PROBLEM, Event::DeviceFault, Event::DeviceFaultCleared),
        (0x29, Metric::SMOKE, Event::Smoke, Event::SmokeCleared),
        (0x2B, Metric::TAMPER, Event::Tamper, Event::TamperCleared),
        (0x10, Metric::MAINS, Event::MainsRestored, Event::MainsLost),
        (0x24, Metric::MAINS, Event::MainsRestored, Event::MainsLost),
    ];
    for (id, metric, on, off) in table {
        for (state, event) in [(1, on), (0, off)] {
            let hex = format!("40{id:02x}{state:02x}");
            assert_eq!(events(None, &hex), [(metric, None, Value::Event(event))], "{hex}");
        }
    }
    assert_eq!(events(None, "402c01"), [(Metric::VIBRATION, None, Value::Bits(1))]);
}

#[test]
fn at_a_bed_a_contact_mat_and_a_presence_sensor_tell_who_lies_in_it() {
    let table = [
        ("402301", Event::InBed),
        ("402300", Event::LeftBed),
        ("402501", Event::InBed),
        ("401100", Event::InBed),
        ("401101", Event::LeftBed),
    ];
    for (hex, event) in table {
        assert_eq!(events(Some(Purpose::Bed), hex), [(Metric::USAGE, None, Value::Event(event))], "{hex}");
    }
}

#[test]
fn any_press_of_a_pendant_is_an_alarm_and_no_press_is_none() {
    for press in 0..=u8::MAX {
        let heard = events(Some(Purpose::Pendant), &format!("403a{press:02x}"));
        let alarm = (Metric::PERSONAL_ALARM, None, Value::Event(Event::SafetyAlarm));
        assert_eq!(heard, if press == 0 { vec![] } else { vec![alarm] }, "{press}");
    }
    let pressed = Value::Event(Event::ButtonPressed);
    let expected = [(Metric::SWITCH, Some(2), pressed.clone()), (Metric::SWITCH, Some(3), pressed)];
    assert_eq!(events(None, "403a003a013a03"), expected);
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        information in prop_oneof![Just(0x40_u8), Just(0x44), Just(0x41), Just(0x43), any::<u8>()],
    ) {
        let bytes = [&[information], bytes.as_slice()].concat();
        for channel in CHANNELS {
            for secret in [None, Some(&SECRET)] {
                if let Ok(packet) = Packet::decode(channel, &bytes, secret) {
                    packet.describe();
                    packet.statements(Some(Purpose::Bed));
                }
            }
        }
    }

    /// What is read and what is left over are together what was sent.
    #[test]
    fn no_byte_is_lost(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let sent = [&[0x40], bytes.as_slice()].concat();
        if let Ok(packet) = Packet::decode(V2, &sent, None) {
            prop_assert!(sent.ends_with(&packet.rest));
            prop_assert!(packet.rest.is_empty() || packet.broken.is_none());
            prop_assert_eq!(packet.content, bytes);
        }
    }
}
