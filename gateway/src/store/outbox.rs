//! One outbox database: on the disk, or in memory where the disk does not work.
//!
//! Every step is one transaction. What is kept in memory beside it ([`Place`]) is only replaced after the
//! commit, so a step that failed has not happened.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use varde_wire::{ChainId, DeviceId, Encapsulation, Hash, Lane, Record, Sealed, SignedBatch, WallTime};

use super::commands::{self, CommandStep, StoredCommand};
use super::cut::{Cut, cut};
use super::place::{Place, load_places, save_place};
use super::sealer::Sealer;
use super::state::{self, Judged, Part};
use super::{Identity, StoreError, schema};
use crate::{clock, entropy};

/// Room beyond the largest size that only urgent entries, batches and what frees them may use.
const RESERVE_BYTES: u64 = 32 << 20;

/// Free pages that are not worth giving back.
const KEPT_PAGES: u64 = 1024;

/// One outbox.
pub struct Outbox {
    db: Connection,
    identity: Identity,
    sealer: Sealer,
    /// The epoch's row; none until its first entry is written.
    epoch: Option<i64>,
    places: [Place; 2],
    largest_pages: u64,
}

impl Outbox {
    /// Opens the outbox in this file, or a new one in memory.
    ///
    /// # Errors
    /// Where the file cannot be used; see [`StoreError`].
    pub fn open(path: Option<&Path>, identity: Identity, max_size_bytes: u64) -> Result<Self, StoreError> {
        let mut db = schema::open(path, max_size_bytes.saturating_add(RESERVE_BYTES))?;
        let page: u64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        claim(&db, &identity)?;
        let places = load_places(&mut db)?;
        let sealer = Sealer::begin(&identity, clock::now())?;
        forget_old_epochs(&db)?;
        Ok(Self { db, identity, sealer, epoch: None, places, largest_pages: max_size_bytes / page })
    }

    /// Where a lane stands.
    pub fn place(&self, lane: Lane) -> &Place {
        &self.places[usize::from(lane.number())]
    }

