//! The device link, both ways.

use varde_device_link as link;
use varde_drivers::{
    Channel, HomeTime, Input, Order, Output, SerialDevice, SerialOptions, SerialRoster, decode_device_link,
};
use varde_wire::{Action, Instant};

use super::device;

/// What a gateway may say to a device, in pieces as long as the first byte says: an end in firmware, in the session of
/// the seeds.
pub fn device_link_to_device(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let mut memory = Forgetful { plan: None, answer: None };
    let mut end = link::DeviceEnd::new(about(), 1, link::Instant::from_millis(0));
    for (piece, ms) in stream.chunks(usize::from(*piece).max(1)).zip(1..) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = end.handle_input(rest, &mut memory, link::Instant::from_millis(ms));
            rest = rest.get(taken..).unwrap_or_default();
            while let Some(output) = end.poll_output(&memory) {
                if let link::DeviceOutput::Perform { number, .. } = output {
                    end.answer(link::Answered { number, answer: link::Answer::Done }, &mut memory);
                }
            }
        }
        end.handle_timeout(&memory, link::Instant::from_millis(ms * 1000));
        while end.poll_output(&memory).is_some() {}
    }
    let _ = decode_device_link(stream);
}

/// What a device may say to a gateway, in pieces as long as the first byte says: the session of the driver, greeted
/// with the nonce of the seeds and with an order under way.
pub fn device_link_to_gateway(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else { return };
    let device = SerialDevice { name: device(), options: SerialOptions::DeviceLink };
    let mut session = SerialRoster::new(device).session();
    let time = HomeTime { unix_s: 1_774_742_400, utc_offset_min: 60, daylight_saving_min: 0 };
    session.handle_input(Input::Time(time), Instant::from_millis(1000));
    session.handle_input(Input::Connected, Instant::from_millis(1000));
    let action = Action::Dispense { compartment: None };
    let order = Order { number: 1, device: self::device(), action, expires: None, is_repeat: false };
    let _ = session.handle_order(&order, Instant::from_millis(1000));
    for (piece, ms) in stream.chunks(usize::from(*piece).max(1)).zip(1001..) {
        let now = Instant::from_millis(ms);
        session.handle_input(Input::Chunk { channel: Channel::Serial, bytes: piece }, now);
        while let Some(output) = session.poll_output() {
            if output == Output::AwaitCommit {
                session.handle_input(Input::Committed, now);
            }
        }
        session.handle_timeout(now);
    }
    let _ = decode_device_link(stream);
}

/// A device's memory that has nothing to tell.
struct Forgetful {
    plan: Option<link::Plan>,
    answer: Option<link::Answered>,
}

impl link::Memory for Forgetful {
    fn log(&self) -> u32 {
        1
    }

    fn kept_events(&self) -> link::KeptEvents {
        link::KeptEvents { first: 1, next: 1 }
    }

    fn event(&self, _number: u32) -> Option<link::Event> {
        None
    }

    fn release_events(&mut self, _through: u32) {}

    fn last_answer(&self) -> Option<link::Answered> {
        self.answer
    }

    fn keep_answer(&mut self, answered: link::Answered) {
        self.answer = Some(answered);
    }

    fn plan(&self) -> Option<&link::Plan> {
        self.plan.as_ref()
    }

    fn keep_plan(&mut self, plan: &link::Plan) -> bool {
        self.plan = Some(plan.clone());
        true
    }
}

fn about() -> link::About {
    let words = |text: &str| link::Words::try_from(text).unwrap_or_default();
    link::About {
        maker: words("Maker"),
        model: words("D1"),
        serial: words("0001"),
        firmware: words("1.0.0"),
        capabilities: link::Capabilities::PLAN,
    }
}
