//! The functions that mark what is to be filled.

use crate::functions::time::coerce_bin_types;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, internal_err, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// What a function asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Marker {
    /// Bins of fixed length.
    Bin,
    /// Bins by a local clock.
    WallclockBin,
    /// The last value that is not null.
    Previous,
    /// A value on the line between its neighbours.
    Linear,
}

impl Marker {
    const ALL: [Self; 4] = [Self::Bin, Self::WallclockBin, Self::Previous, Self::Linear];

    /// What this call asks for, if it is one of these functions.
    pub(super) fn of(call: &ScalarFunction) -> Option<Self> {
        let function: &dyn std::any::Any = call.func.inner().as_ref();
        function.downcast_ref::<MarkerFunction>().map(|function| function.marker)
    }

    pub(super) fn of_expr(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::ScalarFunction(call) => Self::of(call),
            _ => None,
        }
    }

    pub(super) fn is_bin(self) -> bool {
        matches!(self, Self::Bin | Self::WallclockBin)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bin => "date_bin_gapfill",
            Self::WallclockBin => "date_bin_wallclock_gapfill",
            Self::Previous => "locf",
            Self::Linear => "interpolate",
        }
    }

    /// The answer to a call at any other place than the one that the rule replaces.
    pub(super) fn misplaced(self) -> DataFusionError {
        let name = self.name();
        if self.is_bin() {
            return plan_datafusion_err!("{name} may only be used as a GROUP BY expression");
        }
        plan_datafusion_err!("{name} may only be used in the SELECT list of a gap-filling query")
    }
}

/// The functions, to be offered beside the others.
pub(crate) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    Marker::ALL.into_iter().map(|marker| Arc::new(ScalarUDF::new_from_impl(MarkerFunction::new(marker))))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MarkerFunction {
    marker: Marker,
    signature: Signature,
}

impl MarkerFunction {
    fn new(marker: Marker) -> Self {
        Self { marker, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The type in which values of this one are interpolated.
fn linear_type(data_type: &DataType) -> Result<DataType> {
    match data_type {
        signed if signed.is_signed_integer() => Ok(DataType::Int64),
        unsigned if unsigned.is_unsigned_integer() => Ok(DataType::UInt64),
        number if number.is_numeric() || number.is_null() => Ok(DataType::Float64),
        other => plan_err!("unsupported data type {other} for interpolation gap filling"),
    }
}

impl ScalarUDFImpl for MarkerFunction {
    fn name(&self) -> &str {
        self.marker.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match (self.marker, arguments) {
            (Marker::Bin | Marker::WallclockBin, _) => {
                coerce_bin_types(self.name(), arguments, self.marker == Marker::WallclockBin)
            }
            (Marker::Previous, [value]) => Ok(vec![value.clone()]),
            (Marker::Linear, [value]) => linear_type(value).map(|_| vec![value.clone()]),
            _ => plan_err!("`{}` takes one argument", self.name()),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match (self.marker, arguments) {
            (Marker::Bin | Marker::WallclockBin, [_, time, ..]) => Ok(time.clone()),
            (Marker::Previous, [value]) => Ok(value.clone()),
            (Marker::Linear, [value]) => linear_type(value),
            _ => internal_err!("`{}` lacks arguments", self.name()),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.marker.misplaced())
    }
}
