//! The numbered cases of the line-protocol contract §8 through each of the three endpoints, read back with SQL.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use tidegate_model::Clock as _;

use crate::fixture::{Answer, Fixture, fixture};
use crate::line_protocol_cases::{
    COMMENTS_UNICODE_CONTROL, Case, ESCAPES_AND_QUOTES, STRUCTURE, TIMESTAMPS, VALUES, Value,
};

const ENDPOINTS: [&str; 3] = ["/write?db=", "/api/v2/write?bucket=", "/api/v3/write_lp?precision=ns&db="];

/// Writes bodies into databases of their own and compares what became of them.
struct Checker {
    fixture: Fixture,
    token: String,
    databases: usize,
}

impl Checker {
    async fn new() -> Self {
        let fixture = fixture().await;
        let (_, token) = fixture.create_token("read:* write:*", None).await;
        Self { fixture, token, databases: 0 }
    }

    async fn check(&mut self, number: u32, body: &str, rows: &[String], errors: &[(usize, String)]) {
        for endpoint in ENDPOINTS {
            self.databases += 1;
            let database = format!("case{}", self.databases);
            self.fixture.create_database(&database).await;
            let what = format!("case {number} {body:?} at {endpoint}");
            let before = self.fixture.clock.now().nanos();
            let answer = self.fixture.post(&format!("{endpoint}{database}"), &self.token, body.to_owned()).await;
            let now = before..=self.fixture.clock.now().nanos();
            assert_answer(endpoint, &answer, rows.is_empty(), errors, &what);
            let is_partial = endpoint.starts_with("/api/v3");
            let expected: BTreeSet<_> =
                if errors.is_empty() || is_partial { rows.iter().cloned().collect() } else { BTreeSet::new() };
            let stored = stored(&self.fixture, &self.token, &database, &now).await;
            assert_eq!(stored.iter().cloned().collect::<BTreeSet<_>>(), expected, "{what}");
            assert_eq!(stored.len(), expected.len(), "{what}: a row is there once");
        }
    }

    async fn check_all(&mut self, cases: &[Case]) {
        for (number, body, rows, errors) in cases {
            let rows: Vec<_> = rows.iter().map(|&row| row.to_owned()).collect();
            let errors: Vec<_> = errors.iter().map(|&(line, message)| (line, message.to_owned())).collect();
            self.check(*number, body, &rows, &errors).await;
        }
    }

    /// `line` makes a line, and `row` the row that it leaves.
    async fn check_values(
        &mut self,
        cases: &[(u32, &[&str], Value)],
        line: impl Fn(&str) -> String,
        row: impl Fn(&str) -> String,
    ) {
        for (number, texts, outcome) in cases {
            for text in *texts {
                let (rows, errors) = match outcome {
                    Value::Stored(value) => (vec![row(value)], vec![]),
                    Value::Refused(message) => (vec![], vec![(1, (*message).to_owned())]),
                    Value::Trailing(rest) => {
                        let message = format!("Could not parse entire line. Found trailing content: `{rest}`");
                        (vec![], vec![(1, message)])
                    }
                };
                self.check(*number, &line(text), &rows, &errors).await;
            }
        }
    }
}

fn assert_answer(endpoint: &str, answer: &Answer, is_without_rows: bool, errors: &[(usize, String)], what: &str) {
    if errors.is_empty() && !is_without_rows {
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (204, ""), "{what}");
        return;
    }
    assert_eq!(answer.status, 400, "{what}");
    let body = answer.json();
    if errors.is_empty() {
        assert!(answer.text().contains("incoming write was empty"), "{what}: {body}");
    } else if endpoint.starts_with("/api/v3") {
        let listed: Vec<_> = body["data"].as_array().unwrap().iter().map(line_and_message).collect();
        assert_eq!(listed, errors, "{what}");
    } else {
        assert_eq!(body["line"], errors[0].0, "{what}");
        let listed: String = errors.iter().map(|(line, message)| format!("\nline {line}: {message}")).collect();
        assert!(body["message"].as_str().unwrap().ends_with(&format!(":{listed}")), "{what}: {body}");
    }
}

