//! Alarms and events, in the words of the services that receive them.
//!
//! VKP: `vkp-alert-code-v090` of the Norwegian Velferdsteknologisk knutepunkt. SCAIP: the public vocabulary
//! of technical events, which VKP lacks. Every fault has its restored twin.

use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($name:ident $text:literal vkp $vkp:expr, scaip $scaip:expr, $doc:literal,)*) => {
        /// Something that happened. On the wire its place in this list: append only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Event {
            $(#[doc = $doc] $name,)*
        }

        impl Event {
            /// Every event, in wire order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The event's word in output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Its VKP alert code, where VKP has one.
            pub const fn vkp(self) -> Option<&'static str> {
                match self { $(Self::$name => $vkp,)* }
            }

            /// Its SCAIP status code, where the public vocabulary has one.
            pub const fn scaip(self) -> Option<&'static str> {
                match self { $(Self::$name => $scaip,)* }
            }
        }
    };
}

events! {
    SafetyAlarm "safety-alarm" vkp Some("3"), scaip None, "Somebody pressed for help.",
    ButtonPressed "button-pressed" vkp Some("4.13"), scaip None, "A button that is no alarm was pressed.",
    ButtonReleased "button-released" vkp None, scaip None, "A button was let go.",
    DoorOpened "door-opened" vkp Some("4.15"), scaip None, "A door or window opened.",
    DoorClosed "door-closed" vkp Some("4.16"), scaip None, "A door or window closed.",
    BatteryLow "battery-low" vkp Some("1.17"), scaip Some("0016"), "A device's battery is low.",
    BatteryRestored "battery-restored" vkp None, scaip None, "A device's battery is well again.",
    TechnicalFault "technical-fault" vkp Some("1.5"), scaip None, "Something in the gateway does not work.",
    TechnicalRestored "technical-restored" vkp None, scaip None, "What did not work in the gateway works again.",
    ContactLost "contact-lost" vkp Some("1.20"), scaip None, "A device that should be heard is silent.",
    ContactRestored "contact-restored" vkp None, scaip None, "A device that was silent is heard again.",
}
