//! A position in a line.

use crate::error::{LineError, LineErrorKind};

/// What is still to be read of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
    line_length: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: &'a str) -> Self {
        Self { rest: line, line_length: line.len() }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Takes the next `length` bytes. `length` is where an ASCII byte was found or the end, hence a boundary.
    pub(crate) fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Takes bytes up to the first that is not accepted. `accept` must refuse either all of the bytes above 127 or
    /// none of them.
    pub(crate) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let bytes = self.rest.as_bytes();
        let length = bytes.iter().position(|&byte| !accept(byte)).unwrap_or(bytes.len());
        self.take(length)
    }

    /// Takes the given ASCII byte if it is next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.take(1);
        }
        found
    }

    pub(crate) fn error(&self, kind: LineErrorKind) -> LineError {
        LineError::new(self.line_length - self.rest.len(), kind)
    }
}
