//! How a changed roster comes to count: the gateway reads its configuration when it starts.

use std::process::Command;

use super::Failure;
use super::terminal::say;
use crate::command::{EX_IOERR, EX_UNAVAILABLE};

const RESTART: [&str; 3] = ["systemctl", "restart", "varde"];

/// Restarts the gateway where that is wanted, else says how.
///
/// # Errors
/// It does not start.
pub(super) fn restart(wanted: bool) -> Result<(), Failure> {
    let words = RESTART.join(" ");
    if !wanted {
        say(format_args!("to make it count: {words}"));
        return Ok(());
    }
    let [program, arguments @ ..] = RESTART;
    match Command::new(program).args(arguments).status() {
        Ok(status) if status.success() => {
            say("the gateway was restarted, and goes by the new roster");
            Ok(())
        }
        Ok(status) => Err(Failure::new(
            EX_UNAVAILABLE,
            format!("{words} failed ({status}): `systemctl status varde` says why"),
        )),
        Err(error) => Err(Failure::new(
            EX_IOERR,
            format!("{program} cannot be run ({error}): restart the gateway yourself"),
        )),
    }
}
