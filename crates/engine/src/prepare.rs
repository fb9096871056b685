//! From the text of a request to checked rows and their log record, without holding any lock for long.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;

use arrow::error::ArrowError;
use parking_lot::Mutex;
use tidegate_line_protocol::{Line, Precision, RawLine, excerpt, lines, parse};
use tidegate_model::{Database, DatabaseId, Table, TableId, TableName};

use crate::build::{Refusal, TableBuilder};
use crate::chunk::Chunk;
use crate::directory::TableDirectory;
use crate::error::{RejectedLine, WriteError};
use crate::plan::Plan;
use crate::schema::TableSchema;
use crate::series::{SeriesHasher, SeriesSummary};
use crate::wal::payload::Encoder;

/// Most rejected lines that are listed; a body of millions of bad lines must not take gigabytes to describe.
pub const MAX_LISTED: usize = 10_000;

/// Most bad lines that are looked for when one is enough to refuse all.
const LISTED_OF_REFUSED: usize = 10;

/// Most tables that one request can create, so that creating them holds up nobody for long.
pub const MAX_NEW_TABLES: usize = 500;

/// Lines to write to one database.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Where to. Its limits and its partition template are those of tables that do not exist yet.
    pub database: Arc<Database>,
    /// Line protocol.
    pub body: String,
    /// Unit of the timestamps in the body.
    pub precision: Precision,
    /// When the request arrived, in nanoseconds since 1970: the time of lines without timestamp.
    pub received_at: i64,
    /// Whether good lines are written when others are bad.
    pub accept_partial: bool,
}

/// Rows of one table, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedTable {
    pub(crate) table: Arc<Table>,
    /// The schema that the rows were checked against.
    pub(crate) base: Arc<TableSchema>,
    /// That schema with the columns that the rows add.
    pub(crate) schema: Arc<TableSchema>,
    /// The rows in the order of their lines.
    pub(crate) chunks: Vec<(Chunk, SeriesSummary)>,
}

/// A checked request with at least one row.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The names that lines use, and the tables that they reached.
    pub(crate) names: Vec<(Arc<str>, TableId)>,
    pub(crate) tables: Vec<PreparedTable>,
    /// The log record.
    pub(crate) payload: Vec<u8>,
    pub(crate) rows: usize,
    /// The first [`MAX_LISTED`] bad lines.
    pub(crate) rejected: Vec<RejectedLine>,
    pub(crate) rejected_total: usize,
}

/// Parses and checks every line. With `accept_partial` unset it stops after [`LISTED_OF_REFUSED`] bad ones.
pub(crate) fn prepare(
    request: &WriteRequest,
    directory: &dyn TableDirectory,
    plan: &Mutex<Plan>,
    hasher: &SeriesHasher,
) -> Result<Prepared, WriteError> {
    let mut batch = Batch::new(request, directory, plan);
    let mut rejected = Vec::new();
    let mut rejected_total = 0;
    let mut line = Line::default();
    for raw in lines(&request.body) {
        let Err(refusal) = batch.add(&raw, &mut line) else { continue };
        rejected_total += 1;
        if rejected.len() < MAX_LISTED {
            rejected.push(RejectedLine {
                number: raw.number,
                excerpt: excerpt(raw.text).to_owned(),
                message: refusal.message,
                limit: refusal.limit,
            });
        }
        if !request.accept_partial && rejected_total == LISTED_OF_REFUSED {
            break;
        }
    }
    let abandoned = rejected_total > 0 && !request.accept_partial;
    if batch.rows == 0 || abandoned {
        return Err(if rejected.is_empty() { WriteError::Empty } else { WriteError::Rejected(rejected) });
    }
    let missing = batch.missing();
    if !missing.is_empty() {
        return Err(WriteError::TablesMissing(missing));
    }
    let rows = batch.rows;
    let failed = |error: ArrowError| WriteError::Io(Arc::new(io::Error::other(error)));
    let (names, tables) = batch.finish(hasher).map_err(failed)?;
    let payload = encode(request.database.id, &tables);
    Ok(Prepared { names, tables, payload, rows, rejected, rejected_total })
}

fn encode(database: DatabaseId, tables: &[PreparedTable]) -> Vec<u8> {
    let chunks = tables.iter().map(|table| table.chunks.len()).sum();
    let mut encoder = Encoder::new(database, chunks);
    for rows in tables {
        for (chunk, _) in &rows.chunks {
            encoder.chunk(rows.table.id, chunk);
        }
    }
    encoder.finish()
}

/// A name that lines use. Two names may reach one table: its present and a former one.
struct Name {
    name: Arc<str>,
    /// Index of the rows.
    rows: usize,
}

/// The accepted rows of one table.
struct Rows {
    /// `None` for a table that does not exist yet.
    table: Option<Arc<Table>>,
    builder: TableBuilder,
}

type NamesAndTables = (Vec<(Arc<str>, TableId)>, Vec<PreparedTable>);

/// The accepted lines so far.
struct Batch<'r> {
    request: &'r WriteRequest,
    directory: &'r dyn TableDirectory,
    plan: &'r Mutex<Plan>,
    now: i64,
    names: Vec<Name>,
    by_name: HashMap<Arc<str>, usize>,
    /// Name of the line before, which most lines share.
    latest: usize,
    tables: Vec<Rows>,
    by_id: HashMap<TableId, usize>,
    /// Number of tables of the database with those that accepted lines need.
    table_count: usize,
    /// Those among them that accepted lines need and that do not exist.
    new_tables: usize,
    rows: usize,
}

