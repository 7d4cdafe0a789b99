use super::*;
use crate::decode::tests::line;
use crate::decode_gatt;
use crate::describe::unhex;

/// Values and what they say: tests of Nordic's Android-BLE-Library (BSD-3-Clause), package `callback/cgm`; the rows
/// marked "ours" are beside them.
///
/// That library takes a value of the wrong length for one without meaning. Here bytes after the last field are kept:
/// `020001` is a run time of two hours and a byte more, and `060001010101` a status and a byte more. Its session start
/// of zone 8 stands there for eight minutes; the field counts quarters of an hour.
///
/// Wireshark 4.0 reads those rows of 2AA7 to 2AAB that have a CRC the same, but for type and location of the feature:
/// it takes the high half of the octet for the type. The service has them the other way round, as Nordic has.
const DESCRIBED: &[(u16, &str, &str)] = &[
    (
        0x2AA7,
        "0fe3d2e405000214ff02f0e5f38e3f",
        "glucose=12.34 unit=mg/dL time_offset_min=5 sensor_status=(session_stopped=false device_battery_low=true \
         sensor_type_incorrect=false sensor_malfunction=false device_specific_alert=false general_device_fault=false \
         time_synchronization_required=false calibration_not_allowed=false calibration_recommended=true \
         calibration_required=false sensor_temperature_too_high=true sensor_temperature_too_low=false \
         result_lower_than_patient_low=true result_higher_than_patient_high=true result_lower_than_hypo=true \
         result_higher_than_hyper=true rate_of_decrease_exceeded=true rate_of_increase_exceeded=true \
         result_lower_than_device_can_process=true result_higher_than_device_can_process=true) trend=0.2 quality=99.7",
    ),
    (0x2AA7, "06000c100600", "glucose=120 unit=mg/dL time_offset_min=6"),
    (
        0x2AA7,
        "06000c10050006000c100600",
        "records=[(glucose=120 unit=mg/dL time_offset_min=5) (glucose=120 unit=mg/dL time_offset_min=6)]",
    ),
    // Ours: no number, and a byte that a reserved flag may announce.
    (
        0x2AA7,
        "0704ff07ffff2a",
        "glucose=not-a-number unit=mg/dL time_offset_min=65535 reserved_flags=[2] rest=2a",
    ),
    (
        0x2AA8,
        "6e9e01168ac1",
        "calibration=false patient_high_low_alerts=true hypo_alerts=true hyper_alerts=true \
         rate_of_increase_decrease_alerts=false device_specific_alert=true sensor_malfunction_detection=true \
         sensor_temperature_high_low_detection=false sensor_result_high_low_detection=false low_battery_detection=true \
         sensor_type_error_detection=true general_device_fault=true e2e_crc=true multiple_bond=false \
         multiple_sessions=false trend_information=true quality=true type=arterial-plasma type_value=6 sample_location=finger sample_location_value=1",
    ),
    // Ours: bits, type and location that are reserved, and a CRC of a sensor that has none.
    (
        0x2AA8,
        "0000806b0000aa",
        "calibration=false patient_high_low_alerts=false hypo_alerts=false hyper_alerts=false \
         rate_of_increase_decrease_alerts=false device_specific_alert=false sensor_malfunction_detection=false \
         sensor_temperature_high_low_detection=false sensor_result_high_low_detection=false low_battery_detection=false \
         sensor_type_error_detection=false general_device_fault=false e2e_crc=false multiple_bond=false \
         multiple_sessions=false trend_information=false quality=false reserved=[23] type=reserved type_value=11 sample_location=reserved sample_location_value=6 \
         unused_e2e_crc=0 rest=aa",
    ),
    (
        0x2AA9,
        "0600010101",
        "time_offset_min=6 sensor_status=(session_stopped=true device_battery_low=false sensor_type_incorrect=false \
         sensor_malfunction=false device_specific_alert=false general_device_fault=false \
         time_synchronization_required=true calibration_not_allowed=false calibration_recommended=false \
         calibration_required=false sensor_temperature_too_high=false sensor_temperature_too_low=false \
         result_lower_than_patient_low=true result_higher_than_patient_high=false result_lower_than_hypo=false \
         result_higher_than_hyper=false rate_of_decrease_exceeded=false rate_of_increase_exceeded=false \
         result_lower_than_device_can_process=false result_higher_than_device_can_process=false)",
    ),
    (
        0x2AAA,
        "e20704180d08180804e0c2",
        "year=2018 month=4 day=24 hours=13 minutes=8 seconds=24 time_zone_min=120 dst_offset=4 dst_offset_min=60",
    ),
    (
        0x2AAA,
        "000004180d08180802",
        "year=0 month=4 day=24 hours=13 minutes=8 seconds=24 time_zone_min=120 dst_offset=2 dst_offset_min=30",
    ),
    // Ours: a zone and daylight saving that are not known.
    (0x2AAA, "e20704180d081880ff", "year=2018 month=4 day=24 hours=13 minutes=8 seconds=24 dst_offset=255"),
    (0x2AAB, "020008c3", "session_run_time_h=2"),
    (0x2AAB, "0200", "session_run_time_h=2"),
    (0x2AAB, "020001", "session_run_time_h=2 rest=01"),
    (0x2AAC, "1c0201", "operation=response request=2 code=1 response=success"),
    (0x2AAC, "1c0202", "operation=response request=2 code=2 response=op-code-not-supported"),
    (0x2AAC, "1c02013c3b", "operation=response request=2 code=1 response=success"),
    (0x2AAC, "1c0202a709", "operation=response request=2 code=2 response=op-code-not-supported"),
    (
        0x2AAC,
        "0601200a00321400010004",
        "operation=calibration glucose=100 time_min=10 type=capillary-plasma type_value=2 sample_location=earlobe sample_location_value=3 \
         next_time_min=20 record_number=1 rejected=false out_of_range=false pending=true",
    ),
    (
        0x2AAC,
        "0601200a00321400010004bfb2",
        "operation=calibration glucose=100 time_min=10 type=capillary-plasma type_value=2 sample_location=earlobe sample_location_value=3 \
         next_time_min=20 record_number=1 rejected=false out_of_range=false pending=true",
    ),
    (0x2AAC, "090cf0", "operation=alert-level alert=patient-high level=1.2"),
    (0x2AAC, "0c0bc034be", "operation=alert-level alert=patient-low level=0.0011"),
    (0x2AAC, "0f0100", "operation=alert-level alert=hypo level=1"),
    (0x2AAC, "120a20", "operation=alert-level alert=hyper level=1000"),
    (0x2AAC, "150110", "operation=alert-level alert=rate-of-decrease level=10"),
    (0x2AAC, "180a40", "operation=alert-level alert=rate-of-increase level=100000"),
    (0x2AAC, "030b", "operation=communication-interval interval_min=11"),
    (0x2AAC, "030a8a75", "operation=communication-interval interval_min=10"),
    // Ours: what is asked and told.
    (0x2AAC, "0105", "operation=set-communication-interval interval_min=5"),
    (0x2AAC, "02", "operation=get-communication-interval"),
    (
        0x2AAC,
        "0464000a00190000ffff07aa",
        "operation=set-calibration glucose=100 time_min=10 type=interstitial-fluid type_value=9 sample_location=finger sample_location_value=1 \
         next_time_min=0 record_number=65535 rejected=true out_of_range=true pending=true rest=aa",
    ),
    (0x2AAC, "05ffff", "operation=get-calibration record_number=65535"),
    (0x2AAC, "07b400", "operation=set-alert-level alert=patient-high level=180"),
    (0x2AAC, "17", "operation=get-alert-level alert=rate-of-increase"),
    (0x2AAC, "19", "operation=reset-device-specific-alert"),
    (0x2AAC, "1a", "operation=start-session"),
    (0x2AAC, "1b", "operation=stop-session"),
    (0x2AAC, "1c1a09", "operation=response request=26 code=9 response=reserved"),
    (0x2AAC, "1d0102", "operation=reserved op_code=29 rest=0102"),
];

