//! Rendering the rows of a query (influxctl contract §14).
//!
//! The server sends one JSON object per row, without null members. Our own servers tell names and kinds of all columns in
//! a header. Of other servers only those columns are known that have a value in some row, in the order of their first
//! appearance, and of these only one called `time` is taken for timestamps, if every value in it reads as one.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use tidegate_client::{Column, ColumnKind, QueryAnswer, Row};

use crate::error::Result;
use crate::output::{self, Align, ListTable};

const TIME_COLUMN: &str = "time";

/// How tables show times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    Rfc3339Nano,
    UnixNano,
}

/// The rows as a table with a count at its end.
pub(crate) fn table(answer: &QueryAnswer, format: TimeFormat) -> String {
    let columns = columns(answer);
    let count = format!("{} ROWS", answer.rows.len());
    if columns.is_empty() {
        return ListTable::of_texts(&[&count]).render();
    }
    let mut table = ListTable::new(columns.iter().map(|column| (column.name.to_owned(), column.alignment(format))));
    for row in cells(&answer.rows, &columns) {
        table.row(
            columns
                .iter()
                .map(|column| row.get(column.name).map_or_else(String::new, |cell| cell.text(format)))
                .collect(),
        );
    }
    let mut footer = match columns.len() {
        1 => vec![count],
        _ => vec!["TOTAL".to_owned(), count],
    };
    footer.resize(columns.len(), String::new());
    table.footer(footer);
    table.render()
}

/// The rows as a JSON array of objects with sorted keys.
pub(crate) fn json(answer: &QueryAnswer) -> Result<String> {
    output::json(&cells(&answer.rows, &columns(answer)))
}

/// A column and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown<'a> {
    name: &'a str,
    kind: ColumnKind,
}

impl Shown<'_> {
    fn alignment(self, format: TimeFormat) -> Align {
        match self.kind {
            ColumnKind::Number => Align::Right,
            ColumnKind::Time if format == TimeFormat::UnixNano => Align::Right,
            _ => Align::Left,
        }
    }
}

/// All columns that are known, in order. JSON objects cannot hold two of one name.
fn columns(answer: &QueryAnswer) -> Vec<Shown<'_>> {
    match &answer.columns {
        Some(told) => {
            let mut seen = HashSet::new();
            let told = told.iter().map(|Column { name, kind }| Shown { name, kind: *kind });
            told.filter(|column| seen.insert(column.name)).collect()
        }
        None => guessed_columns(&answer.rows),
    }
}

/// The columns that have a member in some row. A kind is what all of its values are that are not null.
fn guessed_columns(rows: &[Row]) -> Vec<Shown<'_>> {
    let mut names = Vec::new();
    let mut kinds: HashMap<&str, Option<ColumnKind>> = HashMap::new();
    for (name, value) in rows.iter().flat_map(|row| &row.0) {
        let kind = kinds.entry(name).or_insert_with(|| {
            names.push(name.as_str());
            None
        });
        *kind = match (*kind, guessed_kind(name, value)) {
            (known, None) => known,
            (None, new) => new,
            (known, new) if known == new => known,
            _ => Some(ColumnKind::Other),
        };
    }
    let kind = |name| kinds.get(name).copied().flatten().unwrap_or(ColumnKind::Other);
    names.iter().map(|name| Shown { name, kind: kind(*name) }).collect()
}

fn guessed_kind(name: &str, value: &Value) -> Option<ColumnKind> {
    Some(match value {
        Value::Null => return None,
        Value::Number(_) => ColumnKind::Number,
        value if name == TIME_COLUMN && parse_time(value).is_some() => ColumnKind::Time,
        _ => ColumnKind::Other,
    })
}

/// The cells of each row by column; those of null values too.
fn cells<'a>(rows: &'a [Row], columns: &[Shown<'a>]) -> Vec<BTreeMap<&'a str, Cell<'a>>> {
    let row = |row: &'a Row| {
        let values: BTreeMap<&str, &Value> = row.0.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let cell = |column: &Shown<'a>| {
            let value = values.get(column.name).copied().unwrap_or(&Value::Null);
            let time = Some(value).filter(|_| column.kind == ColumnKind::Time).and_then(parse_time);
            (column.name, time.map_or(Cell::Other(value), |(time, nanos)| Cell::Time(time, nanos)))
        };
        columns.iter().map(cell).collect()
    };
    rows.iter().map(row).collect()
}

