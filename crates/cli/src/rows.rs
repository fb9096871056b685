//! Rendering the rows of a query (influxctl contract §14).
//!
//! The server sends one JSON object per row, without null members. Names and order of the columns are put together from
//! all rows, so a column that is null in every row cannot be seen. Timestamps come as text; only a column called `time`
//! is taken for one, and only if every value in it reads as a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use tidegate_client::Row;

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
pub(crate) fn table(rows: &[Row], format: TimeFormat) -> String {
    let columns = columns(rows);
    let cells: Vec<BTreeMap<&str, Cell<'_>>> = cells(rows);
    let count = format!("{} ROWS", rows.len());
    if columns.is_empty() {
        return ListTable::of_texts(&[&count]).render();
    }
    let mut table =
        ListTable::new(columns.iter().map(|&column| (column.to_owned(), alignment(&cells, column, format))));
    for row in &cells {
        table.row(
            columns.iter().map(|column| row.get(column).map_or_else(String::new, |cell| cell.text(format))).collect(),
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
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    let columns = columns(rows);
    let mut cells = cells(rows);
    for row in &mut cells {
        for &column in &columns {
            row.entry(column).or_insert(Cell::Other(&Value::Null));
        }
    }
    output::json(&cells)
}

/// A value, with its type as far as JSON and the column's name tell it.
#[derive(Debug, Clone, Copy)]
enum Cell<'a> {
    Time(DateTime<Utc>, i64),
    Other(&'a Value),
}

impl Cell<'_> {
    fn is_number(self, format: TimeFormat) -> bool {
        match self {
            Self::Time(..) => format == TimeFormat::UnixNano,
            Self::Other(value) => value.is_number(),
        }
    }

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

fn parse_time(value: &Value) -> Option<(DateTime<Utc>, i64)> {
    let text = value.as_str()?;
    let time = NaiveDateTime::parse_from_str(text.strip_suffix('Z').unwrap_or(text), "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some((time.and_utc(), time.and_utc().timestamp_nanos_opt()?))
}

fn cells(rows: &[Row]) -> Vec<BTreeMap<&str, Cell<'_>>> {
    let has_times = rows
        .iter()
        .flat_map(|row| &row.0)
        .filter(|(name, value)| name == TIME_COLUMN && !value.is_null())
        .all(|(_, value)| parse_time(value).is_some());
    let cell = |name: &str, value| match parse_time(value) {
        Some((time, nanos)) if has_times && name == TIME_COLUMN => Cell::Time(time, nanos),
        _ => Cell::Other(value),
    };
    rows.iter().map(|row| row.0.iter().map(|(name, value)| (name.as_str(), cell(name, value))).collect()).collect()
}

/// Columns lean right when all of their values are numbers.
fn alignment(cells: &[BTreeMap<&str, Cell<'_>>], column: &str, format: TimeFormat) -> Align {
    let mut values = cells
        .iter()
        .filter_map(|row| row.get(column))
        .filter(|cell| !matches!(cell, Cell::Other(Value::Null)))
        .peekable();
    if values.peek().is_some() && values.all(|cell| cell.is_number(format)) { Align::Right } else { Align::Left }
}

/// The columns of the query in its order. Each row holds some of them in that order; this sorts them topologically and,
/// where the rows leave it open, by first appearance.
fn columns(rows: &[Row]) -> Vec<&str> {
    let mut seen: Vec<&str> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut follows: HashSet<(usize, usize)> = HashSet::new();
    for row in rows {
        let mut previous = None;
        for (name, _) in &row.0 {
            let position = *positions.entry(name).or_insert_with(|| {
                seen.push(name);
                seen.len() - 1
            });
            if let Some(previous) = previous.replace(position) {
                follows.insert((previous, position));
            }
        }
    }
    let mut waiting_for: Vec<usize> = vec![0; seen.len()];
    for &(_, after) in &follows {
        if let Some(count) = waiting_for.get_mut(after) {
            *count += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..seen.len()).filter(|&column| waiting_for.get(column) == Some(&0)).collect();
    let mut order = Vec::with_capacity(seen.len());
    while let Some(column) = ready.pop_first() {
        order.push(column);
        for &(_, after) in follows.iter().filter(|(before, _)| *before == column) {
            if let Some(count) = waiting_for.get_mut(after) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(after);
                }
            }
        }
    }
    // Rows that contradict each other come from no query; their columns are still shown.
    let sorted: HashSet<usize> = order.iter().copied().collect();
    order.extend((0..seen.len()).filter(|column| !sorted.contains(column)));
    order.into_iter().filter_map(|column| seen.get(column).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &str) -> Vec<Row> {
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn table_has_the_documented_shape() {
        let rows = rows(
            r#"{"bar":4.5,"line":"L1","ticks":120,"time":"2026-03-01T08:00:00"}
{"bar":4.75,"line":"L2","ticks":98,"time":"2026-03-01T08:01:00"}"#,
        );
        assert_eq!(
            table(&rows, TimeFormat::Rfc3339Nano),
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
        let rows = rows(
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
        assert_eq!(json(&rows).unwrap(), expected);
    }

    #[test]
    fn edge_38_no_rows() {
        assert_eq!(table(&[], TimeFormat::Rfc3339Nano), "+--------+\n| 0 ROWS |\n+--------+\n");
        assert_eq!(json(&[]).unwrap(), "[]\n");
    }

    #[test]
    fn edge_38_null_time_and_a_column_called_total() {
        let rows = rows("{\"TOTAL\":1,\"time\":\"2026-03-01T08:00:00.250\"}\n{\"TOTAL\":2}");
        let text = table(&rows, TimeFormat::Rfc3339Nano);
        assert!(text.contains("|     1 | 2026-03-01T08:00:00.25Z |"), "{text}");
        assert!(text.contains("|     2 |                         |"), "{text}");
        assert!(text.contains("| TOTAL | 2 ROWS                  |"), "{text}");
        let text = table(&rows, TimeFormat::UnixNano);
        assert!(text.contains("| 1772352000250000000 |"), "{text}");
    }

    #[test]
    fn one_column_counts_in_its_footer() {
        let text = table(&rows("{\"n\":1}"), TimeFormat::Rfc3339Nano);
        assert!(text.ends_with("+--------+\n| 1 ROWS |\n+--------+\n"), "{text}");
    }

    #[test]
    fn a_time_column_of_other_things_is_left_alone() {
        for line in [r#"{"time":"noon"}"#, r#"{"time":5}"#, r#"{"time":"9999-01-01T00:00:00"}"#] {
            let value = rows(line)[0].0[0].1.to_string();
            assert_eq!(json(&rows(line)).unwrap(), format!("[\n  {{\n    \"time\": {value}\n  }}\n]\n"));
        }
    }

    #[test]
    fn numbers_in_texts_lean_left_and_nested_values_are_compact() {
        let text = table(&rows(r#"{"a":"1","b":[1,{"c":2}],"d":true,"e":1e300}"#), TimeFormat::Rfc3339Nano);
        assert!(text.contains(r#"| 1     | [1,{"c":2}] | true | 1e+300 |"#), "{text}");
    }

    #[test]
    fn columns_are_in_the_order_that_all_rows_agree_on() {
        assert_eq!(columns(&rows("{\"a\":1,\"c\":1}\n{\"b\":1,\"c\":1}\n{\"a\":1,\"b\":1}")), ["a", "b", "c"]);
        assert_eq!(columns(&rows("{\"c\":1}\n{\"a\":1,\"c\":1}")), ["a", "c"]);
        assert_eq!(columns(&rows("{\"a\":1,\"b\":1}\n{\"b\":1,\"a\":1}")), ["a", "b"]);
        assert_eq!(columns(&rows("{\"a\":1,\"a\":2}")).len(), 1);
    }
}
