//! A5-10-01 to A5-10-23: room operating panels, which differ in what they have of the same things (EEP 2.6.8).
//!
//! What somebody sets on a panel (set points, fan, day and night) is shown and not passed on: it is for the heating.
//!
//! A5-10-19 has the occupancy button and its enable bit the other way round in the tables of EEP than its neighbours;
//! the tables are followed.

use varde_wire::{Event, Metric};

use super::a5::{button, fine_temperature, humidity, illuminance_to_1000, supply_5_0, temperature};
use super::profile::{Bits, Field, Means, Profile, Word, data};

/// Falls as it gets warmer.
const FALLING: Field = temperature(data(16, 8), [255, 0], [0, 400]);
const FALLING_250: Field = temperature(data(16, 8), [250, 0], [0, 400]);
const RISING: Field = temperature(data(16, 8), [0, 250], [0, 400]);
/// 10 bits.
const FINE: Field = fine_temperature(data(14, 10), [1023, 0], [-1000, 4120]);
const HUMIDITY: Field = humidity(data(8, 8), 250);

/// A turn-switch with five places.
const FAN: Field = Field::words(
    "FAN",
    data(0, 8),
    &[
        Word::range([0, 144], "stage 3"),
        Word::range([145, 164], "stage 2"),
        Word::range([165, 189], "stage 1"),
        Word::range([190, 209], "stage 0"),
        Word::range([210, 255], "automatic"),
    ],
);
const SPEEDS: &[Word] = &[
    Word::of(0, "automatic"),
    Word::of(1, "speed 0"),
    Word::of(2, "speed 1"),
    Word::of(3, "speed 2"),
    Word::of(4, "speed 3"),
    Word::of(5, "speed 4"),
    Word::of(6, "speed 5"),
    Word::of(7, "off"),
];
const FAN_SPEED: Field = Field::words("FAN", data(25, 3), SPEEDS);
const FAN_OF_DISPLAY: Field = Field::words(
    "FAN",
    data(24, 3),
    &[
        Word::of(0, "automatic"),
        Word::of(1, "speed 0"),
        Word::of(2, "speed 1"),
        Word::of(3, "speed 2"),
        Word::of(4, "speed 3"),
    ],
);

/// From the least to the most, without a unit.
const SET_POINT: Field = Field::number("SP", data(8, 8), [0, 255], [0, 255], 0);
const SET_POINT_FIRST: Field = Field::number("SP", data(0, 8), [0, 255], [0, 255], 0);
const SET_POINT_6: Field = Field::number("SP", data(8, 6), [0, 63], [0, 63], 0);
const SET_TEMPERATURE: Field = Field::number("TMPSP", data(8, 8), [250, 0], [0, 400], -1);

const OCCUPANCY: Field = button("OCC", data(31, 1));
const DAY_NIGHT: Field = Field::words(
    "SLSW",
    data(31, 1),
    &[Word::of(0, "position I, night or off"), Word::of(1, "position O, day or on")],
);
const CONTACT: Field = Field::words(
    "CTST",
    data(31, 1),
    &[
        Word::of(0, "closed").means(Means::Stands(Metric::CONTACT, Event::DoorClosed)),
        Word::of(1, "open").means(Means::Stands(Metric::CONTACT, Event::DoorOpened)),
    ],
);

/// Whether the occupancy button of A5-10-18 to A5-10-1E is there.
const OED_AT: Bits = data(30, 1);
const OED: Field = enabled(OED_AT);
const OB: Field = button("OB", data(31, 1)).only(&[(OED_AT, 0)]);
const OED_OF_19_AT: Bits = data(31, 1);
const OED_OF_19: Field = enabled(OED_OF_19_AT);
const OB_OF_19: Field = button("OB", data(30, 1)).only(&[(OED_OF_19_AT, 0)]);

const fn enabled(bits: Bits) -> Field {
    const WORDS: &[Word] = &[Word::of(0, "occupancy enabled"), Word::of(1, "occupancy disabled")];
    Field::words("OED", bits, WORDS)
}

const SUPPLY: Field = supply_5_0("SV");

const TMP_F: Bits = data(25, 1);
const SP_F: Bits = data(26, 1);
const FAN_F: Bits = data(27, 1);

const HEATING_MODE: Field = Field::words(
    "SPM",
    data(25, 2),
    &[Word::of(0, "as set"), Word::of(1, "frost protection"), Word::of(2, "automatic")],
);
const BATTERY: Field = Field::words(
    "BATT",
    data(27, 1),
    &[
        Word::of(0, "ok").means(Means::Stands(Metric::BATTERY_STATE, Event::BatteryRestored)),
        Word::of(1, "low").means(Means::Stands(Metric::BATTERY_STATE, Event::BatteryLow)),
    ],
);
const ACTIVITY: Field = Field::flag("ACT", data(31, 1));

/// A place of a switch, not a sensor: somebody said that the room is in use.
const OCCUPIED: Field = Field::words(
    "OCC",
    data(31, 1),
    &[
        Word::of(0, "unoccupied").means(Means::Stands(Metric::OCCUPANCY, Event::LeftRoom)),
        Word::of(1, "occupied").means(Means::Stands(Metric::OCCUPANCY, Event::EnteredRoom)),
    ],
);

