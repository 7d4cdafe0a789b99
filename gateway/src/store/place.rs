//! Where a lane stands: what is kept of it in memory, and its row.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use varde_core::Dispatch;
use varde_wire::{ChainId, Hash, Lane};

use super::StoreError;
use crate::entropy;

/// Where a lane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its chain.
    pub chain: ChainId,
    /// The seq of the next entry.
    pub next_seq: u64,
    /// Every entry before this seq is in a batch, or released.
    pub cut_seq: u64,
    /// Every entry before this seq is released.
    pub released_seq: u64,
    /// The number of the next batch.
    pub next_number: u64,
    /// The number of the oldest batch without a receipt.
    pub oldest_number: u64,
    /// The hash of the newest batch.
    pub head: Hash,
}

impl Place {
    pub(super) fn new(chain: ChainId, first_seq: u64) -> Self {
        Self {
            chain,
            next_seq: first_seq,
            cut_seq: first_seq,
            released_seq: first_seq,
            next_number: 0,
            oldest_number: 0,
            head: Hash::NONE,
        }
    }

    /// What a delivery starts from.
    pub fn dispatch(&self) -> Dispatch {
        Dispatch { chain: self.chain, oldest: self.oldest_number, next: self.next_number }
    }

    /// Whether nothing in it waits for a receipt.
    pub fn is_empty(&self) -> bool {
        self.released_seq == self.next_seq
    }
}

/// Both lanes' places, begun where there are none yet.
pub(super) fn load_places(db: &mut Connection) -> Result<[Place; 2], StoreError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut places = [Place::new(ChainId::from_bytes([0; 16]), 0); 2];
    for (lane, place) in Lane::ALL.into_iter().zip(&mut places) {
        *place = match load_place(&transaction, lane)? {
            Some(place) => place,
            None => {
                let place = Place::new(ChainId::from_bytes(entropy::bytes()?), 0);
                save_place(&transaction, lane, &place)?;
                place
            }
        };
    }
    transaction.commit()?;
    Ok(places)
}

fn load_place(db: &Connection, lane: Lane) -> Result<Option<Place>, StoreError> {
    Ok(db
        .query_row(
            "SELECT chain, next_seq, cut_seq, released_seq, next_number, oldest_number, head
             FROM lane WHERE lane = ?1",
            [lane.number()],
            |row| {
                Ok(Place {
                    chain: ChainId::from_bytes(row.get(0)?),
                    next_seq: row.get(1)?,
                    cut_seq: row.get(2)?,
                    released_seq: row.get(3)?,
                    next_number: row.get(4)?,
                    oldest_number: row.get(5)?,
                    head: Hash::from_bytes(row.get(6)?),
                })
            },
        )
        .optional()?)
}

pub(super) fn save_place(db: &Connection, lane: Lane, place: &Place) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO lane
             (lane, chain, next_seq, cut_seq, released_seq, next_number, oldest_number, head)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        lane.number(),
        place.chain.as_bytes(),
        place.next_seq,
        place.cut_seq,
        place.released_seq,
        place.next_number,
        place.oldest_number,
        place.head.as_bytes(),
    ])?;
    Ok(())
}