#[test]
fn every_value_is_described_field_by_field() {
    for (uuid, hex, expected) in DESCRIBED {
        let decoded = decode_gatt(*uuid, &unhex(hex)).unwrap_or_else(|error| panic!("{hex}: {error}"));
        assert_eq!(line(&decoded.measurement), *expected, "{hex}");
    }
}

/// The first nine: tests of the same library.
#[test]
fn what_is_cut_off_or_has_a_wrong_crc_is_refused_by_the_name_of_its_field() {
    let table = [
        (0x2AA7, "08000c100600586f", "E2E-CRC at byte 6: expected checksum 0x6f59, got 0x6f58"),
        (0x2AA7, "06e30c100600", "status octet at byte 6: too short: expected length 1, got 0"),
        (
            0x2AA7,
            "07e30c1006000002f0",
            "calibration and temperature octet at byte 7: too short: expected length 1, got 0",
        ),
        (0x2AA8, "6e9e0116afbe", "E2E-CRC at byte 4: expected checksum 0xc18a, got 0xbeaf"),
        (0x2AA8, "6e9e0116", "E2E-CRC at byte 4: too short: expected length 2, got 0"),
        (0x2AA9, "0600010101a7e0", "E2E-CRC at byte 5: expected checksum 0x599d, got 0xe0a7"),
        (0x2AAA, "e20704180d08180804e0c3", "E2E-CRC at byte 9: expected checksum 0xc2e0, got 0xc3e0"),
        (0x2AAB, "020009c3", "E2E-CRC at byte 2: expected checksum 0xc308, got 0xc309"),
        (0x2AAC, "1c0202a701", "E2E-CRC at byte 3: expected checksum 0x9a7, got 0x1a7"),
        (0x2AA7, "", "size at byte 0: too short: expected length 1, got 0"),
        (0x2AA7, "0500", "size at byte 0: expected a length of 6 to 255, got 5"),
        (
            0x2AA7,
            "06000c100600060007",
            "CGM measurement record at byte 6: too short: expected length 6, got 3",
        ),
        (
            0x2AA7,
            "0a030c1006000200",
            "CGM measurement record at byte 0: too short: expected length 10, got 8",
        ),
        (0x2AA7, "08030c1006000200", "quality at byte 8: too short: expected length 2, got 0"),
        (0x2AA8, "6e8e", "CGM feature at byte 0: too short: expected length 3, got 2"),
        (0x2AA8, "6e8e01", "type and sample location at byte 3: too short: expected length 1, got 0"),
        (0x2AA9, "0600", "CGM status at byte 2: too short: expected length 3, got 0"),
        (0x2AAA, "e20704180d0818", "time zone at byte 7: too short: expected length 1, got 0"),
        (0x2AAB, "02", "CGM session run time at byte 0: too short: expected length 2, got 1"),
        (0x2AAC, "", "op code at byte 0: too short: expected length 1, got 0"),
        (0x2AAC, "060a01", "calibration time at byte 3: too short: expected length 2, got 0"),
        (0x2AAC, "0c0b", "alert level at byte 1: too short: expected length 2, got 1"),
    ];
    for (uuid, hex, expected) in table {
        assert_eq!(decode_gatt(uuid, &unhex(hex)).unwrap_err().to_string(), expected, "{hex}");
    }
}

