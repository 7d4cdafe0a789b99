//! A5-06-01 to A5-06-03: light (EEP 2.6.8).

use varde_wire::Absence;

use super::a5::{SUPPLY_5_1, illuminance, supply_5_0};
use super::profile::{Bits, Field, Profile, Word, data};

/// Which of the two ranges the light is in now. The other number is at the end of its range, and not shown.
const RS: Bits = data(31, 1);

const RANGE: Field = Field::words("RS", RS, &[Word::of(0, "ILL1"), Word::of(1, "ILL2")]);

const fn of_two_ranges(second: [i64; 2], first: [i64; 2]) -> [Field; 4] {
    [
        SUPPLY_5_1,
        illuminance("ILL2", data(8, 8), [0, 255], second).only(&[(RS, 1)]),
        illuminance("ILL1", data(16, 8), [0, 255], first).only(&[(RS, 0)]),
        RANGE,
    ]
}

/// The profile names no values beyond 1000; A5-07-03, which has the same field, does.
pub(super) const FINE: Field =
    illuminance("ILL", data(8, 10), [0, 1000], [0, 1000]).except(&[(1001, Absence::PositiveInfinity)]);

pub(super) const PROFILES: &[Profile] = &[
    Profile::four_bytes("A5-06-01", &of_two_ranges([300, 30_000], [600, 60_000])),
    Profile::four_bytes("A5-06-02", &of_two_ranges([0, 510], [0, 1020])),
    Profile::four_bytes("A5-06-03", &[supply_5_0("SVC"), FINE]),
];
