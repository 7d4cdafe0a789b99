//! Reading fields one after another, each named where it is missing.

use varde_wire::{Absence, Decimal};

use crate::{FrameError, Problem, float};

/// A place in bytes.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::at(0, bytes)
    }

    /// Bytes that begin at `offset` of something larger.
    pub(crate) const fn at(offset: usize, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset }
    }

    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Everything that is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| {
            self.error(field, Problem::Truncated { expected: length, got: self.rest.len() })
        })?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(length);
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FrameError> {
        let taken = self.take(N, field)?;
        // `take` gave N bytes: the default is never used.
        Ok(taken.first_chunk().copied().unwrap_or([0; N]))
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, FrameError> {
        self.array(field).map(|[byte]| byte)
    }

    pub(crate) fn u16_le(&mut self, field: &'static str) -> Result<u16, FrameError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u32_le(&mut self, field: &'static str) -> Result<u32, FrameError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(crate) fn sfloat(&mut self, field: &'static str) -> Result<Result<Decimal, Absence>, FrameError> {
        self.array(field).map(float::sfloat)
    }

    pub(crate) fn float(&mut self, field: &'static str) -> Result<Result<Decimal, Absence>, FrameError> {
        self.array(field).map(float::float)
    }

    /// An error about the field that begins here.
    pub(crate) const fn error(&self, field: &'static str, problem: Problem) -> FrameError {
        FrameError { field, offset: self.offset, problem }
    }
}
