//! The bytes of a Hi-Link LD2410, after its serial communication protocol V1.02.

/// Whom the radar sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Target {
    /// Nobody.
    Nobody = 0,
    /// Somebody who moves.
    Moving = 1,
    /// Somebody who keeps still.
    Still = 2,
}

/// A basic report.
pub fn report(target: Target) -> Vec<u8> {
    let data = [2, 0xAA, target as u8, 81, 0, 60, 0, 0, 59, 0, 0, 0x55, 0];
    frame([0xF4, 0xF3, 0xF2, 0xF1], &data, [0xF8, 0xF7, 0xF6, 0xF5])
}

/// An engineering report: the same, with the energy at each of nine gates, moving and still, the light and the output
/// pin.
pub fn engineering_report(target: Target) -> Vec<u8> {
    let head = [1, 0xAA, target as u8, 30, 0, 60, 0, 0, 57, 0, 0, 8, 8];
    let gates = [60, 34, 5, 3, 3, 4, 3, 6, 5, 0, 0, 57, 16, 19, 6, 6, 8, 4];
    frame([0xF4, 0xF3, 0xF2, 0xF1], &[&head[..], &gates, &[3, 5, 0x55, 0]].concat(), [0xF8, 0xF7, 0xF6, 0xF5])
}

/// What the radar answers to these bytes of the gateway.
pub fn answers(commands: &[u8]) -> Vec<u8> {
    let asked = commands.windows(8).filter_map(|bytes| match bytes {
        [0xFD, 0xFC, 0xFB, 0xFA, _, 0, word, 0] => Some(*word),
        _ => None,
    });
    let answer = |word| {
        let rest: &[u8] = match word {
            // Protocol version and size of its buffer.
            0xFF => &[1, 0, 0x40, 0],
            // Firmware V1.02.22062416.
            0xA0 => &[0, 1, 2, 1, 0x16, 0x24, 0x06, 0x22],
            _ => &[],
        };
        frame([0xFD, 0xFC, 0xFB, 0xFA], &[&[word, 1, 0, 0], rest].concat(), [4, 3, 2, 1])
    };
    asked.flat_map(answer).collect()
}

fn frame(header: [u8; 4], data: &[u8], footer: [u8; 4]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes();
    [&header, length.as_slice(), data, &footer].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_length_of_the_one_in_the_protocol() {
        assert_eq!(report(Target::Still).len(), 23);
        assert_eq!(report(Target::Still)[..9], [0xF4, 0xF3, 0xF2, 0xF1, 13, 0, 2, 0xAA, 2]);
        assert_eq!(engineering_report(Target::Still)[4..6], [35, 0]);
        let answer = answers(&[0xFD, 0xFC, 0xFB, 0xFA, 2, 0, 0xFE, 0, 4, 3, 2, 1]);
        assert_eq!(answer, [0xFD, 0xFC, 0xFB, 0xFA, 4, 0, 0xFE, 1, 0, 0, 4, 3, 2, 1]);
    }
}
