//! A round: batches judged, opened and stored in one transaction; answered only after its commit.

use std::collections::{HashMap, HashSet};

use varde_wire::{
    Chain, ChainId, Following, GatewayId, Lane, Receipt, Refusal, SignedReceipt, Topic, Verdict,
    VerifiedBatch, VerifyError, WallTime,
};

use crate::filing::{Filed, Filing};
use crate::intake::{Arrival, Intake};
use crate::store::{Cause, Evidence, GatewayRow, Incident, IncidentKind, StoreError, Tracked};

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored; so many of its entries were new.
    Stored {
        /// Entries that no other chain had brought before.
        new: usize,
    },
    /// Stored before; answered again.
    Repeated,
    /// Refused. Answered if it was well signed, as nothing can safely be said to a stranger.
    Refused(Cause),
}

/// A receipt, to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To whom.
    pub gateway: GatewayId,
    /// For which lane.
    pub lane: Lane,
    /// The receipt.
    pub receipt: SignedReceipt,
}

impl Answer {
    /// Where it is published.
    pub fn topic(&self) -> Topic {
        Topic::Receipt(self.gateway.clone(), self.lane)
    }
}

/// A round that is under way. Dropped without [`Self::commit`], it leaves nothing behind.
pub struct Round<'i> {
    pub(crate) intake: &'i mut Intake,
    /// One receipt a chain, for the newest of its batches that came: it stands for all before it.
    stored: HashMap<(GatewayRow, Lane, ChainId), (u64, Receipt)>,
    refused: Vec<Receipt>,
    /// The gateways of which a batch was stored that they made just now.
    living: HashSet<GatewayId>,
    committed: bool,
}

impl<'i> Round<'i> {
    pub(crate) fn begun(intake: &'i mut Intake) -> Self {
        Self { intake, stored: HashMap::new(), refused: Vec::new(), living: HashSet::new(), committed: false }
    }

    /// Takes a batch in. It is judged first, and opened only if it follows.
    ///
    /// # Errors
    /// Where the database fails. The round is lost then, and is to be dropped.
    pub fn take(&mut self, arrival: &Arrival, now: WallTime) -> Result<Outcome, StoreError> {
        let (gateway, verified) = match self.verify(arrival)? {
            Ok(believed) => believed,
            Err((gateway, cause)) => {
                self.keep(arrival, gateway, cause, None, now)?;
                return Ok(Outcome::Refused(cause));
            }
        };
        let batch = verified.batch();
        let tracked = self.intake.chain(gateway, batch.lane, batch.chain)?;
        match tracked.chain.judge(&verified) {
            Following::Next { skipped } => {
                let (tracked, new) = self.store(gateway, tracked, &verified, skipped, now)?;
                self.acknowledge(gateway, &verified);
                self.intake.remember(gateway, arrival.lane, tracked);
                Ok(Outcome::Stored { new })
            }
            Following::Repeated => {
                self.acknowledge(gateway, &verified);
                Ok(Outcome::Repeated)
            }
            Following::Refused(reason) => {
                let cause = match reason {
                    Refusal::Missing => Cause::Missing,
                    Refusal::Fork => Cause::Fork,
                    Refusal::Replay => Cause::Replay,
                };
                let place = Some((batch.chain, batch.number));
                self.keep(arrival, Some(gateway), cause, place, now)?;
                self.refuse(gateway, &verified, &tracked.chain, reason)?;
                Ok(Outcome::Refused(cause))
            }
        }
    }

    /// The gateways of which a batch was stored that they made just now: they live, if the round is committed.
    pub(crate) fn take_living(&mut self) -> HashSet<GatewayId> {
        std::mem::take(&mut self.living)
    }

    /// Puts the round on the disk, and gives the answers to what was in it; the urgent ones first.
    ///
    /// # Errors
    /// Where the database fails. Nothing is stored then, and there is nothing to answer.
    pub fn commit(mut self) -> Result<Vec<Answer>, StoreError> {
        self.intake.store.commit()?;
        self.committed = true;
        let mut receipts: Vec<Receipt> = self.stored.drain().map(|(_, (_, receipt))| receipt).collect();
        receipts.append(&mut self.refused);
        receipts.sort_by_key(|receipt| receipt.lane);
        let signed = receipts.into_iter().filter_map(|receipt| {
            // A receipt of valid parts can always be signed. Where there is no key for it, the batch comes again.
            let signed = receipt.sign(self.intake.signing(&receipt.gateway)?).ok()?;
            Some(Answer { gateway: receipt.gateway, lane: receipt.lane, receipt: signed })
        });
        Ok(signed.collect())
    }

