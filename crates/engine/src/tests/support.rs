//! Helpers of the tests.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, TimestampNanosecondArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{SessionConfig, SessionContext};
use tempfile::TempDir;
use tidegate_line_protocol::Precision;
use tidegate_model::{
    Database, DatabaseId, DatabaseLimits, Description, OrganizationId, Retention, TableId, Timestamp,
};

use super::tables::Tables;
use crate::wal::file::{Disk, Storage};
use crate::{Engine, EngineOptions, TableDirectory, WriteError, WriteOutcome, WriteRequest};

/// A directory for a log, and the tables that it has rows of.
pub(crate) struct Home {
    directory: TempDir,
    pub(crate) tables: Arc<Tables>,
}

pub(crate) fn home() -> Home {
    Home { directory: tempfile::tempdir().unwrap(), tables: Arc::default() }
}

impl Home {
    /// Another directory for the same tables.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { tables: Arc::clone(&self.tables), ..home() }
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.directory.path().join("wal")
    }

    pub(crate) fn open_with(&self, storage: impl Storage + 'static, options: EngineOptions) -> TestEngine {
        let engine = Engine::open_on(Box::new(storage), &self.wal(), self.tables.clone(), options).unwrap();
        TestEngine { engine, tables: Arc::clone(&self.tables) }
    }
}

pub(crate) fn open(home: &Home) -> TestEngine {
    home.open_with(Disk, EngineOptions::default())
}

/// An engine whose writes create the tables that are missing.
#[derive(Clone)]
pub(crate) struct TestEngine {
    engine: Engine,
    pub(crate) tables: Arc<Tables>,
}

impl Deref for TestEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl TestEngine {
    pub(crate) async fn write(
        &self,
        request: WriteRequest,
        begin: impl FnOnce() -> bool + Send,
    ) -> Result<WriteOutcome, WriteError> {
        let mut begin = Some(begin);
        loop {
            let written = self.engine.write(request.clone(), || begin.take().is_some_and(|begin| begin())).await;
            let Err(WriteError::TablesMissing(names)) = written else { return written };
            assert!(begin.is_some(), "the commit point was reached without the tables {names:?}");
            // If others have created them, or too many tables, the next round tells.
            let _created = self.tables.create(&request.database, &names);
        }
    }

    /// The id of an active table of the test database.
    pub(crate) fn id(&self, name: &str) -> TableId {
        self.tables.find(database().id, name).unwrap().id
    }

    /// Whether a query finds a table of this name in the test database that rows have been written to.
    pub(crate) fn has_rows(&self, name: &str) -> bool {
        self.tables.find(database().id, name).is_some_and(|table| self.buffer_table(table.id).is_some())
    }
}

/// The database of most tests.
pub(crate) fn database() -> Database {
    database_of(1, DatabaseLimits::default())
}

pub(crate) fn database_of(id: i64, limits: DatabaseLimits) -> Database {
    Database {
        id: DatabaseId::new(id).unwrap(),
        organization: OrganizationId::new(1).unwrap(),
        name: format!("db{id}").parse().unwrap(),
        description: Description::default(),
        retention: Retention::FOREVER,
        limits,
        partition_template: None,
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
        deleted_at: None,
    }
}

pub(crate) fn request(body: &str) -> WriteRequest {
    request_to(database(), body)
}

pub(crate) fn request_to(database: Database, body: &str) -> WriteRequest {
    WriteRequest {
        database: Arc::new(database),
        body: body.to_owned(),
        precision: Precision::Nanosecond,
        received_at: 1_000,
        accept_partial: true,
    }
}

pub(crate) async fn try_write(engine: &TestEngine, body: &str) -> Result<WriteOutcome, WriteError> {
    engine.write(request(body), || true).await
}

/// Writes lines that are all good.
pub(crate) async fn write(engine: &TestEngine, body: &str) {
    let outcome = try_write(engine, body).await.unwrap();
    assert_eq!(outcome.rejected, [], "{body}");
}

pub(crate) async fn query_from(engine: &Engine, oldest: Option<i64>, sql: &str) -> Vec<RecordBatch> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.catalog("datafusion").unwrap().register_schema("public", engine.schema(database().id, oldest)).unwrap();
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

pub(crate) async fn query(engine: &Engine, sql: &str) -> Vec<RecordBatch> {
    query_from(engine, None, sql).await
}

/// Rows as texts: `name=value` of every column that is not null, in column order; sorted.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::new();
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let mut cells = Vec::new();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                if column.is_null(row) {
                    continue;
                }
                let value = match column.as_any().downcast_ref::<TimestampNanosecondArray>() {
                    Some(times) => times.value(row).to_string(),
                    None => ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string(),
                };
                cells.push(format!("{}={value}", field.name()));
            }
            rows.push(cells.join(" "));
        }
    }
    rows.sort();
    rows
}

/// All rows of a table.
pub(crate) async fn table(engine: &Engine, name: &str) -> Vec<String> {
    rows(&query(engine, &format!("SELECT * FROM \"{name}\"")).await)
}

/// Names of the tables that have rows, with their columns.
pub(crate) async fn schemas(engine: &TestEngine) -> BTreeMap<String, Vec<String>> {
    let schema = engine.schema(database().id, None);
    let mut found = BTreeMap::new();
    for name in schema.table_names() {
        if !engine.has_rows(&name) {
            continue;
        }
        let table = schema.table(&name).await.unwrap().unwrap();
        let columns =
            table.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
        found.insert(name, columns);
    }
    found
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A single rejected line, from whichever place.
pub(crate) fn only_message(result: Result<WriteOutcome, WriteError>) -> (String, bool) {
    let rejected = match result {
        Ok(outcome) => outcome.rejected,
        Err(WriteError::Rejected(rejected)) => rejected,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(rejected.len(), 1);
    (rejected[0].message.clone(), rejected[0].limit)
}
