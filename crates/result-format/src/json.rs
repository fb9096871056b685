//! JSON, as arrow writes it: null members left out, times in ISO 8601, infinities and NaN as null, binary in hex.

use crate::FormatError;
use arrow::json::writer::{ArrayWriter, LineDelimitedWriter};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;

/// One array of objects.
#[derive(Debug)]
pub(crate) struct Array(ArrayWriter<Vec<u8>>);

impl Array {
    pub(crate) fn new() -> Self {
        Self(ArrayWriter::new(Vec::new()))
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        self.0.write(batch)?;
        Ok(self.take())
    }

    pub(crate) fn finish(&mut self) -> Result<Bytes, FormatError> {
        self.0.finish()?;
        Ok(self.take())
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(self.0.get_mut()).into()
    }
}

/// One object a line.
#[derive(Debug)]
pub(crate) struct Lines(LineDelimitedWriter<Vec<u8>>);

impl Lines {
    pub(crate) fn new() -> Self {
        Self(LineDelimitedWriter::new(Vec::new()))
    }

    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes, FormatError> {
        self.0.write(batch)?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }
}
