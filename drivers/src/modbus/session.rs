//! The bus: one question at a time, each unit in its turn.
//!
//! An answer does not say which registers it holds, so one that comes too late could pass for the answer to the next
//! question. After a question without an answer, and after bytes that nobody asked for, the bus is therefore left alone
//! until it has been silent for a while.

use std::collections::VecDeque;
use std::time::Duration;

use varde_wire::{DeviceId, Flags, Instant};

use crate::modbus::adu::{Answer, Query};
use crate::modbus::{Item, UnitOptions, plan};
use crate::news::News;
use crate::scan::Scanner;
use crate::statement::Statement;
use crate::{Channel, FrameError, Input, Output, Problem, Reading, Refused, Request, Session};

/// How long a unit may take for an answer, its bytes on the line included.
const ANSWER: Duration = Duration::from_secs(1);
/// How long the bus is left alone between an answer and the next question; 3.5 characters at the least (V1.02 §2.5.1.1),
/// which is 40 ms at 1200 baud.
const PAUSE: Duration = Duration::from_millis(50);
/// The same after anything that was no answer.
const SILENCE: Duration = Duration::from_millis(500);
/// So many rounds in a row without an answer, and the unit is told of as lost.
const MISSES: u8 = 3;

/// The bus and its units.
pub(crate) struct ModbusSession {
    units: Vec<Unit>,
    connected: bool,
    /// Questions of the rounds that have begun: the place of a unit, and of its question.
    waiting: VecDeque<(usize, usize)>,
    asked: Option<Asked>,
    scanner: Scanner,
    /// The bus is left alone until then.
    rested: Instant,
    outputs: VecDeque<Output>,
}

/// A unit, and its round of questions.
pub(crate) struct Unit {
    device: DeviceId,
    every: Duration,
    items: Vec<Item>,
    queries: Vec<Query>,
    /// When its next round begins.
    due: Instant,
    /// The answers of this round, by question.
    answers: Vec<Option<Vec<u8>>>,
    news: News,
    misses: u8,
    /// Whether somebody was told that it needs them.
    troubled: bool,
}

/// The question that is out.
#[derive(Clone, Copy)]
struct Asked {
    unit: usize,
    query: usize,
    until: Instant,
}

impl Unit {
    pub(crate) fn new(device: DeviceId, options: &UnitOptions) -> Self {
        let UnitOptions { address, every, items } = options;
        let queries = plan::queries(*address, items);
        Self {
            device,
            every: *every,
            items: items.clone(),
            answers: vec![None; queries.len()],
            queries,
            due: Instant::default(),
            news: News::default(),
            misses: 0,
            troubled: false,
        }
    }

    /// What a whole round of answers says.
    fn statements(&self) -> Vec<Statement> {
        let read = |item: &Item| {
            let answers = self.queries.iter().zip(&self.answers);
            let mut data = answers.filter(|(query, _)| query.table == item.register.table);
            let number = data.find_map(|(query, data)| item.register.read(query.first, data.as_ref()?));
            (item.metric(), number.and_then(|number| item.said(number)))
        };
        Statement::indexed(self.items.iter().map(read).collect())
    }
}

