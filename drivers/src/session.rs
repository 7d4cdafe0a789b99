//! The contract between a driver and the link it speaks over.

use varde_wire::{Action, BoundedText, Cause, DeviceId, Instant, Outcome, Stage};

use crate::{ClockChange, Description, FrameError, HomeTime, Reading, Uuid};

/// The driver of one link, without any input or output of its own.
///
/// The caller tells it what happened ([`handle_input`](Self::handle_input)) and that time passed
/// ([`handle_timeout`](Self::handle_timeout)), and does what it says.
///
/// **The drain rule.** After each `handle_*` call [`poll_output`](Self::poll_output) until it gives `None`, then
/// ask [`poll_timeout`](Self::poll_timeout) anew. A caller that does so never finds more waiting than one input
/// can make.
///
/// An input that means nothing in the session's state is refused or passed over; none is an error of the caller.
pub trait Session: Send {
    /// Something came from the link. `now` never goes back.
    fn handle_input(&mut self, input: Input<'_>, now: Instant);

    /// The hub asks something of a device of this link. A session that takes it on tells by [`Output::Outcome`] how far
    /// it comes, up to one that is [final](Stage::is_final), whatever becomes of the link and the device; one that
    /// cannot do this gives the cause at once. It may come while the link is down.
    ///
    /// # Errors
    /// Where it is refused.
    fn handle_order(&mut self, _order: &Order, _now: Instant) -> Result<(), OrderRefused> {
        Err(OrderRefused { cause: Cause::NotSupported, note: "what it speaks knows no orders" })
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) named has come. Too early a call does nothing.
    fn handle_timeout(&mut self, now: Instant);

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing comes before.
    fn poll_timeout(&self) -> Option<Instant>;

    /// What to do or to pass on next, in order.
    fn poll_output(&mut self) -> Option<Output>;

    /// Gives back the last [`Output::Remember`] of an earlier life, before the first input. Bytes that make no sense
    /// any more are as good as none.
    fn recall(&mut self, _memory: &[u8]) {}

    /// Whether it would hear the gateway's clock again ([`Input::Time`]): one whose link stays up for months. To be asked
    /// whenever the link brought something.
    fn wants_time(&self) -> bool {
        false
    }

    /// When the home's local time changes next, as far as that is known; given before each [`Input::Time`].
    fn handle_clock_change(&mut self, _change: Option<ClockChange>) {}

    /// What the device has told of itself so far: make, model, firmware, features. Empty where it tells nothing.
    fn device_description(&self) -> Description {
        Description::default()
    }
}

/// What a link brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// What the gateway's clock shows now. Given before each [`Connected`](Self::Connected), and only while that
    /// clock is right.
    Time(HomeTime),
    /// The link is up: nothing is subscribed, nothing of an earlier connection is under way.
    Connected,
    /// Bytes as the device sent them: any piece of a serial stream, or one whole GATT value.
    Chunk {
        /// Where they came from.
        channel: Channel,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// What was given as a [`Output::Reading`] before the last [`Output::AwaitCommit`] is kept for good. It does not
    /// come where the disk does not work.
    Committed,
    /// The link is down.
    Disconnected,
}

/// What the hub asks of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The command's number: greater than that of every order before it, but for one that is given again.
    pub number: u64,
    /// Which device of the link.
    pub device: DeviceId,
    /// What it is to do.
    pub action: Action,
    /// From when on the device must not be asked for it any more: it then ends as [`Stage::Expired`], unless the device
    /// was asked before. For ever where none.
    pub expires: Option<Instant>,
    /// Whether it was given before the gateway last stopped, and nothing final came of it. Such an order is only for
    /// a device that knows the number again and does nothing twice; any other is to be refused as
    /// [`Cause::Interrupted`].
    pub is_repeat: bool,
}

impl Order {
    /// Whether it is too late to ask the device for it.
    pub fn is_late(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// How far it came, with a word for technicians, without personal data.
    pub fn outcome(&self, stage: Stage, note: &str) -> Outcome {
        Outcome { number: self.number, device: self.device.clone(), stage, note: BoundedText::cut(note) }
    }
}

/// Why an order is not taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRefused {
    /// In the hub's words.
    pub cause: Cause,
    /// For technicians; empty where the cause says it all.
    pub note: &'static str,
}

impl From<Cause> for OrderRefused {
    fn from(cause: Cause) -> Self {
        Self { cause, note: "" }
    }
}

/// Where on a link bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The serial line.
    Serial,
    /// A notification or indication of this characteristic.
    Notified(Uuid),
    /// The answer to a [`Request::Read`] of this characteristic.
    Read(Uuid),
    /// Service data of this service in an advertisement.
    ServiceData(Uuid),
    /// Manufacturer data of this company in an advertisement, by the number that Bluetooth SIG gave it.
    ManufacturerData(u16),
    /// The strength of the signal that brought the advertisement whose data follows: one byte, dBm in two's
    /// complement.
    Rssi,
}

/// What a session wants done or known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the device for something.
    Request(Request),
    /// A device measured or reported.
    Reading(Reading),
    /// How far an order came.
    Outcome(Outcome),
    /// Tell by [`Input::Committed`] when every reading so far is kept for good.
    AwaitCommit,
    /// Keep these bytes over restarts, for [`Session::recall`]; they replace what was kept before. They are kept in the
    /// same moment as the reading that was given right before them, and never without any reading given earlier, so they
    /// may speak of all those as kept. They may tell of a person: whoever keeps them seals them.
    Remember(Vec<u8>),
    /// A sign of life that carries no reading.
    Heard(DeviceId),
    /// Bytes that could not be read; to be counted.
    Refused(Refused),
    /// A device for which somebody was needed ([`Problem::needs_somebody`](crate::Problem::needs_somebody)) needs nobody
    /// any more.
    Well(DeviceId),
    /// A well-formed telegram of a sender that is not in the roster; to be counted. The sender's id, as the
    /// configuration would write it.
    UnknownSender(String),
}

/// What a session asks the link to do. One may fail, such as for a characteristic that the device does not have:
/// the caller reports that, the session does not wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Take notifications or indications of a characteristic.
    Subscribe(Uuid),
    /// Read a characteristic; the answer comes as [`Channel::Read`].
    Read(Uuid),
    /// Write a characteristic.
    Write {
        /// Which.
        characteristic: Uuid,
        /// What.
        bytes: Vec<u8>,
    },
    /// Send bytes on the serial line.
    Send(Vec<u8>),
    /// End the connection.
    Disconnect,
}

/// Bytes that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Whose they were, where that is known.
    pub device: Option<DeviceId>,
    /// Why.
    pub error: FrameError,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session of a device that only speaks.
    struct Deaf;

    impl Session for Deaf {
        fn handle_input(&mut self, _: Input<'_>, _: Instant) {}
        fn handle_timeout(&mut self, _: Instant) {}
        fn poll_timeout(&self) -> Option<Instant> {
            None
        }
        fn poll_output(&mut self) -> Option<Output> {
            None
        }
    }

    #[test]
    fn a_session_that_says_nothing_of_orders_refuses_them() {
        let device: DeviceId = "lamp-1".parse().unwrap();
        let action = Action::Identify;
        let order = Order { number: 7, device: device.clone(), action, expires: None, is_repeat: false };
        let refused = Deaf.handle_order(&order, Instant::default()).unwrap_err();
        assert_eq!(refused.cause, Cause::NotSupported);
        let outcome = order.outcome(Stage::Done, &"é".repeat(600));
        assert_eq!((outcome.number, outcome.device, outcome.note.as_str().len()), (7, device, 1024));
    }
}
