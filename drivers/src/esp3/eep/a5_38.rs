//! A5-38-08: commands from a gateway or a wall panel to lamps, heating and blinds (EEP 2.6.8). What is asked for is
//! passed on as a word; nothing is switched here.

use super::profile::{Bits, Field, Means, Profile, Word, data};

const COM: Bits = data(0, 8);

const fn of(command: u32) -> [(Bits, u32); 1] {
    [(COM, command)]
}
const SWITCHING: &[(Bits, u32)] = &of(1);
const DIMMING: &[(Bits, u32)] = &of(2);
const SET_POINT_SHIFT: &[(Bits, u32)] = &of(3);
const BASIC_SET_POINT: &[(Bits, u32)] = &of(4);
const CONTROL: &[(Bits, u32)] = &of(5);
const FAN: &[(Bits, u32)] = &of(6);
const BLINDS: &[(Bits, u32)] = &of(7);

const ON_OFF: &[Word] = &[Word::of(0, "off").means(Means::Asked), Word::of(1, "on").means(Means::Asked)];

const FIELDS: &[Field] = &[
    Field::words(
        "COM",
        COM,
        &[
            Word::of(1, "switching"),
            Word::of(2, "dimming"),
            Word::of(3, "set point shift").means(Means::Asked),
            Word::of(4, "basic set point").means(Means::Asked),
            Word::of(5, "control variable").means(Means::Asked),
            Word::of(6, "fan stage").means(Means::Asked),
            Word::of(7, "blinds").means(Means::Asked),
        ],
    ),
    Field::number("TIM", data(8, 16), [0, 65_535], [0, 65_535], -1).only(SWITCHING),
    Field::words("LCK", data(29, 1), &[Word::of(0, "unlock"), Word::of(1, "lock")]).only(SWITCHING),
    Field::words("DEL", data(30, 1), &[Word::of(0, "duration"), Word::of(1, "delay")]).only(SWITCHING),
    Field::words("SW", data(31, 1), ON_OFF).only(SWITCHING),
    Field::number("EDIM", data(8, 8), [0, 255], [0, 255], 0).only(DIMMING),
    Field::number("RMP", data(16, 8), [0, 255], [0, 255], 0).only(DIMMING),
    Field::words("EDIM R", data(29, 1), &[Word::of(0, "absolute"), Word::of(1, "relative")]).only(DIMMING),
    Field::flag("STR", data(30, 1)).only(DIMMING),
    Field::words("SW", data(31, 1), ON_OFF).only(DIMMING),
    Field::number("SP", data(16, 8), [0, 255], [-127, 128], -1).only(SET_POINT_SHIFT),
    Field::number("BSP", data(16, 8), [0, 255], [0, 512], -1).only(BASIC_SET_POINT),
    Field::number("CVOV", data(16, 8), [0, 255], [0, 1000], -1).only(CONTROL),
    Field::words(
        "CM",
        data(25, 2),
        &[Word::of(0, "automatic"), Word::of(1, "heating"), Word::of(2, "cooling"), Word::of(3, "off")],
    )
    .only(CONTROL),
    Field::words("CS", data(27, 1), &[Word::of(0, "automatic"), Word::of(1, "override")]).only(CONTROL),
    Field::words("ENHO", data(29, 1), &[Word::of(0, "normal"), Word::of(1, "energy hold off")]).only(CONTROL),
    Field::words(
        "RMOCC",
        data(30, 2),
        &[Word::of(0, "occupied"), Word::of(1, "unoccupied"), Word::of(2, "standby")],
    )
    .only(CONTROL),
    Field::words(
        "FO",
        data(16, 8),
        &[
            Word::of(0, "stage 0"),
            Word::of(1, "stage 1"),
            Word::of(2, "stage 2"),
            Word::of(3, "stage 3"),
            Word::of(255, "automatic"),
        ],
    )
    .only(FAN),
    Field::number("P1", data(8, 8), [0, 255], [0, 255], 0).only(BLINDS),
    Field::number("P2", data(16, 8), [0, 255], [0, 255], 0).only(BLINDS),
    Field::words(
        "FUNC",
        data(24, 4),
        &[
            Word::of(0, "status request"),
            Word::of(1, "stop"),
            Word::of(2, "open"),
            Word::of(3, "close"),
            Word::of(4, "drive to position"),
            Word::of(5, "open for time"),
            Word::of(6, "close for time"),
            Word::of(7, "set run time"),
            Word::of(8, "set angle"),
            Word::of(9, "set limits"),
            Word::of(10, "set slat angle"),
            Word::of(11, "set position logic"),
        ],
    )
    .only(BLINDS),
    Field::flag("SSF", data(29, 1)).only(BLINDS),
    Field::flag("PAF", data(30, 1)).only(BLINDS),
    Field::flag("SMF", data(31, 1)).only(BLINDS),
];

pub(super) const PROFILES: &[Profile] = &[Profile::four_bytes("A5-38-08", FIELDS)];
