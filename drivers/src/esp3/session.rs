//! The serial line to an EnOcean stick, and the senders of the home that it hears.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use varde_wire::{Context, DeviceId, Flags, Instant, Observation};

use super::repeats::Repeats;
use super::stick::{RESPONSE, Stick};
use crate::esp3::radio::{RADIO_ERP1, RADIO_ERP2};
use crate::esp3::{Deframer, Eep, Frame, SenderId, Telegram};
use crate::news::News;
use crate::{
    Channel, Description, FrameError, Input, Output, Problem, Purpose, Reading, Refused, Request, Session,
};

/// Longer than the line is ever silent within a packet. Without it, a header made by noise would hold back the
/// telegrams behind it until enough of them had come.
const GAP: Duration = Duration::from_millis(100);

/// The stick and its roster.
pub(crate) struct Esp3Session {
    stick: Stick,
    roster: HashMap<SenderId, Known>,
    deframer: Deframer,
    /// When the line has been silent for [`GAP`] within what may be a packet.
    silent: Option<Instant>,
    outputs: VecDeque<Output>,
}

/// A sender of the home.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) device: DeviceId,
    pub(crate) eep: Eep,
    pub(crate) purpose: Option<Purpose>,
}

/// A sender, and what it has said.
struct Known {
    sender: Sender,
    repeats: Repeats,
    news: News,
}

impl Esp3Session {
    pub(crate) fn new(roster: HashMap<SenderId, Sender>) -> Self {
        let known = |sender| Known { sender, repeats: Repeats::default(), news: News::default() };
        Self {
            stick: Stick::default(),
            roster: roster.into_iter().map(|(id, sender)| (id, known(sender))).collect(),
            deframer: Deframer::default(),
            silent: None,
            outputs: VecDeque::new(),
        }
    }

    fn take(&mut self, found: Result<Frame, FrameError>, now: Instant) {
        match found {
            Ok(frame) => match frame.packet_type {
                RADIO_ERP1 | RADIO_ERP2 => match Telegram::decode(&frame) {
                    Ok(telegram) => self.hear(&telegram, now),
                    Err(error) => self.refuse(None, error),
                },
                RESPONSE => {
                    let next = self.stick.handle_response(&frame);
                    self.outputs.extend(next.map(|bytes| Output::Request(Request::Send(bytes))));
                }
                // The stick's own events say nothing of a device.
                _ => {}
            },
            Err(error) => self.refuse(None, error),
        }
    }

    fn hear(&mut self, telegram: &Telegram, now: Instant) {
        let Some(known) = self.roster.get_mut(&telegram.sender) else {
            self.outputs.push_back(Output::UnknownSender(telegram.sender.to_string()));
            return;
        };
        let device = known.sender.device.clone();
        match known.hear(telegram, now) {
            Ok(readings) if !readings.is_empty() => self.pass_on(&device, readings, &telegram.context()),
            Ok(_) => self.outputs.push_back(Output::Heard(device)),
            Err(error) => {
                // It lives, even if nobody understands it; but where somebody has to come, a sign of life would say
                // that all is well.
                if !error.problem.needs_somebody() {
                    self.outputs.push_back(Output::Heard(device.clone()));
                }
                self.refuse(Some(device), error);
            }
        }
    }

    fn pass_on(&mut self, device: &DeviceId, readings: Vec<Vec<Observation>>, context: &Context) {
        self.outputs.extend(readings.into_iter().map(|observations| {
            Output::Reading(Reading { device: device.clone(), observations, context: context.clone() })
        }));
    }

    fn refuse(&mut self, device: Option<DeviceId>, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device, error }));
    }

    fn settle(&mut self, now: Instant) {
        let mut overdue = Vec::new();
        for known in self.roster.values_mut() {
            let readings = known.news.overdue(now);
            if !readings.is_empty() {
                overdue.push((known.sender.device.clone(), readings));
            }
        }
        for (device, readings) in overdue {
            self.pass_on(&device, readings, &Context::default());
        }
    }
}

impl Known {
    /// What a telegram says that is new.
    fn hear(&mut self, telegram: &Telegram, now: Instant) -> Result<Vec<Vec<Observation>>, FrameError> {
        if self.repeats.repeats(telegram, now) || speaks_of_itself(telegram.rorg) {
            return Ok(Vec::new());
        }
        telegram.refuse_secured()?;
        let message = self.sender.eep.decode(telegram)?;
        let statements = message.statements(self.sender.purpose);
        Ok(self.news.sift(&statements, &self.sender.device, Flags::NONE, now).readings)
    }
}

/// Kinds that any sender may use beside its profile's: D0 signals its state, D4 and C6 teach in.
const fn speaks_of_itself(rorg: u8) -> bool {
    matches!(rorg, 0xD0 | Telegram::TEACH_IN | 0xC6)
}

impl Session for Esp3Session {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) | Input::Committed => {}
            Input::Connected | Input::Disconnected => {
                while let Some(found) = self.deframer.poll_rest() {
                    self.take(found, now);
                }
                self.deframer = Deframer::default();
                self.silent = None;
                self.stick = Stick::default();
                if input == Input::Connected {
                    let question = self.stick.greet();
                    self.outputs.push_back(Output::Request(Request::Send(question)));
                }
            }
            Input::Chunk { channel: Channel::Serial, bytes } => {
                self.deframer.push(bytes);
                while let Some(found) = self.deframer.poll_frame() {
                    self.take(found, now);
                }
                self.silent = self.deframer.is_waiting().then(|| now.after(GAP));
            }
            Input::Chunk {
                channel:
                    Channel::Notified(_)
                    | Channel::Read(_)
                    | Channel::ServiceData(_)
                    | Channel::ManufacturerData(_)
                    | Channel::Rssi,
                ..
            } => {
                self.refuse(None, FrameError { field: "channel", offset: 0, problem: Problem::Unexpected });
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
        self.settle(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let numbers = self.roster.values().filter_map(|known| known.news.due());
        self.silent.into_iter().chain(numbers).min()
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn device_description(&self) -> Description {
        self.stick.describe()
    }
}

#[cfg(test)]
mod tests;
