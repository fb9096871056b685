mod parquet;

use super::*;
use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use proptest::prelude::*;
use std::sync::Arc;

fn encode(format: Format, batches: &[RecordBatch]) -> String {
    let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let mut encoder = Encoder::new(format, schema).unwrap();
    let mut body = Vec::new();
    for batch in batches {
        body.extend(encoder.batch(batch).unwrap());
    }
    body.extend(encoder.finish().unwrap());
    String::from_utf8(body).unwrap()
}

fn one(column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("v", column, true)]).unwrap()
}

fn sample() -> RecordBatch {
    let time = 3_000_000_000 - 1; // far beyond 2038
    let times = [time * 1_000_000_000, time * 1_000_000_000 + 5_000_000, time * 1_000_000_000 + 1];
    let hosts: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b,\"c\"\n")].into_iter().collect();
    RecordBatch::try_from_iter_with_nullable([
        ("time", Arc::new(TimestampNanosecondArray::from_iter_values(times)) as ArrayRef, false),
        ("host", Arc::new(hosts), true),
        ("usage", Arc::new(Float64Array::from(vec![Some(20.0), None, Some(f64::INFINITY)])), true),
    ])
    .unwrap()
}

#[test]
fn json_leaves_nulls_out_and_writes_times_without_zone() {
    assert_eq!(
        encode(Format::Json, &[sample()]),
        "[{\"time\":\"2065-01-24T05:19:59\",\"host\":\"a\",\"usage\":20.0},\
         {\"time\":\"2065-01-24T05:19:59.005\"},\
         {\"time\":\"2065-01-24T05:19:59.000000001\",\"host\":\"b,\\\"c\\\"\\n\",\"usage\":null}]"
    );
}

#[test]
fn json_lines_end_with_a_line_feed() {
    let body = encode(Format::JsonLines, &[sample(), sample()]);
    assert_eq!(body.lines().count(), 6);
    assert!(body.ends_with("\"usage\":null}\n"), "{body}");
}

