//! The serial line to one radar.

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::{DeviceId, Event, Instant};

use crate::ld2410::command::{Answer, Command};
use crate::ld2410::presence::{self, Holds, Presence};
use crate::ld2410::{Deframer, Frame, Report};
use crate::{Channel, Description, FrameError, Input, Output, Problem, Reading, Refused, Request, Session};

/// Longer than the line is ever silent within a frame.
const GAP: Duration = Duration::from_millis(200);
/// A radar answers within a tenth of this. After it, whatever was asked is over.
const ANSWER: Duration = Duration::from_secs(1);
/// A radar that reports does so ten times a second. One that is silent for longer may have been left in configuration.
const QUIET: Duration = Duration::from_secs(5);

/// One radar.
pub(crate) struct Ld2410Session {
    device: DeviceId,
    deframer: Deframer,
    presence: Presence,
    firmware: Option<String>,
    /// Whether the line is up.
    connected: bool,
    /// When the radar is told to report, unless it does.
    wake: Option<Instant>,
    silent: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Ld2410Session {
    pub(crate) fn new(device: DeviceId, holds: Holds) -> Self {
        Self {
            device,
            deframer: Deframer::default(),
            presence: Presence::new(holds),
            firmware: None,
            connected: false,
            wake: None,
            silent: None,
            outputs: VecDeque::new(),
        }
    }

    fn take(&mut self, found: Result<Frame, FrameError>, now: Instant) {
        let taken = found.and_then(|frame| match frame {
            Frame::Report(data, at) => Report::decode(&data, at).map(|report| self.see(&report, now)),
            Frame::Answer(data, at) => Answer::decode(&data, at).map(|answer| self.answered(answer, now)),
        });
        if let Err(error) = taken {
            self.refuse(error);
        }
    }

    fn see(&mut self, report: &Report, now: Instant) {
        self.wake = Some(now.after(QUIET));
        let events = self.presence.take(report.target, now);
        if events.is_empty() {
            self.outputs.push_back(Output::Heard(self.device.clone()));
        }
        self.tell(events);
    }

    fn answered(&mut self, answer: Answer, now: Instant) {
        match answer {
            Answer::Configuring => self.ask(Command::ReadFirmware, now),
            Answer::Firmware(firmware) => {
                self.firmware = Some(firmware);
                self.ask(Command::EndConfiguration, now);
            }
            Answer::Reporting => self.wake = Some(now.after(QUIET)),
            Answer::Other => {}
        }
    }

    fn tell(&mut self, events: Vec<Event>) {
        let reading = |event| {
            let observation = presence::observation(event, &self.device);
            Output::Reading(Reading::new(self.device.clone(), vec![observation]))
        };
        self.outputs.extend(events.into_iter().map(reading));
    }

    fn ask(&mut self, command: Command, now: Instant) {
        self.outputs.push_back(Output::Request(Request::Send(command.encode())));
        self.wake = Some(now.after(ANSWER));
    }

    fn refuse(&mut self, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device: Some(self.device.clone()), error }));
    }
}