/// A value of a row.
#[derive(Debug, Clone, Copy)]
enum Cell<'a> {
    Time(DateTime<Utc>, i64),
    Other(&'a Value),
}

impl Cell<'_> {
    fn text(self, format: TimeFormat) -> String {
        match self {
            Self::Time(_, nanos) if format == TimeFormat::UnixNano => nanos.to_string(),
            Self::Time(time, _) => rfc3339(time),
            Self::Other(Value::Null) => String::new(),
            Self::Other(Value::String(text)) => text.clone(),
            Self::Other(value) => whole(value).map_or_else(|| value.to_string(), |number| number.to_string()),
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Time(_, nanos) => nanos.serialize(serializer),
            Self::Other(value) => match whole(value) {
                Some(number) => number.serialize(serializer),
                None => value.serialize(serializer),
            },
        }
    }
}

/// A float without fraction as an integer, while floats are exact.
fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_f64().filter(|number| value.is_f64() && number.fract() == 0.0 && number.abs() <= EXACT)?;
    Some(number as i64)
}

fn rfc3339(time: DateTime<Utc>) -> String {
    let text = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let seconds = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{seconds}Z")
}

/// A timestamp of the server, with or without an offset, and its nanoseconds since 1970 if they fit into 64 bits.
fn parse_time(value: &Value) -> Option<(DateTime<Utc>, i64)> {
    let text = value.as_str()?;
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc(),
    };
    Some((time, time.timestamp_nanos_opt()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of a server that does not tell its columns.
    fn untold(lines: &str) -> QueryAnswer {
        QueryAnswer {
            rows: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            ..Default::default()
        }
    }

    /// An answer of a server that does.
    fn told(columns: &str, lines: &str) -> QueryAnswer {
        QueryAnswer { columns: Some(serde_json::from_str(columns).unwrap()), ..untold(lines) }
    }

    #[test]
    fn table_has_the_documented_shape() {
        let answer = untold(
            r#"{"bar":4.5,"line":"L1","ticks":120,"time":"2026-03-01T08:00:00"}
{"bar":4.75,"line":"L2","ticks":98,"time":"2026-03-01T08:01:00"}"#,
        );
        assert_eq!(
            table(&answer, TimeFormat::Rfc3339Nano),
            "+-------+--------+-------+----------------------+\n\
             |   bar | line   | ticks | time                 |\n\
             +-------+--------+-------+----------------------+\n\
             |   4.5 | L1     |   120 | 2026-03-01T08:00:00Z |\n\
             |  4.75 | L2     |    98 | 2026-03-01T08:01:00Z |\n\
             +-------+--------+-------+----------------------+\n\
             | TOTAL | 2 ROWS |       |                      |\n\
             +-------+--------+-------+----------------------+\n"
        );
    }

    #[test]
    fn json_has_sorted_keys_integer_times_whole_floats_and_nulls() {
        let answer = untold(
            r#"{"z":36.0,"time":"2026-03-01T08:00:00.000000001","a":"2026-03-01T08:00:00"}
{"time":"1969-12-31T23:59:59.5","z":0.5}"#,
        );
        let expected = r#"[
  {
    "a": "2026-03-01T08:00:00",
    "time": 1772352000000000001,
    "z": 36
  },
  {
    "a": null,
    "time": -500000000,
    "z": 0.5
  }
]
"#;
        assert_eq!(json(&answer).unwrap(), expected);
    }

    #[test]
    fn edge_38_no_rows() {
        assert_eq!(table(&untold(""), TimeFormat::Rfc3339Nano), "+--------+\n| 0 ROWS |\n+--------+\n");
        assert_eq!(json(&untold("")).unwrap(), "[]\n");
    }

    #[test]
    fn edge_38_null_time_and_a_column_called_total() {
        let answer = untold("{\"TOTAL\":1,\"time\":\"2026-03-01T08:00:00.250\"}\n{\"TOTAL\":2}");
        let text = table(&answer, TimeFormat::Rfc3339Nano);
        assert!(text.contains("|     1 | 2026-03-01T08:00:00.25Z |"), "{text}");
        assert!(text.contains("|     2 |                         |"), "{text}");
        assert!(text.contains("| TOTAL | 2 ROWS                  |"), "{text}");
        let text = table(&answer, TimeFormat::UnixNano);
        assert!(text.contains("| 1772352000250000000 |"), "{text}");
    }

    #[test]
    fn one_column_counts_in_its_footer() {
        let text = table(&untold("{\"n\":1}"), TimeFormat::Rfc3339Nano);
        assert!(text.ends_with("+--------+\n| 1 ROWS |\n+--------+\n"), "{text}");
    }

    #[test]
    fn a_time_column_of_other_things_is_left_alone() {
        for line in [r#"{"time":"noon"}"#, r#"{"time":5}"#, r#"{"time":"9999-01-01T00:00:00"}"#] {
            let value = untold(line).rows[0].0[0].1.to_string();
            assert_eq!(json(&untold(line)).unwrap(), format!("[\n  {{\n    \"time\": {value}\n  }}\n]\n"));
        }
    }

    #[test]
    fn numbers_in_texts_lean_left_and_nested_values_are_compact() {
        let text = table(&untold(r#"{"a":"1","b":[1,{"c":2}],"d":true,"e":1e300}"#), TimeFormat::Rfc3339Nano);
        assert!(text.contains(r#"| 1     | [1,{"c":2}] | true | 1e+300 |"#), "{text}");
    }

    #[test]
    fn untold_columns_are_in_the_order_of_their_appearance() {
        let names = |lines: &str| -> Vec<String> {
            columns(&untold(lines)).into_iter().map(|column| column.name.to_owned()).collect()
        };
        assert_eq!(names("{\"a\":1,\"c\":1}\n{\"b\":1,\"c\":1}"), ["a", "c", "b"]);
        assert_eq!(names("{\"a\":1,\"a\":2}"), ["a"]);
    }

    const TOLD: &str = r#"[["w","number"],["at","time"],["v","number"],["note","string"]]"#;

    #[test]
    fn told_columns_are_all_there_whatever_the_rows_hold() {
        let answer = told(TOLD, "{\"v\":1,\"at\":\"2026-03-01T08:00:00.250\"}\n{\"note\":\"2026-03-01T08:00:00\"}");
        assert_eq!(
            table(&answer, TimeFormat::Rfc3339Nano),
            "+-------+-------------------------+---+---------------------+\n\
             |     w | at                      | v | note                |\n\
             +-------+-------------------------+---+---------------------+\n\
             |       | 2026-03-01T08:00:00.25Z | 1 |                     |\n\
             |       |                         |   | 2026-03-01T08:00:00 |\n\
             +-------+-------------------------+---+---------------------+\n\
             | TOTAL | 2 ROWS                  |   |                     |\n\
             +-------+-------------------------+---+---------------------+\n"
        );
        assert!(table(&answer, TimeFormat::UnixNano).contains("|       | 1772352000250000000 | 1 |"));
        let shown: Value = serde_json::from_str(&json(&answer).unwrap()).unwrap();
        assert_eq!(
            shown,
            serde_json::json!([
                {"at": 1_772_352_000_250_000_000_i64, "note": null, "v": 1, "w": null},
                {"at": null, "note": "2026-03-01T08:00:00", "v": null, "w": null}
            ])
        );
    }

    #[test]
    fn edge_38_no_rows_have_a_header_if_the_columns_are_told() {
        assert_eq!(
            table(&told(TOLD, ""), TimeFormat::Rfc3339Nano),
            "+-------+--------+---+------+\n\
             |     w | at     | v | note |\n\
             +-------+--------+---+------+\n\
             | TOTAL | 0 ROWS |   |      |\n\
             +-------+--------+---+------+\n"
        );
        assert_eq!(
            table(&told(r#"[["n","number"]]"#, ""), TimeFormat::Rfc3339Nano),
            "+--------+\n|      n |\n+--------+\n| 0 ROWS |\n+--------+\n"
        );
        assert_eq!(json(&told(TOLD, "")).unwrap(), "[]\n");
    }

    #[test]
    fn times_may_have_an_offset_and_those_beyond_64_bits_stay_as_they_are() {
        let columns = r#"[["t","time"]]"#;
        for (text, expected) in [
            ("2026-03-01T08:00:00Z", "1772352000000000000"),
            ("2026-03-01T10:00:00+02:00", "1772352000000000000"),
            ("2026-03-01T08:00:00.000000001", "1772352000000000001"),
            ("9999-01-01T00:00:00", "\"9999-01-01T00:00:00\""),
        ] {
            let answer = told(columns, &format!(r#"{{"t":"{text}"}}"#));
            assert_eq!(json(&answer).unwrap(), format!("[\n  {{\n    \"t\": {expected}\n  }}\n]\n"));
        }
    }
}
