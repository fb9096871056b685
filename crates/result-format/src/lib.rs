//! Query results as JSON, JSON lines, CSV, text tables and Parquet, batch by batch (data-plane contract §6.2).

mod columns;
mod csv;
mod error;
mod json;
mod parquet;
mod pretty;

pub use columns::describe_columns;
pub use error::FormatError;
pub use pretty::MAX_TABLE_BYTES;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// An array of objects, one for each row; null members are left out.
    Json,
    /// One object and a line feed for each row.
    JsonLines,
    /// A line of column names, then a line for each row; nothing at all if there are no rows.
    Csv,
    /// A table of text for people. It is put together at the end, so the whole result has to fit into
    /// [`MAX_TABLE_BYTES`].
    Pretty,
    /// A Parquet file, also if there are no rows.
    Parquet,
}

impl Format {
    /// The value of the `Content-Type` header.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/jsonl",
            Self::Csv => "text/csv",
            Self::Pretty => "text/plain; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// Writes the batches of one result. What [`Encoder::batch`] returns for each of them, followed by what
/// [`Encoder::finish`] returns, is the body.
#[derive(Debug)]
pub struct Encoder {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Json(json::Array),
    JsonLines(json::Lines),
    Csv(csv::Csv),
    Pretty(pretty::Table),
    Parquet(Box<parquet::File>),
}

impl Encoder {
    /// Starts a result with these columns.
    ///
    /// # Errors
    /// [`FormatError::Unsupported`] for a column type that a Parquet file cannot hold.
    pub fn new(format: Format, schema: SchemaRef) -> Result<Self, FormatError> {
        let inner = match format {
            Format::Json => Inner::Json(json::Array::new()),
            Format::JsonLines => Inner::JsonLines(json::Lines::new()),
            Format::Csv => Inner::Csv(csv::Csv::new()),
            Format::Pretty => Inner::Pretty(pretty::Table::new(schema)),
            Format::Parquet => Inner::Parquet(Box::new(parquet::File::new(&schema)?)),
        };
        Ok(Self { inner })
    }

    /// Writes the rows of a batch. The bytes may be empty.
    ///
    /// # Errors
    /// [`FormatError::Unsupported`] for a column type that the format cannot express, [`FormatError::TooLarge`] if a
    /// table for people gets too large.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        if batch.num_rows() == 0 {
            return Ok(Bytes::new());
        }
        match &mut self.inner {
            Inner::Json(array) => array.batch(batch),
            Inner::JsonLines(lines) => lines.batch(batch),
            Inner::Csv(csv) => csv.batch(batch),
            Inner::Pretty(table) => table.batch(batch),
            Inner::Parquet(file) => file.batch(batch),
        }
    }

    /// Writes what comes after the last row. Call it once, and only if the result is complete.
    ///
    /// # Errors
    /// As [`Encoder::batch`].
    pub fn finish(&mut self) -> Result<Bytes, FormatError> {
        match &mut self.inner {
            Inner::Json(array) => array.finish(),
            Inner::JsonLines(_) | Inner::Csv(_) => Ok(Bytes::new()),
            Inner::Pretty(table) => table.finish(),
            Inner::Parquet(file) => file.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
