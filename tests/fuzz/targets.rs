//! What each fuzz target does with its bytes. Whatever they are, nothing here may panic.
//!
//! The same bodies run under libFuzzer (`fuzz_targets/`) and, over the corpora, in the stable tests
//! (`tests/scenarios/fuzz_corpora.rs`).

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use varde_device_link as link;
use varde_drivers::advert::{AdvertFormat, Secret};
use varde_drivers::esp3::{Deframer, Eep, SenderId, TeachIn, TeachWindow, Telegram, UniversalAnswer};
use varde_drivers::ld2410::Holds;
use varde_drivers::lines::{LineRules, Pattern};
use varde_drivers::modbus::{Item, UnitOptions};
use varde_drivers::nonin::DataFormat;
use varde_drivers::{
    BleOptions, BleProfile, Channel, Esp3Options, HomeTime, Input, Order, Output, Purpose, SerialDevice,
    SerialOptions, SerialRoster, Session, Uuid, decode_advert, decode_device_link, decode_esp3, decode_gatt,
    decode_ld2410, decode_modbus, decode_nonin, float,
};
use varde_wire::{
    Action, Command, DeviceId, GatewayId, Heartbeat, Instant, OpeningKey, Record, SealingKey, SignedBatch,
    SignedCommand, SignedHeartbeat, SignedReceipt, SigningKey, VerifyingKey,
};

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("atc", atc),
    ("blood_pressure", blood_pressure),
    ("body_composition", body_composition),
    ("bthome", bthome),
    ("command", command),
    ("continuous_glucose", continuous_glucose),
    ("cuff_pressure", cuff_pressure),
    ("device_information", device_information),
    ("device_link_to_device", device_link_to_device),
    ("device_link_to_gateway", device_link_to_gateway),
    ("eep", eep),
    ("elapsed_time", elapsed_time),
    ("esp3_stream", esp3_stream),
    ("float", float),
    ("glucose", glucose),
    ("glucose_context", glucose_context),
    ("health_sensor", health_sensor),
    ("health_thermometer", health_thermometer),
    ("heart_rate", heart_rate),
    ("key_text", key_text),
    ("ld2410", ld2410),
    ("lines", lines),
    ("modbus", modbus),
    ("nonin", nonin),
    ("pulse_oximeter", pulse_oximeter),
    ("record", record),
    ("record_access", record_access),
    ("ruuvi", ruuvi),
    ("signed_batch", signed_batch),
    ("signed_command", signed_command),
    ("signed_heartbeat", signed_heartbeat),
    ("signed_receipt", signed_receipt),
    ("user_data", user_data),
    ("weight_scale", weight_scale),
];

/// Blood Pressure Measurement, and its feature.
pub fn blood_pressure(bytes: &[u8]) {
    let _ = decode_gatt(0x2A35, bytes);
    let _ = decode_gatt(0x2A49, bytes);
    let mut session = BleProfile::BloodPressure.session(device(), &BleOptions::default());
    for channel in [Channel::Notified(Uuid::sig(0x2A35)), Channel::Read(Uuid::sig(0x2A49))] {
        give(&mut *session, channel, bytes, 0);
    }
}

/// BTHome: with the key of the seeds and without, as a sensor's session hears it. The first byte chooses the service.
pub fn bthome(bytes: &[u8]) {
    let Some((service, data)) = bytes.split_first() else { return };
    let service = [0xFCD2, 0x181C, 0x181E][usize::from(service % 3)];
    advert(AdvertFormat::BtHome, BleProfile::BtHome, Channel::ServiceData(Uuid::sig(service)), data);
}

/// Ruuvi's data formats.
pub fn ruuvi(bytes: &[u8]) {
    advert(AdvertFormat::Ruuvi, BleProfile::Ruuvi, Channel::ManufacturerData(0x0499), bytes);
}

/// The thermometers of atc1441 and pvvx.
pub fn atc(bytes: &[u8]) {
    advert(AdvertFormat::Atc, BleProfile::Atc, Channel::ServiceData(Uuid::sig(0x181A)), bytes);
}

