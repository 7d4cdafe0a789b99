//! Doses at their time, with the clock set to just before it.

use std::time::Duration;

use varde_device_link::{Capabilities, ClockSetting, Packet, ToDevice, ToGateway, What, Zone, ZoneChange};
use varde_link::Link;

use super::super::bench::{Bench, Failed, expect};
use super::event::acknowledge_all;
use super::plan::{commit, dose, plan_of};

/// Half past two.
const NIGHT: u16 = 2 * 60 + 30;

/// 2026-03-29T01:00Z, when Europe/Oslo goes from +1 to +2 hours.
const SPRING: ZoneChange = ZoneChange { at_s: 1_774_746_000, offset_min: 120 };

/// 2026-10-25T01:00Z, when it goes back.
const AUTUMN: ZoneChange = ZoneChange { at_s: 1_792_890_000, offset_min: 60 };

/// The clock is set to so long before something is due.
const BEFORE_S: u64 = 5;

/// How long after that it has come.
const CALLED: Duration = Duration::from_secs(10);

/// The window of a minute, and as much again.
const SETTLED: Duration = Duration::from_mins(2);

pub(super) async fn due<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    begin(bench).await?;
    // Of 2026-06-01, noon.
    let zone = Zone { offset_min: 120, change: Some(AUTUMN) };
    run_at(bench, 12 * 60, zone, 1_780_308_000).await?;
    let offered = called(bench, "a dose offered at its time").await?;
    let expected = "the dose dispensed, missed, refused or not confirmed by the end of its window";
    bench.event(expected, SETTLED, |event| event.what.settles() == Some(offered)).await?;
    acknowledge_all(bench).await
}

pub(super) async fn spring<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    begin(bench).await?;
    run_at(bench, NIGHT, Zone { offset_min: 60, change: Some(SPRING) }, SPRING.at_s).await?;
    called(bench, "the dose of 02:30 offered at 03:00").await?;
    Ok(())
}

pub(super) async fn autumn<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    begin(bench).await?;
    let zone = Zone { offset_min: 120, change: Some(AUTUMN) };
    run_at(bench, NIGHT, zone, AUTUMN.at_s - 30 * 60).await?;
    called(bench, "the dose of 02:30 offered when it is 02:30 for the first time").await?;
    acknowledge_all(bench).await?;
    set(bench, zone, AUTUMN.at_s + 30 * 60).await?;
    let offered = bench.hear(CALLED, offered).await?;
    expect("nothing when it is 02:30 for the second time", offered.is_empty(), &offered)
}

async fn begin<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    if !bench.has(Capabilities::PLAN) {
        return Err(Failed::Skipped("runs a dosing plan"));
    }
    acknowledge_all(bench).await
}

/// A plan with one dose at this minute, and the clock so that it is due soon.
async fn run_at<L: Link>(bench: &mut Bench<L>, minute: u16, zone: Zone, due_s: u64) -> Result<(), Failed> {
    let plan = plan_of(bench, &[dose(1, minute)])?;
    set(bench, zone, due_s).await?;
    commit(bench, &plan).await
}

async fn set<L: Link>(bench: &mut Bench<L>, zone: Zone, due_s: u64) -> Result<(), Failed> {
    bench.set_clock(ClockSetting { utc_ms: (due_s - BEFORE_S) * 1000, zone }).await
}

async fn called<L: Link>(bench: &mut Bench<L>, expected: &str) -> Result<varde_device_link::DoseRef, Failed> {
    let (number, dose) = bench.wait(expected, CALLED, offered).await?;
    // So that the next one is told as well.
    bench.say(ToDevice::Acknowledge { through: number }).await?;
    Ok(dose)
}

fn offered(packet: &Packet) -> Option<(u32, varde_device_link::DoseRef)> {
    let Packet::ToGateway(_, ToGateway::Event { event, .. }) = packet else { return None };
    let What::Offered(portion) = event.what else { return None };
    portion.dose.map(|dose| (event.number, dose))
}
