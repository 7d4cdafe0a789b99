//! The serial line to one oximeter.

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::{DeviceId, Instant};

use crate::nonin::pace::Pace;
use crate::nonin::{DataFormat, Deframer, Packet, format13};
use crate::{Channel, Description, FrameError, Input, Output, Problem, Reading, Refused, Request, Session};

/// Longer than the line is ever silent within a packet.
const GAP: Duration = Duration::from_millis(500);

/// One oximeter. It needs no command: it speaks whenever it is on.
pub(crate) struct NoninSession {
    device: DeviceId,
    format: DataFormat,
    deframer: Deframer,
    /// When the line has been silent for [`GAP`] within what may be a packet.
    silent: Option<Instant>,
    pace: Pace,
    battery_was_low: bool,
    serial_number: Option<String>,
    /// Spot-checks that the oximeter keeps until they are acknowledged, and we until they are committed.
    unacknowledged: u32,
    outputs: VecDeque<Output>,
}

impl NoninSession {
    pub(crate) fn new(device: DeviceId, format: DataFormat) -> Self {
        Self {
            device,
            format,
            deframer: Deframer::new(format),
            silent: None,
            pace: Pace::default(),
            battery_was_low: false,
            serial_number: None,
            unacknowledged: 0,
            outputs: VecDeque::new(),
        }
    }

    fn take(&mut self, found: Result<Packet, FrameError>, now: Instant) {
        match found {
            Ok(packet) => self.hear(packet, now),
            Err(error) => self.refuse(error),
        }
    }

    fn hear(&mut self, packet: Packet, now: Instant) {
        let Packet { oximetry, is_kept } = packet;
        if oximetry.spot.is_some() || self.pace.admits(&oximetry, now) {
            self.read(oximetry.observations(&self.device));
        } else {
            self.outputs.push_back(Output::Heard(self.device.clone()));
        }
        if let Some(is_low) = oximetry.battery_is_low
            && std::mem::replace(&mut self.battery_was_low, is_low) != is_low
        {
            self.read(oximetry.battery(&self.device).into_iter().collect());
        }
        if is_kept {
            self.unacknowledged = self.unacknowledged.saturating_add(1);
            self.outputs.push_back(Output::AwaitCommit);
        }
        self.serial_number = oximetry.spot.and_then(|spot| spot.serial_number).or(self.serial_number.take());
    }

    fn read(&mut self, observations: Vec<varde_wire::Observation>) {
        self.outputs.push_back(Output::Reading(Reading::new(self.device.clone(), observations)));
    }

    fn refuse(&mut self, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device: Some(self.device.clone()), error }));
    }
}

impl Session for NoninSession {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) => {}
            Input::Connected | Input::Disconnected => {
                self.deframer = Deframer::new(self.format);
                self.silent = None;
                self.unacknowledged = 0;
            }
            Input::Committed => {
                let count = usize::try_from(std::mem::take(&mut self.unacknowledged)).unwrap_or_default();
                let acknowledge = || Output::Request(Request::Send(vec![format13::ACKNOWLEDGE]));
                self.outputs.extend(std::iter::repeat_with(acknowledge).take(count));
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
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.silent
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn device_description(&self) -> Description {
        Description::default().with_some("serial_number", self.serial_number.clone())
    }
}

#[cfg(test)]
mod tests;
