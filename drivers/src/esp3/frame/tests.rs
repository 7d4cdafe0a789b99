use proptest::prelude::*;

use super::*;
use crate::describe::unhex;

/// A packet with right checksums.
pub(crate) fn packet(packet_type: u8, data: &[u8], optional: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| bytes.iter().fold(0, |crc, byte| crc8(crc ^ byte));
    let [high, low] = u16::try_from(data.len()).unwrap().to_be_bytes();
    let header = [high, low, u8::try_from(optional.len()).unwrap(), packet_type];
    let body = [data, optional].concat();
    [&[SYNC], &header[..], &[crc(&header)], &body, &[crc(&body)]].concat()
}

/// Everything in these pieces, and then the end.
fn deframe<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Frame, FrameError>> {
    let mut deframer = Deframer::default();
    let mut found = Vec::new();
    for piece in pieces {
        deframer.push(piece);
        found.extend(std::iter::from_fn(|| deframer.poll_frame()));
    }
    found.extend(std::iter::from_fn(|| deframer.poll_rest()));
    assert!(!deframer.is_waiting());
    found
}

fn frames(found: Vec<Result<Frame, FrameError>>) -> Vec<Frame> {
    found.into_iter().flatten().collect()
}

/// The packets of python-enocean's tests (kipe/enocean, MIT), with type, data and optional data as asserted there.
const VECTORS: &[(&str, u8, &str, &str)] = &[
    ("55000a0701eba5000055080181b7440001ffffffff2d0075", 1, "a5000055080181b74400", "01ffffffff2d00"),
    ("55000707017ad50801825dab0001ffffffff360053", 1, "d50801825dab00", "01ffffffff3600"),
    ("55000707017ad50901825dab0001ffffffff3600c7", 1, "d50901825dab00", "01ffffffff3600"),
    ("55000707017af650002989793001ffffffff37009d", 1, "f6500029897930", "01ffffffff3700"),
    ("55000707017af600002989792002ffffffff4a0003", 1, "f6000029897920", "02ffffffff4a00"),
    ("55000a0701eba508284680018a7b300001ffffffff490026", 1, "a508284680018a7b3000", "01ffffffff4900"),
    ("55000a0701eba532208900deadbeef0003ffffffffff0043", 1, "a532208900deadbeef00", "03ffffffffff00"),
    ("550009070156d20400640194e3b90001ffffffff4000e4", 1, "d20400640194e3b900", "01ffffffff4000"),
    ("550009070156d20400000194e3b90001ffffffff4000bf", 1, "d20400000194e3b900", "01ffffffff4000"),
    (
        "55000f07012bd2dddddddddddddddddd008035c40003ffffffff4d0036",
        1,
        "d2dddddddddddddddddd008035c400",
        "03ffffffff4d00",
    ),
    ("5500010005700838", 5, "08", ""),
    ("5500050102db00ff9e55000a79ffffffffffffff", 2, "00ff9e5500", "0a"),
    ("55000c0007ef000407ffffffffff0000000065", 7, "000407ffffffffff00000000", ""),
    ("5500010004770107", 4, "01", ""),
    ("55000a0701eba532000000deadbeef0003ffffffffff0080", 1, "a532000000deadbeef00", "03ffffffffff00"),
    ("55000a0701eba5000055080181b7440003ffffffffff005c", 1, "a5000055080181b74400", "03ffffffffff00"),
    ("55000a0701eba5000055000181b7440003ffffffffff00e0", 1, "a5000055000181b74400", "03ffffffffff00"),
    ("55000707017ad50801825dab0003ffffffffff00ba", 1, "d50801825dab00", "03ffffffffff00"),
    ("55000707017ad50001825dab0003ffffffffff0006", 1, "d50001825dab00", "03ffffffffff00"),
    ("55000707017ad50901825dab0003ffffffffff002e", 1, "d50901825dab00", "03ffffffffff00"),
    ("55000707017ad50101825dab0003ffffffffff0092", 1, "d50101825dab00", "03ffffffffff00"),
    ("55000707017af650002989793003ffffffffff0061", 1, "f6500029897930", "03ffffffffff00"),
    ("55000707017af600002989792003ffffffffff00d2", 1, "f6000029897920", "03ffffffffff00"),
    ("55000a0701eba5000055080181b7440003deadbeefff005f", 1, "a5000055080181b74400", "03deadbeefff00"),
    ("55000707017ad50801825dab0003deadbeefff00b9", 1, "d50801825dab00", "03deadbeefff00"),
    ("550009070156d2011e64deadbeef0003ffffffffff005a", 1, "d2011e64deadbeef00", "03ffffffffff00"),
    (
        "55000d0701fdd4a0ff3e000101d20194e3b90001ffffffff4000ab",
        1,
        "d4a0ff3e000101d20194e3b900",
        "01ffffffff4000",
    ),
];