#[test]
fn json_joins_batches_with_commas() {
    let body = encode(Format::Json, &[sample(), sample().slice(0, 0), sample()]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(rows.len(), 6);
}

#[test]
fn csv_quotes_and_marks_floats() {
    assert_eq!(
        encode(Format::Csv, &[sample(), sample().slice(0, 1)]),
        "time,host,usage\n2065-01-24T05:19:59,a,20.0\n2065-01-24T05:19:59.005,,\n\
         2065-01-24T05:19:59.000000001,\"b,\"\"c\"\"\n\",inf\n2065-01-24T05:19:59,a,20.0\n"
    );
}

#[test]
fn pretty_draws_a_table() {
    let batch = RecordBatch::try_from_iter([
        ("host", Arc::new(StringArray::from(vec![Some("a"), None])) as ArrayRef),
        ("usage", Arc::new(Float64Array::from(vec![0.5, 12.0]))),
    ])
    .unwrap();
    assert_eq!(
        encode(Format::Pretty, &[batch]),
        "+------+-------+\n| host | usage |\n+------+-------+\n| a    | 0.5   |\n|      | 12.0  |\n+------+-------+"
    );
}

#[test]
fn no_rows() {
    for batches in [vec![], vec![sample().slice(0, 0)]] {
        assert_eq!(encode(Format::Json, &batches), "[]");
        assert_eq!(encode(Format::JsonLines, &batches), "");
        assert_eq!(encode(Format::Csv, &batches), "");
        assert_eq!(encode(Format::Pretty, &batches), "++\n++");
    }
}

fn table_of(values: &[&str]) -> Result<(), FormatError> {
    let batch = one(Arc::new(StringArray::from(values.to_vec())));
    let mut encoder = Encoder::new(Format::Pretty, batch.schema()).unwrap();
    encoder.batch(&batch)?;
    encoder.finish().map(|_| ())
}

#[test]
fn a_table_has_a_limit() {
    let too_large = |values: &[&str]| matches!(table_of(values), Err(FormatError::TooLarge { .. }));
    let long = "x".repeat(MAX_TABLE_BYTES / 16);
    assert!(!too_large(&[&long]));
    assert!(too_large(&[long.as_str(); 20]));
    assert!(too_large(&[&["y"; 1_000][..], &[&long]].concat()), "padding counts as well");
    let tall = "\n".repeat(4_000);
    assert!(too_large(&[&["z".repeat(4_000).as_str()][..], &[tall.as_str(); 2]].concat()), "line feeds count as well");
}

/// Every type, the JSON of its value, and the CSV.
fn types() -> Vec<(ArrayRef, &'static str, &'static str)> {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None, Some(3)])]);
    let inner = StructArray::from(vec![
        (Arc::new(Field::new("x", DataType::Int64, true)), Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        (Arc::new(Field::new("y", DataType::Utf8, true)), Arc::new(StringArray::from(vec![None::<&str>])) as ArrayRef),
    ]);
    let field = Arc::new(Field::new("item", inner.data_type().clone(), true));
    let structs = ListArray::new(field, OffsetBuffer::from_lengths([1]), Arc::new(inner.clone()), None);
    let at = 1_700_000_000;
    vec![
        (Arc::new(NullArray::new(1)), "", ""),
        (Arc::new(BooleanArray::from(vec![true])), "true", "true"),
        (Arc::new(Int8Array::from(vec![-1])), "-1", "-1"),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), "18446744073709551615", "18446744073709551615"),
        (Arc::new(Float32Array::from(vec![0.5])), "0.5", "0.5"),
        (Arc::new(Float64Array::from(vec![f64::NAN])), "null", "NaN"),
        (Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), "null", "-inf"),
        (Arc::new(StringArray::from(vec!["ü\t"])), "\"ü\\t\"", "ü\t"),
        (Arc::new(LargeStringArray::from(vec!["a"])), "\"a\"", "a"),
        (Arc::new(StringViewArray::from(vec!["a"])), "\"a\"", "a"),
        (Arc::new(BinaryArray::from_vec(vec![b"\x00\xff"])), "\"00ff\"", "00ff"),
        (Arc::new(BinaryViewArray::from(vec![b"\x01".as_slice()])), "\"01\"", "01"),
        (Arc::new(vec!["a"].into_iter().collect::<DictionaryArray<Int32Type>>()), "\"a\"", "a"),
        (Arc::new(Date32Array::from(vec![19_675])), "\"2023-11-14\"", "2023-11-14"),
        (Arc::new(TimestampSecondArray::from(vec![at])), "\"2023-11-14T22:13:20\"", "2023-11-14T22:13:20"),
        (
            Arc::new(TimestampMillisecondArray::from(vec![at * 1000 + 7])),
            "\"2023-11-14T22:13:20.007\"",
            "2023-11-14T22:13:20.007",
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![at * 1_000_000 + 7])),
            "\"2023-11-14T22:13:20.000007\"",
            "2023-11-14T22:13:20.000007",
        ),
        (
            Arc::new(TimestampSecondArray::from(vec![at]).with_timezone("UTC")),
            "\"2023-11-14T22:13:20Z\"",
            "2023-11-14T22:13:20Z",
        ),
        (Arc::new(Time64NanosecondArray::from(vec![1])), "\"00:00:00.000000001\"", "00:00:00.000000001"),
        (Arc::new(DurationSecondArray::from(vec![90])), "\"PT90S\"", "PT90S"),
        (
            Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, 2, 0)])),
            "\"1 mons 2 days\"",
            "1 mons 2 days",
        ),
        (Arc::new(Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 2).unwrap()), "123.45", "123.45"),
        (Arc::new(list), "[1,null,3]", "\"[1, , 3]\""),
        (Arc::new(inner), "{\"x\":1}", "\"{x: 1, y: }\""),
        (Arc::new(structs), "[{\"x\":1}]", "\"[{x: 1, y: }]\""),
    ]
}

