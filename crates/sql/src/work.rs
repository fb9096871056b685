//! The task that plans and runs one query.

use crate::Query;
use crate::error::{ErrorContext, SqlError};
use crate::guard::QueryGuard;
use crate::limits::QueryLimits;
use crate::session::LazyTemplate;
use crate::{plan, statement};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Everything the task needs.
pub(crate) struct Work {
    pub(crate) query: Query,
    pub(crate) limits: QueryLimits,
    pub(crate) template: Arc<LazyTemplate>,
    pub(crate) guard: Arc<QueryGuard>,
    pub(crate) started: oneshot::Sender<SchemaRef>,
    pub(crate) batches: mpsc::Sender<RecordBatch>,
}

impl Work {
    pub(crate) async fn run(self) -> Result<(), SqlError> {
        let Self { query, limits, template, guard, started, batches } = self;
        let explain = |error: DataFusionError| explain(&error, &limits, &guard);
        let statement =
            statement::prepare(&query.sql, &query.parameters, limits.max_sql_bytes).map_err(SqlError::Invalid)?;
        let template = template.get()?;
        let mut state = template.session(query.schema, &guard);
        let plan = plan::plan(&mut state, statement, &template.functions, &guard).await.map_err(explain)?;
        let mut stream = execute_stream(plan, state.task_ctx()).map_err(explain)?;
        let mut started = Some(started);
        let schema = stream.schema();
        let mut rows = 0usize;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(explain)?;
            rows = rows.saturating_add(batch.num_rows());
            if rows > limits.rows {
                return Err(too_many_rows(limits.rows));
            }
            if batch.num_rows() == 0 {
                continue;
            }
            if let Some(started) = started.take() {
                let _ = started.send(Arc::clone(&schema));
            }
            if batches.send(batch).await.is_err() {
                return Ok(());
            }
        }
        if let Some(started) = started.take() {
            let _ = started.send(schema);
        }
        Ok(())
    }
}

fn explain(error: &DataFusionError, limits: &QueryLimits, guard: &QueryGuard) -> SqlError {
    let context = ErrorContext {
        memory_per_query: limits.memory_per_query,
        total_memory_exhausted: guard.pool.total_exhausted(),
    };
    context.explain(error)
}

fn too_many_rows(limit: usize) -> SqlError {
    SqlError::Limit(format!("the result has more than {limit} rows; use LIMIT, or aggregate"))
}
