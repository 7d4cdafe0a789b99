//! The objects: bthome.io/format, as of October 2026, and bthome.io/v1, whose objects are a part of them.

use varde_wire::Decimal;

use super::table::{PACKET_ID, Row, Shape};
use crate::cursor::Cursor;
use crate::describe::hex;
use crate::{Description, FieldValue, FrameError, Problem};

/// One thing that an advertisement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its number in the format's table.
    pub id: u8,
    /// What it says.
    pub value: ObjectValue,
    row: &'static Row,
}

/// What an object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectValue {
    /// A number with its precision, in the unit of the table.
    Number(Decimal),
    /// On or off.
    State(bool),
    /// How a button was pressed; 0 for not at all.
    Button(u8),
    /// A dimmer.
    Dimmer {
        /// 1 for left, 2 for right; 0 for not at all.
        turn: u8,
        /// How far, negative to the left; none where it was not turned, or in a way that is not known.
        steps: Option<Decimal>,
    },
    /// A command to whatever listens.
    Command {
        /// Which: 0 to 4 have a meaning for all.
        opcode: u8,
        /// What belongs to it.
        arguments: Vec<u8>,
    },
    /// A text.
    Text(String),
    /// Bytes; also a text that is none.
    Raw(Vec<u8>),
}

/// What could be read of a list of objects.
pub(super) struct Read {
    pub(super) objects: Vec<Object>,
    pub(super) rest: Vec<u8>,
    pub(super) broken: Option<FrameError>,
}

/// The objects of that version of the format, which begin at `offset` of the service data.
pub(super) fn read(version: u8, offset: usize, content: &[u8]) -> Read {
    let mut cursor = Cursor::at(offset, content);
    let mut read = Read { objects: Vec::new(), rest: Vec::new(), broken: None };
    while !cursor.rest().is_empty() {
        let taken = if version == 1 { take_v1(&mut cursor) } else { take_v2(&mut cursor) };
        match taken {
            Ok(Taken::Object(object)) => read.objects.push(object),
            Ok(Taken::Unknown(bytes)) => read.rest.extend_from_slice(bytes),
            Err(error) => {
                read.broken = Some(error);
                break;
            }
        }
    }
    read
}

enum Taken<'a> {
    Object(Object),
    Unknown(&'a [u8]),
}

/// The object's number, then a value as long as the table says.
fn take_v2<'a>(cursor: &mut Cursor<'a>) -> Result<Taken<'a>, FrameError> {
    let from = cursor.rest();
    let id = cursor.u8("object")?;
    let Some(row) = Row::of(id) else {
        cursor.take(cursor.rest().len(), "object")?;
        return Ok(Taken::Unknown(from));
    };
    let offset = cursor.offset();
    let value = match row.shape {
        Shape::Number { length, .. } | Shape::About { length } | Shape::Firmware { length } => {
            cursor.take(length, row.name)?
        }
        Shape::Bit(_) | Shape::Events(..) | Shape::Button => cursor.take(1, row.name)?,
        Shape::Dimmer => cursor.take(2, row.name)?,
        Shape::Text | Shape::Raw => {
            let length = cursor.u8(row.name)?;
            cursor.take(length.into(), row.name)?
        }
        // The upper bits of the length are reserved; it does not count the command's own number.
        Shape::Command => {
            let length = usize::from(cursor.u8(row.name)? & 0x1F);
            cursor.take(length.saturating_add(1), row.name)?
        }
    };
    let signed = matches!(row.shape, Shape::Number { signed: true, .. });
    Object::new(row, signed, Cursor::at(offset, value)).map(Taken::Object)
}

/// Length and type in one byte, the object's number, the value.
fn take_v1<'a>(cursor: &mut Cursor<'a>) -> Result<Taken<'a>, FrameError> {
    let from = cursor.rest();
    let offset = cursor.offset();
    let control = cursor.u8("object length")?;
    let length = usize::from(control & 0x1F);
    if length == 0 {
        let problem = Problem::Length { least: 1, most: 31, got: 0 };
        return Err(FrameError { field: "object length", offset, problem });
    }
    let mut body = Cursor::at(cursor.offset(), cursor.take(length, "object")?);
    let unknown = from.get(..length.saturating_add(1)).unwrap_or_default();
    let row = Row::of(body.u8("object")?);
    Ok(match (row, control >> 5) {
        // A float (type 2) is shown as it is: no device is known that sends one.
        (None, _) | (_, 2) => Taken::Unknown(unknown),
        (Some(row), kind) => Taken::Object(Object::new(row, kind == 1, body)?),
    })
}

