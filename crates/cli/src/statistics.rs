//! What `query --perf-debug` shows instead of rows (influxctl contract §14). Over HTTP a server tells nothing of its own
//! part, so only the client's side is here.

use std::time::Duration;

use serde::Serialize;
use tidegate_client::QueryAnswer;

use crate::error::Result;
use crate::output::{self, Format, ListTable};

pub(crate) struct Statistics<'a> {
    pub(crate) answer: &'a QueryAnswer,
    /// From sending the query to the last byte of the answer.
    pub(crate) elapsed: Duration,
}

#[derive(Serialize)]
struct Object {
    client_duration_secs: f64,
    output_bytes: u64,
    output_rows: usize,
}

impl Statistics<'_> {
    pub(crate) fn render(&self, format: Format) -> Result<String> {
        let Self { answer: QueryAnswer { rows, bytes, .. }, elapsed } = self;
        if format == Format::Json {
            return output::json(&Object {
                client_duration_secs: elapsed.as_secs_f64(),
                output_bytes: *bytes,
                output_rows: rows.len(),
            });
        }
        let mut table = ListTable::of_texts(&["Metric", "Value"]);
        for (label, value) in [
            ("Client Duration", duration(*elapsed)),
            ("Output Rows", rows.len().to_string()),
            ("Output Size", format!("{bytes} B")),
        ] {
            table.row(vec![label.to_owned(), value]);
        }
        Ok(table.render())
    }
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.3} s")
    } else if seconds >= 0.001 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_have_the_documented_shape() {
        let row = serde_json::from_str(r#"{"a":1}"#).unwrap();
        let answer = QueryAnswer { columns: None, rows: vec![row], bytes: 64 };
        let statistics = Statistics { answer: &answer, elapsed: Duration::from_millis(1619) };
        assert_eq!(
            statistics.render(Format::Table).unwrap(),
            "+-----------------+---------+\n\
             | Metric          | Value   |\n\
             +-----------------+---------+\n\
             | Client Duration | 1.619 s |\n\
             | Output Rows     | 1       |\n\
             | Output Size     | 64 B    |\n\
             +-----------------+---------+\n"
        );
        assert_eq!(
            statistics.render(Format::Json).unwrap(),
            "{\n  \"client_duration_secs\": 1.619,\n  \"output_bytes\": 64,\n  \"output_rows\": 1\n}\n"
        );
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        for (micros, shown) in [(1_619_000, "1.619 s"), (7_000, "7.0 ms"), (42, "42.0 µs"), (0, "0.0 µs")] {
            assert_eq!(duration(Duration::from_micros(micros)), shown);
        }
    }
}
