//! Threads for queries, and the clock that ends them.

use crate::Query;
use crate::error::SqlError;
use crate::guard::{QueryGuard, QueryPool, TotalPool};
use crate::lanes::{Lanes, threads};
use crate::limits::QueryLimits;
use crate::session::LazyTemplate;
use crate::stream::{BatchStream, CancelOnDrop, Outcome, QueryResult};
use crate::work::Work;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot::Sender;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// Queries at work at once, those that wait for their client included.
const MAX_RUNNING: usize = 128;
/// Batches that wait for the client of one query.
const BUFFERED_BATCHES: usize = 2;

/// Runs queries on threads of its own, so that no query can hold up anything else.
///
/// Dropping it stops all queries without waiting for them.
#[derive(Debug)]
pub struct QueryRuntime {
    limits: QueryLimits,
    template: Arc<LazyTemplate>,
    memory: Arc<TotalPool>,
    permits: Arc<Semaphore>,
    /// Where queries are planned and computed.
    lanes: Arc<Lanes>,
    /// Watches over time limits; nothing ever computes here.
    watch: Option<Runtime>,
}

impl QueryRuntime {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`SqlError::Internal`] if the system gives no threads.
    pub fn start(limits: QueryLimits) -> Result<Self, SqlError> {
        Self::start_with(limits, Vec::new())
    }

    /// Starts the threads and offers `extra` functions, unmeasured, beside the built-in ones. For tests.
    ///
    /// # Errors
    /// [`SqlError::Internal`] if the system gives no threads.
    pub fn start_with(limits: QueryLimits, extra: Vec<Arc<ScalarUDF>>) -> Result<Self, SqlError> {
        let lanes = Lanes::new(limits.threads);
        let template = LazyTemplate::new(extra, lanes.threads());
        let watch = threads("tidegate-qwatch", 1)
            .map_err(|error| SqlError::Internal(format!("query threads cannot start: {error}")))?;
        Ok(Self {
            template: Arc::new(template),
            memory: Arc::new(TotalPool::new(limits.memory_total)),
            permits: Arc::new(Semaphore::new(MAX_RUNNING)),
            lanes,
            watch: Some(watch),
            limits,
        })
    }

    /// Plans and runs a query. Returns when the first batch exists or the result is known to be empty, so that errors
    /// up to there are errors of this call. Dropping the future cancels the query.
    ///
    /// # Errors
    /// Every kind of [`SqlError`].
    pub async fn execute(&self, query: Query) -> Result<QueryResult, SqlError> {
        let watch = self.watch.as_ref().ok_or_else(stopped)?;
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| SqlError::Busy)?;
        let lane = self.lanes.take()?;
        let pool = Arc::new(QueryPool::new(Arc::clone(&self.memory), self.limits.memory_per_query));
        let guard = Arc::new(QueryGuard::new(pool, self.limits.rows));
        let cancel = CancelOnDrop(Arc::clone(&guard));
        let (started, has_started) = oneshot::channel();
        let (sender, batches) = mpsc::channel(BUFFERED_BATCHES);
        let (ended, outcome) = oneshot::channel();
        let task = Work {
            query,
            limits: self.limits.clone(),
            template: Arc::clone(&self.template),
            guard: Arc::clone(&guard),
            started,
            batches: sender,
        };
        let task = lane.handle().ok_or_else(stopped)?.spawn(task.run());
        let limit = self.limits.time;
        watch.spawn(async move {
            supervise(task, &guard, limit, ended).await;
            lane.give_back().await;
            drop(permit);
        });
        first_news(has_started, batches, outcome, cancel).await
    }

    /// Bytes that all queries together hold at this moment.
    #[must_use]
    pub fn memory_in_use(&self) -> usize {
        self.memory.used()
    }

    /// Queries at work at this moment, those included that were cancelled and have not unwound yet.
    #[must_use]
    pub fn running(&self) -> usize {
        MAX_RUNNING.saturating_sub(self.permits.available_permits())
    }
}

