//! Threads for queries: each query at work has some of its own.
//!
//! A step of a query can take as long as the query may: planning never pauses, and neither does a join whose condition
//! is never true. On shared threads, one such query for each thread would keep every other query waiting. On threads of
//! its own it only takes its share of the processors, which the operating system divides.

use crate::error::SqlError;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// Lanes kept for later queries.
const MAX_IDLE: usize = 8;
/// The most threads of one lane.
const MAX_THREADS: usize = 8;
/// Stack of a query thread, bytes. Only what is used takes memory; expressions may be more than a thousand levels deep.
const STACK_BYTES: usize = 64 << 20;
/// How often a lane is asked whether all its tasks have ended.
const PAUSE: Duration = Duration::from_millis(2);

/// All lanes that no query uses.
#[derive(Debug)]
pub(crate) struct Lanes {
    idle: Mutex<Vec<Runtime>>,
    threads: usize,
}

impl Lanes {
    pub(crate) fn new(threads: usize) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::new(Vec::new()), threads: threads.clamp(1, MAX_THREADS) })
    }

    /// Threads of each lane.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// A lane for one query.
    pub(crate) fn take(self: &Arc<Self>) -> Result<Lane, SqlError> {
        let idle = self.idle.lock().pop();
        let runtime = match idle {
            Some(runtime) => runtime,
            // The system has no threads left, which others will give back.
            None => threads("tidegate-query", self.threads).map_err(|_| SqlError::Busy)?,
        };
        Ok(Lane { runtime: Some(runtime), lanes: Arc::clone(self) })
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        for runtime in self.idle.get_mut().drain(..) {
            runtime.shutdown_background();
        }
    }
}

/// The threads of one query.
#[derive(Debug)]
pub(crate) struct Lane {
    runtime: Option<Runtime>,
    lanes: Arc<Lanes>,
}

impl Lane {
    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(Runtime::handle)
    }

    /// Waits until nothing runs here any more, and keeps the threads for another query.
    pub(crate) async fn give_back(mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let mut guard = Shutdown(Some(runtime));
        while guard.0.as_ref().is_some_and(|runtime| runtime.metrics().num_alive_tasks() > 0) {
            tokio::time::sleep(PAUSE).await;
        }
        let mut idle = self.lanes.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.extend(guard.0.take());
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(Shutdown(self.runtime.take()));
    }
}

/// Ends threads without waiting for them.
struct Shutdown(Option<Runtime>);

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts threads that run tasks.
pub(crate) fn threads(name: &str, count: usize) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(count).thread_name(name).thread_stack_size(STACK_BYTES).enable_all().build()
}
