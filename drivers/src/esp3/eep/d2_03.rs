//! D2-03-0A: one button with a battery (EEP 3.1). The battery's percentage is 1 to 100.

use varde_wire::{Metric, Unit};

use super::profile::{Field, Means, Profile, Word, data};
use crate::Purpose;

const FIELDS: &[Field] = &[
    Field::number("BATT", data(0, 8), [1, 100], [1, 100], 0).measures(Metric::BATTERY, Unit::Percent),
    Field::words(
        "BUT",
        data(8, 8),
        &[
            Word::of(1, "simple press").means(Means::Pressed(Some("press"))),
            Word::of(2, "double press").means(Means::Pressed(Some("double_press"))),
            Word::of(3, "long press").means(Means::Pressed(Some("long_press"))),
            Word::of(4, "long press released").means(Means::Released),
        ],
    ),
];

pub(super) const PROFILES: &[Profile] =
    &[Profile::long("D2-03-0A", 2, FIELDS).for_purposes(Purpose::OF_BUTTONS)];