impl Drop for QueryRuntime {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.shutdown_background();
        }
    }
}

fn stopped() -> SqlError {
    SqlError::Internal("the query runtime has stopped".into())
}

/// Waits until a query has begun to answer, or has ended.
///
/// The outcome is asked first: a query that ended well has sent its columns before, so that they are found then. Asked the
/// other way round, a query that begins and ends between the two questions would look like one that never began.
async fn first_news(
    mut has_started: oneshot::Receiver<SchemaRef>,
    batches: mpsc::Receiver<RecordBatch>,
    mut outcome: oneshot::Receiver<Result<(), SqlError>>,
    cancel: CancelOnDrop,
) -> Result<QueryResult, SqlError> {
    let (schema, outcome) = tokio::select! {
        biased;
        result = &mut outcome => {
            result.map_err(|_| stopped())??;
            (has_started.try_recv().map_err(|_| stopped())?, Outcome::Complete)
        }
        Ok(schema) = &mut has_started => (schema, Outcome::Pending(outcome)),
    };
    Ok(QueryResult { schema, batches: BatchStream::new(batches, outcome, cancel) })
}

/// Waits for the end of a query: its own, its time limit, or its caller's loss of interest.
async fn supervise(
    mut task: JoinHandle<Result<(), SqlError>>,
    guard: &QueryGuard,
    limit: Duration,
    ended: Sender<Result<(), SqlError>>,
) {
    let outcome = tokio::select! {
        biased;
        result = &mut task => match result {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(SqlError::Internal("the query failed inside the server".into())),
            Err(_) => Err(stopped()),
        },
        () = tokio::time::sleep(limit) => {
            guard.stop();
            task.abort();
            Err(SqlError::Limit(format!(
                "the query takes longer than {limit:?}; narrow the time range or aggregate more"
            )))
        }
        () = guard.until_stopped() => {
            task.abort();
            Err(stopped())
        }
    };
    let _ = ended.send(outcome);
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::Schema;
    use futures::StreamExt;

    /// What the task and its supervisor leave behind: the columns, rows, and how it ended.
    async fn news(
        columns: Option<SchemaRef>,
        rows: usize,
        outcome: Option<Result<(), SqlError>>,
    ) -> Result<QueryResult, SqlError> {
        let (started, has_started) = oneshot::channel();
        let (sender, batches) = mpsc::channel(BUFFERED_BATCHES);
        let (ended, has_ended) = oneshot::channel();
        let pool = Arc::new(QueryPool::new(Arc::new(TotalPool::new(1)), 1));
        let cancel = CancelOnDrop(Arc::new(QueryGuard::new(pool, 1)));
        match columns {
            Some(columns) => started.send(columns).unwrap(),
            None => drop(started),
        }
        for _ in 0..rows {
            sender.try_send(RecordBatch::new_empty(Arc::new(Schema::empty()))).unwrap();
        }
        match outcome {
            Some(outcome) => ended.send(outcome).unwrap(),
            None => drop(ended),
        }
        first_news(has_started, batches, has_ended, cancel).await
    }

    #[tokio::test]
    async fn a_query_that_has_ended_before_anybody_looks_has_its_rows() {
        let result = news(Some(Arc::new(Schema::empty())), 2, Some(Ok(()))).await.unwrap();
        let rows: Vec<_> = result.batches.collect().await;
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(Result::is_ok), "{rows:?}");
    }

    #[tokio::test]
    async fn an_error_is_told_though_the_answer_had_begun() {
        let error = news(Some(Arc::new(Schema::empty())), 1, Some(Err(SqlError::Busy))).await.unwrap_err();
        assert!(matches!(error, SqlError::Busy), "{error:?}");
    }

    #[tokio::test]
    async fn a_lost_supervisor_is_an_error() {
        let error = news(None, 0, None).await.unwrap_err();
        assert!(matches!(error, SqlError::Internal(_)), "{error:?}");
    }
}
