use proptest::prelude::*;

use super::*;
use crate::advert::AdvertFormat;
use crate::describe::unhex;

/// The quantities in one line, then what is about the device.
fn line(data: &RuuviData) -> String {
    let word = |value: Result<Decimal, Absence>| {
        value.map_or_else(|absence| absence.name().into(), |n| n.to_string())
    };
    let quantities =
        data.quantities.iter().map(|quantity| format!("{}={}", quantity.name, word(quantity.value)));
    let sequence = data.sequence.map(|sequence| format!("sequence={sequence}"));
    let calibrating = data.calibrating.then(|| "calibrating".to_owned());
    let address = (!data.address.is_empty()).then(|| crate::describe::hex(&data.address));
    quantities.chain(sequence).chain(calibrating).chain(address).collect::<Vec<_>>().join(" ")
}

/// The test vectors of docs.ruuvi.com: valid, maximum, minimum, not available. Reserved bytes, there "XX", are FF.
#[test]
fn every_field_of_every_format_is_read() {
    let table = [
        (
            "03291a1ece1efc18f94202ca0b53",
            "temperature=26.30 humidity=20.5 pressure=102766 acceleration_x=-1.000 acceleration_y=-1.726 \
             acceleration_z=0.714 battery_voltage=2.899",
        ),
        (
            "03ff7f63ffff7fff7fff7fffffff",
            "temperature=127.99 humidity=127.5 pressure=115535 acceleration_x=32.767 acceleration_y=32.767 \
             acceleration_z=32.767 battery_voltage=65.535",
        ),
        (
            "0300ff6300008001800180010000",
            "temperature=-127.99 humidity=0.0 pressure=50000 acceleration_x=-32.767 acceleration_y=-32.767 \
             acceleration_z=-32.767 battery_voltage=0.000",
        ),
        (
            "0512fc5394c37c0004fffc040cac364200cdcbb8334c884f",
            "temperature=24.300 humidity=53.4900 pressure=100044 acceleration_x=0.004 acceleration_y=-0.004 \
             acceleration_z=1.036 battery_voltage=2.977 tx_power=4 movement_counter=66 sequence=205 cbb8334c884f",
        ),
        (
            "057ffffffefffe7fff7fff7fffffdefefffecbb8334c884f",
            "temperature=163.835 humidity=163.8350 pressure=115534 acceleration_x=32.767 acceleration_y=32.767 \
             acceleration_z=32.767 battery_voltage=3.646 tx_power=20 movement_counter=254 sequence=65534 \
             cbb8334c884f",
        ),
        (
            "058001000000008001800180010000000000cbb8334c884f",
            "temperature=-163.835 humidity=0.0000 pressure=50000 acceleration_x=-32.767 acceleration_y=-32.767 \
             acceleration_z=-32.767 battery_voltage=1.600 tx_power=-40 movement_counter=0 sequence=0 cbb8334c884f",
        ),
        (
            "058000ffffffff800080008000ffffffffffffffffffffff",
            "temperature=not-a-number humidity=not-a-number pressure=not-a-number acceleration_x=not-a-number \
             acceleration_y=not-a-number acceleration_z=not-a-number battery_voltage=not-a-number \
             tx_power=not-a-number movement_counter=not-a-number",
        ),
        (
            "06170c5668c79e007000c90501d9ffcd004c884f",
            "temperature=29.500 humidity=55.3000 pressure=101102 pm2_5=11.2 co2=201 voc_index=10 nox_index=2 \
             luminosity=13026.67 sequence=205 4c884f",
        ),
        (
            "067fff9c40fffe27109c40fafafeffff074c8f4f",
            "temperature=163.835 humidity=100.0000 pressure=115534 pm2_5=1000.0 co2=40000 voc_index=500 \
             nox_index=500 luminosity=65535.00 sequence=255 calibrating 4c8f4f",
        ),
        (
            "0680010000000000000000000000ff00004c884f",
            "temperature=-163.835 humidity=0.0000 pressure=50000 pm2_5=0.0 co2=0 voc_index=0 nox_index=0 \
             luminosity=0.00 sequence=0 4c884f",
        ),
        (
            // The document says of its flags, FF, what bits 0, 6 and 7 say: calibrating.
            "068000ffffffffffffffffffffffffffffffffff",
            "temperature=not-a-number humidity=not-a-number pressure=not-a-number pm2_5=not-a-number \
             co2=not-a-number voc_index=not-a-number nox_index=not-a-number luminosity=not-a-number sequence=255 \
             calibrating",
        ),
        (
            // The document says "calibrating" of its flags, 10; by its own table that is bit 0, which is not set.
            "e1170c5668c79e0065007004bd11ca00c90a0213e0acffffffdecdee10ffffffffffcbb8334c884f",
            "temperature=29.500 humidity=55.3000 pressure=101102 pm1=10.1 pm2_5=11.2 pm4=121.3 pm10=455.4 co2=201 \
             voc_index=20 nox_index=4 luminosity=13027.00 sequence=14601710 cbb8334c884f",
        ),
        (
            "e17fff9c40fffe27102710271027109c40fafadc28f0fffffffffffe3fffffffffffcbb8334c884f",
            "temperature=163.835 humidity=100.0000 pressure=115534 pm1=1000.0 pm2_5=1000.0 pm4=1000.0 pm10=1000.0 \
             co2=40000 voc_index=500 nox_index=500 luminosity=144284.00 sequence=16777214 calibrating cbb8334c884f",
        ),
        (
            // Its flags, FE: not calibrating.
            "e18000fffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffff",
            "temperature=not-a-number humidity=not-a-number pressure=not-a-number pm1=not-a-number \
             pm2_5=not-a-number pm4=not-a-number pm10=not-a-number co2=not-a-number voc_index=not-a-number \
             nox_index=not-a-number luminosity=not-a-number",
        ),
    ];
    for (hex, expected) in table {
        let data = RuuviData::decode(&unhex(hex)).unwrap();
        assert_eq!(line(&data), expected, "{hex}");
        assert!(data.rest.is_empty(), "{hex}");
    }
}

