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
    }
}
