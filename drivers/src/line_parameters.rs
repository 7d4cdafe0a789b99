//! How bits stand on a serial line.

use thiserror::Error;

/// A line's speed and the shape of its characters. Flow control is always off.
///
/// Read and shown as manuals print it: `9600 8N1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineParameters {
    /// Bits per second.
    pub baud: u32,
    /// Bits of a character.
    pub data_bits: DataBits,
    /// What is added to find a wrong bit.
    pub parity: Parity,
    /// Bits between characters.
    pub stop_bits: StopBits,
}

/// Bits of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataBits {
    /// Enough for ASCII.
    Seven,
    /// A byte.
    Eight,
}

/// What is added to a character to find a wrong bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parity {
    /// Nothing.
    None,
    /// A bit that makes the number of ones even.
    Even,
    /// A bit that makes the number of ones odd.
    Odd,
}

/// Bits between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopBits {
    /// One.
    One,
    /// Two.
    Two,
}

impl LineParameters {
    /// The slowest speed that is taken.
    pub const SLOWEST: u32 = 300;
    /// The fastest.
    pub const FASTEST: u32 = 921_600;

    /// Eight data bits, no parity, one stop bit.
    pub const fn plain(baud: u32) -> Self {
        Self { baud, data_bits: DataBits::Eight, parity: Parity::None, stop_bits: StopBits::One }
    }

    /// Eight data bits, even parity, one stop bit.
    pub const fn even(baud: u32) -> Self {
        Self { parity: Parity::Even, ..Self::plain(baud) }
    }
}

/// A text that names no line parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "expected speed, data bits, parity (N, E or O) and stop bits as the device's manual gives them, such as \
     \"9600 8N1\" or \"2400 7E1\"; a speed of {least} to {most}",
    least = LineParameters::SLOWEST,
    most = LineParameters::FASTEST
)]
pub struct BadLineParameters;

impl std::str::FromStr for LineParameters {
    type Err = BadLineParameters;

    fn from_str(text: &str) -> Result<Self, BadLineParameters> {
        let (baud, shape) = text.trim().split_once(' ').ok_or(BadLineParameters)?;
        let digits = baud.bytes().all(|c| c.is_ascii_digit());
        let baud = baud.parse().ok().filter(|_| digits).ok_or(BadLineParameters)?;
        let [data_bits, parity, stop_bits] = shape.trim_start().as_bytes() else {
            return Err(BadLineParameters);
        };
        if !(Self::SLOWEST..=Self::FASTEST).contains(&baud) {
            return Err(BadLineParameters);
        }
        Ok(Self {
            baud,
            data_bits: match data_bits {
                b'7' => DataBits::Seven,
                b'8' => DataBits::Eight,
                _ => return Err(BadLineParameters),
            },
            parity: match parity.to_ascii_uppercase() {
                b'N' => Parity::None,
                b'E' => Parity::Even,
                b'O' => Parity::Odd,
                _ => return Err(BadLineParameters),
            },
            stop_bits: match stop_bits {
                b'1' => StopBits::One,
                b'2' => StopBits::Two,
                _ => return Err(BadLineParameters),
            },
        })
    }
}

impl std::fmt::Display for LineParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let data_bits = match self.data_bits {
            DataBits::Seven => 7,
            DataBits::Eight => 8,
        };
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        let stop_bits = match self.stop_bits {
            StopBits::One => 1,
            StopBits::Two => 2,
        };
        write!(f, "{} {data_bits}{parity}{stop_bits}", self.baud)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_manual_prints_is_read_and_shown_the_same() {
        for text in ["300 7E1", "9600 8N1", "19200 8E1", "57600 8N2", "115200 7O2", "921600 8N1"] {
            assert_eq!(text.parse::<LineParameters>().unwrap().to_string(), text);
        }
        assert_eq!("9600  8n1".parse(), Ok(LineParameters::plain(9600)));
        assert_eq!("19200 8E1".parse(), Ok(LineParameters::even(19_200)));
    }

    #[test]
    fn anything_else_is_refused() {
        let bad =
            ["", "9600", "8N1", "9600 8N", "9600 9N1", "9600 8X1", "9600 8N3", "9600 8N1 x", "+9600 8N1"];
        for text in bad.into_iter().chain(["299 8N1", "921601 8N1", "99999999999 8N1"]) {
            assert_eq!(text.parse::<LineParameters>(), Err(BadLineParameters), "{text}");
        }
    }
}