    /// The last trusted time of an earlier boot.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn last_trusted(&self) -> Result<Option<WallTime>, StoreError> {
        let ms: Option<i64> = self
            .db
            .query_row("SELECT value FROM fact WHERE name = 'last_trusted'", [], |row| row.get(0))
            .optional()?;
        Ok(ms.map(WallTime::from_unix_millis))
    }

    /// Keeps the last trusted time for the next boot.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn set_last_trusted(&self, time: WallTime) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO fact (name, value) VALUES ('last_trusted', ?1)")?
            .execute([time.as_unix_millis()])?;
        Ok(())
    }

    /// What the driver of a device kept last, if anything.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn recall(&self, device: &DeviceId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .db
            .prepare_cached("SELECT bytes FROM memory WHERE device = ?1")?
            .query_row([device.as_str()], |row| row.get(0))
            .optional()?)
    }

    /// Forgets what drivers kept of devices that are not in this roster: one that is forgotten and added again begins
    /// anew.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn remember_only(&self, roster: &[DeviceId]) -> Result<(), StoreError> {
        let mut select = self.db.prepare("SELECT device FROM memory")?;
        let known = select.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        for device in
            known.iter().filter(|known| roster.iter().all(|device| device.as_str() != known.as_str()))
        {
            self.db.execute("DELETE FROM memory WHERE device = ?1", [device])?;
        }
        Ok(())
    }

    /// Seals and commits records in this lane. Urgent ones are cut into batches in the same transaction: one
    /// fsync stands between an alarm and the air.
    ///
    /// # Errors
    /// Where nothing was committed.
    pub fn append(&mut self, lane: Lane, records: &[Record]) -> Result<(), StoreError> {
        self.append_and(&[(lane, records)], |_| Ok(()))
    }

    /// The same, and keeps in that transaction what the drivers of these devices want to know after a restart.
    ///
    /// # Errors
    /// Where nothing was committed.
    pub fn append_and_remember(
        &mut self,
        lane: Lane,
        records: &[Record],
        memories: &BTreeMap<DeviceId, Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.append_and(&[(lane, records)], |transaction| {
            memories.iter().try_for_each(|(device, bytes)| remember(transaction, device, bytes))
        })
    }

    /// A step of a command, and the entry that tells of it. Urgent: somebody waits for it, and a full outbox must not
    /// make a command that was carried out look as if it was not.
    ///
    /// # Errors
    /// Where nothing was committed.
    pub fn step(&mut self, step: &CommandStep) -> Result<(), StoreError> {
        let records = [step.record()];
        self.append_and(&[(Lane::Urgent, &records)], |transaction| commands::write(transaction, step))
    }

    /// Seals and commits what was judged together, and where judgement stands then.
    ///
    /// # Errors
    /// Where nothing was committed; [`StoreError::Full`] where only the routine records were too many.
    pub fn append_judged(&mut self, judged: &Judged) -> Result<(), StoreError> {
        let lanes = [(Lane::Urgent, &*judged.urgent), (Lane::Routine, &*judged.routine)];
        self.append_and(&lanes, |transaction| state::write(transaction, &judged.state))
    }

    /// Where judgement stood last, if that was ever kept.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn state(&self, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
        state::read(&self.db, part)
    }

    /// Takes over where judgement stood in a damaged outbox, as far as it can be read.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn adopt_state(&self, from: &Connection) -> Result<(), StoreError> {
        state::adopt(from, &self.db)
    }

    /// Every command that is kept, in the order of the numbers.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn commands(&self) -> Result<Vec<StoredCommand>, StoreError> {
        commands::load(&self.db)
    }

    /// Takes over what can be read of the commands of a damaged outbox.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn adopt_commands(&self, from: &Connection) -> Result<(), StoreError> {
        commands::adopt(from, &self.db)
    }

    fn append_and(
        &mut self,
        lanes: &[(Lane, &[Record])],
        also: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let lanes = || lanes.iter().copied().filter(|(_, records)| !records.is_empty());
        if lanes().any(|(lane, _)| lane == Lane::Routine) && self.is_full()? {
            return Err(StoreError::Full);
        }
        let count = lanes().map(|(_, records)| records.len()).sum();
        if !self.sealer.lasts(count, clock::now()) {
            self.sealer = Sealer::begin(&self.identity, clock::now())?;
            self.epoch = None;
        }
        let mut places = self.places;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut epoch = self.epoch;
        for (lane, records) in lanes() {
            let row = write_epoch(&transaction, epoch, self.sealer.encapsulation())?;
            epoch = Some(row);
            let place = &mut places[usize::from(lane.number())];
            write_entries(&transaction, &mut self.sealer, row, (lane, place), records)?;
            if lane == Lane::Urgent {
                while cut(&transaction, &self.identity, lane, place, Cut::NOW)?.is_some() {}
            }
            save_place(&transaction, lane, place)?;
        }
        also(&transaction)?;
        transaction.commit()?;
        self.epoch = epoch;
        self.places = places;
        Ok(())
    }

    /// The signed batch of this number: as it was stored, or, if it is the next one and entries wait, cut now.
    /// No more than `at_most` sealed bytes go into a new one, but one entry at the least. With `only_full`, it is
    /// cut only if the entries fill it.
    ///
    /// # Errors
    /// Where it cannot be read, or cut and committed.
    pub fn fetch(
        &mut self,
        lane: Lane,
        number: u64,
        only_full: bool,
        at_most: usize,
    ) -> Result<Option<SignedBatch>, StoreError> {
        let mut place = *self.place(lane);
        if number < place.next_number {
            return self.stored(lane, number);
        }
        if number > place.next_number || place.cut_seq == place.next_seq {
            return Ok(None);
        }
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(signed) = cut(&transaction, &self.identity, lane, &mut place, Cut { only_full, at_most })?
        else {
            return Ok(None);
        };
        save_place(&transaction, lane, &place)?;
        transaction.commit()?;
        self.places[usize::from(lane.number())] = place;
        Ok(Some(signed))
    }

    /// Frees everything up to this batch, if `hash` is its hash. Gives the oldest number that is left.
    ///
    /// # Errors
    /// Where it cannot be committed; it is still there then, and freed by the next receipt.
    pub fn release(&mut self, lane: Lane, number: u64, hash: &Hash) -> Result<u64, StoreError> {
        let mut place = *self.place(lane);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(last) = last_seq_of(&transaction, lane, number, hash)? else {
            return Ok(place.oldest_number);
        };
        transaction
            .prepare_cached("DELETE FROM batch WHERE lane = ?1 AND number <= ?2")?
            .execute(params![lane.number(), number])?;
        place.oldest_number = number + 1;
        place.released_seq = last + 1;
        if place.oldest_number == place.next_number && !holds_entries(&transaction, lane)? {
            // Where a new chain began behind the hub's seqs, those between were never given.
            (place.cut_seq, place.released_seq) = (place.next_seq, place.next_seq);
        }
        save_place(&transaction, lane, &place)?;
        transaction.commit()?;
        self.places[usize::from(lane.number())] = place;
        Ok(place.oldest_number)
    }

    /// Begins a new chain: what waits for a receipt is taken out of its batches, to be cut again. New seqs lie
    /// behind `through`. Does nothing where `hash` is not that batch's.
    ///
    /// # Errors
    /// Where it cannot be committed.
    pub fn restart(&mut self, lane: Lane, number: u64, hash: &Hash, through: u64) -> Result<(), StoreError> {
        let place = *self.place(lane);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if last_seq_of(&transaction, lane, number, hash)?.is_none() {
            return Ok(());
        }
        let first = take_apart(&transaction, &self.identity, lane)?.unwrap_or(place.cut_seq);
        let restarted = Place {
            next_seq: place.next_seq.max(through.saturating_add(1)),
            cut_seq: first,
            released_seq: place.released_seq,
            ..Place::new(ChainId::from_bytes(entropy::bytes()?), 0)
        };
        let mut restarted = restarted;
        if lane == Lane::Urgent {
            while cut(&transaction, &self.identity, lane, &mut restarted, Cut::NOW)?.is_some() {}
        }
        save_place(&transaction, lane, &restarted)?;
        transaction.commit()?;
        self.places[usize::from(lane.number())] = restarted;
        Ok(())
    }

    /// Puts sealed entries in that were read back from a damaged outbox, as they were.
    ///
    /// # Errors
    /// Where nothing was committed.
    pub fn adopt(&mut self, lane: Lane, entries: &[Adopted]) -> Result<(), StoreError> {
        let mut place = *self.place(lane);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for entry in entries {
            let epoch = write_epoch(&transaction, None, &entry.epoch)?;
            insert_adopted(&transaction, lane, epoch, entry)?;
            place.next_seq = place.next_seq.max(entry.seq.saturating_add(1));
        }
        save_place(&transaction, lane, &place)?;
        transaction.commit()?;
        self.places[usize::from(lane.number())] = place;
        Ok(())
    }

    /// Makes this lane's next seq at least `seq`: a new file after a damaged one must reuse none.
    ///
    /// # Errors
    /// Where it cannot be committed.
    pub fn skip_to(&mut self, lane: Lane, seq: u64) -> Result<(), StoreError> {
        let mut place = *self.place(lane);
        place.next_seq = place.next_seq.max(seq);
        if place.cut_seq == place.released_seq && self.oldest_made(lane)?.is_none() {
            (place.cut_seq, place.released_seq) = (place.next_seq, place.next_seq);
        }
        save_place(&self.db, lane, &place)?;
        self.places[usize::from(lane.number())] = place;
        Ok(())
    }

    /// When the oldest entry without a receipt was made.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn oldest_made(&self, lane: Lane) -> Result<Option<WallTime>, StoreError> {
        let ms: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT made FROM (
                     SELECT made FROM (SELECT made FROM batch WHERE lane = ?1 ORDER BY number LIMIT 1)
                     UNION ALL
                     SELECT made FROM (SELECT made FROM entry WHERE lane = ?1 ORDER BY seq LIMIT 1)
                 ) LIMIT 1",
            )?
            .query_row([lane.number()], |row| row.get(0))
            .optional()?;
        Ok(ms.map(WallTime::from_unix_millis))
    }

    /// Bytes of the database that hold something.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn size_bytes(&self) -> Result<u64, StoreError> {
        let page: u64 = self.db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        Ok(self.used_pages()?.saturating_mul(page))
    }

    /// Gives free pages back to the file system, some at a time; what the next hours need is kept.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub fn shrink(&self) -> Result<(), StoreError> {
        let free: u64 = self.db.prepare_cached("PRAGMA freelist_count")?.query_row([], |row| row.get(0))?;
        if free > KEPT_PAGES {
            // It frees a page for each row that is asked of it.
            let mut vacuum = self.db.prepare("PRAGMA incremental_vacuum(1024)")?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(())
    }

    fn stored(&self, lane: Lane, number: u64) -> Result<Option<SignedBatch>, StoreError> {
        let bytes: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT signed FROM batch WHERE lane = ?1 AND number = ?2")?
            .query_row(params![lane.number(), number], |row| row.get(0))
            .optional()?;
        Ok(bytes.map(SignedBatch::from_bytes))
    }

    fn is_full(&self) -> Result<bool, StoreError> {
        Ok(self.used_pages()? >= self.largest_pages)
    }

    fn used_pages(&self) -> Result<u64, StoreError> {
        let all: u64 = self.db.prepare_cached("PRAGMA page_count")?.query_row([], |row| row.get(0))?;
        let free: u64 = self.db.prepare_cached("PRAGMA freelist_count")?.query_row([], |row| row.get(0))?;
        Ok(all.saturating_sub(free))
    }
}

