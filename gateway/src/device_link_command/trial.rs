//! One check after the other, and what is printed of each.

use std::io::Write as _;
use std::path::Path;

use varde_drivers::SerialProtocol;
use varde_link::SerialLink;

use super::bench::{Bench, Failed};
use super::checks::Check;
use crate::clock;
use crate::devices::serial::settings;

/// Runs the checks on the prototype at this port. Whether all passed.
///
/// # Errors
/// Where the port cannot be opened, or the line ended.
pub(super) async fn run(port: &Path, checks: &[Check]) -> Result<bool, String> {
    let line = settings(SerialProtocol::DeviceLink.line());
    let link = SerialLink::open(port, line, clock::boot_ms).map_err(|error| error.to_string())?;
    let mut bench = Bench::new(link);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for check in checks {
        say(&format!("{:<22} {} ... ", check.name(), check.promise()));
        match check.run(&mut bench).await {
            Ok(()) => {
                passed += 1;
                say("pass\n");
            }
            Err(Failed::Line(ended)) => return Err(format!("the line ended: {ended}")),
            Err(reason @ Failed::Skipped(_)) => {
                skipped += 1;
                say(&format!("{reason}\n"));
            }
            Err(reason @ Failed::Differs { .. }) => {
                failed += 1;
                say(&format!("FAIL\n{:<22} {reason}\n", ""));
            }
        }
    }
    say(&format!("{passed} passed, {failed} failed, {skipped} skipped\n"));
    Ok(failed == 0)
}

/// Lists the checks.
pub(super) fn list() {
    for check in Check::ALL {
        let hands = if check.needs_hands() { " (needs hands)" } else { "" };
        say(&format!("{:<22} {}{hands}\n", check.name(), check.promise()));
    }
}

/// At once; a reader that went away (`| head`) is no error.
fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
