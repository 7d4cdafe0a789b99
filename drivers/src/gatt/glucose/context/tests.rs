use super::*;
use crate::describe::unhex;

fn observed(hex: &str) -> Vec<String> {
    let context = GlucoseMeasurementContext::decode(&unhex(hex)).unwrap();
    let observations = context.observations(&"meter-1".parse().unwrap());
    let word = |o: &Observation| format!("{} {}{}", o.metric, o.value, o.unit.map_or("", Unit::ucum));
    observations.iter().map(word).collect()
}

/// The first: a test of Nordic's Android BLE Library (BSD-3-Clause), whose zeros after the number no flag announces.
/// The others follow the service; tshark 4.0 reads them the same but for tester and health, which it has the other way
/// round.
#[test]
fn contexts_are_read_field_by_field() {
    let table: [(&str, &[&str]); 8] = [
        ("0001000000000000000000000000000000", &[]),
        // 0.045 kg for breakfast, before the meal, by the person, who is well; 30 min at 70 %; 8 µL of rapid acting
        // insulin; 6.5 %.
        (
            "7f0200012dd0015108074601 08a041f0",
            &[
                "MDC_CTXT_GLU_CARB_BREAKFAST 45g",
                "MDC_CTXT_GLU_MEAL preprandial",
                "MDC_CTXT_GLU_TESTER self",
                "MDC_CTXT_GLU_HEALTH no-health-issues",
                "MDC_CTXT_GLU_EXERCISE 70%",
                "MDCX_EXERCISE_DURATION 1800s",
                "MDC_CTXT_MEDICATION_RAPIDACTING 0.008mL",
                "MDC_CONC_HBA1C 6.5%",
            ],
        ),
        // 12 mg of long acting insulin, as kilograms.
        ("10030004 0ca0", &["MDC_CTXT_MEDICATION_LONGACTING 0.012g"]),
        // MAX: exercised longer than the field can say.
        ("080400ffffff", &["MDC_CTXT_GLU_EXERCISE 255%", "MDCX_EXERCISE_DURATION positive-infinitys"]),
        // NOT AVAILABLE: tester, health and every number.
        (
            "55050002ff07ff05ff07ff07",
            &[
                "MDC_CTXT_GLU_CARB_LUNCH not-a-numberg",
                "MDC_CTXT_GLU_TESTER not-available",
                "MDC_CTXT_GLU_HEALTH not-available",
                "MDC_CTXT_MEDICATION_PREMIX not-a-numberg",
                "MDC_CONC_HBA1C not-a-number%",
            ],
        ),
        // Reserved codes: what was eaten and taken is still told, of what kind not.
        ("17060008 0100 06 64 09 0200", &["MDC_CTXT_GLU_CARB 1000g", "MDC_CTXT_MEDICATION 2000g"]),
        // Extended flags shift what follows.
        ("820700a503", &["MDC_CTXT_GLU_MEAL fasting"]),
        ("020800 05 cafe", &["MDC_CTXT_GLU_MEAL bedtime"]),
    ];
    for (hex, expected) in table {
        assert_eq!(observed(&hex.replace(' ', "")), expected, "{hex}");
    }
}

#[test]
fn every_code_has_its_own_metric_or_word() {
    let metrics = (1..=7).map(|id| Carbohydrate { id, mass: Ok(Decimal::whole(0)) }.metric().code() & 0xFFFF);
    assert!(metrics.eq([29_160, 29_164, 29_168, 29_172, 29_176, 29_180, 29_184]));
    let medications = (1..=5).map(|id| Medication { id, quantity: Ok(Decimal::whole(0)), is_volume: false });
    assert!(medications.map(|m| m.metric().code() & 0xFFFF).eq([29_192, 29_196, 29_200, 29_204, 29_208]));
    let words = |name: fn(u8) -> Option<&'static str>| (0..=15).filter_map(name).collect::<Vec<_>>();
    assert_eq!(
        words(|code| Meal(code).name()),
        ["preprandial", "postprandial", "fasting", "casual", "bedtime"]
    );
    assert_eq!(words(|code| Tester(code).name()).len(), 4);
    assert_eq!(words(|code| Health(code).name()).len(), 6);
}

#[test]
fn a_truncated_value_names_the_missing_field() {
    let table = [
        ("", "flags at byte 0: too short: expected length 1, got 0"),
        ("0001", "sequence number at byte 1: too short: expected length 2, got 1"),
        ("800100", "extended flags at byte 3: too short: expected length 1, got 0"),
        ("010100", "carbohydrate id at byte 3: too short: expected length 1, got 0"),
        ("0101000101", "carbohydrate at byte 4: too short: expected length 2, got 1"),
        ("020100", "meal at byte 3: too short: expected length 1, got 0"),
        ("040100", "tester and health at byte 3: too short: expected length 1, got 0"),
        ("08010001", "exercise duration at byte 3: too short: expected length 2, got 1"),
        ("0801000102", "exercise intensity at byte 5: too short: expected length 1, got 0"),
        ("100100", "medication id at byte 3: too short: expected length 1, got 0"),
        ("1001000101", "medication at byte 4: too short: expected length 2, got 1"),
        ("40010001", "hba1c at byte 3: too short: expected length 2, got 1"),
    ];
    for (hex, expected) in table {
        let refused = GlucoseMeasurementContext::decode(&unhex(hex)).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{hex}");
    }
}
