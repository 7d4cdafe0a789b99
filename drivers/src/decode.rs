//! Bytes that a technician holds in hand, decoded without a link.

use varde_wire::{DeviceId, Observation};

use crate::advert::{AdvertFormat, Secret};
use crate::device_link;
use crate::esp3::{self, Deframer, Eep, Frame, TeachIn, Telegram};
use crate::{Description, FrameError, Problem};
use crate::{gatt, ld2410, modbus, nonin};

/// What bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The device's own words, every field.
    pub measurement: Description,
    /// The common words; empty for what is no reading. The device's name is a placeholder, `device`.
    pub observations: Vec<Observation>,
}

/// What decodes the value of one characteristic, by its short UUID. The device is the one that the observations are
/// to name.
pub(crate) type Decoder = (u16, fn(&[u8], &DeviceId) -> Result<Decoded, FrameError>);

/// Every decoder, by service.
const DECODERS: &[&[Decoder]] = &[
    gatt::battery::DECODERS,
    gatt::blood_pressure::DECODERS,
    gatt::cgm::DECODERS,
    gatt::current_time::DECODERS,
    gatt::date_time::DECODERS,
    gatt::device_information::DECODERS,
    gatt::health_thermometer::DECODERS,
    gatt::heart_rate::DECODERS,
    gatt::body_composition::DECODERS,
    gatt::user_data::DECODERS,
    gatt::weight_scale::DECODERS,
    gatt::record_access::DECODERS,
    gatt::elapsed_time::DECODERS,
    gatt::health_sensor::DECODERS,
    gatt::reconnection::DECODERS,
    gatt::glucose::DECODERS,
    gatt::pulse_oximeter::DECODERS,
];

/// The value of a characteristic, by its short UUID.
///
/// # Errors
/// Where no decoder reads that characteristic, or its decoder refuses the value.
pub fn decode_gatt(uuid: u16, bytes: &[u8]) -> Result<Decoded, FrameError> {
    match decoders().find(|(known, _)| *known == uuid) {
        Some((_, decode)) => decode(bytes, &placeholder()),
        None => {
            let problem = Problem::UnknownCharacteristic(uuid);
            Err(FrameError { field: "characteristic", offset: 0, problem })
        }
    }
}

/// A sensor's advertisement: its service or manufacturer data, with or without the number of the service or company
/// before it, or the whole of it as a scanner shows it raw. A button is taken for a switch.
///
/// # Errors
/// Where it is not of this format, is encrypted and no key is given, or does not fit the key and the address.
pub fn decode_advert(
    format: AdvertFormat,
    bytes: &[u8],
    secret: Option<&Secret>,
) -> Result<Decoded, FrameError> {
    format.decode(bytes, secret, &placeholder())
}

fn decoders() -> impl Iterator<Item = &'static Decoder> {
    DECODERS.iter().copied().flatten()
}

impl Decoded {
    /// What is no measurement.
    pub(crate) fn fields(measurement: Description) -> Self {
        Self { measurement, observations: Vec::new() }
    }
}

/// The packets of a serial stream, one by one, with what was lost between them. Without a profile a rocker or contact
/// is assumed where the telegram may be one's, and a button to be a pendant.
pub fn decode_esp3(bytes: &[u8], eep: Option<Eep>) -> Vec<Result<Decoded, FrameError>> {
    let mut deframer = Deframer::default();
    deframer.push(bytes);
    std::iter::from_fn(|| deframer.poll_rest())
        .map(|found| found.and_then(|frame| decode_packet(&frame, eep)))
        .collect()
}

fn decode_packet(frame: &Frame, eep: Option<Eep>) -> Result<Decoded, FrameError> {
    if frame.packet_type != esp3::RADIO_ERP1 {
        return esp3::describe(frame).map(Decoded::fields);
    }
    let telegram = Telegram::decode(frame)?;
    let measurement = Description::default().with("packet", "RADIO_ERP1").and(telegram.describe());
    telegram.refuse_secured()?;
    if let Some(teach_in) = TeachIn::read(&telegram)? {
        return Ok(Decoded::fields(measurement.and(teach_in.describe())));
    }
    let Some(eep) = eep.or_else(|| Eep::guess(telegram.rorg)) else {
        return Ok(Decoded::fields(measurement));
    };
    let message = eep.decode(&telegram)?;
    Ok(Decoded {
        measurement: measurement.with("eep", eep.name()).and(message.describe()),
        observations: message.observations(None, &placeholder()),
    })
}

/// The frames of a device link, one by one, with what was garbled between them.
pub fn decode_device_link(bytes: &[u8]) -> Vec<Result<Decoded, FrameError>> {
    device_link::decode(bytes, &placeholder())
}

/// The packets of a Nonin oximeter's stream, one by one, with what was lost between them.
pub fn decode_nonin(bytes: &[u8], format: nonin::DataFormat) -> Vec<Result<Decoded, FrameError>> {
    let mut deframer = nonin::Deframer::new(format);
    deframer.push(bytes);
    let decoded = |packet: nonin::Packet| Decoded {
        measurement: packet.describe(),
        observations: packet.oximetry.observations(&placeholder()),
    };
    let mut found: Vec<_> =
        std::iter::from_fn(|| deframer.poll_in_silence()).map(|found| found.map(decoded)).collect();
    found.extend(deframer.unended().map(Err));
    found
}

/// What an LD2410 radar says, one by one, with what was lost between. A report alone is no observation: only what changes
/// is told.
pub fn decode_ld2410(bytes: &[u8]) -> Vec<Result<Decoded, FrameError>> {
    let mut deframer = ld2410::Deframer::default();
    deframer.push(bytes);
    let decoded = |frame| match frame {
        ld2410::Frame::Report(data, at) => {
            ld2410::Report::decode(&data, at).map(|report| Decoded::fields(report.describe()))
        }
        ld2410::Frame::Answer(data, _) => {
            Ok(Decoded::fields(Description::default().with_bytes("answer", &data)))
        }
    };
    let mut found: Vec<_> =
        std::iter::from_fn(|| deframer.poll_in_silence()).map(|found| found.and_then(decoded)).collect();
    found.extend(deframer.unended().map(Err));
    found
}

/// One answer of a Modbus unit. What its registers mean, only the configuration knows.
///
/// # Errors
/// As [`modbus::decode_answer`].
pub fn decode_modbus(bytes: &[u8]) -> Result<Decoded, FrameError> {
    modbus::decode_answer(bytes).map(Decoded::fields)
}

/// The short UUIDs that [`decode_gatt`] knows, as text.
pub(crate) fn known() -> String {
    let mut all: Vec<u16> = decoders().map(|(uuid, _)| *uuid).collect();
    all.sort_unstable();
    all.iter().map(|uuid| format!("{uuid:04X}")).collect::<Vec<_>>().join(", ")
}

/// The device that stands for whichever sent the bytes.
#[expect(clippy::expect_used, reason = "a constant text that a test proves to be a name")]
fn placeholder() -> DeviceId {
    "device".parse().expect("a good name")
}

#[cfg(test)]
pub(crate) mod tests;
