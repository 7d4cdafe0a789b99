//! What somebody should know of, though nothing was refused.

use varde_wire::WallTime;

use super::{BatchRow, Store, StoreError};

/// A kind of incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncidentKind {
    /// A chain began: a new outbox, or a new start after the hub refused to follow the old one.
    ChainBegan,
    /// Seqs that no batch carries.
    Missing,
    /// The gateway gave up observations and says so.
    Gap,
    /// Entries that did not open.
    Unreadable,
    /// Such ones, that opened later.
    Opened,
}

impl IncidentKind {
    const ALL: [Self; 5] = [Self::ChainBegan, Self::Missing, Self::Gap, Self::Unreadable, Self::Opened];

    /// The word in tables and output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChainBegan => "chain-began",
            Self::Missing => "missing",
            Self::Gap => "gap",
            Self::Unreadable => "unreadable",
            Self::Opened => "opened-later",
        }
    }
}

/// An incident, as a batch showed it.
pub(crate) struct Incident {
    pub(crate) kind: IncidentKind,
    /// The seqs that it is about.
    pub(crate) seqs: (u64, u64),
    /// How many: seqs, entries or observations.
    pub(crate) count: u64,
    /// More, in words. Never a payload.
    pub(crate) detail: Option<String>,
}

/// An incident with its circumstances.
pub(crate) struct Occurred {
    pub(crate) id: i64,
    pub(crate) at: WallTime,
    pub(crate) gateway: String,
    pub(crate) lane: u8,
    pub(crate) chain: [u8; 16],
    pub(crate) number: u64,
    pub(crate) incident: Incident,
}

impl Store {
    /// Keeps an incident.
    pub(crate) fn note(&self, batch: BatchRow, incident: &Incident, now: WallTime) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO incident (at, batch, kind, first, last, count, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                now.as_unix_millis(),
                batch.0,
                incident.kind.name(),
                incident.seqs.0.cast_signed(),
                incident.seqs.1.cast_signed(),
                incident.count.cast_signed(),
                &incident.detail,
            ),
        )?;
        Ok(())
    }

    /// Every incident, oldest first.
    pub(crate) fn incidents(&self) -> Result<Vec<Occurred>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT incident.id, at, gateway.name, chain.lane, chain.chain, batch.number,
                    kind, incident.first, incident.last, count, detail
             FROM incident JOIN batch ON batch.id = incident.batch JOIN chain ON chain.id = batch.chain
             JOIN gateway ON gateway.id = chain.gateway ORDER BY incident.id",
        )?;
        let rows = statement.query_map([], |row| {
            let seq = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
            let name: String = row.get(6)?;
            let kind = IncidentKind::ALL.into_iter().find(|kind| kind.name() == name);
            let occurred = |kind| {
                Ok::<_, rusqlite::Error>(Occurred {
                    id: row.get(0)?,
                    at: WallTime::from_unix_millis(row.get(1)?),
                    gateway: row.get(2)?,
                    lane: row.get(3)?,
                    chain: row.get(4)?,
                    number: seq(5)?,
                    incident: Incident {
                        kind,
                        seqs: (seq(7)?, seq(8)?),
                        count: seq(9)?,
                        detail: row.get(10)?,
                    },
                })
            };
            kind.map(occurred).transpose()
        })?;
        let all: Vec<Option<Occurred>> = rows.collect::<Result<_, _>>()?;
        all.into_iter()
            .map(|occurred| occurred.ok_or(StoreError::Damaged("an incident of no known kind")))
            .collect()
    }
}
