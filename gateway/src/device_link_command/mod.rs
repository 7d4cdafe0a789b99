//! `varde device-link …`: for who makes a dispenser, panel or alarm.
//!
//! `test` plays the gateway's part of the device link against a prototype, and does on purpose what happens in homes by
//! accident: lost answers, noise, repeated and half finished requests, wrong clocks, cuts of power.
//!
//! - `bench`: the tester's end of the line
//! - `checks`: what is tested
//! - `trial`: one check after the other, and what is printed

mod bench;
mod checks;
mod trial;

use std::path::PathBuf;

use clap::Subcommand;

use checks::Check;

/// What to do with a device link.
#[derive(Debug, Subcommand)]
pub enum DeviceLinkCommand {
    /// Test a prototype: sets its clock, replaces its plan, dispenses and shows a message
    Test {
        /// Its serial port, such as /dev/ttyUSB0
        port: PathBuf,
        /// Test too what needs hands: asks to cut the prototype's power
        #[arg(long)]
        power: bool,
        /// Only this check, by its name; may be given several times
        #[arg(long, value_name = "CHECK")]
        only: Vec<String>,
    },
    /// List the checks
    Checks,
}

/// Runs the command. Whether everything that was tested passed.
///
/// # Errors
/// Where nothing could be tested: what is wrong, and what to do.
pub fn run(command: DeviceLinkCommand) -> Result<bool, String> {
    match command {
        DeviceLinkCommand::Checks => {
            trial::list();
            Ok(true)
        }
        DeviceLinkCommand::Test { port, power, only } => {
            let checks = chosen(power, &only)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| format!("no runtime: {error}"))?;
            runtime.block_on(trial::run(&port, &checks))
        }
    }
}

fn chosen(power: bool, only: &[String]) -> Result<Vec<Check>, String> {
    if only.is_empty() {
        return Ok(Check::ALL.iter().copied().filter(|check| power || !check.needs_hands()).collect());
    }
    let find = |name: &String| {
        Check::ALL
            .iter()
            .copied()
            .find(|check| check.name() == name)
            .ok_or_else(|| format!("no check is called '{name}': 'varde device-link checks' lists them"))
    };
    only.iter().map(find).collect()
}
