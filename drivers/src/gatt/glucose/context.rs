//! Glucose Measurement Context, 0x2A34 (GLS 1.0.1 §3.2): what a person ate, did and took around a measurement.
//!
//! Tester and Health share a byte. The first-named has the low half here, as Type has beside Sample Location;
//! implementations differ (Wireshark and Nordic's have it the other way round), so both halves are shown as they are.

use varde_wire::{Absence, Decimal, DeviceId, Metric, Observation, Unit, Value};

use super::shifted;
use crate::cursor::Cursor;
use crate::{Description, FieldValue, FrameError, Uuid};

/// Glucose Measurement Context.
pub const CONTEXT: Uuid = Uuid::sig(0x2A34);

/// The context of the measurement that has the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlucoseMeasurementContext {
    /// The record's number.
    pub sequence_number: u16,
    /// All reserved.
    pub extended_flags: Option<u8>,
    /// What was eaten.
    pub carbohydrate: Option<Carbohydrate>,
    /// When that was: before or after a meal, and so on.
    pub meal: Option<Meal>,
    /// Who measured.
    pub tester: Option<Tester>,
    /// How the person was.
    pub health: Option<Health>,
    /// What the person did.
    pub exercise: Option<Exercise>,
    /// What the person took.
    pub medication: Option<Medication>,
    /// Glycated haemoglobin, percent.
    pub hba1c: Option<Result<Decimal, Absence>>,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// Carbohydrate ID and Carbohydrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carbohydrate {
    /// Of which meal.
    pub id: u8,
    /// Kilograms.
    pub mass: Result<Decimal, Absence>,
}

/// The Meal field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meal(pub u8);

/// The Tester field: four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tester(pub u8);

/// The Health field: four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health(pub u8);

/// Exercise Duration and Exercise Intensity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Seconds; 65535 is "longer than that".
    pub duration_s: u16,
    /// Percent.
    pub intensity: u8,
}

/// Medication ID and Medication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Medication {
    /// What kind.
    pub id: u8,
    /// How much, in kilograms or litres.
    pub quantity: Result<Decimal, Absence>,
    /// Whether that is litres.
    pub is_volume: bool,
}

impl GlucoseMeasurementContext {
    /// The context in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const CARBOHYDRATE: u8 = 1;
        const MEAL: u8 = 1 << 1;
        const TESTER_HEALTH: u8 = 1 << 2;
        const EXERCISE: u8 = 1 << 3;
        const MEDICATION: u8 = 1 << 4;
        const LITRES: u8 = 1 << 5;
        const HBA1C: u8 = 1 << 6;
        const EXTENDED: u8 = 1 << 7;

        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags")?;
        let has = |flag: u8| flags & flag != 0;
        let sequence_number = cursor.u16_le("sequence number")?;
        let extended_flags = has(EXTENDED).then(|| cursor.u8("extended flags")).transpose()?;
        let carbohydrate = has(CARBOHYDRATE).then(|| Carbohydrate::take(&mut cursor)).transpose()?;
        let meal = has(MEAL).then(|| cursor.u8("meal").map(Meal)).transpose()?;
        let tester_health = has(TESTER_HEALTH).then(|| cursor.u8("tester and health")).transpose()?;
        let exercise = has(EXERCISE).then(|| Exercise::take(&mut cursor)).transpose()?;
        let medication = has(MEDICATION).then(|| Medication::take(&mut cursor, has(LITRES))).transpose()?;
        let hba1c = has(HBA1C).then(|| cursor.sfloat("hba1c")).transpose()?;
        Ok(Self {
            sequence_number,
            extended_flags,
            carbohydrate,
            meal,
            tester: tester_health.map(|byte| Tester(byte & 0x0F)),
            health: tester_health.map(|byte| Health(byte >> 4)),
            exercise,
            medication,
            hba1c,
            rest: cursor.rest().to_vec(),
        })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("sequence_number", self.sequence_number)
            .with_some("extended_flags", self.extended_flags)
            .with_some("carbohydrate", self.carbohydrate.map(Carbohydrate::describe))
            .with_some("meal", self.meal.map(|meal| coded(meal.0, meal.name())))
            .with_some("tester", self.tester.map(|tester| coded(tester.0, tester.name())))
            .with_some("health", self.health.map(|health| coded(health.0, health.name())))
            .with_some("tester_value", self.tester.map(|tester| tester.0))
            .with_some("health_value", self.health.map(|health| health.0))
            .with_some("exercise", self.exercise.map(Exercise::describe))
            .with_some("medication", self.medication.map(Medication::describe))
            .with_some("hba1c", self.hba1c)
            .with_bytes("rest", &self.rest)
    }

    /// The context in common words, without a time: that is its measurement's. Reserved codes have no word, and are
    /// only described.
    pub fn observations(&self, device: &DeviceId) -> Vec<Observation> {
        let number = |metric, number: Result<Decimal, Absence>, unit| {
            Some((metric, number.map_or_else(Value::Absent, Value::Decimal), Some(unit)))
        };
        let text = |metric, name: Option<&str>| Some((metric, Value::Text(name?.to_owned()), None));
        let found = [
            self.carbohydrate.and_then(|c| number(c.metric(), c.mass.map(|n| shifted(n, 3)), Unit::Gram)),
            self.meal.and_then(|meal| text(Metric::GLUCOSE_MEAL, meal.name())),
            self.tester.and_then(|tester| text(Metric::GLUCOSE_TESTER, tester.name())),
            self.health.and_then(|health| text(Metric::GLUCOSE_HEALTH, health.name())),
            self.exercise.and_then(|e| number(Metric::EXERCISE, Ok(e.intensity()), Unit::Percent)),
            self.exercise.and_then(|e| number(Metric::EXERCISE_DURATION, e.duration(), Unit::Second)),
            self.medication.and_then(|m| number(m.metric(), m.quantity.map(|n| shifted(n, 3)), m.unit())),
            self.hba1c.and_then(|hba1c| number(Metric::HBA1C, hba1c, Unit::Percent)),
        ];
        found
            .into_iter()
            .flatten()
            .map(|(metric, value, unit)| Observation {
                unit,
                ..Observation::new(device.clone(), metric, value)
            })
            .collect()
    }
}

