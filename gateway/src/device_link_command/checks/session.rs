//! Greeting, frames, clock and requests.

use std::time::Duration;

use varde_device_link::{
    Answer, Capabilities, ClockSetting, DeviceTime, Direction, Greeting, HEARTBEAT_MS, Indicator,
    MessageText, Packet, Refusal, Request, ToDevice, ToGateway, VERSION, What, Zone,
};
use varde_link::Link;

use super::super::bench::{Bench, Failed, PROMPT, expect};
use crate::clock::wall;

pub(super) async fn greeting<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    let first = bench.greet().await?;
    let second = bench.greet().await?;
    expect("version 1", first.version == VERSION, &first.version)?;
    expect("another session after another greeting", first.session != second.session, &second.session)?;
    let about = &second.about;
    let is_named =
        ![&about.maker, &about.model, &about.serial, &about.firmware].iter().any(|word| word.is_empty());
    expect("maker, model, serial number and firmware", is_named, about)
}

pub(super) async fn versions<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.hello(100, 101).await?;
    bench
        .wait("Incompatible, with the versions it speaks", PROMPT, |packet| {
            let is_it =
                matches!(packet, Packet::Greeting(Direction::ToGateway, Greeting::Incompatible { .. }));
            is_it.then_some(())
        })
        .await
}

pub(super) async fn heartbeat<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    bench.message("a State within a second of the greeting", PROMPT, state).await?;
    let limit = Duration::from_millis(HEARTBEAT_MS) + PROMPT;
    bench.message("a State every ten seconds", limit, state).await
}

fn state(message: &ToGateway) -> Option<()> {
    matches!(message, ToGateway::State(_)).then_some(())
}

pub(super) async fn foreign_session<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let number = bench.next_number();
    let message = ToDevice::Request { number, request: Request::Identify };
    let foreign = Packet::ToDevice(bench.session().wrapping_add(77), message);
    if let Some(frame) = foreign.frame() {
        bench.put(&frame).await?;
    }
    no_answer(bench, number, "no Answer to a request of another session").await
}

pub(super) async fn noise<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let whole = Packet::ToDevice(bench.session(), ToDevice::Alive).frame().unwrap_or_default();
    let half = whole.get(..whole.len() / 2).unwrap_or_default().to_vec();
    let every_byte: Vec<u8> = (0..=255).collect();
    for noise in [vec![0x55; 300], half, every_byte, vec![0xFF; 4000], vec![0; 600]] {
        bench.put(&noise).await?;
        bench.greet().await?;
    }
    Ok(())
}

pub(super) async fn damaged<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let number = bench.next_number();
    let request = ToDevice::Request { number, request: Request::Identify };
    let mut frame = Packet::ToDevice(bench.session(), request).frame().unwrap_or_default();
    // In the middle of the checksum, and never a zero.
    let place = frame.len().saturating_sub(3);
    if let Some(byte) = frame.get_mut(place) {
        *byte = if *byte == 0xAA { 0xAB } else { 0xAA };
    }
    bench.put(&frame).await?;
    no_answer(bench, number, "no Answer to a request with a wrong checksum").await
}

async fn no_answer<L: Link>(bench: &mut Bench<L>, number: u32, expected: &str) -> Result<(), Failed> {
    let answers = bench
        .hear(PROMPT, |packet| {
            let Packet::ToGateway(_, ToGateway::Answer(answered)) = packet else { return None };
            (answered.number == number).then_some(answered.answer)
        })
        .await?;
    expect(expected, answers.is_empty(), &answers)
}

pub(super) async fn clock<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let utc_ms = u64::try_from(wall().as_unix_millis()).unwrap_or_default();
    bench.set_clock(ClockSetting { utc_ms, zone: Zone { offset_min: 60, change: None } }).await?;
    bench
        .state("a State whose clock is at most two seconds off", |state| match state.clock {
            DeviceTime::Utc(ms) => {
                ms.abs_diff(u64::try_from(wall().as_unix_millis()).unwrap_or_default()) <= 2_000
            }
            DeviceTime::SinceBoot(_) => false,
        })
        .await?;
    Ok(())
}

pub(super) async fn repeated_request<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let dispenses = bench.has(Capabilities::DISPENSE);
    let request = || if dispenses { Request::Dispense { compartment: None } } else { Request::Identify };
    let number = bench.next_number();
    let first = bench.ask_as(number, request()).await?;
    for _ in 0..3 {
        let again = bench.ask_as(number, request()).await?;
        expect(&format!("the same answer again: {first:?}"), again == first, &again)?;
    }
    // After a greeting too, as when the gateway was restarted.
    bench.greet().await?;
    let again = bench.ask_as(number, request()).await?;
    expect(&format!("the same answer in a new session: {first:?}"), again == first, &again)?;
    if !dispenses || first != Answer::Done {
        return Ok(());
    }
    let dispensed = bench
        .hear(PROMPT * 5, |packet| {
            let Packet::ToGateway(_, ToGateway::Event { event, .. }) = packet else { return None };
            let What::Dispensed { portion, .. } = event.what else { return None };
            portion.dose.is_none().then_some(event.number)
        })
        .await?;
    let mut numbers = dispensed;
    numbers.dedup();
    numbers.sort_unstable();
    numbers.dedup();
    super::event::acknowledge_all(bench).await?;
    expect("one dose dispensed for a request that came five times", numbers.len() <= 1, &numbers)
}

pub(super) async fn superseded<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let lower = bench.next_number();
    bench.ask(Request::Identify).await?;
    let answer = bench.ask_as(lower, Request::Identify).await?;
    let expected = Answer::Refused(Refusal::Superseded);
    expect(&format!("{expected:?} to a number below the last"), answer == expected, &answer)
}

pub(super) async fn requests<L: Link>(bench: &mut Bench<L>) -> Result<(), Failed> {
    bench.greet().await?;
    let text = MessageText::try_from("varde device-link test").unwrap_or_default();
    let table = [
        (Capabilities::IDENTIFY, Request::Identify),
        (Capabilities::LOCK, Request::Lock { locked: false }),
        (Capabilities::LOCK, Request::Lock { locked: true }),
        (Capabilities::MESSAGE, Request::ShowMessage { id: 1, text }),
        (Capabilities::INDICATOR, Request::Indicate(Indicator::Received)),
        (Capabilities::INDICATOR, Request::Indicate(Indicator::Off)),
    ];
    for (capability, request) in table {
        let name = format!("{request:?}");
        let answer = bench.ask(request).await?;
        if bench.has(capability) {
            expect(&format!("Done or Refused to {name}"), answer != Answer::NotSupported, &answer)?;
        } else {
            let expected = format!("NotSupported to {name}, which is not among its capabilities");
            expect(&expected, answer == Answer::NotSupported, &answer)?;
        }
    }
    Ok(())
}
