//! `varde decode`, as a technician types it: what the documents show does what they say, and what is wrong with bytes is
//! said.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{collections::BTreeSet, process::Output};

use serde_json::Value;
use varde_tests::sim::programs::Programs;

/// The commands of the documents, and what they print: fields of the measurement, and what the gateway would tell.
const SHOWN: &[(&str, &str, &[&str])] = &[
    (
        "gatt 2A35 1E780050006400EA0703010800004800010000",
        "systolic=120 diastolic=80 mean_arterial_pressure=100 unit=mm[Hg] pulse_rate=72 user_id=1",
        &[
            "MDC_PRESS_BLD_NONINV_SYS 120 mm[Hg]",
            "MDC_PRESS_BLD_NONINV_DIA 80 mm[Hg]",
            "MDC_PRESS_BLD_NONINV_MEAN 100 mm[Hg]",
            "MDC_PULS_RATE_NON_INV 72 /min",
            "MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS 0x0",
        ],
    ),
    (
        "gatt 2A37 16480003",
        "heart_rate=72 sensor_contact=true rr_intervals_1024th_s=[768]",
        &["MDC_ECG_HEART_RATE 72 /min", "MDC_ECG_TIME_PD_RR_GL 750.0 ms"],
    ),
    (
        "bthome 4000010161022309",
        "version=2 encrypted=false packet_id=1 battery=97 temperature=23.39",
        &["MDC_ATTR_VAL_BATT_CHARGE 97 %", "MDC_TEMP_ROOM 23.39 Cel"],
    ),
    (
        "bthome --key 231d39c1d7cc1ab1aee224cd096db932 --address 54:48:E6:8F:80:A5 41a47266c95f730011223378237214",
        "version=2 encrypted=true counter=857870592 temperature=25.06 humidity=50.55",
        &["MDC_TEMP_ROOM 25.06 Cel", "MDCX_HUMIDITY 50.55 %"],
    ),
    (
        "ruuvi 0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F",
        "data_format=5 temperature=24.300 humidity=53.4900 pressure=100044 address=cbb8334c884f",
        &[
            "MDC_TEMP_ROOM 24.300 Cel",
            "MDCX_HUMIDITY 53.4900 %",
            "MDC_PRESS_AIR_AMBIENT 100044 Pa",
            "MDCX_ACCELERATION_X 0.004 [g]",
            "MDCX_ACCELERATION_Y -0.004 [g]",
            "MDCX_ACCELERATION_Z 1.036 [g]",
            "MDCX_BATTERY_VOLTAGE 2.977 V",
            "MDCX_TX_POWER 4 dB[mW]",
            "MDCX_MOVEMENTS 66 1",
        ],
    ),
    (
        "esp3 55000707017AD50801825DAB0001FFFFFFFF360053",
        "rorg=D5 sender_id=01825DAB dbm=-54 eep=D5-00-01 CO=open",
        &["MDC_AI_TYPE_SENSOR_CONTACTCLOSURE door-opened"],
    ),
    (
        "esp3 --eep A5-02-05 55000A0701EBA5000055080181B7440001FFFFFFFF2D0075",
        "rorg=A5 sender_id=0181B744 dbm=-45 eep=A5-02-05 TMP=26.7",
        &["MDC_TEMP_ROOM 26.7 Cel"],
    ),
    (
        "device-link 000c018020021307025fcd4cf100",
        "message=indicate indicator=Received number=19 session=4096",
        &[],
    ),
    (
        "nonin --format data-format-8 80486120",
        "spo2=97 pulse_rate=72 sensor_disconnected=false sensor_alarm=false out_of_track=false artifact=false \
         low_perfusion=false marginal_perfusion=false smart_point=true battery_is_low=false",
        &["MDC_PULS_OXIM_SAT_O2 97 %", "MDC_PULS_OXIM_PULS_RATE 72 /min"],
    ),
    (
        "ld2410 f4f3f2f10d0002aa0251000000003b00005500f8f7f6f5",
        "target=still moving_distance_cm=81 moving_energy=0 still_distance_cm=0 still_energy=59 \
         detection_distance_cm=0",
        &[],
    ),
    ("modbus 0103020007f986", "unit=1 function=3 data=0007", &[]),
];

