//! What can be wrong with a prototype.

use std::collections::HashSet;

use varde_device_link::{Deframer, Packet, ToDevice, ToGateway};

/// A defect of the dispenser, as makers build them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It does not know a request's number again.
    ForgetsAnswers,
    /// It tells each event once.
    NeverRepeats,
    /// It never forgets an event.
    IgnoresAcknowledgements,
    /// It tells its state only once.
    HasNoHeartbeat,
    /// A frame that is too long stops it.
    DiesOfNoise,
    /// It puts the old plan away when a new one begins.
    RunsHalfPlans,
    /// It says that its clock is set, and does not set it.
    IgnoresTheClock,
    /// It knows no daylight saving.
    KnowsNoDaylightSaving,
    /// It does not do something that it says it can.
    CannotIdentify,
}

/// What a defect does to the frames of both directions.
#[derive(Clone, Debug)]
pub(super) struct Meddler {
    pub(super) defect: Option<Defect>,
    deframer: Deframer,
    told: HashSet<u32>,
    states: u32,
    run: usize,
    is_dead: bool,
}

/// So many bytes without an end stop a device that [`Defect::DiesOfNoise`].
const DEADLY: usize = 1000;

impl Meddler {
    pub(super) fn new(defect: Option<Defect>) -> Self {
        let (deframer, told) = (Deframer::default(), HashSet::new());
        Self { defect, deframer, told, states: 0, run: 0, is_dead: false }
    }

    /// What the device hears of what the gateway said.
    pub(super) fn heard(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.defect == Some(Defect::DiesOfNoise) {
            for byte in bytes {
                self.run = if *byte == 0 { 0 } else { self.run + 1 };
                self.is_dead |= self.run > DEADLY;
            }
        }
        if self.is_dead {
            return Vec::new();
        }
        if self.defect != Some(Defect::IgnoresAcknowledgements) {
            return bytes.to_vec();
        }
        let mut heard = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (taken, body) = self.deframer.take(rest);
            rest = rest.get(taken..).unwrap_or_default();
            if let Some(Ok(packet)) = body.map(Packet::read)
                && !matches!(packet, Packet::ToDevice(_, ToDevice::Acknowledge { .. }))
            {
                heard.extend(packet.frame().unwrap_or_default());
            }
        }
        heard
    }

    /// Whether this frame of the device is said at all.
    pub(super) fn says(&mut self, frame: &[u8]) -> bool {
        let mut deframer = Deframer::default();
        let (_, body) = deframer.take(frame);
        match (self.defect, body.map(Packet::read)) {
            (Some(Defect::NeverRepeats), Some(Ok(Packet::ToGateway(_, ToGateway::Event { event, .. })))) => {
                self.told.insert(event.number)
            }
            (Some(Defect::HasNoHeartbeat), Some(Ok(Packet::ToGateway(_, ToGateway::State(_))))) => {
                self.states += 1;
                self.states == 1
            }
            _ => !self.is_dead,
        }
    }
}
