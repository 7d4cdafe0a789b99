//! Packets that are no radio telegram, described for people: answers and events of the stick, and the rest.

use super::radio::RADIO_ERP2;
use super::stick::{COMMON_COMMAND, RESPONSE, Version};
use crate::describe::hex;
use crate::esp3::{Frame, Telegram};
use crate::{Description, FrameError};

/// The packet's type and fields (ESP3 §1.6 and §2).
///
/// # Errors
/// Where it is a radio telegram in the form of ERP2.
pub(crate) fn describe(frame: &Frame) -> Result<Description, FrameError> {
    const EVENT: u8 = 4;

    if frame.packet_type == RADIO_ERP2 {
        return Telegram::decode(frame).map(|telegram| telegram.describe());
    }

    let head = Description::default()
        .with("packet_type", frame.packet_type)
        .with_some("packet", packet_type(frame.packet_type));
    // A frame has at least one byte of data.
    let (code, rest) = frame.data.split_first().map_or((0, &[][..]), |(code, rest)| (*code, rest));
    let body = match frame.packet_type {
        RESPONSE => Description::default()
            .with("return_code", code)
            .with_some("return", return_code(code))
            .with_bytes("response_data", rest)
            .and(Version::decode(rest).map(|version| version.describe()).unwrap_or_default()),
        COMMON_COMMAND => Description::default()
            .with("command_code", code)
            .with_some("command", command(code))
            .with_bytes("command_data", rest),
        EVENT => Description::default()
            .with("event_code", code)
            .with_some("event", event_code(code))
            .with_bytes("event_data", rest),
        _ => Description::default().with("data", hex(&frame.data)),
    };
    Ok(head.and(body).with_bytes("optional_data", &frame.optional))
}

const fn packet_type(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "RADIO_ERP1",
        2 => "RESPONSE",
        3 => "RADIO_SUB_TEL",
        4 => "EVENT",
        5 => "COMMON_COMMAND",
        6 => "SMART_ACK_COMMAND",
        7 => "REMOTE_MAN_COMMAND",
        9 => "RADIO_MESSAGE",
        10 => "RADIO_ERP2",
        12 => "COMMAND_ACCEPTED",
        16 => "RADIO_802_15_4",
        17 => "COMMAND_2_4",
        _ => return None,
    })
}

const fn return_code(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "RET_OK",
        1 => "RET_ERROR",
        2 => "RET_NOT_SUPPORTED",
        3 => "RET_WRONG_PARAM",
        4 => "RET_OPERATION_DENIED",
        _ => return None,
    })
}

/// Those that concern a gateway.
const fn command(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "CO_WR_SLEEP",
        2 => "CO_WR_RESET",
        3 => "CO_RD_VERSION",
        7 => "CO_WR_IDBASE",
        8 => "CO_RD_IDBASE",
        9 => "CO_WR_REPEATER",
        10 => "CO_RD_REPEATER",
        28 => "CO_WR_MODE",
        _ => return None,
    })
}

const fn event_code(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "SA_RECLAIM_NOT_SUCCESSFUL",
        2 => "SA_CONFIRM_LEARN",
        3 => "SA_LEARN_ACK",
        4 => "CO_READY",
        5 => "CO_EVENT_SECUREDEVICES",
        6 => "CO_DUTYCYCLE_LIMIT",
        7 => "CO_TRANSMIT_FAILED",
        _ => return None,
    })
}
