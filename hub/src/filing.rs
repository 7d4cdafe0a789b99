//! Files the entries of one batch that follows: opened ones as records, the others as they came.

use std::collections::HashMap;

use varde_wire::{
    About, Batch, Content, Encapsulation, Lane, OpeningEpoch, OpeningKey, Record, Sealed, Trust, Unlocked,
    VerifiedBatch, WallTime,
};

use crate::silence::FRESH_MS;
use crate::store::{BatchRow, EpochRow, GatewayRow, Incident, IncidentKind, Store, StoreError, Told};

/// Where the entries of a batch belong.
pub(crate) struct Filing<'a> {
    pub(crate) store: &'a Store,
    pub(crate) gateway: GatewayRow,
    pub(crate) batch: BatchRow,
    pub(crate) now: WallTime,
}

/// What became of the entries of a batch.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filed {
    /// How many opened that no other chain had brought before.
    pub(crate) new: usize,
    /// Whether one of those was made just now.
    pub(crate) is_fresh: bool,
}

/// What of a batch did not open.
#[derive(Default)]
struct Unreadable {
    seqs: Option<(u64, u64)>,
    count: u64,
    why: String,
}

impl Filing<'_> {
    /// Files every entry of the batch.
    pub(crate) fn file(
        &self,
        verified: &VerifiedBatch,
        hub: &[&OpeningKey],
        known: &mut HashMap<Encapsulation, OpeningEpoch>,
    ) -> Result<Filed, StoreError> {
        let mut unreadable = Unreadable::default();
        let filed = match verified.unlock(hub, known) {
            Ok(unlocked) => self.open_each(verified.batch(), &unlocked, &mut unreadable)?,
            Err(e) => self.keep_all(verified.batch(), &mut unreadable, &e.to_string())?,
        };
        if let Some(seqs) = unreadable.seqs {
            // One of them may have been begun with the wrong key, for want of an entry that opens.
            verified.batch().epochs.iter().for_each(|epoch| {
                known.remove(epoch);
            });
            let kind = IncidentKind::Unreadable;
            self.note(Incident { kind, seqs, count: unreadable.count, detail: Some(unreadable.why) })?;
        }
        Ok(filed)
    }

    fn open_each(
        &self,
        batch: &Batch,
        unlocked: &Unlocked<'_, '_>,
        unreadable: &mut Unreadable,
    ) -> Result<Filed, StoreError> {
        let epochs = batch.epochs.iter();
        let rows: Vec<EpochRow> =
            epochs.map(|epoch| self.epoch(batch.lane, epoch)).collect::<Result<_, _>>()?;
        let mut insert = self.store.entries_of(self.batch)?;
        let mut filed = Filed::default();
        for (opened, sealed) in unlocked.entries().zip(&batch.entries) {
            // The batch was checked: its entries name epochs that it lists.
            let Some(&epoch) = rows.get(usize::from(sealed.epoch)) else { continue };
            let read = opened.record.map_err(|e| e.to_string());
            match read.and_then(|record| Ok((record.encode().map_err(|e| e.to_string())?, record))) {
                Ok((bytes, record)) => {
                    if let Some(n) = insert.insert(epoch, opened.seq, &bytes)? {
                        filed.new += 1;
                        filed.is_fresh |= self.is_fresh(&record);
                        let (seq, received, stamp) = (opened.seq, self.now, record.stamp);
                        self.attend(&Told { n, seq, received, stamp }, &record.content)?;
                    }
                }
                Err(why) => self.keep(unreadable, epoch, opened.seq, sealed, &why)?,
            }
        }
        Ok(filed)
    }

    /// Whether the record can have been made just now. A clock that is not set says nothing either way, and then this
    /// proves nothing.
    fn is_fresh(&self, record: &Record) -> bool {
        let away = record.stamp.wall.as_unix_millis().abs_diff(self.now.as_unix_millis());
        away <= FRESH_MS
    }

    /// None of the batch's entries can be opened.
    fn keep_all(&self, batch: &Batch, unreadable: &mut Unreadable, why: &str) -> Result<Filed, StoreError> {
        for (seq, sealed) in (batch.first..).zip(&batch.entries) {
            let encapsulation = batch.epochs.get(usize::from(sealed.epoch)).copied().unwrap_or_default();
            self.keep(unreadable, self.epoch(batch.lane, &encapsulation)?, seq, sealed, why)?;
        }
        Ok(Filed::default())
    }

    fn keep(
        &self,
        unreadable: &mut Unreadable,
        epoch: EpochRow,
        seq: u64,
        sealed: &Sealed,
        why: &str,
    ) -> Result<(), StoreError> {
        if self.store.keep_unreadable(self.batch, epoch, seq, sealed)? {
            let first = unreadable.seqs.map_or(seq, |(first, _)| first);
            unreadable.seqs = Some((first, seq));
            unreadable.count = unreadable.count.saturating_add(1);
            why.clone_into(&mut unreadable.why);
        }
        Ok(())
    }

    /// What a record means to the hub itself, beside being kept.
    pub(crate) fn attend(&self, told: &Told, content: &Content) -> Result<(), StoreError> {
        match content {
            Content::Observation(_) | Content::InContext(..) => Ok(()),
            Content::Report(report) => match &report.about {
                About::Alarm(alarm) => self.store.note_alarm(self.gateway, told, alarm),
                About::Supervision(troubles) => self.store.note_troubles(self.gateway, told, troubles),
                About::Rule(_) | About::Visit(_) | About::Count(_) => Ok(()),
            },
            Content::Outcome(outcome) => self.store.note_outcome(self.gateway, outcome, self.now),
            Content::Gap(gap) => {
                let detail = Some(format!("given up by the gateway: {}", gap.reason.name()));
                self.note(Incident {
                    kind: IncidentKind::Gap,
                    seqs: (told.seq, told.seq),
                    count: gap.observations,
                    detail,
                })
            }
            Content::Anchor(_) if told.stamp.trust == Trust::Synchronised => {
                self.store.keep_anchor(self.gateway, &told.stamp)
            }
            // An anchor whose own time is not right mends nothing.
            Content::Anchor(_) => Ok(()),
        }
    }

    fn epoch(&self, lane: Lane, encapsulation: &Encapsulation) -> Result<EpochRow, StoreError> {
        self.store.epoch(self.gateway, lane, encapsulation)
    }

    fn note(&self, incident: Incident) -> Result<(), StoreError> {
        self.store.note(self.batch, &incident, self.now)
    }
}