/// An advertisement decoded, then heard twice by a session with the key of the seeds and by one without.
fn advert(format: AdvertFormat, profile: BleProfile, channel: Channel, bytes: &[u8]) {
    const BIND_KEY: [u8; 16] = 0x231d_39c1_d7cc_1ab1_aee2_24cd_096d_b932_u128.to_be_bytes();
    const ADDRESS: [u8; 6] = [0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5];
    for bind_key in [None, Some(BIND_KEY)] {
        let secret = bind_key.map(|bind_key| Secret { bind_key, address: ADDRESS });
        let _ = decode_advert(format, bytes, secret.as_ref());
        let options = BleOptions {
            address: ADDRESS,
            bind_key,
            purpose: Some(Purpose::Pendant),
            ..BleOptions::default()
        };
        let mut session = profile.session(device(), &options);
        session.recall(bytes);
        give(&mut *session, channel, bytes, 0);
        give(&mut *session, channel, bytes, 1_800_000);
        session.device_description();
    }
}

/// Every value of the Continuous Glucose Monitoring Service: the first byte chooses the characteristic, and a sensor
/// that has said whether it has E2E-CRC is given the rest.
pub fn continuous_glucose(bytes: &[u8]) {
    let Some((choice, value)) = bytes.split_first() else { return };
    let uuid = 0x2AA7 + u16::from(choice % 6);
    let _ = decode_gatt(uuid, value);
    let mut session = BleProfile::ContinuousGlucose.session(device(), &BleOptions::default());
    let feature = if *choice < 128 { [0, 0, 0, 0x59, 0xFF, 0xFF] } else { [0, 0x10, 0, 0x59, 0xF0, 0x49] };
    give(&mut *session, Channel::Read(Uuid::sig(0x2AA8)), &feature, 0);
    for channel in [Channel::Read(Uuid::sig(uuid)), Channel::Notified(Uuid::sig(uuid))] {
        give(&mut *session, channel, value, 0);
    }
}

/// Intermediate Cuff Pressure.
pub fn cuff_pressure(bytes: &[u8]) {
    let _ = decode_gatt(0x2A36, bytes);
}

/// Current Elapsed Time, and the two characteristics of Reconnection Configuration.
pub fn elapsed_time(bytes: &[u8]) {
    for uuid in [0x2BF2, 0x2B1D, 0x2B1E] {
        let _ = decode_gatt(uuid, bytes);
    }
}

/// Glucose Measurement, and its feature.
pub fn glucose(bytes: &[u8]) {
    let _ = decode_gatt(0x2A18, bytes);
    let _ = decode_gatt(0x2A51, bytes);
}

/// Glucose Measurement Context.
pub fn glucose_context(bytes: &[u8]) {
    let _ = decode_gatt(0x2A34, bytes);
}

/// Spot-Check and Continuous Measurement, and the features.
pub fn pulse_oximeter(bytes: &[u8]) {
    for uuid in [0x2A5E, 0x2A5F, 0x2A60] {
        let _ = decode_gatt(uuid, bytes);
    }
}

/// What a generic health sensor sends. The session gets it as a life of values: each begins with its length and the place
/// of its characteristic.
pub fn health_sensor(bytes: &[u8]) {
    const CHARACTERISTICS: [u16; 6] = [0x2B8B, 0x2BDD, 0x2BF1, 0x2BF2, 0x2BF4, 0x2A52];
    for uuid in CHARACTERISTICS.into_iter().chain([0x2BF3]) {
        let _ = decode_gatt(uuid, bytes);
    }
    let options = BleOptions { clear_memory: true, ..BleOptions::default() };
    let mut session = BleProfile::GenericHealthSensor.session(device(), &options);
    session.handle_input(Input::Connected, Instant::from_millis(0));
    let (mut rest, mut now) = (bytes, 0);
    while let Some(([length, place], more)) = rest.split_first_chunk() {
        let (value, more) = more.split_at(more.len().min(usize::from(*length)));
        let uuid = CHARACTERISTICS[usize::from(*place) % CHARACTERISTICS.len()];
        give(&mut *session, Channel::Notified(Uuid::sig(uuid)), value, now);
        session.handle_input(Input::Committed, Instant::from_millis(now));
        (rest, now) = (more, now + 1000);
    }
}

