//! What was measured: codes of ISO/IEEE 11073-10101 (MDC).

use serde::{Deserialize, Serialize};

/// An MDC code: partition × 65536 + term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric(u32);

macro_rules! metrics {
    ($($name:ident $partition:literal $term:literal $refid:literal $doc:literal,)*) => {
        impl Metric {
            $(#[doc = $doc] pub const $name: Self = Self($partition * 65_536 + $term);)*

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
        assert_eq!(Metric::MEASUREMENT_DURATION.code(), 68_185);
        assert_eq!(Metric::SUPPLEMENTAL_TYPES.code(), 68_193);
        assert_eq!(Metric::GLUCOSE_CAPILLARY_BLOOD.code(), 160_184);
        assert_eq!(Metric::GLUCOSE_UNDETERMINED_PLASMA.code(), 160_368);
        assert_eq!(Metric::GLUCOSE_STATUS.code(), 8_417_752);
        assert_eq!(Metric::GLUCOSE_MEAL.code(), 8_417_864);
        assert_eq!(Metric::SPO2.code(), 150_456);
        assert_eq!(Metric::SPO2_SPOT.code(), 150_588);
        assert_eq!(Metric::PULSE_RATE_OXIMETER.code(), 149_530);
    }
}
