//! Threads for queries, and the clock that ends them.

use crate::Query;
use crate::error::SqlError;
use crate::guard::{QueryGuard, QueryPool, TotalPool};
use crate::lanes::{Lanes, threads};
use crate::limits::QueryLimits;
use crate::session::LazyTemplate;
use crate::stream::{BatchStream, CancelOnDrop, QueryResult};
use crate::work::Work;
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
        let guard = Arc::new(QueryGuard::new(pool));
        let cancel = CancelOnDrop(Arc::clone(&guard));
        let (started, mut has_started) = oneshot::channel();
        let (sender, batches) = mpsc::channel(BUFFERED_BATCHES);
        let (ended, mut outcome) = oneshot::channel();
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
        tokio::select! {
            biased;
            Ok(schema) = &mut has_started => {
                Ok(QueryResult { schema, batches: BatchStream::new(batches, outcome, cancel) })
            }
            result = &mut outcome => match result {
                Ok(Err(error)) => Err(error),
                Ok(Ok(())) | Err(_) => Err(stopped()),
            },
        }
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
