//! F6-02-01 and F6-02-02: rockers of two buttons a side, such as alarm pendants and wall switches (EEP 2.6.8). The two
//! profiles differ only in what a button does to a lamp.
//!
//! T21 should be 1 in these profiles, and is shown. A telegram where it is 0 is read all the same: an alarm is not
//! lost for it.

use super::profile::{Bits, Field, Means, Profile, Word, data, status};
use crate::Purpose;

/// Whether a telegram names buttons (an N-message) or counts them (a U-message).
pub(super) const NU: Bits = status(3, 1);
/// Whether an N-message names a second button.
pub(super) const SA: Bits = data(7, 1);

/// A and B are the sides, I and O the ends.
const BUTTONS: &[Word] = &[Word::of(0, "AI"), Word::of(1, "AO"), Word::of(2, "BI"), Word::of(3, "BO")];
const COUNTS: &[Word] = &[Word::of(0, "no button"), Word::of(3, "3 or 4 buttons")];

/// The energy bow. It is pressed in either kind of message: a hand that presses both sides at once makes a U-message,
/// and means no less.
pub(super) const EB: Field = Field::words(
    "EB",
    data(3, 1),
    &[Word::of(0, "released").means(Means::Released), Word::of(1, "pressed").means(Means::Pressed(None))],
);

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
    Profile::one_byte("F6-02-01", FIELDS).for_purposes(Purpose::OF_BUTTONS),
    Profile::one_byte("F6-02-02", FIELDS).for_purposes(Purpose::OF_BUTTONS),
];
