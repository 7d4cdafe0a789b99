//! The bytes of a Nonin oximeter, after the specification of the OEM III module.

/// A packet of data format 2: 25 frames of 5 bytes, a third of a second.
pub fn packet(spo2: u8, pulse_rate: u16, finger: bool) -> Vec<u8> {
    let (spo2, pulse_rate) = if finger { (spo2, pulse_rate) } else { (127, 511) };
    let [high, low] = [pulse_rate >> 7 & 0x03, pulse_rate & 0x7F].map(|part| part.to_be_bytes()[1]);
    (1..=25)
        .flat_map(|frame| {
            let sync = u8::from(frame == 1);
            let disconnected = u8::from(!finger) << 6;
            let value = match frame {
                1 | 14 | 20 | 22 => high,
                2 | 15 | 21 | 23 => low,
                3 | 9 | 10 | 11 | 16 | 17 => spo2,
                4 => 48,
                _ => 0,
            };
            checked([1, 0x80 | disconnected | sync, 100, value])
        })
        .collect()
}

fn checked([start, status, wave, value]: [u8; 4]) -> [u8; 5] {
    let sum = u32::from(start) + u32::from(status) + u32::from(wave) + u32::from(value);
    [start, status, wave, value, sum.to_be_bytes()[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_has_125_bytes_and_begins_as_a_published_one_does() {
        // pez-globo/pufferfish-software (Apache-2.0): 01 81 xx 00, 01 80 xx 48, 01 80 xx 61.
        let packet = packet(97, 72, true);
        assert_eq!(packet.len(), 125);
        assert_eq!([packet[0], packet[1], packet[3], packet[8], packet[13]], [1, 0x81, 0, 0x48, 0x61]);
    }
}
