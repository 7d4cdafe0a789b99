//! A heart rate belt, as a [`Meter`].
//!
//! A belt notifies each second for as long as it is worn: 86,400 rates a day, of which nobody reads more than the
//! trend. So not each is passed on, but
//!
//! - at once, whenever the sensor loses the skin or finds it again;
//! - then one each [`EVERY`], so that a steady heart is seen to be steady;
//! - sooner, but no sooner than [`SOONEST`], where the rate has moved by [`STEP`] since the last one passed on.
//!
//! Every other notification is a sign of life and no more; its RR intervals go with it, since intervals with gaps
//! between them are samples either way. Energy is a running total that belts send now and then: the newest goes with
//! the next rate that is passed on.

use std::time::Duration;

use varde_wire::Instant;

use crate::gatt::heart_rate::{BODY_SENSOR_LOCATION, BodySensorLocation, HeartRateMeasurement, MEASUREMENT};
use crate::gatt::meter::{Meter, Taken, Visit, unexpected};
use crate::{Description, FrameError, Uuid};

/// How often a steady rate is passed on.
const EVERY: Duration = Duration::from_secs(60);

/// How soon after one rate the next may be.
const SOONEST: Duration = Duration::from_secs(5);

/// What a rate has to move to be passed on early: beats per minute.
const STEP: u16 = 10;

/// One belt.
#[derive(Debug, Default)]
pub(crate) struct Belt {
    location: Option<BodySensorLocation>,
    last: Option<Passed>,
    energy_expended: Option<u16>,
}

/// A measurement that was passed on.
#[derive(Debug)]
struct Passed {
    at: Instant,
    rate: u16,
    contact: Option<bool>,
}

impl Meter for Belt {
    const MEASUREMENTS: &'static [Uuid] = &[MEASUREMENT];
    const DAILY: &'static [Uuid] = &[BODY_SENSOR_LOCATION];

    fn take(&mut self, characteristic: Uuid, bytes: &[u8], visit: &Visit<'_>) -> Result<Taken, FrameError> {
        match characteristic {
            MEASUREMENT => Ok(self.measured(HeartRateMeasurement::decode(bytes)?, visit)),
            BODY_SENSOR_LOCATION => {
                self.location = Some(BodySensorLocation::decode(bytes)?);
                Ok(Taken::learned())
            }
            _ => Err(unexpected()),
        }
    }

    fn describe(&self) -> Description {
        self.location.as_ref().map(BodySensorLocation::describe).unwrap_or_default()
    }
}

impl Belt {
    fn measured(&mut self, mut measurement: HeartRateMeasurement, visit: &Visit<'_>) -> Taken {
        self.energy_expended = measurement.energy_expended.or(self.energy_expended);
        if self.last.as_ref().is_some_and(|last| !last.is_followed_by(&measurement, visit.now)) {
            return Taken::learned();
        }
        self.last = Some(Passed { at: visit.now, rate: measurement.rate, contact: measurement.contact });
        measurement.energy_expended = self.energy_expended.take();
        Taken::measured(measurement.observations(visit.device))
    }
}

