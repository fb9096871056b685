use arrow::error::ArrowError;
use thiserror::Error;

/// Why a result could not be written.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The format cannot express a value.
    #[error("this format cannot express the result: {0}; choose another format or convert the column")]
    Unsupported(String),
    /// A table for people would be too large.
    #[error("the table is larger than {limit} bytes; use LIMIT, or the format json, jsonl, csv or parquet")]
    TooLarge {
        /// The most bytes.
        limit: usize,
    },
}

impl From<ArrowError> for FormatError {
    fn from(error: ArrowError) -> Self {
        Self::Unsupported(error.to_string())
    }
}
