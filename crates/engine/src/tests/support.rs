//! Helpers of the tests.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, RecordBatch, TimestampNanosecondArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::{SessionConfig, SessionContext};
use tidegate_line_protocol::Precision;
use tidegate_model::{DatabaseId, DatabaseLimits};

use crate::{Engine, EngineOptions, WriteError, WriteOutcome, WriteRequest};

pub(crate) fn database() -> DatabaseId {
    DatabaseId::new(1).unwrap()
}

pub(crate) fn open(directory: &Path) -> Engine {
    Engine::open(&directory.join("wal"), EngineOptions::default()).unwrap()
}

pub(crate) fn request(body: &str) -> WriteRequest {
    WriteRequest {
        database: database(),
        limits: DatabaseLimits::default(),
        body: body.to_owned(),
        precision: Precision::Nanosecond,
        received_at: 1_000,
        accept_partial: true,
    }
}

pub(crate) async fn try_write(engine: &Engine, body: &str) -> Result<WriteOutcome, WriteError> {
    engine.write(request(body), || true).await
}

/// Writes lines that are all good.
pub(crate) async fn write(engine: &Engine, body: &str) {
    let outcome = try_write(engine, body).await.unwrap();
    assert_eq!(outcome.rejected, [], "{body}");
}

pub(crate) async fn query_from(engine: &Engine, oldest: Option<i64>, sql: &str) -> Vec<RecordBatch> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.catalog("datafusion").unwrap().register_schema("public", engine.schema(database(), oldest)).unwrap();
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

/// Table names with their columns.
pub(crate) async fn schemas(engine: &Engine) -> BTreeMap<String, Vec<String>> {
    let schema = engine.schema(database(), None);
    let mut found = BTreeMap::new();
    for name in schema.table_names() {
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
