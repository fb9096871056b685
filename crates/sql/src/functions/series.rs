//! `range` and `generate_series`, as functions and as tables: how long the series would be.

use super::bounds::MAX_SERIES;
use crate::error::Refusal;
use arrow::array::{Array, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::catalog::{TableFunction, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Expr};
use std::sync::Arc;

const NANOS_PER_DAY: i128 = 86_400_000_000_000;
/// The shortest month: a series of months can only be shorter than this says.
const DAYS_PER_MONTH: i128 = 28;

/// The table function, once the length of the series is known to be within the limit.
#[derive(Debug)]
pub(super) struct CappedSeries {
    inner: Arc<TableFunction>,
}

impl CappedSeries {
    pub(super) fn wrap(inner: Arc<TableFunction>) -> Arc<TableFunction> {
        let name = inner.name().to_owned();
        Arc::new(TableFunction::new(name, Arc::new(Self { inner })))
    }
}

impl TableFunctionImpl for CappedSeries {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let mut values = Vec::with_capacity(args.exprs().len());
        for expr in args.exprs() {
            match expr {
                Expr::Literal(value, _) => values.push(ColumnarValue::Scalar(value.clone())),
                _ => {
                    return Err(Refusal::invalid(format!(
                        "the arguments of `{}` as a table must be constants or parameters",
                        self.inner.name()
                    )));
                }
            }
        }
        let length = lengths(&values)?.into_iter().max().unwrap_or(0);
        if length > MAX_SERIES {
            return Err(too_long());
        }
        self.inner.create_table_provider_with_args(args)
    }
}

fn too_long() -> datafusion::error::DataFusionError {
    Refusal::limit(format!("a series may have at most {MAX_SERIES} values; use a larger step or a shorter range"))
}

/// The length of the series for each row. Fails if one is too long.
pub(super) fn lengths(args: &[ColumnarValue]) -> Result<Vec<u64>> {
    let rows = args.iter().map(|arg| if let ColumnarValue::Array(array) = arg { array.len() } else { 1 }).max();
    let rows = rows.unwrap_or(1);
    let (start, stop, step) = match args {
        [stop] => (None, Some(stop), None),
        [start, stop] => (Some(start), Some(stop), None),
        [start, stop, step, ..] => (Some(start), Some(stop), Some(step)),
        [] => (None, None, None),
    };
    let start = positions(start, rows)?;
    let stop = positions(stop, rows)?;
    let step = steps(step, rows)?;
    let zipped = start.into_iter().zip(stop).zip(step);
    zipped.map(|((start, stop), step)| length(start, stop, step)).collect()
}

fn length(start: Option<i128>, stop: Option<i128>, step: Option<i128>) -> Result<u64> {
    let (Some(start), Some(stop), Some(step)) = (start, stop, step) else { return Ok(0) };
    if step == 0 {
        return Ok(0);
    }
    let steps = (stop - start).checked_div(step).unwrap_or(0);
    let length = u64::try_from(steps.max(-1) + 1).unwrap_or(u64::MAX);
    if length > MAX_SERIES { Err(too_long()) } else { Ok(length) }
}

/// Numbers as they are, points in time as nanoseconds.
fn positions(arg: Option<&ColumnarValue>, rows: usize) -> Result<Vec<Option<i128>>> {
    let Some(arg) = arg else { return Ok(vec![Some(0); rows]) };
    let array = arg.to_array(rows)?;
    let time = DataType::Timestamp(TimeUnit::Second, None);
    let (numbers, unit): (_, i128) = match array.data_type() {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) | DataType::Utf8 | DataType::Utf8View => {
            (cast(&cast(&array, &time)?, &DataType::Int64)?, 1_000_000_000)
        }
        _ => (cast(&array, &DataType::Int64)?, 1),
    };
    Ok(collect(numbers.as_primitive::<Int64Type>(), unit))
}

/// Numbers as they are, intervals as nanoseconds, at least one unit in size: rounding may not hide a tiny step.
fn steps(arg: Option<&ColumnarValue>, rows: usize) -> Result<Vec<Option<i128>>> {
    let Some(arg) = arg else { return Ok(vec![Some(1); rows]) };
    let array = arg.to_array(rows)?;
    if !matches!(array.data_type(), DataType::Interval(_)) {
        return Ok(collect(cast(&array, &DataType::Int64)?.as_primitive::<Int64Type>(), 1));
    }
    let intervals = cast(&array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    intervals.iter().map(|interval| interval.map(nanos).transpose()).collect()
}

/// A step such as `1 month -30 days` goes nowhere in some months, so all parts must have one direction.
fn nanos(interval: IntervalMonthDayNano) -> Result<i128> {
    let parts = [i64::from(interval.months), i64::from(interval.days), interval.nanoseconds];
    if parts.iter().any(|part| *part > 0) && parts.iter().any(|part| *part < 0) {
        return Err(Refusal::invalid("the parts of a series step must all be positive or all be negative"));
    }
    let days = i128::from(interval.months) * DAYS_PER_MONTH + i128::from(interval.days);
    Ok(days * NANOS_PER_DAY + i128::from(interval.nanoseconds))
}

fn collect(numbers: &Int64Array, unit: i128) -> Vec<Option<i128>> {
    numbers.iter().map(|number| number.map(|n| i128::from(n) * unit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::common::ScalarValue;

    fn constant(value: i64) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(value)))
    }

    #[test]
    fn lengths_of_number_series() {
        let of = |args: &[i64]| lengths(&args.iter().map(|n| constant(*n)).collect::<Vec<_>>());
        assert_eq!(of(&[5]).unwrap(), [6]);
        assert_eq!(of(&[1, 10]).unwrap(), [10]);
        assert_eq!(of(&[10, 1]).unwrap(), [0]);
        assert_eq!(of(&[10, 1, -3]).unwrap(), [4]);
        assert!(of(&[0, i64::MAX]).is_err());
        assert!(of(&[i64::MIN, i64::MAX]).is_err());
        assert!(of(&[i64::MAX, i64::MIN, -1]).is_err());
    }

    #[test]
    fn lengths_of_time_series() {
        let second = |s: i64| ColumnarValue::Scalar(ScalarValue::TimestampSecond(Some(s), None));
        let step = |months, days, nanoseconds| {
            ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano {
                months,
                days,
                nanoseconds,
            })))
        };
        assert_eq!(lengths(&[second(0), second(86_400), step(0, 1, 0)]).unwrap(), [2]);
        assert!(lengths(&[second(0), second(86_400), step(0, 0, 1)]).is_err());
        assert!(lengths(&[second(0), second(1_000_000_000), step(1, -28, 1)]).is_err());
    }
}
