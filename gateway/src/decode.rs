//! `varde decode`: what the drivers make of bytes that a technician holds in hand.

use serde_json::{Map, Value as Json, json};
use varde_drivers::advert::{AdvertFormat, Secret};
use varde_drivers::esp3::Eep;
use varde_drivers::nonin::DataFormat;
use varde_drivers::{
    Decoded, Description, FieldValue, FrameError, decode_advert, decode_device_link, decode_esp3,
    decode_gatt, decode_ld2410, decode_modbus, decode_nonin,
};
use varde_wire::{Observation, Value};

/// One line of output, or why there is none.
pub type Line = Result<String, FrameError>;

/// The bytes of a text of hexadecimal digits; spaces, `:` and `-` may stand between them.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn bytes_from_hex(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::with_capacity(text.len());
    for (place, c) in text.chars().enumerate() {
        match c.to_digit(16) {
            Some(digit) => digits.push(u8::try_from(digit).unwrap_or_default()),
            None if c.is_whitespace() || matches!(c, ':' | '-') => {}
            None => return Err(format!("'{}' at place {place} is no hexadecimal digit", c.escape_default())),
        }
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("{} hexadecimal digits make no whole bytes: one is missing", digits.len()));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A GATT characteristic's value.
pub fn gatt(uuid: u16, bytes: &[u8]) -> Line {
    decode_gatt(uuid, bytes).map(|decoded| line(&decoded))
}

/// A sensor's advertisement.
pub fn advert(format: AdvertFormat, bytes: &[u8], secret: Option<&Secret>) -> Line {
    decode_advert(format, bytes, secret).map(|decoded| line(&decoded))
}

/// ESP3 packets, one line each.
pub fn esp3(bytes: &[u8], eep: Option<Eep>) -> Vec<Line> {
    decode_esp3(bytes, eep).into_iter().map(|decoded| decoded.map(|decoded| line(&decoded))).collect()
}

/// Frames of the device link, one line each.
pub fn device_link(bytes: &[u8]) -> Vec<Line> {
    decode_device_link(bytes).into_iter().map(|decoded| decoded.map(|decoded| line(&decoded))).collect()
}

/// Packets of a Nonin oximeter, one line each.
pub fn nonin(bytes: &[u8], format: DataFormat) -> Vec<Line> {
    decode_nonin(bytes, format).into_iter().map(|decoded| decoded.map(|decoded| line(&decoded))).collect()
}

/// Frames of an LD2410 radar, one line each.
pub fn ld2410(bytes: &[u8]) -> Vec<Line> {
    decode_ld2410(bytes).into_iter().map(|decoded| decoded.map(|decoded| line(&decoded))).collect()
}

/// The answer of a Modbus unit.
pub fn modbus(bytes: &[u8]) -> Line {
    decode_modbus(bytes).map(|decoded| line(&decoded))
}

fn line(decoded: &Decoded) -> String {
    let observations: Vec<Json> = decoded.observations.iter().map(observation).collect();
    json!({ "measurement": fields(&decoded.measurement), "observations": observations }).to_string()
}

fn fields(description: &Description) -> Json {
    let field = |field: &varde_drivers::Field| (field.name.to_owned(), field_value(&field.value));
    Json::Object(description.fields().iter().map(field).collect())
}

fn field_value(value: &FieldValue) -> Json {
    match value {
        FieldValue::Text(text) => json!(text),
        // As text: a JSON number keeps neither precision nor size.
        FieldValue::Number(number) if number.exponent == 0 => json!(number.mantissa),
        FieldValue::Number(number) => json!(number.to_string()),
        FieldValue::Bool(yes) => json!(yes),
        FieldValue::List(values) => Json::Array(values.iter().map(field_value).collect()),
        FieldValue::Fields(description) => fields(description),
    }
}

/// The observation as `varde-hub show --json` prints it, without what only a gateway can know.
pub fn observation(observation: &Observation) -> Json {
    let mut json = Map::new();
    json.insert("metric".to_owned(), json!(observation.metric.to_string()));
    json.insert("code".to_owned(), json!(observation.metric.code()));
    json.insert("value".to_owned(), json!(observation.value.to_string()));
    if let Value::Event(event) = observation.value {
        json.extend(event.vkp().map(|code| ("vkp".to_owned(), json!(code))));
        json.extend(event.scaip().map(|code| ("scaip".to_owned(), json!(code))));
    }
    json.extend(observation.unit.map(|unit| ("unit".to_owned(), json!(unit.ucum()))));
    json.extend(observation.device_time.map(|time| ("time".to_owned(), json!(time.to_string()))));
    json.extend(observation.user.map(|user| ("user".to_owned(), json!(user))));
    json.insert("flags".to_owned(), json!(observation.flags.names().collect::<Vec<_>>()));
    Json::Object(json)
}
