//! D2-14-40 and D2-14-41: temperature, humidity, light and acceleration in one sensor, and with -41 a contact (EEP 3.1).

use varde_wire::{Absence, Event, Metric, Unit};

use super::profile::{Bits, Field, Means, Profile, Word, data};

/// What 10 bits hold beyond their numbers.
const NO_NUMBER: &[(u32, Absence)] =
    &[(1021, Absence::NegativeInfinity), (1022, Absence::PositiveInfinity), (1023, Absence::NotANumber)];

const fn acceleration(shortcut: &'static str, bits: Bits, metric: Metric) -> Field {
    let field = Field::number(shortcut, bits, [0, 1000], [-2500, 2500], -3);
    field.measures(metric, Unit::StandardGravity).except(NO_NUMBER)
}

const fn moved(how: &'static str) -> Means {
    Means::Happened(Metric::MOVING, Event::Motion, Some(how))
}

const TEMPERATURE: Field = Field::number("TMP", data(0, 10), [0, 1000], [-400, 600], -1)
    .measures(Metric::ROOM_TEMPERATURE, Unit::Celsius)
    .except(NO_NUMBER);
const HUMIDITY: Field = Field::number("HUM", data(10, 8), [0, 200], [0, 1000], -1)
    .measures(Metric::HUMIDITY, Unit::Percent)
    .except(&[(255, Absence::NotANumber)]);
const ILLUMINANCE: Field = Field::number("ILL", data(18, 17), [0, 100_000], [0, 100_000], 0)
    .measures(Metric::ILLUMINANCE, Unit::Lux)
    .except(&[(131_071, Absence::NotANumber)]);
const STATUS: Field = Field::words(
    "ACC_S",
    data(35, 2),
    &[
        Word::of(0, "heartbeat"),
        Word::of(1, "threshold 1 exceeded").means(moved("threshold_1")),
        Word::of(2, "threshold 2 exceeded").means(moved("threshold_2")),
    ],
);
const X: Field = acceleration("ACC_X", data(37, 10), Metric::ACCELERATION_X);
const Y: Field = acceleration("ACC_Y", data(47, 10), Metric::ACCELERATION_Y);
const Z: Field = acceleration("ACC_Z", data(57, 10), Metric::ACCELERATION_Z);
const CONTACT: Field = Field::words(
    "CO",
    data(67, 1),
    &[
        Word::of(0, "open").means(Means::Stands(Metric::CONTACT, Event::DoorOpened)),
        Word::of(1, "closed").means(Means::Stands(Metric::CONTACT, Event::DoorClosed)),
    ],
);

pub(super) const PROFILES: &[Profile] = &[
    Profile::long("D2-14-40", 9, &[TEMPERATURE, HUMIDITY, ILLUMINANCE, STATUS, X, Y, Z]),
    Profile::long("D2-14-41", 9, &[TEMPERATURE, HUMIDITY, ILLUMINANCE, STATUS, X, Y, Z, CONTACT]),
];
