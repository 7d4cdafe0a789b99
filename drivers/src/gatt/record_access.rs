//! Record Access Control Point, 0x2A52 (GATT Specification Supplement): asking for the records in a meter's memory.
//!
//! The same for glucose meters, continuous glucose monitors, pulse oximeters and generic health sensors. What the operand's filter types
//! mean is the service's: type 1 is the sequence number of a glucose meter and the time offset in minutes of a
//! continuous monitor, 16 bits both, and the record number of a generic health sensor, 32 bits; type 2 is a glucose
//! meter's user facing time. An oximeter has no filter.

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::describe::hex;
use crate::gatt::date_time::DateTime;
use crate::{Description, FieldValue, FrameError, Problem, Uuid};

/// Record Access Control Point.
pub const RECORD_ACCESS_CONTROL_POINT: Uuid = Uuid::sig(0x2A52);

/// Record Access Control Point.
pub(crate) const DECODERS: &[Decoder] =
    &[(0x2A52, |bytes, _| Ok(Decoded::fields(RecordAccess::decode(bytes)?.describe())))];

/// A value of the control point: what the gateway asks, or what the meter answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAccess {
    /// What is asked or answered.
    pub op_code: OpCode,
    /// Of which records.
    pub operator: Operator,
    /// What the two need beside.
    pub operand: Operand,
}

/// What is asked or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpCode(pub u8);

/// Of which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator(pub u8);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseCode(pub u8);

/// What op code and operator need beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Nothing.
    None,
    /// The records' limits.
    Filter {
        /// What they limit.
        filter_type: u8,
        /// One, or for a range the lower and the upper, as sent.
        limits: Vec<u8>,
    },
    /// How many records there are.
    Number(u32),
    /// What became of a request.
    Response {
        /// Its op code.
        request: OpCode,
        /// What became of it.
        code: ResponseCode,
    },
    /// Bytes with an op code that has no operand, or is reserved.
    Other(Vec<u8>),
}

/// The records that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All.
    All,
    /// Those of this number or a higher one.
    AtLeast(RecordNumber),
    /// Those of this number or a lower one.
    AtMost(RecordNumber),
}

/// The number of a record, by which it can be asked for. Numbers go round, and a memory never holds half of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordNumber {
    /// Of 16 bits.
    Short(u16),
    /// Of 32 bits.
    Long(u32),
}

impl RecordNumber {
    /// The number after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Short(number) => Self::Short(number.wrapping_add(1)),
            Self::Long(number) => Self::Long(number.wrapping_add(1)),
        }
    }

    /// Whether it comes after `other`.
    pub const fn is_after(self, other: Self) -> bool {
        matches!(self.distance_from(other), Some(1..))
    }

    /// How many numbers it comes after `other`, less than 0 where before it; none where one is short and one long.
    pub(crate) const fn distance_from(self, other: Self) -> Option<i32> {
        match (self, other) {
            (Self::Short(number), Self::Short(other)) => {
                Some(number.wrapping_sub(other).cast_signed() as i32)
            }
            (Self::Long(number), Self::Long(other)) => Some(number.wrapping_sub(other).cast_signed()),
            (Self::Short(_), Self::Long(_)) | (Self::Long(_), Self::Short(_)) => None,
        }
    }

    /// Whether it is not near the end, behind which numbers begin anew: there "at least" and "at most" no longer tell
    /// new from old.
    pub const fn is_plain(self) -> bool {
        match self {
            Self::Short(number) => number <= 0xEFFF,
            Self::Long(number) => number <= 0xEFFF_FFFF,
        }
    }

    /// As a filter's limit.
    pub(crate) fn encode(self) -> Vec<u8> {
        match self {
            Self::Short(number) => number.to_le_bytes().to_vec(),
            Self::Long(number) => number.to_le_bytes().to_vec(),
        }
    }

    pub(crate) const fn decode(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [a, b] => Some(Self::Short(u16::from_le_bytes([a, b]))),
            [a, b, c, d] => Some(Self::Long(u32::from_le_bytes([a, b, c, d]))),
            _ => None,
        }
    }
}

impl From<u16> for RecordNumber {
    fn from(number: u16) -> Self {
        Self::Short(number)
    }
}

impl From<u32> for RecordNumber {
    fn from(number: u32) -> Self {
        Self::Long(number)
    }
}

impl From<RecordNumber> for FieldValue {
    fn from(number: RecordNumber) -> Self {
        match number {
            RecordNumber::Short(number) => number.into(),
            RecordNumber::Long(number) => number.into(),
        }
    }
}

