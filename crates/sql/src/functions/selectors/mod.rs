//! `selector_first`, `selector_last`, `selector_min`, `selector_max`: the row of a group that an order picks.

mod accumulator;

use accumulator::SelectorAccumulator;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use std::cmp::Ordering;
use std::sync::Arc;

/// Which row is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Order {
    /// The earliest; of several the one with the greatest value.
    First,
    /// The latest; of several the one with the greatest value.
    Last,
    /// The one with the smallest value; of several the earliest.
    Min,
    /// The one with the greatest value; of several the earliest.
    Max,
}

impl Order {
    const ALL: [Self; 4] = [Self::First, Self::Last, Self::Min, Self::Max];

    fn name(self) -> &'static str {
        match self {
            Self::First => "selector_first",
            Self::Last => "selector_last",
            Self::Min => "selector_min",
            Self::Max => "selector_max",
        }
    }

    /// Whether a row replaces the one picked so far, from how its time and its value compare with that one's.
    fn prefers(self, time: Ordering, value: impl FnOnce() -> Ordering) -> bool {
        match self {
            Self::First => time.then_with(|| value().reverse()).is_lt(),
            Self::Last => time.then_with(value).is_gt(),
            Self::Min => value().then(time).is_lt(),
            Self::Max => value().reverse().then(time).is_lt(),
        }
    }
}

/// The functions, to be offered beside DataFusion's aggregates: each keeps one value and one time for each group.
pub(super) fn all() -> impl Iterator<Item = Arc<AggregateUDF>> {
    Order::ALL.into_iter().map(|order| Arc::new(AggregateUDF::new_from_impl(Selector::new(order))))
}

/// See [`Order`]. Rows without value or without time are passed over; a group of only such rows gives null.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Selector {
    order: Order,
    signature: Signature,
}

impl Selector {
    fn new(order: Order) -> Self {
        Self { order, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The types of value and time in the result.
fn result_types(name: &str, arguments: &[DataType]) -> Result<(DataType, DataType)> {
    match arguments {
        [value, DataType::Timestamp(TimeUnit::Nanosecond, zone)] => {
            let value = match value {
                DataType::Dictionary(_, value) => value.as_ref().clone(),
                other => other.clone(),
            };
            Ok((value, DataType::Timestamp(TimeUnit::Nanosecond, zone.clone())))
        }
        _ => plan_err!("`{name}` takes a value and a timestamp"),
    }
}

fn result_fields(value: DataType, time: DataType) -> Fields {
    Fields::from(vec![Field::new("value", value, true), Field::new("time", time, true)])
}

fn is_selectable(value: &DataType) -> bool {
    match value {
        DataType::Dictionary(_, inner) => is_selectable(inner),
        DataType::Null | DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        other => other.is_numeric() || other.is_temporal(),
    }
}

impl AggregateUDFImpl for Selector {
    fn name(&self) -> &str {
        self.order.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, time] = arguments else {
            return plan_err!("`{}` takes a value and a timestamp", self.name());
        };
        if !is_selectable(value) {
            return plan_err!("`{}` cannot select from values of type {value}", self.name());
        }
        let zone = match time {
            DataType::Timestamp(_, zone) => zone.clone(),
            DataType::Null => None,
            other => return plan_err!("`{}` needs a timestamp as its second argument, not {other}", self.name()),
        };
        Ok(vec![value.clone(), DataType::Timestamp(TimeUnit::Nanosecond, zone)])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let (value, time) = result_types(self.name(), arguments)?;
        Ok(DataType::Struct(result_fields(value, time)))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let types: Vec<DataType> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let (value, time) = result_types(self.name(), &types)?;
        Ok(Box::new(SelectorAccumulator::new(self.order, &value, &time)?))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let types: Vec<DataType> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let (value, time) = result_types(self.name(), &types)?;
        let field = |name, data_type| Arc::new(Field::new(format_state_name(args.name, name), data_type, true));
        Ok(vec![field("value", value), field("time", time)])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}