/// Record Access Control Point, and whole fetches: what glucose meter and oximeter send, a value a time. Each begins
/// with which characteristic it is of and how long it is; a value of none is a commit.
pub fn record_access(bytes: &[u8]) {
    let _ = decode_gatt(0x2A52, bytes);
    let options = BleOptions { clear_memory: bytes.len().is_multiple_of(2), ..BleOptions::default() };
    for profile in [BleProfile::Glucose, BleProfile::PulseOximeter] {
        let mut session = profile.session(device(), &options);
        session.recall(bytes);
        session.handle_input(Input::Connected, Instant::default());
        let (mut rest, mut now) = (bytes, 0);
        while let Some(([kind, length], values)) = rest.split_first_chunk() {
            let (value, after) = values.split_at(usize::from(*length).min(values.len()));
            let uuid = match kind {
                0 => Some(0x2A52),
                1 => Some(0x2A18),
                2 => Some(0x2A34),
                3 => Some(0x2A5E),
                4 => Some(0x2A5F),
                _ => None,
            };
            now += u64::from(*kind) * 100;
            match uuid {
                Some(uuid) => give(&mut *session, Channel::Notified(Uuid::sig(uuid)), value, now),
                None => session.handle_input(Input::Committed, Instant::from_millis(now)),
            }
            rest = after;
        }
    }
}

/// Battery and Device Information: the first two bytes choose the characteristic.
pub fn device_information(bytes: &[u8]) {
    if let Some(([high, low], value)) = bytes.split_first_chunk() {
        let _ = decode_gatt(u16::from_be_bytes([*high, *low]), value);
    }
}

/// Temperature Measurement, Intermediate Temperature, Temperature Type and Measurement Interval.
pub fn health_thermometer(bytes: &[u8]) {
    chosen(BleProfile::HealthThermometer, &[0x2A1C, 0x2A1D, 0x2A1E, 0x2A21], bytes);
}

/// Heart Rate Measurement and Body Sensor Location.
pub fn heart_rate(bytes: &[u8]) {
    chosen(BleProfile::HeartRate, &[0x2A37, 0x2A38], bytes);
}

/// Weight Measurement and Weight Scale Feature.
pub fn weight_scale(bytes: &[u8]) {
    chosen(BleProfile::WeightScale, &[0x2A9D, 0x2A9E], bytes);
}

/// Body Composition Measurement, whole and in parts, and Body Composition Feature.
pub fn body_composition(bytes: &[u8]) {
    chosen(BleProfile::BodyComposition, &[0x2A9C, 0x2A9B], bytes);
}

/// User Control Point and Database Change Increment, at a scale with two users.
pub fn user_data(bytes: &[u8]) {
    let consent = |user| varde_drivers::Consent { user, code: varde_drivers::ConsentCode(1234) };
    let options = varde_drivers::BleOptions { consents: vec![consent(1), consent(2)], ..Default::default() };
    chosen_with(&options, BleProfile::WeightScale, &[0x2A9F, 0x2A99, 0x2A9D, 0x2A9C], bytes);
}

/// SFLOAT and FLOAT, shown with every digit.
pub fn float(bytes: &[u8]) {
    if let Some((short, _)) = bytes.split_first_chunk() {
        let _ = float::sfloat(*short).map(|number| number.to_string());
    }
    if let Some((long, _)) = bytes.split_first_chunk() {
        let _ = float::float(*long).map(|number| number.to_string());
    }
}

