//! A join condition that fails once the query has been stopped.
//!
//! A join whose condition is never true compares all pairs of rows without returning to its caller, so the condition is
//! the only place from which it can be stopped.

use crate::guard::QueryGuard;
use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct GuardedFilter {
    inner: Arc<dyn PhysicalExpr>,
    guard: Arc<QueryGuard>,
}

impl GuardedFilter {
    pub(super) fn new(inner: Arc<dyn PhysicalExpr>, guard: Arc<QueryGuard>) -> Self {
        Self { inner, guard }
    }
}

impl PartialEq for GuardedFilter {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for GuardedFilter {}

impl Hash for GuardedFilter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for GuardedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for GuardedFilter {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.guard.check()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let inner =
            children.pop().ok_or_else(|| DataFusionError::Internal("a join condition without a condition".into()))?;
        Ok(Arc::new(Self { inner, guard: Arc::clone(&self.guard) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
