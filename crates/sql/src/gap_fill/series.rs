//! One series: its rows, and those made up between them.

use super::node::Fill;
use crate::functions::sizes::row_sizes;
use crate::functions::time::bins::Run;
use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, Scalar, TimestampNanosecondArray,
    UInt64Array,
};
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimestampNanosecondType, UInt64Type};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::internal_err;
use datafusion::error::Result;
use std::iter::Peekable;
use std::sync::Arc;

/// The most bytes of a batch, values counted as often as they are repeated.
pub(super) const MAX_BATCH: u64 = 16 << 20;

type Starts = Peekable<Box<dyn Iterator<Item = i64> + Send>>;

/// The rows of one series in the order of their times, and how far they have been written.
pub(super) struct Series {
    rows: RecordBatch,
    times: TimestampNanosecondArray,
    bins: Starts,
    /// The first row that has not been written.
    next_row: usize,
    /// For each column, the last row with a value that was written.
    previous: Vec<Option<usize>>,
    /// The most rows of a batch.
    most: usize,
}

/// A row to be written: when its bin begins, and which row of the input it is, if any.
#[derive(Debug, Clone, Copy)]
struct Slot {
    time: i64,
    row: Option<usize>,
}

impl Series {
    pub(super) fn new(rows: RecordBatch, fills: &[Fill], bins: Arc<Vec<Run>>) -> Result<Self> {
        let column = rows.columns().iter().zip(fills).find(|(_, fill)| **fill == Fill::Time);
        let times = column.and_then(|(column, _)| column.as_primitive_opt::<TimestampNanosecondType>()).cloned();
        let Some(times) = times else { return internal_err!("GapFill works on times in nanoseconds") };
        if times.null_count() > 0 {
            return internal_err!("a bin without time");
        }
        let widest = row_sizes(&rows).into_iter().max().unwrap_or(1).max(1);
        let runs = (0..bins.len()).filter_map(move |index| bins.get(index).copied());
        let starts: Box<dyn Iterator<Item = i64> + Send> = Box::new(runs.flat_map(Run::starts));
        Ok(Self {
            previous: vec![None; rows.num_columns()],
            times,
            bins: starts.peekable(),
            next_row: 0,
            most: usize::try_from(MAX_BATCH / widest).unwrap_or(usize::MAX).max(1),
            rows,
        })
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.next_row >= self.rows.num_rows() && self.bins.peek().is_none()
    }