impl<'r> Batch<'r> {
    fn new(request: &'r WriteRequest, directory: &'r dyn TableDirectory, plan: &'r Mutex<Plan>) -> Self {
        Self {
            request,
            directory,
            plan,
            now: request.precision.floor_now(request.received_at),
            names: Vec::new(),
            by_name: HashMap::new(),
            latest: 0,
            tables: Vec::new(),
            by_id: HashMap::new(),
            table_count: directory.count(request.database.id),
            new_tables: 0,
            rows: 0,
        }
    }

    fn add<'l>(&mut self, raw: &RawLine<'l>, line: &mut Line<'l>) -> Result<(), Refusal> {
        let refusal = |message: String| Refusal { message, limit: false };
        parse(raw.text, line).map_err(|error| refusal(error.to_string()))?;
        let time = match line.timestamp {
            None => self.now,
            Some(written) => self.request.precision.to_nanos(written).map_err(|error| refusal(error.to_string()))?,
        };
        match self.builder(&line.measurement) {
            Some(builder) => builder.push(line, time)?,
            None => self.add_to_new_table(line, time)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Where lines of this name go; `None` for a table that does not exist and that no accepted line has named yet.
    fn builder(&mut self, name: &str) -> Option<&mut TableBuilder> {
        let same = self.names.get(self.latest).is_some_and(|latest| *latest.name == *name);
        if !same {
            match self.by_name.get(name) {
                Some(&at) => self.latest = at,
                None => self.find(name)?,
            }
        }
        let rows = self.names.get(self.latest)?.rows;
        self.tables.get_mut(rows).map(|rows| &mut rows.builder)
    }

    /// Asks for the table of a name that no line has used yet.
    fn find(&mut self, name: &str) -> Option<()> {
        let table = self.directory.find(self.request.database.id, name)?;
        let rows = match self.by_id.entry(table.id) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let known = self.plan.lock().table(table.id);
                let base = known.unwrap_or_else(|| TableSchema::base(table.partition_template.as_ref()));
                let builder = TableBuilder::new(base, table.max_columns as usize);
                self.tables.push(Rows { table: Some(table), builder });
                *entry.insert(self.tables.len() - 1)
            }
        };
        self.remember(name, rows);
        Some(())
    }

    fn remember(&mut self, name: &str, rows: usize) {
        let name: Arc<str> = name.into();
        self.latest = self.names.len();
        self.by_name.insert(Arc::clone(&name), self.latest);
        self.names.push(Name { name, rows });
    }

    /// Adds the first line of a table that does not exist; a refused line leaves no table behind.
    fn add_to_new_table(&mut self, line: &Line<'_>, time: i64) -> Result<(), Refusal> {
        let database = &self.request.database;
        let limit = database.limits.max_tables as usize;
        if self.table_count >= limit {
            let message = format!(
                "Update to schema would exceed number of tables limit: attempted to create table but already have {} \
                 table(s) (limit: {limit})",
                self.table_count
            );
            return Err(Refusal { message, limit: true });
        }
        if self.new_tables == MAX_NEW_TABLES {
            let message = format!("one write can create at most {MAX_NEW_TABLES} tables, send the rest in another one");
            return Err(Refusal { message, limit: true });
        }
        if let Err(error) = TableName::check_length(&line.measurement) {
            return Err(Refusal { message: error.to_string(), limit: false });
        }
        let base = TableSchema::base(database.partition_template.as_ref());
        let mut builder = TableBuilder::new(base, database.limits.max_columns_per_table as usize);
        builder.push(line, time)?;
        self.table_count += 1;
        self.new_tables += 1;
        self.tables.push(Rows { table: None, builder });
        self.remember(&line.measurement, self.tables.len() - 1);
        Ok(())
    }

    /// Names of tables that accepted lines need and that do not exist, in order of first use.
    fn missing(&self) -> Vec<Arc<str>> {
        let is_missing = |name: &&Name| self.tables.get(name.rows).is_some_and(|rows| rows.table.is_none());
        self.names.iter().filter(is_missing).map(|name| Arc::clone(&name.name)).collect()
    }

    /// The names of the request and its rows, table by table. No table may be missing.
    fn finish(self, hasher: &SeriesHasher) -> Result<NamesAndTables, ArrowError> {
        let reached = |Name { name, rows }: Name| {
            let table = self.tables.get(rows).and_then(|rows| rows.table.as_ref())?;
            Some((name, table.id))
        };
        let names = self.names.into_iter().filter_map(reached).collect();
        let mut tables = Vec::with_capacity(self.tables.len());
        for Rows { table, builder } in self.tables {
            let Some(table) = table.filter(|_| !builder.is_empty()) else { continue };
            let built = builder.finish()?;
            let summarized = |chunk: Chunk| {
                let summary = hasher.summary(&chunk);
                (chunk, summary)
            };
            let chunks = built.chunks.into_iter().map(summarized).collect();
            tables.push(PreparedTable { table, base: built.base, schema: built.schema, chunks });
        }
        Ok((names, tables))
    }
}
