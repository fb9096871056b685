//! Tables to query, and helpers that run a query to its end.

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider};
use futures::StreamExt;
use std::sync::Arc;
use tidegate_sql::{Parameter, Query, QueryRuntime, SqlError};

pub(crate) const START: i64 = 1_700_000_000_000_000_000;

/// `cpu` (6 rows), `big` (200 000 rows of numbers), `wide` (40 rows with texts of 64 000 bytes).
pub(crate) fn tables() -> Arc<dyn SchemaProvider> {
    let schema = MemorySchemaProvider::new();
    for (name, batch) in [("cpu", cpu()), ("big", big()), ("wide", wide())] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        schema.register_table(name.to_owned(), Arc::new(table)).unwrap();
    }
    Arc::new(schema)
}

fn cpu() -> RecordBatch {
    let times = (0..6).map(|second| START + second * 1_000_000_000);
    let hosts: DictionaryArray<Int32Type> = ["a", "b", "a", "b", "a", "c"].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("time", Arc::new(TimestampNanosecondArray::from_iter_values(times))),
        ("host", Arc::new(hosts)),
        ("usage", Arc::new(Float64Array::from(vec![Some(0.5), Some(1.0), None, Some(2.0), Some(2.5), Some(3.0)]))),
        ("note", Arc::new(StringArray::from(vec![Some("x"), None, Some("yy"), Some("z,z"), Some(""), Some("é")]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn big() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(Int64Array::from_iter_values(0..200_000))),
        ("b", Arc::new(Int64Array::from_iter_values((0..200_000).map(|n| n % 7)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn wide() -> RecordBatch {
    let text = "w".repeat(64_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from_iter_values(0..40))),
        ("s", Arc::new(StringArray::from_iter_values((0..40).map(|_| text.as_str())))),
        ("t", Arc::new(std::iter::repeat_n(text.as_str(), 40).collect::<DictionaryArray<Int32Type>>())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn query(sql: &str) -> Query {
    with(sql, Vec::new())
}

pub(crate) fn with(sql: &str, parameters: Vec<(String, Parameter)>) -> Query {
    Query { sql: sql.to_owned(), parameters, schema: tables() }
}

/// Runs to the end without keeping the rows, and counts them.
pub(crate) async fn count(runtime: &QueryRuntime, query: Query) -> Result<usize, SqlError> {
    let mut result = runtime.execute(query).await?;
    let mut rows = 0;
    while let Some(batch) = result.batches.next().await {
        rows += batch?.num_rows();
    }
    Ok(rows)
}
