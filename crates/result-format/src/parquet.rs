//! One Parquet file: zstd pages, and the Arrow schema in the footer. Row groups are handed out as they fill up.

use crate::FormatError;
use arrow::array::{ArrayRef, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::sync::Arc;

/// A row group is written when its columns hold this many bytes, so that this and one batch are all that waits.
const ROW_GROUP_MEMORY: usize = 4 << 20;

/// The file as far as it has not been handed out.
#[derive(Debug)]
pub(crate) struct File {
    writer: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
}

impl File {
    pub(crate) fn new(schema: &Schema) -> Result<Self, FormatError> {
        if schema.fields().is_empty() {
            return Err(FormatError::Unsupported("a Parquet file has at least one column".to_owned()));
        }
        try_types(schema)?;
        let schema = Arc::new(Schema::new(schema.fields().iter().map(|field| plain(field)).collect::<Vec<_>>()));
        Ok(Self { writer: ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties()))?, schema })
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns: Vec<ArrayRef> =
            columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?;
        if self.writer.memory_size() >= ROW_GROUP_MEMORY {
            self.writer.flush()?;
        }
        Ok(self.take())
    }

    pub(crate) fn finish(&mut self) -> Result<Bytes, FormatError> {
        self.writer.finish()?;
        Ok(self.take())
    }

    /// The writer counts the bytes of the file by itself, so what it has put out may leave.
    fn take(&mut self) -> Bytes {
        std::mem::take(self.writer.inner_mut()).into()
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // What is kept until the footer grows with the row groups, not with their pages.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by("tidegate".to_owned())
        .build()
}

/// Tags are dictionaries in memory and plain text in a file.
fn plain(field: &Field) -> Field {
    match field.data_type() {
        DataType::Dictionary(_, value) => field.clone().with_data_type(value.as_ref().clone()),
        _ => field.clone(),
    }
}

/// Writes a row of nulls to nowhere: some types are refused only when a value comes, when an answer has begun.
fn try_types(schema: &Schema) -> Result<(), FormatError> {
    let fields = schema.fields().iter().map(|field| plain(field).with_nullable(true)).collect::<Vec<_>>();
    let nulls = fields.iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = ArrowWriter::try_new(std::io::sink(), Arc::clone(&schema), Some(properties()))?;
    writer.write(&RecordBatch::try_new(schema, nulls)?)?;
    writer.close()?;
    Ok(())
}

impl From<ParquetError> for FormatError {
    fn from(error: ParquetError) -> Self {
        Self::Unsupported(error.to_string())
    }
}
