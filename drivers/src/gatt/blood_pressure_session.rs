//! The link to a blood pressure cuff.
//!
//! A cuff connects for some seconds after a measurement, sends it, and goes. So it is subscribed to first; what
//! changes slowly (battery, features, device information) is asked for after that, and once a day only: each
//! answer costs the cuff's battery.

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::{DeviceId, Instant};

use crate::gatt::battery::{BATTERY_LEVEL, BatteryLevel};
use crate::gatt::blood_pressure::{
    BloodPressureFeature, BloodPressureMeasurement, FEATURE, INTERMEDIATE_CUFF_PRESSURE,
    IntermediateCuffPressure, MEASUREMENT,
};
use crate::gatt::device_information::DeviceInformation;
use crate::{
    Channel, Description, FrameError, Input, Output, Problem, Reading, Refused, Request, Session, Uuid,
};

/// How long the answers of a round of questions are good for.
const ROUND: Duration = Duration::from_hours(24);

/// One cuff.
pub(crate) struct BloodPressureSession {
    device: DeviceId,
    connected: bool,
    round: Round,
    feature: Option<BloodPressureFeature>,
    information: DeviceInformation,
    outputs: VecDeque<Output>,
}

/// The round of questions.
#[derive(Clone, Copy)]
enum Round {
    /// Due at the next connection.
    Due,
    /// Asked, and nothing answered yet: a cuff that goes now is asked again when it comes.
    Asked(Instant),
    /// At least one answer came: the cuff took part. Characteristics that it lacks are not asked for again today.
    Answered(Instant),
}

