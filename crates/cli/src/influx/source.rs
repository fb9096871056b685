//! Where lines to be written come from, one after the other as line protocol.

use std::fs::File;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use tidegate_client::{Precision, v2};
use tokio::sync::mpsc;

use super::csv_lines::{BadRow, CsvLines, CsvOptions};
use super::error::{Context as _, Error};
use super::session::{Session, user_agent};
use crate::io::{Input, Log};
use crate::lines::Batches;
use crate::output::one_line;

type Result<T, E = Error> = std::result::Result<T, E>;

/// Lines with their ends, or why there are no more.
pub(crate) type Lines = mpsc::Receiver<Line>;

type Line = Result<Bytes, String>;

/// How many lines may wait to be sent.
const READ_AHEAD: usize = 4096;

const TIMEOUT: Duration = Duration::from_secs(600);

struct Options {
    format: Option<Format>,
    is_compressed: Option<bool>,
    longest_line: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    LineProtocol,
    Csv,
}

/// Something to read.
struct Part {
    input: Input,
    format: Format,
}

/// Opens all that the flags name, or else what the argument stands for, or else standard input. A thread of its own
/// reads it.
pub(crate) async fn open(session: &mut Session<'_>) -> Result<Lines> {
    let options = options(session)?;
    let mut parts = Vec::new();
    for name in session.given.texts("file") {
        let path = session.io.environment.current_dir.join(name);
        parts.push(options.part(open_file(&path)?, name));
    }
    for url in session.given.texts("url") {
        let insecure = session.given.switch("skip-verify");
        let content = v2::fetch(url, insecure, TIMEOUT, &user_agent()).await;
        let content = content.context(|| "failed to open the url".to_owned())?;
        let name = url.split('?').next().unwrap_or_default();
        parts.push(options.part(Box::new(Cursor::new(content)), name));
    }
    match session.given.arguments.first().map(String::as_str) {
        Some("-") => parts.push(options.part(session.io.take_stdin(), "")),
        Some(argument) => match argument.strip_prefix('@') {
            Some(name) => {
                let path = session.io.environment.current_dir.join(name);
                parts.push(options.part(open_file(&path)?, name));
            }
            None => parts.push(options.part(Box::new(Cursor::new(argument.to_owned())), "")),
        },
        None if parts.is_empty() => parts.push(options.part(session.io.take_stdin(), "")),
        None => {}
    }
    let (sender, lines) = mpsc::channel(READ_AHEAD);
    let reading =
        Reading { longest_line: options.longest_line, csv: csv(session)?, skipped: skipped(session)?, sender };
    tokio::task::spawn_blocking(move || reading.run(parts));
    Ok(lines)
}

fn options(session: &Session<'_>) -> Result<Options> {
    let format = match session.given.text("format") {
        None => None,
        Some("lp") => Some(Format::LineProtocol),
        Some("csv") => Some(Format::Csv),
        Some(other) => return Err(Error::Text(format!("unsupported input format {other:?}: must be lp or csv"))),
    };
    let is_compressed = match session.given.text("compression") {
        None => None,
        Some("none") => Some(false),
        Some("gzip") => Some(true),
        Some(other) => return Err(Error::Text(format!("invalid compression {other:?}: must be none or gzip"))),
    };
    if let Some(encoding) = session.given.text("encoding").filter(|text| !text.eq_ignore_ascii_case("utf-8")) {
        return Err(Error::Text(format!("encoding {encoding:?} is not supported: convert the input to UTF-8")));
    }
    let longest_line = session.given.number("max-line-length").filter(|&length| length != 0);
    Ok(Options { format, is_compressed, longest_line })
}

fn csv(session: &Session<'_>) -> Result<CsvOptions> {
    Ok(CsvOptions {
        headers: session.given.texts("header").to_vec(),
        skipped_lines: session.given.number("skipHeader").unwrap_or_default(),
        precision: precision(session)?,
    })
}

fn skipped(session: &Session<'_>) -> Result<Skipped> {
    let open = |name: &str| {
        let path = session.io.environment.current_dir.join(name);
        let failed = |reason: std::io::Error| Error::Text(format!("failed to create {}: {reason}", path.display()));
        File::create(&path).map_err(failed)
    };
    Ok(Skipped {
        is_allowed: session.given.switch("skipRowOnError"),
        shows_rows: session.given.switch("debug"),
        file: session.given.text("errors-file").map(open).transpose()?,
        log: session.io.log.clone(),
    })
}

