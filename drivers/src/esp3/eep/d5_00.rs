//! D5-00-01: a contact on a door or window (EEP 2.6.8).

use varde_wire::{Event, Metric};

use super::profile::{Field, Means, Profile, Word, data};

const FIELDS: &[Field] = &[Field::words(
    "CO",
    data(7, 1),
    &[
        Word::of(0, "open").means(Means::Stands(Metric::CONTACT, Event::DoorOpened)),
        Word::of(1, "closed").means(Means::Stands(Metric::CONTACT, Event::DoorClosed)),
    ],
)];

pub(super) const PROFILES: &[Profile] = &[Profile::one_byte("D5-00-01", FIELDS)];
