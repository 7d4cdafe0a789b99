//! Searching a stream of bytes for frames, the same for every framing that can tell from a frame's first byte on
//! whether one begins there.
//!
//! What cannot be a frame costs one byte, and the search goes on behind it: a broken frame takes none of the next one's
//! bytes with it.

use crate::{FrameError, Problem};

/// A stream that comes in pieces. It keeps at most one frame that is not whole.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    buffer: Vec<u8>,
    /// Where the first byte of the buffer is in the stream; stands still at the end of numbers.
    offset: usize,
    /// Bytes were skipped since the last frame, and that was told.
    out_of_step: bool,
}

/// What stands at the beginning of some bytes.
pub(crate) enum Found<T> {
    /// This, so many bytes long.
    Whole(T, usize),
    /// Perhaps something: more bytes will tell.
    Begun,
    /// Nothing.
    No(FrameError),
}

impl<T> Found<T> {
    /// That nothing begins here.
    pub(crate) const fn out_of_step(field: &'static str, offset: usize) -> Self {
        Self::No(FrameError { field, offset, problem: Problem::OutOfStep })
    }

    pub(crate) fn map<U>(self, make: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Whole(found, length) => Found::Whole(make(found), length),
            Self::Begun => Found::Begun,
            Self::No(error) => Found::No(error),
        }
    }
}

impl Scanner {
    /// Takes the next piece of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether it keeps the beginning of a frame.
    pub(crate) const fn is_waiting(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The frame that has begun and not ended, where nothing more comes.
    pub(crate) fn unended(&self) -> Option<FrameError> {
        let error = FrameError { field: "packet", offset: self.offset, problem: Problem::Unended };
        self.is_waiting().then_some(error)
    }

    /// The next frame, as `find` knows it from bytes and their place in the stream; or, once for each run of skipped
    /// bytes, why there was none.
    pub(crate) fn poll<T>(
        &mut self,
        find: impl Fn(&[u8], usize) -> Found<T>,
    ) -> Option<Result<T, FrameError>> {
        while !self.buffer.is_empty() {
            match find(&self.buffer, self.offset) {
                Found::Begun => return None,
                Found::Whole(frame, length) => {
                    self.skip(length);
                    self.out_of_step = false;
                    return Some(Ok(frame));
                }
                Found::No(error) => {
                    self.skip(1);
                    if !std::mem::replace(&mut self.out_of_step, true) {
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    /// As [`poll`](Self::poll) where the line has been silent for longer than it ever is within a frame: one that is not
    /// whole, with a whole one behind it, was noise. One with nothing behind it is kept; it may be us who were slow.
    pub(crate) fn poll_in_silence<T>(
        &mut self,
        find: impl Fn(&[u8], usize) -> Found<T>,
    ) -> Option<Result<T, FrameError>> {
        if let Some(found) = self.poll(&find) {
            return Some(found);
        }
        let is_whole = |skipped: &usize| {
            let rest = self.buffer.get(*skipped..).unwrap_or_default();
            matches!(find(rest, self.offset), Found::Whole(..))
        };
        let skipped = (1..self.buffer.len()).find(is_whole)?;
        self.skip(skipped);
        self.poll(find)
    }

    fn skip(&mut self, count: usize) {
        self.buffer.drain(..count.min(self.buffer.len()));
        self.offset = self.offset.saturating_add(count);
    }
}
