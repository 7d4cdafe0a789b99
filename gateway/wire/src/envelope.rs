//! postcard behind an outer version, with the care that postcard leaves to its caller: a size cap before
//! anything is decoded, and no byte left over after it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The outer version of everything that is encoded. A new version is a new variant; old ones stay frozen.
#[derive(Serialize, Deserialize)]
pub(crate) enum Versioned<T> {
    /// Version 1.
    V1(T),
}

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// More bytes than this kind of message may have.
    #[error("too long: {got} bytes, at most {most} allowed")]
    TooLong {
        /// The length found.
        got: usize,
        /// The most allowed.
        most: usize,
    },
    /// Not the message's shape.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The message ended, the bytes did not.
    #[error("{0} bytes left over after the message's end")]
    LeftOver(usize),
    /// The shape is right but the content breaks a rule.
    #[error("invalid: {0}")]
    Invalid(&'static str),
}

pub(crate) fn encode<T: Serialize>(message: &T, most: usize) -> Result<Vec<u8>, DecodeError> {
    let bytes = postcard::to_stdvec(message).map_err(|e| DecodeError::Malformed(e.to_string()))?;
    if bytes.len() > most {
        return Err(DecodeError::TooLong { got: bytes.len(), most });
    }
    Ok(bytes)
}

pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8], most: usize) -> Result<T, DecodeError> {
    if bytes.len() > most {
        return Err(DecodeError::TooLong { got: bytes.len(), most });
    }
    let (message, rest) =
        postcard::take_from_bytes(bytes).map_err(|e| DecodeError::Malformed(e.to_string()))?;
    if rest.is_empty() { Ok(message) } else { Err(DecodeError::LeftOver(rest.len())) }
}
