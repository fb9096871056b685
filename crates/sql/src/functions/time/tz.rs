//! `tz(time[, zone])`: the same instant, to be shown by the clocks of a zone.

use datafusion::arrow::array::timezone::Tz as Zone;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampNanosecondType};
use datafusion::common::{ScalarValue, internal_err, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The zone when none is named.
const DEFAULT_ZONE: &str = "UTC";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Tz {
    signature: Signature,
}

impl Tz {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The name of a zone that exists.
fn zone_of(argument: Option<&ScalarValue>) -> Result<Arc<str>> {
    let name = argument
        .and_then(|value| value.try_as_str().flatten())
        .ok_or_else(|| plan_datafusion_err!("`tz` needs the name of a time zone as a constant or a parameter"))?;
    match name.parse::<Zone>() {
        Ok(_) => Ok(Arc::from(name)),
        Err(_) => plan_err!("TZ requires a valid timezone string, got {name:?}"),
    }
}

impl ScalarUDFImpl for Tz {
    fn name(&self) -> &'static str {
        "tz"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let (time, zone) = match arguments {
            [time] => (time, None),
            [time, zone] => (time, Some(zone)),
            _ => return plan_err!("`tz` takes a timestamp and, if not {DEFAULT_ZONE}, the name of a time zone"),
        };
        let time = match time {
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
            DataType::Null => DataType::Timestamp(TimeUnit::Nanosecond, None),
            other => return plan_err!("`tz` needs a timestamp as its first argument, not {other}"),
        };
        Ok([time].into_iter().chain(zone.map(|_| DataType::Utf8)).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of `tz` depends on its arguments")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let zone = match args.scalar_arguments.get(1) {
            Some(zone) => zone_of(*zone)?,
            None => Arc::from(DEFAULT_ZONE),
        };
        let nullable = args.arg_fields.first().is_none_or(|time| time.is_nullable());
        Ok(Arc::new(Field::new(self.name(), DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Timestamp(_, zone) = args.return_field.data_type() else {
            return internal_err!("`tz` makes timestamps");
        };
        match args.args.first() {
            Some(ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(time, _))) => {
                Ok(ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(*time, zone.clone())))
            }
            Some(ColumnarValue::Array(times)) => match times.as_primitive_opt::<TimestampNanosecondType>() {
                Some(times) => Ok(ColumnarValue::Array(Arc::new(times.clone().with_timezone_opt(zone.clone())))),
                None => internal_err!("`tz` works on nanoseconds, not {}", times.data_type()),
            },
            _ => internal_err!("`tz` works on timestamps"),
        }
    }
}
