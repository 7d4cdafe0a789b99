//! Radio telegrams: packet type RADIO_ERP1 (ESP3 §2.1).

use thiserror::Error;
use varde_wire::Context;

use crate::cursor::Cursor;
use crate::describe::hex;
use crate::esp3::Frame;
use crate::{Description, FrameError, Problem};

/// The packet type of a radio telegram.
pub(crate) const RADIO_ERP1: u8 = 1;
/// The same where the stick is set to pass telegrams on in the form of ERP2. On the air the two are one at 868 MHz.
pub(crate) const RADIO_ERP2: u8 = 10;

/// A sender's id, burnt into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub [u8; 4]);

/// A telegram as the stick heard it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telegram {
    /// RORG, the telegram's kind.
    pub rorg: u8,
    /// What the kind and the sender's profile give a meaning to; at least one byte.
    pub payload: Vec<u8>,
    /// Who sent it.
    pub sender: SenderId,
    /// Repeater count in the low four bits; the rest is the kind's.
    pub status: u8,
    /// How it was received, where the stick tells.
    pub reception: Option<Reception>,
    /// Where the payload begins in the stream.
    pub payload_offset: usize,
}

/// The optional data of a telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    /// How many of its identical subtelegrams arrived; 3 in one that is sent.
    pub subtelegrams: u8,
    /// To whom; FFFFFFFF is everyone.
    pub destination: SenderId,
    /// The best signal strength of the subtelegrams, in -dBm: 55 is -55 dBm.
    pub minus_dbm: u8,
    /// 0 is not encrypted.
    pub security_level: u8,
}

impl Telegram {
    /// RPS: switches that harvest their energy.
    pub(crate) const ROCKER: u8 = 0xF6;
    /// 1BS: one byte.
    pub(crate) const ONE_BYTE: u8 = 0xD5;
    /// 4BS: four bytes.
    pub(crate) const FOUR_BYTES: u8 = 0xA5;
    /// UTE: the universal teach-in.
    pub(crate) const TEACH_IN: u8 = 0xD4;

    /// RORG, sender and status.
    const FRAME: usize = 6;

    /// The telegram in a packet.
    ///
    /// # Errors
    /// Where the packet is no radio telegram or too short for one.
    pub fn decode(frame: &Frame) -> Result<Self, FrameError> {
        let problem = match frame.packet_type {
            RADIO_ERP1 => None,
            RADIO_ERP2 => Some(Problem::OtherRadioProtocol),
            got => Some(Problem::Kind { expected: RADIO_ERP1, got }),
        };
        if let Some(problem) = problem {
            return Err(FrameError { field: "packet type", offset: frame.offset.saturating_add(4), problem });
        }
        let mut cursor = Cursor::at(frame.data_offset(), &frame.data);
        let rorg = cursor.u8("RORG")?;
        let payload_offset = cursor.offset();
        let length = frame.data.len().saturating_sub(Self::FRAME).max(1);
        let payload = cursor.take(length, "payload")?.to_vec();
        let sender = SenderId(cursor.array("sender id")?);
        let status = cursor.u8("status")?;
        // Optional data never cost the telegram.
        let reception = Reception::take(&mut Cursor::new(&frame.optional)).ok();
        Ok(Self { rorg, payload, sender, status, reception, payload_offset })
    }

    /// Whether its sender is being taught in. Bit 3 of the last byte is the learn bit of 1BS and 4BS (EEP 2.6.8 §3);
    /// an RPS sender has no telegram for it.
    pub(crate) fn is_teach_in(&self) -> bool {
        match self.rorg {
            Self::TEACH_IN => true,
            Self::ONE_BYTE | Self::FOUR_BYTES => self.payload.last().is_some_and(|byte| byte & 1 << 3 == 0),
            _ => false,
        }
    }

    /// How many repeaters it came through; 15 asks repeaters to leave it alone.
    pub const fn hops(&self) -> u8 {
        match self.status & 0x0F {
            0x0F => 0,
            hops => hops,
        }
    }

    /// What is known of its way here.
    pub(crate) fn context(&self) -> Context {
        let rssi_dbm = self.reception.and_then(Reception::rssi_dbm);
        Context { rssi_dbm, repeaters: Some(self.hops()), ..Context::default() }
    }

