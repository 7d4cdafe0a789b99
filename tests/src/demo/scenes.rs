//! What happens in the demonstration, in its order.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    ledger::{Tally, span},
    stage::{LIMIT, Stage},
};
use crate::sim::{SimError, blood_pressure::Reading, network::Conditions};

/// Between two things that happen, so that they can be read.
const BEAT: Duration = Duration::from_millis(2_000);
/// What a home says in a busy hour.
const BUSY: usize = 40;
/// Between two messages of it.
const HURRY: Duration = Duration::from_millis(30);
/// One way, while a receipt is to be caught on its way.
const SLOW: Duration = Duration::from_millis(1_500);

/// Plays all scenes, once or until it is dropped.
pub(super) async fn play(stage: &mut Stage<'_>, keep_going: bool) -> Result<(), SimError> {
    loop {
        ordinary_day(stage).await?;
        network_cut(stage).await?;
        power_cut(stage).await?;
        network_back(stage).await?;
        killed_in_mid_delivery(stage).await?;
        hub_away(stage).await?;
        if !keep_going {
            return Ok(());
        }
        stage.screen.line("Again, until Ctrl-C.");
    }
}

/// Mends whatever is broken, lets everything arrive and counts.
pub(super) async fn end(stage: &mut Stage<'_>) -> Result<Tally, SimError> {
    stage.screen.title("The count");
    stage.home.network.heal();
    stage.home.network.set(Conditions::default());
    stage.screen.doing("mending what is broken");
    stage.home.hub.start().await?;
    if stage.home.gateway.program().is_none() {
        stage.start_gateway().await?;
    }
    let kept = stage.settle_with_cuff();
    if kept > 0 {
        stage.screen.line(&format!(
            "{kept} reading the gateway has not fetched stays in the cuff's memory: not made, not lost."
        ));
    }
    stage.committed().await?;
    stage.drained(Instant::now()).await?;
    let incidents = stage.home.hub.incidents().await?;
    let objections = incidents.iter().filter(|incident| incident["incident"] != "chain-began").count();
    stage.screen.line(
        "Everything the gateway has committed is receipted. The hub's list is compared with what was sent.",
    );
    Ok(Tally { objections, ..stage.ledger.tally(stage.seen()) })
}

async fn ordinary_day(stage: &mut Stage<'_>) -> Result<(), SimError> {
    stage.screen.title("An ordinary day");
    for _ in 0..2 {
        let at = Instant::now();
        stage.door().await?;
        stage.screen.line(&format!("The front door {}.", stage.door_in_words()));
        stage.arrives(at).await?;
        stage.pause(BEAT).await;
    }
    reading(stage).await?;
    for _ in 0..3 {
        stage.press_and_time().await?;
        stage.pause(BEAT).await;
    }
    Ok(())
}

async fn reading(stage: &mut Stage<'_>) -> Result<(), SimError> {
    if !stage.has_cuff() {
        return decoded_reading(stage).await;
    }
    stage.look_at_hub().await?;
    stage
        .screen
        .line("Somebody measures their blood pressure; the gateway connects to the cuff and fetches it.");
    stage.screen.doing("waiting for the cuff");
    let at = Instant::now();
    let reading = stage.measure().await?;
    stage.screen.line(&format!("    the cuff has handed over {reading}"));
    stage.arrives(at).await?;
    stage.pause(BEAT).await;
    Ok(())
}

/// Without a bus there is no cuff to hear; the gateway's own decoder can still be shown at work on its bytes.
async fn decoded_reading(stage: &mut Stage<'_>) -> Result<(), SimError> {
    let taken = jiff::Zoned::now().datetime();
    let reading = Reading { systolic: 128, diastolic: 82, mean: 97, taken, pulse: 64, user: 1, status: 0 };
    let bytes: String = reading.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    stage
        .screen
        .line("No cuff can be heard here, so these bytes of one are only decoded, not sent to the hub:");
    stage.screen.line(&format!("    varde decode gatt 2A35 {bytes}"));
    let mut command = stage.home.gateway.command();
    command.args(["decode", "gatt", "2A35", &bytes]);
    let output = command.output().await.map_err(SimError::io("running varde decode"))?;
    let decoded: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    for observation in decoded["observations"].as_array().into_iter().flatten() {
        let text = |key: &str| observation[key].as_str().unwrap_or_default();
        stage.screen.line(format!("    {} {} {}", text("metric"), text("value"), text("unit")).trim_end());
    }
    stage.pause(BEAT).await;
    Ok(())
}

