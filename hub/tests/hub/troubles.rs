//! What is wrong with devices: one story where it has one cause, and nothing that is over.

use crate::gateway::{Hub, Outbox, report, stamp, take};
use varde_hub::Signature;
use varde_wire::{
    About, Change, Content, DeviceId, Event, Lane, Metric, Observation, Origin, Phase, Record,
    SupervisionReport, Trouble, TroubleEdge, Trust, Value,
};

use Change::{Began, Lasts, Over};
use Trouble::{BatteryLow, Contact, Mains};

fn device(name: &str) -> DeviceId {
    name.parse().unwrap()
}

/// What a gateway tells, so long after its boot; of each edge that it has been so for a minute.
fn told(uptime: u64, origin: Origin, edges: &[(&str, Trouble, Change)], out: &[&str]) -> Record {
    let edge = |(name, trouble, change): &(&str, Trouble, Change)| TroubleEdge {
        device: device(name),
        trouble: *trouble,
        change: *change,
        since_ms: 60_000,
        certain_ms: 0,
    };
    let edges = edges.iter().map(edge).collect();
    let out = out.iter().map(|name| device(name)).collect();
    report(uptime, About::Supervision(SupervisionReport { origin, edges, out, more: 0 }))
}

fn single(uptime: u64, name: &str, trouble: Trouble, change: Change) -> Record {
    told(uptime, Origin::Single, &[(name, trouble, change)], &[])
}

/// A hub that has heard all this, in this order.
fn hub_after(records: &[Record]) -> Hub {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Ed25519, false);
    let mut outbox: Outbox<'_> = gateway.outbox(Lane::Urgent, 1);
    let mut intake = hub.intake();
    for record in records {
        let batch = outbox.batch(std::slice::from_ref(record));
        take(&mut intake, &gateway, Lane::Urgent, &[&batch, &batch]);
    }
    hub
}

fn in_words(hub: &Hub) -> String {
    let mut out = Vec::new();
    varde_hub::list_troubles(&hub.database(), None, false, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Device, trouble and story of each.
fn standing(hub: &Hub) -> Vec<String> {
    let mut out = Vec::new();
    varde_hub::list_troubles(&hub.database(), None, true, &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let words = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let words = ["device", "trouble", "story"].map(|key| line[key].as_str().unwrap_or("-").to_owned());
        words.join(" ")
    };
    lines.lines().map(words).collect()
}

#[test]
fn a_power_cut_is_one_story_and_who_does_not_come_back_stands_by_themselves() {
    let began = Origin::PowerCut(Phase::Began);
    let mut records = vec![
        // Told before anybody knew that it was a story.
        single(100_000, "lamp-1", Mains, Began),
        single(110_000, "pendant-1", Contact, Began),
        told(160_000, began, &[("lamp-2", Mains, Began), ("radio-1", Contact, Began)], &["lamp-1", "lamp-2"]),
        told(160_000, began, &[("lamp-3", Mains, Began)], &["lamp-3", "radio-1"]),
    ];
    assert_eq!(
        in_words(&hub_after(&records)),
        "gw-1\n  \
         power-cut since 2023-11-14T22:14:00.000Z: 4 devices\n    \
         lamp-1           no-mains       since 2023-11-14T22:14:00.000Z\n    \
         lamp-2           no-mains       since 2023-11-14T22:15:00.000Z\n    \
         lamp-3           no-mains       since 2023-11-14T22:15:00.000Z\n    \
         radio-1          missing        since 2023-11-14T22:15:00.000Z\n  \
         pendant-1        missing        since 2023-11-14T22:14:10.000Z\n"
    );
    let on = Origin::PowerCut(Phase::GoesOn);
    records.push(told(
        300_000,
        on,
        &[("lamp-1", Mains, Over), ("lamp-2", Mains, Over)],
        &["lamp-3", "radio-1"],
    ));
    records.push(single(310_000, "pendant-1", Contact, Over));
    let story = ["lamp-3 no-mains power-cut", "radio-1 missing power-cut"];
    assert_eq!(standing(&hub_after(&records)), story);
    let over = Origin::PowerCut(Phase::Over);
    records.push(told(400_000, over, &[("lamp-3", Mains, Over)], &["radio-1"]));
    assert_eq!(standing(&hub_after(&records)), ["radio-1 missing -"]);
    records.push(single(500_000, "radio-1", Contact, Over));
    assert_eq!(in_words(&hub_after(&records)), "no device is in trouble\n");
}

#[test]
fn a_trouble_stands_from_the_first_that_is_heard_of_it_until_its_twin() {
    let battery = |at, change| single(at, "pendant-1", BatteryLow, change);
    let cases: &[(&[Record], bool)] = &[
        (&[battery(1, Began)], true),
        (&[battery(1, Began), battery(2, Over)], false),
        // A hub that lost its memory hears of it next day.
        (&[battery(9, Lasts)], true),
        (&[battery(2, Over), battery(1, Began)], false),
        (&[battery(1, Began), battery(2, Over), battery(3, Began)], true),
        (&[battery(3, Began), battery(2, Over), battery(1, Began)], true),
    ];
    for (records, stands) in cases {
        let expected: &[&str] = if *stands { &["pendant-1 battery-low -"] } else { &[] };
        assert_eq!(standing(&hub_after(records)), expected, "{records:?}");
    }
    let both = [("pendant-1", Contact, Began), ("pendant-1", Contact, Over)];
    let in_one = told(1, Origin::Silence(Phase::GoesOn), &both, &[]);
    assert!(standing(&hub_after(&[in_one])).is_empty(), "the last edge of a report counts");
}

/// What a dispenser says of itself, so long after its boot.
fn said(uptime: u64, event: Event) -> Record {
    let content = Observation::new(device("dispenser-1"), Metric::MEDICINE, Value::Event(event));
    let stamp = stamp(uptime, 1_700_000_000_000 + i64::try_from(uptime).unwrap(), Trust::Synchronised);
    Record { stamp, content: Content::Observation(content) }
}

#[test]
fn a_dispenser_that_runs_another_plan_or_is_empty_stands_until_it_says_otherwise() {
    use Event::{MedicineEmpty, MedicineNearlyEmpty, MedicineRefilled, PlanDiffers, PlanRestored};
    let mut records = vec![
        said(60_000, PlanDiffers),
        said(61_000, MedicineNearlyEmpty),
        said(62_000, MedicineEmpty),
        single(70_000, "lamp-1", BatteryLow, Began),
    ];
    assert_eq!(
        in_words(&hub_after(&records)),
        "gw-1\n  \
         lamp-1           battery-low    since 2023-11-14T22:13:30.000Z\n  \
         dispenser-1      medicine-empty since 2023-11-14T22:14:22.000Z\n  \
         dispenser-1      medicine-nearly-empty since 2023-11-14T22:14:21.000Z\n  \
         dispenser-1      plan-differs   since 2023-11-14T22:14:20.000Z\n"
    );
    // What is told again, and what came late, changes nothing.
    records.extend([said(80_000, PlanRestored), said(75_000, PlanDiffers), said(81_000, MedicineRefilled)]);
    assert_eq!(standing(&hub_after(&records)), ["lamp-1 battery-low -"]);
}
