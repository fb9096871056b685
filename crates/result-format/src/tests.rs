use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use proptest::prelude::*;

use super::*;

fn encode(format: Format, batches: &[RecordBatch], schema: SchemaRef) -> String {
    let mut encoder = Encoder::new(format, schema);
    let mut bytes = Vec::new();
    for batch in batches {
        bytes.extend_from_slice(&encoder.batch(batch).unwrap());
    }
    bytes.extend_from_slice(&encoder.finish().unwrap());
    String::from_utf8(bytes).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn sample() -> RecordBatch {
    let hosts: DictionaryArray<Int32Type> = vec![Some("a"), None].into_iter().collect();
    batch(vec![
        ("alive", Arc::new(BooleanArray::from(vec![Some(true), None])) as ArrayRef),
        ("count", Arc::new(UInt64Array::from(vec![Some(u64::MAX), Some(0)]))),
        ("host", Arc::new(hosts)),
        ("name", Arc::new(StringArray::from(vec![Some("a,\"b\"\nc"), None]))),
        ("time", Arc::new(TimestampNanosecondArray::from(vec![3_000_000_000, 3_000_000_001]))),
        ("usage", Arc::new(Float64Array::from(vec![Some(20.0), Some(f64::INFINITY)]))),
    ])
}

fn all(format: Format) -> String {
    encode(format, &[sample()], sample().schema())
}

#[test]
fn json_leaves_nulls_out_and_has_no_infinity() {
    assert_eq!(
        all(Format::Json),
        r#"[{"alive":true,"count":18446744073709551615,"host":"a","name":"a,\"b\"\nc","time":"1970-01-01T00:00:03","usage":20.0},{"count":0,"time":"1970-01-01T00:00:03.000000001","usage":null}]"#
    );
}

#[test]
fn json_lines_end_each_line() {
    assert_eq!(all(Format::JsonLines).matches('\n').count(), 2);
    assert!(all(Format::JsonLines).ends_with("}\n"));
}

#[test]
fn csv_quotes_and_has_one_header() {
    let text = encode(Format::Csv, &[sample(), sample()], sample().schema());
    assert_eq!(text.matches("alive,count,host,name,time,usage\n").count(), 1);
    assert!(text.contains("true,18446744073709551615,a,\"a,\"\"b\"\"\nc\",1970-01-01T00:00:03"), "{text}");
    assert!(text.contains(",0,,,1970-01-01T00:00:03.000000001,inf\n"), "{text}");
    assert!(text.contains(",20.0\n"), "{text}");
}

#[test]
fn pretty_is_a_table_without_a_last_newline() {
    let text = encode(
        Format::Pretty,
        &[batch(vec![("n", Arc::new(Int64Array::from(vec![1, 20])) as ArrayRef)])],
        Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)])),
    );
    assert_eq!(text, "+----+\n| n  |\n+----+\n| 1  |\n| 20 |\n+----+");
}

#[test]
fn no_rows() {
    for (format, expected) in
        [(Format::Json, "[]"), (Format::JsonLines, ""), (Format::Csv, ""), (Format::Pretty, "++\n++")]
    {
        let empty = RecordBatch::new_empty(sample().schema());
        assert_eq!(encode(format, &[], sample().schema()), expected, "{format:?}");
        assert_eq!(encode(format, &[empty], sample().schema()), expected, "{format:?}");
    }
}

#[test]
fn a_text_table_is_bounded() {
    let wide = batch(vec![("s", Arc::new(StringArray::from(vec!["x".repeat(1 << 20)])) as ArrayRef)]);
    let mut encoder = Encoder::new(Format::Pretty, wide.schema());
    let refused = (0..20).map(|_| encoder.batch(&wide)).find_map(Result::err);
    assert!(matches!(refused, Some(FormatError::TooLarge)));
}

proptest! {
    /// What JSON clients read back is what was in the batches, however they were cut.
    #[test]
    fn json_reads_back(rows in prop::collection::vec((any::<Option<i64>>(), any::<Option<String>>()), 1..20), cut in 0usize..20) {
        let whole = batch(vec![
            ("n", Arc::new(rows.iter().map(|(n, _)| *n).collect::<Int64Array>()) as ArrayRef),
            ("s", Arc::new(rows.iter().map(|(_, s)| s.as_deref()).collect::<StringArray>())),
        ]);
        let cut = cut.min(rows.len());
        let parts = [whole.slice(0, cut), whole.slice(cut, rows.len() - cut)];
        let json: serde_json::Value = serde_json::from_str(&encode(Format::Json, &parts, whole.schema())).unwrap();
        let lines = encode(Format::JsonLines, &parts, whole.schema());
        let from_lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(json.as_array().unwrap(), &from_lines);
        for ((n, s), row) in rows.iter().zip(&from_lines) {
            prop_assert_eq!(row.get("n").and_then(serde_json::Value::as_i64), *n);
            prop_assert_eq!(row.get("s").and_then(serde_json::Value::as_str), s.as_deref());
        }
    }
}
