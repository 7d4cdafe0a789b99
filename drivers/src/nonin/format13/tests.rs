use proptest::prelude::*;
use varde_wire::{Flags, Metric, Value};

use super::*;
use crate::nonin::{DataFormat, Deframer};

/// Made after the layout: no vector of this format is published.
pub(crate) fn spot(status: [u8; 2], pulse_rate: u16, spo2: u8, serial: &[u8]) -> Vec<u8> {
    let mut data = vec![0x20, 0x26, 0x11, 0x22, 0x18, 0x30, 0x59, 0x00];
    data.extend(status);
    data.extend(pulse_rate.to_be_bytes());
    data.extend([0, spo2]);
    data.extend(serial);
    let mut packet = START.to_vec();
    packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    packet.extend(&data);
    packet.push(data.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    packet.push(ETX);
    packet
}

fn read(bytes: &[u8]) -> Vec<Result<Packet, FrameError>> {
    let mut deframer = Deframer::new(DataFormat::Thirteen);
    deframer.push(bytes);
    std::iter::from_fn(|| deframer.poll_in_silence()).collect()
}

#[test]
fn every_field_of_a_spot_check_is_read() {
    let device = "oximeter-1".parse().unwrap();
    let found = read(&spot([2, 0x10], 72, 97, b"501234567"));
    let [Ok(Packet { oximetry, is_kept: true })] = &found[..] else { panic!("{found:?}") };
    assert_eq!((oximetry.spo2, oximetry.pulse_rate), (Some(97), Some(72)));
    let spot = oximetry.spot.as_ref().unwrap();
    assert_eq!(spot.time.unwrap().to_string(), "2026-11-22T18:30:59");
    assert_eq!((spot.is_stored, spot.serial_number.as_deref()), (true, Some("501234567")));
    assert_eq!(oximetry.battery_is_low, Some(false));
    let observations = oximetry.observations(&device);
    assert_eq!(observations[0].metric, Metric::SPO2_SPOT);
    assert_eq!(observations[0].flags, Flags::STORED);
    assert_eq!(observations[0].device_time, spot.time);
}

#[test]
fn a_missing_number_is_none_and_a_poor_one_is_doubted() {
    let device = "oximeter-1".parse().unwrap();
    let found = read(&[spot([1, 1], 511, 127, b""), spot([0, 0], 72, 97, b"")].concat());
    let [Ok(missing), Ok(poor)] = &found[..] else { panic!("{found:?}") };
    assert!(missing.oximetry.observations(&device).iter().all(|o| matches!(o.value, Value::Absent(_))));
    assert_eq!(missing.oximetry.battery_is_low, Some(true));
    assert!(poor.oximetry.observations(&device).iter().all(|o| o.flags.has(Flags::QUESTIONABLE)));
}

#[test]
fn a_clock_that_shows_no_moment_is_no_time() {
    let mut packet = spot([2, 0], 72, 97, b"");
    packet[7] = 0x2A;
    packet[20] = packet[20].wrapping_add(0x2A - 0x26);
    assert_eq!(read(&packet)[0].as_ref().unwrap().oximetry.spot.as_ref().unwrap().time, None);
}

proptest! {
    /// Also noise that begins as a packet does: each packet is there once the line is silent behind it. But for noise
    /// that happens to be a whole packet together with what follows.
    #[test]
    fn no_noise_costs_a_spot_check_before_or_behind_it(
        parts in proptest::collection::vec((noise(), 18..=321_u16, 0..=100_u8), 1..5),
        piece in 1..40_usize,
    ) {
        let mut deframer = Deframer::new(DataFormat::Thirteen);
        let mut stream = Vec::new();
        for (noise, pulse_rate, spo2) in parts {
            let begin = stream.len();
            stream.extend(noise);
            let end = stream.len();
            stream.extend(spot([2, 0], pulse_rate, spo2, b""));
            prop_assume!((begin..end).all(|at| !matches!(find(&stream[at..], 0), Found::Whole(..))));
            let mut found = Vec::new();
            for bytes in stream[begin..].chunks(piece) {
                deframer.push(bytes);
                found.extend(std::iter::from_fn(|| deframer.poll()));
            }
            found.extend(std::iter::from_fn(|| deframer.poll_in_silence()));
            let found = found.into_iter().flatten().map(|packet| (packet.oximetry.pulse_rate, packet.oximetry.spo2));
            prop_assert_eq!(found.collect::<Vec<_>>(), [(Some(pulse_rate), Some(spo2))]);
            prop_assert!(!deframer.is_waiting());
        }
    }
}

/// Anything, and perhaps the beginning of a packet.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let bytes = proptest::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(2), Just(13)], 0..40);
    let begun = prop_oneof![Just(vec![]), Just(vec![0, 2, 0, 13, 0, 14]), Just(vec![0, 2, 0, 13, 0, 23])];
    (bytes, begun).prop_map(|(bytes, begun)| [bytes, begun].concat())
}
