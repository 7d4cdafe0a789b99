//! F6-03-01 and F6-03-02: rockers of four buttons a side (EEP 2.6.8). The two differ only in what a button does to a
//! lamp. T21 should be 0 here.

use super::f6_02::{EB, NU, SA};
use super::profile::{Field, Profile, Word, data, status};
use crate::Purpose;

/// A to D are the rockers, I and O the ends.
const BUTTONS: &[Word] = &[
    Word::of(0, "AI"),
    Word::of(1, "AO"),
    Word::of(2, "BI"),
    Word::of(3, "BO"),
    Word::of(4, "CI"),
    Word::of(5, "CO"),
    Word::of(6, "DI"),
    Word::of(7, "DO"),
];
const COUNTS: &[Word] = &[
    Word::of(0, "no button"),
    Word::of(1, "2 buttons"),
    Word::of(2, "3 buttons"),
    Word::of(3, "4 buttons"),
    Word::of(4, "5 buttons"),
    Word::of(5, "6 buttons"),
    Word::of(6, "7 buttons"),
    Word::of(7, "8 buttons"),
];

const FIELDS: &[Field] = &[
    Field::flag("T21", status(2, 1)),
    Field::flag("NU", NU),
    Field::words("R1", data(0, 3), BUTTONS).only(&[(NU, 1)]),
    Field::words("R1", data(0, 3), COUNTS).only(&[(NU, 0)]),
    EB,
    Field::words("R2", data(4, 3), BUTTONS).only(&[(NU, 1), (SA, 1)]),
    Field::flag("SA", SA).only(&[(NU, 1)]),
];

pub(super) const PROFILES: &[Profile] = &[
    Profile::one_byte("F6-03-01", FIELDS).for_purposes(Purpose::OF_BUTTONS),
    Profile::one_byte("F6-03-02", FIELDS).for_purposes(Purpose::OF_BUTTONS),
];
