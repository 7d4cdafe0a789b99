//! The serial line to an EnOcean stick, and the senders of the home that it hears.
//!
//! The stick needs no command: it passes on every telegram from the moment it has power.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use varde_wire::{DeviceId, Instant};

use crate::esp3::radio::RADIO_ERP1;
use crate::esp3::{Deframer, Eep, Frame, SenderId, Telegram};
use crate::{Channel, FrameError, Input, Output, Problem, Purpose, Reading, Refused, Session};

/// Longer than the line is ever silent within a packet. Without it, a header made by noise would hold back the
/// telegrams behind it until enough of them had come.
const GAP: Duration = Duration::from_millis(100);

/// The stick and its roster.
pub(crate) struct Esp3Session {
    roster: HashMap<SenderId, Sender>,
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
    pub(crate) purpose: Purpose,
}

impl Esp3Session {
    pub(crate) fn new(roster: HashMap<SenderId, Sender>) -> Self {
        Self { roster, deframer: Deframer::default(), silent: None, outputs: VecDeque::new() }
    }

    fn take(&mut self, found: Result<Frame, FrameError>) {
        match found {
            // The stick's own events say nothing of a device.
            Ok(frame) if frame.packet_type != RADIO_ERP1 => {}
            Ok(frame) => match Telegram::decode(&frame) {
                Ok(telegram) => self.hear(&telegram),
                Err(error) => self.refuse(None, error),
            },
            Err(error) => self.refuse(None, error),
        }
    }

    fn hear(&mut self, telegram: &Telegram) {
        let Some(sender) = self.roster.get(&telegram.sender) else {
            self.outputs.push_back(Output::UnknownSender(telegram.sender.to_string()));
            return;
        };
        let device = sender.device.clone();
        if speaks_of_itself(telegram.rorg) {
            self.outputs.push_back(Output::Heard(device));
            return;
        }
        match sender.eep.decode(telegram).map(|message| message.observation(sender.purpose, &device)) {
            Ok(Some(observation)) => {
                self.outputs.push_back(Output::Reading(Reading::new(device, vec![observation])));
            }
            Ok(None) => self.outputs.push_back(Output::Heard(device)),
            Err(error) => {
                // It lives, even if nobody understands it.
                self.outputs.push_back(Output::Heard(device.clone()));
                self.refuse(Some(device), error);
            }
        }
    }

    fn refuse(&mut self, device: Option<DeviceId>, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device, error }));
    }
}

/// Kinds that any sender may use beside its profile's: D0 signals its state, D4 and C6 teach in.
const fn speaks_of_itself(rorg: u8) -> bool {
    matches!(rorg, 0xD0 | 0xD4 | 0xC6)
}

impl Session for Esp3Session {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) | Input::Committed => {}
            Input::Connected | Input::Disconnected => {
                while let Some(found) = self.deframer.poll_rest() {
                    self.take(found);
                }
                self.deframer = Deframer::default();
                self.silent = None;
            }
            Input::Chunk { channel: Channel::Serial, bytes } => {
                self.deframer.push(bytes);
                while let Some(found) = self.deframer.poll_frame() {
                    self.take(found);
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
                self.take(found);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.silent
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests;
