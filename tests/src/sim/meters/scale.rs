//! A body composition scale that several people use.
//!
//! Bytes follow the Weight Scale Service 1.0, the Body Composition Service 1.0 and the User Data Service 1.1.

use std::{collections::BTreeMap, time::Duration};

use jiff::civil::DateTime;
use uuid::Uuid;

use super::{Firmware, Link, Meter, Setup, battery, information, values::date_time};
use crate::sim::bluez::{Bluez, Characteristic, Event, Radio, Service, uuid16};

/// The Weight Scale service.
pub const SERVICE: Uuid = uuid16(0x181D);
/// The Weight Measurement characteristic.
pub const WEIGHT: Uuid = uuid16(0x2A9D);
/// The Body Composition Measurement characteristic.
pub const COMPOSITION: Uuid = uuid16(0x2A9C);
/// The User Control Point characteristic.
pub const USER_CONTROL_POINT: Uuid = uuid16(0x2A9F);
const USER_INDEX: Uuid = uuid16(0x2A9A);
/// The user of a measurement whose owner the scale does not know.
pub const UNKNOWN_USER: u8 = 0xFF;
/// Core specification supplement, part B: the control point's indications are not configured.
const IMPROPERLY_CONFIGURED: u8 = 0xFD;

/// What one person's stepping on gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weighing {
    /// Units of 5 g; 0xFFFF where it did not succeed.
    pub weight: u16,
    /// The scale's own clock, if it has one.
    pub taken: Option<DateTime>,
    /// Which of the scale's users, or [`UNKNOWN_USER`]; none of a scale for one person.
    pub user: Option<u8>,
    /// Tenths of kg/m² and height in millimetres, where the scale knows the person's height.
    pub bmi: Option<(u16, u16)>,
    /// What bare feet gave.
    pub composition: Option<Composition>,
}

/// What the current through the body told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Composition {
    /// Tenths of a percent.
    pub fat: u16,
    /// Basal metabolism in kJ.
    pub metabolism: Option<u16>,
    /// Muscle in tenths of a percent.
    pub muscle: Option<u16>,
    /// Body water in units of 5 g.
    pub water: Option<u16>,
    /// Tenths of an ohm.
    pub impedance: Option<u16>,
}

impl Weighing {
    /// The value of a Weight Measurement in SI units (WSS 1.0 §3.2).
    pub fn weight_bytes(&self) -> Vec<u8> {
        let Self { weight, taken, user, bmi, composition: _ } = *self;
        let flags =
            u8::from(taken.is_some()) << 1 | u8::from(user.is_some()) << 2 | u8::from(bmi.is_some()) << 3;
        let mut bytes = vec![flags];
        bytes.extend(weight.to_le_bytes());
        bytes.extend(taken.into_iter().flat_map(date_time));
        bytes.extend(user);
        bytes.extend(bmi.into_iter().flat_map(|(bmi, height)| [bmi, height]).flat_map(u16::to_le_bytes));
        bytes
    }

    /// The value of a Body Composition Measurement in SI units (BCS 1.0 §3.2).
    pub fn composition_bytes(&self) -> Option<Vec<u8>> {
        let Composition { fat, metabolism, muscle, water, impedance } = self.composition?;
        // Stands in the order of its flag's bit.
        let numbers = [(3, metabolism), (4, muscle), (8, water), (9, impedance), (10, Some(self.weight))];
        let mut flags = u16::from(self.taken.is_some()) << 1 | u16::from(self.user.is_some()) << 2;
        let mut fields: Vec<u8> = fat.to_le_bytes().to_vec();
        fields.extend(self.taken.into_iter().flat_map(date_time));
        fields.extend(self.user);
        for (bit, number) in numbers {
            flags |= u16::from(number.is_some()) << bit;
            fields.extend(number.into_iter().flat_map(u16::to_le_bytes));
        }
        Some(flags.to_le_bytes().into_iter().chain(fields).collect())
    }
}

/// A scale in range.
pub type WeightScale = Meter<Scale>;

/// The inside of a [`WeightScale`].
#[derive(Debug)]
pub struct Scale {
    waiting: Vec<Weighing>,
    confirmed: usize,
    /// The consent code of each user.
    users: BTreeMap<u8, u16>,
    /// Whether a user's measurements go only to who has that user's consent.
    discreet: bool,
    consented: Option<u8>,
}

