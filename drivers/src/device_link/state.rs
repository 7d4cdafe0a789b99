//! A device's state in common words: what changed, each fault once and its end once.

use varde_device_link::State;
use varde_wire::{DeviceId, Event, Metric, Observation, Unit, Value};

use super::words::whole;

/// In percent: below the first it is told, from the second on it is taken back. The gap keeps a battery on the edge
/// from telling each minute.
const LOW: (u8, u8) = (20, 30);
const EMPTY: (u8, u8) = (5, 10);

/// The charge is told again when it differs by so much.
const CHARGE_STEP: u8 = 5;

/// The states that are told and taken back.
const BATTERY_LOW: u8 = 1;
const BATTERY_EMPTY: u8 = 1 << 1;
const MAINS_LOST: u8 = 1 << 2;
const FAULT: u8 = 1 << 3;
const PLAN_DIFFERS: u8 = 1 << 4;

/// What was told of a device's state.
#[derive(Debug, Default)]
pub(super) struct Told {
    charge: Option<u8>,
    doses: Option<u16>,
    locked: Option<bool>,
}

impl Told {
    /// What is new in a state. `told` are the states that stand; `plan` is the version that the device should run,
    /// where it was given one.
    pub(super) fn news(
        &mut self,
        state: &State,
        plan: Option<u32>,
        told: &mut u8,
        device: &DeviceId,
    ) -> Vec<Vec<Observation>> {
        let mut news = Vec::new();
        let mut tell = |metric, value| news.push(vec![Observation::new(device.clone(), metric, value)]);
        if let Some(charge) = state.battery {
            if turns(told, BATTERY_EMPTY, charge < EMPTY.0, charge >= EMPTY.1) && *told & BATTERY_EMPTY != 0 {
                *told |= BATTERY_LOW;
                tell(Metric::BATTERY_STATE, Value::Event(Event::BatteryEmpty));
            } else if turns(told, BATTERY_LOW, charge < LOW.0, charge >= LOW.1) {
                let event = if *told & BATTERY_LOW != 0 { Event::BatteryLow } else { Event::BatteryRestored };
                tell(Metric::BATTERY_STATE, Value::Event(event));
            }
        }
        if let Some(mains) = state.mains
            && turns(told, MAINS_LOST, !mains, mains)
        {
            tell(Metric::MAINS, Value::Event(if mains { Event::MainsRestored } else { Event::MainsLost }));
        }
        if let Some(locked) = state.locked
            && self.locked.replace(locked) != Some(locked)
        {
            // Bit 0 says that it is unlocked.
            tell(Metric::LOCK, Value::Bits(u32::from(!locked)));
        }
        if let Some(doses) = state.level.doses()
            && self.doses.replace(doses) != Some(doses)
        {
            tell(Metric::DOSES_LEFT, whole(doses));
        }
        self.charge(state, device, &mut news);
        fault(state, told, device, &mut news);
        plan_differs(state, plan, told, device, &mut news);
        news
    }

    fn charge(&mut self, state: &State, device: &DeviceId, news: &mut Vec<Vec<Observation>>) {
        let Some(charge) = state.battery.filter(|charge| *charge <= 100) else { return };
        if self.charge.is_none_or(|told| told.abs_diff(charge) >= CHARGE_STEP) {
            self.charge = Some(charge);
            let observation = Observation::new(device.clone(), Metric::BATTERY, whole(charge));
            news.push(vec![Observation { unit: Some(Unit::Percent), ..observation }]);
        }
    }
}

/// With what does not work, for technicians.
fn fault(state: &State, told: &mut u8, device: &DeviceId, news: &mut Vec<Vec<Observation>>) {
    if !turns(told, FAULT, !state.faults.is_none(), state.faults.is_none()) {
        return;
    }
    let event = if state.faults.is_none() { Event::DeviceFaultCleared } else { Event::DeviceFault };
    let words = state.faults.names().collect::<Vec<_>>().join(", ");
    let text = (!words.is_empty()).then_some((Metric::TEXT, Value::Text(words)));
    let said = [(Metric::DEVICE_PROBLEM, Value::Event(event))].into_iter().chain(text);
    news.push(said.map(|(metric, value)| Observation::new(device.clone(), metric, value)).collect());
}

/// With the plan that it runs, where it runs one.
fn plan_differs(
    state: &State,
    plan: Option<u32>,
    told: &mut u8,
    device: &DeviceId,
    news: &mut Vec<Vec<Observation>>,
) {
    let Some(plan) = plan else { return };
    let is_right = state.plan == Some(plan);
    if !turns(told, PLAN_DIFFERS, !is_right, is_right) {
        return;
    }
    let event = if is_right { Event::PlanRestored } else { Event::PlanDiffers };
    let runs = state.plan.map(|version| (Metric::DOSING_PLAN, whole(version)));
    let said = [(Metric::MEDICINE, Value::Event(event))].into_iter().chain(runs);
    news.push(said.map(|(metric, value)| Observation::new(device.clone(), metric, value)).collect());
}

/// Whether a state that is told begins or ends to be so.
fn turns(told: &mut u8, state: u8, begins: bool, ends: bool) -> bool {
    let stands = *told & state != 0;
    if if stands { ends } else { begins } {
        *told ^= state;
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use varde_device_link::{Faults, Level};

    use super::*;

    fn words(told: &mut Told, bits: &mut u8, plan: Option<u32>, state: &State) -> Vec<String> {
        let device = "dispenser-1".parse().unwrap();
        let news = told.news(state, plan, bits, &device);
        news.iter()
            .map(|one| one.iter().map(|said| said.value.to_string()).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn each_state_is_told_once_and_taken_back_once() {
        let (mut told, mut bits) = (Told::default(), 0);
        let well = State {
            plan: Some(4),
            battery: Some(80),
            mains: Some(true),
            locked: Some(true),
            level: Level::Doses(28),
            ..State::default()
        };
        assert_eq!(words(&mut told, &mut bits, Some(4), &well), ["0x0", "28", "80"]);
        assert_eq!(words(&mut told, &mut bits, Some(4), &well), [""; 0]);
        let table: [(State, &[&str]); 9] = [
            (State { mains: Some(false), battery: Some(78), ..well.clone() }, &["mains-lost"]),
            (State { battery: Some(19), ..well.clone() }, &["battery-low", "mains-restored", "19"]),
            (State { battery: Some(21), ..well.clone() }, &[]),
            (State { battery: Some(4), ..well.clone() }, &["battery-empty", "4"]),
            (State { battery: Some(29), ..well.clone() }, &["29"]),
            (State { battery: Some(31), ..well.clone() }, &["battery-restored"]),
            (
                State { faults: Faults::JAM.with(Faults::CLOCK), battery: Some(31), ..well.clone() },
                &["device-fault jam, clock"],
            ),
            (
                State { plan: Some(3), battery: Some(31), ..well.clone() },
                &["device-fault-cleared", "plan-differs 3"],
            ),
            (State { battery: Some(31), ..well.clone() }, &["plan-restored 4"]),
        ];
        for (state, expected) in table {
            assert_eq!(words(&mut told, &mut bits, Some(4), &state), expected, "{state:?}");
        }
    }

    #[test]
    fn what_was_told_before_a_restart_is_not_told_again() {
        let (mut bits, dead) = (0, State { battery: Some(3), ..State::default() });
        assert_eq!(words(&mut Told::default(), &mut bits, None, &dead), ["battery-empty", "3"]);
        assert_eq!(words(&mut Told::default(), &mut bits, None, &dead), ["3"]);
    }
}
