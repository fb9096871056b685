//! The functions that a time-series database adds to SQL: each with rows and the answer expected.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod gap_fill;
mod selectors;
mod tables;
mod timezones;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use futures::StreamExt;
use tidegate_sql::{Parameter, Query, QueryLimits, QueryRuntime, SqlError};

fn limits() -> QueryLimits {
    QueryLimits { threads: 2, ..QueryLimits::default() }
}

fn runtime() -> QueryRuntime {
    QueryRuntime::start(limits()).unwrap()
}

async fn collect(
    runtime: &QueryRuntime,
    sql: &str,
    parameters: Vec<(String, Parameter)>,
) -> Result<Vec<RecordBatch>, SqlError> {
    let query = Query { sql: sql.to_owned(), parameters, schema: tables::tables() };
    let mut result = runtime.execute(query).await?;
    let mut batches = Vec::new();
    while let Some(batch) = result.batches.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

/// The rows of the answer, cells separated by a blank and rows by `; `. Nulls are `-`.
async fn answer(runtime: &QueryRuntime, sql: &str) -> String {
    match collect(runtime, sql, Vec::new()).await {
        Ok(batches) => text(&batches),
        Err(error) => format!("{error:?}"),
    }
}

fn text(batches: &[RecordBatch]) -> String {
    let table = pretty_format_batches(batches).unwrap().to_string();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let row = |line: &str| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.map(|cell| if cell.is_empty() { "-" } else { cell }).collect::<Vec<_>>().join(" ")
    };
    rows.map(row).collect::<Vec<_>>().join("; ")
}

/// Asks every question and compares all answers before it fails.
async fn check(cases: &[(&str, &str)]) {
    let runtime = runtime();
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let answered = answer(&runtime, sql).await;
        if answered != *expected {
            wrong.push(format!("{sql}\n  expected {expected}\n  got      {answered}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Each statement must be refused, with this in the message.
async fn refuse(cases: &[(&str, &str)]) {
    let runtime = runtime();
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        match collect(&runtime, sql, Vec::new()).await {
            Err(SqlError::Invalid(message)) if message.contains(expected) => {}
            outcome => wrong.push(format!("{sql}\n  expected {expected}\n  got      {outcome:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} went wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
