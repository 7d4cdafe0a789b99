//! What goes over the bus: queries, and the answers to them ("MODBUS over Serial Line" V1.02 §2.5.1).

use crate::cursor::Cursor;
use crate::modbus::Table;
use crate::scan::Found;
use crate::{Description, FrameError, Problem};

/// A question to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// The unit's address.
    pub unit: u8,
    /// What is read.
    pub table: Table,
    /// From which address on, counted from 0.
    pub first: u16,
    /// How many bits or registers.
    pub count: u16,
}

/// What a unit answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The bits or registers, as they were sent.
    Data(Vec<u8>),
    /// Why there are none: an exception code (V1.1b3 §7).
    Exception(u8),
}

/// What is added to the function in an exception.
const EXCEPTION: u8 = 0x80;

impl Query {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let Self { unit, table, first, count } = *self;
        let mut bytes = vec![unit, table.function()];
        bytes.extend(first.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(crc(&bytes).to_le_bytes());
        bytes
    }

    /// How many bytes of data answer it.
    fn length(&self) -> usize {
        let count = usize::from(self.count);
        if self.table.has_bits() { count.div_ceil(8) } else { count.saturating_mul(2) }
    }

    /// The answer to this very question at the beginning of the bytes: unit, function and length have to fit, and the
    /// checksum.
    pub(crate) fn find(&self, bytes: &[u8], offset: usize) -> Found<Answer> {
        let length = self.length();
        let expected = match bytes {
            [unit, ..] if *unit != self.unit => return Found::out_of_step("unit", offset),
            [_, function, ..] if *function == self.table.function() | EXCEPTION => 3,
            [_, function, ..] if *function != self.table.function() => {
                return Found::out_of_step("function", offset);
            }
            [_, _, count, ..] if usize::from(*count) != length => {
                return Found::out_of_step("byte count", offset);
            }
            [_, _, _, ..] => length.saturating_add(3),
            _ => return Found::Begun,
        };
        let mut cursor = Cursor::at(offset, bytes);
        let Ok(body) = cursor.take(expected, "answer") else { return Found::Begun };
        let checksum = cursor.offset();
        let Ok(got) = cursor.u16_le("CRC") else { return Found::Begun };
        if crc(body) != got {
            let problem = Problem::Checksum { expected: crc(body), got };
            return Found::No(FrameError { field: "CRC", offset: checksum, problem });
        }
        Found::Whole(Answer::of(body), expected.saturating_add(2))
    }
}

impl Answer {
    fn of(body: &[u8]) -> Self {
        match body {
            [_, function, code] if function & EXCEPTION != 0 => Self::Exception(*code),
            [_, _, _, data @ ..] => Self::Data(data.to_vec()),
            _ => Self::Data(Vec::new()),
        }
    }
}

/// The fields of one whole answer.
///
/// # Errors
/// Where it is too short, its checksum is wrong, or it answers no reading.
pub fn decode_answer(bytes: &[u8]) -> Result<Description, FrameError> {
    let mut cursor = Cursor::new(bytes);
    let body = cursor.take(bytes.len().saturating_sub(2).max(3), "answer")?;
    let checksum = cursor.error("CRC", Problem::Checksum { expected: crc(body), got: 0 });
    let got = cursor.u16_le("CRC")?;
    if crc(body) != got {
        return Err(FrameError { problem: Problem::Checksum { expected: crc(body), got }, ..checksum });
    }
    let mut fields = Cursor::new(body);
    let unit = fields.u8("unit")?;
    let function = fields.u8("function")?;
    let described = Description::default().with("unit", unit).with("function", function & !EXCEPTION);
    if function & EXCEPTION != 0 {
        return Ok(described.with("exception", exception(fields.u8("exception")?)));
    }
    if !(1..=4).contains(&function) {
        let problem = Problem::UnknownFormat { got: function, known: "0x01 to 0x04" };
        return Err(FrameError { field: "function", offset: 1, problem });
    }
    let count = usize::from(fields.u8("byte count")?);
    let data = fields.take(count, "data")?;
    Ok(described.with_bytes("data", data).with_bytes("rest", fields.rest()))
}

