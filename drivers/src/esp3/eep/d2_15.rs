//! D2-15-00: a counter of people's activity (EEP 3.1).
//!
//! Of its first byte no public source names every value. The first two bits and the count are as several programs read
//! them; BATT and PUR are shown as numbers and not passed on.

use varde_wire::{Event, Metric, Unit};

use super::a5::{MOTION, MOTION_CLEARED};
use super::profile::{Field, Means, Profile, Word, data};

const FIELDS: &[Field] = &[
    Field::words(
        "PS",
        data(0, 2),
        &[
            Word::of(0, "present").means(MOTION),
            Word::of(1, "not present").means(MOTION_CLEARED),
            Word::of(2, "not detectable"),
            Word::of(3, "error").means(Means::Happened(Metric::DEVICE_PROBLEM, Event::DeviceFault, None)),
        ],
    ),
    Field::number("BATT", data(2, 2), [0, 3], [0, 3], 0),
    Field::number("PUR", data(4, 4), [0, 15], [0, 15], 0),
    Field::number("PUC", data(8, 16), [0, 65_535], [0, 65_535], 0).measures(Metric::COUNT, Unit::One),
];

pub(super) const PROFILES: &[Profile] = &[Profile::long("D2-15-00", 3, FIELDS)];
