//! From the text of a request to checked rows and their log record, without holding any lock for long.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::error::ArrowError;
use parking_lot::Mutex;
use tidegate_line_protocol::{Line, Precision, RawLine, excerpt, lines, parse};
use tidegate_model::{DatabaseId, DatabaseLimits};

use crate::build::{Refusal, TableBuilder};
use crate::chunk::Chunk;
use crate::error::RejectedLine;
use crate::plan::Plan;
use crate::schema::TableSchema;
use crate::series::{SeriesHasher, SeriesSummary};
use crate::wal::payload::Encoder;

/// Most rejected lines that are listed; a body of millions of bad lines must not take gigabytes to describe.
pub const MAX_LISTED: usize = 10_000;

/// Most bad lines that are looked for when one is enough to refuse all.
const LISTED_OF_REFUSED: usize = 10;

/// Lines to write to one database.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Where to.
    pub database: DatabaseId,
    /// How large the database may grow.
    pub limits: DatabaseLimits,
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
    pub(crate) name: Arc<str>,
    /// The schema that the rows were checked against; `None` if there was no table.
    pub(crate) base: Option<Arc<TableSchema>>,
    /// That schema with the columns that the rows add.
    pub(crate) schema: Arc<TableSchema>,
    /// The rows in the order of their lines.
    pub(crate) chunks: Vec<(Chunk, SeriesSummary)>,
}

/// A checked request.
#[derive(Debug)]
pub(crate) struct Prepared {
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
    plan: &Mutex<Plan>,
    hasher: &SeriesHasher,
) -> Result<Prepared, ArrowError> {
    let mut batch = Batch::new(request, plan);
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
    let rows = batch.rows;
    let abandoned = rejected_total > 0 && !request.accept_partial;
    if rows == 0 || abandoned {
        return Ok(Prepared { tables: Vec::new(), payload: Vec::new(), rows: 0, rejected, rejected_total });
    }
    let tables = batch.finish(hasher)?;
    let payload = encode(request.database, &tables);
    Ok(Prepared { tables, payload, rows, rejected, rejected_total })
}

fn encode(database: DatabaseId, tables: &[PreparedTable]) -> Vec<u8> {
    let chunks = tables.iter().map(|table| table.chunks.len()).sum();
    let mut encoder = Encoder::new(database, chunks);
    for table in tables {
        for (chunk, _) in &table.chunks {
            encoder.chunk(&table.name, chunk);
        }
    }
    encoder.finish()
}

/// The accepted lines so far.
struct Batch<'r> {
    request: &'r WriteRequest,
    plan: &'r Mutex<Plan>,
    now: i64,
    tables: Vec<(Arc<str>, TableBuilder)>,
    index: HashMap<Arc<str>, usize>,
    /// Table of the line before, which most lines share.
    latest: usize,
    /// Number of tables of the database with those that accepted lines create.
    table_count: usize,
    rows: usize,
}

impl<'r> Batch<'r> {
    fn new(request: &'r WriteRequest, plan: &'r Mutex<Plan>) -> Self {
        let table_count = plan.lock().table_count(request.database);
        let now = request.precision.floor_now(request.received_at);
        Self { request, plan, now, tables: Vec::new(), index: HashMap::new(), latest: 0, table_count, rows: 0 }
    }

    fn add<'l>(&mut self, raw: &RawLine<'l>, line: &mut Line<'l>) -> Result<(), Refusal> {
        let refusal = |message: String| Refusal { message, limit: false };
        parse(raw.text, line).map_err(|error| refusal(error.to_string()))?;
        let time = match line.timestamp {
            None => self.now,
            Some(written) => self.request.precision.to_nanos(written).map_err(|error| refusal(error.to_string()))?,
        };
        let same = self.tables.get(self.latest).is_some_and(|(name, _)| **name == *line.measurement);
        if !same {
            match self.index.get(&*line.measurement) {
                Some(&at) => self.latest = at,
                None => return self.add_to_new_table(line, time),
            }
        }
        if let Some((_, table)) = self.tables.get_mut(self.latest) {
            table.push(line, time)?;
            self.rows += 1;
        }
        Ok(())
    }

    /// Adds a line to a table that no accepted line has named yet; a refused line leaves no table behind.
    fn add_to_new_table(&mut self, line: &Line<'_>, time: i64) -> Result<(), Refusal> {
        let base = self.plan.lock().table(self.request.database, &line.measurement);
        let creates = base.is_none();
        let limit = self.request.limits.max_tables as usize;
        if creates && self.table_count >= limit {
            let message = format!(
                "Update to schema would exceed number of tables limit: attempted to create table but already have {} \
                 table(s) (limit: {limit})",
                self.table_count
            );
            return Err(Refusal { message, limit: true });
        }
        let mut table = TableBuilder::new(base, self.request.limits.max_columns_per_table as usize);
        table.push(line, time)?;
        self.rows += 1;
        self.table_count += usize::from(creates);
        let name: Arc<str> = Arc::from(&*line.measurement);
        if let Entry::Vacant(entry) = self.index.entry(Arc::clone(&name)) {
            self.latest = self.tables.len();
            entry.insert(self.latest);
            self.tables.push((name, table));
        }
        Ok(())
    }

    fn finish(self, hasher: &SeriesHasher) -> Result<Vec<PreparedTable>, ArrowError> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for (name, builder) in self.tables {
            let built = builder.finish()?;
            let chunks = built
                .chunks
                .into_iter()
                .map(|chunk| {
                    let summary = hasher.summary(&chunk);
                    (chunk, summary)
                })
                .collect();
            tables.push(PreparedTable { name, base: built.base, schema: built.schema, chunks });
        }
        Ok(tables)
    }
}
