//! What a device can tell of a person, as far as its profile says.

use varde_drivers::BleProfile;

/// What a rule needs of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Whether somebody is in bed.
    Bed,
    /// Whether a door is used.
    Doors,
    /// Whether somebody moves.
    Motion,
    /// Measurements of a person.
    Measurements,
}

/// What a device can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// Its profile leaves it open.
    Anything,
    /// Only this.
    Only(Need),
    /// Nothing of a person but that they press it.
    Nothing,
}

impl Need {
    /// For a fault's words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Bed => "whether somebody is in bed",
            Self::Doors => "whether a door is used",
            Self::Motion => "whether somebody moves",
            Self::Measurements => "a measurement",
        }
    }
}

impl Gives {
    /// A Bluetooth device: meters measure; what a sensor tells, only its advertisements say.
    pub(super) const fn of_ble(profile: BleProfile) -> Self {
        if profile.connects() { Self::Only(Need::Measurements) } else { Self::Anything }
    }

    /// A device on a serial line, by the name of its profile. EEP families: F6-02 and F6-03 are rockers, D5-00 and F6-10
    /// contacts and handles, A5-07 and A5-08 occupancy sensors (EnOcean Equipment Profiles).
    pub(super) fn of_serial(profile: &str) -> Self {
        match profile.get(..5) {
            Some("F6-02" | "F6-03") => Self::Nothing,
            Some("D5-00" | "F6-10") => Self::Only(Need::Doors),
            Some("A5-07" | "A5-08") => Self::Only(Need::Motion),
            _ => Self::Anything,
        }
    }

    /// Whether it can tell this.
    pub(super) fn can(self, need: Need) -> bool {
        match self {
            Self::Anything => true,
            Self::Only(gives) => gives == need,
            Self::Nothing => false,
        }
    }
}