/// An exception code in words (V1.1b3 §7).
pub(crate) const fn exception(code: u8) -> &'static str {
    match code {
        1 => "illegal function: it does not have that table",
        2 => "illegal data address: it has no such register",
        3 => "illegal data value",
        4 => "its own failure",
        5 => "acknowledge: it takes long",
        6 => "busy",
        8 => "memory parity error",
        10 => "gateway path unavailable",
        11 => "gateway target does not respond",
        _ => "an exception of its own",
    }
}

/// The checksum: polynomial 0xA001, low byte first (V1.02 §6.2.2).
pub(crate) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::describe::{hex, unhex};
    use crate::scan::Scanner;

    const QUERY: Query = Query { unit: 1, table: Table::Holding, first: 0x6B, count: 3 };

    fn answer(body: &[u8]) -> Vec<u8> {
        [body, &crc(body).to_le_bytes()].concat()
    }

    #[test]
    fn a_query_is_the_bytes_of_the_protocol() {
        // V1.1b3 §6.3, its example; the checksum of "MODBUS over Serial Line" V1.02 §6.2.2: 02 07 gives 41 12.
        assert_eq!(hex(&QUERY.encode()), "0103006b00037417");
        assert_eq!(crc(&[2, 7]).to_le_bytes(), [0x41, 0x12]);
    }

    #[test]
    fn an_answer_has_to_fit_its_question() {
        let data = [1, 3, 6, 0x02, 0x2B, 0, 0, 0, 0x64];
        let found = |bytes: &[u8]| QUERY.find(bytes, 0);
        let Found::Whole(Answer::Data(read), 11) = found(&answer(&data)) else {
            panic!("data were expected")
        };
        assert_eq!(read, data[3..]);
        assert!(matches!(found(&answer(&[1, 0x83, 2])), Found::Whole(Answer::Exception(2), 5)));
        assert!(matches!(found(&answer(&data)[..8]), Found::Begun));
        for wrong in [&[2, 3, 6][..], &[1, 4, 6], &[1, 3, 4]] {
            assert!(matches!(found(wrong), Found::No(_)), "{wrong:?}");
        }
        let mut broken = answer(&data);
        broken[4] ^= 1;
        assert!(matches!(found(&broken), Found::No(FrameError { field: "CRC", offset: 9, .. })));
    }

    #[test]
    fn any_answer_is_shown_and_a_refusal_in_words() {
        let shown = |body: &[u8]| format!("{:?}", decode_answer(&answer(body)).unwrap());
        assert!(shown(&[1, 3, 2, 0, 7]).contains("0007"));
        assert!(shown(&[1, 0x84, 2]).contains("illegal data address"));
        assert_eq!(
            decode_answer(&unhex("0103020007ffff")).unwrap_err().to_string(),
            "CRC at byte 5: expected checksum 0x86f9, got 0xffff"
        );
        assert_eq!(
            decode_answer(&answer(&[1, 6, 0])).unwrap_err().to_string(),
            "function at byte 1: 0x06 has no decoder; known are 0x01 to 0x04"
        );
    }

    proptest! {
        /// But for noise that happens to be the beginning of an answer with the right checksum.
        #[test]
        fn no_noise_in_any_pieces_costs_an_answer_before_or_behind_it(
            parts in proptest::collection::vec((noise(), any::<[u8; 6]>()), 1..5),
            piece in 1..20_usize,
        ) {
            let mut scanner = Scanner::default();
            let mut stream = Vec::new();
            for (noise, data) in parts {
                let begin = stream.len();
                stream.extend(noise);
                let end = stream.len();
                stream.extend(answer(&[&[1, 3, 6][..], &data].concat()));
                prop_assume!((begin..end).all(|at| !matches!(QUERY.find(&stream[at..], 0), Found::Whole(..))));
                let mut found = Vec::new();
                for piece in stream[begin..].chunks(piece) {
                    scanner.push(piece);
                    found.extend(std::iter::from_fn(|| scanner.poll(|bytes, at| QUERY.find(bytes, at))));
                }
                found.extend(std::iter::from_fn(|| scanner.poll_in_silence(|bytes, at| QUERY.find(bytes, at))));
                let answers: Vec<_> = found.into_iter().flatten().collect();
                prop_assert_eq!(answers, [Answer::Data(data.to_vec())]);
                prop_assert!(!scanner.is_waiting());
            }
        }
    }

    fn noise() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![any::<u8>(), Just(1), Just(3), Just(6)], 0..60)
    }
}
