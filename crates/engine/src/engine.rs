//! The engine: what the layers above use.

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use datafusion::catalog::SchemaProvider;
use parking_lot::Mutex;
use tidegate_model::DatabaseId;
use tokio::sync::oneshot;

use crate::buffer::{Buffer, TableRows};
use crate::directory::TableDirectory;
use crate::error::{EngineError, RejectedLine, WriteError};
use crate::plan::Plan;
use crate::prepare::{Prepared, PreparedTable, WriteRequest, prepare};
use crate::provider::DatabaseSchema;
use crate::recovery::apply;
use crate::series::SeriesHasher;
use crate::table::TableBuffer;
use crate::wal::file::{Disk, Storage};
use crate::wal::{Log, Queue, Record, replay};

/// Longest body of one request in bytes. Keeps string offsets and record lengths, which are a few times as long at
/// most, in the range of 32 bits.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Bodies from this many bytes on are parsed on a thread of their own, so that they hold up no other request.
const PARSE_ELSEWHERE: usize = 16 * 1024;

/// How the log is laid out, and when rows are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// A new segment is begun once one has this many bytes.
    pub segment_bytes: u64,
    /// Most bytes of records that are written with one sync, unless a single record is larger.
    pub group_bytes: usize,
    /// Once a table has this many rows that may repeat earlier ones, they are merged in the background; fewer wait for
    /// a query.
    pub merge_rows: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, group_bytes: 16 * 1024 * 1024, merge_rows: 256 * 1024 }
    }
}

/// What became of a write of which at least one line was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Rows written, durable and readable.
    pub rows: usize,
    /// The lines that were not written, in order, at most [`MAX_LISTED`](crate::MAX_LISTED).
    pub rejected: Vec<RejectedLine>,
    /// How many lines were not written, listed or not.
    pub rejected_total: usize,
}

/// The storage of all databases. Cheap to clone; the log is closed when the last clone is dropped.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    tables: Arc<dyn TableDirectory>,
    /// Held from the last check of a request until its record has its place in the log, so that the log has the
    /// order in which schemas changed.
    plan: Mutex<Plan>,
    queue: Arc<Queue>,
    buffer: Arc<Buffer>,
    hasher: SeriesHasher,
    log_thread: Mutex<Option<JoinHandle<()>>>,
}

