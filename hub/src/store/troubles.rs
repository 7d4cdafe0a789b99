//! The troubles of every gateway's devices: of each the entry that told it last, and whether it stands.

use rusqlite::OptionalExtension as _;
use varde_wire::{About, Change, Origin, Phase, SupervisionReport, Trouble, TroubleEdge};

use super::told::{self, Stored, Told};
use super::{GatewayRow, Store, StoreError};

/// A trouble that began and is not over.
#[derive(Clone, Debug)]
pub(crate) struct StandingTrouble {
    pub(crate) gateway: String,
    /// The word of the story that it is part of.
    pub(crate) story: Option<String>,
    pub(crate) told: Told,
    /// As it was told last.
    pub(crate) edge: TroubleEdge,
}

impl Store {
    /// A gateway told of troubles of its devices.
    pub(crate) fn note_troubles(
        &self,
        gateway: GatewayRow,
        told: &Told,
        report: &SupervisionReport,
    ) -> Result<(), StoreError> {
        for edge in &report.edges {
            self.note_trouble(gateway, told, edge, report.origin)?;
        }
        match report.origin.phase() {
            None => Ok(()),
            Some(Phase::Began | Phase::GoesOn) => self.join_story(gateway, report),
            Some(Phase::Over) => self.end_story(gateway, report.origin),
        }
    }

    /// Every trouble that stands, by gateway and story.
    pub(crate) fn troubles(&self, gateway: Option<&str>) -> Result<Vec<StandingTrouble>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT name, story, device, trouble, {} FROM trouble
             JOIN gateway ON gateway.id = trouble.gateway
             JOIN entry ON entry.n = trouble.entry JOIN batch ON batch.id = entry.batch
             WHERE stands AND (?1 IS NULL OR name = ?1)
             ORDER BY name, story IS NULL, story, device, trouble",
            told::COLUMNS
        ))?;
        let rows = statement.query_map([gateway], |row| {
            let key = (row.get::<_, String>(2)?, row.get::<_, String>(3)?);
            Ok((row.get(0)?, row.get(1)?, key, Stored::of(row, 4)?))
        })?;
        let mut standing = Vec::new();
        for row in rows {
            let (gateway, story, (device, trouble), stored) = row?;
            let telling = stored.decode()?;
            let About::Supervision(report) = telling.report.about else {
                return Err(StoreError::Damaged("an entry that tells of no trouble"));
            };
            let same = |edge: &TroubleEdge| edge.device.as_str() == device && edge.trouble.name() == trouble;
            let edge = report.edges.into_iter().rfind(same);
            let edge = edge.ok_or(StoreError::Damaged("an entry without its trouble"))?;
            standing.push(StandingTrouble { gateway, story, told: telling.told, edge });
        }
        Ok(standing)
    }

    fn note_trouble(
        &self,
        gateway: GatewayRow,
        told: &Told,
        edge: &TroubleEdge,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let key = (gateway.0, edge.device.as_str(), edge.trouble.name());
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {} FROM trouble JOIN entry ON entry.n = trouble.entry
             JOIN batch ON batch.id = entry.batch WHERE gateway = ?1 AND device = ?2 AND trouble = ?3",
            told::COLUMNS
        ))?;
        let before = statement.query_row(key, |row| Stored::of(row, 0)).optional()?;
        if let Some(before) = before.map(Stored::decode).transpose()?
            && before.told != *told
            && !told.is_after(&before.told)
        {
            return Ok(());
        }
        let story = origin.phase().map(|_| origin.name());
        self.connection.execute(
            "INSERT INTO trouble (gateway, device, trouble, stands, story, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET stands = excluded.stands, story = excluded.story, entry = excluded.entry",
            (key.0, key.1, key.2, edge.change != Change::Over, story, told.n),
        )?;
        Ok(())
    }

    /// What was told of its devices before belongs to the story too.
    fn join_story(&self, gateway: GatewayRow, report: &SupervisionReport) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE trouble SET story = ?3
             WHERE gateway = ?1 AND device = ?2 AND trouble IN (?4, ?5) AND stands AND story IS NULL",
        )?;
        let [mains, contact] = [Trouble::Mains, Trouble::Contact].map(Trouble::name);
        let mains = if matches!(report.origin, Origin::PowerCut(_)) { mains } else { contact };
        for device in &report.out {
            statement.execute((gateway.0, device.as_str(), report.origin.name(), mains, contact))?;
        }
        Ok(())
    }

    /// Whoever is still out is so by themselves now: one dead pendant among many that came back must not be overlooked.
    fn end_story(&self, gateway: GatewayRow, origin: Origin) -> Result<(), StoreError> {
        let sql = "UPDATE trouble SET story = NULL WHERE gateway = ?1 AND story = ?2";
        self.connection.execute(sql, (gateway.0, origin.name()))?;
        Ok(())
    }
}
