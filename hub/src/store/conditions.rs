//! What devices say of themselves that stands until they say otherwise, such as another dosing plan than they were given: of
//! each the entry that told it last, and whether it stands.

use rusqlite::OptionalExtension as _;
use varde_wire::{DeviceId, Event, Flags, Observation, Value};

use super::told::{self, Stored, Told};
use super::{GatewayRow, Store, StoreError};

/// What tells that a condition stands, and what that it is over.
const CONDITIONS: &[(Event, Event)] = &[
    (Event::PlanDiffers, Event::PlanRestored),
    (Event::DispenserStuck, Event::DispenserFreed),
    (Event::MedicineNearlyEmpty, Event::MedicineRefilled),
    (Event::MedicineEmpty, Event::MedicineRefilled),
    (Event::DrawerFull, Event::DrawerEmptied),
];

/// A condition that stands.
#[derive(Clone, Debug)]
pub(crate) struct StandingCondition {
    pub(crate) gateway: String,
    pub(crate) device: String,
    /// The word of the event that told it.
    pub(crate) condition: String,
    pub(crate) told: Told,
}

impl Store {
    /// A device said something.
    pub(crate) fn note_conditions(
        &self,
        gateway: GatewayRow,
        told: &Told,
        observation: &Observation,
    ) -> Result<(), StoreError> {
        let Value::Event(event) = observation.value else { return Ok(()) };
        if observation.flags.has(Flags::TEST) {
            return Ok(());
        }
        for (begins, ends) in CONDITIONS {
            if event == *begins || event == *ends {
                self.note_condition(gateway, told, &observation.device, begins.name(), event == *begins)?;
            }
        }
        Ok(())
    }

    /// Every condition that stands, by gateway and device.
    pub(crate) fn conditions(&self, gateway: Option<&str>) -> Result<Vec<StandingCondition>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT name, device, condition, {} FROM condition
             JOIN gateway ON gateway.id = condition.gateway
             JOIN entry ON entry.n = condition.entry JOIN batch ON batch.id = entry.batch
             WHERE stands AND (?1 IS NULL OR name = ?1) ORDER BY name, device, condition",
            told::COLUMNS
        ))?;
        let rows = statement
            .query_map([gateway], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, Stored::of(row, 3)?)))?;
        let standing = |row: rusqlite::Result<_>| {
            let (gateway, device, condition, stored): (_, _, _, Stored) = row?;
            Ok(StandingCondition { gateway, device, condition, told: stored.told()? })
        };
        rows.map(standing).collect()
    }

    fn note_condition(
        &self,
        gateway: GatewayRow,
        told: &Told,
        device: &DeviceId,
        condition: &str,
        stands: bool,
    ) -> Result<(), StoreError> {
        let key = (gateway.0, device.as_str(), condition);
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {} FROM condition JOIN entry ON entry.n = condition.entry
             JOIN batch ON batch.id = entry.batch WHERE gateway = ?1 AND device = ?2 AND condition = ?3",
            told::COLUMNS
        ))?;
        let before = statement.query_row(key, |row| Stored::of(row, 0)).optional()?;
        let before = before.map(|stored| stored.told()).transpose()?;
        if before.is_some_and(|before| !told.is_after(&before)) {
            return Ok(());
        }
        self.connection.execute(
            "INSERT INTO condition (gateway, device, condition, stands, entry) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET stands = excluded.stands, entry = excluded.entry",
            (key.0, key.1, key.2, stands, told.n),
        )?;
        Ok(())
    }
}
