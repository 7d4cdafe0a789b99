//! How small: memory, binary, wake-ups; and how soon it is ready with a backlog waiting.

use std::error::Error;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use varde_tests::sim::home::{Device, Home, Plan, WhichBroker};
use varde_tests::sim::programs::{Program, Programs};

use crate::intake::missing;
use crate::table::{Sample, Table};
use crate::{Outcome, backlog};

const IDLE: Duration = Duration::from_secs(20);

pub(crate) async fn measure(table: &mut Table) -> Outcome {
    let plan = Plan {
        devices: vec![Device::pendant("pendant-1", [0, 0x29, 0x89, 0x79])],
        broker: WhichBroker::Mosquitto,
        direct: true,
        settings: "[store]\nmax_size_mb = 4000\n[uplink]\nkeep_alive_s = 30\n".to_owned(),
        ..Plan::default()
    };
    let mut home = Home::prepare(plan).await?;
    home.hub.start().await?;
    home.gateway.start().await?;
    home.stick.opened().await?;
    // What belongs to the start is over by then, its helper threads among it.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let program = home.gateway.program().ok_or_else(|| missing("the gateway"))?;
    let before = program.wake_ups()?;
    tokio::time::sleep(IDLE).await;
    let wake_ups = program.wake_ups()?.saturating_sub(before) as f64 / IDLE.as_secs_f64();
    table.fact("wake-ups, idle, a second", format!("{wake_ups:.1}"));
    let memory = program.memory()?;
    table.fact("resident memory, idle", megabytes(memory.resident_kib * 1024));
    table.fact("of it anonymous", megabytes(memory.anonymous_kib * 1024));
    home.gateway.stop().await?;

    let program = Programs::built().await?.varde().as_std().get_program().to_owned();
    table.fact("binary", megabytes(std::fs::metadata(&program)?.len()));

    let empty = ready(&home, 10).await?;
    backlog::write(&home.gateway.outbox(), backlog::identity(home.gateway.credentials())?)?;
    home.hub.stop().await?;
    let full = ready(&home, 10).await?;
    let ratio = full.at(500) / empty.at(500);
    let name = format!("start to READY, {} entries waiting", backlog::size());
    table.row(&name, full.show(), format!("none waiting: {}", empty.show()), Some(ratio));
    Ok(())
}

/// How long it takes from the start of the process to READY=1.
async fn ready(home: &Home, times: usize) -> Result<Sample, Box<dyn Error>> {
    let mut durations = Vec::new();
    for time in 0..times {
        let socket = home.directory().join("notify.sock");
        let _ = std::fs::remove_file(&socket);
        let notify = UnixDatagram::bind(&socket)?;
        notify.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut command = Programs::built().await?.varde();
        command.arg("run").arg("--config").arg(home.gateway.configuration()).env("NOTIFY_SOCKET", &socket);
        let began = Instant::now();
        let mut gateway = Program::start(command, &home.directory().join(format!("ready-{time}.log")))?;
        let mut said = [0; 64];
        let length = notify.recv(&mut said)?;
        durations.push(began.elapsed());
        if !said.get(..length).unwrap_or_default().starts_with(b"READY=1") {
            return Err(missing("READY=1"));
        }
        gateway.stop(Duration::from_secs(30)).await?;
    }
    Ok(Sample::new(durations))
}

pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
