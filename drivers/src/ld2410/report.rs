//! What a radar sees (protocol V1.02 §2.3.2).

use varde_wire::Decimal;

use crate::cursor::Cursor;
use crate::{Description, FieldValue, FrameError, Problem};

const ENGINEERING: u8 = 1;
const BASIC: u8 = 2;
const HEAD: u8 = 0xAA;
const TAIL: u8 = 0x55;

/// What a radar sees at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who is there.
    pub target: Target,
    /// How far away what moves is, in centimetres.
    pub moving_distance_cm: u16,
    /// How clearly it is seen, 0 to 100.
    pub moving_energy: u8,
    /// How far away what stays is, in centimetres.
    pub still_distance_cm: u16,
    /// How clearly it is seen, 0 to 100.
    pub still_energy: u8,
    /// How far away the target is, in centimetres.
    pub detection_distance_cm: u16,
    /// What else it tells in engineering mode.
    pub engineering: Option<Engineering>,
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nobody.
    Nobody,
    /// Somebody who moves.
    Moving,
    /// Somebody who keeps still.
    Still,
    /// Somebody who keeps still, and something that moves.
    StillAndMoving,
    /// The radar is learning what the empty room looks like (firmware 2.44 and later): nothing is known.
    Learning,
}

/// What a radar tells in engineering mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engineering {
    /// The energy of what moves, a value a gate of 75 cm.
    pub moving_gates: Vec<u8>,
    /// The energy of what keeps still, a value a gate.
    pub still_gates: Vec<u8>,
    /// How light it is, 0 to 255, where the radar has the eye for it.
    pub light: Option<u8>,
    /// The state of its output pin.
    pub out_pin: Option<u8>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