/// The same library refuses the second: a sensor without E2E-CRC shall send 0xFFFF. What it sends instead protects
/// nothing and means nothing.
#[test]
fn the_feature_says_whether_values_have_a_crc_and_is_held_to_it() {
    let with = CgmFeature::decode(&unhex("6e9e01168ac1")).unwrap();
    let without = CgmFeature::decode(&unhex("6e8e0116afbe")).unwrap();
    assert_eq!((with.e2e_crc(), without.e2e_crc()), (E2eCrc::Present, E2eCrc::Absent));
    let refused = SessionRunTime::decode(&[2, 0], with.e2e_crc()).unwrap_err();
    assert_eq!(refused.to_string(), "E2E-CRC at byte 2: too short: expected length 2, got 0");
    let kept = SessionRunTime::decode(&unhex("020008c3"), without.e2e_crc()).unwrap();
    assert_eq!(kept.rest, [0x08, 0xC3]);
}

#[test]
fn under_all_flags_each_announced_field_is_read_and_a_record_cut_anywhere_is_refused() {
    for (flags, crc) in (0..=255_u8).flat_map(|flags| [(flags, E2eCrc::Present), (flags, E2eCrc::Absent)]) {
        let has = |bit: u8| flags >> bit & 1 == 1;
        let mut fields = vec![0, flags, 120, 0, 5, 0];
        fields.extend([7, 6, 5].into_iter().filter(|bit| has(*bit)));
        fields.extend([0, 1].into_iter().filter(|bit| has(*bit)).flat_map(|bit| [bit, 0]));
        let crc_length = if crc == E2eCrc::Present { 2 } else { 0 };
        fields[0] = u8::try_from(fields.len() + crc_length).unwrap();
        let record = crc.append(fields);
        let read = CgmMeasurement::decode(&record, crc).unwrap();
        let octet = |bit: u8| if has(bit) { bit } else { 0 };
        let status = (flags & 0xE0 != 0).then(|| SensorStatus::of_octets(octet(7), octet(6), octet(5)));
        let number = |bit: u8| has(bit).then(|| Ok(Decimal::whole(bit.into())));
        assert_eq!(
            (read.sensor_status, read.trend, read.quality),
            (status, number(0), number(1)),
            "{flags:#x}"
        );
        assert_eq!((read.reserved_flags, read.rest), (flags & 0b0001_1100, vec![]));
        for length in 0..record.len() {
            assert!(CgmMeasurement::decode(&record[..length], crc).is_err());
            let mut shorter = record[..length].to_vec();
            if let Some(size) = shorter.first_mut() {
                *size = u8::try_from(length).unwrap();
            }
            assert!(CgmMeasurement::decode(&shorter, crc).is_err(), "{flags:#x} {crc:?} {length}");
        }
    }
}

