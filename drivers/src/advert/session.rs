//! The link to a sensor that only advertises: the same for every format.

use std::collections::VecDeque;

use varde_wire::{Context, DeviceId, Instant, Observation};

use super::echo::Echoes;
use super::format::{Advertiser, Told};
use crate::news::{News, Sifted};
use crate::statement::Statement;
use crate::{Channel, Description, FrameError, Input, Output, Problem, Reading, Refused, Session};

/// One sensor.
pub(crate) struct AdvertSession<A> {
    device: DeviceId,
    advertiser: A,
    /// How strongly the advertisement came whose data is next.
    rssi_dbm: Option<i8>,
    echoes: Echoes,
    news: News,
    outputs: VecDeque<Output>,
}

impl<A: Advertiser> AdvertSession<A> {
    pub(crate) fn new(device: DeviceId, advertiser: A) -> Self {
        Self {
            device,
            advertiser,
            rssi_dbm: None,
            echoes: Echoes::default(),
            news: News::default(),
            outputs: VecDeque::new(),
        }
    }

    fn hear(&mut self, told: Told, rssi_dbm: Option<i8>, now: Instant) {
        let context = Context { rssi_dbm, ..Context::default() };
        let found = self.sift(&told, now);
        if found.readings.is_empty() && !told.fault.as_ref().is_some_and(is_replay) {
            self.outputs.push_back(Output::Heard(self.device.clone()));
        }
        self.pass_on(found.readings, &context);
        if let Some(error) = told.fault {
            self.refuse(error);
        }
        self.keep(found.is_event, now);
    }

    fn sift(&mut self, told: &Told, now: Instant) -> Sifted {
        let echo = told.statements.iter().any(Statement::happened)
            && self.echoes.repeats(&told.content, told.numbered, now);
        let new = told.statements.iter().filter(|statement| !(echo && statement.happened()));
        self.news.sift(new, &self.device, told.flags, now)
    }

    fn pass_on(&mut self, readings: Vec<Vec<Observation>>, context: &Context) {
        self.outputs.extend(readings.into_iter().map(|observations| {
            let device = self.device.clone();
            Output::Reading(Reading { device, observations, context: context.clone() })
        }));
    }

    fn refuse(&mut self, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device: Some(self.device.clone()), error }));
    }

    /// Keeps what must outlive a restart, if it is time or something happened: after the reading, so that a power cut
    /// between the two can repeat it but never lose it.
    fn keep(&mut self, happened: bool, now: Instant) {
        if self.advertiser.keep_at().is_some_and(|at| happened || at <= now) {
            self.outputs.extend(self.advertiser.memory().map(Output::Remember));
        }
    }
}

/// An old recording is no sign of life; one that breaks off is.
const fn is_replay(error: &FrameError) -> bool {
    matches!(error.problem, Problem::Replayed { .. })
}

impl<A: Advertiser> Session for AdvertSession<A> {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) | Input::Connected | Input::Committed | Input::Disconnected => {}
            Input::Chunk { channel: Channel::Rssi, bytes } => {
                self.rssi_dbm = bytes.first().map(|byte| byte.cast_signed());
            }
            Input::Chunk { channel, bytes } => match (channel, self.advertiser.hear(channel, bytes, now)) {
                (_, Some(heard)) => {
                    let rssi_dbm = self.rssi_dbm.take();
                    match heard {
                        Ok(told) => self.hear(told, rssi_dbm, now),
                        Err(error) => self.refuse(error),
                    }
                }
                // Another format beside this one: makers put their own there.
                (Channel::ServiceData(_) | Channel::ManufacturerData(_) | Channel::Rssi, None) => {}
                (Channel::Serial | Channel::Notified(_) | Channel::Read(_), None) => {
                    self.refuse(FrameError { field: "channel", offset: 0, problem: Problem::Unexpected });
                }
            },
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let overdue = self.news.overdue(now);
        self.pass_on(overdue, &Context::default());
        self.keep(false, now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.news.due().into_iter().chain(self.advertiser.keep_at()).min()
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn recall(&mut self, memory: &[u8]) {
        self.advertiser.recall(memory);
    }

    fn device_description(&self) -> Description {
        self.advertiser.describe()
    }
}

#[cfg(test)]
mod tests;
