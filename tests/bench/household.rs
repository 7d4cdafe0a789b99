//! What it costs to guard a large home: processor time and memory of the whole gateway with two hundred supervised devices
//! that together do a hundred things a second, under rules that need all of them. It should stay below five per cent of a
//! core, and below 2 KB a device.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use varde_core::Supervision;
use varde_core::supervision::{Condition, Expectation, LinkNumber};
use varde_tests::sim::enocean::Telegram;
use varde_tests::sim::home::{Home, Plan};

use crate::alarm::processor_seconds;
use crate::intake::missing;
use crate::table::Table;
use crate::{Outcome, footprint};

const DEVICES: u8 = 200;
const A_SECOND: u32 = 100;
const SPAN: Duration = Duration::from_secs(30);
/// What belongs to the start is over by then.
const START: Duration = Duration::from_secs(5);

pub(crate) async fn measure(table: &mut Table) -> Outcome {
    let small = home(1).await?;
    tokio::time::sleep(START).await;
    let of_one = small.gateway.program().ok_or_else(|| missing("the gateway"))?.memory()?;
    drop(small);

    let home = home(DEVICES).await?;
    home.stick.opened().await?;
    tokio::time::sleep(START).await;
    let program = home.gateway.program().ok_or_else(|| missing("the gateway"))?;
    let before = processor_seconds(program.id())?;
    let (began, mut passed) = (Instant::now(), 0_u32);
    let mut tick = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    while began.elapsed() < SPAN {
        tick.tick().await;
        let device = u8::try_from(passed % u32::from(DEVICES))?;
        let is_seen = passed / u32::from(DEVICES) % 2 == 0;
        home.stick.hear(&seen(device, is_seen)).await?;
        passed += 1;
    }
    let span = began.elapsed().as_secs_f64();
    let spent = processor_seconds(program.id())? - before;
    let what =
        format!("{DEVICES} guarded devices, {:.0} events a second, five rules", f64::from(passed) / span);
    table.row(&what, format!("{:.2} % of a core", 100.0 * spent / span), String::new(), None);
    let of_all = program.memory()?;
    let more = of_all.resident_kib.saturating_sub(of_one.resident_kib) * 1024 / u64::from(DEVICES - 1);
    table.fact("memory of the whole gateway for each of them", format!("{more} bytes"));
    table.fact("resident memory meanwhile", footprint::megabytes(of_all.resident_kib * 1024));
    table.fact("memory of its guard alone for each of them", format!("{} bytes", of_guard()?));
    let status = home.gateway.status().await?;
    let heard: u64 =
        (0..DEVICES).filter_map(|device| status["devices"][name(device)]["observations"].as_u64()).sum();
    table.fact("events heard", format!("{heard} of {passed}"));
    Ok(())
}

/// What supervision holds of a device that was heard and said how it is, by the resident memory of this program.
fn of_guard() -> Result<u64, Box<dyn std::error::Error>> {
    const MANY: u64 = 2_000;
    let at = varde_wire::Instant::from_millis;
    let expectation = Expectation {
        interval: Duration::from_hours(1),
        silent_after: Duration::from_hours(2),
        link: LinkNumber(0),
        on_mains: false,
    };
    let names = (0..MANY).map(|number| format!("motion-{number}").parse());
    let names: Vec<varde_wire::DeviceId> = names.collect::<Result<_, _>>()?;
    let before = own_pages()?;
    let mut supervision =
        Supervision::new(names.iter().map(|name| (name.clone(), expectation)).collect(), at(0));
    for name in &names {
        supervision.handle_heard(name, Some(-70), at(1000));
        supervision.handle_condition(name, Condition::Charge(80), at(1000));
    }
    let after = own_pages()?;
    drop(supervision);
    Ok(after.saturating_sub(before) * 4096 / MANY)
}

/// Resident, in pages.
fn own_pages() -> Result<u64, Box<dyn std::error::Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    Ok(statm.split_whitespace().nth(1).ok_or("no such field")?.parse()?)
}

/// Motion sensors, whose movements stay in the home, and rules that need them all.
async fn home(devices: u8) -> Result<Home, varde_tests::sim::SimError> {
    let mut home = Home::prepare(Plan { direct: true, ..Plan::default() }).await?;
    let (mut settings, port) = (String::new(), home.stick.path().display().to_string());
    let all: Vec<String> = (0..devices).map(|device| format!("'{}'", name(device))).collect();
    for device in 0..devices {
        let (name, id) = (name(device), u32::from_be_bytes(id(device)));
        // Writing to a String cannot fail.
        let _ = write!(
            settings,
            "[[device]]\nname = '{name}'\nprotocol = 'esp3'\nport = '{port}'\nid = '{id:08X}'\nprofile = 'A5-07-01'\n"
        );
    }
    for rule in 0..5 {
        let (all, within) = (all.join(", "), 60 + rule);
        let _ = write!(
            settings,
            "[[rule]]\nname = 'rule-{rule}'\nwatch = 'no-motion'\ndevices = [{all}]\nwithin_min = {within}\n"
        );
    }
    home.gateway.configure("30-household.toml", &settings)?;
    home.hub.start().await?;
    home.gateway.start().await?;
    Ok(home)
}

/// Somebody is seen, or not (A5-07-01: PIR in DB1 and DB0.0, data in DB0.3).
fn seen(device: u8, is_seen: bool) -> Telegram {
    let payload = if is_seen { vec![0, 0, 0xFF, 0x08] } else { vec![0, 0, 0, 0x08] };
    Telegram { rorg: 0xA5, payload, sender: id(device), status: 0, subtelegrams: 1, dbm: 61 }
}

fn name(device: u8) -> String {
    format!("motion-{device}")
}

const fn id(device: u8) -> [u8; 4] {
    [0x01, 0x82, 0x5E, device]
}