impl Object {
    /// The value of an object: all that is left.
    fn new(row: &'static Row, signed: bool, mut value: Cursor<'_>) -> Result<Self, FrameError> {
        let bytes = value.rest();
        let object = |value| Ok(Self { id: row.id, value, row });
        match row.shape {
            Shape::Number { times, exponent, .. } => {
                let number = whole(row.name, &value, signed)?.saturating_mul(times);
                object(ObjectValue::Number(Decimal::new(number, exponent)))
            }
            Shape::About { .. } => {
                object(ObjectValue::Number(Decimal::whole(whole(row.name, &value, false)?)))
            }
            Shape::Bit(_) | Shape::Events(..) => object(ObjectValue::State(value.u8(row.name)? != 0)),
            Shape::Button => object(ObjectValue::Button(value.u8(row.name)?)),
            Shape::Dimmer => {
                let turn = value.u8(row.name)?;
                // Version 1 sends none with 0.
                let steps = i64::from(value.rest().first().copied().unwrap_or(0));
                let steps = match turn {
                    1 => Some(steps.saturating_neg()),
                    2 => Some(steps),
                    _ => None,
                };
                object(ObjectValue::Dimmer { turn, steps: steps.map(Decimal::whole) })
            }
            Shape::Command => {
                let opcode = value.u8(row.name)?;
                object(ObjectValue::Command { opcode, arguments: value.rest().to_vec() })
            }
            Shape::Text => object(match std::str::from_utf8(bytes) {
                Ok(text) => ObjectValue::Text(text.to_owned()),
                Err(_) => ObjectValue::Raw(bytes.to_vec()),
            }),
            Shape::Raw => object(ObjectValue::Raw(bytes.to_vec())),
            // The last part comes first.
            Shape::Firmware { .. } => {
                let parts = bytes.iter().rev().map(ToString::to_string).collect::<Vec<_>>();
                object(ObjectValue::Text(parts.join(".")))
            }
        }
    }

    /// Its name in the format's table.
    pub const fn name(&self) -> &'static str {
        self.row.name
    }

    pub(super) const fn is_packet_id(&self) -> bool {
        self.id == PACKET_ID
    }

    /// Whether it tells of the device itself.
    pub(super) const fn is_about_device(&self) -> bool {
        matches!(self.row.shape, Shape::About { .. } | Shape::Firmware { .. }) && !self.is_packet_id()
    }

    pub(super) const fn shape(&self) -> Shape {
        self.row.shape
    }
}

/// A whole number of one to seven bytes, the least first: 64 bits hold it, with its sign and factor.
fn whole(field: &'static str, value: &Cursor<'_>, signed: bool) -> Result<i64, FrameError> {
    let bytes = value.rest();
    let negative = signed && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut wide = if negative { [0xFF; 8] } else { [0; 8] };
    match wide.get_mut(..bytes.len()) {
        Some(low) if (1..=7).contains(&bytes.len()) => low.copy_from_slice(bytes),
        _ => return Err(value.error(field, Problem::Length { least: 1, most: 7, got: bytes.len() })),
    }
    Ok(i64::from_le_bytes(wide))
}

impl ObjectValue {
    pub(super) fn describe(&self) -> FieldValue {
        match self {
            Self::Number(number) => Ok(*number).into(),
            Self::State(on) => (*on).into(),
            Self::Button(event) => press_name(*event).unwrap_or("none").into(),
            Self::Dimmer { turn: 0, .. } => "none".into(),
            Self::Dimmer { turn, steps: None } => (*turn).into(),
            Self::Dimmer { steps: Some(steps), .. } => Ok(*steps).into(),
            Self::Command { opcode, arguments } => Description::default()
                .with("opcode", *opcode)
                .with("command", command_name(*opcode))
                .with_bytes("arguments", arguments)
                .into(),
            Self::Text(text) => text.as_str().into(),
            Self::Raw(bytes) => hex(bytes).into(),
        }
    }
}

/// How a button was pressed; none where it was not. A way that is newer than this table is still a press.
pub(super) const fn press_name(event: u8) -> Option<&'static str> {
    Some(match event {
        0 => return None,
        1 => "press",
        2 => "double_press",
        3 => "triple_press",
        4 => "long_press",
        5 => "long_double_press",
        6 => "long_triple_press",
        0x80 => "hold_press",
        _ => "other_press",
    })
}

/// A command's name.
pub(super) const fn command_name(opcode: u8) -> &'static str {
    match opcode {
        0 => "off",
        1 => "on",
        2 => "toggle",
        3 => "step_up",
        4 => "step_down",
        _ => "reserved",
    }
}
