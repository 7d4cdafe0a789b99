use proptest::prelude::*;

use super::*;
use crate::describe::unhex;
use crate::nonin::{DataFormat, Deframer};

/// A packet of format 2 and the bytes around it: pez-globo/pufferfish-software, Apache-2.0, tests of its Nonin driver.
const PACKET: &str = "018101008301800148ca01800161e301800130b2018001008201800100820180010082018001008201800161e301800161e3\
                      01800161e301800100820180010082018001008201800148ca01800161e301800161e301800100820180010082018001\
                      008201800148ca018001008201800148ca01800100820180010082";

fn read(format: DataFormat, bytes: &[u8]) -> Vec<Result<Packet, FrameError>> {
    let mut deframer = Deframer::new(format);
    deframer.push(bytes);
    std::iter::from_fn(|| deframer.poll()).collect()
}

fn packets(found: &[Result<Packet, FrameError>]) -> Vec<&Oximetry> {
    found.iter().filter_map(|found| found.as_ref().ok()).map(|packet| &packet.oximetry).collect()
}

fn refusals(found: &[Result<Packet, FrameError>]) -> Vec<String> {
    found.iter().filter_map(|found| found.as_ref().err()).map(ToString::to_string).collect()
}

fn frame(format: DataFormat, status: u8, float: u8) -> Vec<u8> {
    let mut frame =
        if format == DataFormat::Two { vec![1, status, 1, float] } else { vec![status, 2, 1, float] };
    frame.push(frame.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    frame
}

/// A packet in which one frame has this status.
pub(crate) fn packet_of(format: DataFormat, status: u8, pulse_rate: u16, spo2: u8) -> Vec<u8> {
    let [high, low] = [pulse_rate >> 7, pulse_rate & 0x7F].map(|part| u8::try_from(part).unwrap());
    let floats = (1..=25).map(|place| match place {
        1 | 14 | 20 | 22 => high,
        2 | 15 | 21 | 23 => low,
        3 | 9 | 10 | 11 | 16 | 17 => spo2,
        4 => 48,
        _ => 0,
    });
    let frames = floats.zip(1..).map(|(float, place)| match place {
        1 => frame(format, 0x81, float),
        2 => frame(format, status, float),
        _ => frame(format, 0x80, float),
    });
    frames.flatten().collect()
}

#[test]
fn every_field_of_a_packet_is_read() {
    let found = read(DataFormat::Two, &unhex(PACKET));
    let [oximetry] = packets(&found)[..] else { panic!("{found:?}") };
    assert_eq!((oximetry.spo2, oximetry.pulse_rate), (Some(97), Some(72)));
    assert_eq!(oximetry.signal, Signal::default());
    let expected = [
        ("spo2_display", Some(97)),
        ("spo2_fast", Some(97)),
        ("spo2_beat_to_beat", Some(97)),
        ("pulse_rate_extended", Some(72)),
        ("spo2_extended", Some(97)),
        ("spo2_extended_display", Some(97)),
        ("pulse_rate_display", Some(72)),
        ("pulse_rate_extended_display", Some(72)),
        ("firmware_revision", Some(48)),
        ("timer", Some(0)),
        ("second_status", Some(0)),
    ];
    assert_eq!(oximetry.further, expected);
    assert_eq!(unhex(PACKET), packet_of(DataFormat::Two, 0x80, 72, 97));
}

#[test]
fn what_is_no_packet_is_told_with_its_place() {
    let first = |frames: usize| unhex(PACKET)[..frames * 5].to_vec();
    let then = |mut bytes: Vec<u8>, more: &str| {
        bytes.extend(unhex(more));
        bytes
    };
    let lost = "packet at byte 120: too short: expected length 25, got 24";
    let checksum = "frame checksum at byte 9: expected checksum 0xca, got 0xcb";
    let status = "status at byte 5: no packet begins here; skipped to where one does";
    let table: [(Vec<u8>, usize, &[&str]); 6] = [
        (then(first(24), "0181010083"), 0, &[lost]),
        (first(2), 0, &[]),
        (then(first(1), "01800148cb"), 0, &[checksum]),
        (then(first(1), "017f0148ca"), 0, &[status]),
        (unhex("01810000"), 0, &[]),
        (then(first(25), "018001008201800100820181010083"), 1, &[]),
    ];
    for (bytes, count, expected) in table {
        let found = read(DataFormat::Two, &bytes);
        assert_eq!(
            (packets(&found).len(), refusals(&found)),
            (count, expected.iter().map(|e| (*e).to_owned()).collect())
        );
    }
}

#[test]
fn each_status_bit_says_its_own() {
    let table = [
        (0x82, Signal::default()),
        (0x84, Signal { low_perfusion: true, ..Signal::default() }),
        (0x86, Signal { marginal_perfusion: true, ..Signal::default() }),
        (0x88, Signal { sensor_alarm: true, ..Signal::default() }),
        (0x90, Signal { out_of_track: true, ..Signal::default() }),
        (0xA0, Signal { artifact: true, ..Signal::default() }),
        (0xC0, Signal { sensor_disconnected: true, ..Signal::default() }),
    ];
    for format in [DataFormat::Two, DataFormat::Seven] {
        for (status, expected) in table {
            let found = read(format, &packet_of(format, status, 72, 97));
            assert_eq!(packets(&found)[0].signal, expected, "{status:02x}");
            let bears = !matches!(status, 0x88 | 0x90 | 0xA0 | 0xC0);
            assert_eq!(packets(&found)[0].believed_spo2().is_some(), bears, "{status:02x}");
        }
    }
}

#[test]
fn the_ends_of_the_range_are_numbers_and_the_codes_for_none_are_none() {
    for format in [DataFormat::Two, DataFormat::Seven] {
        for (pulse_rate, spo2, expected) in
            [(18, 0, (Some(18), Some(0))), (321, 100, (Some(321), Some(100))), (511, 127, (None, None))]
        {
            let found = read(format, &packet_of(format, 0x80, pulse_rate, spo2));
            assert_eq!((packets(&found)[0].pulse_rate, packets(&found)[0].spo2), expected);
        }
    }
}

#[test]
fn format_8_reads_each_bit_and_refuses_what_no_oximeter_measures() {
    // Made after the layout: status, pulse rate, saturation, second status.
    let table: [([u8; 4], _, _, Signal, bool); 6] = [
        (
            [0x80, 72, 97, 0x20],
            Some(72),
            Some(97),
            Signal { is_good: Some(true), ..Signal::default() },
            false,
        ),
        (
            [0x81, 72, 97, 0x00],
            Some(200),
            Some(97),
            Signal { is_good: Some(false), ..Signal::default() },
            false,
        ),
        (
            [0xC3, 127, 127, 0x00],
            None,
            None,
            Signal { sensor_disconnected: true, is_good: Some(false), ..Signal::default() },
            false,
        ),
        (
            [0xB4, 60, 90, 0x08],
            Some(60),
            Some(90),
            Signal {
                out_of_track: true,
                low_perfusion: true,
                artifact: true,
                sensor_alarm: true,
                is_good: Some(false),
                ..Signal::default()
            },
            false,
        ),
        (
            [0x88, 60, 90, 0x21],
            Some(60),
            Some(90),
            Signal { marginal_perfusion: true, is_good: Some(true), ..Signal::default() },
            true,
        ),
        ([0x80, 60, 90, 0x22], Some(60), Some(90), Signal { is_good: Some(true), ..Signal::default() }, true),
    ];
    for (bytes, pulse_rate, spo2, signal, battery_is_low) in table {
        let found = read(DataFormat::Eight, &bytes);
        let [oximetry] = packets(&found)[..] else { panic!("{found:?}") };
        assert_eq!((oximetry.pulse_rate, oximetry.spo2), (pulse_rate, spo2), "{bytes:?}");
        assert_eq!((oximetry.signal, oximetry.battery_is_low), (signal, Some(battery_is_low)), "{bytes:?}");
    }
    let found = read(DataFormat::Eight, &[0x80, 72, 101, 0, 0x80, 72, 97, 0]);
    assert_eq!(refusals(&found), ["SpO2 at byte 2: no packet begins here; skipped to where one does"]);
    assert_eq!(packets(&found).len(), 1);
}

/// What is found in a stream that comes in pieces of these lengths.
fn found_in_pieces(format: DataFormat, mut rest: &[u8], cuts: &[usize]) -> Vec<Result<Packet, FrameError>> {
    let mut deframer = Deframer::new(format);
    let mut found = Vec::new();
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at((*cut).min(rest.len()));
        rest = more;
        deframer.push(piece);
        found.extend(std::iter::from_fn(|| deframer.poll()));
    }
    found
}

