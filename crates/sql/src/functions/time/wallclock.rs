//! `date_bin_wallclock(interval, time[, origin])`: the beginning of the bin by the local clock of the time's zone.

use super::bins::{Bins, Stride};
use datafusion::arrow::array::{Array, AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::{DataType, IntervalUnit, TimeUnit, TimestampNanosecondType};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateBinWallclock {
    signature: Signature,
}

/// The function.
pub(crate) fn date_bin_wallclock() -> Arc<ScalarUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(DateBinWallclock { signature }))
}

/// The types that a function with the arguments interval, time and origin computes with. An origin by the clock on the
/// `wall` has no zone, another one has that of the time.
pub(crate) fn coerce_bin_types(name: &str, arguments: &[DataType], wall: bool) -> Result<Vec<DataType>> {
    let (interval, time, origin) = match arguments {
        [interval, time] => (interval, time, None),
        [interval, time, origin] => (interval, time, Some(origin)),
        _ => return plan_err!("`{name}` takes an interval, a timestamp and, if not the epoch, an origin"),
    };
    if !matches!(interval, DataType::Interval(_) | DataType::Duration(_)) {
        return plan_err!("`{name}` needs an interval as its first argument, not {interval}");
    }
    let time = match time {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::Null => DataType::Timestamp(TimeUnit::Nanosecond, None),
        other => return plan_err!("`{name}` needs a timestamp as its second argument, not {other}"),
    };
    let origin = match origin {
        None => None,
        Some(DataType::Timestamp(_, None) | DataType::Utf8 | DataType::Utf8View) => {
            Some(if wall { DataType::Timestamp(TimeUnit::Nanosecond, None) } else { time.clone() })
        }
        Some(_) => return plan_err!("the origin of `{name}` must be a timestamp without a time zone"),
    };
    Ok([DataType::Interval(IntervalUnit::MonthDayNano), time].into_iter().chain(origin).collect())
}

/// The bins that constant arguments of a function stand for. `data_type` is that of the times.
pub(crate) fn bins_of(
    name: &str,
    interval: Option<&ScalarValue>,
    data_type: &DataType,
    origin: Option<&ScalarValue>,
) -> Result<Bins> {
    let Some(ScalarValue::IntervalMonthDayNano(Some(interval))) = interval else {
        return plan_err!("the interval of `{name}` must be a constant or a parameter, and not null");
    };
    let origin = match origin {
        None => 0,
        Some(ScalarValue::TimestampNanosecond(Some(origin), _)) => *origin,
        Some(_) => return plan_err!("the origin of `{name}` must be a constant or a parameter, and not null"),
    };
    let DataType::Timestamp(_, zone) = data_type else { return internal_err!("`{name}` works on timestamps") };
    let zone = zone.as_deref().map(str::parse).transpose()?;
    Ok(Bins { stride: Stride::new(*interval)?, origin, zone })
}

fn constant(argument: &ColumnarValue) -> Option<&ScalarValue> {
    match argument {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(_) => None,
    }
}

impl ScalarUDFImpl for DateBinWallclock {
    fn name(&self) -> &'static str {
        "date_bin_wallclock"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        coerce_bin_types(self.name(), arguments, true)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [_, time, ..] => Ok(time.clone()),
            _ => internal_err!("`{}` has at least two arguments", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [interval, time, origin @ ..] = args.args.as_slice() else {
            return internal_err!("`{}` has at least two arguments", self.name());
        };
        let origin = match origin.first() {
            Some(ColumnarValue::Array(_)) => {
                return plan_err!("the origin of `{}` must be a constant or a parameter", self.name());
            }
            other => other.and_then(constant),
        };
        let bins = bins_of(self.name(), constant(interval), &time.data_type(), origin)?;
        match time {
            ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(time, zone)) => {
                let start = time.map(|time| bins.start(time)).transpose()?;
                Ok(ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(start, zone.clone())))
            }
            ColumnarValue::Array(times) => {
                let Some(times) = times.as_primitive_opt::<TimestampNanosecondType>() else {
                    return internal_err!("`{}` works on nanoseconds", self.name());
                };
                let starts: PrimitiveArray<TimestampNanosecondType> = times.try_unary(|time| bins.start(time))?;
                Ok(ColumnarValue::Array(Arc::new(starts.with_data_type(times.data_type().clone()))))
            }
            ColumnarValue::Scalar(_) => internal_err!("`{}` works on nanoseconds", self.name()),
        }
    }
}