/// A sealed entry outside of any batch, as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its seq.
    pub seq: u64,
    /// Its epoch.
    pub epoch: Encapsulation,
    /// Its count in the epoch.
    pub count: u32,
    /// When it was made.
    pub made: WallTime,
    /// Its ciphertext.
    pub sealed: Vec<u8>,
}

/// An outbox belongs to one gateway for ever: its entries are sealed to their place in that gateway's lanes.
fn claim(db: &Connection, identity: &Identity) -> Result<(), StoreError> {
    let ours = identity.gateway.as_str();
    db.execute("INSERT OR IGNORE INTO fact (name, value) VALUES ('gateway', ?1)", [ours])?;
    let found: String =
        db.query_row("SELECT value FROM fact WHERE name = 'gateway'", [], |row| row.get(0))?;
    if found == ours { Ok(()) } else { Err(StoreError::Foreign { found, ours: ours.to_owned() }) }
}

fn remember(db: &Connection, device: &DeviceId, bytes: &[u8]) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO memory (device, bytes) VALUES (?1, ?2)")?
        .execute(params![device.as_str(), bytes])?;
    Ok(())
}

fn write_entries(
    db: &Transaction<'_>,
    sealer: &mut Sealer,
    epoch: i64,
    (lane, place): (Lane, &mut Place),
    records: &[Record],
) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT INTO entry (lane, seq, epoch, count, made, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for record in records {
        let (count, sealed) = sealer.seal(lane, place.next_seq, &record.encode()?)?;
        let made = record.stamp.wall.as_unix_millis();
        insert.execute(params![lane.number(), place.next_seq, epoch, count, made, sealed])?;
        place.next_seq += 1;
    }
    Ok(())
}

