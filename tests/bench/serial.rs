//! What it costs to hear a busy tty: processor time of the whole gateway while an EnOcean stick passes on a thousand
//! telegrams a second, half of them of strangers, all but a few of them nothing new. It should stay below ten per cent of
//! a core.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio_serial::SerialPortBuilderExt as _;
use varde_tests::sim::enocean::{Telegram, Usb300};
use varde_tests::sim::home::{Device, Home, Plan};

use crate::alarm::processor_seconds;
use crate::intake::missing;
use crate::table::Table;
use crate::{Outcome, footprint};

const SENDERS: u8 = 10;
const A_SECOND: u32 = 1000;
/// So often a bunch of telegrams is passed on; a stick's USB frames are no shorter.
const BETWEEN: Duration = Duration::from_millis(10);
const SPAN: Duration = Duration::from_secs(20);
/// What belongs to the start is over by then.
const START: Duration = Duration::from_secs(5);

/// Names the tty to the program that is the floor.
const FLOOR: &str = "VARDE_BENCH_SERIAL_FLOOR";

pub(crate) async fn measure(table: &mut Table) -> Outcome {
    let name = |number| format!("door-{number}");
    let devices = (0..SENDERS).map(|number| Device::contact(&name(number), own(number)));
    let home = Home::start(Plan { devices: devices.collect(), direct: true, ..Plan::default() }).await?;
    home.stick.opened().await?;
    let spare = Usb300::plug_in(&home.directory().join("ttyFloor"))?;
    let floor = Floor::start(spare.path())?;
    spare.opened().await?;
    tokio::time::sleep(START).await;

    let program = home.gateway.program().ok_or_else(|| missing("the gateway"))?;
    let before = (processor_seconds(program.id())?, processor_seconds(floor.0.id())?);
    let began = Instant::now();
    let passed = pass_on(&home.stick, &spare).await?;
    let span = began.elapsed().as_secs_f64();
    let spent = (processor_seconds(program.id())? - before.0, processor_seconds(floor.0.id())? - before.1);
    let percent = |seconds: f64| format!("{:.2} % of a core", 100.0 * seconds / span);
    let what = format!("{:.0} ESP3 telegrams a second on one tty", f64::from(passed) / span);
    table.row(&what, percent(spent.0), percent(spent.1), Some(spent.0 / spent.1));
    table.fact("resident memory meanwhile", footprint::megabytes(program.memory()?.resident_kib * 1024));
    let status = home.gateway.status().await?;
    let strangers = &status["counts"]["telegrams of senders that are not in the roster"];
    table.fact("telegrams of strangers, counted", format!("{strangers} of {}", passed / 2));
    Ok(())
}

/// Both sticks hear the same; gives how many telegrams.
async fn pass_on(stick: &Usb300, spare: &Usb300) -> Result<u32, Box<dyn Error>> {
    let bunch = A_SECOND * u32::try_from(BETWEEN.as_millis())? / 1000;
    let bunches = u32::try_from(SPAN.as_millis() / BETWEEN.as_millis())?;
    let mut tick = tokio::time::interval(BETWEEN);
    for number in 0..bunches {
        tick.tick().await;
        // Each door moves every ten seconds.
        let closed = number / 1000 % 2 == 0;
        let telegrams: Vec<u8> = (0..SENDERS)
            .cycle()
            .zip(0..bunch)
            .flat_map(|(sender, place)| {
                let id = if (number + place) % 2 == 0 { own(sender) } else { stranger(sender) };
                Telegram::contact(id, closed).packet()
            })
            .collect();
        stick.garble(&telegrams).await?;
        spare.garble(&telegrams).await?;
    }
    Ok(bunch * bunches)
}

const fn own(number: u8) -> [u8; 4] {
    [0x01, 0x82, 0x5D, number]
}

const fn stranger(number: u8) -> [u8; 4] {
    [0x01, 0x99, 0x00, number]
}

/// This program once more: it reads the same bytes and drops them.
struct Floor(Child);

impl Floor {
    fn start(port: &Path) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(FLOOR, port).stdin(Stdio::null()).kill_on_drop(true);
        Ok(Self(command.spawn()?))
    }
}

/// The tty whose floor this program is to be, if it is.
pub(crate) fn floor_of() -> Option<PathBuf> {
    std::env::var_os(FLOOR).map(PathBuf::from)
}

/// Reads and drops until the line ends.
pub(crate) async fn be_floor(port: &Path) -> Outcome {
    let mut port = tokio_serial::new(port.to_string_lossy(), 57_600).open_native_async()?;
    let mut buffer = [0; 256];
    while port.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    Ok(())
}