fn line_and_message(listed: &Json) -> (usize, String) {
    let line = usize::try_from(listed["line_number"].as_u64().unwrap()).unwrap();
    (line, listed["error_message"].as_str().unwrap().to_owned())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Every row of the database, in the notation of the cases.
async fn stored(f: &Fixture, token: &str, database: &str, now: &std::ops::RangeInclusive<i64>) -> Vec<String> {
    let columns = "SELECT table_name AS m, column_name AS c, data_type AS t FROM information_schema.columns \
                   WHERE table_schema = 'iox'";
    let mut tables: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for column in f.rows(token, database, columns).await.as_array().unwrap() {
        let text = |member: &str| column[member].as_str().unwrap().to_owned();
        tables.entry(text("m")).or_default().insert(text("c"), text("t"));
    }
    let mut described = Vec::new();
    for (table, columns) in tables {
        let sql = format!("SELECT *, CAST(time AS BIGINT) AS \"ns of time\" FROM {}", quoted(&table));
        for row in f.rows(token, database, &sql).await.as_array().unwrap() {
            let (mut tags, mut fields) = (Vec::new(), Vec::new());
            for (column, kind) in columns.iter().filter(|(column, _)| *column != "time") {
                let Some(value) = row.get(column) else { continue };
                match kind.as_str() {
                    "Float64" => fields.push(format!("{column}=F{:?}", value.as_f64().unwrap())),
                    "Int64" => fields.push(format!("{column}=I{}", value.as_i64().unwrap())),
                    "UInt64" => fields.push(format!("{column}=U{}", value.as_u64().unwrap())),
                    "Boolean" => fields.push(format!("{column}=B{}", value.as_bool().unwrap())),
                    "Utf8" => fields.push(format!("{column}=S{}", value.as_str().unwrap())),
                    tag if tag.starts_with("Dictionary") => tags.push(format!("{column}={}", value.as_str().unwrap())),
                    other => panic!("unexpected type {other}"),
                }
            }
            let time = row["ns of time"].as_i64().unwrap();
            let time = if now.contains(&time) { "-".to_owned() } else { time.to_string() };
            described.push(format!("{table} [{}] [{}] {time}", tags.join(", "), fields.join(", ")));
        }
    }
    described
}

#[tokio::test]
async fn cases_001_to_040_structure() {
    Checker::new().await.check_all(STRUCTURE).await;
}

#[tokio::test]
async fn cases_041_to_072_escapes_and_quotes() {
    Checker::new().await.check_all(ESCAPES_AND_QUOTES).await;
}

#[tokio::test]
async fn cases_073_to_090_values() {
    let row = |value: &str| format!("cpu [] [v={value}] -");
    Checker::new().await.check_values(VALUES, |value| format!("cpu v={value}"), row).await;
}

#[tokio::test]
async fn cases_091_to_095_timestamps() {
    let line = |time: &str| format!("cpu v=1i {time}").trim_end().to_owned();
    Checker::new().await.check_values(TIMESTAMPS, line, |time| format!("cpu [] [v=I1] {time}")).await;
}

#[tokio::test]
async fn cases_096_to_112_comments_unicode_control_characters() {
    Checker::new().await.check_all(COMMENTS_UNICODE_CONTROL).await;
}

#[test]
fn every_case_is_listed() {
    let bodies = [STRUCTURE, ESCAPES_AND_QUOTES, COMMENTS_UNICODE_CONTROL].into_iter().flatten();
    let numbers = bodies.map(|case| case.0).chain(VALUES.iter().chain(TIMESTAMPS).map(|case| case.0));
    // Case 110, bytes that are not UTF-8, is among the tests of bodies.
    let expected: BTreeSet<u32> = (1..=112).filter(|number| *number != 110).collect();
    assert_eq!(numbers.collect::<BTreeSet<u32>>(), expected);
}

#[tokio::test]
async fn comments_with_quotes_hide_nothing() {
    let body = "# x=\"\nvv f=1 1\nvv f=2 2\n  # y=\" z=\"\nvv f=3 3";
    let rows = [1, 2, 3].map(|n| format!("vv [] [f=F{n}.0] {n}"));
    Checker::new().await.check(58, body, &rows, &[]).await;
}

#[tokio::test]
async fn backslashes_before_separators() {
    let mut checker = Checker::new().await;
    for run in 1..=6 {
        let line = format!("cpu,t=a{},u=b f=1 1", "\\".repeat(run));
        let ends_with_backslash = "Measurements, tag keys and values, and field keys may not end with a backslash";
        let (rows, errors) = if run % 2 == 0 {
            (vec![], vec![(1, ends_with_backslash.to_owned())])
        } else {
            // The last one escapes the comma, and so the second equals sign belongs to the value.
            (vec![format!("cpu [t=a{},u=b] [f=F1.0] 1", "\\".repeat(run / 2))], vec![])
        };
        checker.check(50, &line, &rows, &errors).await;
    }
    // What the Python client makes of a tag value that ends with a backslash.
    checker.check(49, "cpu,t=a\\  f=1 1", &["cpu [t=a ] [f=F1.0] 1".to_owned()], &[]).await;
    let trailing = "Could not parse entire line. Found trailing content: `\\`".to_owned();
    checker.check(53, "cpu f=1\\", &[], &[(1, trailing)]).await;
    assert_eq!(checker.fixture.rows(&checker.token, "case1", "SELECT t FROM cpu").await, json!([{ "t": "a,u=b" }]));
}
