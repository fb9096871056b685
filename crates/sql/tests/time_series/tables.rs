//! The tables that the tests ask.

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider};
use std::sync::Arc;

/// 2023-11-14T22:13:20Z.
const START: i64 = 1_700_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

/// `cpu`: 6 rows with a column of every type, in three partitions of two.
///
/// | time | host | f | i | u | b | s | all_null |
/// |---|---|---|---|---|---|---|---|
/// | 22:13:20 | a | 1.0 | 3 | 7 | true | "x" | |
/// | 22:13:30 | b | null | -4 | 0 | false | "" | |
/// | 22:13:40 | a | 3.0 | 3 | max | null | "é" | |
/// | 22:13:40 | b | 2.0 | null | 7 | true | null | |
/// | 22:14:00 | a | 1.0 | 5 | null | false | "b" | |
/// | 22:14:00 | null | 3.0 | 5 | 1 | true | "a" | |
pub(crate) fn tables() -> Arc<dyn SchemaProvider> {
    let schema = MemorySchemaProvider::new();
    let cpu = cpu();
    let parts = [4, 0, 2].map(|start| vec![cpu.slice(start, 2)]);
    let table = MemTable::try_new(cpu.schema(), parts.to_vec()).unwrap();
    schema.register_table("cpu".to_owned(), Arc::new(table)).unwrap();
    Arc::new(schema)
}

fn cpu() -> RecordBatch {
    let times = [0, 10, 20, 20, 40, 40].map(|second| START + second * SECOND);
    let hosts: DictionaryArray<Int32Type> =
        [Some("a"), Some("b"), Some("a"), Some("b"), Some("a"), None].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("time", Arc::new(TimestampNanosecondArray::from_iter_values(times))),
        ("host", Arc::new(hosts)),
        ("f", Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0), Some(2.0), Some(1.0), Some(3.0)]))),
        ("i", Arc::new(Int64Array::from(vec![Some(3), Some(-4), Some(3), None, Some(5), Some(5)]))),
        ("u", Arc::new(UInt64Array::from(vec![Some(7), Some(0), Some(u64::MAX), Some(7), None, Some(1)]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true), Some(false), Some(true)]))),
        ("s", Arc::new(StringArray::from(vec![Some("x"), Some(""), Some("é"), None, Some("b"), Some("a")]))),
        ("all_null", Arc::new(Float64Array::from(vec![None; 6]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}
