//! CSV after RFC 4180, with line feeds. Lists, structs and maps are written as text, for CSV has nothing of the kind.

use crate::FormatError;
use arrow::array::{Array, ArrayRef, StringBuilder};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use std::sync::Arc;

/// Writes the header with the first rows.
#[derive(Debug)]
pub(crate) struct Csv {
    header: bool,
}

impl Csv {
    pub(crate) fn new() -> Self {
        Self { header: true }
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        let flat = flatten(batch)?;
        let mut bytes = Vec::new();
        let header = std::mem::take(&mut self.header);
        WriterBuilder::new().with_header(header).build(&mut bytes).write(&flat)?;
        Ok(bytes.into())
    }
}

fn flatten(batch: &RecordBatch) -> Result<RecordBatch, FormatError> {
    if !batch.columns().iter().any(|column| column.data_type().is_nested()) {
        return Ok(batch.clone());
    }
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if column.data_type().is_nested() {
            fields.push(Field::new(field.name(), DataType::Utf8, true));
            columns.push(as_text(column)?);
        } else {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(column));
        }
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn as_text(column: &ArrayRef) -> Result<ArrayRef, FormatError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
    let mut text = StringBuilder::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            text.append_null();
        } else {
            text.append_value(formatter.value(row).try_to_string()?);
        }
    }
    Ok(Arc::new(text.finish()))
}