impl Session for Ld2410Session {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) | Input::Committed => {}
            Input::Connected => {
                self.connected = true;
                self.deframer = Deframer::default();
                self.ask(Command::EnableConfiguration, now);
            }
            Input::Disconnected => {
                self.connected = false;
                self.wake = None;
                self.silent = None;
                // Nobody knows whether it still is so.
                self.presence.pause();
            }
            Input::Chunk { channel: Channel::Serial, bytes } => {
                self.deframer.push(bytes);
                while let Some(found) = self.deframer.poll() {
                    self.take(found, now);
                }
                self.silent = self.deframer.is_waiting().then(|| now.after(GAP));
            }
            Input::Chunk { .. } => {
                self.refuse(FrameError { field: "channel", offset: 0, problem: Problem::Unexpected });
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.silent.is_some_and(|at| at <= now) {
            self.silent = None;
            while let Some(found) = self.deframer.poll_in_silence() {
                self.take(found, now);
            }
        }
        if self.wake.is_some_and(|at| at <= now) {
            self.outputs.push_back(Output::Request(Request::Send(Command::EndConfiguration.encode())));
            self.wake = Some(now.after(QUIET));
            // Who says nothing says nothing of the room either.
            self.presence.pause();
        }
        if self.connected {
            let events = self.presence.settle(now);
            self.tell(events);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let settle = self.presence.due().filter(|_| self.connected);
        [self.silent, self.wake, settle].into_iter().flatten().min()
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn device_description(&self) -> Description {
        Description::default().with_some("firmware", self.firmware.clone())
    }
}

#[cfg(test)]
mod tests {
    use varde_wire::Value;

    use super::*;
    use crate::describe::{hex, unhex};
    use crate::ld2410::report::tests::basic;

    fn session() -> Ld2410Session {
        Ld2410Session::new("radar-1".parse().unwrap(), Holds::default())
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    /// What was asked, and what was told, in words.
    fn drain(session: &mut Ld2410Session) -> Vec<String> {
        let outputs = std::iter::from_fn(|| session.poll_output());
        let word = |output| match output {
            Output::Request(Request::Send(bytes)) => Some(hex(&bytes)),
            Output::Reading(reading) => match &reading.observations[..] {
                [observation] => Some(observation.value.to_string()),
                more => panic!("{more:?}"),
            },
            Output::Heard(_) => None,
            other @ (Output::Request(_)
            | Output::Outcome(_)
            | Output::AwaitCommit
            | Output::Remember(_)
            | Output::Refused(_)
            | Output::Well(_)
            | Output::UnknownSender(_)) => panic!("{other:?}"),
        };
        outputs.filter_map(word).collect()
    }

    fn give(session: &mut Ld2410Session, bytes: &[u8], ms: u64) -> Vec<String> {
        session.handle_input(Input::Chunk { channel: Channel::Serial, bytes }, at(ms));
        drain(session)
    }

    const ENABLE: &str = "fdfcfbfa0400ff00010004030201";
    const FIRMWARE: &str = "fdfcfbfa0200a00004030201";
    const END: &str = "fdfcfbfa0200fe0004030201";

    #[test]
    fn a_radar_is_asked_for_its_firmware_and_set_to_report_again() {
        let mut session = session();
        session.handle_input(Input::Connected, at(0));
        assert_eq!(drain(&mut session), [ENABLE]);
        assert_eq!(give(&mut session, &unhex("fdfcfbfa0800ff0100000100400004030201"), 10), [FIRMWARE]);
        assert_eq!(give(&mut session, &unhex("fdfcfbfa0c00a0010000000102011624062204030201"), 20), [END]);
        assert_eq!(give(&mut session, &unhex("fdfcfbfa0400fe01000004030201"), 30), [""; 0]);
        assert_eq!(session.device_description().fields()[0].value, "V1.02.22062416".into());
    }

    #[test]
    fn one_that_does_not_answer_is_told_to_report_for_as_long_as_it_is_silent() {
        let mut session = session();
        session.handle_input(Input::Connected, at(0));
        drain(&mut session);
        for due in [1000, 6000, 11_000] {
            assert_eq!(session.poll_timeout(), Some(at(due)));
            session.handle_timeout(at(due));
            assert_eq!(drain(&mut session), [END]);
        }
        assert_eq!(give(&mut session, &basic(0), 12_000), [""; 0]);
        assert_eq!(session.poll_timeout(), Some(at(17_000)));
    }

    #[test]
    fn presence_is_told_and_outlives_a_line_that_was_away() {
        let mut session = session();
        session.handle_input(Input::Connected, at(0));
        drain(&mut session);
        assert_eq!(give(&mut session, &basic(2), 100), [""; 0]);
        assert_eq!(session.poll_timeout(), Some(at(1100)));
        assert_eq!(give(&mut session, &basic(2), 1100), ["entered-room"]);
        session.handle_input(Input::Disconnected, at(2000));
        assert_eq!(session.poll_timeout(), None);
        session.handle_input(Input::Connected, at(500_000));
        assert_eq!(drain(&mut session), [ENABLE]);
        assert_eq!(give(&mut session, &basic(0), 500_100), [""; 0]);
        // Reports go on, so that the hold is not paused.
        let mut told = Vec::new();
        for ms in (500_200..=620_100).step_by(100) {
            told.extend(give(&mut session, &basic(0), ms));
        }
        assert_eq!(told, ["left-room"]);
    }

    #[test]
    fn a_radar_that_falls_silent_says_nothing_of_the_room() {
        let mut session = session();
        session.handle_input(Input::Connected, at(0));
        give(&mut session, &basic(2), 100);
        give(&mut session, &basic(2), 1100);
        give(&mut session, &basic(0), 1200);
        drain(&mut session);
        for _ in 0..50 {
            let due = session.poll_timeout().unwrap();
            session.handle_timeout(due);
            assert_eq!(drain(&mut session), [END]);
        }
    }

    #[test]
    fn the_events_name_what_they_are_about() {
        let device = "radar-1".parse().unwrap();
        let metric = |event| presence::observation(event, &device).metric.to_string();
        assert_eq!(metric(Event::EnteredRoom), "MDCX_OCCUPANCY");
        assert_eq!(metric(Event::MotionCleared), "MDC_AI_TYPE_SENSOR_MOTION");
        assert_eq!(presence::observation(Event::Motion, &device).value, Value::Event(Event::Motion));
    }
}