/// What cannot be read: the exit code (64 the words, 65 the bytes) and what is said.
const REFUSED: &[(&str, i32, &str)] = &[
    (
        "nonin --format data-format-9 80486120",
        64,
        "no format 'data-format-9' is known; known: data-format-2, data-format-7, data-format-8, data-format-13",
    ),
    (
        "nonin --format data-format-8 80486520",
        65,
        "SpO2 at byte 2: no packet begins here; skipped to where one does",
    ),
    ("nonin 0181010083", 65, "packet at byte 0: the bytes end before it does"),
    ("nonin --format data-format-13 0002000d", 65, "packet at byte 0: the bytes end before it does"),
    (
        "ld2410 f4f3f2f10d0003aa0251000000003b00005500f8f7f6f5",
        65,
        "data type at byte 6: 0x03 has no decoder; known are 0x01, 0x02",
    ),
    ("ld2410 f4f3f2f10d0002aa", 65, "packet at byte 0: the bytes end before it does"),
    ("modbus 0103020007f987", 65, "CRC at byte 5: expected checksum 0x86f9, got 0x87f9"),
    ("modbus 0103", 65, "answer at byte 0: too short: expected length 3, got 2"),
    ("modbus 010", 65, "3 hexadecimal digits make no whole bytes: one is missing"),
    ("modbus 01:zz", 65, "'z' at place 3 is no hexadecimal digit"),
    ("modbus ", 65, "frame at byte 0: there are no bytes"),
    (
        "device-link 000c01800202130702",
        65,
        "frame at byte 0: the bytes between two zeros are not encoded as COBS has it",
    ),
];

#[tokio::test]
async fn every_command_of_the_documents_prints_what_its_bytes_mean() {
    let documents = [include_str!("../../README.md"), include_str!("../../docs/drivers.md")].map(str::lines);
    let commands = documents.into_iter().flatten().filter_map(|line| line.strip_prefix("varde decode "));
    let commands: BTreeSet<_> =
        commands.map(|command| command.split(" #").next().unwrap_or_default().trim()).collect();
    assert_eq!(commands, SHOWN.iter().map(|(command, ..)| *command).collect());
    for (command, fields, observations) in SHOWN {
        let Output { status, stdout, stderr } = decode(command).await;
        assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(0), ""), "{command}");
        let shown: Value = serde_json::from_slice(&stdout).unwrap();
        for field in fields.split(' ') {
            let (name, value) = field.split_once('=').unwrap();
            assert_eq!(word(&shown["measurement"][name]), value, "{command}: {name} in {shown:#}");
        }
        let told = shown["observations"].as_array().unwrap().iter();
        let told = told.map(|told| ["metric", "value", "unit"].map(|key| word(&told[key])).join(" "));
        assert_eq!(
            told.map(|told| told.trim_end().to_owned()).collect::<Vec<_>>(),
            *observations,
            "{command}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said_with_its_place() {
    for (command, code, expected) in REFUSED {
        let Output { status, stdout, stderr } = decode(command).await;
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), said.trim_end()), (Some(*code), *expected), "{command}");
        assert!(stdout.is_empty(), "{command}");
    }
}

/// What is whole before and behind what is not is shown all the same.
#[tokio::test]
async fn a_broken_frame_costs_none_beside_it() {
    let report = "f4f3f2f10d0002aa0251000000003b00005500f8f7f6f5";
    let streams = [
        format!("ld2410 {report}{}{report}", report.replace("5500", "5600")),
        "nonin --format data-format-8 8048612080ff80486120".to_owned(),
        "device-link 000c018020021307025fcd4cf1000c018020021307025fcd4cf2000c018020021307025fcd4cf100"
            .to_owned(),
    ];
    for command in streams {
        let Output { status, stdout, stderr } = decode(&command).await;
        let lines = [stdout, stderr].map(|text| String::from_utf8(text).unwrap().lines().count());
        assert_eq!((status.code(), lines), (Some(65), [2, 1]), "{command}");
    }
}

async fn decode(command: &str) -> Output {
    let mut varde = Programs::built().await.unwrap().varde();
    varde.arg("decode").args(command.split(' ')).output().await.unwrap()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}
