//! One BTHome device: its key, its counter, what it told of itself.

use varde_wire::{Flags, Instant, Value};

use super::replay::{Replay, Verdict};
use super::{CHANNELS, Packet};
use crate::advert::Secret;
use crate::advert::format::Advertiser;
use crate::advert::format::Told;
use crate::statement::Said;
use crate::{Channel, Description, FieldValue, FrameError, Problem, Purpose};

/// A BTHome device.
#[derive(Debug)]
pub(crate) struct BtHome {
    secret: Option<Secret>,
    purpose: Option<Purpose>,
    replay: Replay,
    about: Option<About>,
}

/// What it told of itself last.
#[derive(Debug)]
struct About {
    version: u8,
    encrypted: bool,
    trigger_based: bool,
    objects: Vec<(&'static str, FieldValue)>,
    /// The object that ended what could be read.
    unknown_object: Option<u8>,
}

impl BtHome {
    pub(crate) fn new(secret: Option<Secret>, purpose: Option<Purpose>) -> Self {
        Self { secret, purpose, replay: Replay::default(), about: None }
    }

    fn read(&mut self, packet: Packet, bytes: &[u8], now: Instant) -> Result<Told, FrameError> {
        match packet.counter {
            None if self.secret.is_some() => {
                let problem = Problem::NotEncrypted;
                return Err(FrameError { field: "objects", offset: 0, problem });
            }
            None => {}
            Some(counter) => match self.replay.judge(counter, bytes, now) {
                Verdict::New => {}
                Verdict::Echo => return Ok(Told::default()),
                Verdict::Old(last) => return self.replayed(packet, counter, last),
            },
        }
        self.learn(&packet);
        Ok(self.told(packet))
    }

    fn told(&self, packet: Packet) -> Told {
        Told {
            statements: packet.statements(self.purpose),
            flags: Flags::NONE,
            numbered: packet.is_numbered(),
            content: packet.content,
            fault: packet.broken,
        }
    }

    /// A call for help alone is believed, and only half.
    fn replayed(&self, packet: Packet, got: u32, last: u32) -> Result<Told, FrameError> {
        let alarm = self.purpose.and_then(Purpose::alarm).map(Value::Event);
        let error = FrameError { field: "counter", offset: 0, problem: Problem::Replayed { got, last } };
        let mut told = self.told(packet);
        told.statements.retain(|statement| {
            matches!(&statement.said, Said::Happened { value, .. } if Some(value) == alarm.as_ref())
        });
        if told.statements.is_empty() {
            return Err(error);
        }
        Ok(Told { flags: Flags::QUESTIONABLE, fault: Some(error), ..told })
    }

    fn learn(&mut self, packet: &Packet) {
        let mut objects = self.about.take().map(|about| about.objects).unwrap_or_default();
        for object in packet.objects.iter().filter(|object| object.is_about_device()) {
            objects.retain(|(name, _)| *name != object.name());
            objects.push((object.name(), object.value.describe()));
        }
        self.about = Some(About {
            version: packet.version,
            encrypted: packet.counter.is_some(),
            trigger_based: packet.trigger_based,
            objects,
            unknown_object: packet.rest.first().copied(),
        });
    }
}

impl Advertiser for BtHome {
    fn hear(&mut self, channel: Channel, bytes: &[u8], now: Instant) -> Option<Result<Told, FrameError>> {
        let packet =
            CHANNELS.contains(&channel).then(|| Packet::decode(channel, bytes, self.secret.as_ref()))?;
        Some(packet.and_then(|packet| self.read(packet, bytes, now)))
    }

    fn describe(&self) -> Description {
        let Some(about) = &self.about else { return Description::default() };
        let head = Description::default()
            .with("bthome_version", about.version)
            .with("encrypted", about.encrypted)
            .with("trigger_based", about.trigger_based);
        let objects = about.objects.iter().cloned();
        objects
            .fold(head, |description, (name, value)| description.with(name, value))
            .with_some("unknown_object", about.unknown_object)
    }

    fn recall(&mut self, memory: &[u8]) {
        if let Some(secret) = &self.secret {
            self.replay.recall(memory, secret);
        }
    }

    fn keep_at(&self) -> Option<Instant> {
        self.replay.keep_at()
    }

    fn memory(&mut self) -> Option<Vec<u8>> {
        self.replay.memory(self.secret.as_ref()?)
    }
}
