//! A5-08-01: light, temperature and motion in one sensor, with a button (EEP 2.6.8). 0 is motion, 1 none.

use super::a5::{MOTION, MOTION_CLEARED, SUPPLY_5_1, button, illuminance, temperature};
use super::profile::{Field, Profile, Word, data};

const FIELDS: &[Field] = &[
    SUPPLY_5_1,
    illuminance("ILL", data(8, 8), [0, 255], [0, 510]),
    temperature(data(16, 8), [0, 255], [0, 510]),
    Field::words(
        "PIRS",
        data(30, 1),
        &[Word::of(0, "on").means(MOTION), Word::of(1, "off").means(MOTION_CLEARED)],
    ),
    button("OCC", data(31, 1)),
];

pub(super) const PROFILES: &[Profile] = &[Profile::four_bytes("A5-08-01", FIELDS)];