#[test]
fn packets_agree_with_another_implementation() {
    for (hex, packet_type, data, optional) in VECTORS {
        let expected =
            Frame { offset: 0, packet_type: *packet_type, data: unhex(data), optional: unhex(optional) };
        assert_eq!(frames(deframe([unhex(hex).as_slice()])), [expected], "{hex}");
    }
}

/// The first three and the last two rows: packets that python-enocean's tests (MIT) give as broken.
#[test]
fn a_broken_packet_names_the_field_and_where_it_begins() {
    let table = [
        (
            "55000f07012bd2dddcdddddddddddddd008035c40003ffffffff4d0036",
            "data CRC8 at byte 28: expected checksum 0x1a, got 0x36",
        ),
        (
            "55000f07012bd2dddddddddddddddddd008035c40003ffffffff4d0037",
            "data CRC8 at byte 28: expected checksum 0x36, got 0x37",
        ),
        (
            "55000f07011bd2dddddddddddddddddd008035c40003ffffffff4d0036",
            "header CRC8 at byte 5: expected checksum 0x2b, got 0x1b",
        ),
        ("ff5500010005700838", "sync byte at byte 0: no packet begins here; skipped to where one does"),
        ("550000000000", "data length at byte 1: expected a length of 1 to 1024, got 0"),
        ("55000100057038", "data CRC8 at byte 7: too short: expected length 1, got 0"),
        ("550001", "header at byte 1: too short: expected length 4, got 2"),
    ];
    for (hex, expected) in table {
        let first = deframe([unhex(hex).as_slice()]).remove(0);
        assert_eq!(first.unwrap_err().to_string(), expected, "{hex}");
    }
}

#[test]
fn a_run_of_noise_is_told_once_and_each_broken_packet_too() {
    let good = packet(1, &[1; 7], &[]);
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    let stream = [&[0xAA, 0x55, 0xAA, 0x55, 0x00][..], &good, &broken, &broken, &good].concat();
    let found = deframe([stream.as_slice()]);
    let fields: Vec<_> = found.iter().map(|f| f.as_ref().map_or_else(|e| e.field, |_| "frame")).collect();
    assert_eq!(fields, ["sync byte", "frame", "data CRC8", "data CRC8", "frame"]);
}

#[test]
fn a_length_beyond_what_a_stick_sends_is_not_waited_for() {
    let mut deframer = Deframer::default();
    let endless = packet(1, &[0; MAX_DATA + 1], &[]);
    deframer.push(&endless[..HEADER]);
    let refused = deframer.poll_frame().unwrap().unwrap_err();
    assert_eq!(refused.problem, Problem::Length { least: 1, most: MAX_DATA, got: MAX_DATA + 1 });
    assert!(!deframer.is_waiting());
    assert_eq!(frames(deframe([packet(1, &[0; MAX_DATA], &[0; 255]).as_slice()])).len(), 1);
}

#[test]
fn a_header_made_by_noise_holds_nothing_back_once_the_line_is_silent() {
    let lucky = &packet(1, &[0; 600], &[])[..HEADER];
    let alarm = packet(1, &[0xF6, 0x50, 0, 0x29, 0x89, 0x79, 0x30], &[]);
    let mut deframer = Deframer::default();
    deframer.push(lucky);
    deframer.push(&alarm);
    deframer.push(&alarm[..9]);
    assert_eq!(deframer.poll_frame(), None);
    assert_eq!(deframer.poll_in_silence().unwrap().unwrap_err().field, "data");
    assert_eq!(deframer.poll_in_silence().unwrap().unwrap().offset, HEADER);
    // What is only begun may still be ended: it may be the reader that was slow.
    assert_eq!(deframer.poll_in_silence(), None);
    deframer.push(&alarm[9..]);
    assert_eq!(deframer.poll_frame().unwrap().unwrap().offset, HEADER + alarm.len());
}

/// What is in a stream, found without any cleverness: at each place either a whole packet or one byte of noise.
fn reference(mut stream: &[u8]) -> Vec<Parts> {
    let mut found = Vec::new();
    while !stream.is_empty() {
        match whole_packet(stream) {
            Some((length, parts)) => {
                found.push(parts);
                stream = &stream[length..];
            }
            None => stream = &stream[1..],
        }
    }
    found
}

/// Type, data and optional data.
type Parts = (u8, Vec<u8>, Vec<u8>);

/// The packet at the very beginning, and how long it is.
fn whole_packet(stream: &[u8]) -> Option<(usize, Parts)> {
    let data = usize::from(u16::from_be_bytes([*stream.get(1)?, *stream.get(2)?]));
    let optional = usize::from(*stream.get(3)?);
    let length = HEADER + data + optional + 1;
    if !(1..=MAX_DATA).contains(&data) || stream.len() < length {
        return None;
    }
    let (data, optional) = stream[HEADER..length - 1].split_at(data);
    (stream[..length] == packet(stream[4], data, optional))
        .then(|| (length, (stream[4], data.to_vec(), optional.to_vec())))
}

