//! The roster: which devices the gateway hears, and on which lines.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

use varde_drivers::{BleOptions, BleProfile, Consent, ConsentCode, Purpose, SerialProtocol};
use varde_link::Address;
use varde_wire::DeviceId;

use super::{
    document::{Field, Located},
    fault::{Place, Problem},
    fragment::DeviceFragment,
    judge::Judge,
    serial::{Ports, SerialPort, leave_out_alien},
    whose::{Owners, Whose},
};

/// A Bluetooth device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BleDevice {
    /// Its name in the roster.
    pub name: DeviceId,
    /// Its address.
    pub address: Address,
    /// What it speaks.
    pub profile: BleProfile,
    /// What else its driver needs to know.
    pub options: BleOptions,
}

/// Every device of the home.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) serial: Vec<SerialPort>,
    pub(super) ble: Vec<BleDevice>,
    pub(super) whose: Whose,
}

/// How a device's keys are read.
#[derive(Clone, Copy)]
enum Protocol {
    Serial(SerialProtocol),
    Ble,
}

/// What has been seen of the roster, and where: none of it may come twice in a home.
#[derive(Default)]
struct Seen {
    names: HashMap<DeviceId, Place>,
    addresses: HashMap<Address, Place>,
}

const BLE: &str = "ble";

impl Roster {
    /// The devices that stand every test.
    pub(super) fn of_fragments(fragments: Vec<DeviceFragment>, judge: &mut Judge<'_>) -> Self {
        let mut roster = Self::default();
        let mut seen = Seen::default();
        let mut ports = Ports::default();
        for from in fragments {
            let name = seen.name(&from, judge);
            let owners = Owners::of_fragment(&from, judge);
            if let Some(name) = &name {
                roster.whose.add(name.clone(), owners);
            }
            match protocol(&from, judge) {
                Some(Protocol::Serial(protocol)) => ports.take(&from, name, protocol, judge),
                Some(Protocol::Ble) => roster.ble.extend(seen.ble(&from, name, judge)),
                None => {}
            }
        }
        roster.serial = ports.into_inner();
        roster
    }
}

