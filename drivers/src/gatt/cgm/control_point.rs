//! CGM Specific Ops Control Point, 0x2AAC: what a sensor is asked and told, and what it answers.
//!
//! Every operation is read. Only [questions](Question) can be written: calibrating a sensor, setting the levels at
//! which it warns, starting and stopping it are for the person who wears it and for those who treat them, with the
//! device that they do it with. A gateway has no way to.

use crate::cursor::Cursor;
use crate::gatt::e2e_crc::E2eCrc;
use crate::gatt::glucose::{Fluid, SampleLocation};
use crate::{Description, FrameError};

use super::Medical;
use super::feature::{describe_sample, sample};

/// A value of the control point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgmControlPoint {
    /// What is asked, told or answered.
    pub operation: Operation,
    /// Bytes after the last operand.
    pub rest: Vec<u8>,
}

/// An op code with its operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Op code 0x01: how often to notify, minutes; 0 is never, 255 as often as the sensor can.
    SetCommunicationInterval(u8),
    /// Op code 0x02.
    GetCommunicationInterval,
    /// Op code 0x03, the answer: minutes as above.
    CommunicationInterval(u8),
    /// Op code 0x04.
    SetCalibration(CalibrationValue),
    /// Op code 0x05: the number of a calibration record; 0xFFFF is the last.
    GetCalibration(u16),
    /// Op code 0x06, the answer.
    Calibration(CalibrationValue),
    /// Op codes 0x07, 0x0A, 0x0D, 0x10, 0x13, 0x16: the level in its unit.
    SetAlertLevel(AlertLevel, Medical),
    /// Op codes 0x08, 0x0B, 0x0E, 0x11, 0x14, 0x17.
    GetAlertLevel(AlertLevel),
    /// Op codes 0x09, 0x0C, 0x0F, 0x12, 0x15, 0x18, the answer: the level in its unit.
    AlertLevel(AlertLevel, Medical),
    /// Op code 0x19.
    ResetDeviceSpecificAlert,
    /// Op code 0x1A.
    StartSession,
    /// Op code 0x1B.
    StopSession,
    /// Op code 0x1C, the answer to what has no answer of its own, and to what cannot be done.
    Response {
        /// The op code that is answered.
        request: u8,
        /// 1 for success, 2 to 5 for why not; others are reserved.
        code: u8,
    },
    /// An op code that is reserved; its operands are the value's rest.
    Reserved(u8),
}

/// What a sensor may warn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertLevel {
    /// The patient's own upper level, mg/dL.
    PatientHigh,
    /// The patient's own lower level, mg/dL.
    PatientLow,
    /// Hypoglycaemia, mg/dL.
    Hypo,
    /// Hyperglycaemia, mg/dL.
    Hyper,
    /// Falling glucose, mg/dL per minute.
    RateOfDecrease,
    /// Rising glucose, mg/dL per minute.
    RateOfIncrease,
}

/// A calibration: a measurement of blood that the sensor's are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrationValue {
    /// mg/dL.
    pub glucose: Medical,
    /// When, minutes since the session began.
    pub time_min: u16,
    /// What of.
    pub fluid: Fluid,
    /// Where from.
    pub location: SampleLocation,
    /// When the next is due, minutes since the session began; 0 is at once.
    pub next_time_min: u16,
    /// The record's number.
    pub record_number: u16,
    /// What became of it, as bits: rejected, out of range, pending.
    pub status: u8,
}

/// What a gateway may ask a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How often does it notify?
    CommunicationInterval,
    /// Which was the calibration of this number? 0xFFFF is the last.
    Calibration(u16),
    /// Where does it warn?
    AlertLevel(AlertLevel),
}

impl Question {
    /// The value that asks.
    pub fn encode(self, crc: E2eCrc) -> Vec<u8> {
        crc.append(match self {
            Self::CommunicationInterval => vec![0x02],
            Self::Calibration(record) => [&[0x05][..], &record.to_le_bytes()].concat(),
            Self::AlertLevel(alert) => vec![alert.get_op_code()],
        })
    }
}

impl AlertLevel {
    const ALL: [Self; 6] = [
        Self::PatientHigh,
        Self::PatientLow,
        Self::Hypo,
        Self::Hyper,
        Self::RateOfDecrease,
        Self::RateOfIncrease,
    ];

    /// The op code that asks for it. The one that sets it is before, the answer's behind.
    const fn get_op_code(self) -> u8 {
        match self {
            Self::PatientHigh => 0x08,
            Self::PatientLow => 0x0B,
            Self::Hypo => 0x0E,
            Self::Hyper => 0x11,
            Self::RateOfDecrease => 0x14,
            Self::RateOfIncrease => 0x17,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::PatientHigh => "patient-high",
            Self::PatientLow => "patient-low",
            Self::Hypo => "hypo",
            Self::Hyper => "hyper",
            Self::RateOfDecrease => "rate-of-decrease",
            Self::RateOfIncrease => "rate-of-increase",
        }
    }
}

