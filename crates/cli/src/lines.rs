//! Cutting line protocol into batches without cutting a line (line protocol contract §2).

use std::io::{BufRead, BufReader};

use bytes::Bytes;

use crate::io::Input;

/// Longer ones no server takes; more likely a quote is missing.
const LONGEST_LINE: usize = 10 * 1024 * 1024;

/// A batch this large takes no more lines: by default servers refuse requests above 10 MiB.
const LARGE_BATCH: usize = 8 * 1024 * 1024;

/// Some lines of the input, without comments and empty lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) lines: Bytes,
    /// Where each of these lines stands in the input, counted from 1. A line break inside a string begins a line too.
    numbers: Vec<u64>,
}

impl Batch {
    pub(crate) fn first_line(&self) -> u64 {
        self.numbers.first().copied().unwrap_or_default()
    }

    pub(crate) fn last_line(&self) -> u64 {
        self.numbers.last().copied().unwrap_or_default()
    }

    /// Where the line with this number of the batch, counted from 1, stands in the input.
    pub(crate) fn line_in_input(&self, number: u64) -> Option<u64> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.numbers.get(index).copied()
    }
}

/// Reads batches of at most `size` lines.
pub(crate) struct Batches {
    input: BufReader<Input>,
    size: u32,
    next_line: u64,
}

impl Batches {
    pub(crate) fn new(input: Input, size: u32) -> Self {
        Self { input: BufReader::new(input), size, next_line: 1 }
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Batch>> {
        let mut lines = Vec::new();
        let mut count = 0;
        let mut numbers = Vec::new();
        while count < self.size && lines.len() < LARGE_BATCH {
            let start = self.next_line;
            let Some(line) = self.line()? else { break };
            let content = line.trim_ascii();
            if content.is_empty() || content.starts_with(b"#") {
                continue;
            }
            numbers.extend((start..).take(1 + newlines(&line)));
            lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(&line));
            lines.push(b'\n');
            count += 1;
        }
        Ok((count > 0).then(|| Batch { lines: lines.into(), numbers }))
    }

    /// One line without its end; `None` at the end of the input.
    fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut scanner = Scanner::default();
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            let end = available.iter().position(|&byte| scanner.ends_line(byte));
            let taken = end.unwrap_or(available.len());
            let (content, _) = available.split_at(taken);
            let passed = newlines(content) + usize::from(end.is_some());
            line.extend_from_slice(content);
            self.input.consume(taken + usize::from(end.is_some()));
            self.next_line = self.next_line.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
            if line.len() > LONGEST_LINE {
                let message = format!("a line is longer than {LONGEST_LINE} bytes; is a quote missing?");
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
            }
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// Finds the newline that ends a line: one that is neither escaped nor inside a string value.
#[derive(Debug, Default)]
struct Scanner {
    started: bool,
    comment: bool,
    escaped: bool,
    fields: bool,
    quoted: bool,
    equals: usize,
    commas: usize,
}

impl Scanner {
    fn ends_line(&mut self, byte: u8) -> bool {
        if self.comment {
            return byte == b'\n';
        }
        if !self.started && matches!(byte, b' ' | b'\t') {
            return false;
        }
        if !self.started && byte == b'#' {
            self.comment = true;
            return false;
        }
        self.started = true;
        if self.escaped {
            self.escaped = false;
            return false;
        }
        match byte {
            b'\\' => self.escaped = true,
            b'\n' => return !self.quoted,
            b' ' if !self.fields => self.fields = true,
            b'=' if self.fields && !self.quoted => self.equals += 1,
            b',' if self.fields && !self.quoted => self.commas += 1,
            b'"' if self.fields && self.equals > self.commas => self.quoted = !self.quoted,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(text: &str, size: u32) -> Vec<(u64, String)> {
        let mut batches = Batches::new(Box::new(std::io::Cursor::new(text.to_owned().into_bytes())), size);
        let mut found = Vec::new();
        while let Some(batch) = batches.next().unwrap() {
            found.push((batch.first_line(), String::from_utf8(batch.lines.to_vec()).unwrap()));
        }
        found
    }

    fn whole(text: &str) -> String {
        batches(text, u32::MAX).into_iter().map(|(_, lines)| lines).collect()
    }

    #[test]
    fn edge_40_last_line_without_newline_and_crlf() {
        assert_eq!(whole("a f=1 1\nb f=2 2"), "a f=1 1\nb f=2 2\n");
        assert_eq!(whole("a f=1 1\r\nb f=2 2\r\n"), "a f=1 1\nb f=2 2\n");
    }

    #[test]
    fn comments_and_empty_lines_are_left_out_but_counted() {
        let text = "# first x=\"\n\n  \t\r\na f=1\n  # more\nb f=2\nc f=3\n";
        assert_eq!(batches(text, 2), [(4, "a f=1\nb f=2\n".to_owned()), (7, "c f=3\n".to_owned())]);
    }

    #[test]
    fn newlines_inside_strings_do_not_cut() {
        let text = "a f=\"x\ny\" 1\nb f=2\n";
        assert_eq!(batches(text, 1), [(1, "a f=\"x\ny\" 1\n".to_owned()), (3, "b f=2\n".to_owned())]);
        assert_eq!(whole("a f=\"x\r\ny\"\r\n"), "a f=\"x\r\ny\"\n");
        assert_eq!(batches("a f=\"\\\"\n# no comment\" 1\nb f=1", 1).len(), 2);
    }

    #[test]
    fn numbers_of_a_batch_lead_back_to_the_input() {
        let text = "# comment\na f=\"x\ny\"\n\nb f=1\n#\nc f=\"1\n\"";
        let batch = Batches::new(Box::new(std::io::Cursor::new(text.as_bytes())), 10).next().unwrap().unwrap();
        assert_eq!(batch.lines, "a f=\"x\ny\"\nb f=1\nc f=\"1\n\"\n");
        let numbers: Vec<Option<u64>> = (0..=6).map(|number| batch.line_in_input(number)).collect();
        assert_eq!(numbers, [None, Some(2), Some(3), Some(5), Some(7), Some(8), None]);
        assert_eq!((batch.first_line(), batch.last_line()), (2, 8));
    }

    #[test]
    fn quotes_outside_of_values_hide_nothing() {
        assert_eq!(batches("a\",t=\"x f=1\nb f=1\n", 1).len(), 2);
        assert_eq!(batches("a f\"=1\nb f=1\n", 1).len(), 2);
    }

    #[test]
    fn a_missing_quote_is_found_out() {
        let text = format!("a f=\"{}", "x".repeat(LONGEST_LINE));
        let mut batches = Batches::new(Box::new(std::io::Cursor::new(text.into_bytes())), 10);
        assert_eq!(batches.next().unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_batch_of_long_lines_ends_early() {
        let line = format!("a f=\"{}\"\n", "x".repeat(LARGE_BATCH));
        assert_eq!(batches(&line.repeat(3), 10_000).len(), 3);
    }

    #[test]
    fn nothing_gives_nothing() {
        for text in ["", "\n\n", "# only\n", " \t"] {
            assert_eq!(batches(text, 10), [], "{text:?}");
        }
    }
}
