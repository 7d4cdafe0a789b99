//! What sensors advertise.

use varde_drivers::advert::{AdvertFormat, Secret};
use varde_drivers::{BleOptions, BleProfile, Channel, Purpose, Uuid, decode_advert};

use super::{device, give};

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
