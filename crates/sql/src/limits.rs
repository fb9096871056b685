//! The limits that every query runs under.

use std::time::Duration;

/// Limits on queries. All of them hold for every query, whatever credential started it.
#[derive(Debug, Clone)]
pub struct QueryLimits {
    /// How long one query may take from [`crate::QueryRuntime::execute`] to its last batch, waiting for a slow client
    /// included.
    pub time: Duration,
    /// Memory that one query may hold, bytes.
    pub memory_per_query: usize,
    /// Memory that all queries together may hold, bytes.
    pub memory_total: usize,
    /// Rows that one query may return.
    pub rows: usize,
    /// Threads that plan and run one query, at most 8; also how many parts its work is spread over.
    pub threads: usize,
    /// The longest SQL text, bytes. Parameter values count as well.
    pub max_sql_bytes: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory_per_query: 256 << 20,
            memory_total: 1 << 30,
            rows: 10_000_000,
            threads: std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8)),
            max_sql_bytes: 256 << 10,
        }
    }
}
