//! A text of a bounded length.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text of at most `MOST` bytes of UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BoundedText<const MOST: usize>(String);

/// Why a text cannot travel. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the text is too long: {got} bytes, at most {most} allowed")]
pub struct TextTooLong {
    /// The length found, in bytes.
    pub got: usize,
    /// The most allowed.
    pub most: usize,
}

impl<const MOST: usize> BoundedText<MOST> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As much of `text` as fits, whole characters only.
    pub fn cut(text: &str) -> Self {
        let end = text.floor_char_boundary(MOST);
        Self(text.get(..end).unwrap_or_default().to_owned())
    }
}

impl<const MOST: usize> TryFrom<String> for BoundedText<MOST> {
    type Error = TextTooLong;

    fn try_from(text: String) -> Result<Self, TextTooLong> {
        if text.len() > MOST { Err(TextTooLong { got: text.len(), most: MOST }) } else { Ok(Self(text)) }
    }
}

impl<const MOST: usize> std::str::FromStr for BoundedText<MOST> {
    type Err = TextTooLong;

    fn from_str(text: &str) -> Result<Self, TextTooLong> {
        text.to_owned().try_into()
    }
}

impl<const MOST: usize> From<BoundedText<MOST>> for String {
    fn from(text: BoundedText<MOST>) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_a_long_one_is_refused() {
        assert_eq!(BoundedText::<4>::cut("målt").as_str(), "mål");
        assert_eq!(BoundedText::<2>::cut("aå").as_str(), "a");
        assert_eq!("mål".parse::<BoundedText<4>>().unwrap().as_str(), "mål");
        assert_eq!("målt".parse::<BoundedText<4>>(), Err(TextTooLong { got: 5, most: 4 }));
    }
}
