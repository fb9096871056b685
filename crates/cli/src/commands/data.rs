//! `query` and `write` (influxctl contract §§14 and 15).

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ArgMatches;
use tidegate_client::Precision;

use super::{format_of, word_of};
use crate::error::{Error, Result};
use crate::globals::Globals;
use crate::io::{Input, Io, read_limited};
use crate::lines::{Batch, Batches};
use crate::output::Format;
use crate::rows::{self, TimeFormat};
use crate::session::Session;
use crate::statistics::Statistics;

const LONGEST_QUERY: u64 = 10 * 1024 * 1024;

/// What the argument of `query` and `write` stands for.
enum Source {
    Stdin,
    File(PathBuf),
    Text(Vec<u8>),
}

impl Source {
    /// `-` is standard input, an existing regular file is that file, everything else is the text itself.
    fn of(argument: &OsString, current_dir: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt;
        if argument == "-" {
            return Self::Stdin;
        }
        let path = current_dir.join(argument);
        if path.is_file() { Self::File(path) } else { Self::Text(argument.as_bytes().to_vec()) }
    }

    fn open(self, io: &mut Io) -> Result<Input> {
        Ok(match self {
            Self::Stdin => io.take_stdin(),
            Self::File(path) => match File::open(&path) {
                Ok(file) => Box::new(file),
                Err(reason) => return Err(Error::Unreadable { path, reason }),
            },
            Self::Text(text) => Box::new(std::io::Cursor::new(text)),
        })
    }
}

/// The source of this call. Standard input can be only one thing.
fn source_of(session: &Session<'_>, matches: &ArgMatches) -> Result<Source> {
    let argument = matches.get_one::<OsString>("input").cloned().unwrap_or_default();
    let source = Source::of(&argument, &session.io.environment.current_dir);
    let token_from_stdin = matches.get_one::<PathBuf>("token-file").is_some_and(|path| path == Path::new("-"));
    if token_from_stdin && matches!(source, Source::Stdin) {
        return Err(Error::Usage("standard input cannot hold both the token and the input".to_owned()));
    }
    Ok(source)
}

pub(super) async fn query(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let is_sql = word_of(matches, "language") == "sql";
    if matches.get_flag("enable-system-tables") && !is_sql {
        return Err(Error::Usage("--enable-system-tables is for SQL only".to_owned()));
    }
    if !is_sql {
        return Err(Error::Usage("InfluxQL is not supported: write the query in SQL".to_owned()));
    }
    let source = source_of(session, matches)?;
    if matches.get_flag("enable-system-tables") {
        acknowledge_system_tables(session, &source).await?;
    }
    let statement = statement(session, source).await?;
    let target = session.data(matches, session.globals.request_timeout()).await?;
    let start = Instant::now();
    let answer = target.client.query_sql(&target.database, &statement).await?;
    if matches.get_flag("perf-debug") {
        let statistics = Statistics { answer: &answer, elapsed: start.elapsed() };
        return session.io.print(&statistics.render(format_of(matches))?);
    }
    let text = match format_of(matches) {
        Format::Json => rows::json(&answer)?,
        Format::Table => {
            let format = match word_of(matches, "time-format") {
                "unixnano" => TimeFormat::UnixNano,
                _ => TimeFormat::Rfc3339Nano,
            };
            rows::table(&answer, format)
        }
    };
    session.io.print(&text)
}

/// Asks, unless standard input holds the query and so cannot hold the answer.
async fn acknowledge_system_tables(session: &mut Session<'_>, source: &Source) -> Result<()> {
    if matches!(source, Source::Stdin) {
        session.log().warn("system tables can slow the cluster down");
        return Ok(());
    }
    session.io.confirm("System tables can slow the cluster down. Continue? [y/N] ").await
}

