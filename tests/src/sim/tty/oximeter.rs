//! The bytes of Nonin oximeters, after the specifications of the OEM III module (formats 2, 7 and 8) and of the
//! Onyx II 9560 (format 13).

/// What the gateway says when it has kept a spot-check.
pub const ACKNOWLEDGEMENT: u8 = 0x06;

/// A packet of data format 2: 25 frames of 5 bytes, a third of a second.
pub fn format_2(spo2: u8, pulse_rate: u16, finger: bool) -> Vec<u8> {
    frames(spo2, pulse_rate, finger).flat_map(|(status, value)| checked([1, status, 100, value])).collect()
}

/// The same in data format 7, where the waveform has two bytes and there is no start byte.
pub fn format_7(spo2: u8, pulse_rate: u16, finger: bool) -> Vec<u8> {
    frames(spo2, pulse_rate, finger).flat_map(|(status, value)| checked([status, 100, 7, value])).collect()
}

/// A packet of data format 8: a second, of which the oximeter holds the signal to be good.
pub fn format_8(spo2: u8, pulse_rate: u16) -> Vec<u8> {
    let [high, low] = seven_bits(pulse_rate);
    vec![0x80 | high, low, spo2, 0x20]
}

/// A spot-check in data format 13, of which the oximeter holds the signal to be good.
pub fn format_13(spo2: u8, pulse_rate: u16) -> Vec<u8> {
    let [high, low] = pulse_rate.to_be_bytes();
    // 2026-11-22 18:30:59 in decimal digits, and the status.
    let data = [0x20, 0x26, 0x11, 0x22, 0x18, 0x30, 0x59, 0x00, 0x02, 0x00, high, low, 0, spo2];
    [&[0, 2, 0, 13, 0, 14], data.as_slice(), &[sum(&data), 3]].concat()
}

/// Status and value of the 25 frames of a packet.
fn frames(spo2: u8, pulse_rate: u16, finger: bool) -> impl Iterator<Item = (u8, u8)> {
    let (spo2, pulse_rate) = if finger { (spo2, pulse_rate) } else { (127, 511) };
    let [high, low] = seven_bits(pulse_rate);
    (1..=25).map(move |frame| {
        let sync = u8::from(frame == 1);
        let disconnected = u8::from(!finger) << 6;
        let value = match frame {
            1 | 14 | 20 | 22 => high,
            2 | 15 | 21 | 23 => low,
            3 | 9 | 10 | 11 | 16 | 17 => spo2,
            4 => 48,
            _ => 0,
        };
        (0x80 | disconnected | sync, value)
    })
}

/// The two highest of nine bits, and the other seven.
fn seven_bits(number: u16) -> [u8; 2] {
    [number >> 7 & 0x03, number & 0x7F].map(|part| part.to_be_bytes()[1])
}

fn checked(frame: [u8; 4]) -> [u8; 5] {
    let [first, second, third, fourth] = frame;
    [first, second, third, fourth, sum(&frame)]
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_has_125_bytes_and_begins_as_a_published_one_does() {
        // pez-globo/pufferfish-software (Apache-2.0): 01 81 xx 00, 01 80 xx 48, 01 80 xx 61.
        let packet = format_2(97, 72, true);
        assert_eq!(packet.len(), 125);
        assert_eq!([packet[0], packet[1], packet[3], packet[8], packet[13]], [1, 0x81, 0, 0x48, 0x61]);
        assert_eq!(format_7(97, 72, true).len(), 125);
    }

    #[test]
    fn packets_without_a_waveform_have_the_bytes_of_their_layout() {
        assert_eq!(format_8(97, 200), [0x81, 72, 97, 0x20]);
        let spot_check = format_13(97, 200);
        assert_eq!((spot_check.len(), spot_check[4..6].to_vec()), (22, vec![0, 14]));
        assert_eq!(spot_check[16..20], [0, 200, 0, 97]);
    }
}
