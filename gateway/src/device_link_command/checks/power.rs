//! Losses of power, for which somebody has to pull the plug.

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use varde_device_link::{Answer, Direction, Greeting, Packet, Request};
use varde_link::Link;

use super::super::bench::{Bench, Failed, expect};
use super::event::{acknowledge_all, provoke};
use super::plan::{another_plan, begin_half, run_a_plan, still_runs};

/// How long a device may take to start.
const START: Duration = Duration::from_mins(1);

/// What was under way is told again so soon.
const AGAIN: Duration = Duration::from_secs(10);

pub(super) async fn keeps<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let plan = run_a_plan(bench).await?;
    acknowledge_all(bench).await?;
    let before = bench.greet().await?;
    let event = provoke(bench).await?;
    let number = bench.next_number();
    let request = || Request::Dispense { compartment: None };
    let answer = bench.ask_as(number, request()).await?;
    lose_power(bench).await?;
    let after = bench.greet().await?;
    expect("another session than before", after.session != before.session, &after.session)?;
    expect("the same log of events", after.log == before.log, &after.log)?;
    expect("the number of the last request", after.requests_through == number, &after.requests_through)?;
    let expected = format!("event {} again", event.number);
    let again = bench.event(&expected, AGAIN, |_| true).await?;
    expect(&expected, again == event, &again)?;
    let repeated = bench.ask_as(number, request()).await?;
    expect(&format!("the answer from before: {answer:?}"), repeated == answer, &repeated)?;
    still_runs(bench, &plan).await?;
    acknowledge_all(bench).await
}

pub(super) async fn half_plan<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let old = run_a_plan(bench).await?;
    let new = another_plan(bench, 600)?;
    begin_half(bench, &new).await?;
    lose_power(bench).await?;
    bench.greet().await?;
    let commit = Request::CommitPlan { version: new.version(), digest: new.digest() };
    let answer = bench.ask(commit).await?;
    expect("a commit of half a plan to be refused", matches!(answer, Answer::Refused(_)), &answer)?;
    still_runs(bench, &old).await
}

/// Asks for it, and waits until the device is there again.
async fn lose_power<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let mut out = std::io::stdout();
    let asked = "\n    now cut the power of the device, give it back, and press Enter: ";
    // A reader that went away is no error.
    let _ = out.write_all(asked.as_bytes()).and_then(|()| out.flush());
    let pressed = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| ())
    });
    // Nobody at the terminal presses nothing: the device shows by itself whether its power was cut.
    let _ = pressed.await;
    bench
        .wait("Ungreeted, of a device that was just switched on", START, |packet| {
            (*packet == Packet::Greeting(Direction::ToGateway, Greeting::Ungreeted)).then_some(())
        })
        .await
}
