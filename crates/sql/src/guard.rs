//! What one running query carries with it: whether it has been stopped, its memory, its share for single results.

use crate::error::Refusal;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use tokio::sync::Notify;

/// The most that one call of a growing function may produce for one batch, bytes, in a query with few such calls.
const MAX_CALL_BYTES: u64 = 64 << 20;
/// The least, in a query with very many.
const MIN_CALL_BYTES: u64 = 64 << 10;
/// The longest constant that planning may compute by a growing function, bytes. Planning copies constants freely, so
/// longer ones are left to be computed while the query runs.
pub(crate) const MAX_FOLDED_BYTES: u64 = 4 << 10;

/// The state of one query that everything working for it can see.
#[derive(Debug)]
pub(crate) struct QueryGuard {
    stopped: AtomicBool,
    changed: Notify,
    running: AtomicBool,
    call_bytes: AtomicU64,
    max_rows: u64,
    pub(crate) pool: Arc<QueryPool>,
}

impl QueryGuard {
    /// `max_rows` is how many rows the query may return.
    pub(crate) fn new(pool: Arc<QueryPool>, max_rows: usize) -> Self {
        Self {
            stopped: AtomicBool::new(false),
            changed: Notify::new(),
            running: AtomicBool::new(false),
            call_bytes: AtomicU64::new(MAX_CALL_BYTES),
            max_rows: u64::try_from(max_rows).unwrap_or(u64::MAX),
            pool,
        }
    }

    /// Makes every later [`Self::check`] fail.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Waits for [`Self::stop`]. One waiter only.
    pub(crate) async fn until_stopped(&self) {
        while !self.stopped.load(Ordering::Acquire) {
            self.changed.notified().await;
        }
    }

    /// Fails once the query has been stopped.
    pub(crate) fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Acquire) { Err(Refusal::stopped()) } else { Ok(()) }
    }

    /// Planning has ended: growing functions may produce up to their share from now on.
    pub(crate) fn start_running(&self, growing_calls: usize, partitions: usize) {
        let calls = u64::try_from(growing_calls.max(1).saturating_mul(partitions.max(1))).unwrap_or(u64::MAX);
        let share = u64::try_from(self.pool.limit).unwrap_or(u64::MAX) / calls.saturating_mul(2);
        self.call_bytes.store(share.clamp(MIN_CALL_BYTES, MAX_CALL_BYTES), Ordering::Release);
        self.running.store(true, Ordering::Release);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Rows that the query may return, and that an operator may make up.
    pub(crate) fn max_rows(&self) -> u64 {
        self.max_rows
    }

    /// Bytes that one call of a growing function may produce for one batch.
    pub(crate) fn call_bytes(&self) -> u64 {
        self.call_bytes.load(Ordering::Acquire)
    }
}

/// The way the guard reaches functions, rules and operators: DataFusion hands them the session's options.
#[derive(Debug, Clone)]
pub(crate) struct GuardExtension(pub(crate) Arc<QueryGuard>);

/// The guard of the query that these options belong to.
pub(crate) fn guard_of(options: &ConfigOptions) -> Option<&Arc<QueryGuard>> {
    options.extensions.get::<GuardExtension>().map(|extension| &extension.0)
}

/// Fails once the query that these options belong to has been stopped.
pub(crate) fn check(options: &ConfigOptions) -> Result<()> {
    guard_of(options).map_or(Ok(()), |guard| guard.check())
}

impl ConfigExtension for GuardExtension {
    const PREFIX: &'static str = "tidegate";
}

impl ExtensionOptions for GuardExtension {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        Err(DataFusionError::Configuration(format!("there is no setting {key}")))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// The memory of all queries together.
#[derive(Debug)]
pub(crate) struct TotalPool {
    used: AtomicUsize,
    limit: usize,
}

impl TotalPool {
    pub(crate) fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }
}

/// The memory of one query, inside the memory of all.
#[derive(Debug)]
pub(crate) struct QueryPool {
    total: Arc<TotalPool>,
    used: AtomicUsize,
    limit: usize,
    total_exhausted: AtomicBool,
}

impl QueryPool {
    pub(crate) fn new(total: Arc<TotalPool>, limit: usize) -> Self {
        Self { total, used: AtomicUsize::new(0), limit, total_exhausted: AtomicBool::new(false) }
    }

    /// Whether memory was ever refused because other queries hold it.
    pub(crate) fn total_exhausted(&self) -> bool {
        self.total_exhausted.load(Ordering::Acquire)
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn take(counter: &AtomicUsize, bytes: usize, limit: usize) -> bool {
    let add = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= limit);
    counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, add).is_ok()
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::AcqRel);
        self.total.used.fetch_add(additional, Ordering::AcqRel);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::AcqRel);
        self.total.used.fetch_sub(shrink, Ordering::AcqRel);
    }

    fn try_grow(&self, _reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if !take(&self.used, additional, self.limit) {
            return Err(DataFusionError::ResourcesExhausted("memory limit of the query".into()));
        }
        if !take(&self.total.used, additional, self.total.limit) {
            self.used.fetch_sub(additional, Ordering::AcqRel);
            self.total_exhausted.store(true, Ordering::Release);
            return Err(DataFusionError::ResourcesExhausted("memory limit of all queries".into()));
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}
