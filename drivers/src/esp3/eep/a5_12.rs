//! A5-12-01: an electricity meter (EEP 2.6.8). One telegram has either what it counted or what goes through it now,
//! of one tariff.

use varde_wire::{Metric, Unit};

use super::profile::{Bits, Field, Profile, Word, data};

/// What was counted (0), or what is now (1).
const DT: Bits = data(29, 1);
/// How many decimal places the reading has.
const DIV: Bits = data(30, 2);
const TI: Bits = data(24, 4);

const MOST: u32 = (1 << 24) - 1;

const fn reading(exponent: i8, metric: Metric, unit: Unit, only: &'static [(Bits, u32)]) -> Field {
    let field = Field::number("MR", data(0, 24), [0, MOST], [0, MOST as i64], exponent);
    field.measures(metric, unit).which(TI).only(only)
}

const FIELDS: &[Field] = &[
    reading(0, Metric::ENERGY, Unit::KilowattHour, &[(DT, 0), (DIV, 0)]),
    reading(-1, Metric::ENERGY, Unit::KilowattHour, &[(DT, 0), (DIV, 1)]),
    reading(-2, Metric::ENERGY, Unit::KilowattHour, &[(DT, 0), (DIV, 2)]),
    reading(-3, Metric::ENERGY, Unit::KilowattHour, &[(DT, 0), (DIV, 3)]),
    reading(0, Metric::POWER, Unit::Watt, &[(DT, 1), (DIV, 0)]),
    reading(-1, Metric::POWER, Unit::Watt, &[(DT, 1), (DIV, 1)]),
    reading(-2, Metric::POWER, Unit::Watt, &[(DT, 1), (DIV, 2)]),
    reading(-3, Metric::POWER, Unit::Watt, &[(DT, 1), (DIV, 3)]),
    Field::number("TI", TI, [0, 15], [0, 15], 0),
    Field::words("DT", DT, &[Word::of(0, "cumulative"), Word::of(1, "current")]),
    Field::words(
        "DIV",
        DIV,
        &[Word::of(0, "x/1"), Word::of(1, "x/10"), Word::of(2, "x/100"), Word::of(3, "x/1000")],
    ),
];

pub(super) const PROFILES: &[Profile] = &[Profile::four_bytes("A5-12-01", FIELDS)];
