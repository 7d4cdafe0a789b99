//! How two devices agree on a key (Core 5.4, Vol 3, Part H, §2.3.5.1), with the words BlueZ has for it.

use super::peripheral::Security;

/// What a device has for the person who pairs it (ibid., table 2.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Capability {
    /// It shows numbers.
    DisplayOnly,
    /// It shows numbers and has a button for yes and one for no.
    DisplayYesNo,
    /// Numbers can be typed on it.
    KeyboardOnly,
    /// It has nothing.
    NoInputNoOutput,
    /// It shows numbers and numbers can be typed on it.
    KeyboardDisplay,
}

impl Capability {
    /// From the word an agent is registered with; no word is the fullest capability.
    pub(super) fn named(word: &str) -> Option<Self> {
        match word {
            "DisplayOnly" => Some(Self::DisplayOnly),
            "DisplayYesNo" => Some(Self::DisplayYesNo),
            "KeyboardOnly" => Some(Self::KeyboardOnly),
            "NoInputNoOutput" => Some(Self::NoInputNoOutput),
            "" | "KeyboardDisplay" => Some(Self::KeyboardDisplay),
            _ => None,
        }
    }
}

/// How a peripheral pairs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pairing {
    /// What it has for its user.
    pub capability: Capability,
    /// The least it takes: below [`Security::Authenticated`] it is content with Just Works.
    pub demands: Security,
}

impl Pairing {
    /// Nothing to show and nothing to press.
    pub const JUST_WORKS: Self =
        Self { capability: Capability::NoInputNoOutput, demands: Security::Encrypted };

    /// It shows a passkey that has to be typed on the other side.
    pub const SHOWS_PASSKEY: Self =
        Self { capability: Capability::DisplayOnly, demands: Security::Authenticated };
}

/// Who shows and who types, from the gateway's side, which always starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Association {
    /// Nobody.
    JustWorks,
    /// The peripheral shows a passkey that is typed at the gateway.
    TypedHere,
    /// The gateway shows a passkey that is typed on the peripheral.
    TypedThere,
    /// Both show a number and somebody compares.
    Compared,
}

impl Association {
    /// As Linux chooses with LE Secure Connections. It asks for more than Just Works wherever its agent can do
    /// anything, and asks nobody before a Just Works pairing that it starts itself.
    pub(super) fn between(here: Capability, there: Pairing) -> Self {
        use Capability::{DisplayOnly, DisplayYesNo, KeyboardDisplay, KeyboardOnly, NoInputNoOutput};
        match (here, there.capability) {
            (NoInputNoOutput, _) | (_, NoInputNoOutput) => Self::JustWorks,
            (DisplayOnly | DisplayYesNo, DisplayOnly) | (DisplayOnly, DisplayYesNo) => Self::JustWorks,
            (DisplayYesNo | KeyboardDisplay, DisplayYesNo | KeyboardDisplay) => Self::Compared,
            (KeyboardOnly, _) | (KeyboardDisplay, DisplayOnly) => Self::TypedHere,
            (DisplayOnly, KeyboardDisplay) | (DisplayOnly | DisplayYesNo | KeyboardDisplay, KeyboardOnly) => {
                Self::TypedThere
            }
        }
    }

    /// What the key is worth.
    pub(super) const fn security(self) -> Security {
        match self {
            Self::JustWorks => Security::Encrypted,
            Self::TypedHere | Self::TypedThere | Self::Compared => Security::Authenticated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Core 5.4, Vol 3, Part H, table 2.8, LE Secure Connections: the initiator in columns, the responder in rows.
    #[test]
    fn the_association_is_that_of_the_specifications_table() {
        use Association::{Compared as C, JustWorks as J, TypedHere as H, TypedThere as T};
        use Capability::{DisplayOnly, DisplayYesNo, KeyboardDisplay, KeyboardOnly, NoInputNoOutput};
        let all = [DisplayOnly, DisplayYesNo, KeyboardOnly, NoInputNoOutput, KeyboardDisplay];
        let table = [[J, J, H, J, H], [J, C, H, J, C], [T, T, H, J, T], [J, J, J, J, J], [T, C, H, J, C]];
        for (there, row) in all.into_iter().zip(table) {
            let there = Pairing { capability: there, demands: Security::Encrypted };
            assert_eq!(all.map(|here| Association::between(here, there)), row, "{there:?}");
        }
    }
}