async fn statement(session: &mut Session<'_>, source: Source) -> Result<String> {
    let bytes = match source {
        Source::Stdin => session.io.read_stdin(LONGEST_QUERY).await?,
        Source::Text(text) => text,
        Source::File(path) => File::open(&path)
            .and_then(|file| read_limited(file, LONGEST_QUERY))
            .map_err(|reason| Error::Unreadable { path, reason })?,
    };
    let statement = String::from_utf8(bytes).map_err(|_| Error::Usage("the query is not UTF-8 text".to_owned()))?;
    if statement.trim().is_empty() {
        return Err(Error::Usage("the query is empty".to_owned()));
    }
    Ok(statement)
}

/// The command's own limit, or the global one if that is given and shorter.
fn write_timeout(globals: &Globals, matches: &ArgMatches) -> Duration {
    let seconds = matches.get_one::<u32>("write-timeout").copied().unwrap_or(10);
    let own = Duration::from_secs(seconds.into());
    globals.timeout.map_or(own, |global| own.min(global))
}

pub(super) async fn write(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let source = source_of(session, matches)?;
    let timeout = write_timeout(&session.globals, matches);
    let precision = match word_of(matches, "precision") {
        "us" => Precision::Microseconds,
        "ms" => Precision::Milliseconds,
        "s" => Precision::Seconds,
        _ => Precision::Nanoseconds,
    };
    let size = matches.get_one::<u32>("batch-size").copied().unwrap_or(10_000);
    let target = session.data(matches, timeout).await?;
    let mut batches = Batches::new(source.open(session.io)?, size);
    let mut written: u64 = 0;
    loop {
        // Reading may wait for a person; on a thread of its own an interrupt can end the wait.
        let read = tokio::task::spawn_blocking(move || {
            let batch = batches.next();
            (batches, batch)
        });
        let (returned, batch) = read.await.map_err(|error| Error::Input(std::io::Error::other(error)))?;
        batches = returned;
        let Some(batch) = batch.map_err(|error| Error::Failed(format!("cannot read the lines: {error}")))? else {
            break;
        };
        let answer = target.client.write(&target.database, precision, batch.lines.clone()).await;
        answer.map_err(|error| failed_batch(&batch, written, error))?;
        written = batch.last_line();
    }
    if written > 0 { Ok(()) } else { Err(Error::Usage("there are no lines to write".to_owned())) }
}

/// Names lines by their numbers in the input, up to the last that was `written` before; 0 = none.
fn failed_batch(batch: &Batch, written: u64, error: tidegate_client::Error) -> Error {
    let refused =
        error.refused_lines().iter().filter_map(|line| Some((batch.line_in_input(line.number)?, &line.reason)));
    let refused: Vec<String> = refused.map(|(number, reason)| format!("line {number}: {reason}")).collect();
    if refused.is_empty() {
        let first = batch.first_line();
        return Error::Failed(format!("lines from line {first} on were not written: {}", Error::from(error)));
    }
    let written = match written {
        0 => "nothing was written".to_owned(),
        1 => "line 1 was written".to_owned(),
        last => format!("lines 1-{last} were written"),
    };
    Error::Failed(format!("{}; {written}", refused.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Face, tree};

    #[test]
    fn only_a_given_global_timeout_shortens_that_of_write() {
        for (arguments, seconds) in [
            (&["tidegate", "write", "m f=1"][..], 10),
            (&["tidegate", "write", "--timeout", "120", "m f=1"], 120),
            (&["tidegate", "--timeout", "90s", "write", "--timeout", "120", "m f=1"], 90),
            (&["tidegate", "--timeout", "3m", "write", "--timeout", "120", "m f=1"], 120),
        ] {
            let all = tree::command(Face::Tidegate).try_get_matches_from(arguments).unwrap();
            let matches = all.subcommand_matches("write").unwrap();
            let timeout = write_timeout(&Globals::new(&[&all, matches]), matches);
            assert_eq!(timeout, Duration::from_secs(seconds), "{arguments:?}");
        }
    }
}