    /// EnOcean's security has RORGs of its own, 30 to 35: encrypted data, and teaching in for it.
    pub(crate) fn refuse_secured(&self) -> Result<(), FrameError> {
        match self.rorg {
            0x30..=0x35 => Err(self.of_rorg(Problem::Secured)),
            _ => Ok(()),
        }
    }

    /// An error about the RORG.
    pub(crate) fn of_rorg(&self, problem: Problem) -> FrameError {
        FrameError { field: "RORG", offset: self.payload_offset.saturating_sub(1), problem }
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        let reception = self.reception.map(Reception::describe).unwrap_or_default();
        Description::default()
            .with("rorg", format!("{:02X}", self.rorg))
            .with("payload", hex(&self.payload))
            .with("sender_id", self.sender.to_string())
            .with("status", format!("{:02X}", self.status))
            .with("repeater_count", self.hops())
            .and(reception)
    }
}

impl Reception {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            subtelegrams: cursor.u8("subtelegram number")?,
            destination: SenderId(cursor.array("destination id")?),
            minus_dbm: cursor.u8("dBm")?,
            security_level: cursor.u8("security level")?,
        })
    }

    /// None in what a stick sends itself, where 255 stands for it.
    fn rssi_dbm(self) -> Option<i8> {
        let minus = i8::try_from(self.minus_dbm).unwrap_or(i8::MAX);
        (self.minus_dbm != 0xFF).then(|| minus.saturating_neg())
    }

    fn describe(self) -> Description {
        let dbm = varde_wire::Decimal::whole(i64::from(self.minus_dbm).saturating_neg());
        Description::default()
            .with("subtelegram_number", self.subtelegrams)
            .with("destination_id", self.destination.to_string())
            .with("dbm", Ok(dbm))
            .with("security_level", self.security_level)
    }
}

/// A text that is no sender id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected the eight hexadecimal digits printed on the device, such as 0029:8979 or 00298979")]
pub struct BadSenderId;

/// Eight hexadecimal digits, with `:` or spaces between them or not.
impl std::str::FromStr for SenderId {
    type Err = BadSenderId;

    fn from_str(text: &str) -> Result<Self, BadSenderId> {
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        if digits.len() != 8 || !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(BadSenderId);
        }
        u32::from_str_radix(&digits, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| BadSenderId)
    }
}

/// Eight hexadecimal digits in upper case, as on the device.
impl std::fmt::Display for SenderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08X}", u32::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(data: &[u8], optional: &[u8]) -> Frame {
        Frame { offset: 100, packet_type: RADIO_ERP1, data: data.to_vec(), optional: optional.to_vec() }
    }

    #[test]
    fn optional_data_that_are_missing_or_cut_do_not_cost_the_telegram() {
        let data = [0xD5, 0x08, 0x01, 0x82, 0x5D, 0xAB, 0x02];
        let whole = Telegram::decode(&frame(&data, &[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x36, 0])).unwrap();
        assert_eq!(whole.sender.to_string(), "01825DAB");
        assert_eq!(whole.status & 0x0F, 2);
        assert_eq!(whole.reception.unwrap().minus_dbm, 54);
        for optional in [&[][..], &[1, 0xFF]] {
            let telegram = Telegram::decode(&frame(&data, optional)).unwrap();
            assert_eq!(telegram, Telegram { reception: None, ..whole.clone() });
        }
    }

    #[test]
    fn a_short_telegram_names_the_missing_field() {
        let error = |data: &[u8]| Telegram::decode(&frame(data, &[])).unwrap_err().to_string();
        assert_eq!(error(&[0xF6]), "payload at byte 107: too short: expected length 1, got 0");
        assert_eq!(error(&[0xF6, 0x50, 1, 2]), "sender id at byte 108: too short: expected length 4, got 2");
        assert_eq!(
            error(&[0xF6, 0x50, 1, 2, 3, 4]),
            "status at byte 112: too short: expected length 1, got 0"
        );
    }

    #[test]
    fn an_id_is_read_as_it_is_printed_and_nothing_else() {
        for good in ["00298979", "0029:8979", "00:29:89:79", "00 29 89 79", "0029897 9"] {
            assert_eq!(good.parse(), Ok(SenderId([0x00, 0x29, 0x89, 0x79])), "{good}");
        }
        for bad in ["", "0029897", "002989790", "+0298979", "0x298979", "0029897G", "００298979"] {
            assert_eq!(bad.parse::<SenderId>(), Err(BadSenderId), "{bad}");
        }
    }
}
