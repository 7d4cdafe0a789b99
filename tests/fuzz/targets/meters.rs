//! What Bluetooth meters say.

use varde_drivers::{BleOptions, BleProfile, Channel, Input, Uuid, decode_gatt, float};
use varde_wire::Instant;

use super::{device, give};

/// Blood Pressure Measurement, and its feature.
pub fn blood_pressure(bytes: &[u8]) {
    let _ = decode_gatt(0x2A35, bytes);
    let _ = decode_gatt(0x2A49, bytes);
    let mut session = BleProfile::BloodPressure.session(device(), &BleOptions::default());
    for channel in [Channel::Notified(Uuid::sig(0x2A35)), Channel::Read(Uuid::sig(0x2A49))] {
        give(&mut *session, channel, bytes, 0);
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
