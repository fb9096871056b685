//! A table for people.

use crate::FormatError;
use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use bytes::Bytes;
use std::sync::Arc;

/// The most bytes that a table may have, where each cell counts with the width of its column and 32 bytes more.
pub const MAX_TABLE_BYTES: usize = 16 << 20;
/// What a cell costs beside its text.
const FRAME: usize = 32;

/// Rows kept as text until the widths of the columns are known.
#[derive(Debug)]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    widths: Vec<usize>,
    lines: usize,
}

impl Table {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        let fields = schema.fields().iter().map(|field| Field::new(field.name(), DataType::Utf8, true));
        let widths = schema.fields().iter().map(|field| field.name().len()).collect();
        Self { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())), batches: Vec::new(), widths, lines: 4 }
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        self.lines = self.lines.saturating_add(batch.num_rows());
        for (index, column) in batch.columns().iter().enumerate() {
            columns.push(self.as_text(index, column)?);
        }
        if !columns.is_empty() {
            self.batches.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        }
        Ok(Bytes::new())
    }

    pub(crate) fn finish(&mut self) -> Result<Bytes, FormatError> {
        let table = pretty_format_batches(&std::mem::take(&mut self.batches))?;
        Ok(table.to_string().into())
    }

    fn as_text(&mut self, index: usize, column: &ArrayRef) -> Result<ArrayRef, FormatError> {
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
        let mut text = StringBuilder::new();
        for row in 0..column.len() {
            let value = formatter.value(row).try_to_string()?;
            self.measure(index, &value)?;
            text.append_value(value);
        }
        Ok(Arc::new(text.finish()))
    }

    /// One long value widens its column in every line, and each line feed in a value makes a line.
    fn measure(&mut self, index: usize, value: &str) -> Result<(), FormatError> {
        if let Some(width) = self.widths.get_mut(index) {
            *width = value.len().max(*width);
        }
        self.lines = self.lines.saturating_add(value.matches('\n').count());
        let line = self.widths.iter().fold(0usize, |sum, width| sum.saturating_add(*width).saturating_add(FRAME));
        if line.saturating_mul(self.lines) > MAX_TABLE_BYTES {
            return Err(FormatError::TooLarge { limit: MAX_TABLE_BYTES });
        }
        Ok(())
    }
}
