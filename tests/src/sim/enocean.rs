//! An EnOcean USB 300 stick on a serial line, and the battery-free senders it hears.
//!
//! The encoder follows the EnOcean Serial Protocol 3 (ESP3) and the EnOcean Equipment Profiles (EEP) and shares no
//! code with our driver.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, task::JoinHandle, time::sleep};

use super::{
    SimError,
    bad_line::{BadLine, Injury},
    pty::SerialLine,
};

/// The id every broadcast telegram is addressed to.
const BROADCAST: [u8; 4] = [0xFF; 4];

/// How often the stick looks at its line.
const POLL: Duration = Duration::from_millis(5);

/// ESP3 §1.6.1, the packet types used here.
const RADIO_ERP1: u8 = 0x01;
const RESPONSE: u8 = 0x02;
const COMMON_COMMAND: u8 = 0x05;

/// ESP3, common commands and return codes.
const CO_RD_VERSION: u8 = 0x03;
const CO_RD_IDBASE: u8 = 0x08;
const RET_OK: u8 = 0x00;
const RET_NOT_SUPPORTED: u8 = 0x02;

/// The four buttons of a double rocker, EEP F6-02-01: the value is that of field R1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Rocker {
    /// Rocker A, side I.
    Ai = 0,
    /// Rocker A, side O.
    Ao = 1,
    /// Rocker B, side I.
    Bi = 2,
    /// Rocker B, side O.
    Bo = 3,
}

/// What a sender put on the air, as the stick heard it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Telegram {
    /// RORG, the telegram's kind: F6 for rockers, D5 for contacts.
    pub rorg: u8,
    /// The profile's payload.
    pub payload: Vec<u8>,
    /// The sender's id.
    pub sender: [u8; 4],
    /// Status: repeater count in the low bits; T21 and NU for F6.
    pub status: u8,
    /// How many of the up to three identical sub-telegrams arrived.
    pub subtelegrams: u8,
    /// Signal strength in −dBm: 55 stands for −55 dBm.
    pub dbm: u8,
}

impl Telegram {
    /// A rocker was pressed (EEP F6-02-01); a pendant is one.
    pub fn pressed(sender: [u8; 4], rocker: Rocker) -> Self {
        Self::heard(0xF6, vec![(rocker as u8) << 5 | 0x10], sender, 0x30)
    }

    /// All rockers were let go (EEP F6-02-01).
    pub fn released(sender: [u8; 4]) -> Self {
        Self::heard(0xF6, vec![0x00], sender, 0x20)
    }

    /// A window or door contact (EEP D5-00-01) is open or closed.
    pub fn contact(sender: [u8; 4], closed: bool) -> Self {
        // Bit 3 is set in everything but a teach-in.
        Self::heard(0xD5, vec![0x08 | u8::from(closed)], sender, 0x00)
    }

    /// The teach-in button of a contact (EEP D5-00-01) was pressed.
    pub fn contact_teach_in(sender: [u8; 4], closed: bool) -> Self {
        Self::heard(0xD5, vec![u8::from(closed)], sender, 0x00)
    }

    /// The ESP3 packet in which the stick passes the telegram on.
    pub fn packet(&self) -> Vec<u8> {
        let mut data = vec![self.rorg];
        data.extend_from_slice(&self.payload);
        data.extend_from_slice(&self.sender);
        data.push(self.status);
        let mut optional = vec![self.subtelegrams];
        optional.extend_from_slice(&BROADCAST);
        optional.extend_from_slice(&[self.dbm, 0x00]);
        packet(RADIO_ERP1, &data, &optional)
    }

    const fn heard(rorg: u8, payload: Vec<u8>, sender: [u8; 4], status: u8) -> Self {
        Self { rorg, payload, sender, status, subtelegrams: 1, dbm: 55 }
    }
}

/// A USB 300 in a port of the gateway. Its firmware answers commands by itself. Dropping it unplugs it.
#[derive(Debug)]
pub struct Usb300 {
    line: Arc<Mutex<SerialLine>>,
    path: PathBuf,
    firmware: JoinHandle<()>,
}

