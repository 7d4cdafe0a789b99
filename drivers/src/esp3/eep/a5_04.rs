//! A5-04-01 to A5-04-03: temperature and humidity (EEP 2.6.8).

use super::a5::{fine_temperature, humidity, temperature};
use super::profile::{Bits, Field, Profile, Word, data};

/// Whether there is a thermometer beside the hygrometer.
const TSN: Bits = data(30, 1);

const THERMOMETER: Field =
    Field::words("TSN", TSN, &[Word::of(0, "not available"), Word::of(1, "available")]);

const fn with_thermometer(from: i64, to: i64) -> [Field; 3] {
    [humidity(data(8, 8), 250), temperature(data(16, 8), [0, 250], [from, to]).only(&[(TSN, 1)]), THERMOMETER]
}

const FINE: &[Field] = &[
    humidity(data(0, 8), 255),
    fine_temperature(data(14, 10), [0, 1023], [-2000, 6000]),
    Field::words("TTP", data(31, 1), &[Word::of(0, "heartbeat"), Word::of(1, "event")]),
];

pub(super) const PROFILES: &[Profile] = &[
    Profile::four_bytes("A5-04-01", &with_thermometer(0, 400)),
    Profile::four_bytes("A5-04-02", &with_thermometer(-200, 600)),
    Profile::four_bytes("A5-04-03", FINE),
];
