//! The rows of one table in memory.
//!
//! Rows are kept in two lists of chunks. No two rows of the *settled* chunks have the same tags and time, so queries
//! read them as they are. A chunk with a row that may repeat an earlier one goes to the *pending* chunks; the first
//! query after that, or a thread if they become many, merges them into the settled ones (see `merge`) for good. Whether a row may repeat
//! another is known from the newest time of its series, so rows that arrive in order of time are never merged.
//!
//! A row of a pending chunk can only repeat settled rows that are older in log order: a chunk that is settled at once
//! is newer than anything its series had, pending rows included.

use std::sync::Arc;

use arrow::error::ArrowError;
use parking_lot::Mutex;
use tracing::warn;

use crate::chunk::{Chunk, join_tail};
use crate::merge::merge;
use crate::schema::TableSchema;
use crate::series::{SeriesMap, SeriesSummary};

/// The rows of a table.
#[derive(Debug)]
pub(crate) struct TableBuffer {
    rows: Mutex<Rows>,
    /// Held while pending chunks are merged, never by the log thread.
    merging: Mutex<()>,
}

#[derive(Debug)]
struct Rows {
    schema: Arc<TableSchema>,
    newest: SeriesMap<i64>,
    settled: Vec<Arc<Chunk>>,
    pending: Vec<Arc<Chunk>>,
    /// While a merge runs, chunks are only added behind the ones that it reads.
    merge_runs: bool,
    /// Whether the caller of `append` has been told to merge and has not yet done so.
    merge_due: bool,
}

/// A table as it was at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) schema: Arc<TableSchema>,
    /// Rows of distinct tags and time.
    pub(crate) chunks: Vec<Arc<Chunk>>,
}

impl Snapshot {
    /// A table without rows.
    pub(crate) const fn empty(schema: Arc<TableSchema>) -> Self {
        Self { schema, chunks: Vec::new() }
    }
}

impl TableBuffer {
    pub(crate) fn new(schema: Arc<TableSchema>) -> Self {
        let rows = Rows {
            schema,
            newest: SeriesMap::default(),
            settled: Vec::new(),
            pending: Vec::new(),
            merge_runs: false,
            merge_due: false,
        };
        Self { rows: Mutex::new(rows), merging: Mutex::new(()) }
    }

    /// Adds the rows of one record, all at once for readers. `schema` has the columns of the table from now on.
    /// True if there are `merge_rows` pending rows or more, so that someone should `settle` the table rather than
    /// leave that to a query; true only once until that has been done.
    pub(crate) fn append(
        &self,
        schema: Arc<TableSchema>,
        chunks: Vec<(Chunk, SeriesSummary)>,
        merge_rows: usize,
    ) -> bool {
        let mut guard = self.rows.lock();
        let rows = &mut *guard;
        rows.schema = schema;
        for (chunk, summary) in chunks {
            let list = if summary.is_new(&mut rows.newest) { &mut rows.settled } else { &mut rows.pending };
            list.push(Arc::new(chunk));
            if !rows.merge_runs
                && let Err(error) = join_tail(list)
            {
                // The rows are in the list either way.
                warn!(%error, "cannot join small chunks");
            }
        }
        let due = !rows.merge_due && rows.pending_rows() >= merge_rows;
        rows.merge_due |= due;
        due
    }

    /// Merges pending rows, so that queries need not.
    pub(crate) fn settle(&self) {
        if let Err(error) = self.snapshot() {
            warn!(%error, "cannot merge rows that were written again");
        }
        self.rows.lock().merge_due = false;
    }

    /// Rows that a query would have to merge.
    #[cfg(test)]
    pub(crate) fn pending_rows(&self) -> usize {
        self.rows.lock().pending_rows()
    }

    /// The table now; merges first if rows may repeat each other.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, ArrowError> {
        if let Some(snapshot) = self.rows.lock().settled_snapshot() {
            return Ok(snapshot);
        }
        let _one_at_a_time = self.merging.lock();
        let (schema, settled, pending) = {
            let mut rows = self.rows.lock();
            if let Some(snapshot) = rows.settled_snapshot() {
                return Ok(snapshot);
            }
            rows.merge_runs = true;
            (Arc::clone(&rows.schema), rows.settled.clone(), rows.pending.clone())
        };
        let _done = MergeRuns(&self.rows);
        let merged = merge(&settled, &pending)?;
        let mut rows = self.rows.lock();
        let mut chunks = merged.clone();
        chunks.extend(rows.settled.drain(..).skip(settled.len()));
        rows.settled = chunks;
        rows.pending.drain(..pending.len());
        Ok(Snapshot { schema, chunks: merged })
    }
}

impl Rows {
    fn pending_rows(&self) -> usize {
        self.pending.iter().map(|chunk| chunk.rows()).sum()
    }

    /// The table, if no row may repeat another.
    fn settled_snapshot(&self) -> Option<Snapshot> {
        let settled = self.pending.is_empty();
        settled.then(|| Snapshot { schema: Arc::clone(&self.schema), chunks: self.settled.clone() })
    }
}

/// Ends a merge, also a failed one.
struct MergeRuns<'t>(&'t Mutex<Rows>);

impl Drop for MergeRuns<'_> {
    fn drop(&mut self) {
        self.0.lock().merge_runs = false;
    }
}