impl Usb300 {
    /// Plugs the stick in; the gateway finds it at `path`.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub fn plug_in(path: &Path) -> Result<Self, SimError> {
        let line = Arc::new(Mutex::new(SerialLine::plug_in(path)?));
        let firmware = tokio::spawn(answer_commands(line.clone()));
        Ok(Self { line, path: path.to_owned(), firmware })
    }

    /// What the gateway's configuration names.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until a program holds the stick's port open.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn opened(&self) -> Result<(), SimError> {
        while !self.line.lock().await.is_open()? {
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Passes a telegram on. False when it is gone because no program holds the port open.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn hear(&self, telegram: &Telegram) -> Result<bool, SimError> {
        self.garble(&telegram.packet()).await
    }

    /// Passes telegrams on through a bad line.
    ///
    /// # Errors
    /// As [`BadLine::carry`].
    pub async fn hear_badly(
        &self,
        bad: &mut BadLine,
        injury: Injury,
        telegrams: &[Telegram],
    ) -> Result<(), SimError> {
        let packets: Vec<_> = telegrams.iter().map(Telegram::packet).collect();
        bad.carry(&mut *self.line.lock().await, injury, &packets).await.map(drop)
    }

    /// Puts bytes on the line as they are: noise, half a packet, a packet with a flipped bit.
    ///
    /// # Errors
    /// When the line fails.
    pub async fn garble(&self, bytes: &[u8]) -> Result<bool, SimError> {
        self.line.lock().await.send(bytes).await
    }

    /// Pulls the stick out.
    pub async fn unplug(&self) {
        self.line.lock().await.unplug();
    }

    /// Plugs it in again; the same path then leads to a new terminal.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub async fn plug_in_again(&self) -> Result<(), SimError> {
        self.line.lock().await.plug_in_again()
    }
}

impl Drop for Usb300 {
    fn drop(&mut self) {
        self.firmware.abort();
    }
}

/// Answers the gateway's commands until the line fails.
async fn answer_commands(line: Arc<Mutex<SerialLine>>) {
    let mut unread = Vec::new();
    loop {
        // Polled, because epoll cannot tell a waiting task that a hung-up pseudo-terminal was opened again.
        sleep(POLL).await;
        let mut line = line.lock().await;
        let Ok(bytes) = line.received() else { return };
        unread.extend(bytes);
        while let Some(command) = take_packet(&mut unread) {
            if line.send(&response_to(&command)).await.is_err() {
                return;
            }
        }
    }
}

/// The answer to a packet from the host.
fn response_to((kind, data): &(u8, Vec<u8>)) -> Vec<u8> {
    match (*kind, data.first()) {
        (COMMON_COMMAND, Some(&CO_RD_VERSION)) => {
            let mut body = vec![RET_OK];
            body.extend_from_slice(&[2, 15, 0, 0]); // application version
            body.extend_from_slice(&[2, 6, 5, 0]); // API version
            body.extend_from_slice(&[0x01, 0x9F, 0x00, 0x01]); // chip id
            body.extend_from_slice(b"EO\x01\x04"); // chip version
            body.extend_from_slice(b"GATEWAYCTRL\0\0\0\0\0"); // application description
            packet(RESPONSE, &body, &[])
        }
        // The optional byte says how often the base id can still be changed.
        (COMMON_COMMAND, Some(&CO_RD_IDBASE)) => packet(RESPONSE, &[RET_OK, 0xFF, 0x80, 0x00, 0x00], &[10]),
        _ => packet(RESPONSE, &[RET_NOT_SUPPORTED], &[]),
    }
}

/// An ESP3 packet (§1.4): sync, header and its CRC, data, optional data and their CRC.
fn packet(kind: u8, data: &[u8], optional: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    let header = [high, low, u8::try_from(optional.len()).unwrap_or(u8::MAX), kind];
    let body = [data, optional].concat();
    [&[0x55], header.as_slice(), &[crc8(&header)], &body, &[crc8(&body)]].concat()
}

/// Takes the first whole packet (type and data) from `bytes` with everything before it.
fn take_packet(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    for start in 0..bytes.len() {
        let Some([0x55, h0, h1, h2, h3, header_crc, rest @ ..]) = bytes.get(start..) else { continue };
        if crc8(&[*h0, *h1, *h2, *h3]) != *header_crc {
            continue;
        }
        let data_len = usize::from(u16::from_be_bytes([*h0, *h1]));
        let body_len = data_len + usize::from(*h2);
        let (body, [crc, ..]) = rest.split_at_checked(body_len)? else { return None };
        let found = (crc8(body) == *crc).then(|| (*h3, body.get(..data_len).unwrap_or_default().to_vec()));
        if found.is_some() {
            bytes.drain(..start + 7 + body_len);
            return found;
        }
    }
    None
}