#[test]
fn every_type_in_every_format() {
    for (column, json, csv) in types() {
        let name = column.data_type().to_string();
        let batch = one(column);
        let object = if json.is_empty() { "{}".to_owned() } else { format!("{{\"v\":{json}}}") };
        assert_eq!(encode(Format::Json, std::slice::from_ref(&batch)), format!("[{object}]"), "{name}");
        assert_eq!(encode(Format::JsonLines, std::slice::from_ref(&batch)), format!("{object}\n"), "{name}");
        let line = if csv.is_empty() { "\"\"" } else { csv };
        assert_eq!(encode(Format::Csv, std::slice::from_ref(&batch)), format!("v\n{line}\n"), "{name}");
        assert!(encode(Format::Pretty, &[batch]).starts_with("+--"), "{name}");
    }
}

#[test]
fn times_out_of_range_do_not_panic() {
    for value in [i64::MIN, i64::MAX] {
        let batch = one(Arc::new(TimestampSecondArray::from(vec![value])));
        for format in [Format::Json, Format::JsonLines, Format::Csv, Format::Pretty] {
            let mut encoder = Encoder::new(format, batch.schema()).unwrap();
            if encoder.batch(&batch).is_ok() {
                encoder.finish().unwrap();
            }
        }
    }
}

type Row = (i64, Option<f64>, Option<String>, Option<bool>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let float = prop::option::of(prop::num::f64::NORMAL | prop::num::f64::ZERO);
    prop::collection::vec((any::<i64>(), float, prop::option::of(any::<String>()), any::<Option<bool>>()), 1..40)
}

fn batch_of(rows: &[Row]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        ("i", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()) as ArrayRef, false),
        ("f", Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>()), true),
        ("s", Arc::new(rows.iter().map(|row| row.2.clone()).collect::<StringArray>()), true),
        ("b", Arc::new(rows.iter().map(|row| row.3).collect::<BooleanArray>()), true),
    ])
    .unwrap()
}

proptest! {
    #[test]
    fn json_parses_back(rows in rows(), split in 0usize..40) {
        let batch = batch_of(&rows);
        let split = split.min(rows.len());
        let body = encode(Format::Json, &[batch.slice(0, split), batch.slice(split, rows.len() - split)]);
        let parsed: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(parsed.len(), rows.len());
        for (object, (i, f, s, b)) in parsed.iter().zip(&rows) {
            prop_assert_eq!(object.get("i").and_then(serde_json::Value::as_i64), Some(*i));
            prop_assert_eq!(object.get("f").map(|f| f.as_f64().unwrap()), *f);
            prop_assert_eq!(object.get("s").map(|s| s.as_str().unwrap().to_owned()), s.clone());
            prop_assert_eq!(object.get("b").map(|b| b.as_bool().unwrap()), *b);
        }
    }

    #[test]
    fn csv_parses_back(rows in rows()) {
        let body = encode(Format::Csv, &[batch_of(&rows)]);
        let mut reader = ::csv::ReaderBuilder::new().from_reader(body.as_bytes());
        prop_assert_eq!(reader.headers().unwrap(), &::csv::StringRecord::from(vec!["i", "f", "s", "b"]));
        let records: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(records.len(), rows.len());
        for (record, (i, f, s, b)) in records.iter().zip(&rows) {
            prop_assert_eq!(record[0].parse::<i64>().unwrap(), *i);
            prop_assert_eq!(record[1].parse::<f64>().ok(), *f);
            prop_assert!(f.is_none() || record[1].contains(['.', 'e']));
            prop_assert_eq!(&record[2], s.as_deref().unwrap_or(""));
            prop_assert_eq!(record[3].parse::<bool>().ok(), *b);
        }
    }
}
