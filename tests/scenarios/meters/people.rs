//! One meter, several people: whose a measurement is, and who may read it.

use jiff::civil::date;
use serde_json::{Value, json};
use varde_tests::sim::{
    blood_pressure::{BloodPressureMonitor, Reading},
    home::Device,
    meters::{
        Setup,
        scale::{Composition, UNKNOWN_USER, Weighing, WeightScale},
    },
};

use crate::{LIMIT, address, bluez, home, rows, until, values};

const SCALE: &str = "scale-1";
const CONSENT: &str = "MDCX_USER_CONSENT";

#[tokio::test]
async fn the_readings_of_one_cuff_are_those_of_the_people_who_took_them() {
    let device = Device::cuff("cuff-1", address(3)).with("users = { '1' = 'p-1', '2' = 'p-2' }");
    let Some(home) = home(vec![device]).await else { return };
    let cuff = BloodPressureMonitor::bring(bluez(&home), address(3), 1);
    let users = [1, 2, UNKNOWN_USER, 3, 2];
    for (minute, user) in (0..).zip(users) {
        let taken = date(2026, 3, 9).at(7, minute, 0, 0);
        cuff.measure(Reading { systolic: 120, diastolic: 80, mean: 93, taken, pulse: 64, user, status: 0 });
    }
    let all = |seen: &[Value]| rows(seen, "cuff-1", "MDC_PULS_RATE_NON_INV").len() == users.len();
    let seen = home.hub.wait_for("all readings", LIMIT, all).await.unwrap();
    let whose = [json!("p-1"), json!("p-2"), Value::Null, Value::Null, json!("p-2")];
    for metric in ["MDC_PRESS_BLD_NONINV_SYS", "MDC_PULS_RATE_NON_INV"] {
        let persons: Vec<_> = rows(&seen, "cuff-1", metric).iter().map(|row| &row["person"]).collect();
        assert_eq!(persons, whose.iter().collect::<Vec<_>>(), "{metric}");
    }
}

#[tokio::test]
async fn a_scale_gives_a_user_s_weighing_for_the_user_s_code_and_a_wrong_code_is_told() {
    let keys = "consents = { '1' = '1234', '2' = '4321' }\nusers = { '1' = 'p-1', '2' = 'p-2' }";
    let device = Device::meter(SCALE, address(4), "weight-scale").with(keys);
    let Some(home) = home(vec![device]).await else { return };
    let scale = WeightScale::switch_on(bluez(&home), &Setup::new(address(4)), true);
    let composition =
        Composition { fat: 231, muscle: Some(402), impedance: Some(5_004), ..Composition::default() };
    let weighing = |user, composition| Weighing {
        weight: 14_850,
        taken: Some(date(2026, 3, 9).at(7, 0, 0, 0)),
        user: Some(user),
        bmi: Some((254, 1_710)),
        composition,
    };
    scale.with(|scale| {
        scale.set_up_user(1, 1234);
        scale.set_up_user(2, 9999);
        scale.weigh(weighing(2, None));
        scale.weigh(weighing(1, Some(composition)));
    });
    let told = |seen: &[Value]| !rows(seen, SCALE, CONSENT).is_empty();
    let seen = home.hub.wait_for("the refusal", LIMIT, told).await.unwrap();
    scale.with(|scale| assert_eq!((scale.confirmed(), scale.waiting()), (1, 1)));
    let refused = rows(&seen, SCALE, CONSENT)[0];
    assert_eq!((&refused["value"], &refused["user"]), (&json!("device-fault"), &json!(2)), "{refused:#}");

    let measured = [
        ("MDC_MASS_BODY_ACTUAL", "74.250", "kg"),
        ("MDC_RATIO_MASS_BODY_LEN_SQ", "25.4", "kg/m2"),
        ("MDC_LEN_BODY_ACTUAL", "1.710", "m"),
        ("MDC_BODY_FAT", "23.1", "%"),
        ("MDCX_BODY_IMPEDANCE", "500.4", "Ohm"),
    ];
    for (metric, value, unit) in measured {
        let found = rows(&seen, SCALE, metric);
        assert!(!found.is_empty(), "{metric}");
        for row in found {
            assert_eq!((&row["value"], &row["unit"]), (&json!(value), &json!(unit)), "{row:#}");
            assert_eq!((&row["user"], &row["person"]), (&json!(1), &json!("p-1")), "{row:#}");
        }
    }

    // Somebody sets the code right on the scale.
    scale.with(|scale| scale.set_up_user(2, 4321));
    until(&scale, |scale| scale.waiting() == 0).await;
    let cleared = |seen: &[Value]| values(seen, SCALE, CONSENT) == ["device-fault", "device-fault-cleared"];
    let seen = home.hub.wait_for("the consent", LIMIT, cleared).await.unwrap();
    let weighed = rows(&seen, SCALE, "MDC_LEN_BODY_ACTUAL");
    assert_eq!(weighed.iter().map(|row| &row["person"]).collect::<Vec<_>>(), ["p-1", "p-2"]);
}
