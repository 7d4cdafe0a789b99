use proptest::prelude::*;

use super::*;
use crate::describe::unhex;
use crate::nonin::{packet_of, spot};
use crate::{Field, FieldValue};

/// A description in one line.
pub(crate) fn line(description: &Description) -> String {
    let field = |field: &Field| format!("{}={}", field.name, word(&field.value));
    description.fields().iter().map(field).collect::<Vec<_>>().join(" ")
}

fn word(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Bool(yes) => yes.to_string(),
        FieldValue::List(values) => format!("[{}]", values.iter().map(word).collect::<Vec<_>>().join(" ")),
        FieldValue::Fields(fields) => format!("({})", line(fields)),
    }
}

#[test]
fn every_characteristic_is_described_field_by_field() {
    let table = [
        (
            0x2A35,
            "fe8a005800ff070000041114293b3cf0012780aa",
            "systolic=138 diastolic=88 mean_arterial_pressure=not-a-number unit=mm[Hg] time_stamp=(year=0 month=4 day=17 \
             hours=20 minutes=41 seconds=59) pulse_rate=6.0 user_id=1 measurement_status=(body_movement_detected=true \
             cuff_too_loose=true irregular_pulse_detected=true pulse_rate_range=within-range \
             improper_measurement_position=true reserved=[15]) reserved_flags=[5 6 7] rest=aa",
            5,
        ),
        (0x2A36, "00d7f0ff07ff07", "current_cuff_pressure=21.5 unit=mm[Hg]", 1),
        (
            0x2A49,
            "2102",
            "body_movement_detection=true cuff_fit_detection=false irregular_pulse_detection=false \
             pulse_rate_range_detection=false measurement_position_detection=false multiple_bond=true e2e_crc=false \
             user_data_service=false user_facing_time=false reserved=[9]",
            0,
        ),
        (0x2A19, "61", "battery_level=97", 1),
        (0x2A19, "ff", "battery_level=reserved", 1),
        (0x2A29, "4126440000", "manufacturer_name=A&D", 0),
        (0x2A23, "0102030405060708", "system_id=0807060504030201", 0),
        (
            0x2A50,
            "01020304050607",
            "pnp_id=(vendor_id_source=1 vendor_id=770 product_id=1284 product_version=1798)",
            0,
        ),
        (
            0x2A18,
            "ff0b00ea070b160e1e00ffff75b011010012ab",
            "sequence_number=11 base_time=(year=2026 month=11 day=22 hours=14 minutes=30 seconds=0) time_offset_min=-1 \
             glucose_concentration=0.00117 unit=mol/L type=capillary-whole-blood type_value=1 sample_location=finger \
             sample_location_value=1 sensor_status_annunciation=(device_battery_low=true sensor_malfunction=false \
             sample_size_insufficient=false strip_insertion_error=false strip_type_incorrect=false \
             result_higher_than_processable=false result_lower_than_processable=false temperature_too_high=false \
             temperature_too_low=false strip_pulled_too_soon=false general_device_fault=false time_fault=false) \
             context_information_follows=true reserved_flags=[5 6 7] rest=12ab",
            3,
        ),
        (
            0x2A34,
            "ff02008001 2dd001 51 0807 46 09 08a0 41f0 cafe",
            "sequence_number=2 extended_flags=128 carbohydrate=(id=breakfast carbohydrate_kg=0.045) meal=preprandial \
             tester=self health=no-health-issues tester_value=1 health_value=5 exercise=(duration_s=1800 \
             intensity_percent=70) medication=(id=9 medication_l=0.000008) hba1c=6.5 rest=cafe",
            8,
        ),
        (
            0x2A52,
            "0103013412",
            "op_code=report-stored-records operator=greater-than-or-equal-to filter_type=1 limit=4660",
            0,
        ),
        (
            0x2A52,
            "0600040b",
            "op_code=response-code operator=null request_op_code=report-number-of-stored-records response_code=reserved \
             response_code_value=11",
            0,
        ),
        (
            0x2A5F,
            "e361004800ff07ff075f004600aa",
            "spo2=97 pulse_rate=72 fast=(spo2=not-a-number pulse_rate=not-a-number) \
             slow=(spo2=95 pulse_rate=70) reserved_flags=[5 6 7] rest=aa",
            6,
        ),
        (
            0x2A5E,
            "1161004800ea070b160e1e00",
            "spo2=97 pulse_rate=72 time_stamp=(year=2026 month=11 day=22 hours=14 \
             minutes=30 seconds=0) device_clock_is_not_set=true",
            2,
        ),
        (
            0x2B8B,
            "07013900ff07054a0200320029f42d000001080f0000ff02010100000002010100ff0001020000000103000000010100ff0001000407200f78000000aabb",
            "first_segment=true last_segment=true segment_counter=1 class=numeric type=MDC_PRESS_BLD_NONINV_SYS \
             time_stamp=(time_of_day=2024-06-06T10:00:00 time_value=770976000 tick_counter=false utc=true \
             resolution=1 s tz_dst_offset_min=120 current_timeline=true sync_source=network-time-protocol) \
             measurement_duration_s=1.5 measurement_status=(invalid=false questionable=true not_available=false \
             calibrating=false test_data=false early_estimate=false manually_entered=false setting=false \
             threshold_error=false threshold_disabled=false reserved=[8]) object_id=1 patient=2 \
             supplemental_information=[MDC_16711681] derived_from=[2] is_member_of=[3] \
             tlvs=[(type=MDC_16711681 format=4 value=7)] reserved_flags=[10] value=(number=120 unit=mm[Hg]) rest=aa \
             rest_after_observation=bb",
            4,
        ),
        (
            0x2BDD,
            "0305000000ff1400000002030700000003004d696e6f04000000abcd",
            "first_segment=true last_segment=true segment_counter=0 record_number=5 class=bundle \
             value=[(class=string value=Min) (class=111 value=abcd)]",
            2,
        ),
        (0x2BDD, "05050000", "first_segment=true last_segment=false segment_counter=1 segment=050000", 0),
        (
            0x2BF2,
            "320029f42d000001080102",
            "time_of_day=2024-06-06T10:00:00 time_value=770976000 tick_counter=false utc=true resolution=1 s \
             tz_dst_offset_min=120 current_timeline=true sync_source=network-time-protocol \
             clock_status=(needs_to_be_set=true) clock_capabilities=(applies_daylight_saving=false \
             follows_time_zone=true)",
            0,
        ),
        (
            0x2BF3,
            "0101054a020001071001",
            "observation_types=[MDC_PRESS_BLD_NONINV_SYS] device_specializations=[(type=MDC_528391 version=1)]",
            0,
        ),
        (
            0x2BF1,
            "054a02000a0000ffffff7f00",
            "type=MDC_PRESS_BLD_NONINV_SYS measurement_period_s=1.0 update_interval_s=not-a-number",
            0,
        ),
        (0x2BF4, "81", "code=server-busy", 0),
        (
            0x2B1E,
            "031001",
            "length=3 lesc_only=false use_oob_pairing=false ready_for_disconnect=true limited_access=false \
             access_permitted=false advertisement_mode=adv-scan-ind",
            0,
        ),
    ];
    for (uuid, hex, expected, observations) in table {
        let decoded = decode_gatt(uuid, &unhex(&hex.replace(' ', ""))).unwrap();
        assert_eq!(line(&decoded.measurement), expected);
        assert_eq!(decoded.observations.len(), observations, "{uuid:04X}");
    }
}