impl WeightScale {
    /// Brings a scale into range; a `discreet` one hands a user's measurements only to who gives that user's code.
    pub fn switch_on(bluez: &Bluez, setup: &Setup, discreet: bool) -> Self {
        // Time stamp, several users, BMI; resolution of 5 g and 1 mm.
        let weight_feature = 0b00_1011_1111_u32.to_le_bytes();
        // Time stamp, several users, metabolism, muscle, water, impedance, weight; 5 g.
        let composition_feature = 0b0011_1011_0000_1111_u32.to_le_bytes();
        let mut services = vec![
            Service {
                uuid: SERVICE,
                characteristics: vec![
                    Characteristic::indicating(WEIGHT),
                    Characteristic::readable(uuid16(0x2A9E), weight_feature),
                ],
            },
            Service {
                uuid: uuid16(0x181B),
                characteristics: vec![
                    Characteristic::indicating(COMPOSITION),
                    Characteristic::readable(uuid16(0x2A9B), composition_feature),
                ],
            },
            battery(55),
            information("WS-9"),
        ];
        let control_point = Characteristic::control_point(USER_CONTROL_POINT);
        services.push(Service {
            uuid: uuid16(0x181C),
            characteristics: vec![
                Characteristic::readable(USER_INDEX, [UNKNOWN_USER]),
                control_point.configured_first(IMPROPERLY_CONFIGURED),
            ],
        });
        let (waiting, users) = (Vec::new(), BTreeMap::new());
        let firmware = Scale { waiting, confirmed: 0, users, discreet, consented: None };
        Self::bring(bluez, setup, "WS-9", services, firmware)
    }
}

impl Scale {
    /// Somebody steps on it.
    pub fn weigh(&mut self, weighing: Weighing) {
        self.waiting.push(weighing);
    }

    /// A user with a consent code was set up on the scale itself.
    pub fn set_up_user(&mut self, user: u8, code: u16) {
        self.users.insert(user, code);
    }

    /// Its users, those registered over the link among them.
    pub const fn users(&self) -> &BTreeMap<u8, u16> {
        &self.users
    }

    /// How many weighings have not been confirmed.
    pub const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many have.
    pub const fn confirmed(&self) -> usize {
        self.confirmed
    }

    /// UDS 1.1 §3.8: registers, consents or deletes.
    fn control(&mut self, request: &[u8]) -> Vec<u8> {
        const SUCCESS: u8 = 1;
        const NOT_SUPPORTED: u8 = 2;
        const INVALID: u8 = 3;
        const NOT_AUTHORIZED: u8 = 5;
        let (op, result) = match *request {
            [1, low, high] => {
                let user = (1..UNKNOWN_USER).find(|user| !self.users.contains_key(user)).unwrap_or_default();
                self.users.insert(user, u16::from_le_bytes([low, high]));
                return vec![0x20, 1, SUCCESS, user];
            }
            [2, user, low, high] => {
                let code = u16::from_le_bytes([low, high]);
                self.consented = self.users.get(&user).filter(|known| **known == code).map(|_| user);
                (2, if self.consented.is_some() { SUCCESS } else { NOT_AUTHORIZED })
            }
            [3] => match self.consented.take() {
                Some(user) => {
                    self.users.remove(&user);
                    (3, SUCCESS)
                }
                None => (3, NOT_AUTHORIZED),
            },
            [op @ 1..=3, ..] => (op, INVALID),
            [op, ..] => (op, NOT_SUPPORTED),
            [] => (0, INVALID),
        };
        vec![0x20, op, result]
    }

    fn may_send(&self, weighing: &Weighing) -> bool {
        !self.discreet || weighing.user.is_none_or(|user| Some(user) == self.consented)
    }
}

impl Firmware for Scale {
    const HANGS_UP_WHEN_IDLE: bool = true;

    fn calls(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn hear(&mut self, event: Event, _link: &Link, radio: &Radio) {
        if let Event::Written(USER_CONTROL_POINT, request) = event {
            let response = self.control(&request);
            radio.indicate(USER_CONTROL_POINT, response);
        } else if event == Event::Disconnected {
            self.consented = None;
        }
        radio.set_value(USER_INDEX, [self.consented.unwrap_or(UNKNOWN_USER)]);
    }

    fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        // Who wants the composition subscribes to both, one after the other.
        if !link.subscribed(WEIGHT) || !link.subscribed(COMPOSITION) {
            return None;
        }
        let (mut kept, waited) = (Vec::new(), self.waiting.len());
        for weighing in std::mem::take(&mut self.waiting) {
            let sent = self.may_send(&weighing)
                && radio.indicate(WEIGHT, weighing.weight_bytes())
                && weighing.composition_bytes().is_none_or(|bytes| radio.indicate(COMPOSITION, bytes));
            if !sent {
                kept.push(weighing);
            }
        }
        self.confirmed += waited - kept.len();
        self.waiting = kept;
        if waited > 0 && self.waiting.is_empty() {
            radio.disconnect();
        }
        None
    }
}
