//! A5-02-xx: thermometers, which differ in their ranges (EEP 2.6.8). The raw number falls as it gets warmer.

use super::a5::{fine_temperature, temperature};
use super::profile::{Field, Profile, data};

/// 8 bits, from and to in tenths of °C.
const fn coarse(from: i64, to: i64) -> Field {
    temperature(data(16, 8), [255, 0], [from, to])
}

/// 10 bits, from and to in hundredths of °C.
const fn fine(from: i64, to: i64) -> Field {
    fine_temperature(data(14, 10), [1023, 0], [from, to])
}

pub(super) const PROFILES: &[Profile] = &[
    Profile::four_bytes("A5-02-01", &[coarse(-400, 0)]),
    Profile::four_bytes("A5-02-02", &[coarse(-300, 100)]),
    Profile::four_bytes("A5-02-03", &[coarse(-200, 200)]),
    Profile::four_bytes("A5-02-04", &[coarse(-100, 300)]),
    Profile::four_bytes("A5-02-05", &[coarse(0, 400)]),
    Profile::four_bytes("A5-02-06", &[coarse(100, 500)]),
    Profile::four_bytes("A5-02-07", &[coarse(200, 600)]),
    Profile::four_bytes("A5-02-08", &[coarse(300, 700)]),
    Profile::four_bytes("A5-02-09", &[coarse(400, 800)]),
    Profile::four_bytes("A5-02-0A", &[coarse(500, 900)]),
    Profile::four_bytes("A5-02-0B", &[coarse(600, 1000)]),
    Profile::four_bytes("A5-02-10", &[coarse(-600, 200)]),
    Profile::four_bytes("A5-02-11", &[coarse(-500, 300)]),
    Profile::four_bytes("A5-02-12", &[coarse(-400, 400)]),
    Profile::four_bytes("A5-02-13", &[coarse(-300, 500)]),
    Profile::four_bytes("A5-02-14", &[coarse(-200, 600)]),
    Profile::four_bytes("A5-02-15", &[coarse(-100, 700)]),
    Profile::four_bytes("A5-02-16", &[coarse(0, 800)]),
    Profile::four_bytes("A5-02-17", &[coarse(100, 900)]),
    Profile::four_bytes("A5-02-18", &[coarse(200, 1000)]),
    Profile::four_bytes("A5-02-19", &[coarse(300, 1100)]),
    Profile::four_bytes("A5-02-1A", &[coarse(400, 1200)]),
    Profile::four_bytes("A5-02-1B", &[coarse(500, 1300)]),
    Profile::four_bytes("A5-02-20", &[fine(-1000, 4120)]),
    Profile::four_bytes("A5-02-30", &[fine(-4000, 6230)]),
];
