//! The engine: what the layers above use.

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use arrow::error::ArrowError;
use datafusion::catalog::SchemaProvider;
use parking_lot::Mutex;
use tidegate_model::DatabaseId;
use tokio::sync::oneshot;

use crate::buffer::{Buffer, TableRows};
use crate::error::{EngineError, RejectedLine, WriteError};
use crate::plan::Plan;
use crate::prepare::{Prepared, WriteRequest, prepare};
use crate::provider::DatabaseSchema;
use crate::schema::TableSchema;
use crate::series::SeriesHasher;
use crate::table::Table;
use crate::wal::file::{Disk, Storage};
use crate::wal::payload::decode;
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
    ///
    /// # Errors
    /// When the directory cannot be used, or the log is damaged anywhere but in a last write that was never
    /// acknowledged.
    pub fn open(directory: &Path, options: EngineOptions) -> Result<Self, EngineError> {
        Self::open_on(Box::new(Disk), directory, options)
    }

    pub(crate) fn open_on(
        storage: Box<dyn Storage>,
        directory: &Path,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        create_directory(storage.as_ref(), directory).map_err(|error| EngineError::io(directory, error))?;
        let buffer = Arc::new(Buffer::new(options.merge_rows));
        let hasher = SeriesHasher::default();
        let mut plan = Plan::default();
        let position = replay(directory, |record| apply(record, &mut plan, &buffer, &hasher))?;
        let log = Log::open(storage, directory.to_owned(), options, position)?;
        let queue = Arc::new(Queue::default());
        let log_thread = spawn_threads(log, &queue, &buffer).map_err(|error| EngineError::io(directory, error))?;
        let log_thread = Mutex::new(Some(log_thread));
        Ok(Self { inner: Arc::new(Inner { plan: Mutex::new(plan), queue, buffer, hasher, log_thread }) })
    }

    /// Writes lines. When it returns, the rows are on disk and the next query reads them.
    ///
    /// `begin` is the commit point: it is called at most once, after all checks and before anything can have an
    /// effect, and only if there are rows to write; false withdraws the request. It must be quick: writes of all
    /// databases wait for it. The future must be polled to its end once `begin` has returned true, or the caller never
    /// learns the outcome; the write itself goes on.
    ///
    /// # Errors
    /// See [`WriteError`]. After [`WriteError::Io`] all writes are refused until the engine is opened again.
    pub async fn write(
        &self,
        request: WriteRequest,
        begin: impl FnOnce() -> bool + Send,
    ) -> Result<WriteOutcome, WriteError> {
        if request.body.len() > MAX_BODY {
            return Err(WriteError::TooLarge { limit: MAX_BODY });
        }
        if self.inner.queue.is_shut() {
            return Err(WriteError::ReadOnly);
        }
        let request = Arc::new(request);
        let mut begin = Some(begin);
        loop {
            let prepared = self.prepare(&request).await?;
            if prepared.rows == 0 {
                let rejected = prepared.rejected;
                return Err(if rejected.is_empty() { WriteError::Empty } else { WriteError::Rejected(rejected) });
            }
            let Some((outcome, done)) = self.commit(&request, prepared, &mut begin)? else { continue };
            // The sender is only dropped unused when the log thread died.
            done.await.unwrap_or(Err(WriteError::ReadOnly))?;
            return Ok(outcome);
        }
    }

    async fn prepare(&self, request: &Arc<WriteRequest>) -> Result<Prepared, WriteError> {
        let failed = |error: ArrowError| WriteError::Io(Arc::new(io::Error::other(error)));
        if request.body.len() < PARSE_ELSEWHERE {
            return prepare(request, &self.inner.plan, &self.inner.hasher).map_err(failed);
        }
        let (inner, request) = (Arc::clone(&self.inner), Arc::clone(request));
        let parsing = tokio::task::spawn_blocking(move || prepare(&request, &inner.plan, &inner.hasher));
        parsing.await.map_err(|error| WriteError::Io(Arc::new(error.into())))?.map_err(failed)
    }

    /// Gives prepared rows their place in the log. `None` if the schema has moved since they were checked, so that
    /// they must be prepared again. That ends: each time, another request has made the schema grow, and it is limited.
    fn commit(
        &self,
        request: &WriteRequest,
        mut prepared: Prepared,
        begin: &mut Option<impl FnOnce() -> bool>,
    ) -> Result<Option<(WriteOutcome, Done)>, WriteError> {
        let (done, receiver) = oneshot::channel();
        let mut plan = self.inner.plan.lock();
        if plan.revalidate(request.database, request.limits, &mut prepared.tables).is_err() {
            return Ok(None);
        }
        if self.inner.queue.is_shut() {
            return Err(WriteError::ReadOnly);
        }
        if !begin.take().is_some_and(|begin| begin()) {
            return Err(WriteError::Aborted);
        }
        let mut rows = Vec::with_capacity(prepared.tables.len());
        for table in prepared.tables {
            plan.set(request.database, &table.name, &table.schema);
            rows.push(TableRows { name: table.name, schema: table.schema, chunks: table.chunks });
        }
        self.inner.queue.push(Record { database: request.database, payload: prepared.payload, rows, done })?;
        let outcome =
            WriteOutcome { rows: prepared.rows, rejected: prepared.rejected, rejected_total: prepared.rejected_total };
        Ok(Some((outcome, receiver)))
    }

    /// The highest id of a database that rows were ever written to; `None` if the log is empty.
    pub fn highest_database_id(&self) -> Option<DatabaseId> {
        self.inner.plan.lock().highest_database()
    }

    /// The tables of a database for queries. Each `table()` is a consistent snapshot of that table. Rows whose time
    /// in nanoseconds is less than `oldest_visible` never show.
    pub fn schema(&self, database: DatabaseId, oldest_visible: Option<i64>) -> Arc<dyn SchemaProvider> {
        Arc::new(DatabaseSchema::new(Arc::clone(&self.inner.buffer), database, oldest_visible))
    }

    /// A table as the buffer holds it.
    #[cfg(test)]
    pub(crate) fn buffer_table(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        self.inner.buffer.table(database, name)
    }

    /// Writes what waits, and refuses writes from then on. Blocks until the log is at rest. Queries go on.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
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
    let (to_settle, tables) = mpsc::channel::<Arc<Table>>();
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

/// Replays a record.
fn apply(payload: &[u8], plan: &mut Plan, buffer: &Buffer, hasher: &SeriesHasher) -> Result<(), String> {
    let decoded = decode(payload).map_err(|error| error.to_string())?;
    let database = decoded.database;
    let mut rows: Vec<TableRows> = Vec::new();
    for (name, chunk) in decoded.chunks {
        let known = plan.table(database, &name);
        let schema: Arc<TableSchema> = match known {
            None => Arc::clone(chunk.schema()),
            Some(known) => known.union(chunk.schema()).map_err(|error| format!("table '{name}': {error}"))?,
        };
        let chunk = chunk.sharing(&schema);
        let summary = hasher.summary(&chunk);
        let name: Arc<str> = name.into();
        plan.set(database, &name, &schema);
        match rows.last_mut().filter(|last| last.name == name) {
            Some(last) => {
                last.schema = schema;
                last.chunks.push((chunk, summary));
            }
            None => rows.push(TableRows { name, schema, chunks: vec![(chunk, summary)] }),
        }
    }
    for table in buffer.append(database, rows) {
        table.settle();
    }
    Ok(())
}
