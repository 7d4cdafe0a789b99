//! The Record Access Control Point (2A52): how a gateway asks a meter for its memory.
//!
//! Op codes, operators and response codes are those of GLS 1.0.1 §3.4, which PLXS and CGMS share.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use uuid::Uuid;

use super::Link;
use crate::sim::bluez::{Event, Radio, uuid16};

pub(super) const CONTROL_POINT: Uuid = uuid16(0x2A52);

/// Between two notifications: a short connection interval.
const PACE: Duration = Duration::from_millis(5);

const REPORT: u8 = 0x01;
const DELETE: u8 = 0x02;
const ABORT: u8 = 0x03;
const COUNT: u8 = 0x04;
const NUMBER: u8 = 0x05;
const RESPONSE: u8 = 0x06;

const SUCCESS: u8 = 0x01;
const OP_CODE_NOT_SUPPORTED: u8 = 0x02;
const INVALID_OPERATOR: u8 = 0x03;
const OPERATOR_NOT_SUPPORTED: u8 = 0x04;
const INVALID_OPERAND: u8 = 0x05;
const NO_RECORDS: u8 = 0x06;
const ABORT_UNSUCCESSFUL: u8 = 0x07;
const NOT_COMPLETED: u8 = 0x08;
const OPERAND_NOT_SUPPORTED: u8 = 0x09;

/// Records by what the profile counts them by, with what each is sent as.
pub(super) trait Record {
    /// The values to send for it, in order, each with its characteristic.
    fn frames(&self, key: u16) -> Vec<(Uuid, Vec<u8>)>;
}

/// What a profile lets be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    /// Whether records can be chosen by a key (filter type 1), or only all together.
    pub(super) selects: bool,
}

/// The memory of a meter and the procedure that runs on it.
#[derive(Debug)]
pub(super) struct RecordAccess<R> {
    profile: Profile,
    records: BTreeMap<u16, R>,
    deleted: Vec<u16>,
    requests: Vec<Vec<u8>>,
    /// What the running report still has to send.
    report: Option<VecDeque<(Uuid, Vec<u8>)>>,
}

impl<R: Record> RecordAccess<R> {
    pub(super) const fn new(profile: Profile) -> Self {
        Self { profile, records: BTreeMap::new(), deleted: Vec::new(), requests: Vec::new(), report: None }
    }

    pub(super) fn store(&mut self, key: u16, record: R) {
        self.records.insert(key, record);
    }

    pub(super) fn keys(&self) -> Vec<u16> {
        self.records.keys().copied().collect()
    }

    pub(super) fn deleted(&self) -> &[u16] {
        &self.deleted
    }

    /// Every request, as it was written.
    pub(super) fn requests(&self) -> &[Vec<u8>] {
        &self.requests
    }

    pub(super) fn hear(&mut self, event: &Event, radio: &Radio) {
        if let Event::Written(CONTROL_POINT, request) = event {
            self.perform(request, radio);
        } else if *event == Event::Disconnected {
            self.report = None;
        }
    }

    /// Sends the next value of a running report, or that it is done.
    pub(super) fn act(&mut self, link: &mut Link, radio: &Radio) -> Option<Duration> {
        let report = self.report.as_mut()?;
        link.touch();
        let code = match report.pop_front() {
            None => SUCCESS,
            Some((characteristic, value)) => {
                if radio.indicate(characteristic, value) {
                    return Some(PACE);
                }
                NOT_COMPLETED
            }
        };
        self.report = None;
        respond(radio, REPORT, code);
        None
    }

    fn perform(&mut self, request: &[u8], radio: &Radio) {
        self.requests.push(request.to_vec());
        let &[op, operator, ref operand @ ..] = request else { return };
        if op == ABORT {
            let running = self.report.take().is_some();
            return respond(radio, ABORT, if running { SUCCESS } else { ABORT_UNSUCCESSFUL });
        }
        if self.report.is_some() {
            // A real one refuses the write itself.
            return respond(radio, op, NOT_COMPLETED);
        }
        if !matches!(op, REPORT | DELETE | COUNT) {
            return respond(radio, op, OP_CODE_NOT_SUPPORTED);
        }
        let selected = match self.select(operator, operand) {
            Ok(selected) => selected,
            Err(code) => return respond(radio, op, code),
        };
        match op {
            COUNT => {
                let [low, high] = u16::try_from(selected.len()).unwrap_or(u16::MAX).to_le_bytes();
                radio.indicate(CONTROL_POINT, [NUMBER, 0, low, high]);
            }
            _ if selected.is_empty() => respond(radio, op, NO_RECORDS),
            DELETE => {
                selected.iter().for_each(|key| drop(self.records.remove(key)));
                self.deleted.extend(selected);
                respond(radio, DELETE, SUCCESS);
            }
            _ => {
                let of = |key: &u16| self.records.get(key).map(|record| record.frames(*key));
                self.report = Some(selected.iter().filter_map(of).flatten().collect());
            }
        }
    }

    /// The keys that an operator and its operand choose, or the code that refuses them.
    fn select(&self, operator: u8, operand: &[u8]) -> Result<Vec<u16>, u8> {
        let by_key = matches!(operator, 2..=4);
        let keys = match (operator, operand) {
            (0, _) | (7.., _) => return Err(INVALID_OPERATOR),
            (2.., _) if !self.profile.selects => return Err(OPERATOR_NOT_SUPPORTED),
            (1 | 5 | 6, []) => Vec::new(),
            (2..=4, [1, keys @ ..]) => keys.chunks(2).collect(),
            (2..=4, [_, ..]) => return Err(OPERAND_NOT_SUPPORTED),
            _ => return Err(INVALID_OPERAND),
        };
        let keys: Result<Vec<u16>, u8> = keys
            .into_iter()
            .map(|key| key.try_into().map(u16::from_le_bytes).map_err(|_| INVALID_OPERAND))
            .collect();
        let keys = keys?;
        let all = self.keys();
        let range = match (operator, keys.as_slice()) {
            (2, [most]) => 0..=*most,
            (3, [least]) => *least..=u16::MAX,
            (4, [least, most]) if least <= most => *least..=*most,
            _ if by_key => return Err(INVALID_OPERAND),
            (5, _) => return Ok(all.into_iter().take(1).collect()),
            (6, _) => return Ok(all.into_iter().next_back().into_iter().collect()),
            _ => 0..=u16::MAX,
        };
        Ok(all.into_iter().filter(|key| range.contains(key)).collect())
    }
}

fn respond(radio: &Radio, op: u8, code: u8) {
    radio.indicate(CONTROL_POINT, [RESPONSE, 0, op, code]);
}
