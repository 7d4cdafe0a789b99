//! What the gateway judges by after a restart, committed with what it told.
//!
//! It says which alarm is open and who is silent, and what drivers remember says which dose is due when. So both are
//! sealed like an entry: to the gateway's own key, which does not lie in this file. A copy of the outbox alone tells
//! nothing.

use rusqlite::{Connection, OptionalExtension as _, params};
use varde_wire::{DeviceId, GatewayId, Lane, OpeningEpoch, OpeningKey, Record, SealError, SealingEpoch};

use super::{Queue, StoreError};
use crate::entropy;

/// A part of the gateway's judgement that outlives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Alarms, supervision and rules.
    Guard,
    /// The line of time through every restart.
    Life,
    /// What was counted today.
    Tally,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Guard, Self::Life, Self::Tally];

    const fn number(self) -> u64 {
        match self {
            Self::Guard => 0,
            Self::Life => 1,
            Self::Tally => 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Life => "life",
            Self::Tally => "tally",
        }
    }
}

/// What drivers remember, beside the numbers of the parts.
const MEMORY: u64 = 1 << 32;

/// Seals what is kept, and opens it again.
pub struct StateSeal {
    gateway: GatewayId,
    own: OpeningKey,
    epoch: Option<SealingEpoch>,
}

impl StateSeal {
    /// With the gateway's own key.
    pub fn new(gateway: GatewayId, own: OpeningKey) -> Self {
        Self { gateway, own, epoch: None }
    }

    /// Seals a part.
    ///
    /// # Errors
    /// Where the kernel gives no randomness.
    pub fn seal(&mut self, part: Part, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.seal_as(part.number(), bytes)
    }

    /// Opens a part.
    ///
    /// # Errors
    /// Where it was changed, or sealed to another key.
    pub fn open(&self, part: Part, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.open_as(part.number(), sealed)
    }

    /// Seals what the driver of this device remembers.
    ///
    /// # Errors
    /// Where the kernel gives no randomness.
    pub fn seal_memory(&mut self, device: &DeviceId, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.seal_as(MEMORY, &[device.as_str().as_bytes(), &[0], bytes].concat())
    }

    /// Opens what the driver of this device remembers.
    ///
    /// # Errors
    /// Where it was changed, is another device's, was never sealed or was sealed to another key.
    pub fn open_memory(&self, device: &DeviceId, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let opened = self.open_as(MEMORY, sealed)?;
        // No name has a zero in it.
        let bytes = opened.strip_prefix(device.as_str().as_bytes()).and_then(|rest| rest.strip_prefix(&[0]));
        bytes.map(<[u8]>::to_vec).ok_or(SealError::Broken)
    }

    fn seal_as(&mut self, number: u64, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut epoch = match self.epoch.take() {
            Some(epoch) if epoch.count() < varde_wire::EPOCH_LIMIT => epoch,
            _ => SealingEpoch::begin(&self.own.sealing_key(), &self.gateway, entropy::bytes()?)?,
        };
        let (count, sealed) = epoch.seal(Lane::Routine, number, bytes)?;
        let sealed = [epoch.encapsulation().as_slice(), &count.to_be_bytes(), &sealed].concat();
        self.epoch = Some(epoch);
        Ok(sealed)
    }

    fn open_as(&self, number: u64, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (encapsulation, rest) = sealed.split_first_chunk().ok_or(SealError::Broken)?;
        let (count, rest) = rest.split_first_chunk().ok_or(SealError::Broken)?;
        let epoch = OpeningEpoch::begin(&self.own, &self.gateway, *encapsulation)?;
        epoch.open(Lane::Routine, number, u32::from_be_bytes(*count), rest)
    }
}

/// What was judged at one moment: committed together and at once.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// What goes out urgently.
    pub urgent: Vec<Record>,
    /// What goes out besides.
    pub routine: Vec<Record>,
    /// Where judgement stands then, sealed.
    pub state: Vec<(Part, Vec<u8>)>,
}

/// Where urgent records were put: a receipt for this seq is one for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The queue.
    pub queue: Queue,
    /// Which opening of the disk's outbox it was ([`super::Store::generation`]).
    pub generation: u64,
    /// The seq of the last of them.
    pub seq: u64,
}

/// What receipts have freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Which opening of the disk's outbox this is.
    pub generation: u64,
    /// Every urgent entry before this seq, on the disk.
    pub urgent: u64,
    /// Every entry before this seq, in memory.
    pub memory: u64,
}

impl Released {
    /// Whether a receipt has come for what sits there. Nothing where its file was replaced: nobody knows then.
    pub fn covers(&self, seat: &Seat) -> Option<bool> {
        match seat.queue {
            Queue::Memory => Some(seat.seq < self.memory),
            _ if seat.generation != self.generation => None,
            Queue::Urgent | Queue::Routine => Some(seat.seq < self.urgent),
        }
    }
}

pub(super) fn write(db: &Connection, state: &[(Part, Vec<u8>)]) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached("INSERT OR REPLACE INTO state (name, bytes) VALUES (?1, ?2)")?;
    for (part, bytes) in state {
        insert.execute(params![part.name(), bytes])?;
    }
    Ok(())
}

pub(super) fn read(db: &Connection, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(db
        .prepare_cached("SELECT bytes FROM state WHERE name = ?1")?
        .query_row([part.name()], |row| row.get(0))
        .optional()?)
}

/// Brings what can be read of another file over: an alarm that was open must not be forgotten with it.
pub(super) fn adopt(from: &Connection, into: &Connection) -> Result<(), StoreError> {
    for part in Part::ALL {
        if let Ok(Some(bytes)) = read(from, part) {
            write(into, &[(part, bytes)])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_opens_for_this_gateway_as_this_part_and_tells_nobody_else() {
        let (gateway, own) = ("gw-1".parse::<GatewayId>().unwrap(), OpeningKey::derive(&[1; 32]));
        let mut seal = StateSeal::new(gateway.clone(), own.clone());
        let first = seal.seal(Part::Guard, b"night-bed is raised").unwrap();
        let second = seal.seal(Part::Guard, b"night-bed is raised").unwrap();
        assert_ne!(first, second);
        let reborn = StateSeal::new(gateway, own);
        assert_eq!(reborn.open(Part::Guard, &second).unwrap(), b"night-bed is raised");
        assert!(!second.windows(5).any(|window| window == b"night"));
        assert_eq!(reborn.open(Part::Tally, &second), Err(SealError::Broken));
        assert_eq!(reborn.open(Part::Guard, &second[..30]), Err(SealError::Broken));

        let (one, other) = ("dispenser-1".parse().unwrap(), "dispenser".parse().unwrap());
        let kept = seal.seal_memory(&one, b"08:00, two tablets").unwrap();
        assert_eq!(reborn.open_memory(&one, &kept).unwrap(), b"08:00, two tablets");
        assert!(!kept.windows(5).any(|window| window == b"08:00"));
        assert_eq!(reborn.open_memory(&other, &kept), Err(SealError::Broken), "another device's");
        assert!(
            reborn.open_memory(&one, b"what an older program did not seal, and was long enough").is_err()
        );

        let stranger = StateSeal::new("gw-1".parse().unwrap(), OpeningKey::derive(&[2; 32]));
        assert_eq!(stranger.open(Part::Guard, &second), Err(SealError::Broken));
    }
}