impl ModbusSession {
    pub(crate) fn new(units: Vec<Unit>) -> Self {
        Self {
            units,
            connected: false,
            waiting: VecDeque::new(),
            asked: None,
            scanner: Scanner::default(),
            rested: Instant::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Begins the rounds that are due, and asks the next question if the bus is free.
    fn go_on(&mut self, now: Instant) {
        if !self.connected || self.asked.is_some() || now < self.rested {
            return;
        }
        for (place, unit) in self.units.iter_mut().enumerate().filter(|(_, unit)| unit.due <= now) {
            unit.due = now.after(unit.every);
            // A round that is still under way is not begun again.
            if self.waiting.iter().all(|(waiting, _)| *waiting != place) {
                unit.answers.fill(None);
                self.waiting.extend((0..unit.queries.len()).map(|query| (place, query)));
            }
        }
        let Some((unit, query)) = self.waiting.pop_front() else { return };
        let Some(bytes) = self.query(unit, query).map(|query| query.encode()) else { return };
        self.scanner = Scanner::default();
        self.asked = Some(Asked { unit, query, until: now.after(ANSWER) });
        self.outputs.push_back(Output::Request(Request::Send(bytes)));
    }

    fn query(&self, unit: usize, query: usize) -> Option<Query> {
        self.units.get(unit)?.queries.get(query).copied()
    }

    fn hear(&mut self, bytes: &[u8], now: Instant) {
        let Some(asked) = self.asked else {
            // Too late, or noise.
            self.rested = now.after(SILENCE);
            return self
                .refuse(None, FrameError { field: "answer", offset: 0, problem: Problem::Unexpected });
        };
        let Some(query) = self.query(asked.unit, asked.query) else { return };
        self.scanner.push(bytes);
        while let Some(found) = self.scanner.poll(|bytes, at| query.find(bytes, at)) {
            match found {
                Ok(answer) => return self.answered(asked, answer, now),
                Err(error) => self.refuse(self.units.get(asked.unit).map(|unit| unit.device.clone()), error),
            }
        }
    }

    fn answered(&mut self, asked: Asked, answer: Answer, now: Instant) {
        self.asked = None;
        self.rested = now.after(PAUSE);
        let is_last = self.waiting.iter().all(|(unit, _)| *unit != asked.unit);
        let Some(unit) = self.units.get_mut(asked.unit) else { return };
        unit.misses = 0;
        let device = unit.device.clone();
        match answer {
            Answer::Data(data) => {
                if let Some(place) = unit.answers.get_mut(asked.query) {
                    *place = Some(data);
                }
            }
            Answer::Exception(code) => {
                unit.troubled = true;
                let first = unit.queries.get(asked.query).map_or(0, |query| query.first);
                let problem = Problem::Exception { code, register: first };
                self.refuse(Some(device), FrameError { field: "answer", offset: 0, problem });
            }
        }
        if is_last {
            self.close_round(asked.unit, now);
        }
    }

    /// Passes on what is news of a unit whose questions are all asked.
    fn close_round(&mut self, place: usize, now: Instant) {
        let Some(unit) = self.units.get_mut(place) else { return };
        let device = unit.device.clone();
        if unit.troubled && unit.answers.iter().all(Option::is_some) {
            unit.troubled = false;
            self.outputs.push_back(Output::Well(device.clone()));
        }
        let statements = unit.statements();
        let sifted = unit.news.sift(&statements, &device, Flags::NONE, now);
        self.outputs.push_back(Output::Heard(device.clone()));
        let reading = |observations| Output::Reading(Reading::new(device.clone(), observations));
        self.outputs.extend(sifted.readings.into_iter().map(reading));
    }

    /// The unit that was asked has not answered in time: its other questions are not asked in this round either, so that
    /// one that is gone holds up the others by one wait.
    fn missed(&mut self, asked: Asked, now: Instant) {
        self.asked = None;
        self.rested = now.after(SILENCE);
        self.waiting.retain(|(unit, _)| *unit != asked.unit);
        let Some(unit) = self.units.get_mut(asked.unit) else { return };
        unit.misses = unit.misses.saturating_add(1);
        if unit.misses == MISSES {
            unit.troubled = true;
            let device = Some(unit.device.clone());
            self.refuse(device, FrameError { field: "answer", offset: 0, problem: Problem::NoAnswer });
        }
    }

    fn refuse(&mut self, device: Option<DeviceId>, error: FrameError) {
        self.outputs.push_back(Output::Refused(Refused { device, error }));
    }
}

impl Session for ModbusSession {
    fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Time(_) | Input::Committed => {}
            Input::Connected | Input::Disconnected => {
                self.connected = input == Input::Connected;
                self.waiting.clear();
                self.asked = None;
                self.rested = now;
                self.units.iter_mut().for_each(|unit| unit.due = now);
            }
            Input::Chunk { channel: Channel::Serial, bytes } => self.hear(bytes, now),
            Input::Chunk { .. } => {
                self.refuse(None, FrameError { field: "channel", offset: 0, problem: Problem::Unexpected });
            }
        }
        self.go_on(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(asked) = self.asked.filter(|asked| asked.until <= now) {
            let device = self.units.get(asked.unit).map(|unit| unit.device.clone());
            // A beginning made by noise may have hidden the answer behind it.
            let query = self.query(asked.unit, asked.query);
            let found =
                query.and_then(|query| self.scanner.poll_in_silence(|bytes, at| query.find(bytes, at)));
            match found {
                Some(Ok(answer)) => self.answered(asked, answer, now),
                Some(Err(error)) => {
                    self.refuse(device, error);
                    self.missed(asked, now);
                }
                None => self.missed(asked, now),
            }
        }
        self.go_on(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if !self.connected {
            return None;
        }
        match self.asked {
            Some(asked) => Some(asked.until),
            None if !self.waiting.is_empty() => Some(self.rested),
            None => self.units.iter().map(|unit| unit.due.max(self.rested)).min(),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests;