#[test]
fn a_crc_behind_what_a_reserved_flag_announces_is_checked_all_the_same() {
    let record = E2eCrc::Present.append(vec![10, 1 << 4, 120, 0, 5, 0, 0xAA, 0xBB]);
    let read = CgmMeasurement::decode(&record, E2eCrc::Present).unwrap();
    assert_eq!((read.reserved_flags, &read.rest[..]), (1 << 4, &[0xAA, 0xBB][..]));
    let mut turned = record;
    turned[6] ^= 1;
    assert!(CgmMeasurement::decode(&turned, E2eCrc::Present).is_err());
}

#[test]
fn a_gateway_asks_and_what_it_asks_is_read_back() {
    let alerts = [
        AlertLevel::PatientHigh,
        AlertLevel::PatientLow,
        AlertLevel::Hypo,
        AlertLevel::Hyper,
        AlertLevel::RateOfDecrease,
        AlertLevel::RateOfIncrease,
    ];
    let questions = alerts.map(|alert| (Question::AlertLevel(alert), Operation::GetAlertLevel(alert)));
    let others = [
        (Question::CommunicationInterval, Operation::GetCommunicationInterval),
        (Question::Calibration(0xFFFF), Operation::GetCalibration(0xFFFF)),
    ];
    for (question, operation) in questions.into_iter().chain(others) {
        for crc in [E2eCrc::Present, E2eCrc::Absent] {
            let read = CgmControlPoint::decode(&question.encode(crc), crc).unwrap();
            assert_eq!(read, CgmControlPoint { operation: operation.clone(), rest: Vec::new() });
        }
    }
}

#[test]
fn what_tells_a_sensor_the_time_has_zone_and_daylight_saving_apart() {
    let summer = crate::HomeTime { unix_s: 1_792_281_600, utc_offset_min: 120, daylight_saving_min: 60 };
    let read =
        SessionStartTime::decode(&SessionStartTime::at(summer).encode(E2eCrc::Present), E2eCrc::Present)
            .unwrap();
    assert_eq!(read.date_time.as_sent().to_string(), "2026-10-18T02:00:00");
    assert_eq!((read.time_zone, read.dst_offset), (4, 4));
    for (utc_offset_min, daylight_saving_min, zone, dst) in
        [(345, 0, 23, 0), (-210, 0, -14, 0), (630, 30, 40, 2), (60, 20, 2, 255)]
    {
        let time = crate::HomeTime { utc_offset_min, daylight_saving_min, ..summer };
        let read =
            SessionStartTime::decode(&SessionStartTime::at(time).encode(E2eCrc::Absent), E2eCrc::Absent)
                .unwrap();
        assert_eq!((read.time_zone, read.dst_offset), (zone, dst));
    }
}

mod sensor;
