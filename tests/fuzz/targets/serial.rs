//! What stands on a serial line.

use std::sync::LazyLock;
use std::time::Duration;

use varde_drivers::esp3::{Deframer, Eep, SenderId, TeachIn, TeachWindow, Telegram, UniversalAnswer};
use varde_drivers::ld2410::Holds;
use varde_drivers::lines::{LineRules, Pattern};
use varde_drivers::modbus::{Item, UnitOptions};
use varde_drivers::nonin::DataFormat;
use varde_drivers::{
    Channel, Esp3Options, Input, Purpose, SerialDevice, SerialOptions, SerialRoster, decode_esp3,
    decode_ld2410, decode_modbus, decode_nonin,
};
use varde_wire::Instant;

use super::{device, give};

/// A serial stream, whole and in pieces as long as the first byte says; with a pause after each.
pub fn esp3_stream(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let mut whole = Deframer::default();
    whole.push(stream);
    let whole: Vec<_> = std::iter::from_fn(|| whole.poll_rest()).collect();

    let mut pieces = Deframer::default();
    let mut found = Vec::new();
    for piece in stream.chunks(usize::from(*piece).max(1)) {
        pieces.push(piece);
        found.extend(std::iter::from_fn(|| pieces.poll_frame()));
    }
    found.extend(std::iter::from_fn(|| pieces.poll_rest()));
    assert_eq!(whole, found, "the same stream in other pieces");

    let sender = |(name, id, eep): (&str, [u8; 4], &str)| SerialDevice {
        name: name.parse().expect("a good name"),
        options: SerialOptions::Esp3(Esp3Options {
            id: SenderId(id),
            profile: Eep::from_name(eep).expect("a profile"),
            purpose: None,
        }),
    };
    let mut roster = SerialRoster::new(sender(("pendant", [0x00, 0x29, 0x89, 0x79], "F6-02-01")));
    roster.join(sender(("valve", [0xDE, 0xAD, 0xBE, 0xEF], "A5-20-01"))).expect("room on the line");
    let mut session = roster.session();
    for (piece, now) in stream.chunks(usize::from(*piece).max(1)).zip((0..).step_by(60)) {
        give(&mut *session, Channel::Serial, piece, now);
    }
    let mut window = TeachWindow::open();
    for piece in stream.chunks(usize::from(*piece).max(1)) {
        window.handle_bytes(piece);
        window.handle_silence();
        while window.poll_output().is_some() {}
    }
    decode_esp3(stream, None);
}

/// A Nonin oximeter's stream, in pieces; the first byte chooses the data format and the pieces.
pub fn nonin(bytes: &[u8]) {
    let Some((choice, stream)) = bytes.split_first() else { return };
    let format = DataFormat::ALL[usize::from(choice % 4)];
    pieces(SerialOptions::Nonin(format), stream, usize::from(choice / 4));
    decode_nonin(stream, format);
}

/// A presence radar's stream, in pieces.
pub fn ld2410(bytes: &[u8]) {
    let Some((choice, stream)) = bytes.split_first() else { return };
    pieces(SerialOptions::Ld2410(Holds::default()), stream, usize::from(*choice));
    decode_ld2410(stream);
}

/// Lines of text, in pieces.
pub fn lines(bytes: &[u8]) {
    static RULES: LazyLock<LineRules> = LazyLock::new(|| {
        let pattern = r"^(?<weight>-?[0-9.,]+) *kg|(?<low>LOBAT)$".parse().expect("a good pattern");
        let values =
            vec![("weight".to_owned(), "MDC_MASS_BODY_ACTUAL kg 1e-1".parse().expect("a good meaning"))];
        let events = vec![("low".to_owned(), "battery-low".parse().expect("a good event"))];
        LineRules::new(vec![pattern], values, events, Duration::from_secs(1)).expect("good rules")
    });
    let Some((choice, stream)) = bytes.split_first() else { return };
    pieces(SerialOptions::Lines(RULES.clone()), stream, usize::from(*choice));
    // What a technician writes into the configuration is no more to be trusted.
    let text = String::from_utf8_lossy(stream);
    let _ = text.parse::<Pattern>();
    let _ = text.parse::<Item>();
}

/// A Modbus unit's answers, in pieces.
pub fn modbus(bytes: &[u8]) {
    static ITEMS: LazyLock<Vec<Item>> = LazyLock::new(|| {
        let items = [
            "input 0 f32 MDCX_VOLTAGE V",
            "input 2 u16 below 10 mains-lost above 20 mains-restored",
            "discrete 1 on tamper off tamper-cleared",
        ];
        items.iter().map(|text| text.parse().expect("a good item")).collect()
    });
    let Some((choice, stream)) = bytes.split_first() else { return };
    let unit = UnitOptions { address: 1, every: Duration::from_secs(1), items: ITEMS.clone() };
    pieces(SerialOptions::Modbus(unit), stream, usize::from(*choice));
    let _ = decode_modbus(stream);
}

/// Lives through a connection in which the stream comes in such pieces.
fn pieces(options: SerialOptions, stream: &[u8], piece: usize) {
    let mut session = SerialRoster::new(SerialDevice { name: device(), options }).session();
    session.handle_input(Input::Connected, Instant::from_millis(0));
    for (piece, now) in stream.chunks(piece.max(1)).zip((0..).step_by(60)) {
        give(&mut *session, Channel::Serial, piece, now);
    }
    session.handle_input(Input::Disconnected, Instant::from_millis(u64::MAX));
    while session.poll_output().is_some() {}
}

/// A telegram under every profile, and as a teach-in, from a packet whose checksums are made right.
pub fn eep(data: &[u8]) {
    let frame = varde_drivers::esp3::Frame {
        offset: 0,
        packet_type: 1,
        data: data.to_vec(),
        optional: data.to_vec(),
    };
    let Ok(telegram) = Telegram::decode(&frame) else { return };
    telegram.describe();
    for profile in Eep::all() {
        if let Ok(message) = profile.decode(&telegram) {
            message.describe();
            for purpose in Purpose::ALL.iter().copied().map(Some).chain([None]) {
                let _ = message.observations(purpose, &device());
            }
        }
    }
    if let Ok(Some(teach_in)) = TeachIn::read(&telegram) {
        teach_in.describe();
        for answer in [UniversalAnswer::TaughtIn, UniversalAnswer::ProfileUnknown] {
            let _ = teach_in.answer(answer, telegram.sender);
        }
    }
}