impl BloodPressureSession {
    pub(crate) fn new(device: DeviceId) -> Self {
        Self {
            device,
            connected: false,
            round: Round::Due,
            feature: None,
            information: DeviceInformation::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Asks the round of questions if it is due, the most wanted first.
    fn ask(&mut self, now: Instant) {
        if self.round.due().is_some_and(|due| now < due) {
            return;
        }
        self.round = Round::Asked(now);
        let questions = [BATTERY_LEVEL, FEATURE].into_iter().chain(DeviceInformation::CHARACTERISTICS);
        self.outputs.extend(questions.map(|uuid| Output::Request(Request::Read(uuid))));
    }

    fn decode(&mut self, channel: Channel, bytes: &[u8]) -> Result<Output, FrameError> {
        let device = &self.device;
        let observations = match channel {
            Channel::Notified(MEASUREMENT) => BloodPressureMeasurement::decode(bytes)?.observations(device),
            Channel::Notified(INTERMEDIATE_CUFF_PRESSURE) => {
                IntermediateCuffPressure::decode(bytes)?.observations(device)
            }
            Channel::Read(BATTERY_LEVEL) => vec![BatteryLevel::decode(bytes)?.observation(device)],
            Channel::Read(FEATURE) => {
                self.feature = Some(BloodPressureFeature::decode(bytes)?);
                return Ok(Output::Heard(device.clone()));
            }
            Channel::Read(uuid) if DeviceInformation::CHARACTERISTICS.contains(&uuid) => {
                self.information.learn(uuid.short().unwrap_or_default(), bytes)?;
                return Ok(Output::Heard(device.clone()));
            }
            Channel::Serial | Channel::Notified(_) | Channel::Read(_) => {
                return Err(FrameError { field: "characteristic", offset: 0, problem: Problem::Unexpected });
            }
        };
        Ok(Output::Reading(Reading { device: device.clone(), observations }))
    }
}

impl Session for BloodPressureSession {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Connected => {
                self.connected = true;
                let wanted: [Uuid; 2] = [MEASUREMENT, INTERMEDIATE_CUFF_PRESSURE];
                self.outputs.extend(wanted.map(|uuid| Output::Request(Request::Subscribe(uuid))));
                self.ask(now);
            }
            Input::Chunk { channel, bytes } => {
                if let (Channel::Read(_), Round::Asked(at)) = (channel, self.round) {
                    self.round = Round::Answered(at);
                }
                let output = self.decode(channel, bytes).unwrap_or_else(|error| {
                    Output::Refused(Refused { device: Some(self.device.clone()), error })
                });
                self.outputs.push_back(output);
            }
            Input::Disconnected => {
                self.connected = false;
                if let Round::Asked(_) = self.round {
                    self.round = Round::Due;
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.connected {
            self.ask(now);
        }
    }

    /// Only for a cuff that stays connected for days.
    fn poll_timeout(&self) -> Option<Instant> {
        self.round.due().filter(|_| self.connected)
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn device_description(&self) -> Description {
        self.information
            .describe()
            .with_some("features", self.feature.as_ref().map(BloodPressureFeature::describe))
    }
}

impl Round {
    fn due(self) -> Option<Instant> {
        match self {
            Self::Due => None,
            Self::Asked(at) | Self::Answered(at) => Some(at.after(ROUND)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> BloodPressureSession {
        BloodPressureSession::new("cuff-1".parse().unwrap())
    }

    fn hour(hours: u64) -> Instant {
        Instant::from_millis(hours * 3_600_000)
    }

    fn give(session: &mut BloodPressureSession, input: Input<'_>, now: Instant) -> Vec<Output> {
        session.handle_input(input, now);
        std::iter::from_fn(|| session.poll_output()).collect()
    }

    fn reads(outputs: &[Output]) -> usize {
        outputs.iter().filter(|o| matches!(o, Output::Request(Request::Read(_)))).count()
    }

    #[test]
    fn the_measurement_is_subscribed_to_before_anything_else_is_asked() {
        let outputs = give(&mut session(), Input::Connected, hour(0));
        assert_eq!(outputs[0], Output::Request(Request::Subscribe(MEASUREMENT)));
        assert_eq!(outputs[1], Output::Request(Request::Subscribe(INTERMEDIATE_CUFF_PRESSURE)));
        assert_eq!(outputs[2], Output::Request(Request::Read(BATTERY_LEVEL)));
        assert_eq!(reads(&outputs), 11);
    }

    #[test]
    fn questions_are_asked_once_a_day_and_again_where_none_was_answered() {
        let mut cuff = session();
        let battery = Input::Chunk { channel: Channel::Read(BATTERY_LEVEL), bytes: &[97] };
        assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(1))), 11);
        give(&mut cuff, Input::Disconnected, hour(1));
        assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(2))), 11, "nothing was answered");
        assert!(matches!(give(&mut cuff, battery, hour(2))[..], [Output::Reading(_)]));
        give(&mut cuff, Input::Disconnected, hour(2));
        assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(25))), 0, "within the day");
        give(&mut cuff, Input::Disconnected, hour(25));
        assert_eq!(reads(&give(&mut cuff, Input::Connected, hour(26))), 11, "a day later");
    }

    #[test]
    fn a_cuff_that_stays_connected_is_asked_again_when_the_day_is_over() {
        let mut cuff = session();
        assert_eq!(cuff.poll_timeout(), None);
        give(&mut cuff, Input::Connected, hour(0));
        assert_eq!(cuff.poll_timeout(), Some(hour(24)));
        cuff.handle_timeout(hour(23));
        assert_eq!(cuff.poll_output(), None);
        cuff.handle_timeout(hour(24));
        assert!(cuff.poll_output().is_some());
        assert_eq!(cuff.poll_timeout(), Some(hour(48)));
        give(&mut cuff, Input::Disconnected, hour(25));
        assert_eq!(cuff.poll_timeout(), None);
    }

    #[test]
    fn what_the_cuff_tells_of_itself_is_a_sign_of_life_and_is_kept() {
        let mut cuff = session();
        let heard = [Output::Heard("cuff-1".parse().unwrap())];
        let model = Input::Chunk { channel: Channel::Read(Uuid::sig(0x2A24)), bytes: b"UA-651BLE" };
        let feature = Input::Chunk { channel: Channel::Read(FEATURE), bytes: &[3, 0] };
        assert_eq!(give(&mut cuff, model, hour(0)), heard);
        assert_eq!(give(&mut cuff, feature, hour(0)), heard);
        let names: Vec<_> = cuff.device_description().fields().iter().map(|f| f.name).collect();
        assert_eq!(names, ["model_number", "features"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_device_and_the_next_reading_is_taken() {
        let mut cuff = session();
        let notified = |bytes| Input::Chunk { channel: Channel::Notified(MEASUREMENT), bytes };
        let refused = give(&mut cuff, notified(&[0, 1]), hour(0));
        let Output::Refused(Refused { device: Some(device), error }) = &refused[0] else {
            panic!("{refused:?}")
        };
        assert_eq!(device.as_str(), "cuff-1");
        assert_eq!(error.to_string(), "systolic at byte 1: too short: expected length 2, got 1");
        for channel in [Channel::Serial, Channel::Notified(BATTERY_LEVEL), Channel::Read(Uuid(7))] {
            let refused = give(&mut cuff, Input::Chunk { channel, bytes: &[1] }, hour(0));
            assert!(matches!(refused[..], [Output::Refused(_)]), "{channel:?}");
        }
        let reading = give(&mut cuff, notified(&[0, 120, 0, 80, 0, 93, 0]), hour(0));
        let [Output::Reading(reading)] = &reading[..] else { panic!("{reading:?}") };
        assert_eq!(reading.observations.len(), 3);
    }
}