impl Report {
    /// The report in the data of a frame, which begin at `offset` of the stream.
    ///
    /// # Errors
    /// Where it is of no known kind, ends within a field, or is not closed as a report is.
    pub fn decode(data: &[u8], offset: usize) -> Result<Self, FrameError> {
        let mut cursor = Cursor::at(offset, data);
        let kind = cursor.u8("data type")?;
        if kind != ENGINEERING && kind != BASIC {
            let problem = Problem::UnknownFormat { got: kind, known: "0x01, 0x02" };
            return Err(FrameError { field: "data type", offset, problem });
        }
        let head = cursor.error("head", Problem::OutOfStep);
        if cursor.u8("head")? != HEAD {
            return Err(head);
        }
        // Tail, and a byte for calibration.
        let length = cursor.rest().len().saturating_sub(2);
        let mut fields = Cursor::at(cursor.offset(), cursor.take(length, "fields")?);
        let tail = cursor.error("tail", Problem::OutOfStep);
        if cursor.u8("tail")? != TAIL {
            return Err(tail);
        }
        Ok(Self {
            target: Target::take(&mut fields)?,
            moving_distance_cm: fields.u16_le("moving target distance")?,
            moving_energy: fields.u8("moving target energy")?,
            still_distance_cm: fields.u16_le("still target distance")?,
            still_energy: fields.u8("still target energy")?,
            detection_distance_cm: fields.u16_le("detection distance")?,
            engineering: (kind == ENGINEERING).then(|| Engineering::take(&mut fields)).transpose()?,
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("target", self.target.name())
            .with("moving_distance_cm", self.moving_distance_cm)
            .with("moving_energy", self.moving_energy)
            .with("still_distance_cm", self.still_distance_cm)
            .with("still_energy", self.still_energy)
            .with("detection_distance_cm", self.detection_distance_cm)
            .and(self.engineering.as_ref().map(Engineering::describe).unwrap_or_default())
    }
}

impl Target {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        let offset = cursor.offset();
        match cursor.u8("target state")? {
            0 => Ok(Self::Nobody),
            1 => Ok(Self::Moving),
            2 => Ok(Self::Still),
            3 => Ok(Self::StillAndMoving),
            4..=6 => Ok(Self::Learning),
            got => {
                let problem = Problem::UnknownFormat { got, known: "0 to 6" };
                Err(FrameError { field: "target state", offset, problem })
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Moving => "moving",
            Self::Still => "still",
            Self::StillAndMoving => "still and moving",
            Self::Learning => "learning",
        }
    }
}

impl Engineering {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        // The farthest gate counts from 0.
        let moving = usize::from(cursor.u8("farthest moving gate")?).saturating_add(1);
        let still = usize::from(cursor.u8("farthest still gate")?).saturating_add(1);
        Ok(Self {
            moving_gates: cursor.take(moving, "moving gates")?.to_vec(),
            still_gates: cursor.take(still, "still gates")?.to_vec(),
            light: cursor.u8("light").ok(),
            out_pin: cursor.u8("out pin").ok(),
            rest: cursor.rest().to_vec(),
        })
    }

    fn describe(&self) -> Description {
        let energies = |gates: &[u8]| {
            let energy = |energy: &u8| FieldValue::Number(Decimal::whole((*energy).into()));
            FieldValue::List(gates.iter().map(energy).collect())
        };
        Description::default()
            .with("moving_gates", energies(&self.moving_gates))
            .with("still_gates", energies(&self.still_gates))
            .with_some("light", self.light)
            .with_some("out_pin", self.out_pin)
            .with_bytes("rest", &self.rest)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::describe::unhex;
    use crate::ld2410::{Deframer, Frame};

    /// The report in one whole frame.
    fn report(hex: &str) -> Result<Report, FrameError> {
        let mut deframer = Deframer::default();
        deframer.push(&unhex(hex));
        let Some(Ok(Frame::Report(data, at))) = deframer.poll() else { panic!("a report was expected") };
        Report::decode(&data, at)
    }

    /// A basic report of this target, as a whole frame.
    pub(crate) fn basic(target: u8) -> Vec<u8> {
        let mut frame = unhex("f4f3f2f10d0002aa");
        frame.push(target);
        frame.extend(unhex("51000000003b00005500f8f7f6f5"));
        frame
    }

    #[test]
    fn a_basic_report_has_every_field() {
        // Hi-Link's protocol V1.02 §2.3.2, its example.
        let expected = Report {
            target: Target::Still,
            moving_distance_cm: 81,
            moving_energy: 0,
            still_distance_cm: 0,
            still_energy: 59,
            detection_distance_cm: 0,
            engineering: None,
        };
        assert_eq!(report("f4f3f2f10d0002aa0251000000003b00005500f8f7f6f5"), Ok(expected));
    }

    #[test]
    fn an_engineering_report_has_every_field() {
        // The same, its example; and aio-ld2410's (MIT), whose last two bytes differ.
        for (last, light, out_pin) in [("0305", 3, 5), ("6001", 0x60, 1)] {
            let hex = format!(
                "f4f3f2f1230001aa031e003c000039000008083c22050303040306050000391013060608 04{last}5500f8f7f6f5"
            );
            let report = report(&hex.replace(' ', "")).unwrap();
            assert_eq!(
                (report.target, report.moving_distance_cm, report.moving_energy),
                (Target::StillAndMoving, 30, 60)
            );
            assert_eq!((report.still_distance_cm, report.still_energy), (0, 57));
            let expected = Engineering {
                moving_gates: vec![60, 34, 5, 3, 3, 4, 3, 6, 5],
                still_gates: vec![0, 0, 57, 16, 19, 6, 6, 8, 4],
                light: Some(light),
                out_pin: Some(out_pin),
                rest: vec![],
            };
            assert_eq!(report.engineering, Some(expected));
        }
    }

    #[test]
    fn a_report_that_is_none_says_why() {
        let table = [
            (
                "f4f3f2f10d0003aa0251000000003b00005500f8f7f6f5",
                "data type at byte 6: 0x03 has no decoder; known are 0x01, 0x02",
            ),
            (
                "f4f3f2f10d0002ab0251000000003b00005500f8f7f6f5",
                "head at byte 7: no packet begins here; skipped to where one does",
            ),
            (
                "f4f3f2f10d0002aa0251000000003b00005600f8f7f6f5",
                "tail at byte 17: no packet begins here; skipped to where one does",
            ),
            (
                "f4f3f2f10d0002aa0951000000003b00005500f8f7f6f5",
                "target state at byte 8: 0x09 has no decoder; known are 0 to 6",
            ),
            (
                "f4f3f2f1060002aa02515500f8f7f6f5",
                "moving target distance at byte 9: too short: expected length 2, got 1",
            ),
            ("f4f3f2f10100 02f8f7f6f5", "head at byte 7: too short: expected length 1, got 0"),
        ];
        for (hex, expected) in table {
            assert_eq!(report(&hex.replace(' ', "")).unwrap_err().to_string(), expected);
        }
    }
}
