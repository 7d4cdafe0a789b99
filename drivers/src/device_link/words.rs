//! A device's events in common words.

use varde_device_link::{Day, DeviceTime, DoseRef, Event, How, Portion, What, Zone};
use varde_wire::{self as wire, Decimal, DeviceId, Flags, LocalTime, Metric, Observation, Value};

use crate::home_time::local_of_seconds;

/// What the device said, the event first, then what it is about, then its number.
pub(super) fn observations(event: &Event, device: &DeviceId, zone: &Zone) -> Vec<Observation> {
    let (metric, word) = word(&event.what);
    let flags = match (event.what, event.time) {
        (What::Test, DeviceTime::Utc(_)) => Flags::TEST,
        (What::Test, DeviceTime::SinceBoot(_)) => Flags::TEST.with(Flags::DEVICE_CLOCK_UNSET),
        (_, DeviceTime::SinceBoot(_)) => Flags::DEVICE_CLOCK_UNSET,
        (_, DeviceTime::Utc(_)) => Flags::NONE,
    };
    let mut said = vec![(metric, Value::Event(word))];
    said.extend(details(&event.what));
    said.push((Metric::EVENT_NUMBER, whole(event.number)));
    let device_time = local_time(event.time, zone);
    said.into_iter()
        .map(|(metric, value)| Observation {
            device_time,
            flags,
            ..Observation::new(device.clone(), metric, value)
        })
        .collect()
}

/// What the gateway says of a dose of which the device says nothing.
pub(super) fn not_confirmed(dose: DoseRef, compartment: Option<u8>, device: &DeviceId) -> Vec<Observation> {
    let portion = Portion { dose: Some(dose), compartment };
    let event = (Metric::MEDICINE, Value::Event(wire::Event::DoseNotConfirmed));
    std::iter::once(event)
        .chain(about(portion))
        .map(|(metric, value)| Observation::new(device.clone(), metric, value))
        .collect()
}

/// A whole number, as a value.
pub(super) fn whole(number: impl Into<i64>) -> Value {
    Value::Decimal(Decimal::whole(number.into()))
}

fn word(what: &What) -> (Metric, wire::Event) {
    match what {
        What::Dispensed { .. } => (Metric::MEDICINE, wire::Event::DoseDispensed),
        What::Offered(_) => (Metric::MEDICINE, wire::Event::DoseOffered),
        What::Missed(_) => (Metric::MEDICINE, wire::Event::DoseMissed),
        What::Refused(_) => (Metric::MEDICINE, wire::Event::DoseRefused),
        What::Early(_) => (Metric::MEDICINE, wire::Event::DoseEarly),
        What::NotConfirmed(_) => (Metric::MEDICINE, wire::Event::DoseNotConfirmed),
        What::NoMedicine(_) => (Metric::MEDICINE, wire::Event::DoseWithoutMedicine),
        What::Jammed { .. } => (Metric::DEVICE_PROBLEM, wire::Event::DispenserStuck),
        What::JamCleared { .. } => (Metric::DEVICE_PROBLEM, wire::Event::DispenserFreed),
        What::Empty { .. } => (Metric::MEDICINE, wire::Event::MedicineEmpty),
        What::NearlyEmpty { .. } => (Metric::MEDICINE, wire::Event::MedicineNearlyEmpty),
        What::Refilled { .. } => (Metric::MEDICINE, wire::Event::MedicineRefilled),
        What::DrawerFull => (Metric::MEDICINE, wire::Event::DrawerFull),
        What::DrawerEmptied => (Metric::MEDICINE, wire::Event::DrawerEmptied),
        What::Opened => (Metric::TAMPER, wire::Event::DispenserOpened),
        What::Closed => (Metric::TAMPER, wire::Event::DispenserClosed),
        What::BrokenInto => (Metric::TAMPER, wire::Event::BrokenInto),
        What::Button { .. } => (Metric::SWITCH, wire::Event::ButtonPressed),
        What::Alarm | What::Test => (Metric::PERSONAL_ALARM, wire::Event::SafetyAlarm),
        What::PreAlarmStarted => (Metric::PERSONAL_ALARM, wire::Event::PreAlarmStarted),
        What::PreAlarmCancelled => (Metric::PERSONAL_ALARM, wire::Event::PreAlarmCancelled),
        What::MessageAcknowledged { .. } => (Metric::MESSAGE, wire::Event::MessageAcknowledged),
        What::MessageNotRead { .. } => (Metric::MESSAGE, wire::Event::MessageNotRead),
        What::NoSchedule => (Metric::MEDICINE, wire::Event::NoSchedule),
    }
}

