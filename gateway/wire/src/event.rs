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
    BatteryEmpty "battery-empty" vkp Some("1.18"), scaip Some("0014"), "A device's battery is empty.",
    MainsLost "mains-lost" vkp Some("1.19"), scaip Some("0085"), "A device runs on its battery.",
    MainsRestored "mains-restored" vkp None, scaip Some("0086"), "A device has mains again.",
    Tamper "tamper" vkp None, scaip Some("0125"), "Somebody opened or moved a device.",
    TamperCleared "tamper-cleared" vkp None, scaip None, "A device is closed and in its place again.",
    PullCord "pull-cord" vkp Some("4.14"), scaip None, "Somebody pulled a cord for help.",
    Fall "fall" vkp Some("4.1"), scaip None, "Somebody fell.",
    Smoke "smoke" vkp Some("4.11"), scaip None, "A device smells smoke or feels fire.",
    SmokeCleared "smoke-cleared" vkp None, scaip None, "The smoke is gone.",
    Gas "gas" vkp Some("4.11"), scaip None, "A device smells gas or carbon monoxide.",
    GasCleared "gas-cleared" vkp None, scaip None, "The gas is gone.",
    Water "water" vkp Some("4.17"), scaip None, "A device feels water where none should be.",
    WaterCleared "water-cleared" vkp None, scaip None, "The water is gone.",
    Motion "motion" vkp Some("4.18"), scaip None, "Something moved.",
    MotionCleared "motion-cleared" vkp None, scaip None, "Nothing moves any more.",
    InBed "in-bed" vkp Some("4.20"), scaip None, "Somebody lay down in the bed.",
    LeftBed "left-bed" vkp Some("4.2"), scaip None, "Somebody left the bed.",
    EnteredRoom "entered-room" vkp Some("4.5"), scaip None, "Somebody came into a room.",
    LeftRoom "left-room" vkp Some("4.6"), scaip None, "The room is empty again.",
    DeviceFault "device-fault" vkp Some("1.5"), scaip None, "A device reports a fault of its own.",
    DeviceFaultCleared "device-fault-cleared" vkp None, scaip None, "A device's own fault is gone.",
    ClockWrong "clock-wrong" vkp None, scaip None, "A device's clock is far off and cannot be set.",
    ClockRestored "clock-restored" vkp None, scaip None, "A device's clock is right again.",
    CommandRefused "command-refused" vkp None, scaip None, "A command came that nobody who may command can have sent now: replayed, forged, or for another gateway.",
    DoseDispensed "dose-dispensed" vkp None, scaip Some("0083"), "A person took a dose out of a dispenser.",
    DoseOffered "dose-offered" vkp None, scaip None, "A dose lies ready and the person is called to it.",
    DoseMissed "dose-missed" vkp Some("1.1"), scaip Some("0081"), "A dose was not dispensed within its window.",
    DoseRefused "dose-refused" vkp Some("1.1"), scaip Some("0081"), "A person said that they do not take a dose.",
    DoseEarly "dose-early" vkp None, scaip Some("0083"), "A person took a dose out before its time.",
    DoseNotConfirmed "dose-not-confirmed" vkp Some("1.3"), scaip None, "The window of a dose is over and nobody knows what became of it.",
    DoseWithoutMedicine "dose-without-medicine" vkp Some("1.2"), scaip Some("0081"), "A dose could not be dispensed because the medicine is used up.",
    DispenserStuck "dispenser-stuck" vkp Some("1.8"), scaip None, "A dispenser's mechanism is stuck.",
    DispenserFreed "dispenser-freed" vkp None, scaip None, "A dispenser's mechanism runs again.",
    MedicineNearlyEmpty "medicine-nearly-empty" vkp Some("1.12"), scaip None, "A dispenser's medicine will soon be used up.",
    MedicineEmpty "medicine-empty" vkp Some("1.13"), scaip None, "A dispenser's medicine is used up.",
    MedicineRefilled "medicine-refilled" vkp None, scaip None, "There is medicine in a dispenser again.",
    DrawerFull "drawer-full" vkp Some("1.9"), scaip None, "A dispenser's drawer for doses that were not taken is full.",
    DrawerEmptied "drawer-emptied" vkp None, scaip None, "There is room in that drawer again.",
    DispenserOpened "dispenser-opened" vkp Some("1.21"), scaip None, "A dispenser was opened with its key.",
    DispenserClosed "dispenser-closed" vkp None, scaip None, "A dispenser is closed again.",
    BrokenInto "broken-into" vkp Some("1.22"), scaip None, "A dispenser was opened by force.",
    NoSchedule "no-schedule" vkp Some("1.14"), scaip None, "A dispenser has no plan to dispense by.",
    PlanDiffers "plan-differs" vkp None, scaip None, "A dispenser runs another plan than it was given.",
    PlanRestored "plan-restored" vkp None, scaip None, "A dispenser runs the plan that it was given again.",
    PreAlarmStarted "pre-alarm-started" vkp None, scaip None, "Somebody began to call for help and can still cancel it.",
    PreAlarmCancelled "pre-alarm-cancelled" vkp None, scaip None, "Somebody cancelled a call for help.",
    MessageAcknowledged "message-acknowledged" vkp None, scaip None, "A person acknowledged a message.",
    MessageNotRead "message-not-read" vkp Some("1.4"), scaip None, "Nobody acknowledged a message.",
    EventsLost "events-lost" vkp None, scaip None, "A device forgot events that it had not told, because its memory was full or is another.",
    SoftwareChanged "software-changed" vkp None, scaip None, "The gateway runs another version of its program than before.",
    ConfigurationChanged "configuration-changed" vkp None, scaip None, "The gateway was started with another configuration than before.",
    Seizure "seizure" vkp Some("4.24"), scaip None, "A device feels an epileptic seizure.",
}