/// What a gateway may say to a device, in pieces as long as the first byte says: an end in firmware, in the session of
/// the seeds.
pub fn device_link_to_device(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let mut memory = Forgetful { plan: None, answer: None };
    let mut end = link::DeviceEnd::new(about(), 1, link::Instant::from_millis(0));
    for (piece, ms) in stream.chunks(usize::from(*piece).max(1)).zip(1..) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = end.handle_input(rest, &mut memory, link::Instant::from_millis(ms));
            rest = rest.get(taken..).unwrap_or_default();
            while let Some(output) = end.poll_output(&memory) {
                if let link::DeviceOutput::Perform { number, .. } = output {
                    end.answer(link::Answered { number, answer: link::Answer::Done }, &mut memory);
                }
            }
        }
        end.handle_timeout(&memory, link::Instant::from_millis(ms * 1000));
        while end.poll_output(&memory).is_some() {}
    }
    let _ = decode_device_link(stream);
}

/// What a device may say to a gateway, in pieces as long as the first byte says: the session of the driver, greeted
/// with the nonce of the seeds and with an order under way.
pub fn device_link_to_gateway(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let device = SerialDevice { name: device(), options: SerialOptions::DeviceLink };
    let mut session = SerialRoster::new(device).session();
    let time = HomeTime { unix_s: 1_774_742_400, utc_offset_min: 60, daylight_saving_min: 0 };
    session.handle_input(Input::Time(time), Instant::from_millis(1000));
    session.handle_input(Input::Connected, Instant::from_millis(1000));
    let action = Action::Dispense { compartment: None };
    let order = Order { number: 1, device: self::device(), action, is_repeat: false };
    let _ = session.handle_order(&order, Instant::from_millis(1000));
    for (piece, ms) in stream.chunks(usize::from(*piece).max(1)).zip(1001..) {
        let now = Instant::from_millis(ms);
        session.handle_input(Input::Chunk { channel: Channel::Serial, bytes: piece }, now);
        while let Some(output) = session.poll_output() {
            if output == Output::AwaitCommit {
                session.handle_input(Input::Committed, now);
            }
        }
        session.handle_timeout(now);
    }
    let _ = decode_device_link(stream);
}

/// A device's memory that has nothing to tell.
struct Forgetful {
    plan: Option<link::Plan>,
    answer: Option<link::Answered>,
}

impl link::Memory for Forgetful {
    fn log(&self) -> u32 {
        1
    }

    fn kept_events(&self) -> link::KeptEvents {
        link::KeptEvents { first: 1, next: 1 }
    }

    fn event(&self, _number: u32) -> Option<link::Event> {
        None
    }

    fn release_events(&mut self, _through: u32) {}

    fn last_answer(&self) -> Option<link::Answered> {
        self.answer
    }

    fn keep_answer(&mut self, answered: link::Answered) {
        self.answer = Some(answered);
    }

    fn plan(&self) -> Option<&link::Plan> {
        self.plan.as_ref()
    }

    fn keep_plan(&mut self, plan: &link::Plan) -> bool {
        self.plan = Some(plan.clone());
        true
    }
}

fn about() -> link::About {
    let words = |text: &str| link::Words::try_from(text).unwrap_or_default();
    link::About {
        maker: words("Maker"),
        model: words("D1"),
        serial: words("0001"),
        firmware: words("1.0.0"),
        capabilities: link::Capabilities::PLAN,
    }
}

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

/// Texts of keys.
pub fn key_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = SigningKey::from_text(&text);
    let _ = OpeningKey::from_text(&text);
    if let Ok(key) = VerifyingKey::from_text(&text) {
        assert_eq!(
            VerifyingKey::from_text(&key.to_text()).as_ref().map(VerifyingKey::to_bytes),
            Ok(key.to_bytes())
        );
    }
    if let Ok(key) = SealingKey::from_text(&text) {
        assert!(SealingKey::from_text(&key.to_text()).is_ok());
    }
}

/// The plaintext of an entry.
pub fn record(bytes: &[u8]) {
    if let Ok(record) = Record::decode(bytes) {
        assert_eq!(record.encode().as_deref().map(Record::decode), Ok(Ok(record)));
    }
}

