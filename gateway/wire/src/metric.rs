//! What was measured: codes of ISO/IEEE 11073-10101 (MDC).

use serde::{Deserialize, Serialize};

/// An MDC code: partition × 65536 + term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric(u32);

macro_rules! metrics {
    ($($name:ident $partition:literal $term:literal $refid:literal $doc:literal,)*) => {
        impl Metric {
            $(#[doc = $doc] pub const $name: Self = Self($partition * 65_536 + $term);)*

            /// The metric of this reference identifier, where this project uses it.
            pub fn from_refid(refid: &str) -> Option<Self> {
                match refid {
                    $($refid => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The reference identifier of the nomenclature, where this project uses the code.
            pub const fn refid(self) -> Option<&'static str> {
                $(if self.0 == Self::$name.0 { return Some($refid); })*
                None
            }
        }
    };
}

metrics! {
    GATEWAY 8 7693 "MDC_MOC_VMS_MDS_AHD" "The gateway itself (HL7 PHD guide: PhgDevice, 531981).",
    SYSTOLIC 2 18949 "MDC_PRESS_BLD_NONINV_SYS" "Systolic blood pressure, non-invasive.",
    DIASTOLIC 2 18950 "MDC_PRESS_BLD_NONINV_DIA" "Diastolic blood pressure, non-invasive.",
    MEAN_ARTERIAL 2 18951 "MDC_PRESS_BLD_NONINV_MEAN" "Mean arterial pressure, non-invasive.",
    CUFF 2 19228 "MDC_PRESS_CUFF" "Pressure in the cuff while it measures.",
    PULSE_RATE_CUFF 2 18474 "MDC_PULS_RATE_NON_INV" "Pulse rate, from the cuff.",
    BLOOD_PRESSURE_STATUS 128 22000 "MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS" "What the cuff says of its own measurement, as bits.",
    BATTERY 1 2460 "MDC_ATTR_VAL_BATT_CHARGE" "Charge of a device's battery.",
    PERSONAL_ALARM 130 2 "MDC_AI_TYPE_SENSOR_PERS" "A personal emergency response sensor: a pendant.",
    CONTACT 130 10 "MDC_AI_TYPE_SENSOR_CONTACTCLOSURE" "A contact on a door or window.",
    CLOCK 1 2439 "MDC_ATTR_TIME_ABS" "A device's clock beside ours: what has to be added to it.",
    SWITCH 130 12 "MDC_AI_TYPE_SENSOR_SWITCH" "A switch.",
    SMOKE 130 3 "MDC_AI_TYPE_SENSOR_SMOKE" "A smoke or fire sensor.",
    CARBON_MONOXIDE 130 4 "MDC_AI_TYPE_SENSOR_CO" "A carbon monoxide sensor.",
    WATER 130 5 "MDC_AI_TYPE_SENSOR_WATER" "A water leak sensor.",
    GAS 130 6 "MDC_AI_TYPE_SENSOR_GAS" "A gas sensor.",
    MOTION 130 7 "MDC_AI_TYPE_SENSOR_MOTION" "A motion sensor of a room.",
    USAGE 130 11 "MDC_AI_TYPE_SENSOR_USAGE" "Whether a bed or chair is in use.",
    ROOM_TEMPERATURE 2 57436 "MDC_TEMP_ROOM" "Temperature of the air in a room.",
    AIR_PRESSURE 2 21764 "MDC_PRESS_AIR_AMBIENT" "Pressure of the air around.",
    HUMIDITY 1024 62464 "MDCX_HUMIDITY" "Relative humidity of the air.",
    DEW_POINT 1024 62465 "MDCX_DEW_POINT" "Dew point of the air.",
    ILLUMINANCE 1024 62466 "MDCX_ILLUMINANCE" "How light it is.",
    CARBON_DIOXIDE 1024 62467 "MDCX_CARBON_DIOXIDE" "Carbon dioxide in the air.",
    VOLATILE_ORGANIC_COMPOUNDS 1024 62468 "MDCX_VOLATILE_ORGANIC_COMPOUNDS" "Volatile organic compounds in the air, total.",
    VOC_INDEX 1024 62469 "MDCX_VOC_INDEX" "Volatile organic compounds, as an index that a sensor learns: 100 is its average.",
    NOX_INDEX 1024 62470 "MDCX_NOX_INDEX" "Nitrogen oxides, as an index that a sensor learns: 1 is its base.",
    PARTICLES_1 1024 62471 "MDCX_PARTICLES_1" "Particles in the air up to 1 µm.",
    PARTICLES_2_5 1024 62472 "MDCX_PARTICLES_2_5" "Particles in the air up to 2.5 µm.",
    PARTICLES_4 1024 62473 "MDCX_PARTICLES_4" "Particles in the air up to 4 µm.",
    PARTICLES_10 1024 62474 "MDCX_PARTICLES_10" "Particles in the air up to 10 µm.",
    UV_INDEX 1024 62475 "MDCX_UV_INDEX" "Ultraviolet index.",
    MOISTURE 1024 62476 "MDCX_MOISTURE" "Moisture of a material, such as soil.",
    CONDUCTIVITY 1024 62477 "MDCX_CONDUCTIVITY" "Conductivity of a material, such as soil.",
    MASS 1024 62478 "MDCX_MASS" "Weight of a thing.",
    DISTANCE 1024 62479 "MDCX_DISTANCE" "Distance to a thing.",
    ROTATION 1024 62480 "MDCX_ROTATION" "Angle by which a thing is turned.",
    ROTATIONAL_SPEED 1024 62481 "MDCX_ROTATIONAL_SPEED" "Revolutions of a thing per minute.",
    DIRECTION 1024 62482 "MDCX_DIRECTION" "Compass direction.",
    SPEED 1024 62483 "MDCX_SPEED" "Speed of a thing.",
    ACCELERATION 1024 62484 "MDCX_ACCELERATION" "Acceleration of a thing.",
    ACCELERATION_X 1024 62485 "MDCX_ACCELERATION_X" "Acceleration of a thing along its x axis.",
    ACCELERATION_Y 1024 62486 "MDCX_ACCELERATION_Y" "Acceleration of a thing along its y axis.",
    ACCELERATION_Z 1024 62487 "MDCX_ACCELERATION_Z" "Acceleration of a thing along its z axis.",
    ANGULAR_SPEED 1024 62488 "MDCX_ANGULAR_SPEED" "Angular speed of a thing.",
    MOVEMENTS 1024 62489 "MDCX_MOVEMENTS" "How often a thing was moved; the count begins anew after 254.",
    DURATION 1024 62490 "MDCX_DURATION" "How long something lasted.",
    PRECIPITATION 1024 62491 "MDCX_PRECIPITATION" "Rain or snow that fell.",
    COUNT 1024 62492 "MDCX_COUNT" "How often something happened that the device counts.",
    VOLTAGE 1024 62493 "MDCX_VOLTAGE" "Voltage that a device measures.",
    CURRENT 1024 62494 "MDCX_CURRENT" "Current that a device measures.",
    POWER 1024 62495 "MDCX_POWER" "Power that a device measures.",
    ENERGY 1024 62496 "MDCX_ENERGY" "Energy that went through a device.",
    VOLUME 1024 62497 "MDCX_VOLUME" "Volume of a liquid.",
    VOLUME_STORED 1024 62498 "MDCX_VOLUME_STORED" "Volume of a liquid that is stored.",
    VOLUME_FLOW 1024 62499 "MDCX_VOLUME_FLOW" "Flow of a liquid or gas.",
    GAS_VOLUME 1024 62500 "MDCX_GAS_VOLUME" "Gas that went through a device.",
    WATER_VOLUME 1024 62501 "MDCX_WATER_VOLUME" "Water that went through a device.",
    LIGHT_LEVEL 1024 62502 "MDCX_LIGHT_LEVEL" "How light it is in steps: 0 dark, 1 twilight, 2 bright.",
    CHANNEL 1024 62503 "MDCX_CHANNEL" "A channel of a device, by its number.",
    DEVICE_TIME 1024 62504 "MDCX_DEVICE_TIME" "What a device's clock shows, in seconds since 1970-01-01T00:00:00Z.",
    TEXT 1024 62505 "MDCX_TEXT" "A text that a device sends.",
    RAW 1024 62506 "MDCX_RAW" "Bytes that a device sends, in hexadecimal.",
    BATTERY_VOLTAGE 1024 62507 "MDCX_BATTERY_VOLTAGE" "Voltage of a device's battery.",
    TX_POWER 1024 62508 "MDCX_TX_POWER" "How strongly a device sends.",
    BATTERY_STATE 1024 62509 "MDCX_BATTERY_STATE" "Whether a device's battery is low.",
    BATTERY_CHARGING 1024 62510 "MDCX_BATTERY_CHARGING" "Whether a device's battery is being charged: bit 0.",
    MAINS 1024 62511 "MDCX_MAINS" "Whether a device has mains.",
    TAMPER 1024 62512 "MDCX_TAMPER" "Whether a device is closed and in its place.",
    DEVICE_PROBLEM 1024 62513 "MDCX_DEVICE_PROBLEM" "Whether a device is well.",
    OCCUPANCY 1024 62514 "MDCX_OCCUPANCY" "Whether somebody is in a room.",
    PRESENCE 1024 62515 "MDCX_PRESENCE" "Whether somebody is at home.",
    MOVING 1024 62516 "MDCX_MOVING" "Whether a thing moves.",
    VIBRATION 1024 62517 "MDCX_VIBRATION" "Whether a thing vibrates: bit 0.",
    SOUND 1024 62518 "MDCX_SOUND" "Whether there is a sound: bit 0.",
    LIGHT 1024 62519 "MDCX_LIGHT" "Whether there is light: bit 0.",
    COLD 1024 62520 "MDCX_COLD" "Whether it is too cold: bit 0.",
    HEAT 1024 62521 "MDCX_HEAT" "Whether it is too hot: bit 0.",
    LOCK 1024 62522 "MDCX_LOCK" "Whether a lock is unlocked: bit 0.",
    RUNNING 1024 62523 "MDCX_RUNNING" "Whether a machine runs: bit 0.",
    SAFE 1024 62524 "MDCX_SAFE" "Whether a device holds it to be safe: bit 0.",
    CONNECTED 1024 62525 "MDCX_CONNECTED" "Whether a device has the connection that it needs: bit 0.",
    GENERIC_STATE 1024 62526 "MDCX_GENERIC_STATE" "A state whose meaning only the device knows: bit 0.",
    THERMOMETER_TRIGGERS 1024 62527 "MDCX_THERMOMETER_TRIGGERS" "Inputs, output and triggers of a pvvx thermometer, as its firmware numbers the bits.",
    DIMMER 1024 62528 "MDCX_DIMMER" "Steps by which a dimmer was turned, negative to the left.",
    REMOTE_COMMAND 1024 62529 "MDCX_REMOTE_COMMAND" "A command that a device sends to whatever listens.",
    EVENT_KIND 1024 62530 "MDCX_EVENT_KIND" "How the event of the same group came about, such as a long press.",
    OBJECT_INDEX 1024 62531 "MDCX_OBJECT_INDEX" "Which of several same sensors or buttons of a device the group is about, from 1.",
    OUTPUT 1024 62720 "MDCX_OUTPUT" "How far a device's output is on or open, such as a plug's or a valve's.",
    BODY_TEMPERATURE 2 19292 "MDC_TEMP_BODY" "Body temperature; where it was taken is not known, or has no code.",
    BODY_TEMPERATURE_TYMPANUM 2 19320 "MDC_TEMP_TYMP" "Body temperature at the eardrum.",
    BODY_TEMPERATURE_RECTUM 2 57348 "MDC_TEMP_RECT" "Body temperature in the rectum.",
    BODY_TEMPERATURE_MOUTH 2 57352 "MDC_TEMP_ORAL" "Body temperature in the mouth.",
    BODY_TEMPERATURE_EAR 2 57356 "MDC_TEMP_EAR" "Body temperature at the ear, mostly its lobe.",
    BODY_TEMPERATURE_FINGER 2 57360 "MDC_TEMP_FINGER" "Body temperature at a finger.",
    BODY_TEMPERATURE_TOE 2 57376 "MDC_TEMP_TOE" "Body temperature at a toe.",
    BODY_TEMPERATURE_ARMPIT 2 57380 "MDC_TEMP_AXILLA" "Body temperature in the armpit.",
    BODY_TEMPERATURE_GUT 2 57384 "MDC_TEMP_GIT" "Body temperature in the gastro-intestinal tract.",
    HEART_RATE 2 16770 "MDC_ECG_HEART_RATE" "Heart rate, from the heart's own signal.",
    RR_INTERVAL 2 16168 "MDC_ECG_TIME_PD_RR_GL" "Time from one heart beat to the next.",
    ENERGY_EXPENDED 129 119 "MDC_HF_ENERGY" "Energy that a person spent, counted from when the device was reset.",
    BODY_WEIGHT 2 57664 "MDC_MASS_BODY_ACTUAL" "Body weight.",
    BODY_HEIGHT 2 57668 "MDC_LEN_BODY_ACTUAL" "Body height.",
    BODY_MASS_INDEX 2 57680 "MDC_RATIO_MASS_BODY_LEN_SQ" "Body mass index.",
    BODY_FAT 2 57676 "MDC_BODY_FAT" "Body fat.",
    FAT_FREE_MASS 2 57684 "MDC_MASS_BODY_FAT_FREE" "Mass of the body without its fat.",
    SOFT_LEAN_MASS 2 57688 "MDC_MASS_BODY_SOFT_LEAN" "Mass of the body without its fat and its bones.",
    BODY_WATER 2 57692 "MDC_BODY_WATER" "Mass of the body's water.",
    USER_CONSENT 1024 61696 "MDCX_USER_CONSENT" "A user's leave to have read what a device keeps for them.",
    BASAL_METABOLISM 1024 61697 "MDCX_BASAL_METABOLISM" "What a body spends at rest, a day.",
    MUSCLE_PERCENTAGE 1024 61698 "MDCX_MUSCLE_PERCENTAGE" "The muscles' part of the body weight.",
    MUSCLE_MASS 1024 61699 "MDCX_MUSCLE_MASS" "Mass of the muscles.",
    BODY_IMPEDANCE 1024 61700 "MDCX_BODY_IMPEDANCE" "What a body opposes to an electric current.",
    MEASUREMENT_DURATION 1 2649 "MDC_ATTR_TIME_PD_MSMT_ACTIVE" "How long the measurement took.",
    SUPPLEMENTAL_TYPES 1 2657 "MDC_ATTR_SUPPLEMENTAL_TYPES" "More about the measurement, such as a place on the body or a meal: MDC codes.",
    UNTYPED_OBSERVATION 1024 62976 "MDCX_GHS_OBSERVATION" "What a generic health sensor observed without saying what it is.",
    OBSERVATION_STATUS 1024 62977 "MDCX_GHS_MEASUREMENT_STATUS" "What a generic health sensor says of its own measurement, as the bits of its service (GHSS 1.0).",
    GLUCOSE 2 28948 "MDC_CONC_GLU_GEN" "Concentration of glucose, of what is not known.",
    GLUCOSE_CAPILLARY_BLOOD 2 29112 "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD" "Concentration of glucose in capillary whole blood.",
    GLUCOSE_CAPILLARY_PLASMA 2 29116 "MDC_CONC_GLU_CAPILLARY_PLASMA" "Concentration of glucose in capillary plasma.",
    GLUCOSE_VENOUS_BLOOD 2 29120 "MDC_CONC_GLU_VENOUS_WHOLEBLOOD" "Concentration of glucose in venous whole blood.",
    GLUCOSE_VENOUS_PLASMA 2 29124 "MDC_CONC_GLU_VENOUS_PLASMA" "Concentration of glucose in venous plasma.",
    GLUCOSE_ARTERIAL_BLOOD 2 29128 "MDC_CONC_GLU_ARTERIAL_WHOLEBLOOD" "Concentration of glucose in arterial whole blood.",
    GLUCOSE_ARTERIAL_PLASMA 2 29132 "MDC_CONC_GLU_ARTERIAL_PLASMA" "Concentration of glucose in arterial plasma.",
    GLUCOSE_CONTROL 2 29136 "MDC_CONC_GLU_CONTROL" "Concentration of glucose in a control solution: a test of the meter.",
    GLUCOSE_UNDETERMINED_BLOOD 2 29292 "MDC_CONC_GLU_UNDETERMINED_WHOLEBLOOD" "Concentration of glucose in whole blood of which vessel is not known.",
    GLUCOSE_UNDETERMINED_PLASMA 2 29296 "MDC_CONC_GLU_UNDETERMINED_PLASMA" "Concentration of glucose in plasma of which vessel is not known.",
    GLUCOSE_INTERSTITIAL_FLUID 2 29140 "MDC_CONC_GLU_ISF" "Concentration of glucose in interstitial fluid.",
    GLUCOSE_TREND 128 29400 "MDC_CONC_GLU_TREND" "How fast the glucose changes.",
    CGM_SENSOR_STATUS 1024 62208 "MDCX_CGM_SENSOR_STATUS" "What a continuous glucose sensor says of itself, as the bits of its Bluetooth service.",
    CGM_QUALITY 1024 62209 "MDCX_CGM_QUALITY" "How good a continuous glucose sensor holds its measurement to be.",
    HBA1C 2 29148 "MDC_CONC_HBA1C" "Glycated haemoglobin.",
    GLUCOSE_STATUS 128 29144 "MDC_GLU_METER_DEV_STATUS" "What a glucose meter says of its own measurement, as bits.",
    EXERCISE 128 29152 "MDC_CTXT_GLU_EXERCISE" "How hard a person exercised around a measurement of glucose.",
    EXERCISE_DURATION 1024 61952 "MDCX_EXERCISE_DURATION" "How long a person exercised around a measurement of glucose.",
    CARBOHYDRATE 128 29156 "MDC_CTXT_GLU_CARB" "Carbohydrates eaten around a measurement of glucose.",
    CARBOHYDRATE_BREAKFAST 128 29160 "MDC_CTXT_GLU_CARB_BREAKFAST" "Carbohydrates eaten for breakfast.",
    CARBOHYDRATE_LUNCH 128 29164 "MDC_CTXT_GLU_CARB_LUNCH" "Carbohydrates eaten for lunch.",
    CARBOHYDRATE_DINNER 128 29168 "MDC_CTXT_GLU_CARB_DINNER" "Carbohydrates eaten for dinner.",
    CARBOHYDRATE_SNACK 128 29172 "MDC_CTXT_GLU_CARB_SNACK" "Carbohydrates eaten as a snack.",
    CARBOHYDRATE_DRINK 128 29176 "MDC_CTXT_GLU_CARB_DRINK" "Carbohydrates in a drink.",
    CARBOHYDRATE_SUPPER 128 29180 "MDC_CTXT_GLU_CARB_SUPPER" "Carbohydrates eaten for supper.",
    CARBOHYDRATE_BRUNCH 128 29184 "MDC_CTXT_GLU_CARB_BRUNCH" "Carbohydrates eaten for brunch.",
    MEDICATION 128 29188 "MDC_CTXT_MEDICATION" "Medication taken around a measurement of glucose.",
    INSULIN_RAPID_ACTING 128 29192 "MDC_CTXT_MEDICATION_RAPIDACTING" "Rapid acting insulin.",
    INSULIN_SHORT_ACTING 128 29196 "MDC_CTXT_MEDICATION_SHORTACTING" "Short acting insulin.",
    INSULIN_INTERMEDIATE_ACTING 128 29200 "MDC_CTXT_MEDICATION_INTERMEDIATEACTING" "Intermediate acting insulin.",
    INSULIN_LONG_ACTING 128 29204 "MDC_CTXT_MEDICATION_LONGACTING" "Long acting insulin.",
    INSULIN_PRE_MIXED 128 29208 "MDC_CTXT_MEDICATION_PREMIX" "Pre-mixed insulin.",
    GLUCOSE_HEALTH 128 29212 "MDC_CTXT_GLU_HEALTH" "How a person was when glucose was measured.",
    GLUCOSE_SAMPLE_LOCATION 128 29236 "MDC_CTXT_GLU_SAMPLELOCATION" "Where the sample for a measurement of glucose was taken from.",
    GLUCOSE_MEAL 128 29256 "MDC_CTXT_GLU_MEAL" "Whether glucose was measured before or after a meal.",
    GLUCOSE_TESTER 128 29276 "MDC_CTXT_GLU_TESTER" "Who measured glucose.",
    SPO2 2 19384 "MDC_PULS_OXIM_SAT_O2" "Oxygen saturation of the arterial blood, by pulse oximetry.",
    SPO2_SPOT 2 19516 "MDC_MODALITY_SPOT" "The same as a spot-check, by the code of that modality: one value has one code here.",
    SPO2_FAST 2 19508 "MDC_MODALITY_FAST" "The same, averaged over a shorter time.",
    SPO2_SLOW 2 19512 "MDC_MODALITY_SLOW" "The same, averaged over a longer time.",
    PULSE_RATE_OXIMETER 2 18458 "MDC_PULS_OXIM_PULS_RATE" "Pulse rate, by pulse oximetry.",
    PULSE_RATE_FAST 1024 61953 "MDCX_PULS_OXIM_PULS_RATE_FAST" "Pulse rate, averaged over a shorter time.",
    PULSE_RATE_SLOW 1024 61954 "MDCX_PULS_OXIM_PULS_RATE_SLOW" "Pulse rate, averaged over a longer time.",
    PULSE_AMPLITUDE_INDEX 2 19376 "MDC_PULS_OXIM_PERF_REL" "Pulsating share of the signal of a pulse oximeter.",
    OXIMETER_STATUS 2 19532 "MDC_PULS_OXIM_DEV_STATUS" "What a pulse oximeter says of itself and its sensor, as bits.",
    OXIMETER_MEASUREMENT_STATUS 1024 61955 "MDCX_PLX_MEASUREMENT_STATUS" "What a pulse oximeter says of its measurement, as bits.",
    MEDICINE 1024 62532 "MDCX_MEDICINE" "A medicine dispenser, and what became of a dose.",
    DOSE 1024 62533 "MDCX_DOSE" "The dose of a dosing plan that the group is about, by its id.",
    DOSE_DAY 1024 62534 "MDCX_DOSE_DAY" "The local day on which that dose was due, such as 2026-03-29.",
    DOSING_PLAN 1024 62535 "MDCX_DOSING_PLAN" "The dosing plan that a dispenser runs, or that the group is about, by its version.",
    DOSES_LEFT 1024 62536 "MDCX_DOSES_LEFT" "How many doses are left in a dispenser.",
    MESSAGE 1024 62537 "MDCX_MESSAGE" "The message to the person that the group is about, by its id.",
    EVENT_NUMBER 1024 62538 "MDCX_EVENT_NUMBER" "A device's own number of the event of the same group: the same number is the same event.",
}

impl Metric {
    /// The metric of this MDC code.
    pub const fn from_code(code: u32) -> Self {
        Self(code)
    }

    /// The MDC code.
    pub const fn code(self) -> u32 {
        self.0
    }
}

/// The reference identifier, or `MDC_` and the code where this project has no name for it.
impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.refid() {
            Some(refid) => f.write_str(refid),
            None => write!(f, "MDC_{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10101 context-free codes as the HL7 PHD guide prints them.
    #[test]
    fn codes_agree_with_the_published_context_free_ones() {
        assert_eq!(Metric::SYSTOLIC.code(), 150_021);
        assert_eq!(Metric::DIASTOLIC.code(), 150_022);
        assert_eq!(Metric::MEAN_ARTERIAL.code(), 150_023);
        assert_eq!(Metric::PULSE_RATE_CUFF.code(), 149_546);
        assert_eq!(Metric::GATEWAY.code(), 531_981);
        assert_eq!(Metric::BATTERY.code(), 67_996);
        assert_eq!(Metric::BLOOD_PRESSURE_STATUS.code(), 8_410_608);
        assert_eq!(Metric::PERSONAL_ALARM.code(), 8_519_682);
        assert_eq!(Metric::BODY_WEIGHT.code(), 188_736);
        assert_eq!(Metric::BODY_HEIGHT.code(), 188_740);
        assert_eq!(Metric::HEART_RATE.code(), 147_842);
        assert_eq!(Metric::RR_INTERVAL.code(), 147_240);
        assert_eq!(Metric::BODY_TEMPERATURE.code(), 150_364);
        assert_eq!(Metric::BODY_TEMPERATURE_RECTUM.code(), 188_420);
        assert_eq!(Metric::BODY_TEMPERATURE_ARMPIT.code(), 188_452);
        assert_eq!(Metric::MEASUREMENT_DURATION.code(), 68_185);
        assert_eq!(Metric::SUPPLEMENTAL_TYPES.code(), 68_193);
        assert_eq!(Metric::GLUCOSE_CAPILLARY_BLOOD.code(), 160_184);
        assert_eq!(Metric::GLUCOSE_INTERSTITIAL_FLUID.code(), 160_212);
        assert_eq!(Metric::GLUCOSE_UNDETERMINED_PLASMA.code(), 160_368);
        assert_eq!(Metric::GLUCOSE_UNDETERMINED_PLASMA.code(), 160_368);
        assert_eq!(Metric::GLUCOSE_STATUS.code(), 8_417_752);
        assert_eq!(Metric::GLUCOSE_MEAL.code(), 8_417_864);
        assert_eq!(Metric::SPO2.code(), 150_456);
        assert_eq!(Metric::SPO2_SPOT.code(), 150_588);
        assert_eq!(Metric::PULSE_RATE_OXIMETER.code(), 149_530);
    }
}
