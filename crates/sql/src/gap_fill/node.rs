//! The logical operator.

use crate::functions::time::bins::Run;
use datafusion::common::{DFSchema, DFSchemaRef, ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, Projection, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// What a column holds in a row that is made up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Fill {
    /// What it holds in the other rows of the same series.
    Key,
    /// The beginning of the bin.
    Time,
    /// Always the same.
    Constant(ScalarValue),
    /// The last value that is not null; instead of nulls in other rows as well.
    Previous,
    /// A value on the line between the nearest ones that are not null; instead of nulls in other rows as well.
    Linear,
}

/// Adds a row for each bin that a series of the input has none for. A series is what has the same keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GapFill {
    pub(super) input: LogicalPlan,
    /// For each column of the input.
    pub(super) fills: Vec<Fill>,
    pub(super) bins: Arc<Vec<Run>>,
    schema: DFSchemaRef,
}

impl GapFill {
    pub(super) fn new(input: LogicalPlan, fills: Vec<Fill>, bins: Arc<Vec<Run>>) -> Result<Self> {
        let fields = input.schema().iter().zip(&fills).map(|((qualifier, field), fill)| {
            let is_key = matches!(fill, Fill::Key | Fill::Time);
            let field = if is_key { Arc::clone(field) } else { Arc::new(field.as_ref().clone().with_nullable(true)) };
            (qualifier.cloned(), field)
        });
        let schema = DFSchema::new_with_metadata(fields.collect(), input.schema().metadata().clone())?;
        Ok(Self { input, fills, bins, schema: Arc::new(schema) })
    }

    pub(super) fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }

    pub(super) fn of(node: &dyn UserDefinedLogicalNode) -> Option<&Self> {
        node.as_any().downcast_ref()
    }
}

/// Whether an operator is this one.
pub(crate) fn is_gap_fill(extension: &Extension) -> bool {
    GapFill::of(extension.node.as_ref()).is_some()
}

impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &'static str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let bins = self.bins.iter().map(|run| run.count).fold(0, u64::saturating_add);
        write!(f, "GapFill: bins={bins}")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.pop() else { return internal_err!("GapFill needs an input") };
        let columns = self.schema.columns();
        if input.schema().columns() == columns {
            return Self::new(input, self.fills.clone(), Arc::clone(&self.bins));
        }
        // A rule that tries to compute more in the input must see that it does not come through.
        let columns = columns.into_iter().map(Expr::Column).collect();
        let input = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(input))?);
        Self::new(input, self.fills.clone(), Arc::clone(&self.bins))
    }
}