fn write_epoch(db: &Transaction<'_>, known: Option<i64>, epoch: &Encapsulation) -> Result<i64, StoreError> {
    if let Some(id) = known {
        return Ok(id);
    }
    db.prepare_cached("INSERT OR IGNORE INTO epoch (encapsulation) VALUES (?1)")?.execute([epoch])?;
    let mut find = db.prepare_cached("SELECT id FROM epoch WHERE encapsulation = ?1")?;
    Ok(find.query_row([epoch], |row| row.get(0))?)
}

/// Epochs that no waiting entry was sealed in are not needed: a batch carries its own.
fn forget_old_epochs(db: &Connection) -> Result<(), StoreError> {
    let empty = db.query_row("SELECT NOT EXISTS (SELECT 1 FROM entry)", [], |row| row.get(0))?;
    if empty {
        db.execute("DELETE FROM epoch", [])?;
    }
    Ok(())
}

fn last_seq_of(db: &Connection, lane: Lane, number: u64, hash: &Hash) -> Result<Option<u64>, StoreError> {
    Ok(db
        .prepare_cached("SELECT last_seq FROM batch WHERE lane = ?1 AND number = ?2 AND hash = ?3")?
        .query_row(params![lane.number(), number, hash.as_bytes()], |row| row.get(0))
        .optional()?)
}

/// Whether entries wait that are in no batch.
fn holds_entries(db: &Connection, lane: Lane) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE lane = ?1)")?
        .query_row([lane.number()], |row| row.get(0))?)
}

/// Turns a lane's batches back into entries; gives the first seq.
fn take_apart(db: &Transaction<'_>, identity: &Identity, lane: Lane) -> Result<Option<u64>, StoreError> {
    let mut first = None;
    let mut select = db.prepare("SELECT signed, made FROM batch WHERE lane = ?1 ORDER BY number")?;
    let mut rows = select.query([lane.number()])?;
    while let Some(row) = rows.next()? {
        for entry in entries_of(&SignedBatch::from_bytes(row.get(0)?), row.get(1)?, identity)? {
            first.get_or_insert(entry.seq);
            let epoch = write_epoch(db, None, &entry.epoch)?;
            insert_adopted(db, lane, epoch, &entry)?;
        }
    }
    db.execute("DELETE FROM batch WHERE lane = ?1", [lane.number()])?;
    Ok(first)
}

/// The entries of a batch of our own.
pub(super) fn entries_of(
    signed: &SignedBatch,
    made: i64,
    identity: &Identity,
) -> Result<Vec<Adopted>, StoreError> {
    let verified = signed
        .verify(&identity.sign.verifying_key(), &identity.gateway)
        .map_err(|e| StoreError::Corrupt(format!("a stored batch: {e}")))?;
    let batch = verified.batch();
    let epoch = |entry: &Sealed| batch.epochs.get(usize::from(entry.epoch)).copied().unwrap_or_default();
    let adopted = |(seq, entry): (u64, &Sealed)| Adopted {
        seq,
        epoch: epoch(entry),
        count: entry.count,
        made: WallTime::from_unix_millis(made),
        sealed: entry.bytes.clone(),
    };
    Ok((batch.first..).zip(&batch.entries).map(adopted).collect())
}

fn insert_adopted(db: &Connection, lane: Lane, epoch: i64, entry: &Adopted) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO entry (lane, seq, epoch, count, made, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        lane.number(),
        entry.seq,
        epoch,
        entry.count,
        entry.made.as_unix_millis(),
        entry.sealed
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests;