#[test]
fn an_unknown_characteristic_is_refused_with_a_list_of_the_known_ones() {
    let refused = decode_gatt(0x1234, &[1]).unwrap_err().to_string();
    let known = refused.strip_prefix("characteristic at byte 0: 1234 has no decoder; known are ").unwrap();
    let known: Vec<_> = known.split(", ").collect();
    assert!(known.is_sorted() && known.contains(&"2A35"), "{known:?}");
    let mut once = known.clone();
    once.dedup();
    assert_eq!(known, once, "a characteristic with two decoders");
}

#[test]
fn every_packet_of_a_stream_is_described_and_what_is_broken_is_told_in_its_place() {
    let stream = [
        "55000707017af650002989793001ffffffff37009d",
        "55000707017ad50901825dab0001ffffffff3600c7",
        "55000a0701eba5000055080181b7440001ffffffff2d0075",
        "55000707017ad50901825dab0001ffffffff3600c8",
        "5500050102db00ff9e55000a79",
        "5500010004770402",
    ];
    // The last row's checksum is wrong: the event's code was changed.
    let found: Vec<_> = decode_esp3(&unhex(&stream.concat()), None)
        .into_iter()
        .map(|found| match found {
            Ok(decoded) => (line(&decoded.measurement), decoded.observations.len()),
            Err(error) => (error.to_string(), 0),
        })
        .collect();
    let expected = [
        (
            "packet=RADIO_ERP1 rorg=F6 payload=50 sender_id=00298979 status=30 repeater_count=0 subtelegram_number=1 \
             destination_id=FFFFFFFF dbm=-55 security_level=0 eep=F6-02-01 T21=true NU=true R1=BI EB=pressed SA=false",
            1,
        ),
        (
            "packet=RADIO_ERP1 rorg=D5 payload=09 sender_id=01825DAB status=00 repeater_count=0 subtelegram_number=1 \
             destination_id=FFFFFFFF dbm=-54 security_level=0 eep=D5-00-01 CO=closed LRN=not pressed",
            1,
        ),
        (
            "packet=RADIO_ERP1 rorg=A5 payload=00005508 sender_id=0181B744 status=00 repeater_count=0 \
             subtelegram_number=1 destination_id=FFFFFFFF dbm=-45 security_level=0",
            0,
        ),
        ("data CRC8 at byte 86: expected checksum 0xc7, got 0xc8", 0),
        (
            "packet_type=2 packet=RESPONSE return_code=0 return=RET_OK response_data=ff9e5500 optional_data=0a",
            0,
        ),
        ("data CRC8 at byte 107: expected checksum 0x1c, got 0x02", 0),
    ];
    assert_eq!(found, expected.map(|(text, count)| (text.to_owned(), count)));
}

