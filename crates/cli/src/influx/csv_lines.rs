//! Annotated CSV as line protocol (v2 API contract §6.7).
//!
//! A table is rows of annotations, a row of names, and rows of data. `#datatype` says what each column holds, `#default`
//! what stands for an empty cell, `#constant` adds a column that all rows share, and `#group` marks the tags of a query's
//! answer. A name may hold its type and default itself: `name|type|default`.

mod column;

use std::io::{BufRead, BufReader, Cursor, Read as _};

use bytes::Bytes;
use csv::{Reader, ReaderBuilder, StringRecord};
use tidegate_client::Precision;

use crate::io::Input;
use column::{Column, Role};

/// How to read.
#[derive(Debug, Clone)]
pub(crate) struct CsvOptions {
    /// Rows to put before the first one.
    pub(crate) headers: Vec<String>,
    /// How many lines to leave out at the start.
    pub(crate) skipped_lines: u64,
    /// The unit of written times.
    pub(crate) precision: Precision,
}

/// A row that cannot be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// Where it stands and what is wrong.
    pub(crate) reason: String,
    /// The row as CSV.
    pub(crate) row: String,
}

/// Turns rows into lines.
pub(crate) struct CsvLines {
    reader: Reader<Input>,
    options: CsvOptions,
    annotations: Annotations,
    /// Empty until the row of names has come.
    columns: Vec<Column>,
}

#[derive(Default)]
struct Annotations {
    types: Vec<String>,
    defaults: Vec<String>,
    groups: Vec<String>,
    constants: Vec<Column>,
}

impl CsvLines {
    /// Skips lines at once.
    pub(crate) fn new(input: Input, options: CsvOptions) -> std::io::Result<Self> {
        let mut input = BufReader::new(input);
        for _ in 0..options.skipped_lines {
            if input.skip_until(b'\n')? == 0 {
                break;
            }
        }
        let headers: String = options.headers.iter().map(|header| format!("{header}\n")).collect();
        let input: Input = Box::new(Cursor::new(headers).chain(input));
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        Ok(Self { reader, options, annotations: Annotations::default(), columns: Vec::new() })
    }

    /// The next line with its end; `None` at the end. After a bad row the next one can be read, after another error not.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Bytes, BadRow>>, String> {
        let mut record = StringRecord::new();
        while self.reader.read_record(&mut record).map_err(|error| error.to_string())? {
            let line = record.position().map(csv::Position::line).unwrap_or_default();
            let placed = |reason: String| format!("line {line}: {reason}");
            let first = record.get(0).unwrap_or_default();
            if first.starts_with('#') {
                self.annotate(&record).map_err(placed)?;
            } else if self.columns.is_empty() {
                self.columns = self.annotations.columns(&record).map_err(placed)?;
            } else {
                let line = column::line(&self.columns, &record, self.options.precision);
                let bad = |reason: String| BadRow { reason: placed(reason), row: row(&record) };
                return Ok(Some(line.map(Bytes::from).map_err(bad)));
            }
        }
        Ok(None)
    }

    /// Annotations after rows of data begin a new table.
    fn annotate(&mut self, record: &StringRecord) -> Result<(), String> {
        if !self.columns.is_empty() {
            self.columns.clear();
            self.annotations = Annotations::default();
        }
        let first = record.get(0).unwrap_or_default();
        let (word, cell) = first.split_once(' ').unwrap_or((first, ""));
        // The name of the annotation stands before the first column, or in its cell.
        let cells = || std::iter::once(cell.trim()).chain(record.iter().skip(1)).map(str::to_owned).collect();
        match word {
            "#datatype" => self.annotations.types = cells(),
            "#default" => self.annotations.defaults = cells(),
            "#group" => self.annotations.groups = cells(),
            "#constant" => {
                let cells: Vec<String> = cells();
                let cells: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
                self.annotations.constants.push(Column::constant(&cells)?);
            }
            "#concat" | "#timezone" => return Err(format!("{word} is not supported")),
            // Anything else is a comment.
            _ => {}
        }
        Ok(())
    }
}

impl Annotations {
    fn columns(&self, names: &StringRecord) -> Result<Vec<Column>, String> {
        let cell = |cells: &[String], position: usize| cells.get(position).cloned().unwrap_or_default();
        let mut columns = self.constants.clone();
        for (position, label) in names.iter().enumerate() {
            let mut parts = label.splitn(3, '|');
            let name = parts.next().unwrap_or_default();
            let or = |part: Option<&str>, annotated: String| part.map_or(annotated, str::to_owned);
            let kind = or(parts.next(), cell(&self.types, position));
            let default = or(parts.next(), cell(&self.defaults, position));
            let is_group = cell(&self.groups, position) == "true";
            columns.push(Column::new(position, name, &kind, default, is_group)?);
        }
        let is_measured = columns.iter().any(|column| column.role == Role::Measurement);
        if is_measured { Ok(columns) } else { Err("no column holds the measurement".to_owned()) }
    }
}

fn row(record: &StringRecord) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(record);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
