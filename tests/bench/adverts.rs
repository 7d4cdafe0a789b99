//! What it costs to hear sensors all day: processor time of the whole gateway while ten sensors and as many strangers
//! advertise. A gateway that hears sensors should spend less than one per cent of a core on it.

use std::error::Error;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use varde_tests::sim::beacons::bthome::{BthomeSensor, Object};
use varde_tests::sim::bluez::{Address, Bluez};
use varde_tests::sim::home::{Bluetooth, Device, Home, Plan};
use zbus::{MessageStream, connection::Builder};

use crate::alarm::processor_seconds;
use crate::intake::missing;
use crate::table::Table;
use crate::{Outcome, footprint};

const SENSORS: u8 = 10;
/// 50 a second, half of them of strangers.
const BETWEEN: Duration = Duration::from_millis(20);
/// How often each sender has its turn: half a minute of it.
const ROUNDS: u8 = 75;
/// So often a report is sent before the next measurement.
const TIMES: u8 = 5;
/// What belongs to the start is over by then.
const START: Duration = Duration::from_secs(10);

/// Names the D-Bus to the program that is the floor.
const FLOOR: &str = "VARDE_BENCH_FLOOR";

pub(crate) async fn measure(table: &mut Table) -> Outcome {
    let name = |number| format!("sensor-{number}");
    let devices = (0..SENSORS).map(|number| Device::beacon(&name(number), own(number), "bthome"));
    let plan = Plan { devices: devices.collect(), direct: true, ..Plan::default() };
    let home = Home::start(plan).await?;
    let listening = |status: &serde_json::Value| status["devices"][name(0)]["link"] == "listening";
    home.gateway.wait_for("the scan", Duration::from_secs(60), listening).await?;
    let Bluetooth { bluez, bus, .. } = home.bluetooth.as_ref().ok_or_else(|| missing("Bluetooth"))?;
    let mut floor = Floor::start(bus.address())?;
    tokio::time::sleep(START).await;

    let program = home.gateway.program().ok_or_else(|| missing("the gateway"))?;
    let gateway = || processor_seconds(program.id());
    let began = gateway()?;
    tokio::time::sleep(START).await;
    let idle = (gateway()? - began) / START.as_secs_f64();

    let before = (gateway()?, processor_seconds(floor.0.id())?);
    let began = Instant::now();
    advertise(bluez).await;
    let span = began.elapsed().as_secs_f64();
    let spent = (gateway()? - before.0, processor_seconds(floor.0.id())? - before.1);
    let percent = |seconds: f64| format!("{:.2} % of a core", 100.0 * seconds / span);
    let what = format!("{} advertisements a second, half of them of strangers", 1000 / BETWEEN.as_millis());
    table.row(&what, percent(spent.0), percent(spent.1), Some(spent.0 / spent.1));
    table.fact("of it without any advertisement", percent(idle * span));
    table.fact("signals that D-Bus brought for them", floor.end().await?);
    table.fact("resident memory meanwhile", footprint::megabytes(program.memory()?.resident_kib * 1024));
    let status = home.gateway.status().await?;
    let sensors = (0..SENSORS).filter(|number| status["devices"][name(*number)]["last_heard"].is_string());
    table.fact("sensors heard", format!("{} of {SENSORS}", sensors.count()));
    Ok(())
}

/// Everybody in turn.
async fn advertise(bluez: &Bluez) {
    let bring = |address, seed: u8| BthomeSensor::bring(bluez, address, false, seed.into());
    let mut senders: Vec<_> = (0..SENSORS)
        .flat_map(|number| [bring(own(number), number), bring(stranger(number), number)])
        .collect();
    let mut tick = tokio::time::interval(BETWEEN);
    for round in 0..ROUNDS {
        for sender in &mut senders {
            tick.tick().await;
            if round % TIMES == 0 {
                let measured = round / TIMES;
                let temperature = Object::temperature(2000 + i16::from(measured));
                let humidity = Object::humidity(4000 + u16::from(measured));
                sender.report(&[Object::battery(87), temperature, humidity], 1);
            } else {
                sender.repeat(1);
            }
        }
    }
}

const fn own(number: u8) -> Address {
    Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, number])
}

const fn stranger(number: u8) -> Address {
    Address([0xE0, 0xE1, 0xE2, 0xE3, 0xE4, number])
}

/// This program once more: it receives the same signals and drops them.
struct Floor(Child);

impl Floor {
    fn start(bus: &str) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(FLOOR, bus).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        Ok(Self(command.spawn()?))
    }

    /// Ends it; gives how many signals it had.
    async fn end(&mut self) -> Result<String, Box<dyn Error>> {
        drop(self.0.stdin.take());
        let mut said = String::new();
        let out = self.0.stdout.as_mut().ok_or_else(|| missing("the floor's output"))?;
        out.read_to_string(&mut said).await?;
        Ok(said.trim().to_owned())
    }
}

/// The bus whose floor this program is to be, if it is.
pub(crate) fn floor_of() -> Option<String> {
    std::env::var(FLOOR).ok()
}

/// Receives and drops until standard input ends.
pub(crate) async fn be_floor(bus: &str) -> Outcome {
    let connection = Builder::address(bus).build().await?;
    for number in 0..SENSORS {
        let device = format!("/org/bluez/hci0/dev_{}", own(number).to_string().replace(':', "_"));
        let of = "type='signal',sender='org.bluez',interface='org.freedesktop.DBus";
        for rule in
            [format!("{of}.Properties',path='{device}'"), format!("{of}.ObjectManager',arg0path='{device}'")]
        {
            let name = Some("org.freedesktop.DBus");
            connection.call_method(name, "/org/freedesktop/DBus", name, "AddMatch", &rule).await?;
        }
    }
    // Only now, so that the bus's own words are not counted.
    let mut signals = MessageStream::from(&connection);
    let mut ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let mut count = 0_u32;
    loop {
        tokio::select! {
            _ = &mut ended => break,
            signal = signals.next() => match signal {
                Some(signal) => count += u32::from(signal?.message_type() == zbus::message::Type::Signal),
                None => break,
            },
        }
    }
    println!("{count}");
    Ok(())
}
