//! A function that is measured before it computes.

use super::bounds::{Bound, Measured, scalar_size};
use super::sizes::value_sizes;
use crate::error::Refusal;
use crate::guard::{MAX_FOLDED_BYTES, QueryGuard, guard_of};
use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::ops::Range;
use std::sync::Arc;

/// Parts of a batch that can become too large are computed one after the other, each at most this share of the limit.
const PARTS: u64 = 8;

/// Delegates to `inner` once the result is known to fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Capped {
    inner: Arc<ScalarUDF>,
    bound: Bound,
}

impl Capped {
    pub(crate) fn wrap(inner: Arc<ScalarUDF>, bound: Bound) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Self { inner, bound }))
    }

    fn too_large(&self, limit: u64) -> datafusion::error::DataFusionError {
        Refusal::limit(format!(
            "the result of `{}` is larger than {} KiB; use smaller values or fewer rows",
            self.inner.name(),
            limit >> 10
        ))
    }

    /// All arguments are constants: one value, which may be repeated for every row of the batch.
    fn invoke_constant(
        &self,
        args: ScalarFunctionArgs,
        guard: &QueryGuard,
        measured: &Measured,
    ) -> Result<ColumnarValue> {
        let limit = guard.call_bytes();
        let rows = u64::try_from(args.number_rows).unwrap_or(u64::MAX).max(1);
        let bound = measured.at(0);
        if !guard.is_running() && bound > MAX_FOLDED_BYTES {
            return Err(self.too_large(MAX_FOLDED_BYTES));
        }
        if bound > limit {
            return Err(self.too_large(limit));
        }
        let result = self.inner.invoke_with_args(args)?;
        if let ColumnarValue::Scalar(value) = &result
            && scalar_size(value)?.saturating_mul(rows) > limit
        {
            return Err(self.too_large(limit));
        }
        Ok(result)
    }

    fn invoke_rows(&self, args: &ScalarFunctionArgs, guard: &QueryGuard, measured: &Measured) -> Result<ColumnarValue> {
        let limit = guard.call_bytes();
        let mut results: Vec<ArrayRef> = Vec::new();
        let mut produced = 0u64;
        for part in self.parts(args.number_rows, limit, measured)? {
            guard.check()?;
            let rows = part.len();
            let array = self.inner.invoke_with_args(slice(args, part))?.into_array(rows)?;
            produced = value_sizes(array.as_ref()).into_iter().fold(produced, u64::saturating_add);
            if produced > limit {
                return Err(self.too_large(limit));
            }
            results.push(array);
        }
        let arrays: Vec<&dyn Array> = results.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&arrays)?))
    }

    /// Splits the rows so that no part can produce more than its share, unless it is a single row.
    fn parts(&self, rows: usize, limit: u64, measured: &Measured) -> Result<Vec<Range<usize>>> {
        let share = limit / PARTS;
        let (mut parts, mut start, mut sum) = (Vec::new(), 0, 0u64);
        for row in 0..rows {
            let bound = measured.at(row);
            if bound > limit {
                return Err(self.too_large(limit));
            }
            sum = sum.saturating_add(bound);
            if sum > share && row > start {
                parts.push(start..row);
                start = row;
                sum = bound;
            }
        }
        parts.push(start..rows);
        Ok(parts)
    }
}

fn slice(args: &ScalarFunctionArgs, rows: Range<usize>) -> ScalarFunctionArgs {
    let part = |value: &ColumnarValue| match value {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(rows.start, rows.len())),
        ColumnarValue::Scalar(scalar) => ColumnarValue::Scalar(scalar.clone()),
    };
    ScalarFunctionArgs {
        args: args.args.iter().map(part).collect(),
        arg_fields: args.arg_fields.clone(),
        number_rows: rows.len(),
        return_field: Arc::clone(&args.return_field),
        config_options: Arc::clone(&args.config_options),
    }
}

impl ScalarUDFImpl for Capped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.inner().schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.inner().return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        Some(ScalarUDF::new_from_impl(Self { inner: Arc::new(inner), bound: self.bound }))
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(guard) = guard_of(&args.config_options).cloned() else {
            return Err(Refusal::invalid(format!("`{}` works inside a query only", self.inner.name())));
        };
        guard.check()?;
        let measured = Measured::new(self.bound, &args.args)?;
        if args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_))) {
            return self.invoke_constant(args, &guard, &measured);
        }
        self.invoke_rows(&args, &guard, &measured)
    }

    /// Some functions simplify to others, for example `concat` of constants to a longer constant, which nothing would
    /// measure.
    fn simplify(&self, args: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Original(args))
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.inner.inner().evaluate_bounds(input)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.inner().output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().preserves_lex_ordering(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.inner().documentation()
    }
}
