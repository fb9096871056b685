//! Splitting a body into lines.

use memchr::{memchr, memchr3};

/// A line of a body: not blank and not a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// Number of its first physical line in the body, from 1.
    pub number: usize,
    /// The line without leading blanks and without its line end. Strings in it may contain newlines.
    pub text: &'a str,
}

/// Iterator over the lines of a body; see [`lines`].
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

/// Splits a body into lines (contract §2). A newline inside a quoted field value or behind a backslash does not end a
/// line. Blank lines and comments are skipped, but counted.
pub fn lines(body: &str) -> Lines<'_> {
    Lines { rest: body.strip_prefix('\u{feff}').unwrap_or(body), number: 1 }
}

/// The first at most 20 bytes of a line, cut on a character boundary: what error answers show of it.
pub fn excerpt(text: &str) -> &str {
    const LONGEST: usize = 20;
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text)
}

impl<'a> Iterator for Lines<'a> {
    type Item = RawLine<'a>;

    fn next(&mut self) -> Option<RawLine<'a>> {
        self.skip_blanks();
        while self.rest.starts_with('#') {
            let end = memchr(b'\n', self.rest.as_bytes()).unwrap_or(self.rest.len());
            self.take(end);
            self.skip_blanks();
        }
        if self.rest.is_empty() {
            return None;
        }
        let LineEnd { length, inner_newlines } = line_end(self.rest.as_bytes());
        let number = self.number;
        let text = self.take(length);
        self.number += inner_newlines;
        // The newline itself is left for the next call, which skips and counts it.
        let text = if self.rest.is_empty() { text } else { text.strip_suffix('\r').unwrap_or(text) };
        Some(RawLine { number, text })
    }
}

impl<'a> Lines<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Skips spaces, tabs and line ends, counting the lines.
    fn skip_blanks(&mut self) {
        let bytes = self.rest.as_bytes();
        let mut length = 0;
        loop {
            match (bytes.get(length), bytes.get(length + 1)) {
                (Some(b' ' | b'\t'), _) => {}
                (Some(b'\n'), _) => self.number += 1,
                (Some(b'\r'), Some(b'\n')) => {}
                _ => break,
            }
            length += 1;
        }
        self.take(length);
    }
}

/// Where a line ends.
struct LineEnd {
    /// Length of the line without its newline.
    length: usize,
    /// How many newlines are inside it.
    inner_newlines: usize,
}

fn line_end(bytes: &[u8]) -> LineEnd {
    // Only a backslash or a quote can hide a newline.
    match memchr3(b'\n', b'\\', b'"', bytes) {
        Some(found) if bytes.get(found) != Some(&b'\n') => line_end_behind_escapes_and_quotes(bytes),
        found => LineEnd { length: found.unwrap_or(bytes.len()), inner_newlines: 0 },
    }
}

fn line_end_behind_escapes_and_quotes(bytes: &[u8]) -> LineEnd {
    let (mut in_fields, mut in_quotes) = (false, false);
    let (mut equals, mut commas) = (0_usize, 0_usize);
    let (mut length, mut inner_newlines) = (0, 0);
    while let Some(byte) = bytes.get(length) {
        match byte {
            b'\\' => {
                inner_newlines += usize::from(bytes.get(length + 1) == Some(&b'\n'));
                length += 1;
            }
            b' ' => in_fields = true,
            b'=' if in_fields && !in_quotes => equals += 1,
            b',' if in_fields && !in_quotes => commas += 1,
            // A quote opens a string only where a value is expected.
            b'"' if in_fields && equals > commas => in_quotes = !in_quotes,
            b'\n' if in_quotes => inner_newlines += 1,
            b'\n' => return LineEnd { length, inner_newlines },
            _ => {}
        }
        length += 1;
    }
    LineEnd { length: bytes.len(), inner_newlines }
}