    /// The next rows, at most so many.
    pub(super) fn next(&mut self, schema: &SchemaRef, fills: &[Fill], most: usize) -> Result<RecordBatch> {
        let slots = self.slots(most.min(self.most));
        let mut columns = Vec::new();
        for (index, fill) in fills.iter().enumerate() {
            columns.push(self.column(index, fill, &slots)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(slots.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }

    /// Merges bins and rows by time.
    fn slots(&mut self, most: usize) -> Vec<Slot> {
        let mut slots = Vec::new();
        while slots.len() < most {
            let row = (self.next_row < self.times.len()).then(|| (self.next_row, self.times.value(self.next_row)));
            let slot = match (self.bins.peek().copied(), row) {
                (None, None) => break,
                (Some(time), None) => Slot { time, row: None },
                (Some(bin), Some((_, time))) if bin < time => Slot { time: bin, row: None },
                (_, Some((row, time))) => Slot { time, row: Some(row) },
            };
            if slot.row.is_some() {
                self.next_row += 1;
            }
            if self.bins.peek() == Some(&slot.time) {
                self.bins.next();
            }
            slots.push(slot);
        }
        slots
    }

    fn column(&mut self, index: usize, fill: &Fill, slots: &[Slot]) -> Result<ArrayRef> {
        let values = Arc::clone(self.rows.column(index));
        match fill {
            Fill::Key => pick(&values, slots.iter().map(|_| Some(0))),
            Fill::Time => {
                let times =
                    PrimitiveArray::<TimestampNanosecondType>::from_iter_values(slots.iter().map(|slot| slot.time));
                Ok(Arc::new(times.with_data_type(values.data_type().clone())))
            }
            Fill::Constant(value) => {
                let picked = pick(&values, slots.iter().map(|slot| slot.row))?;
                if value.is_null() {
                    return Ok(picked);
                }
                let is_row: BooleanArray = slots.iter().map(|slot| Some(slot.row.is_some())).collect();
                Ok(zip(&is_row, &picked, &Scalar::new(value.to_array()?))?)
            }
            Fill::Previous => {
                let rows = self.previous_rows(index, &values, slots);
                pick(&values, rows.into_iter())
            }
            Fill::Linear => {
                let rows = self.previous_rows(index, &values, slots);
                self.interpolated(&values, &rows, slots)
            }
        }
    }

    /// For each slot, the last row up to it that has a value in this column.
    fn previous_rows(&mut self, column: usize, values: &ArrayRef, slots: &[Slot]) -> Vec<Option<usize>> {
        let nulls = values.logical_nulls();
        let has_value = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let mut previous = self.previous.get(column).copied().flatten();
        let mut rows = Vec::with_capacity(slots.len());
        for slot in slots {
            previous = slot.row.filter(|row| has_value(*row)).or(previous);
            rows.push(previous);
        }
        if let Some(known) = self.previous.get_mut(column) {
            *known = previous;
        }
        rows
    }

    fn interpolated(&self, values: &ArrayRef, rows: &[Option<usize>], slots: &[Slot]) -> Result<ArrayRef> {
        match values.data_type() {
            DataType::Float64 => {
                self.interpolated_as::<Float64Type>(values, rows, slots, |from, to, part| from + (to - from) * part)
            }
            DataType::Int64 => self.interpolated_as::<Int64Type>(values, rows, slots, |from, to, part| {
                let between = i128::from(from) + ((i128::from(to) - i128::from(from)) as f64 * part) as i128;
                i64::try_from(between).unwrap_or(to)
            }),
            DataType::UInt64 => self.interpolated_as::<UInt64Type>(values, rows, slots, |from, to, part| {
                let between = i128::from(from) + ((i128::from(to) - i128::from(from)) as f64 * part) as i128;
                u64::try_from(between).unwrap_or(to)
            }),
            other => internal_err!("unsupported data type {other} for interpolation gap filling"),
        }
    }

    /// `rows` are the last ones with a value; the next ones with a value are looked up from there.
    fn interpolated_as<T: ArrowPrimitiveType>(
        &self,
        values: &ArrayRef,
        rows: &[Option<usize>],
        slots: &[Slot],
        between: impl Fn(T::Native, T::Native, f64) -> T::Native,
    ) -> Result<ArrayRef> {
        let values = values.as_primitive::<T>();
        let mut following = 0;
        let filled = rows.iter().zip(slots).map(|(row, slot)| {
            let row = (*row)?;
            let (from, time) = (values.value(row), self.times.value(row));
            if time == slot.time {
                return Some(from);
            }
            following = following.max(row + 1);
            while following < values.len() && values.is_null(following) {
                following += 1;
            }
            if following >= values.len() {
                return None;
            }
            let whole = i128::from(self.times.value(following)) - i128::from(time);
            let passed = i128::from(slot.time) - i128::from(time);
            Some(between(from, values.value(following), passed as f64 / whole as f64))
        });
        let filled: PrimitiveArray<T> = filled.collect();
        Ok(Arc::new(filled))
    }
}

/// These rows of a column; null where there is none.
fn pick(values: &ArrayRef, rows: impl Iterator<Item = Option<usize>>) -> Result<ArrayRef> {
    let indices: UInt64Array = rows.map(|row| row.and_then(|row| u64::try_from(row).ok())).collect();
    Ok(take(values, &indices, None)?)
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
