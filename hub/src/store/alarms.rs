//! The alarms of every gateway, and the entry that told each of their steps last.
//!
//! A gateway gives no alarm's number twice while its store lives. One that lost its store begins anew: what it tells
//! under a known number is another alarm if it is of another source or kind, or if the known one was over before.

use rusqlite::OptionalExtension as _;
use varde_wire::{About, AlarmKind, AlarmReport, AlarmSource, AlarmStep, WallTime};

use super::told::{self, Stored, Telling, Told};
use super::{GatewayRow, Store, StoreError};

/// An alarm as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredAlarm {
    row: i64,
    pub(crate) gateway: String,
    pub(crate) number: u64,
    /// A later alarm has its number: its gateway knows nothing of it any more.
    pub(crate) is_forgotten: bool,
    /// When a person closed it here, without its gateway.
    pub(crate) closed: Option<WallTime>,
    /// Of each step the last telling, in the order in which they came. Never empty.
    pub(crate) steps: Vec<StepTold>,
}

/// A step as it was told last.
#[derive(Clone, Debug)]
pub(crate) struct StepTold {
    pub(crate) told: Told,
    /// How long before the telling it was, in milliseconds.
    pub(crate) age_ms: u64,
    pub(crate) report: AlarmReport,
}

/// Which alarms are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WhichAlarms<'a> {
    /// Of this gateway only.
    pub(crate) gateway: Option<&'a str>,
    /// Tests only, or real ones only.
    pub(crate) tests: Option<bool>,
    /// Those that are over too.
    pub(crate) over: bool,
}

impl Store {
    /// A gateway told a step of an alarm.
    pub(crate) fn note_alarm(
        &self,
        gateway: GatewayRow,
        told: &Told,
        report: &AlarmReport,
    ) -> Result<(), StoreError> {
        let known = match self.alarm(gateway, report)? {
            Some(row) => Some((row, self.steps(row)?)).filter(|(_, steps)| !was_over(steps, told)),
            None => None,
        };
        let (row, steps) = match known {
            Some(known) => known,
            None => (self.begin_alarm(gateway, report)?, Vec::new()),
        };
        let name = report.step.name();
        let before = steps.iter().find(|step| step.report.step.name() == name);
        if before.is_none_or(|before| told.is_after(&before.told)) {
            self.connection.execute(
                "INSERT INTO alarm_step (alarm, step, entry) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET entry = excluded.entry",
                (row, name, told.n),
            )?;
        }
        if report.step.is_final() {
            self.connection.execute("UPDATE alarm SET over = 1 WHERE id = ?1", [row])?;
        }
        if matches!(report.step, AlarmStep::Announced { .. } | AlarmStep::RaisedAgain) {
            // The gateway does know it, and somebody has to.
            self.connection.execute("UPDATE alarm SET closed = NULL WHERE id = ?1", [row])?;
        }
        Ok(())
    }

    /// The alarms asked for, in the order in which they were first heard of.
    pub(crate) fn alarms(&self, which: WhichAlarms<'_>) -> Result<Vec<StoredAlarm>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT alarm.id, name, number, closed,
                    EXISTS (SELECT 1 FROM alarm AS later WHERE later.gateway = alarm.gateway
                            AND later.number = alarm.number AND later.id > alarm.id)
             FROM alarm JOIN gateway ON gateway.id = alarm.gateway
             WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR test = ?2) AND (?3 OR (over = 0 AND closed IS NULL))
             ORDER BY alarm.id",
        )?;
        let rows = statement.query_map((which.gateway, which.tests, which.over), |row| {
            Ok(StoredAlarm {
                row: row.get(0)?,
                gateway: row.get(1)?,
                number: row.get::<_, i64>(2)?.cast_unsigned(),
                closed: row.get::<_, Option<i64>>(3)?.map(WallTime::from_unix_millis),
                is_forgotten: row.get(4)?,
                steps: Vec::new(),
            })
        })?;
        let mut alarms: Vec<StoredAlarm> = rows.collect::<Result<_, _>>()?;
        for alarm in &mut alarms {
            alarm.steps = self.steps(alarm.row)?;
        }
        Ok(alarms)
    }

    /// A person closes an alarm here, without its gateway.
    pub(crate) fn close_alarm(&self, alarm: &StoredAlarm, now: WallTime) -> Result<(), StoreError> {
        let sql = "UPDATE alarm SET closed = ?2 WHERE id = ?1";
        self.connection.execute(sql, (alarm.row, now.as_unix_millis()))?;
        Ok(())
    }

    /// The last alarm of this number, source and kind.
    fn alarm(&self, gateway: GatewayRow, report: &AlarmReport) -> Result<Option<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM alarm WHERE gateway = ?1 AND number = ?2 AND source = ?3 AND kind = ?4 AND test = ?5
             ORDER BY id DESC LIMIT 1",
        )?;
        let key = (
            gateway.0,
            report.alarm.cast_signed(),
            source_key(&report.source),
            report.kind.name(),
            report.test,
        );
        Ok(statement.query_row(key, |row| row.get(0)).optional()?)
    }

    fn begin_alarm(&self, gateway: GatewayRow, report: &AlarmReport) -> Result<i64, StoreError> {
        let AlarmReport { alarm, source, kind, test, .. } = report;
        self.connection.execute(
            "INSERT INTO alarm (gateway, number, source, kind, test, over) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
            (gateway.0, alarm.cast_signed(), source_key(source), AlarmKind::name(*kind), test),
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn steps(&self, alarm: i64) -> Result<Vec<StepTold>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {} FROM alarm_step JOIN entry ON entry.n = alarm_step.entry
             JOIN batch ON batch.id = entry.batch WHERE alarm = ?1 ORDER BY entry.n",
            told::COLUMNS
        ))?;
        let rows = statement.query_map([alarm], |row| Stored::of(row, 0))?;
        rows.map(|row| step(row?.decode()?)).collect()
    }
}

/// Nothing follows the last step of an alarm: what was told after it is of another one.
fn was_over(steps: &[StepTold], told: &Told) -> bool {
    steps.iter().any(|step| step.report.step.is_final() && told.is_after(&step.told))
}

fn step(telling: Telling) -> Result<StepTold, StoreError> {
    let Telling { told, report } = telling;
    let About::Alarm(alarm) = report.about else {
        return Err(StoreError::Damaged("an entry that is no alarm's"));
    };
    Ok(StepTold { told, age_ms: report.age_ms, report: alarm })
}

/// A device and a rule may bear the same name.
fn source_key(source: &AlarmSource) -> String {
    match source {
        AlarmSource::Device(device) => format!("device {device}"),
        AlarmSource::Rule(rule) => format!("rule {}", rule.as_str()),
    }
}