/// Tells when a record is durable and readable.
type Done = oneshot::Receiver<Result<(), WriteError>>;

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the log in `directory`, creating the directory if it is missing (but not its parents), and reads it.
    /// `tables` must know all tables in it.
    ///
    /// # Errors
    /// When the directory cannot be used, the log is damaged anywhere but in a last write that was never acknowledged,
    /// or has rows of a table that `tables` does not know.
    pub fn open(
        directory: &Path,
        tables: Arc<dyn TableDirectory>,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        Self::open_on(Box::new(Disk), directory, tables, options)
    }

    pub(crate) fn open_on(
        storage: Box<dyn Storage>,
        directory: &Path,
        tables: Arc<dyn TableDirectory>,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        create_directory(storage.as_ref(), directory).map_err(|error| EngineError::io(directory, error))?;
        let buffer = Arc::new(Buffer::new(options.merge_rows));
        let hasher = SeriesHasher::default();
        let mut plan = Plan::default();
        let position = replay(directory, |record| apply(record, tables.as_ref(), &mut plan, &buffer, &hasher))?;
        let log = Log::open(storage, directory.to_owned(), options, position)?;
        let queue = Arc::new(Queue::default());
        let log_thread = spawn_threads(log, &queue, &buffer).map_err(|error| EngineError::io(directory, error))?;
        let log_thread = Mutex::new(Some(log_thread));
        Ok(Self { inner: Arc::new(Inner { tables, plan: Mutex::new(plan), queue, buffer, hasher, log_thread }) })
    }

    /// Writes lines. When it returns, the rows are on disk and the next query reads them.
    ///
    /// `begin` is the commit point: it is called at most once, after all checks and before anything can have an
    /// effect, and only if there are rows to write; false withdraws the request. It must be quick: writes of all
    /// databases wait for it. The future must be polled to its end once `begin` has returned true, or the caller never
    /// learns the outcome; the write itself goes on.
    ///
    /// # Errors
    /// See [`WriteError`]. After [`WriteError::TablesMissing`] the caller creates the tables and writes again. After
    /// [`WriteError::Io`] all writes are refused until the engine is opened again.
    pub async fn write(
        &self,
        request: impl Into<Arc<WriteRequest>>,
        begin: impl FnOnce() -> bool + Send,
    ) -> Result<WriteOutcome, WriteError> {
        let request = request.into();
        if request.body.len() > MAX_BODY {
            return Err(WriteError::TooLarge { limit: MAX_BODY });
        }
        if self.inner.queue.is_shut() {
            return Err(WriteError::ReadOnly);
        }
        let mut begin = Some(begin);
        loop {
            let prepared = self.prepare(&request).await?;
            let Some((outcome, done)) = self.commit(&request, prepared, &mut begin)? else { continue };
            // The sender is only dropped unused when the log thread died.
            done.await.unwrap_or(Err(WriteError::ReadOnly))?;
            return Ok(outcome);
        }
    }

    async fn prepare(&self, request: &Arc<WriteRequest>) -> Result<Prepared, WriteError> {
        if request.body.len() < PARSE_ELSEWHERE {
            return self.inner.prepare(request);
        }
        let (inner, request) = (Arc::clone(&self.inner), Arc::clone(request));
        let parsing = tokio::task::spawn_blocking(move || inner.prepare(&request));
        parsing.await.map_err(|error| WriteError::Io(Arc::new(error.into())))?
    }

    /// Gives prepared rows their place in the log. `None` if tables have changed since they were checked, so that
    /// they must be prepared again. That ends: each time, another request has made a schema grow, and it is limited,
    /// or somebody has deleted a table.
    fn commit(
        &self,
        request: &WriteRequest,
        mut prepared: Prepared,
        begin: &mut Option<impl FnOnce() -> bool>,
    ) -> Result<Option<(WriteOutcome, Done)>, WriteError> {
        let database = request.database.id;
        let (done, receiver) = oneshot::channel();
        let mut plan = self.inner.plan.lock();
        if plan.revalidate(database, self.inner.tables.as_ref(), &mut prepared).is_err() {
            return Ok(None);
        }
        if self.inner.queue.is_shut() {
            return Err(WriteError::ReadOnly);
        }
        if !begin.take().is_some_and(|begin| begin()) {
            return Err(WriteError::Aborted);
        }
        let mut rows = Vec::with_capacity(prepared.tables.len());
        for PreparedTable { table, schema, chunks, .. } in prepared.tables {
            plan.set(table.id, &schema);
            rows.push(TableRows { table: table.id, schema, chunks });
        }
        self.inner.queue.push(Record { payload: prepared.payload, rows, done })?;
        let outcome =
            WriteOutcome { rows: prepared.rows, rejected: prepared.rejected, rejected_total: prepared.rejected_total };
        Ok(Some((outcome, receiver)))
    }

    /// The active tables of a database for queries; a table that nobody has written to is empty. Each `table()` is a
    /// consistent snapshot of that table. Rows whose time in nanoseconds is less than `oldest_visible` never show.
    pub fn schema(&self, database: DatabaseId, oldest_visible: Option<i64>) -> Arc<dyn SchemaProvider> {
        let directory = Arc::clone(&self.inner.tables);
        Arc::new(DatabaseSchema { directory, buffer: Arc::clone(&self.inner.buffer), database, oldest_visible })
    }

    /// The rows of a table as the buffer holds them.
    #[cfg(test)]
    pub(crate) fn buffer_table(&self, id: tidegate_model::TableId) -> Option<Arc<TableBuffer>> {
        self.inner.buffer.table(id)
    }

    /// Writes what waits, and refuses writes from then on. Blocks until the log is at rest. Queries go on.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn prepare(&self, request: &WriteRequest) -> Result<Prepared, WriteError> {
        prepare(request, self.tables.as_ref(), &self.plan, &self.hasher)
    }

    fn close(&self) {
        self.queue.close();
        if let Some(thread) = self.log_thread.lock().take() {
            // A panic of the log thread has been reported by it and has failed the writes.
            let _panicked = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// Starts the log thread, and one that merges for it and ends with it.
fn spawn_threads(log: Log, queue: &Arc<Queue>, buffer: &Arc<Buffer>) -> io::Result<JoinHandle<()>> {
    let (to_settle, tables) = mpsc::channel::<Arc<TableBuffer>>();
    thread::Builder::new().name("tidegate-merge".to_owned()).spawn(move || {
        for table in tables {
            table.settle();
        }
    })?;
    let (queue, buffer) = (Arc::clone(queue), Arc::clone(buffer));
    thread::Builder::new().name("tidegate-log".to_owned()).spawn(move || log.run(&queue, &buffer, &to_settle))
}

/// Creates the directory and makes its entry durable.
fn create_directory(storage: &dyn Storage, directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => storage.sync_directory(parent),
        _ => storage.sync_directory(Path::new(".")),
    }
}
