//! `varde devices watch`: what one device says, decoded, as the running gateway takes it in.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use varde_wire::DeviceId;

use super::terminal::say;
use super::{Failure, interrupted};
use crate::command::{EX_IOERR, EX_NOPERM, EX_UNAVAILABLE};
use crate::config::Settings;
use crate::{socket, watch};

/// Shows a line a reading until the technician ends it.
///
/// # Errors
/// No gateway runs, it shows us nothing, or it ended.
pub async fn watch(name: &DeviceId, config: &Path) -> Result<(), Failure> {
    let state = Settings::state_directory(config)?;
    let stream = socket::connect(watch::NAME, &state).map_err(|error| {
        let (code, mend) = if error.kind() == ErrorKind::PermissionDenied {
            (EX_NOPERM, "readings are health data: run the command as root, such as by sudo")
        } else {
            (EX_UNAVAILABLE, "is varde running? `systemctl status varde` says")
        };
        Failure::new(code, format!("no gateway answers in {}: {error}; {mend}", state.display()))
    })?;
    stream.set_nonblocking(true).map_err(Failure::io)?;
    let stream = UnixStream::from_std(stream).map_err(Failure::io)?;
    tokio::select! {
        ended = show(stream, name) => ended,
        // Watching has no other end.
        _ = interrupted() => Ok(()),
    }
}

async fn show(mut stream: UnixStream, name: &DeviceId) -> Result<(), Failure> {
    let lost = |error| Failure::new(EX_IOERR, format!("the gateway cannot be heard any more: {error}"));
    stream.write_all(format!("{name}\n").as_bytes()).await.map_err(lost)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.map_err(lost)? {
        let heard: Json = serde_json::from_str(&line).unwrap_or_default();
        if let Some(why) = heard["refused"].as_str() {
            return Err(Failure::new(EX_NOPERM, why));
        }
        say(line_of(&heard));
    }
    Err(Failure::new(EX_UNAVAILABLE, "the gateway has stopped: `systemctl status varde` says why"))
}

/// A line for a technician: time, metric, value, unit, flags, and the device's own time and user where it says them.
fn line_of(heard: &Json) -> String {
    if let Some(name) = heard["watching"].as_str() {
        return format!("watching {name}; Ctrl-C ends it");
    }
    if let Some(lost) = heard["lost"].as_u64() {
        return format!(
            "({lost} observations came too fast and are not shown; none of them is lost to the hub)"
        );
    }
    let text = |key: &str| heard[key].as_str().unwrap_or_default();
    let mut line = format!("{}  {}  {} {}", text("at"), text("metric"), text("value"), text("unit"))
        .trim_end()
        .to_owned();
    if let Some(user) = heard["user"].as_u64() {
        line += &format!("  user {user}");
    }
    if let Some(time) = heard["time"].as_str() {
        line += &format!("  at {time} by its own clock");
    }
    for flag in heard["flags"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        line += &format!("  [{flag}]");
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reading_is_one_line_with_its_unit_its_flags_and_the_devices_own_time() {
        let heard = json!({
            "at": "2026-03-09T07:01:31Z", "metric": "MDC_PRESS_BLD_NONINV_SYS", "code": 150_021, "value": "121",
            "unit": "mm[Hg]", "time": "2026-03-09T07:01:30", "user": 2, "flags": ["questionable"]
        });
        assert_eq!(
            line_of(&heard),
            "2026-03-09T07:01:31Z  MDC_PRESS_BLD_NONINV_SYS  121 mm[Hg]  user 2  at 2026-03-09T07:01:30 by its own clock  [questionable]"
        );
        let event = json!({ "at": "T", "metric": "MDC_ATTR_ALERT", "value": "pressed", "flags": [] });
        assert_eq!(line_of(&event), "T  MDC_ATTR_ALERT  pressed");
        assert!(line_of(&json!({ "lost": 3 })).starts_with("(3 observations"));
    }
}