fn details(what: &What) -> Vec<(Metric, Value)> {
    match what {
        What::Dispensed { how, portion } => {
            let kind = (Metric::EVENT_KIND, Value::Text(kind(*how).to_owned()));
            about(*portion).into_iter().chain([kind]).collect()
        }
        What::Offered(portion)
        | What::Missed(portion)
        | What::Refused(portion)
        | What::Early(portion)
        | What::NotConfirmed(portion)
        | What::NoMedicine(portion) => about(*portion),
        What::Jammed { compartment }
        | What::JamCleared { compartment }
        | What::Empty { compartment }
        | What::NearlyEmpty { compartment }
        | What::Refilled { compartment } => place(*compartment).into_iter().collect(),
        What::Button { index } => place(Some(*index)).into_iter().collect(),
        What::MessageAcknowledged { id } | What::MessageNotRead { id } => vec![(Metric::MESSAGE, whole(*id))],
        What::DrawerFull
        | What::DrawerEmptied
        | What::Opened
        | What::Closed
        | What::BrokenInto
        | What::Alarm
        | What::PreAlarmStarted
        | What::PreAlarmCancelled
        | What::Test
        | What::NoSchedule => Vec::new(),
    }
}

fn about(portion: Portion) -> Vec<(Metric, Value)> {
    let dose = portion.dose.map(|DoseRef { plan, dose, day }| {
        [
            (Metric::DOSING_PLAN, whole(plan)),
            (Metric::DOSE, whole(dose)),
            (Metric::DOSE_DAY, Value::Text(date(day))),
        ]
    });
    dose.into_iter().flatten().chain(place(portion.compartment)).collect()
}

fn place(index: Option<u8>) -> Option<(Metric, Value)> {
    index.map(|index| (Metric::OBJECT_INDEX, whole(index)))
}

const fn kind(how: How) -> &'static str {
    match how {
        How::Unassisted => "unassisted",
        How::Assisted => "assisted",
        How::AsNeeded => "as-needed",
        How::Travel => "travel",
    }
}

fn date(day: Day) -> String {
    let LocalTime { year, month, day, .. } = local_of_seconds(i64::from(day.0).saturating_mul(86_400));
    format!("{year:04}-{month:02}-{day:02}")
}

/// What a clock on the wall showed then; nothing where the device's clock was not set.
fn local_time(time: DeviceTime, zone: &Zone) -> Option<LocalTime> {
    let DeviceTime::Utc(ms) = time else { return None };
    let utc_s = ms / 1000;
    let seconds = u64::from(zone.local(utc_s).0).saturating_mul(60).saturating_add(utc_s % 60);
    Some(local_of_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_is_told_with_its_plan_day_place_and_number_in_local_time() {
        let dose = DoseRef { plan: 7, dose: 3, day: Day(20_541) };
        let portion = Portion { dose: Some(dose), compartment: Some(2) };
        let what = What::Dispensed { how: How::Assisted, portion };
        let event = Event { number: 41, time: DeviceTime::Utc(1_774_771_205_500), what };
        let zone = Zone { offset_min: 120, change: None };
        let said = observations(&event, &"dispenser-1".parse().unwrap(), &zone);
        let told: Vec<_> = said.iter().map(|one| (one.metric, one.value.to_string())).collect();
        let expected = [
            (Metric::MEDICINE, "dose-dispensed"),
            (Metric::DOSING_PLAN, "7"),
            (Metric::DOSE, "3"),
            (Metric::DOSE_DAY, "2026-03-29"),
            (Metric::OBJECT_INDEX, "2"),
            (Metric::EVENT_KIND, "assisted"),
            (Metric::EVENT_NUMBER, "41"),
        ]
        .map(|(metric, text)| (metric, text.to_owned()));
        assert_eq!(told, expected);
        assert!(said.iter().all(|one| one.device_time.unwrap().to_string() == "2026-03-29T10:00:05"));
    }

    #[test]
    fn a_test_is_marked_and_a_clock_that_is_not_set_gives_no_time() {
        let event = Event { number: 1, time: DeviceTime::SinceBoot(5), what: What::Test };
        let said = observations(&event, &"panel".parse().unwrap(), &Zone::default());
        assert!(said.iter().all(|one| one.flags.has(Flags::TEST.with(Flags::DEVICE_CLOCK_UNSET))));
        assert!(said.iter().all(|one| one.device_time.is_none()));
    }
}
