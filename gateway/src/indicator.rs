//! What the person at home sees and hears of their alarm: heard here, received, seen by a person, not getting through.
//!
//! On the device that raised it, where that can show anything; on a light of the box; by a command that makes a sound.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use varde_core::alarm::{Feedback, Source};
use varde_wire::{DeviceId, Indication, Instant};

use crate::board::{Board, Fault};
use crate::clock;
use crate::commands::mailbox::Mailbox;
use crate::config::Indicator;
use crate::guarding::Shown;

/// How long a sound may last.
const SOUND: Duration = Duration::from_secs(30);

/// Devices that can show how their alarms stand, and where they are reached.
pub type Panels = HashMap<DeviceId, Arc<Mailbox>>;

/// Shows what is to be shown until nobody tells any more.
pub async fn serve(
    mut shown: watch::Receiver<Shown>,
    indicator: Indicator,
    panels: Panels,
    board: Arc<Board>,
) {
    // What a panel showed in an earlier life is not known.
    let mut on_panels: HashMap<DeviceId, Option<Indication>> =
        panels.keys().map(|device| (device.clone(), None)).collect();
    let mut on_box = None;
    let mut sound = None;
    loop {
        let now = shown.borrow_and_update().clone();
        for (device, mailbox) in &panels {
            let indication = indication(now.get(&Source::Device(device.clone())).copied());
            if on_panels.insert(device.clone(), Some(indication)).flatten() != Some(indication) {
                mailbox.show(device, indication);
            }
        }
        let most_pressing = indication(now.values().max().copied());
        let before = on_box.replace(most_pressing);
        if before != Some(most_pressing) {
            if let Some(light) = &indicator.light {
                match show_on(light, most_pressing) {
                    Ok(()) => board.well(&Fault::Indicator),
                    Err(error) => board.fault(Fault::Indicator, unlit(light, &error)),
                }
            }
            // Silence needs no sound.
            if before.is_some() || most_pressing != Indication::Off {
                // The one before is ended with it.
                sound = indicator.sound.as_deref().and_then(|command| play(command, most_pressing, &board));
            }
        }
        tokio::select! {
            changed = shown.changed() => if changed.is_err() { return },
            () = finished(&mut sound) => sound = None,
        }
    }
}

fn indication(feedback: Option<Feedback>) -> Indication {
    match feedback {
        None => Indication::Off,
        Some(Feedback::Heard) => Indication::HeardHere,
        Some(Feedback::Received) => Indication::Received,
        Some(Feedback::Seen) => Indication::Seen,
        Some(Feedback::NotGettingThrough) => Indication::NotGettingThrough,
    }
}

/// A light of Linux's LED class: lit where help knows, blinking while it does not, fast where it does not get through.
fn show_on(light: &Path, indication: Indication) -> std::io::Result<()> {
    let blink = |on_ms: u32, off_ms: u32| {
        std::fs::write(light.join("trigger"), "timer")?;
        std::fs::write(light.join("delay_on"), on_ms.to_string())?;
        std::fs::write(light.join("delay_off"), off_ms.to_string())
    };
    let steady = |brightness: &str| {
        std::fs::write(light.join("trigger"), "none")?;
        std::fs::write(light.join("brightness"), brightness)
    };
    match indication {
        Indication::HeardHere => blink(500, 500),
        Indication::NotGettingThrough => blink(100, 100),
        Indication::Received => steady("1"),
        Indication::Seen => blink(2000, 200),
        Indication::Off => steady("0"),
    }
}

fn unlit(light: &Path, error: &std::io::Error) -> String {
    let light = light.display();
    format!(
        "the light {light} cannot be set: {error}; is it the right folder, may the gateway's user write in it, and does the \
         service see /sys (ProtectKernelTunables=no in a drop-in of varde.service)?"
    )
}

/// A sound on its way; ended where it is dropped.
struct Sound {
    child: tokio::process::Child,
    until: Instant,
}

fn play(command: &[String], indication: Indication, board: &Board) -> Option<Sound> {
    let (program, arguments) = command.split_first()?;
    let mut playing = Command::new(PathBuf::from(program));
    playing.args(arguments).arg(indication.name()).kill_on_drop(true);
    playing.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match playing.spawn() {
        Ok(child) => {
            board.well(&Fault::Sound);
            Some(Sound { child, until: clock::now().after(SOUND) })
        }
        Err(error) => {
            board.fault(Fault::Sound, format!("{program} makes no sound: {error}"));
            None
        }
    }
}

async fn finished(sound: &mut Option<Sound>) {
    match sound {
        // How it ended matters to nobody: the light tells the same.
        Some(Sound { child, until }) => {
            drop(tokio::time::timeout(until.since(clock::now()), child.wait()).await);
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;

    use super::*;

    fn device() -> Source {
        Source::Device("pendant-1".parse().unwrap())
    }

    #[tokio::test]
    async fn the_light_the_sound_and_the_panel_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let script = format!("echo \"$1\" >> {}", said.display());
        let sound = ["/bin/sh", "-c", &script, "sound"].map(str::to_owned).to_vec();
        let indicator = Indicator { light: Some(folder.path().to_owned()), sound: Some(sound) };
        let mailbox = Arc::new(Mailbox::new(tokio::sync::mpsc::channel(1).0));
        let panels = Panels::from([("pendant-1".parse().unwrap(), Arc::clone(&mailbox))]);
        let (tell, shown) = watch::channel(Shown::new());
        let board = Arc::new(Board::new([]));
        let serving = tokio::spawn(serve(shown, indicator, panels, Arc::clone(&board)));
        for (feedback, word, trigger) in [
            (None, None, "none"),
            (Some(Feedback::Heard), Some("heard-here"), "timer"),
            (Some(Feedback::NotGettingThrough), Some("not-getting-through"), "timer"),
            (Some(Feedback::Received), Some("received"), "none"),
            (None, Some("off"), "none"),
        ] {
            tell.send_replace(feedback.map(|feedback| (device(), feedback)).into_iter().collect());
            let order = mailbox.next().await;
            assert_eq!(order.action, varde_wire::Action::Indicate(indication(feedback)));
            if let Some(word) = word {
                while !read_to_string(&said).unwrap_or_default().ends_with(&format!("{word}\n")) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            assert_eq!(read_to_string(folder.path().join("trigger")).unwrap(), trigger);
        }
        assert!(!board.stands(&Fault::Indicator) && !board.stands(&Fault::Sound));
        drop(tell);
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn a_light_that_cannot_be_set_is_told_and_stops_nothing() {
        let indicator =
            Indicator { light: Some("/nonexistent/led".into()), sound: Some(vec!["/nonexistent".into()]) };
        let (tell, shown) = watch::channel(Shown::from([(device(), Feedback::Heard)]));
        let board = Arc::new(Board::new([]));
        let serving = tokio::spawn(serve(shown, indicator, Panels::new(), Arc::clone(&board)));
        while !(board.stands(&Fault::Indicator) && board.stands(&Fault::Sound)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(tell);
        serving.await.unwrap();
    }
}