/// A batch as the hub gets it: verified with each kind of key, then opened.
pub fn signed_batch(bytes: &[u8]) {
    let batch = SignedBatch::from_bytes(bytes.to_vec());
    let _ = batch.key_id();
    for key in verifying_keys() {
        let Ok(batch) = batch.verify(key, &gateway()) else { continue };
        let mut epochs = HashMap::new();
        if let Ok(batch) = batch.unlock(&[&opening_key()], &mut epochs) {
            batch.entries().for_each(drop);
        }
    }
}

/// A receipt as the gateway gets it.
pub fn signed_receipt(bytes: &[u8]) {
    let receipt = SignedReceipt::from_bytes(bytes.to_vec());
    for key in verifying_keys() {
        let _ = receipt.verify(key, &gateway());
    }
}

/// A heartbeat as the hub gets it, and as it keeps it.
pub fn signed_heartbeat(bytes: &[u8]) {
    let heartbeat = SignedHeartbeat::from_bytes(bytes.to_vec());
    for key in verifying_keys() {
        let _ = heartbeat.verify(key, &gateway());
    }
    let _ = Heartbeat::decode(bytes);
}

/// A command as the gateway gets it: verified, then opened.
pub fn signed_command(bytes: &[u8]) {
    let command = SignedCommand::from_bytes(bytes.to_vec());
    for key in verifying_keys() {
        if let Ok(command) = command.verify(key, &gateway()) {
            let _ = command.open(&opening_key());
        }
    }
}

/// What is under the seal of a command.
pub fn command(bytes: &[u8]) {
    if let Ok(command) = Command::decode(bytes) {
        assert_eq!(command.encode().as_deref().map(Command::decode), Ok(Ok(command)));
    }
}

/// Gives a meter and its decoders the values that the bytes hold, each with its place in the list of
/// characteristics, its length and the minutes since the one before; then it goes.
fn chosen(profile: BleProfile, characteristics: &[u16], bytes: &[u8]) {
    chosen_with(&varde_drivers::BleOptions::default(), profile, characteristics, bytes);
}

fn chosen_with(
    options: &varde_drivers::BleOptions,
    profile: BleProfile,
    characteristics: &[u16],
    bytes: &[u8],
) {
    let mut session = profile.session(device(), options);
    let (mut rest, mut now) = (bytes, 0);
    session.handle_input(Input::Connected, Instant::from_millis(now));
    while let Some(([choice, length, minutes], values)) = rest.split_first_chunk() {
        let (value, after) = values.split_at(usize::from(*length).min(values.len()));
        let characteristic = characteristics[usize::from(*choice) % characteristics.len()];
        let _ = decode_gatt(characteristic, value);
        now += u64::from(*minutes) * 60_000;
        give(&mut *session, Channel::Notified(Uuid::sig(characteristic)), value, now);
        give(&mut *session, Channel::Read(Uuid::sig(characteristic)), value, now);
        rest = after;
    }
    session.handle_input(Input::Disconnected, Instant::from_millis(now));
    while session.poll_output().is_some() {}
    let _ = session.device_description();
}

fn give(session: &mut dyn Session, channel: Channel, bytes: &[u8], now: u64) {
    let now = Instant::from_millis(now);
    if session.poll_timeout().is_some_and(|due| due <= now) {
        session.handle_timeout(now);
    }
    session.handle_input(Input::Chunk { channel, bytes }, now);
    while session.poll_output().is_some() {}
}

fn device() -> DeviceId {
    "device".parse().expect("a good name")
}

fn gateway() -> GatewayId {
    "gw-1".parse().expect("a good id")
}

/// The seeds are signed with these, so that replaying them goes past the signature.
fn verifying_keys() -> &'static [VerifyingKey; 2] {
    static KEYS: LazyLock<[VerifyingKey; 2]> = LazyLock::new(|| {
        let es256 = SigningKey::es256(&[7; 32]).expect("a good scalar");
        [SigningKey::ed25519(&[7; 32]).verifying_key(), es256.verifying_key()]
    });
    &KEYS
}

fn opening_key() -> OpeningKey {
    OpeningKey::derive(&[9; 32])
}