impl OpCode {
    /// Report stored records.
    pub const REPORT: Self = Self(1);
    /// Delete stored records.
    pub const DELETE: Self = Self(2);
    /// Abort operation.
    pub const ABORT: Self = Self(3);
    /// Report number of stored records.
    pub const REPORT_NUMBER: Self = Self(4);
    /// Number of stored records response.
    pub const NUMBER: Self = Self(5);
    /// Response code.
    pub const RESPONSE: Self = Self(6);
    /// Combined report: the records, then their number.
    pub const COMBINED_REPORT: Self = Self(7);
    /// Combined report response.
    pub const COMBINED_REPORT_RESPONSE: Self = Self(8);

    /// Its word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::REPORT => "report-stored-records",
            Self::DELETE => "delete-stored-records",
            Self::ABORT => "abort-operation",
            Self::REPORT_NUMBER => "report-number-of-stored-records",
            Self::NUMBER => "number-of-stored-records-response",
            Self::RESPONSE => "response-code",
            Self::COMBINED_REPORT => "combined-report",
            Self::COMBINED_REPORT_RESPONSE => "combined-report-response",
            Self(_) => "reserved",
        }
    }
}

impl Operator {
    /// None, as in answers.
    pub const NULL: Self = Self(0);
    /// All records.
    pub const ALL: Self = Self(1);
    /// Less than or equal to.
    pub const AT_MOST: Self = Self(2);
    /// Greater than or equal to.
    pub const AT_LEAST: Self = Self(3);
    /// Within range of, both ends included.
    pub const WITHIN: Self = Self(4);
    /// First, the oldest record.
    pub const FIRST: Self = Self(5);
    /// Last, the most recent record.
    pub const LAST: Self = Self(6);

    /// Its word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NULL => "null",
            Self::ALL => "all-records",
            Self::AT_MOST => "less-than-or-equal-to",
            Self::AT_LEAST => "greater-than-or-equal-to",
            Self::WITHIN => "within-range-of",
            Self::FIRST => "first-record",
            Self::LAST => "last-record",
            Self(_) => "reserved",
        }
    }
}

impl ResponseCode {
    /// Success.
    pub const SUCCESS: Self = Self(1);
    /// Op code not supported.
    pub const OP_CODE_NOT_SUPPORTED: Self = Self(2);
    /// Invalid operator.
    pub const INVALID_OPERATOR: Self = Self(3);
    /// Operator not supported.
    pub const OPERATOR_NOT_SUPPORTED: Self = Self(4);
    /// Invalid operand.
    pub const INVALID_OPERAND: Self = Self(5);
    /// No records found.
    pub const NO_RECORDS_FOUND: Self = Self(6);
    /// Abort unsuccessful.
    pub const ABORT_UNSUCCESSFUL: Self = Self(7);
    /// Procedure not completed.
    pub const PROCEDURE_NOT_COMPLETED: Self = Self(8);
    /// Operand not supported.
    pub const OPERAND_NOT_SUPPORTED: Self = Self(9);
    /// Server busy.
    pub const SERVER_BUSY: Self = Self(10);

    /// Its word in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SUCCESS => "success",
            Self::OP_CODE_NOT_SUPPORTED => "op-code-not-supported",
            Self::INVALID_OPERATOR => "invalid-operator",
            Self::OPERATOR_NOT_SUPPORTED => "operator-not-supported",
            Self::INVALID_OPERAND => "invalid-operand",
            Self::NO_RECORDS_FOUND => "no-records-found",
            Self::ABORT_UNSUCCESSFUL => "abort-unsuccessful",
            Self::PROCEDURE_NOT_COMPLETED => "procedure-not-completed",
            Self::OPERAND_NOT_SUPPORTED => "operand-not-supported",
            Self::SERVER_BUSY => "server-busy",
            Self(_) => "reserved",
        }
    }
}

/// The filter type of a number: sequence number, time offset or record number.
const NUMBER_FILTER: u8 = 1;
/// The filter type of a date and time.
const TIME_FILTER: u8 = 2;

impl RecordAccess {
    /// A request about records.
    pub fn request(op_code: OpCode, selection: Selection) -> Self {
        let (operator, operand) = match selection {
            Selection::All => (Operator::ALL, Operand::None),
            Selection::AtLeast(number) => (Operator::AT_LEAST, Operand::number_filter(number)),
            Selection::AtMost(number) => (Operator::AT_MOST, Operand::number_filter(number)),
        };
        Self { op_code, operator, operand }
    }