/// CRC-8 with polynomial x⁸ + x² + x + 1, start 0 (ESP3 §3, "CRC8 calculation").
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_serial::SerialPortBuilderExt;

    use super::*;

    /// Packets that real sticks gave, from the tests of python-enocean (kipe/enocean, MIT).
    #[test]
    fn packets_are_byte_for_byte_those_of_real_sticks() {
        let contact = [0x01, 0x82, 0x5D, 0xAB];
        let rocker = [0x00, 0x29, 0x89, 0x79];
        let vectors = [
            (
                Telegram { dbm: 0x36, ..Telegram::contact(contact, false) },
                "55000707017ad50801825dab0001ffffffff360053",
            ),
            (
                Telegram { dbm: 0x36, ..Telegram::contact(contact, true) },
                "55000707017ad50901825dab0001ffffffff3600c7",
            ),
            (sent(Telegram::contact_teach_in(contact, false)), "55000707017ad50001825dab0003ffffffffff0006"),
            (sent(Telegram::contact_teach_in(contact, true)), "55000707017ad50101825dab0003ffffffffff0092"),
            (
                Telegram { dbm: 0x37, ..Telegram::pressed(rocker, Rocker::Bi) },
                "55000707017af650002989793001ffffffff37009d",
            ),
            (
                Telegram { dbm: 0x4A, subtelegrams: 2, ..Telegram::released(rocker) },
                "55000707017af600002989792002ffffffff4a0003",
            ),
        ];
        for (telegram, expected) in vectors {
            assert_eq!(hex(&telegram.packet()), expected, "{telegram:?}");
        }
        assert_eq!(hex(&packet(COMMON_COMMAND, &[CO_RD_IDBASE], &[])), "5500010005700838");
    }

    #[tokio::test]
    async fn a_telegram_in_bytes_arrives_whole_after_noise() {
        let dir = tempfile::tempdir().unwrap();
        let stick = Usb300::plug_in(&dir.path().join("ttyUSB0")).unwrap();
        let mut port = open(&stick);
        stick.opened().await.unwrap();
        let telegram = Telegram::pressed([1, 2, 3, 4], Rocker::Ao);
        stick.garble(&[0x55, 0x00, 0x07]).await.unwrap();
        let telegrams = std::slice::from_ref(&telegram);
        stick.hear_badly(&mut BadLine::seeded(3), Injury::Split, telegrams).await.unwrap();
        let mut heard = vec![0; 3 + telegram.packet().len()];
        port.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard[3..], telegram.packet());
    }

    #[tokio::test]
    async fn commands_are_answered_and_broken_ones_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let stick = Usb300::plug_in(&dir.path().join("ttyUSB0")).unwrap();
        let mut port = open(&stick);
        let mut broken = packet(COMMON_COMMAND, &[CO_RD_VERSION], &[]);
        *broken.last_mut().unwrap() ^= 1;
        port.write_all(&broken).await.unwrap();
        port.write_all(&packet(COMMON_COMMAND, &[CO_RD_VERSION], &[])).await.unwrap();
        let mut answer = vec![0; 7 + 33];
        port.read_exact(&mut answer).await.unwrap();
        assert_eq!(hex(&answer[..7]), "55002100022600");
        assert_eq!(crc8(&answer[6..39]), answer[39]);

        port.write_all(&packet(COMMON_COMMAND, &[0x7F], &[])).await.unwrap();
        let mut answer = vec![0; 8];
        port.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, packet(RESPONSE, &[RET_NOT_SUPPORTED], &[]));
    }

    /// As a packet that goes out: three sub-telegrams, best signal strength.
    fn sent(telegram: Telegram) -> Telegram {
        Telegram { subtelegrams: 3, dbm: 0xFF, ..telegram }
    }

    fn open(stick: &Usb300) -> tokio_serial::SerialStream {
        tokio_serial::new(stick.path().to_str().unwrap(), 57_600).open_native_async().unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