impl CgmControlPoint {
    /// The operation in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within an operand, or its E2E-CRC does not fit.
    pub fn decode(bytes: &[u8], crc: E2eCrc) -> Result<Self, FrameError> {
        let op_code = Cursor::new(bytes).u8("op code")?;
        let value = match (crc, length(op_code)) {
            (E2eCrc::ByLength, None) => bytes,
            (_, length) => crc.strip(bytes, length.unwrap_or(OP_CODE))?,
        };
        let mut cursor = Cursor::new(value);
        cursor.u8("op code")?;
        let operation = Operation::take(op_code, &mut cursor)?;
        Ok(Self { operation, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        self.operation.describe().with_bytes("rest", &self.rest)
    }
}

/// How long an op code is.
const OP_CODE: usize = 1;

/// How long an op code and its operands are; none where it is reserved.
const fn length(op_code: u8) -> Option<usize> {
    Some(match op_code {
        0x01 | 0x03 => 2,
        0x04 | 0x06 => 11,
        0x05 | 0x1C => 3,
        // Alert levels are set and answered with one, and asked for with none.
        0x07..=0x18 if op_code % 3 != 2 => 3,
        0x02 | 0x07..=0x1B => OP_CODE,
        _ => return None,
    })
}

impl Operation {
    fn take(op_code: u8, cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        let alert = AlertLevel::ALL.into_iter().find(|alert| alert.get_op_code().abs_diff(op_code) <= 1);
        Ok(match (op_code, alert) {
            (0x01, _) => Self::SetCommunicationInterval(cursor.u8("communication interval")?),
            (0x02, _) => Self::GetCommunicationInterval,
            (0x03, _) => Self::CommunicationInterval(cursor.u8("communication interval")?),
            (0x04, _) => Self::SetCalibration(CalibrationValue::take(cursor)?),
            (0x05, _) => Self::GetCalibration(cursor.u16_le("calibration data record number")?),
            (0x06, _) => Self::Calibration(CalibrationValue::take(cursor)?),
            (_, Some(alert)) if op_code == alert.get_op_code() => Self::GetAlertLevel(alert),
            (_, Some(alert)) if op_code < alert.get_op_code() => {
                Self::SetAlertLevel(alert, cursor.sfloat("alert level")?)
            }
            (_, Some(alert)) => Self::AlertLevel(alert, cursor.sfloat("alert level")?),
            (0x19, _) => Self::ResetDeviceSpecificAlert,
            (0x1A, _) => Self::StartSession,
            (0x1B, _) => Self::StopSession,
            (0x1C, _) => {
                Self::Response { request: cursor.u8("request op code")?, code: cursor.u8("response code")? }
            }
            (reserved, _) => Self::Reserved(reserved),
        })
    }

    fn describe(&self) -> Description {
        let named = |name: &'static str| Description::default().with("operation", name);
        match self {
            Self::SetCommunicationInterval(minutes) => {
                named("set-communication-interval").with("interval_min", *minutes)
            }
            Self::GetCommunicationInterval => named("get-communication-interval"),
            Self::CommunicationInterval(minutes) => {
                named("communication-interval").with("interval_min", *minutes)
            }
            Self::SetCalibration(calibration) => named("set-calibration").and(calibration.describe()),
            Self::GetCalibration(record) => named("get-calibration").with("record_number", *record),
            Self::Calibration(calibration) => named("calibration").and(calibration.describe()),
            Self::SetAlertLevel(alert, level) => {
                named("set-alert-level").with("alert", alert.name()).with("level", *level)
            }
            Self::GetAlertLevel(alert) => named("get-alert-level").with("alert", alert.name()),
            Self::AlertLevel(alert, level) => {
                named("alert-level").with("alert", alert.name()).with("level", *level)
            }
            Self::ResetDeviceSpecificAlert => named("reset-device-specific-alert"),
            Self::StartSession => named("start-session"),
            Self::StopSession => named("stop-session"),
            Self::Response { request, code } => named("response")
                .with("request", *request)
                .with("code", *code)
                .with("response", response_name(*code)),
            Self::Reserved(op_code) => named("reserved").with("op_code", *op_code),
        }
    }
}

const fn response_name(code: u8) -> &'static str {
    match code {
        1 => "success",
        2 => "op-code-not-supported",
        3 => "invalid-operand",
        4 => "procedure-not-completed",
        5 => "parameter-out-of-range",
        _ => "reserved",
    }
}

impl CalibrationValue {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        let glucose = cursor.sfloat("glucose concentration of calibration")?;
        let time_min = cursor.u16_le("calibration time")?;
        let (fluid, location) = sample(cursor.u8("calibration type and sample location")?);
        Ok(Self {
            glucose,
            time_min,
            fluid,
            location,
            next_time_min: cursor.u16_le("next calibration time")?,
            record_number: cursor.u16_le("calibration data record number")?,
            status: cursor.u8("calibration status")?,
        })
    }

    fn describe(&self) -> Description {
        const DEFINED: u8 = 0b0000_0111;
        Description::default()
            .with("glucose", self.glucose)
            .with("time_min", self.time_min)
            .and(describe_sample(self.fluid, self.location))
            .with("next_time_min", self.next_time_min)
            .with("record_number", self.record_number)
            .with("rejected", self.status & 1 != 0)
            .with("out_of_range", self.status & 1 << 1 != 0)
            .with("pending", self.status & 1 << 2 != 0)
            .with_bits("reserved", (self.status & !DEFINED).into())
    }
}