    /// The end of whatever was asked before.
    pub const fn abort() -> Self {
        Self { op_code: OpCode::ABORT, operator: Operator::NULL, operand: Operand::None }
    }

    /// What a value of the characteristic asks or answers. A filter's limits are taken as they are: of what size
    /// they are is the service's. The number of records is read in one, two or four bytes: glucose meters and
    /// oximeters have two, later services may have more.
    ///
    /// # Errors
    /// Where it ends within op code, operator or an answer's operand.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let op_code = OpCode(cursor.u8("op code")?);
        let operator = Operator(cursor.u8("operator")?);
        let operand = match op_code {
            OpCode::NUMBER | OpCode::COMBINED_REPORT_RESPONSE => Operand::Number(number(&mut cursor)?),
            OpCode::RESPONSE => {
                let request = OpCode(cursor.u8("request op code")?);
                Operand::Response { request, code: ResponseCode(cursor.u8("response code value")?) }
            }
            _ => match (op_code, cursor.rest()) {
                (_, []) => Operand::None,
                (
                    OpCode::REPORT | OpCode::DELETE | OpCode::REPORT_NUMBER | OpCode::COMBINED_REPORT,
                    [filter_type, limits @ ..],
                ) => Operand::Filter { filter_type: *filter_type, limits: limits.to_vec() },
                (_, rest) => Operand::Other(rest.to_vec()),
            },
        };
        Ok(Self { op_code, operator, operand })
    }

    /// The value of the characteristic. A number of records takes two bytes, where it fits.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.op_code.0, self.operator.0];
        match &self.operand {
            Operand::None => {}
            Operand::Filter { filter_type, limits } => {
                bytes.push(*filter_type);
                bytes.extend(limits);
            }
            Operand::Number(number) => match u16::try_from(*number) {
                Ok(short) => bytes.extend(short.to_le_bytes()),
                Err(_) => bytes.extend(number.to_le_bytes()),
            },
            Operand::Response { request, code } => bytes.extend([request.0, code.0]),
            Operand::Other(rest) => bytes.extend(rest),
        }
        bytes
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let described = Description::default()
            .with("op_code", self.op_code.name())
            .with("operator", self.operator.name());
        match &self.operand {
            Operand::None => described,
            Operand::Filter { filter_type, limits } => {
                described.with("filter_type", *filter_type).and(self.describe_limits(*filter_type, limits))
            }
            Operand::Number(number) => {
                let number = varde_wire::Decimal::whole((*number).into());
                described.with("number_of_records", Ok(number))
            }
            Operand::Response { request, code } => described
                .with("request_op_code", request.name())
                .with("response_code", code.name())
                .with("response_code_value", code.0),
            Operand::Other(rest) => described.with_bytes("rest", rest),
        }
    }

    /// One limit, or two of a range; as they are where they fit no known filter.
    fn describe_limits(&self, filter_type: u8, limits: &[u8]) -> Description {
        let described = Description::default();
        let (lower, upper) = match self.operator {
            Operator::WITHIN => limits.split_at(limits.len() >> 1),
            _ => (limits, &[][..]),
        };
        let names = if upper.is_empty() { ["limit", ""] } else { ["lower_limit", "upper_limit"] };
        let [first, second] = names;
        match (filter_type, RecordNumber::decode(lower), lower.len()) {
            (NUMBER_FILTER, Some(number), _) => {
                described.with(first, number).with_some(second, RecordNumber::decode(upper))
            }
            (TIME_FILTER, _, 7) => described.with_some(first, time(lower)).with_some(second, time(upper)),
            _ => described.with("limits", hex(limits)),
        }
    }
}

impl Operand {
    fn number_filter(number: RecordNumber) -> Self {
        Self::Filter { filter_type: NUMBER_FILTER, limits: number.encode() }
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<u32, FrameError> {
    const FIELD: &str = "number of records";
    match *cursor.rest() {
        [low] => Ok(low.into()),
        [low, high] => Ok(u16::from_le_bytes([low, high]).into()),
        [a, b, c, d] => Ok(u32::from_le_bytes([a, b, c, d])),
        [] => Err(cursor.error(FIELD, Problem::Truncated { expected: 2, got: 0 })),
        [..] => Err(cursor.error(FIELD, Problem::Length { least: 1, most: 4, got: cursor.rest().len() })),
    }
}

fn time(bytes: &[u8]) -> Option<Description> {
    Some(DateTime::take(&mut Cursor::new(bytes), "user facing time").ok()?.describe())
}

#[cfg(test)]
mod tests;