fn protocol(from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<Protocol> {
    let text = required(&from.protocol, from, "device.protocol", "protocol = \"esp3\" or \"ble\"", judge)?;
    let found = SerialProtocol::from_name(&text.value)
        .map(Protocol::Serial)
        .or_else(|| (text.value == BLE).then_some(Protocol::Ble));
    let known = SerialProtocol::ALL.iter().map(|protocol| protocol.name()).chain([BLE]);
    judge.word(text, "device.protocol", "protocol", found, known)
}

impl Seen {
    fn name(&mut self, from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<DeviceId> {
        const KEY: &str = "device.name";
        let text = required(&from.name, from, KEY, "name = \"NAME\"", judge)?;
        let name: DeviceId = judge.parse(text, KEY)?;
        if name == DeviceId::gateway() {
            return judge.fault(&text.place, KEY, Problem::ReservedName);
        }
        once(&mut self.names, name, text, KEY, judge)
    }

    fn ble(
        &mut self,
        from: &DeviceFragment,
        name: Option<DeviceId>,
        judge: &mut Judge<'_>,
    ) -> Option<BleDevice> {
        leave_out_alien(from, None, BLE, judge);
        let example = "address = \"F0:F1:F2:F3:F4:01\"";
        let address = required(&from.address, from, "device.address", example, judge).and_then(|text| {
            let address: Address = judge.parse(text, "device.address")?;
            once(&mut self.addresses, address, text, "device.address", judge)
        });
        let profile = profile(from, "blood-pressure", judge).and_then(|text| {
            let known = BleProfile::ALL.iter().map(|profile| profile.name());
            judge.word(text, "device.profile", "profile", BleProfile::from_name(&text.value), known)
        });
        let options = ble_options(from, address?, profile?, judge);
        Some(BleDevice { name: name?, address: address?, profile: profile?, options })
    }
}

/// What only some profiles have a use for.
fn ble_options(
    from: &DeviceFragment,
    address: Address,
    profile: BleProfile,
    judge: &mut Judge<'_>,
) -> BleOptions {
    let mut options = BleOptions { address: address.0, ..BleOptions::default() };
    let mut useless = |useless: bool, key: &str, place: Option<&Place>| {
        if let (true, Some(place)) = (useless, place) {
            judge.fault::<()>(place, key, Problem::OtherProfile { profile: profile.name() });
        }
    };
    useless(profile.connects(), "device.purpose", given(&from.purpose).map(|text| &text.place));
    useless(profile.connects(), "device.bind_key", given(&from.bind_key).map(|text| &text.place));
    useless(
        !profile.has_memory(),
        "device.clear_memory",
        given(&from.clear_memory).map(|clear| &clear.place),
    );
    useless(!profile.has_consents(), "device.consents", from.consents.first().map(|(user, _)| &user.place));
    if profile.connects() {
        options.clear_memory = given(&from.clear_memory).is_some_and(|clear| clear.value);
        options.consents =
            from.consents.iter().filter_map(|(user, code)| consent(user, code, judge)).collect();
    } else {
        options.purpose = given(&from.purpose).and_then(|text| purpose(text, Purpose::OF_ADVERTISERS, judge));
        options.bind_key = given(&from.bind_key).and_then(|text| {
            bind_key(&text.value).or_else(|| judge.fault(&text.place, "device.bind_key", Problem::BindKey))
        });
    }
    options
}

pub(super) fn purpose(text: &Located<String>, known: &[Purpose], judge: &mut Judge<'_>) -> Option<Purpose> {
    let found = Purpose::from_name(&text.value).filter(|purpose| known.contains(purpose));
    judge.word(text, "device.purpose", "purpose", found, known.iter().map(|purpose| purpose.name()))
}

fn consent(user: &Located<String>, code: &Located<String>, judge: &mut Judge<'_>) -> Option<Consent> {
    const KEY: &str = "device.consents";
    let number = user.value.parse().ok().filter(|number| *number < 255);
    let number =
        number.or_else(|| judge.fault(&user.place, KEY, Problem::UserSlot { got: user.value.clone() }));
    let digits: Option<u16> = code.value.parse().ok().filter(|code| *code <= 9999);
    let code = digits.or_else(|| judge.fault(&code.place, KEY, Problem::ConsentCode));
    Some(Consent { user: number?, code: ConsentCode(code?) })
}

/// The key that these 32 hexadecimal digits are.
pub fn bind_key(text: &str) -> Option<[u8; 16]> {
    let is_hex = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| is_hex).map(u128::to_be_bytes)
}

pub(super) fn profile<'f>(
    from: &'f DeviceFragment,
    example: &str,
    judge: &mut Judge<'_>,
) -> Option<&'f Located<String>> {
    required(&from.profile, from, "device.profile", &format!("profile = \"{example}\""), judge)
}

pub(super) fn required<'f>(
    field: &'f Field<String>,
    from: &DeviceFragment,
    key: &str,
    example: &str,
    judge: &mut Judge<'_>,
) -> Option<&'f Located<String>> {
    judge.required(field, key, Some(&from.place), example)
}

/// The value, if it has not been there before.
pub(super) fn once<T: Clone + Eq + Hash>(
    seen: &mut HashMap<T, Place>,
    value: T,
    text: &Located<String>,
    key: &str,
    judge: &mut Judge<'_>,
) -> Option<T> {
    match seen.entry(value.clone()) {
        Entry::Occupied(first) => {
            let (got, first) = (text.value.clone(), first.get().clone());
            judge.fault(&text.place, key, Problem::Repeated { got, first })
        }
        Entry::Vacant(place) => {
            place.insert(text.place.clone());
            Some(value)
        }
    }
}

pub(super) fn given<T>(field: &Field<T>) -> Option<&Located<T>> {
    field.as_ref().and_then(|given| given.as_ref().ok())
}
