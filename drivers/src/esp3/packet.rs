//! Packets that are no radio telegram, described for people: answers and events of the stick, and the rest.

use crate::Description;
use crate::describe::hex;
use crate::esp3::Frame;

/// The packet's type and fields (ESP3 §1.6 and §2).
pub(crate) fn describe(frame: &Frame) -> Description {
    const RESPONSE: u8 = 2;
    const EVENT: u8 = 4;

    let head = Description::default()
        .with("packet_type", frame.packet_type)
        .with_some("packet", packet_type(frame.packet_type));
    // A frame has at least one byte of data.
    let (code, rest) = frame.data.split_first().map_or((0, &[][..]), |(code, rest)| (*code, rest));
    let body = match frame.packet_type {
        RESPONSE => Description::default()
            .with("return_code", code)
            .with_some("return", return_code(code))
            .with_bytes("response_data", rest),
        EVENT => Description::default()
            .with("event_code", code)
            .with_some("event", event_code(code))
            .with_bytes("event_data", rest),
        _ => Description::default().with("data", hex(&frame.data)),
    };
    head.and(body).with_bytes("optional_data", &frame.optional)
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