/// Noise, and numbers of a packet behind it; several times.
fn noise_and_numbers() -> impl Strategy<Value = Vec<(Vec<u8>, (u8, u16))>> {
    let noise = proptest::collection::vec(prop_oneof![Just(1), 0x80..=0x8F_u8, any::<u8>()], 0..60);
    proptest::collection::vec((noise, (0..=100_u8, 18..=321_u16)), 1..5)
}

proptest! {
    /// Noise is no packet, and it costs none. But for one case: noise that happens to be a whole frame and ends within
    /// the packet behind it.
    #[test]
    fn no_noise_in_any_pieces_costs_a_packet_before_or_behind_it(
        seven in any::<bool>(),
        parts in noise_and_numbers(),
        cuts in proptest::collection::vec(1..40_usize, 1..10),
    ) {
        let format = if seven { DataFormat::Seven } else { DataFormat::Two };
        let find = if seven { format7 } else { format2 };
        let mut stream = Vec::new();
        for (noise, (spo2, pulse_rate)) in &parts {
            let begin = stream.len();
            stream.extend(noise);
            let end = stream.len();
            stream.extend(packet_of(format, 0x80, *pulse_rate, *spo2));
            let whole = |at: usize| matches!(find(&stream[at..], 0), Found::Whole(..));
            prop_assume!((begin.max(end.saturating_sub(4))..end).all(|at| !whole(at)));
        }
        let found = found_in_pieces(format, &stream, &cuts);
        let found: Vec<_> = packets(&found).iter().map(|o| (o.spo2, o.pulse_rate)).collect();
        let expected: Vec<_> = parts.iter().map(|(_, (spo2, rate))| (Some(*spo2), Some(*rate))).collect();
        prop_assert_eq!(found, expected);
    }

    /// Format 8 has no checksum, so it cannot promise that noise is no packet: whatever looks like one is. But as only
    /// the first byte of a packet has its highest bit set, noise takes none with it.
    #[test]
    fn in_format_8_noise_can_be_a_packet_but_costs_none(
        parts in noise_and_numbers(),
        cuts in proptest::collection::vec(1..40_usize, 1..10),
    ) {
        let packet = |(spo2, rate): (u8, u16)| {
            let [high, low] = [rate >> 7, rate & 0x7F].map(|part| u8::try_from(part).unwrap());
            vec![0x80 | high, low, spo2, 0x20]
        };
        let stream = parts.iter().flat_map(|(noise, numbers)| [noise.clone(), packet(*numbers)].concat());
        let stream: Vec<_> = stream.collect();
        let looks_like_one = |bytes: &&[u8]| {
            let marks = bytes.iter().map(|byte| byte >> 7);
            marks.eq([1, 0, 0, 0]) && (bytes[2] <= 100 || bytes[2] == 127)
        };
        let expected = stream.windows(4).filter(looks_like_one).count();
        let found = found_in_pieces(DataFormat::Eight, &stream, &cuts);
        let found: Vec<_> = packets(&found).iter().map(|o| (o.spo2, o.pulse_rate)).collect();
        prop_assert_eq!(found.len(), expected);
        let mut found = found.into_iter();
        for (_, (spo2, rate)) in parts {
            prop_assert!(found.any(|numbers| numbers == (Some(spo2), Some(rate))));
        }
    }
}
