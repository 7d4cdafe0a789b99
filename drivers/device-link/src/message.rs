//! Messages: a byte that says who speaks and in which version, then postcard.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Answered, Event, Frame, FrameFault, Identity, MAX_BODY, PlanCopy, Request, State, encode_frame};

/// The version that this crate speaks; it knows no other.
pub const VERSION: u8 = 1;

/// Set in the first byte of everything that a device says.
const FROM_DEVICE: u8 = 0x80;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The gateway.
    ToDevice,
    /// The device.
    ToGateway,
}

/// One body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Version 0, which never changes: what both ends must understand before they agree on a version.
    Greeting(Direction, Greeting),
    /// From the gateway, within a session.
    ToDevice(u32, ToDevice),
    /// From the device, within a session.
    ToGateway(u32, ToGateway),
}

/// What is said before a session. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Greeting {
    /// From the gateway: the versions that it speaks.
    Hello {
        /// The lowest.
        lowest: u8,
        /// The highest.
        highest: u8,
        /// Comes back in the answer, so that no other greeting's is taken for it.
        nonce: u32,
    },
    /// From the device: who it is; a session begins.
    Identity(Identity),
    /// From the device: it speaks none of those versions.
    Incompatible {
        /// The lowest that it speaks.
        lowest: u8,
        /// The highest.
        highest: u8,
    },
    /// From the device: it is in no session, and wants to be greeted.
    Ungreeted,
}

/// What a gateway says within a session. On the line its place in this list: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "there is no allocator to put the larger one behind")]
pub enum ToDevice {
    /// It lives.
    Alive,
    /// Every event up to this number is kept for good: the device may forget them.
    Acknowledge {
        /// The last of them.
        through: u32,
    },
    /// It asks for something to be done, once.
    Request {
        /// The request's number, above every earlier one.
        number: u32,
        /// What.
        request: Request,
    },
    /// It wants to see a part of the plan that runs.
    ReadPlan {
        /// Which part, from 0.
        part: u8,
    },
}

/// What a device says within a session. On the line its place in this list: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGateway {
    /// How it is.
    State(State),
    /// Something happened.
    Event {
        /// The number of the oldest event that the device still keeps: older ones were acknowledged, or given up
        /// because its memory was full.
        first: u32,
        /// The event.
        event: Event,
    },
    /// What became of a request.
    Answer(Answered),
    /// A part of the plan that runs; none where no plan runs.
    Plan(Option<PlanCopy>),
}

/// Why a body is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFault {
    /// A version that is not spoken here.
    Version {
        /// The one in the body.
        got: u8,
    },
    /// The bytes behind the first are no message, or have bytes behind one.
    Message,
}

impl core::fmt::Display for PacketFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Version { got } => write!(f, "version {got} of the device link; expected {VERSION}"),
            Self::Message => f.write_str("no message of the device link's version"),
        }
    }
}

impl core::error::Error for PacketFault {}

/// Why bytes on the line could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbled {
    /// They are no frame.
    Frame(FrameFault),
    /// The frame's body is no message.
    Packet(PacketFault),
}

impl core::fmt::Display for Garbled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Frame(fault) => fault.fmt(f),
            Self::Packet(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for Garbled {}

impl Packet {
    /// The message in what a [`Deframer`](crate::Deframer) found.
    ///
    /// # Errors
    /// Where that is no frame, or no message.
    pub fn read(body: Result<&[u8], FrameFault>) -> Result<Self, Garbled> {
        Self::decode(body.map_err(Garbled::Frame)?).map_err(Garbled::Packet)
    }

    /// The message in a frame's body.
    ///
    /// # Errors
    /// Where it is of another version, or is no message.
    pub fn decode(body: &[u8]) -> Result<Self, PacketFault> {
        let (first, rest) = body.split_first().ok_or(PacketFault::Message)?;
        let direction = if first & FROM_DEVICE == 0 { Direction::ToDevice } else { Direction::ToGateway };
        match (first & !FROM_DEVICE, direction) {
            (0, _) => Ok(Self::Greeting(direction, whole(rest)?)),
            (VERSION, Direction::ToDevice) => {
                whole(rest).map(|(session, message)| Self::ToDevice(session, message))
            }
            (VERSION, Direction::ToGateway) => {
                whole(rest).map(|(session, message)| Self::ToGateway(session, message))
            }
            (got, _) => Err(PacketFault::Version { got }),
        }
    }

    /// The whole frame; none where a message is too long, which none that this crate can build is.
    pub fn frame(&self) -> Option<Frame> {
        let mut body = [0; MAX_BODY];
        let (first, rest) = body.split_first_mut()?;
        let length = match self {
            Self::Greeting(direction, greeting) => {
                *first = bit(*direction);
                postcard::to_slice(greeting, rest)
            }
            Self::ToDevice(session, message) => {
                *first = VERSION;
                postcard::to_slice(&(session, message), rest)
            }
            Self::ToGateway(session, message) => {
                *first = FROM_DEVICE | VERSION;
                postcard::to_slice(&(session, message), rest)
            }
        }
        .ok()?
        .len();
        encode_frame(body.get(..length.saturating_add(1))?)
    }
}

const fn bit(direction: Direction) -> u8 {
    match direction {
        Direction::ToDevice => 0,
        Direction::ToGateway => FROM_DEVICE,
    }
}

fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PacketFault> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(PacketFault::Message),
    }
}
