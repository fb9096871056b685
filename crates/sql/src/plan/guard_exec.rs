//! An operator that passes batches on and keeps them within bounds.

use super::compact::compact;
use crate::error::Refusal;
use crate::functions::sizes::{fixed_row_size, row_sizes};
use crate::guard::QueryGuard;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{Stream, StreamExt};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What the operator above does with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Looks at each batch once.
    Pass,
    /// Repeats rows, so that a row may not be wide.
    Repeat,
    /// Repeats each row once for every element of its lists.
    Unnest,
    /// Keeps all rows, without counting them itself.
    Keep,
}

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Rows of a batch.
    pub(super) rows: usize,
    /// Bytes of a batch, values counted as often as they occur.
    pub(super) bytes: u64,
    /// Bytes of a row.
    pub(super) row_bytes: u64,
}

/// The widest row of a query, bytes.
const MAX_ROW: u64 = 16 << 20;
/// The widest row that may be repeated, bytes.
const MAX_REPEATED_ROW: u64 = 64 << 10;
/// The widest row with lists to unnest, bytes.
const MAX_UNNESTED_ROW: u64 = 12 << 20;
/// The most bytes of a batch.
const MAX_BATCH: u64 = 16 << 20;
/// The most bytes of a batch that patterns are matched against.
const MAX_MATCHED_BATCH: u64 = 2 << 20;

impl Bounds {
    pub(super) fn new(rows: usize, purpose: Use, matches_patterns: bool) -> Self {
        let row_bytes = match purpose {
            Use::Pass | Use::Keep => MAX_ROW,
            Use::Repeat => MAX_REPEATED_ROW,
            Use::Unnest => MAX_UNNESTED_ROW,
        };
        let bytes = if matches_patterns { MAX_MATCHED_BATCH } else { MAX_BATCH };
        Self { rows, bytes, row_bytes }
    }
}

/// How many batches may pass before the thread is given to another query. Tokio's budget of a task cannot count this:
/// a plan can have more guards on top of one another than the budget has units, and then nothing would ever pass.
const BATCHES_IN_A_ROW: u32 = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct GuardExec {
    input: Arc<dyn ExecutionPlan>,
    guard: Arc<QueryGuard>,
    purpose: Use,
    bounds: Bounds,
}

impl GuardExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, guard: Arc<QueryGuard>, purpose: Use, bounds: Bounds) -> Self {
        Self { input, guard, purpose, bounds }
    }
}

impl DisplayAs for GuardExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardExec")
    }
}

impl ExecutionPlan for GuardExec {
    fn name(&self) -> &'static str {
        "GuardExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| DataFusionError::Internal("GuardExec needs an input".into()))?;
        Ok(Arc::new(Self { input, guard: Arc::clone(&self.guard), purpose: self.purpose, bounds: self.bounds }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let kept = (self.purpose == Use::Keep)
            .then(|| MemoryConsumer::new("rows of a window").register(context.memory_pool()));
        let stream = GuardStream {
            input: self.input.execute(partition, context)?,
            guard: Arc::clone(&self.guard),
            purpose: self.purpose,
            bounds: self.bounds,
            kept,
            rest: None,
            in_a_row: 0,
        };
        Ok(Box::pin(stream))
    }
}

struct GuardStream {
    input: SendableRecordBatchStream,
    guard: Arc<QueryGuard>,
    purpose: Use,
    bounds: Bounds,
    kept: Option<MemoryReservation>,
    rest: Option<RecordBatch>,
    in_a_row: u32,
}

impl GuardStream {
    /// Checks the rows of a new batch.
    fn admit(&self, batch: &RecordBatch) -> Result<()> {
        let widest = match fixed_row_size(batch) {
            Some(size) => size,
            None => row_sizes(batch).into_iter().max().unwrap_or(0),
        };
        if widest <= self.bounds.row_bytes {
            return Ok(());
        }
        let what = match self.purpose {
            Use::Repeat => "to be joined or to be the result of a subquery; select fewer or shorter columns",
            Use::Unnest => "to be unnested; use shorter lists",
            Use::Pass | Use::Keep => "for a query; select fewer or shorter columns",
        };
        Err(Refusal::limit(format!("a row of {} KiB is too wide {what}", widest >> 10)))
    }

    fn hand_on(&self, part: RecordBatch) -> Result<RecordBatch> {
        let part = compact(part)?;
        if let Some(kept) = &self.kept {
            // The operator holds the rows and, while it computes, a joined copy of them.
            kept.try_grow(part.get_array_memory_size().saturating_mul(2))?;
        }
        Ok(part)
    }

    /// Takes as many rows off `rest` as make a batch.
    fn next_part(&mut self) -> Option<RecordBatch> {
        let batch = self.rest.take()?;
        let rows = self.rows_that_fit(&batch);
        if rows >= batch.num_rows() {
            return Some(batch);
        }
        self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        Some(batch.slice(0, rows))
    }

    fn rows_that_fit(&self, batch: &RecordBatch) -> usize {
        let most = self.bounds.rows.max(1);
        if let Some(size) = fixed_row_size(batch) {
            let fit = self.bounds.bytes.checked_div(size).and_then(|rows| usize::try_from(rows).ok());
            return fit.unwrap_or(most).clamp(1, most);
        }
        let first = batch.slice(0, batch.num_rows().min(most));
        let mut sum = 0u64;
        let fit = row_sizes(&first).into_iter().take_while(|size| {
            sum = sum.saturating_add(*size);
            sum <= self.bounds.bytes
        });
        fit.count().max(1)
    }
}

impl Stream for GuardStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.guard.check() {
            return Poll::Ready(Some(Err(error)));
        }
        if self.in_a_row >= BATCHES_IN_A_ROW {
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_none() {
            let polled = self.input.poll_next_unpin(cx);
            if polled.is_pending() {
                self.in_a_row = 0;
            }
            match ready!(polled) {
                Some(Ok(batch)) => {
                    if let Err(error) = self.admit(&batch) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    self.rest = Some(batch);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        self.in_a_row += 1;
        let part = self.next_part();
        Poll::Ready(part.map(|part| self.hand_on(part)))
    }
}

impl RecordBatchStream for GuardStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
