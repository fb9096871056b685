//! Frees a small batch from the large one it was cut from.
//!
//! Operators count the whole memory behind a batch, so that thin slices of one large batch would each count as all of it.

use crate::functions::sizes::{fixed_row_size, row_sizes};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use std::sync::Arc;

/// Batches with less memory than this behind them are left alone.
const SMALL: usize = 1 << 20;

/// Copies the rows of a batch that holds much more memory than they need.
pub(super) fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let held = batch.get_array_memory_size();
    if held <= SMALL || u64::try_from(held).unwrap_or(u64::MAX) / 2 <= needed(&batch) {
        return Ok(batch);
    }
    let rows = UInt64Array::from_iter_values((0..batch.num_rows()).map_while(|row| u64::try_from(row).ok()));
    let copy = |column: &ArrayRef| -> Result<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => take(column.as_ref(), &rows, None)?,
        })
    };
    let columns = batch.columns().iter().map(copy).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn needed(batch: &RecordBatch) -> u64 {
    match fixed_row_size(batch) {
        Some(size) => size.saturating_mul(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX)),
        None => row_sizes(batch).into_iter().fold(0, u64::saturating_add),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int64Array, StringViewArray};

    #[test]
    fn slices_of_large_batches_are_copied() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..500_000));
        let text = "a text that is too long to be kept inside of a view".to_owned();
        let views: ArrayRef = Arc::new((0..500_000).map(|_| Some(text.as_str())).collect::<StringViewArray>());
        let large = RecordBatch::try_from_iter([("n", numbers), ("s", views)]).unwrap();
        let slice = large.slice(1_000, 10);
        let copy = compact(slice.clone()).unwrap();
        assert_eq!(copy, slice);
        assert!(copy.get_array_memory_size() < 10_000);
        let whole = compact(large.clone()).unwrap();
        assert_eq!(whole.get_array_memory_size(), large.get_array_memory_size());
    }
}