async fn network_cut(stage: &mut Stage<'_>) -> Result<(), SimError> {
    stage.screen.title("The network is cut");
    stage.ledger.cut();
    stage.home.network.cut();
    stage.screen.line("There is no way out of the house any more. The devices do not care:");
    stage.pause(BEAT).await;
    stage.door().await?;
    stage.screen.line(&format!("The front door {}.", stage.door_in_words()));
    stage.pause(BEAT).await;
    stage.press().await?;
    stage.screen.line("Somebody presses the alarm pendant.");
    stage.pause(BEAT).await;
    if stage.has_cuff() {
        stage.screen.doing("waiting for the cuff");
        let reading = stage.measure().await?;
        stage.screen.line(&format!("Somebody measures their blood pressure: {reading}."));
        stage.pause(BEAT).await;
    }
    for _ in 0..BUSY {
        stage.door().await?;
        sleep(HURRY).await;
    }
    stage.screen.line(&format!("The front door moves {BUSY} times."));
    stage.committed().await?;
    stage.screen.line(
        "    all of it is committed on the gateway's own disk, sealed so that only the hub can read it",
    );
    stage.tell_status().await?;
    stage.pause(BEAT).await;
    Ok(())
}

async fn power_cut(stage: &mut Stage<'_>) -> Result<(), SimError> {
    stage.screen.title("kill -9, while all that waits");
    let before = stage.waiting().await?;
    stage.kill_gateway().await?;
    stage.screen.line("The gateway was killed without a warning (kill -9).");
    if !stage.door().await? {
        stage.screen.line(&format!(
            "The front door {}. Nobody listens, so nobody can know: it is not counted as made.",
            stage.door_in_words()
        ));
    }
    stage.screen.doing("no gateway runs");
    sleep(BEAT).await;
    let took = stage.start_gateway().await?;
    stage.screen.line(&format!("It was started again and hears the stick after {}.", span(took)));
    let after = stage.tell_status().await?;
    if after >= before {
        stage.screen.line(&format!("    nothing of the {before} entries is gone"));
    }
    stage.pause(BEAT).await;
    stage.press().await?;
    stage.screen.line("Somebody presses the alarm pendant. There is still no way out of the house.");
    stage.committed().await?;
    stage.tell_status().await?;
    stage.pause(BEAT).await;
    Ok(())
}

async fn network_back(stage: &mut Stage<'_>) -> Result<(), SimError> {
    stage.screen.title("The network is back");
    stage.home.network.heal();
    let took = stage.drained(Instant::now()).await?;
    stage
        .screen
        .line(&format!("{} later the hub has everything and has said so; alarms went first.", span(took)));
    stage.tell_status().await?;
    stage.pause(BEAT).await;
    Ok(())
}

async fn killed_in_mid_delivery(stage: &mut Stage<'_>) -> Result<(), SimError> {
    stage.screen.title("kill -9 in mid-delivery");
    stage.home.network.set(Conditions { latency: SLOW, ..Conditions::default() });
    stage.screen.line(&format!("The network is slow now: {} each way.", span(SLOW)));
    let had = stage.look_at_hub().await?;
    for _ in 0..4 {
        stage.door().await?;
        sleep(HURRY).await;
    }
    stage.screen.line("The front door moves four times.");
    stage.committed().await?;
    stage.screen.doing("waiting until the hub has it and the receipt is on its way");
    let until = Instant::now() + LIMIT;
    while stage.look_at_hub().await? == had && Instant::now() < until {
        sleep(HURRY).await;
    }
    let waiting = stage.tell_status().await?;
    stage.kill_gateway().await?;
    stage.screen.line(&format!(
        "The gateway was killed (kill -9): the hub has {} of the {waiting} entries, the gateway no receipt for any.",
        stage.seen().len() - had
    ));
    stage.home.network.set(Conditions::default());
    stage.screen.doing("no gateway runs");
    sleep(BEAT).await;
    let took = stage.start_gateway().await?;
    stage.screen.line(&format!("It was started again after {} and sends the same bytes again.", span(took)));
    let took = stage.drained(Instant::now()).await?;
    stage.screen.line(&format!(
        "{} later everything is receipted. The hub knew them again: each is there once.",
        span(took)
    ));
    stage.pause(BEAT).await;
    Ok(())
}

async fn hub_away(stage: &mut Stage<'_>) -> Result<(), SimError> {
    stage.screen.title("The hub is away");
    stage.home.hub.kill().await?;
    stage.ledger.killed();
    stage.screen.line("The hub was killed (kill -9), and its broker with it.");
    stage.screen.doing("the hub is away");
    stage.pause(BEAT).await;
    stage.press().await?;
    stage.screen.line("Somebody presses the alarm pendant.");
    stage.door().await?;
    stage.screen.line(&format!("The front door {}.", stage.door_in_words()));
    stage.committed().await?;
    stage.tell_status().await?;
    stage.screen.doing("starting the hub");
    stage.home.hub.start().await?;
    let back = Instant::now();
    stage.screen.line("The hub was started again.");
    let took = stage.drained(back).await?;
    stage.screen.line(&format!("{} later it has everything.", span(took)));
    stage.pause(BEAT).await;
    stage.press_and_time().await
}
