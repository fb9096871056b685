//! The physical operator: reads sorted rows and writes them with the gaps filled.

use super::node::Fill;
use super::series::{MAX_BATCH, Series};
use crate::error::Refusal;
use crate::functions::sizes::row_sizes;
use crate::functions::time::bins::Run;
use crate::guard::{QueryGuard, guard_of};
use datafusion::arrow::array::{ArrayRef, make_comparator};
use datafusion::arrow::compute::{SortOptions, concat_batches, partition};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr,
    PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// How keys and times are sorted.
const ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// See the module. It holds the rows of one series, and one batch.
#[derive(Debug)]
pub(crate) struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    fills: Vec<Fill>,
    bins: Arc<Vec<Run>>,
    ordering: LexOrdering,
    properties: Arc<PlanProperties>,
}

impl GapFillExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        fills: Vec<Fill>,
        bins: Arc<Vec<Run>>,
        schema: SchemaRef,
    ) -> Result<Self> {
        if fills.len() != schema.fields().len() || fills.len() != input.schema().fields().len() {
            return internal_err!("GapFill has other columns than its input");
        }
        let keys = fills.iter().enumerate().filter(|(_, fill)| **fill == Fill::Key);
        let times = fills.iter().enumerate().filter(|(_, fill)| **fill == Fill::Time);
        let columns = keys.chain(times).map(|(index, _)| {
            let column = Column::new(schema.field(index).name(), index);
            PhysicalSortExpr::new(Arc::new(column), ORDER)
        });
        let Some(ordering) = LexOrdering::new(columns) else { return internal_err!("GapFill needs a time") };
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, [ordering.clone()]),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { input, fills, bins, ordering, properties: Arc::new(properties) })
    }
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GapFillExec")
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &'static str {
        "GapFillExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![Some(OrderingRequirements::from(self.ordering.clone()))]
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
        let Some(input) = children.pop() else { return internal_err!("GapFillExec needs an input") };
        Ok(Arc::new(Self::new(input, self.fills.clone(), Arc::clone(&self.bins), self.schema())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let config = context.session_config();
        let Some(guard) = guard_of(config.options()).cloned() else {
            return Err(Refusal::invalid("gaps are filled inside a query only"));
        };
        let filler = Filler {
            input: self.input.execute(partition, Arc::clone(&context))?,
            schema: self.schema(),
            fills: self.fills.clone(),
            bins: Arc::clone(&self.bins),
            batch_rows: config.batch_size(),
            held: MemoryConsumer::new("gap filling").register(context.memory_pool()),
            guard,
            begun: Vec::new(),
            begun_bytes: 0,
            complete: VecDeque::new(),
            active: None,
            ended: false,
            rows: 0,
        };
        let batches = futures::stream::try_unfold(filler, |mut filler| async move {
            Ok(filler.next().await?.map(|batch| (batch, filler)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches.into_stream())))
    }
}

struct Filler {
    input: SendableRecordBatchStream,
    schema: SchemaRef,
    fills: Vec<Fill>,
    bins: Arc<Vec<Run>>,
    batch_rows: usize,
    held: MemoryReservation,
    guard: Arc<QueryGuard>,
    /// Rows of the series that may go on in the next batch of the input.
    begun: Vec<RecordBatch>,
    /// What they were counted as, bytes.
    begun_bytes: usize,
    /// Series that are known to have ended, and what they were counted as.
    complete: VecDeque<(RecordBatch, usize)>,
    /// The series that is being written, and what it was counted as.
    active: Option<(Series, usize)>,
    ended: bool,
    rows: u64,
}

impl Filler {
    /// Rows of one series or of several, as many as make a batch.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (mut parts, mut rows, mut bytes) = (Vec::new(), 0, 0u64);
        while let Some(part) = self.next_part().await? {
            rows += part.num_rows();
            bytes = row_sizes(&part).into_iter().fold(bytes, u64::saturating_add);
            let is_last = self.active.is_some() || rows >= self.batch_rows || bytes >= MAX_BATCH;
            parts.push(part);
            if is_last {
                break;
            }
        }
        if parts.is_empty() {
            return Ok(None);
        }
        self.rows = self.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        if self.rows > self.guard.max_rows() {
            return Err(Refusal::limit(format!(
                "filling gaps makes more than {} rows; use longer bins, a shorter time range or fewer groups",
                self.guard.max_rows()
            )));
        }
        Ok(Some(concat_batches(&self.schema, &parts)?))
    }

    async fn next_part(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            self.guard.check()?;
            if let Some((series, bytes)) = &mut self.active {
                let part = series.next(&self.schema, &self.fills, self.batch_rows)?;
                if series.has_ended() {
                    self.held.shrink(*bytes);
                    self.active = None;
                }
                if part.num_rows() > 0 {
                    return Ok(Some(part));
                }
            } else if let Some((rows, bytes)) = self.complete.pop_front() {
                self.active = Some((Series::new(rows, &self.fills, Arc::clone(&self.bins))?, bytes));
            } else if self.ended {
                return Ok(None);
            } else {
                match self.input.next().await {
                    Some(batch) => self.take_in(&batch?)?,
                    None => {
                        self.ended = true;
                        self.complete_series()?;
                    }
                }
            }
        }
    }

    /// Splits a batch into its series. The last one may not have ended.
    fn take_in(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = self.keys(batch);
        let ranges =
            if keys.is_empty() { std::iter::once(0..batch.num_rows()).collect() } else { partition(&keys)?.ranges() };
        for range in ranges {
            let rows = batch.slice(range.start, range.len());
            if !self.goes_on_with(&rows)? {
                self.complete_series()?;
            }
            // The rows themselves, and a copy of them in one piece.
            let bytes = row_sizes(&rows).into_iter().fold(0, u64::saturating_add).saturating_mul(2);
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            self.held.try_grow(bytes)?;
            self.begun_bytes = self.begun_bytes.saturating_add(bytes);
            self.begun.push(rows);
        }
        Ok(())
    }

    fn keys(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        let columns = batch.columns().iter().zip(&self.fills);
        columns.filter(|(_, fill)| **fill == Fill::Key).map(|(column, _)| Arc::clone(column)).collect()
    }

    /// Whether these rows belong to the series that has begun.
    fn goes_on_with(&self, rows: &RecordBatch) -> Result<bool> {
        let Some(begun) = self.begun.first() else { return Ok(true) };
        for (old, new) in self.keys(begun).iter().zip(self.keys(rows)) {
            if make_comparator(old, &new, ORDER)?(0, 0).is_ne() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn complete_series(&mut self) -> Result<()> {
        if !self.begun.is_empty() {
            let begun = std::mem::take(&mut self.begun);
            let rows = concat_batches(&self.input.schema(), &begun)?;
            self.complete.push_back((rows, std::mem::take(&mut self.begun_bytes)));
        }
        Ok(())
    }
}
