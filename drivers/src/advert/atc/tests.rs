use proptest::prelude::*;

use super::*;
use crate::describe::unhex;

const SECRET: Secret = Secret {
    bind_key: 0xb9ea_895f_ac7e_ea6d_3053_2432_a516_f3a3_u128.to_be_bytes(),
    address: [0xA4, 0xC1, 0x38, 0x8D, 0x18, 0xB2],
};

/// The fields in one line.
fn line(data: &AtcData) -> String {
    let battery =
        data.battery.map_or_else(|absence| absence.name().to_owned(), |percent| percent.to_string());
    let AtcData { layout, encrypted, temperature, humidity, counter, .. } = data;
    let address = data.address.map(|address| hex(&address));
    let volts = data.battery_voltage.map(|volts| volts.to_string());
    format!(
        "{layout} {encrypted} {address:?} {temperature} {humidity} {battery} {volts:?} {counter} {:?}",
        data.triggers
    )
}

/// The service data in the tests of custom-components/ble_monitor (MIT), `test_atc_parser.py`. It makes a voltage of
/// the percentage of encrypted ones; they send none.
#[test]
fn every_layout_is_read() {
    let table = [
        (
            "a4c1380283f400a22f5f0bf819",
            r#"atc1441 false Some("a4c1380283f4") 16.2 47 95 Some("3.064") 25 None"#,
        ),
        (
            "a4c138bc7c4e0102284f0b6720",
            r#"atc1441 false Some("a4c138bc7c4e") 25.8 40 79 Some("2.919") 32 None"#,
        ),
        (
            "f4830238c1a4a9066911b60b58f70d",
            r#"pvvx false Some("a4c1380283f4") 17.05 44.57 88 Some("2.998") 247 Some(13)"#,
        ),
        (
            "b2188d38c1a42b089011f70a43200f",
            r#"pvvx false Some("a4c1388d18b2") 20.91 44.96 67 Some("2.807") 32 Some(15)"#,
        ),
        (
            "8b376338c1a4ce0913107f0b521204",
            r#"pvvx false Some("a4c13863378b") 25.10 41.15 82 Some("2.943") 18 Some(4)"#,
        ),
        // The last without its triggers, as devices without inputs send it.
        (
            "8b376338c1a4ce0913107f0b5212",
            r#"pvvx false Some("a4c13863378b") 25.10 41.15 82 Some("2.943") 18 None"#,
        ),
        ("11d603fbfa7b6dfb1e26fd", "pvvx true None 23.45 41.73 61 None 17 Some(4)"),
    ];
    for (bytes, expected) in table {
        assert_eq!(line(&AtcData::decode(&unhex(bytes), Some(&SECRET)).unwrap()), expected, "{bytes}");
    }
}

/// No public example of this layout is known: made with the nonce of the firmware's source, and opened.
#[test]
fn the_short_encrypted_layout_is_read() {
    use aes::Aes128;
    use ccm::aead::{AeadInOut, KeyInit};
    use ccm::{Ccm, consts::U4};

    let cipher = Ccm::<Aes128, U4, U11>::new(&SECRET.bind_key.into());
    let nonce = [0xB2, 0x18, 0x8D, 0x38, 0xC1, 0xA4, 0x0B, 0x16, 0x1A, 0x18, 0x07];
    // 23.5 degrees, 41.5 %, 61 % and the trigger.
    let mut data = [127, 83, 61 | 0x80];
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &[0x11], data.as_mut_slice().into()).unwrap();
    let sent = [&[0x07], data.as_slice(), tag.as_slice()].concat();
    let read = AtcData::decode(&sent, Some(&SECRET)).unwrap();
    assert_eq!(line(&read), "atc1441 true None 23.5 41.5 61 None 7 Some(4)");
}

#[test]
fn what_cannot_be_read_or_believed_is_refused() {
    let sealed = unhex("11d603fbfa7b6dfb1e26fd");
    let problem = |bytes: &[u8], secret| AtcData::decode(bytes, secret).unwrap_err().problem;
    assert_eq!(problem(&sealed, None), Problem::NoBindKey);
    let other = Secret { address: [0; 6], ..SECRET };
    assert_eq!(problem(&sealed, Some(&other)), Problem::NotAuthentic);
    assert_eq!(
        AtcData::decode(&[0; 12], None).unwrap_err().to_string(),
        "length at byte 0: 0x0c has no decoder; known are 0x08, 0x0b, 0x0d, 0x0e, 0x0f"
    );
    let plain = Atc::new(Some(SECRET)).read(&unhex("a4c1380283f400a22f5f0bf819")).unwrap_err();
    assert_eq!(plain.problem, Problem::NotEncrypted);
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        for secret in [None, Some(&SECRET)] {
            if let Ok(data) = AtcData::decode(&bytes, secret) {
                data.describe();
                data.statements();
            }
        }
    }
}
