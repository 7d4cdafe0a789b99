//! A5-30-03: a module with four digital inputs, a wake input and a thermometer (EEP 2.6.8). What the inputs mean is up
//! to whoever wired them.
//!
//! A conductive water sensor of this profile pulls the wake input low where it feels water: with the purpose `water` that
//! is told as such.

use varde_wire::Metric;

use super::a5::temperature;
use super::profile::{Bits, Field, Means, Profile, Word, data};
use crate::Purpose;

const fn input(shortcut: &'static str, bits: Bits) -> Field {
    const LEVELS: &[Word] = &[
        Word::of(0, "low").means(Means::Bit(Metric::GENERIC_STATE, false)),
        Word::of(1, "high").means(Means::Bit(Metric::GENERIC_STATE, true)),
    ];
    Field::words(shortcut, bits, LEVELS)
}

const FIELDS: &[Field] = &[
    temperature(data(8, 8), [255, 0], [0, 400]),
    input("DI0", data(23, 1)),
    input("DI1", data(22, 1)),
    input("DI2", data(21, 1)),
    input("DI3", data(20, 1)),
    Field::words(
        "WA0",
        data(19, 1),
        &[Word::of(0, "low").means(Means::Wake(false)), Word::of(1, "high").means(Means::Wake(true))],
    ),
];

pub(super) const PROFILES: &[Profile] =
    &[Profile::four_bytes("A5-30-03", FIELDS).for_purposes(&[Purpose::Water])];
