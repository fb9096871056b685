//! Query results as JSON, JSON lines, CSV and text tables (data-plane contract §6.2).
//!
//! An [`Encoder`] takes record batches one by one and gives bytes for each, so that a result of any size is sent while
//! it is computed. Only [`Format::Pretty`] has to see all rows first, because it aligns columns; it is bounded.

use arrow::csv::writer::WriterBuilder as CsvWriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder as JsonWriterBuilder};
use arrow::json::{ArrayWriter, LineDelimitedWriter};
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::{pretty_format_batches, pretty_format_batches_with_schema};
use bytes::Bytes;

/// Most memory of rows that a text table is made of, in bytes.
pub const MAX_PRETTY: usize = 16 * 1024 * 1024;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One array of objects. Null members are left out.
    Json,
    /// One object a line. Null members are left out.
    JsonLines,
    /// RFC 4180 with a header line; nothing at all if there are no rows.
    Csv,
    /// A table for people.
    Pretty,
}

impl Format {
    /// The media type of an answer in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/jsonl",
            Self::Csv => "text/csv",
            Self::Pretty => "text/plain; charset=utf-8",
        }
    }
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A column has a type that the format cannot show.
    #[error("the result cannot be written in this format: {0}")]
    Unsupported(#[from] ArrowError),
    /// A text table of more than [`MAX_PRETTY`].
    #[error("the result is too large for a text table: use csv or jsonl, or ask for fewer rows")]
    TooLarge,
}

/// Writes the batches of one result.
pub struct Encoder(Inner);

enum Inner {
    Json(ArrayWriter<Vec<u8>>),
    JsonLines(LineDelimitedWriter<Vec<u8>>),
    Csv { has_header: bool },
    Pretty { schema: SchemaRef, batches: Vec<RecordBatch>, size: usize },
}

impl Encoder {
    /// An encoder for a result with these columns.
    pub fn new(format: Format, schema: SchemaRef) -> Self {
        Self(match format {
            Format::Json => Inner::Json(JsonWriterBuilder::new().build::<_, JsonArray>(Vec::new())),
            Format::JsonLines => Inner::JsonLines(JsonWriterBuilder::new().build::<_, LineDelimited>(Vec::new())),
            Format::Csv => Inner::Csv { has_header: false },
            Format::Pretty => Inner::Pretty { schema, batches: Vec::new(), size: 0 },
        })
    }

    /// The bytes of these rows, perhaps none yet.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        if batch.num_rows() == 0 {
            return Ok(Bytes::new());
        }
        match &mut self.0 {
            Inner::Json(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()).into())
            }
            Inner::JsonLines(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()).into())
            }
            Inner::Csv { has_header } => {
                let mut writer = CsvWriterBuilder::new().with_header(!*has_header).build(Vec::new());
                writer.write(batch)?;
                *has_header = true;
                Ok(writer.into_inner().into())
            }
            Inner::Pretty { batches, size, .. } => {
                *size = size.saturating_add(batch.get_array_memory_size());
                if *size > MAX_PRETTY {
                    return Err(FormatError::TooLarge);
                }
                batches.push(batch.clone());
                Ok(Bytes::new())
            }
        }
    }

    /// The last bytes. Nothing may be written afterwards.
    pub fn finish(&mut self) -> Result<Bytes, FormatError> {
        match &mut self.0 {
            Inner::Json(writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()).into())
            }
            Inner::JsonLines(writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()).into())
            }
            Inner::Csv { .. } => Ok(Bytes::new()),
            Inner::Pretty { batches, .. } if batches.is_empty() => Ok(pretty_format_batches(&[])?.to_string().into()),
            Inner::Pretty { schema, batches, .. } => {
                let batches = std::mem::take(batches);
                Ok(pretty_format_batches_with_schema(schema.clone(), &batches)?.to_string().into())
            }
        }
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

#[cfg(test)]
mod tests;
