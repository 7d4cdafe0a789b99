//! What of a stream of measurements is passed on: a measurement comes up to three times a second, day and night, and
//! nobody reads more of it than its course.

use std::time::Duration;

use varde_wire::Instant;

use crate::nonin::oximetry::Oximetry;

/// How often a steady person is passed on.
const EVERY: Duration = Duration::from_mins(1);
/// How soon after one measurement the next may be.
const SOONEST: Duration = Duration::from_secs(5);
/// How long numbers have to be missing, or back, to be told: a single beat that does not fit is no news.
const HOLD: Duration = Duration::from_secs(3);
/// What has to change to be passed on early: percent, and beats per minute.
const STEP_SPO2: u8 = 2;
const STEP_PULSE_RATE: u16 = 10;

/// What was passed on, and what has been so since.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    passed: Option<Passed>,
    /// Since when numbers are there that were missing, or missing that were there.
    turned: Option<Instant>,
}

#[derive(Debug)]
struct Passed {
    at: Instant,
    spo2: Option<u8>,
    pulse_rate: Option<u16>,
}

impl Pace {
    /// Whether this measurement is to be passed on.
    pub(crate) fn admits(&mut self, oximetry: &Oximetry, now: Instant) -> bool {
        let (spo2, pulse_rate) = (oximetry.believed_spo2(), oximetry.believed_pulse_rate());
        let has_numbers = spo2.is_some() && pulse_rate.is_some();
        let admits = match &self.passed {
            // That there is nothing yet is no news.
            None => has_numbers,
            Some(passed) if passed.has_numbers() != has_numbers => {
                now.since(*self.turned.get_or_insert(now)) >= HOLD
            }
            Some(passed) => {
                self.turned = None;
                let age = now.since(passed.at);
                has_numbers && (age >= EVERY || age >= SOONEST && passed.is_far_from(spo2, pulse_rate))
            }
        };
        if admits {
            self.turned = None;
            self.passed = Some(Passed { at: now, spo2, pulse_rate });
        }
        admits
    }
}

impl Passed {
    const fn has_numbers(&self) -> bool {
        self.spo2.is_some() && self.pulse_rate.is_some()
    }

    fn is_far_from(&self, spo2: Option<u8>, pulse_rate: Option<u16>) -> bool {
        self.spo2.zip(spo2).is_some_and(|(a, b)| a.abs_diff(b) >= STEP_SPO2)
            || self.pulse_rate.zip(pulse_rate).is_some_and(|(a, b)| a.abs_diff(b) >= STEP_PULSE_RATE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nonin::oximetry::Signal;

    fn oximetry(spo2: u8, pulse_rate: u16, artifact: bool) -> Oximetry {
        let signal = Signal { artifact, ..Signal::default() };
        Oximetry { spo2: Some(spo2), pulse_rate: Some(pulse_rate), signal, ..Oximetry::default() }
    }

    /// The seconds at which something was passed on, of one measurement a second.
    fn seconds(measurements: impl IntoIterator<Item = Oximetry>) -> Vec<u64> {
        let mut pace = Pace::default();
        let at = |second: u64| Instant::from_millis(second * 1000);
        let admitted = (0..).zip(measurements).filter(|(second, o)| pace.admits(o, at(*second)));
        admitted.map(|(second, _)| second).collect()
    }

    #[test]
    fn a_steady_person_is_told_once_a_minute_and_a_falling_one_early() {
        assert_eq!(seconds((0..130).map(|s| oximetry(97, 70 + s % 3, false))), [0, 60, 120]);
        assert_eq!(seconds((0..12).map(|s| oximetry(97 - s, 70, false))), [0, 5, 10]);
    }

    #[test]
    fn a_beat_that_does_not_fit_is_no_news_and_a_sensor_that_comes_off_is_told_once() {
        let with = |artifacts: std::ops::Range<u64>| move |s: u64| oximetry(97, 70, artifacts.contains(&s));
        assert_eq!(seconds((0..50).map(with(10..12))), [0]);
        assert_eq!(seconds((0..50).map(with(10..30))), [0, 13, 33]);
        assert_eq!(seconds((0..50).map(with(0..20))), [20]);
    }

    proptest! {
        /// Whatever comes: the receiver never holds a number that is more than a minute old, nor, eight seconds on,
        /// one that is off by a step, nor one where there has been none for three seconds.
        #[test]
        fn the_receiver_is_never_far_from_what_the_oximeter_says(
            stream in proptest::collection::vec((90..100_u8, 50..120_u16, any::<bool>()), 1..200),
        ) {
            let mut pace = Pace::default();
            let mut told: Option<(u64, Option<u8>)> = None;
            let mut turned = 0;
            for (second, (spo2, pulse_rate, artifact)) in (0_u64..).zip(stream) {
                let said = oximetry(spo2, pulse_rate, artifact);
                if pace.admits(&said, Instant::from_millis(second * 1000)) {
                    told = Some((second, said.believed_spo2()));
                }
                let Some((at, number)) = told else { continue };
                turned = if number.is_some() == artifact { turned + 1 } else { 0 };
                prop_assert!(turned <= 3);
                if let (Some(number), false) = (number, artifact) {
                    prop_assert!(second - at < 60);
                    prop_assert!(second - at < 5 || number.abs_diff(spo2) < STEP_SPO2);
                }
            }
        }
    }
}