pub(super) const PROFILES: &[Profile] = &[
    Profile::four_bytes("A5-10-01", &[FAN, SET_POINT, FALLING, OCCUPANCY]),
    Profile::four_bytes("A5-10-02", &[FAN, SET_POINT, FALLING, DAY_NIGHT]),
    Profile::four_bytes("A5-10-03", &[SET_POINT, FALLING]),
    Profile::four_bytes("A5-10-04", &[FAN, SET_POINT, FALLING]),
    Profile::four_bytes("A5-10-05", &[SET_POINT, FALLING, OCCUPANCY]),
    Profile::four_bytes("A5-10-06", &[SET_POINT, FALLING, DAY_NIGHT]),
    Profile::four_bytes("A5-10-07", &[FAN, FALLING]),
    Profile::four_bytes("A5-10-08", &[FAN, FALLING, OCCUPANCY]),
    Profile::four_bytes("A5-10-09", &[FAN, FALLING, DAY_NIGHT]),
    Profile::four_bytes("A5-10-0A", &[SET_POINT, FALLING, CONTACT]),
    Profile::four_bytes("A5-10-0B", &[FALLING, CONTACT]),
    Profile::four_bytes("A5-10-0C", &[FALLING, OCCUPANCY]),
    Profile::four_bytes("A5-10-0D", &[FALLING, DAY_NIGHT]),
    Profile::four_bytes("A5-10-10", &[SET_POINT_FIRST, HUMIDITY, RISING, OCCUPANCY]),
    Profile::four_bytes("A5-10-11", &[SET_POINT_FIRST, HUMIDITY, RISING, DAY_NIGHT]),
    Profile::four_bytes("A5-10-12", &[SET_POINT_FIRST, HUMIDITY, RISING]),
    Profile::four_bytes("A5-10-13", &[HUMIDITY, RISING, OCCUPANCY]),
    Profile::four_bytes("A5-10-14", &[HUMIDITY, RISING, DAY_NIGHT]),
    Profile::four_bytes("A5-10-15", &[SET_POINT_6, FINE]),
    Profile::four_bytes("A5-10-16", &[SET_POINT_6, FINE, OCCUPANCY]),
    Profile::four_bytes("A5-10-17", &[FINE, OCCUPANCY]),
    Profile::four_bytes(
        "A5-10-18",
        &[illuminance_to_1000("ILL", data(0, 8)), SET_TEMPERATURE, FALLING_250, FAN_SPEED, OED, OB],
    ),
    Profile::four_bytes(
        "A5-10-19",
        &[humidity(data(0, 8), 250), SET_TEMPERATURE, FALLING_250, FAN_SPEED, OED_OF_19, OB_OF_19],
    ),
    Profile::four_bytes("A5-10-1A", &[SUPPLY, SET_TEMPERATURE, FALLING_250, FAN_SPEED, OED, OB]),
    Profile::four_bytes("A5-10-1B", WITH_LIGHT),
    Profile::four_bytes(
        "A5-10-1C",
        &[
            illuminance_to_1000("ILL", data(0, 8)),
            Field::number("ILLSP", data(8, 8), [0, 250], [0, 1000], 0),
            FALLING_250,
            FAN_SPEED,
            OED,
            OB,
        ],
    ),
    Profile::four_bytes(
        "A5-10-1D",
        &[
            humidity(data(0, 8), 250),
            Field::number("HUMSP", data(8, 8), [0, 250], [0, 1000], -1),
            FALLING_250,
            FAN_SPEED,
            OED,
            OB,
        ],
    ),
    Profile::four_bytes("A5-10-1E", WITH_LIGHT),
    Profile::four_bytes(
        "A5-10-1F",
        &[
            FAN.only(&[(FAN_F, 1)]),
            SET_POINT.only(&[(SP_F, 1)]),
            FALLING.only(&[(TMP_F, 1)]),
            Field::flag("TMP_F", TMP_F),
            Field::flag("SP_F", SP_F),
            Field::flag("FAN_F", FAN_F),
            Field::words("UNOCC", data(30, 1), &[Word::of(0, "pressed"), Word::of(1, "released")]),
            OCCUPANCY,
        ],
    ),
    Profile::four_bytes("A5-10-20", &[SET_POINT_FIRST, RISING, HEATING_MODE, BATTERY, ACTIVITY]),
    Profile::four_bytes("A5-10-21", &[SET_POINT_FIRST, HUMIDITY, RISING, HEATING_MODE, BATTERY, ACTIVITY]),
    Profile::four_bytes("A5-10-22", &[SET_POINT_FIRST, HUMIDITY, RISING, FAN_OF_DISPLAY]),
    Profile::four_bytes("A5-10-23", &[SET_POINT_FIRST, HUMIDITY, RISING, FAN_OF_DISPLAY, OCCUPIED]),
];

const WITH_LIGHT: &[Field] =
    &[SUPPLY, illuminance_to_1000("ILL", data(8, 8)), FALLING_250, FAN_SPEED, OED, OB];