/// Whole advertisements from the tests of ttu/ruuvitag-sensor (MIT), without the length before and the signal
/// strength after them.
#[test]
fn the_data_is_found_in_a_whole_advertisement() {
    let table = [
        ("0201061bff99040511f83b83cc5dfffcfffc03dca7161427d2ced605f517aa", "23.000", "ced605f517aa"),
        ("0201061bff99040517b24633fffffffcffd403e4af56388d51d55797658814", "30.330", "d55797658814"),
    ];
    for (hex, temperature, address) in table {
        let decoded = AdvertFormat::Ruuvi.decode(&unhex(hex), None, &"device".parse().unwrap()).unwrap();
        assert_eq!(decoded.observations[0].value.to_string(), temperature);
        let found = decoded.measurement.fields().iter().find(|field| field.name == "address").unwrap();
        assert_eq!(found.value, address.into());
    }
}

#[test]
fn what_is_of_another_format_or_breaks_off_is_refused() {
    let table = [
        ("", "data format at byte 0: too short: expected length 1, got 0"),
        ("08", "data format at byte 0: 0x08 has no decoder; known are 0x03, 0x05, 0x06, 0xe1"),
        ("0512fc53", "humidity at byte 3: too short: expected length 2, got 1"),
        ("05", "temperature at byte 1: too short: expected length 2, got 0"),
    ];
    for (hex, expected) in table {
        assert_eq!(RuuviData::decode(&unhex(hex)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_fraction_that_is_none_is_no_temperature() {
    let data = RuuviData::decode(&unhex("03291a64ce1efc18f94202ca0b53")).unwrap();
    assert_eq!(data.quantities[0].value, Err(Absence::Reserved));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(
        format in prop_oneof![Just(3_u8), Just(5), Just(6), Just(0xE1)],
        bytes in proptest::collection::vec(any::<u8>(), 0..48),
    ) {
        if let Ok(data) = RuuviData::decode(&[&[format], bytes.as_slice()].concat()) {
            data.describe();
            data.statements();
        }
    }
}