/// The unit of timestamps.
pub(crate) fn precision(session: &Session<'_>) -> Result<Precision> {
    match session.given.text("precision").unwrap_or("ns") {
        "ns" => Ok(Precision::Nanoseconds),
        "us" => Ok(Precision::Microseconds),
        "ms" => Ok(Precision::Milliseconds),
        "s" => Ok(Precision::Seconds),
        other => Err(Error::Text(format!("invalid precision {other:?}: must be ns, us, ms or s"))),
    }
}

impl Options {
    /// What the flags leave open the name tells.
    fn part(&self, input: Input, name: &str) -> Part {
        let is_compressed = self.is_compressed.unwrap_or_else(|| name.ends_with(".gz"));
        let input: Input = if is_compressed { Box::new(MultiGzDecoder::new(input)) } else { input };
        let is_csv = name.trim_end_matches(".gz").ends_with(".csv");
        let format = self.format.unwrap_or(if is_csv { Format::Csv } else { Format::LineProtocol });
        Part { input, format }
    }
}

fn open_file(path: &Path) -> Result<Input> {
    let failed = |reason: std::io::Error| Error::Text(format!("failed to open {}: {reason}", path.display()));
    Ok(Box::new(File::open(path).map_err(failed)?))
}

/// Reads parts one after the other and hands their lines on.
struct Reading {
    longest_line: Option<u64>,
    csv: CsvOptions,
    skipped: Skipped,
    sender: mpsc::Sender<Line>,
}

/// What happens to rows of CSV that are wrong.
struct Skipped {
    is_allowed: bool,
    shows_rows: bool,
    file: Option<File>,
    log: Log,
}

impl Reading {
    fn run(mut self, parts: Vec<Part>) {
        for part in parts {
            let read = match part.format {
                Format::LineProtocol => self.read_lines(part.input),
                Format::Csv => self.read_csv(part.input),
            };
            match read {
                Ok(()) => {}
                Err(Stopped::Failed(reason)) => {
                    // Nobody may be there to hear it.
                    let _ = self.sender.blocking_send(Err(reason));
                    return;
                }
                Err(Stopped::Unwanted) => return,
            }
        }
    }

    fn read_lines(&mut self, input: Input) -> Result<(), Stopped> {
        let mut batches = Batches::new(input, 1);
        while let Some(batch) = batches.next().map_err(|error| Stopped::Failed(error.to_string()))? {
            let first_line = batch.first_line();
            self.send(batch.lines).map_err(|stopped| stopped.at(first_line))?;
        }
        Ok(())
    }

    fn read_csv(&mut self, input: Input) -> Result<(), Stopped> {
        let mut rows = CsvLines::new(input, self.csv.clone()).map_err(|error| Stopped::Failed(error.to_string()))?;
        while let Some(row) = rows.next().map_err(Stopped::Failed)? {
            match row {
                Ok(line) => self.send(line)?,
                Err(bad) => self.skipped.take(&bad)?,
            }
        }
        Ok(())
    }

    fn send(&self, line: Bytes) -> Result<(), Stopped> {
        // The end of a line does not count.
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_sub(1);
        if self.longest_line.is_some_and(|longest| length > longest) {
            return Err(Stopped::Failed(format!("a line of {length} bytes is longer than --max-line-length")));
        }
        self.sender.blocking_send(Ok(line)).map_err(|_| Stopped::Unwanted)
    }
}

/// Why reading has ended early.
enum Stopped {
    Failed(String),
    /// Nobody takes lines any more.
    Unwanted,
}

impl Stopped {
    fn at(self, line: u64) -> Self {
        match self {
            Self::Failed(reason) => Self::Failed(format!("line {line}: {reason}")),
            Self::Unwanted => Self::Unwanted,
        }
    }
}

impl Skipped {
    fn take(&mut self, bad: &BadRow) -> Result<(), Stopped> {
        if !self.is_allowed {
            return Err(Stopped::Failed(bad.reason.clone()));
        }
        let row = if self.shows_rows { format!(": {}", bad.row.trim_end()) } else { String::new() };
        self.log.raw(&format!("{}\n", one_line(&format!("skipped: {}{row}", bad.reason))));
        match &mut self.file {
            Some(file) => writeln!(file, "# error : {}", one_line(&bad.reason))
                .and_then(|()| file.write_all(bad.row.as_bytes()))
                .map_err(|error| Stopped::Failed(format!("cannot write the file of errors: {error}"))),
            None => Ok(()),
        }
    }
}
