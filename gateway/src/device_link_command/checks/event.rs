//! Events, and their acknowledgement.

use std::time::Duration;

use varde_device_link::{Answer, Capabilities, Event, Packet, RETRY_MS, Request, ToDevice, ToGateway};
use varde_link::Link;

use super::super::bench::{Bench, Failed, PROMPT, expect};

/// How long an event may take after the dispenser was told to dispense.
const MECHANICS: Duration = Duration::from_secs(30);

/// How long is waited for what should not come any more.
const SILENCE: Duration = Duration::from_millis(3 * RETRY_MS);

/// Makes the device have an event, and gives the oldest that it tells.
pub(super) async fn provoke<L: Link>(bench: &mut Bench<L>) -> Result<Event, Failed> {
    if !bench.has(Capabilities::DISPENSE) {
        return Err(Failed::Skipped("can dispense, and no other event can be had without hands"));
    }
    let answer = bench.ask(Request::Dispense { compartment: None }).await?;
    expect("the answer Done to Dispense: is it filled?", answer == Answer::Done, &answer)?;
    bench.event("the event of what was dispensed", MECHANICS, |_| true).await
}

/// Acknowledges whatever the device tells, until it tells nothing more.
pub(super) async fn acknowledge_all<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    loop {
        let told = bench.hear(PROMPT * 2, number).await?;
        let Some(through) = told.into_iter().max() else { return Ok(()) };
        bench.say(ToDevice::Acknowledge { through }).await?;
    }
}

fn number(packet: &Packet) -> Option<u32> {
    let Packet::ToGateway(_, ToGateway::Event { event, .. }) = packet else { return None };
    Some(event.number)
}

pub(super) async fn retransmission<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    acknowledge_all(bench).await?;
    let event = provoke(bench).await?;
    for _ in 0..2 {
        let expected = format!("event {} again within {SILENCE:?}", event.number);
        let again = bench.event(&expected, SILENCE, |again| again.number == event.number).await?;
        expect("the same event under the same number", again == event, &again)?;
    }
    bench.say(ToDevice::Acknowledge { through: event.number }).await?;
    // What was on its way does not count.
    bench.hear(PROMPT / 2, number).await?;
    let told = bench.hear(SILENCE, number).await?;
    let is_over = !told.contains(&event.number);
    expect(&format!("event {} no more once it is acknowledged", event.number), is_over, &told)?;
    bench.greet().await?;
    let told = bench.hear(SILENCE, number).await?;
    expect(
        &format!("only events behind {} after a greeting", event.number),
        told.iter().all(|one| *one > event.number),
        &told,
    )?;
    acknowledge_all(bench).await
}

pub(super) async fn after_greeting<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    acknowledge_all(bench).await?;
    let event = provoke(bench).await?;
    bench.greet().await?;
    let expected = format!("event {} in the new session", event.number);
    let again = bench.event(&expected, SILENCE, |_| true).await?;
    expect(&expected, again == event, &again)?;
    acknowledge_all(bench).await
}

pub(super) async fn wrong_acknowledgement<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    acknowledge_all(bench).await?;
    let event = provoke(bench).await?;
    bench.say(ToDevice::Acknowledge { through: event.number.saturating_add(1000) }).await?;
    let expected = format!("event {} again, since nobody acknowledged it", event.number);
    bench.event(&expected, SILENCE, |again| again.number == event.number).await?;
    acknowledge_all(bench).await
}