impl Carbohydrate {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        Ok(Self { id: cursor.u8("carbohydrate id")?, mass: cursor.sfloat("carbohydrate")? })
    }

    /// Of which meal.
    pub const fn name(self) -> Option<&'static str> {
        match self.id {
            1 => Some("breakfast"),
            2 => Some("lunch"),
            3 => Some("dinner"),
            4 => Some("snack"),
            5 => Some("drink"),
            6 => Some("supper"),
            7 => Some("brunch"),
            _ => None,
        }
    }

    const fn metric(self) -> Metric {
        match self.id {
            1 => Metric::CARBOHYDRATE_BREAKFAST,
            2 => Metric::CARBOHYDRATE_LUNCH,
            3 => Metric::CARBOHYDRATE_DINNER,
            4 => Metric::CARBOHYDRATE_SNACK,
            5 => Metric::CARBOHYDRATE_DRINK,
            6 => Metric::CARBOHYDRATE_SUPPER,
            7 => Metric::CARBOHYDRATE_BRUNCH,
            _ => Metric::CARBOHYDRATE,
        }
    }

    fn describe(self) -> Description {
        Description::default().with("id", coded(self.id, self.name())).with("carbohydrate_kg", self.mass)
    }
}

impl Meal {
    /// Its word in output; none where it is reserved.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            1 => Some("preprandial"),
            2 => Some("postprandial"),
            3 => Some("fasting"),
            4 => Some("casual"),
            5 => Some("bedtime"),
            _ => None,
        }
    }
}

impl Tester {
    /// Its word in output; none where it is reserved.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            1 => Some("self"),
            2 => Some("health-care-professional"),
            3 => Some("lab-test"),
            15 => Some("not-available"),
            _ => None,
        }
    }
}

impl Health {
    /// Its word in output; none where it is reserved.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            1 => Some("minor-health-issues"),
            2 => Some("major-health-issues"),
            3 => Some("during-menses"),
            4 => Some("under-stress"),
            5 => Some("no-health-issues"),
            15 => Some("not-available"),
            _ => None,
        }
    }
}

impl Exercise {
    fn take(cursor: &mut Cursor<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            duration_s: cursor.u16_le("exercise duration")?,
            intensity: cursor.u8("exercise intensity")?,
        })
    }

    fn duration(self) -> Result<Decimal, Absence> {
        match self.duration_s {
            u16::MAX => Err(Absence::PositiveInfinity),
            seconds => Ok(Decimal::whole(seconds.into())),
        }
    }

    fn intensity(self) -> Decimal {
        Decimal::whole(self.intensity.into())
    }

    fn describe(self) -> Description {
        Description::default().with("duration_s", self.duration()).with("intensity_percent", self.intensity)
    }
}

impl Medication {
    fn take(cursor: &mut Cursor<'_>, is_volume: bool) -> Result<Self, FrameError> {
        Ok(Self { id: cursor.u8("medication id")?, quantity: cursor.sfloat("medication")?, is_volume })
    }

    /// What kind.
    pub const fn name(self) -> Option<&'static str> {
        match self.id {
            1 => Some("rapid-acting-insulin"),
            2 => Some("short-acting-insulin"),
            3 => Some("intermediate-acting-insulin"),
            4 => Some("long-acting-insulin"),
            5 => Some("pre-mixed-insulin"),
            _ => None,
        }
    }

    const fn metric(self) -> Metric {
        match self.id {
            1 => Metric::INSULIN_RAPID_ACTING,
            2 => Metric::INSULIN_SHORT_ACTING,
            3 => Metric::INSULIN_INTERMEDIATE_ACTING,
            4 => Metric::INSULIN_LONG_ACTING,
            5 => Metric::INSULIN_PRE_MIXED,
            _ => Metric::MEDICATION,
        }
    }

    /// The unit that is a thousand times smaller than the one that was sent.
    const fn unit(self) -> Unit {
        if self.is_volume { Unit::Millilitre } else { Unit::Gram }
    }

    fn describe(self) -> Description {
        let name = if self.is_volume { "medication_l" } else { "medication_kg" };
        Description::default().with("id", coded(self.id, self.name())).with(name, self.quantity)
    }
}

/// A code in words, or the reserved code itself.
fn coded(code: u8, name: Option<&str>) -> FieldValue {
    name.map_or_else(|| code.into(), Into::into)
}

#[cfg(test)]
mod tests;
