//! The state of a selector for one group.

use super::{Order, result_fields};
use datafusion::arrow::array::make_comparator;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Fields, TimestampNanosecondType};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use std::cmp::Ordering;
use std::sync::Arc;

/// The row picked so far.
#[derive(Debug)]
pub(super) struct SelectorAccumulator {
    order: Order,
    fields: Fields,
    /// Null until a row was picked.
    value: ScalarValue,
    /// Null until a row was picked.
    time: ScalarValue,
    /// The same as `time`, ready to compare.
    picked: Option<i64>,
}

impl SelectorAccumulator {
    pub(super) fn new(order: Order, value: &DataType, time: &DataType) -> Result<Self> {
        Ok(Self {
            order,
            fields: result_fields(value.clone(), time.clone()),
            value: ScalarValue::try_from(value)?,
            time: ScalarValue::try_from(time)?,
            picked: None,
        })
    }

    /// The row of these columns that would be picked if there were no others.
    fn best_row(&self, values: &ArrayRef, times: &[i64], usable: impl Fn(usize) -> bool) -> Result<Option<usize>> {
        let compare = make_comparator(values, values, SortOptions::default())?;
        let mut best: Option<(usize, i64)> = None;
        for (row, time) in times.iter().enumerate().filter(|(row, _)| usable(*row)) {
            let better =
                best.is_none_or(|(other, its_time)| self.order.prefers(time.cmp(&its_time), || compare(row, other)));
            if better {
                best = Some((row, *time));
            }
        }
        Ok(best.map(|(row, _)| row))
    }
}

/// A value without the dictionary that it came from.
fn plain_value(values: &ArrayRef, row: usize) -> Result<ScalarValue> {
    Ok(match ScalarValue::try_from_array(values, row)? {
        ScalarValue::Dictionary(_, value) => *value,
        other => other,
    })
}

impl Accumulator for SelectorAccumulator {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let [values, times] = columns else { return internal_err!("a selector takes two columns") };
        let Some(instants) = times.as_primitive_opt::<TimestampNanosecondType>() else {
            return internal_err!("a selector needs times in nanoseconds");
        };
        let nulls = values.logical_nulls();
        let usable = |row| instants.is_valid(row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let Some(row) = self.best_row(values, instants.values(), usable)? else { return Ok(()) };
        let (value, time) = (plain_value(values, row)?, instants.value(row));
        let better = self.picked.is_none_or(|picked| {
            let compare = || value.partial_cmp(&self.value).unwrap_or(Ordering::Equal);
            self.order.prefers(time.cmp(&picked), compare)
        });
        if better {
            self.value = value;
            self.time = ScalarValue::try_from_array(times, row)?;
            self.picked = Some(time);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    /// Gives the state away: a copy of each of many long texts would not fit the memory that is counted.
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let no_value = ScalarValue::try_from(self.value.data_type())?;
        let no_time = ScalarValue::try_from(self.time.data_type())?;
        self.picked = None;
        Ok(vec![std::mem::replace(&mut self.value, no_value), std::mem::replace(&mut self.time, no_time)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.picked.is_none() {
            return ScalarValue::try_from(DataType::Struct(self.fields.clone()));
        }
        let columns = vec![self.value.to_array()?, self.time.to_array()?];
        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(self.fields.clone(), columns, None)?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() - size_of_val(&self.value)
    }
}
