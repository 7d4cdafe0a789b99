//! A5-07-01 to A5-07-03: motion (EEP 2.6.8).

use super::a5::{MOTION, MOTION_CLEARED, supply_5_0};
use super::a5_06;
use super::profile::{Bits, Field, Profile, Word, data};

/// Whether the voltage is told.
const SVA: Bits = data(31, 1);

const ONE: &[Field] = &[
    supply_5_0("SVC").only(&[(SVA, 1)]),
    Field::words(
        "PIRS",
        data(16, 8),
        &[Word::range([0, 127], "off").means(MOTION_CLEARED), Word::range([128, 255], "on").means(MOTION)],
    ),
    Field::flag("SVA", SVA),
];

/// 0 is called uncertain: nothing moves any more that the sensor could see.
const PIRS: Field = Field::words(
    "PIRS",
    data(24, 1),
    &[Word::of(0, "uncertain").means(MOTION_CLEARED), Word::of(1, "motion detected").means(MOTION)],
);

pub(super) const PROFILES: &[Profile] = &[
    Profile::four_bytes("A5-07-01", ONE),
    Profile::four_bytes("A5-07-02", &[supply_5_0("SVC"), PIRS]),
    Profile::four_bytes("A5-07-03", &[supply_5_0("SVC"), a5_06::FINE, PIRS]),
];
