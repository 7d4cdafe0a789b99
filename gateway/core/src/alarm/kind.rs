//! Which observation is an alarm by itself, and which alarms nothing holds back.

use varde_wire::{AlarmKind, Event, Observation, Value};

/// Whether it is a call for help or a danger to life: never held back, whatever the configuration says.
pub const fn is_never_inhibited(kind: AlarmKind) -> bool {
    match kind {
        AlarmKind::Pendant
        | AlarmKind::PullCord
        | AlarmKind::Fall
        | AlarmKind::Smoke
        | AlarmKind::Gas
        | AlarmKind::Water
        | AlarmKind::Epilepsy
        | AlarmKind::Technical => true,
        AlarmKind::Bed
        | AlarmKind::Door
        | AlarmKind::Inactivity
        | AlarmKind::Absence
        | AlarmKind::Bathroom
        | AlarmKind::Measurement
        | AlarmKind::Dispenser => false,
    }
}

/// The alarm that this observation raises by itself, without any rule.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other event raises none by itself")]
pub const fn raised_by(observation: &Observation) -> Option<AlarmKind> {
    Some(match observation.value {
        Value::Event(Event::SafetyAlarm) => AlarmKind::Pendant,
        Value::Event(Event::PullCord) => AlarmKind::PullCord,
        Value::Event(Event::Fall) => AlarmKind::Fall,
        Value::Event(Event::Seizure) => AlarmKind::Epilepsy,
        Value::Event(Event::Smoke) => AlarmKind::Smoke,
        Value::Event(Event::Gas) => AlarmKind::Gas,
        Value::Event(Event::Water) => AlarmKind::Water,
        Value::Event(
            Event::DoseMissed
            | Event::DoseRefused
            | Event::DoseNotConfirmed
            | Event::DoseWithoutMedicine
            | Event::DispenserStuck
            | Event::MedicineEmpty
            | Event::NoSchedule
            | Event::BrokenInto,
        ) => AlarmKind::Dispenser,
        Value::Event(Event::DeviceFault) => AlarmKind::Technical,
        _ => return None,
    })
}

/// The alarm whose cause this observation says is gone.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other event clears none")]
pub const fn cleared_by(observation: &Observation) -> Option<AlarmKind> {
    Some(match observation.value {
        Value::Event(Event::SmokeCleared) => AlarmKind::Smoke,
        Value::Event(Event::GasCleared) => AlarmKind::Gas,
        Value::Event(Event::WaterCleared) => AlarmKind::Water,
        Value::Event(Event::DeviceFaultCleared) => AlarmKind::Technical,
        _ => return None,
    })
}