    /// The batch, if its topic, key and signature agree; else why not.
    fn verify(&mut self, arrival: &Arrival) -> Result<Verified, StoreError> {
        let Some(gateway) = self.intake.gateway(&arrival.gateway)? else {
            return Ok(Err((None, Cause::UnknownGateway)));
        };
        let row = gateway.row;
        let cause = match arrival.signed.verify(&gateway.verifying, &arrival.gateway) {
            Ok(verified) if verified.batch().lane == arrival.lane => return Ok(Ok((row, verified))),
            Ok(_) => Cause::WrongLane,
            Err(error) => {
                let named = arrival.signed.key_id().unwrap_or_default();
                let superseded = || gateway.superseded.iter().any(|key| key.id() == *named);
                if error == VerifyError::UnknownKey && superseded() {
                    Cause::SupersededKey
                } else {
                    Cause::of(&error)
                }
            }
        };
        Ok(Err((Some(row), cause)))
    }

    fn store(
        &mut self,
        gateway: GatewayRow,
        mut tracked: Tracked,
        verified: &VerifiedBatch,
        skipped: u64,
        now: WallTime,
    ) -> Result<(Tracked, usize), StoreError> {
        let batch = verified.batch();
        let began = tracked.row.is_none();
        let highest = if began { self.intake.store.highest(gateway, batch.lane)? } else { None };
        let (store, keys, epochs) = self.intake.opening(gateway);
        let chain = match tracked.row {
            Some(row) => row,
            None => store.begin_chain(gateway, batch.lane, batch.chain, now)?,
        };
        let row = store.extend_chain(chain, verified, now)?;
        if began {
            store.note(row, &chain_began(batch.first, highest), now)?;
        }
        if let (Some(through), 1..) = (tracked.chain.through(), skipped) {
            let seqs = (through.saturating_add(1), batch.first.saturating_sub(1));
            let missing = Incident { kind: IncidentKind::Missing, seqs, count: skipped, detail: None };
            store.note(row, &missing, now)?;
        }

        let filing = Filing { store, gateway, batch: row, now };
        let Filed { new, is_fresh } = filing.file(verified, &keys.opening(), epochs)?;
        if is_fresh {
            self.living.insert(batch.gateway.clone());
        }
        tracked.row = Some(chain);
        tracked.chain.extend(verified);
        Ok((tracked, new))
    }

    /// To be answered: this batch and everything of the chain before it is stored. Nothing is said of those behind
    /// it: a gateway whose storage went back to an older state does not know them, and could free nothing by them.
    fn acknowledge(&mut self, gateway: GatewayRow, verified: &VerifiedBatch) {
        let batch = verified.batch();
        let verdict = Verdict::Stored { number: batch.number, hash: verified.hash(), through: batch.last() };
        let newest = self.stored.entry((gateway, batch.lane, batch.chain));
        let newest = newest.or_insert_with(|| (batch.number, receipt(verified, verdict)));
        if newest.0 < batch.number {
            *newest = (batch.number, receipt(verified, verdict));
        }
    }

    /// To be answered: the batch does not follow.
    fn refuse(
        &mut self,
        gateway: GatewayRow,
        verified: &VerifiedBatch,
        chain: &Chain,
        reason: Refusal,
    ) -> Result<(), StoreError> {
        let batch = verified.batch();
        let through = self.intake.store.highest(gateway, batch.lane)?.unwrap_or_default();
        let (number, hash, expected) = (batch.number, verified.hash(), chain.next());
        self.refused.push(receipt(verified, Verdict::Refused { number, hash, reason, expected, through }));
        Ok(())
    }

    fn keep(
        &self,
        arrival: &Arrival,
        gateway: Option<GatewayRow>,
        cause: Cause,
        place: Option<(ChainId, u64)>,
        now: WallTime,
    ) -> Result<(), StoreError> {
        let evidence = Evidence {
            gateway,
            claimed: &arrival.gateway,
            lane: arrival.lane,
            cause,
            hash: arrival.signed.hash(),
            place,
            bytes: arrival.signed.as_bytes(),
        };
        self.intake.store.refuse(&evidence, now)
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        self.intake.forget();
        // Where even this fails, the next BEGIN does too and says so.
        let _ = self.intake.store.roll_back();
    }
}

/// A batch that is believed and its gateway; else why not, and whose it should be if that is known.
type Verified = Result<(GatewayRow, VerifiedBatch), (Option<GatewayRow>, Cause)>;

fn receipt(verified: &VerifiedBatch, verdict: Verdict) -> Receipt {
    let batch = verified.batch();
    Receipt { gateway: batch.gateway.clone(), lane: batch.lane, chain: batch.chain, verdict }
}

/// A chain's beginning, and how it stands to what other chains of its lane brought before.
fn chain_began(first: u64, highest: Option<u64>) -> Incident {
    let detail = highest.map(|seq| format!("the chains before it reached seq {seq}"));
    Incident { kind: IncidentKind::ChainBegan, seqs: (first, first), count: 1, detail }
}
