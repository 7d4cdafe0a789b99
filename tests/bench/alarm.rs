//! From the last byte at the pty to the receipt verified at the gateway: idle, and while a backlog drains; and how
//! fast it drains.

use std::error::Error;
use std::time::{Duration, Instant};

use varde_tests::sim::enocean::{Rocker, Telegram};
use varde_tests::sim::home::{Device, Home, Plan, WhichBroker};

use crate::intake::{missing, per_second};
use crate::table::{Sample, Table};
use crate::{Outcome, backlog, floor, footprint};

/// They are pressed in turn: the same one twice within 100 ms would be taken for an echo of itself.
const PENDANTS: usize = 16;

pub(crate) async fn measure(table: &mut Table) -> Outcome {
    let plan = Plan {
        devices: (0..PENDANTS).map(|n| Device::pendant(&format!("pendant-{n}"), pendant(n))).collect(),
        broker: WhichBroker::Mosquitto,
        direct: true,
        settings: "[store]\nmax_size_mb = 4000\n".to_owned(),
        ..Plan::default()
    };
    let mut home = Home::prepare(plan).await?;
    home.hub.start().await?;
    home.gateway.start().await?;
    home.stick.opened().await?;
    let least = floor::commit_and_two_round_trips(&home, 200).await?;
    let mut idle = Vec::new();
    for time in 0..200 {
        idle.push(alarm(&home, time).await?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let idle = Sample::new(idle);
    table.row("alarm, idle", idle.show(), least.show(), Some(idle.at(500) / least.at(500)));

    home.gateway.stop().await?;
    backlog::write(&home.gateway.outbox(), backlog::identity(home.gateway.credentials())?)?;
    home.gateway.start().await?;
    home.stick.opened().await?;
    let began = Instant::now();
    let before = Spent::read(&home)?;
    let released = async |home: &Home| -> Result<u64, Box<dyn Error>> {
        home.gateway.glance().await?["lanes"]["routine"]["released"]
            .as_u64()
            .ok_or_else(|| missing("released"))
    };
    let start = released(&home).await?;
    let (mut draining, mut resident) = (Vec::new(), 0);
    let mut done = start;
    while done < backlog::size() {
        draining.push(alarm(&home, draining.len()).await?);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let program = home.gateway.program().ok_or_else(|| missing("the gateway"))?;
        resident = resident.max(program.memory()?.resident_kib * 1024);
        done = released(&home).await?;
    }
    let took = began.elapsed().as_secs_f64();
    let spent = Spent::read(&home)?;
    let draining = Sample::new(draining);
    table.row(
        "alarm, while a backlog drains",
        draining.show(),
        least.show(),
        Some(draining.at(500) / least.at(500)),
    );
    let drained = (done - start) as f64;
    table.fact("drain, all programs on this machine's cores", per_second(drained / took));
    table.fact(
        "drain, per second of the gateway's processor time",
        per_second(drained / (spent.gateway - before.gateway)),
    );
    table.fact(
        "drain, per second of the hub's processor time",
        per_second(drained / (spent.hub - before.hub)),
    );
    table.fact("resident memory while draining", footprint::megabytes(resident));
    home.gateway.stop().await?;
    Ok(())
}

fn pendant(number: usize) -> [u8; 4] {
    [0x05, 0x20, 0x00, u8::try_from(number % PENDANTS).unwrap_or_default()]
}

/// Presses a pendant; gives how long it took until the gateway had verified the receipt. Looking in costs the
/// gateway a little each time, so this errs upwards.
async fn alarm(home: &Home, time: usize) -> Result<Duration, Box<dyn Error>> {
    let released = async || -> Result<u64, Box<dyn Error>> {
        home.gateway.glance().await?["lanes"]["urgent"]["released"]
            .as_u64()
            .ok_or_else(|| missing("released"))
    };
    let before = released().await?;
    if !home.stick.hear(&Telegram::pressed(pendant(time), Rocker::Ai)).await? {
        return Err(missing("somebody at the pty"));
    }
    let pressed = Instant::now();
    while released().await? == before {
        if pressed.elapsed() > Duration::from_secs(60) {
            return Err(missing("the receipt"));
        }
    }
    Ok(pressed.elapsed())
}

/// Processor seconds.
struct Spent {
    gateway: f64,
    hub: f64,
}

impl Spent {
    fn read(home: &Home) -> Result<Self, Box<dyn Error>> {
        let of = |program: Option<&varde_tests::sim::programs::Program>| {
            processor_seconds(program.and_then(|program| program.id()))
        };
        Ok(Self { gateway: of(home.gateway.program())?, hub: of(home.hub.program())? })
    }
}

/// What a process has spent so far, user and system.
pub(crate) fn processor_seconds(id: Option<u32>) -> Result<f64, Box<dyn Error>> {
    let id = id.ok_or_else(|| missing("a process"))?;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // proc_pid_stat(5): after the name in brackets, user and system time are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
    let spent = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
    Ok(spent.ok_or_else(|| missing("its times"))? / 100.0)
}