/// What the stick says of itself, a teach-in (python-enocean's tests, kipe/enocean, MIT), and what is refused.
#[test]
fn packets_beside_telegrams_are_described_too() {
    let version = "00020f000002060500019f0001454f0104474154455741594354524c0000000000";
    let stream = [
        Frame::encode(2, &unhex(version), &[]),
        Frame::encode(5, &[8], &[]),
        unhex("55000d0701fdd4a0ff3e000101d20194e3b90001ffffffff4000ab"),
        Frame::encode(1, &unhex("30aabbccdd01825dab00"), &[]),
        Frame::encode(10, &unhex("2101825dab0812"), &[]),
    ];
    let found = decode_esp3(&stream.concat(), None);
    let shown = |place: usize| line(&found[place].as_ref().unwrap().measurement);
    assert!(
        shown(0).contains("app_description=GATEWAYCTRL app_version=2.15.0.0 api_version=2.6.5.0"),
        "{}",
        shown(0)
    );
    assert!(shown(1).contains("command=CO_RD_IDBASE"), "{}", shown(1));
    assert!(shown(2).ends_with(
        "teach_in=UTE: teach in or out bidirectional=true wants_answer=true channels=255 eep=D2-01-01 manufacturer=03E"
    ));
    let refused = |place: usize| found[place].as_ref().unwrap_err().problem.clone();
    assert_eq!([refused(3), refused(4)], [Problem::Secured, Problem::OtherRadioProtocol]);
}

#[test]
fn a_profile_that_is_given_is_held_to() {
    let rocker = unhex("55000707017af650002989793001ffffffff37009d");
    let found = decode_esp3(&rocker, Eep::from_name("D5-00-01"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].as_ref().unwrap_err().field, "RORG");
    let found = decode_esp3(&rocker, Eep::from_name("F6-02-02"));
    assert!(line(&found[0].as_ref().unwrap().measurement).contains("eep=F6-02-02"));
}

#[test]
fn what_ends_within_a_packet_is_told() {
    let found = decode_esp3(&unhex("55000707017af65000"), None);
    assert_eq!(
        found[0].as_ref().unwrap_err().to_string(),
        "data at byte 6: too short: expected length 7, got 3"
    );
    assert!(decode_esp3(&[], None).is_empty());
}

type Decode<'a> = &'a dyn Fn(&[u8]) -> Vec<Result<Decoded, FrameError>>;

/// Of each stream as it is cut anywhere: whatever there is of it is shown or told.
#[test]
fn what_ends_within_a_packet_of_any_stream_is_told() {
    let oximeter = |format| move |bytes: &[u8]| decode_nonin(bytes, format);
    let report = unhex("f4f3f2f10d0002aa0251000000003b00005500f8f7f6f5");
    let table: [(Decode<'_>, Vec<u8>); 5] = [
        (&oximeter(nonin::DataFormat::Two), packet_of(nonin::DataFormat::Two, 0x80, 72, 97)),
        (&oximeter(nonin::DataFormat::Seven), packet_of(nonin::DataFormat::Seven, 0x80, 72, 97)),
        (&oximeter(nonin::DataFormat::Eight), unhex("80486120")),
        (&oximeter(nonin::DataFormat::Thirteen), spot([2, 0], 72, 97, b"501234567")),
        (&decode_ld2410, report),
    ];
    for (decode, whole) in table {
        let [Ok(_)] = &decode(&whole)[..] else { panic!("{whole:02x?} is one packet") };
        for end in 1..whole.len() {
            let stream = [&whole, &whole[..end]].concat();
            let [Ok(_), Err(error)] = &decode(&stream)[..] else { panic!("{stream:02x?}") };
            let expected = FrameError { field: "packet", offset: whole.len(), problem: Problem::Unended };
            assert_eq!(*error, expected, "{stream:02x?}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        uuid in prop_oneof![0x2A00..=0x2BFF_u16, any::<u16>()],
    ) {
        let _ = decode_gatt(uuid, &bytes);
        for eep in [None, Eep::from_name("F6-02-01"), Eep::from_name("D5-00-01")] {
            decode_esp3(&bytes, eep);
        }
        for format in nonin::DataFormat::ALL {
            decode_nonin(&bytes, *format);
        }
        decode_ld2410(&bytes);
        decode_device_link(&bytes);
        let _ = decode_modbus(&bytes);
    }
}