impl Passed {
    fn is_followed_by(&self, next: &HeartRateMeasurement, now: Instant) -> bool {
        if self.contact != next.contact {
            return true;
        }
        // That there is still no contact is nothing new.
        if next.contact == Some(false) {
            return false;
        }
        let age = now.since(self.at);
        age >= EVERY || age >= SOONEST && self.rate.abs_diff(next.rate) >= STEP
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use varde_wire::{Metric, Value};

    use super::*;
    use crate::gatt::MeterSession;
    use crate::{Channel, Input, Output, Session};

    /// What comes out of notifications, one a second: the second, and what was passed on.
    fn passed(notifications: impl IntoIterator<Item = Vec<u8>>) -> Vec<(u64, String)> {
        let mut session = MeterSession::new("belt-1".parse().unwrap(), Belt::default());
        let mut passed = Vec::new();
        for (second, bytes) in (0..).zip(notifications) {
            let input = Input::Chunk { channel: Channel::Notified(MEASUREMENT), bytes: &bytes };
            session.handle_input(input, Instant::from_millis(second * 1000));
            for output in std::iter::from_fn(|| session.poll_output()) {
                if let Output::Reading(reading) = output {
                    let values: Vec<_> = reading.observations.iter().map(|o| o.value.to_string()).collect();
                    passed.push((second, values.join(" ")));
                } else {
                    assert!(matches!(output, Output::Heard(_)), "{output:?}");
                }
            }
        }
        passed
    }

    fn seconds(passed: &[(u64, String)]) -> Vec<u64> {
        passed.iter().map(|(second, _)| *second).collect()
    }

    #[test]
    fn a_steady_heart_is_told_once_a_minute() {
        let wobbling = (0..180).map(|second| vec![6, 70 + second % 5]);
        assert_eq!(seconds(&passed(wobbling)), [0, 60, 120]);
    }

    #[test]
    fn a_rate_that_moves_is_told_early_but_not_each_second() {
        let racing = (0..20).map(|second| vec![6, 60 + second * 4]);
        assert_eq!(seconds(&passed(racing)), [0, 5, 10, 15]);
    }

    #[test]
    fn a_sensor_that_comes_off_is_told_at_once_and_once() {
        let mut notifications = vec![vec![6, 70]; 3];
        notifications.extend(vec![vec![4, 255]; 100]);
        notifications.push(vec![6, 70]);
        let expected = [(0, "70"), (3, "not-a-number"), (103, "70")].map(|(s, text)| (s, text.to_owned()));
        assert_eq!(passed(notifications), expected);
    }

    #[test]
    fn the_newest_energy_goes_with_the_next_rate_that_is_passed_on() {
        let notifications = (0..61).map(|s| if s % 10 == 7 { vec![14, 70, s, 0] } else { vec![6, 70] });
        assert_eq!(passed(notifications)[1], (60, "70 57".to_owned()));
    }

    #[test]
    fn the_place_it_is_worn_at_is_kept() {
        let mut session = MeterSession::new("belt-1".parse().unwrap(), Belt::default());
        let input = Input::Chunk { channel: Channel::Read(BODY_SENSOR_LOCATION), bytes: &[1] };
        session.handle_input(input, Instant::from_millis(0));
        assert_eq!(session.device_description().fields()[0].value, "chest".into());
    }

    proptest! {
        /// Whatever a belt sends: the hub knows of each loss of contact, and never of a rate that is more than a
        /// minute old or, five seconds on, ten beats off.
        #[test]
        fn the_receiver_is_never_far_from_what_the_belt_says(
            stream in proptest::collection::vec((any::<bool>(), 40..180_u8), 1..200)
        ) {
            let mut belt = Belt::default();
            let device = "belt-1".parse().unwrap();
            let mut known: Option<(u64, Option<u8>)> = None;
            for (second, (contact, rate)) in (0..).zip(stream) {
                let now = Instant::from_millis(second * 1000);
                let visit = Visit { device: &device, home_time: None, now, is_stored: false };
                let taken = belt.take(MEASUREMENT, &[if contact { 6 } else { 4 }, rate], &visit).unwrap();
                if let [first, ..] = &taken.observations[..] {
                    prop_assert_eq!(first.metric, Metric::HEART_RATE);
                    prop_assert_eq!(matches!(first.value, Value::Decimal(_)), contact);
                    known = Some((second, contact.then_some(rate)));
                }
                let (at, told) = known.unwrap();
                prop_assert_eq!(told.is_some(), contact);
                if let Some(told) = told {
                    prop_assert!(second - at < 60);
                    prop_assert!(second - at < 5 || told.abs_diff(rate) < 10);
                }
            }
        }
    }
}
