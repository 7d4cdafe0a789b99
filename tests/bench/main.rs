//! How fast, how small: measured, not asserted. `cargo bench -p varde-tests --bench gateway` prints one table.
//!
//! Machines differ and are noisy, so each figure stands beside a floor from the same run: what the same disk and
//! the same broker need for the least that the work can be; ratios of durations are of their medians. Words after `--`
//! (`intake`, `alarm`, `footprint`, `adverts`, `serial`, `household`) choose parts; `BACKLOG=100000` makes the backlog smaller than the million that the bars speak of.

#![expect(clippy::print_stdout, reason = "a table for people")]

mod adverts;
mod alarm;
mod backlog;
mod floor;
mod footprint;
mod household;
mod intake;
mod serial;
mod table;

use std::error::Error;

use table::Table;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    if let Some(bus) = adverts::floor_of() {
        return runtime.block_on(adverts::be_floor(&bus));
    }
    if let Some(port) = serial::floor_of() {
        return runtime.block_on(serial::be_floor(&port));
    }
    let mut table = Table::default();
    if wanted("intake") {
        runtime.block_on(intake::measure(&mut table))?;
    }
    if wanted("alarm") {
        runtime.block_on(alarm::measure(&mut table))?;
    }
    if wanted("footprint") {
        runtime.block_on(footprint::measure(&mut table))?;
    }
    if wanted("adverts") {
        runtime.block_on(adverts::measure(&mut table))?;
    }
    if wanted("serial") {
        runtime.block_on(serial::measure(&mut table))?;
    }
    if wanted("household") {
        runtime.block_on(household::measure(&mut table))?;
    }
    table.print();
    Ok(())
}
