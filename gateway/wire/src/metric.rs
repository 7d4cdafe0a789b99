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
    }
}