/// Packets, whole and broken, and noise that looks like packets.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |length| proptest::collection::vec(prop_oneof![Just(SYNC), Just(0), any::<u8>()], 0..length);
    let whole =
        (0..12_u8, bytes(40), bytes(12)).prop_map(|(kind, data, optional)| packet(kind, &data, &optional));
    let broken =
        (whole.clone(), any::<proptest::sample::Index>(), 1..=u8::MAX).prop_map(|(mut packet, at, flip)| {
            let at = at.index(packet.len());
            packet[at] ^= flip;
            packet
        });
    let cut = (whole.clone(), any::<proptest::sample::Index>())
        .prop_map(|(packet, at)| packet[..at.index(packet.len())].to_vec());
    proptest::collection::vec(prop_oneof![3 => whole, 1 => broken, 1 => cut, 1 => bytes(20)], 0..8)
        .prop_map(|parts| parts.concat())
}

/// Noise of the worst kind: anything, sync bytes, headers whose checksum is right by luck and that promise any length,
/// packets that were cut or broken.
pub(crate) fn noise() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |length| proptest::collection::vec(prop_oneof![Just(SYNC), any::<u8>()], 0..length);
    let lucky = (0..=2000_u16, 0..=u8::MAX, 0..12_u8).prop_map(|(data, optional, kind)| {
        let [high, low] = data.to_be_bytes();
        let header = [high, low, optional, kind];
        [&[SYNC], &header[..], &[crc8_of(&[&header])]].concat()
    });
    let broken = (bytes(30), 1..=u8::MAX, any::<proptest::sample::Index>(), any::<bool>()).prop_map(
        |(mut data, flip, at, cut)| {
            data.push(0);
            let mut broken = packet(1, &data, &[]);
            let at = at.index(broken.len());
            if cut {
                broken.truncate(at)
            } else {
                broken[at] ^= flip
            }
            broken
        },
    );
    proptest::collection::vec(prop_oneof![2 => bytes(20), 2 => lucky, 1 => broken], 0..6)
        .prop_map(|parts| parts.concat())
}

/// Whether a whole packet begins somewhere in these places and ends outside of them: noise that is a packet by every
/// checksum is one, and may take what it covers with it. There is no telling.
pub(crate) fn is_a_packet_beyond(stream: &[u8], places: std::ops::Range<usize>) -> bool {
    let end = places.end;
    places
        .into_iter()
        .any(|place| whole_packet(&stream[place..]).is_some_and(|(length, _)| place + length > end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    /// Every packet is there as soon as the line is silent behind it, whatever came before.
    #[test]
    fn noise_between_packets_never_loses_or_holds_back_the_next_one(
        parts in proptest::collection::vec((noise(), proptest::collection::vec(any::<u8>(), 1..40)), 1..6),
        piece in 1..60_usize,
    ) {
        let mut deframer = Deframer::default();
        let (mut stream, mut found) = (Vec::new(), Vec::new());
        for (noise, data) in parts {
            let begin = stream.len();
            stream.extend(noise);
            let offset = stream.len();
            stream.extend(packet(1, &data, &[]));
            // What is only begun in the noise and ended by later parts has been given up by then.
            prop_assume!(!is_a_packet_beyond(&stream, begin..offset));
            for bytes in stream[begin..].chunks(piece) {
                deframer.push(bytes);
                found.extend(std::iter::from_fn(|| deframer.poll_frame()));
            }
            found.extend(std::iter::from_fn(|| deframer.poll_in_silence()));
            let expected = Frame { offset, packet_type: 1, data, optional: Vec::new() };
            prop_assert!(found.contains(&Ok(expected)));
        }
    }

    #[test]
    fn in_any_split_the_frames_are_those_of_the_reference(
        stream in streams(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        let found = deframe(pieces);
        prop_assert_eq!(&found, &deframe([stream.as_slice()]));
        prop_assert_eq!(&found, &deframe(stream.chunks(1)));
        let found: Vec<_> = frames(found).into_iter().map(|f| (f.packet_type, f.data, f.optional)).collect();
        prop_assert_eq!(found, reference(&stream));
    }

    /// No sync byte but the first in the packet, and none made by the corruption: then nothing in it can look like
    /// another packet, and the next one must come through. Where there are, the reference above decides.
    #[test]
    fn a_corrupted_packet_never_takes_the_next_one_with_it(
        data in proptest::collection::vec(any::<u8>(), 1..40),
        at in any::<proptest::sample::Index>(),
        flip in 1..=u8::MAX,
        next in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let mut corrupted = packet(1, &data, &[]);
        let at = at.index(corrupted.len());
        corrupted[at] ^= flip;
        prop_assume!(corrupted.iter().skip(1).all(|byte| *byte != SYNC));
        let found = frames(deframe([corrupted.as_slice(), &packet(1, &next, &[])]));
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].data, &next);
    }
}
