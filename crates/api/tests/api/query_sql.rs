//! `GET` and `POST /api/v3/query_sql` (data-plane contract §6).

use std::io::Write as _;

use datafusion::arrow::util::pretty::pretty_format_batches;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tidegate_api::Cutoff;
use tidegate_model::{Clock as _, Timestamp};
use tower::ServiceExt as _;

use crate::fixture::{Answer, Fixture, bare_request, fixture, percent_encoded, request};

async fn get(f: &Fixture, token: &str, query: &str, accept: Option<&str>) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("authorization", authorization.as_bytes())];
    headers.extend(accept.map(|accept| ("accept", accept.as_bytes())));
    f.send(bare_request("GET", &format!("/api/v3/query_sql{query}"), &headers, "")).await
}

async fn post(f: &Fixture, token: &str, body: Value) -> Answer {
    f.post("/api/v3/query_sql", token, body.to_string()).await
}

fn error(answer: &Answer) -> String {
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.json()["error"].as_str().unwrap().to_owned()
}

/// One row of each column type, and one with nothing but a float.
async fn with_rows(f: &Fixture) -> String {
    let token = f.database_and_token("a").await;
    let lines = "cpu,host=a b=true,f=20,i=-3i,s=\"x, \\\"y\\\"\",u=18446744073709551615u 3000000000000000000\n\
                 cpu f=0.5 3000000000123000000";
    assert_eq!(f.post("/write?db=a", &token, lines).await.status, 204);
    token
}

#[tokio::test]
async fn formats() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    let json = r#"[{"b":true,"f":20.0,"host":"a","i":-3,"s":"x, \"y\"","time":"2065-01-24T05:20:00","u":18446744073709551615},{"f":0.5,"time":"2065-01-24T05:20:00.123"}]"#;
    let jsonl = format!("{}\n", json.trim_matches(['[', ']']).replace("},{", "}\n{"));
    let csv = "b,f,host,i,s,time,u\ntrue,20.0,a,-3,\"x, \"\"y\"\"\",2065-01-24T05:20:00,18446744073709551615\n,0.5,,,,2065-01-24T05:20:00.123,\n";
    for (format, content_type, body) in [
        ("json", "application/json", json),
        ("jsonl", "application/jsonl", jsonl.as_str()),
        ("json_lines", "application/jsonl", &jsonl),
        ("csv", "text/csv", csv),
    ] {
        let q = "SELECT * FROM cpu ORDER BY time";
        let by_body = post(&f, &token, json!({ "db": "a", "q": q, "format": format })).await;
        let by_query = get(&f, &token, &format!("?db=a&format={format}&q={}", percent_encoded(q)), None).await;
        for answer in [by_body, by_query] {
            assert_eq!(answer.status, 200, "{format}: {}", answer.text());
            assert_eq!(answer.headers["content-type"], content_type);
            assert_eq!(answer.text(), body, "{format}");
        }
    }
    let pretty = get(&f, &token, "?db=a&format=pretty&q=SELECT+host,f+FROM+cpu+ORDER+BY+time", None).await;
    assert_eq!(pretty.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(
        pretty.text(),
        "+------+------+\n| host | f    |\n+------+------+\n| a    | 20.0 |\n|      | 0.5  |\n+------+------+"
    );
    for format in ["", "JSON", "xml", "Parquet"] {
        let answer = get(&f, &token, &format!("?db=a&q=SELECT+1&format={format}"), None).await;
        assert_eq!(answer.status, 400, "{format}");
        assert_eq!(post(&f, &token, json!({ "db": "a", "q": "SELECT 1", "format": format })).await.status, 400);
    }
}

#[tokio::test]
async fn formats_of_no_rows() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    for (format, body) in [("json", "[]"), ("jsonl", ""), ("csv", ""), ("pretty", "++\n++")] {
        let answer = get(&f, &token, &format!("?db=a&format={format}&q=SELECT+*+FROM+cpu+WHERE+f=7"), None).await;
        assert_eq!(answer.status, 200, "{format}");
        assert_eq!(answer.text(), body, "{format}");
    }
}

#[tokio::test]
async fn a_header_tells_the_columns_that_rows_leave_out() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    let q = "SELECT f, time, host, b, i, CAST(NULL AS DOUBLE) AS \"größe\" FROM cpu WHERE f = 7";
    let columns = r#"[["f","number"],["time","time"],["host","string"],["b","boolean"],["i","number"],["gr\u00f6\u00dfe","number"]]"#;
    for format in ["json", "jsonl", "csv", "parquet"] {
        let by_body = post(&f, &token, json!({ "db": "a", "q": q, "format": format })).await;
        assert_eq!(by_body.headers["x-tidegate-columns"], columns, "{format}");
        let by_query = get(&f, &token, &format!("?db=a&format={format}&q={}", percent_encoded(q)), None).await;
        assert_eq!(by_query.headers["x-tidegate-columns"], columns, "{format}");
    }

    let authorization = format!("Bearer {token}");
    let path = format!("/api/v3/query_sql?db=a&q={}", percent_encoded(q));
    let head = f.send(bare_request("HEAD", &path, &[("authorization", authorization.as_bytes())], "")).await;
    assert_eq!(head.status, 200);
    assert!(!head.headers.contains_key("x-tidegate-columns"));

    // Brackets, quotes, comma and kind are 15 bytes.
    for (length, is_told) in [(8192 - 15, true), (8192 - 14, false)] {
        let q = format!("SELECT 1 AS \"{}\"", "x".repeat(length));
        let answer = post(&f, &token, json!({ "db": "a", "q": q })).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers.contains_key("x-tidegate-columns"), is_told, "{length}");
    }
}

/// The columns and the rows of a Parquet file, as text.
fn read_parquet(answer: &Answer) -> (Vec<String>, String) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/vnd.apache.parquet");
    let reader = ParquetRecordBatchReaderBuilder::try_new(answer.body.clone()).unwrap();
    let names = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    let rows: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    (names, pretty_format_batches(&rows).unwrap().to_string())
}

#[tokio::test]
async fn parquet_is_a_file_that_readers_accept() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    let q = "SELECT time, host, f, u FROM cpu ORDER BY time";
    let by_body = post(&f, &token, json!({ "db": "a", "q": q, "format": "parquet" })).await;
    let query = format!("?db=a&q={}", percent_encoded(q));
    let by_accept = get(&f, &token, &query, Some("text/csv;q=0.5, application/vnd.apache.parquet")).await;
    for answer in [by_body, by_accept] {
        let (names, rows) = read_parquet(&answer);
        assert_eq!(names, ["time", "host", "f", "u"]);
        assert!(rows.contains("| 2065-01-24T05:20:00     | a    | 20.0 | 18446744073709551615 |"), "{rows}");
        assert!(rows.contains("| 2065-01-24T05:20:00.123 |      | 0.5  |                      |"), "{rows}");
    }
}

#[tokio::test]
async fn parquet_of_no_rows_is_a_file_with_the_columns() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    let answer = get(&f, &token, "?db=a&format=parquet&q=SELECT+host,f+FROM+cpu+WHERE+f=7", None).await;
    let (names, rows) = read_parquet(&answer);
    assert_eq!(names, ["host", "f"]);
    assert!(!rows.contains("a  "), "{rows}");
}

#[tokio::test]
async fn what_parquet_cannot_hold_is_refused_before_the_answer_begins() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let q = "SELECT INTERVAL '1 month 2 days' AS v";
    assert_eq!(post(&f, &token, json!({ "db": "a", "q": q, "format": "csv" })).await.status, 200);
    let answer = post(&f, &token, json!({ "db": "a", "q": q, "format": "parquet" })).await;
    assert_eq!(answer.status, 400);
    assert!(error(&answer).contains("choose another format"), "{}", answer.text());
}

#[tokio::test]
async fn numbers_that_json_does_not_have() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let q = "SELECT CAST('NaN' AS DOUBLE) AS n, CAST('inf' AS DOUBLE) AS i, -CAST('inf' AS DOUBLE) AS m, NULL AS gone, 1 AS one";
    let answer = post(&f, &token, json!({ "db": "a", "q": q })).await;
    assert_eq!(answer.json(), json!([{ "n": null, "i": null, "m": null, "one": 1 }]));
    let answer = post(&f, &token, json!({ "db": "a", "q": q, "format": "csv" })).await;
    assert_eq!(answer.text(), "n,i,m,gone,one\nNaN,inf,-inf,,1\n");
}

#[tokio::test]
async fn the_accept_header() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    for (accept, content_type) in [
        (None, "application/json"),
        (Some(""), "application/json"),
        (Some("*/*"), "application/json"),
        (Some("application/json"), "application/json"),
        (Some("Application/JSON;charset=utf-8"), "application/json"),
        (Some("application/json, text/plain, */*"), "application/json"),
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), "application/json"),
        (Some("application/jsonl"), "application/jsonl"),
        (Some("text/csv;q=1"), "text/csv"),
        (Some("text/csv"), "text/csv"),
        (Some("image/png, text/csv"), "text/csv"),
        (Some("text/plain"), "text/plain; charset=utf-8"),
        (Some("application/json;q=0.5, text/csv"), "text/csv"),
        (Some("text/csv; q=0, application/jsonl; q=0.001"), "application/jsonl"),
    ] {
        let answer = get(&f, &token, "?db=a&q=SELECT+1", accept).await;
        assert_eq!(answer.status, 200, "{accept:?}");
        assert_eq!(answer.headers["content-type"], content_type, "{accept:?}");
    }
    for accept in ["image/png", "text/csv;q=0", "json"] {
        let answer = get(&f, &token, "?db=a&q=SELECT+1", Some(accept)).await;
        assert_eq!(answer.status, 400, "{accept}");
        assert_eq!(error(&answer), format!("invalid mime type ({accept})"));
        let answer = get(&f, &token, "?db=a&q=SELECT+1&format=csv", Some(accept)).await;
        assert_eq!(answer.headers["content-type"], "text/csv", "the parameter goes before the header");
    }
}

#[tokio::test]
async fn parameters_that_are_missing_or_malformed() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for (query, expected) in [
        ("", "missing query parameters 'db' and 'q'"),
        ("?db=a", "serde error: missing field `q`"),
        ("?q=SELECT+1", "serde error: missing field `db`"),
        ("?db=a&db=a&q=SELECT+1", "serde error: duplicate field `db`"),
    ] {
        let answer = get(&f, &token, query, None).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(error(&answer), expected, "{query}");
    }
    for body in [
        "",
        "x",
        "null",
        "1",
        "[]",
        r#"["a","SELECT 1",null,null]"#,
        "{}",
        r#"{"db":"a"}"#,
        r#"{"q":"SELECT 1"}"#,
        r#"{"db":null,"q":"SELECT 1"}"#,
        r#"{"db":1,"q":"SELECT 1"}"#,
        r#"{"db":"a","q":["SELECT 1"]}"#,
        r#"{"db":"a","db":"a","q":"SELECT 1"}"#,
        r#"{"db":"a","q":"SELECT 1"} {}"#,
        r#"{"db":"a","q":"SELECT 1","format":1}"#,
    ] {
        let answer = f.post("/api/v3/query_sql", &token, body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(error(&answer).starts_with("serde json error: "), "{body}: {}", answer.text());
    }
    for db in ["", "_a", "a b", &"x".repeat(65)] {
        assert_eq!(post(&f, &token, json!({ "db": db, "q": "SELECT 1" })).await.status, 400, "{db}");
    }
    let extra = json!({ "db": "a", "q": "SELECT 1 AS n", "format": null, "params": null, "unknown": { "x": [1] } });
    assert_eq!(post(&f, &token, extra).await.json(), json!([{ "n": 1 }]));
    assert_eq!(get(&f, &token, "?db=a&q=SELECT+1+AS+n&org=x&p=y", None).await.json(), json!([{ "n": 1 }]));
}

#[tokio::test]
async fn bodies_are_read_like_those_of_writes() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let authorization = format!("Bearer {token}");
    let body = json!({ "db": "a", "q": "SELECT 1 AS n" }).to_string();
    let send = async |headers: &[(&str, &[u8])], body: Vec<u8>| {
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", authorization.as_bytes())]).collect();
        f.send(bare_request("POST", "/api/v3/query_sql", &headers, body)).await
    };
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    zipped.write_all(body.as_bytes()).unwrap();
    let zipped = zipped.finish().unwrap();
    assert_eq!(send(&[("content-encoding", b"gzip")], zipped.clone()).await.json(), json!([{ "n": 1 }]));
    assert_eq!(send(&[("content-encoding", b"deflate")], zipped.clone()).await.status, 400);
    assert_eq!(send(&[], zipped).await.status, 400);
    for kind in [&b"text/plain"[..], b"application/vnd.influxql", b"x"] {
        assert_eq!(send(&[("content-type", kind)], body.clone().into()).await.status, 200);
    }
    let large = json!({ "db": "a", "q": "x".repeat(10 << 20) }).to_string();
    let answer = send(&[], large.into()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(error(&answer), "max request size (10485760 bytes) exceeded");
}

#[tokio::test]
async fn statement_parameters() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    let q = "SELECT f FROM cpu WHERE host = $host AND b = $b AND f > $low AND i = $minus AND u > $plus";
    let params = json!({ "host": "a", "b": true, "low": 1.5, "minus": -3, "plus": 5, "unused": null });
    let expected = json!([{ "f": 20.0 }]);
    assert_eq!(post(&f, &token, json!({ "db": "a", "q": q, "params": params })).await.json(), expected);
    let query = format!("?db=a&q={}&params={}", percent_encoded(q), percent_encoded(&params.to_string()));
    assert_eq!(get(&f, &token, &query, None).await.json(), expected);
    let q = "SELECT count(*) AS n FROM cpu WHERE host = $host";
    for (host, n) in [(json!("a"), 1), (json!("a' OR '1'='1"), 0), (json!(""), 0), (Value::Null, 0)] {
        let answer = post(&f, &token, json!({ "db": "a", "q": q, "params": { "host": host } })).await;
        assert_eq!(answer.json(), json!([{ "n": n }]), "{host}");
    }
    for params in [json!({}), json!({ "Host": "a" }), Value::Null] {
        let answer = post(&f, &token, json!({ "db": "a", "q": q, "params": params })).await;
        assert_eq!(answer.status, 400, "{params}");
        assert!(error(&answer).contains("No value found for placeholder with name $host"), "{}", answer.text());
    }
    for (params, kind) in [(json!({ "host": ["a"] }), "arrays"), (json!({ "host": { "a": 1 } }), "objects")] {
        let expected = format!(
            "serde json error: JSON {kind} are not supported as query parameters. Expected null, boolean, number, or \
             string."
        );
        let answer = post(&f, &token, json!({ "db": "a", "q": q, "params": params })).await;
        assert_eq!((answer.status.as_u16(), error(&answer)), (400, expected.clone()));
        let query = format!("?db=a&q=SELECT+1&params={}", percent_encoded(&params.to_string()));
        assert_eq!(error(&get(&f, &token, &query, None).await), expected);
    }
    for params in ["[1]", "1", "\"a\"", "{", ""] {
        let query = format!("?db=a&q=SELECT+1&params={}", percent_encoded(params));
        let answer = get(&f, &token, &query, None).await;
        assert_eq!(answer.status, 400, "{params}");
        assert!(error(&answer).starts_with("serde json error: "), "{}", answer.text());
    }
}

#[tokio::test]
async fn statements_that_fail_have_a_status() {
    let f = fixture().await;
    let token = with_rows(&f).await;
    for (q, part) in [
        ("SELEC 1", ""),
        ("", ""),
        (" ; ", ""),
        ("-- nothing", ""),
        ("SELECT * FROM nope", "nope"),
        ("SELECT nosuch FROM cpu", "nosuch"),
        ("SELECT nosuch(1)", "nosuch"),
        ("SELECT 1/0", ""),
        ("SELECT 1/CAST(f*0 AS BIGINT) FROM cpu", ""),
        ("SELECT CAST(s AS BIGINT) FROM cpu", ""),
        ("SELECT 1; SELECT 2", "one sql statement"),
        ("CREATE TABLE x AS SELECT 1", ""),
        ("DROP TABLE cpu", ""),
        ("INSERT INTO cpu (f) VALUES (1)", ""),
        ("DELETE FROM cpu", ""),
        ("UPDATE cpu SET f = 1", ""),
        ("SET datafusion.execution.batch_size = 1", ""),
        ("PREPARE p AS SELECT 1", ""),
        ("COPY cpu TO '/tmp/x'", ""),
        ("SHOW ALL", ""),
        ("SELECT * FROM '/etc/passwd'", ""),
    ] {
        let answer = post(&f, &token, json!({ "db": "a", "q": q })).await;
        assert_eq!(answer.status, 400, "{q}: {}", answer.text());
        let text = error(&answer);
        assert!(!text.is_empty() && text.to_lowercase().contains(part), "{q}: {text}");
        assert_eq!(answer.json().as_object().unwrap().len(), 1, "{q}");
    }
    assert_eq!(f.rows(&token, "a", "SELECT count(*) AS n FROM cpu").await, json!([{ "n": 2 }]));
    for q in ["SELECT 1;", "SHOW TABLES", "DESCRIBE cpu", "EXPLAIN SELECT * FROM cpu", "SHOW COLUMNS FROM cpu"] {
        let answer = post(&f, &token, json!({ "db": "a", "q": q })).await;
        assert_eq!(answer.status, 200, "{q}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_missing_database_is_404_for_those_who_may_read_it() {
    let f = fixture().await;
    let (_, named) = f.create_token("read:missing", None).await;
    let (_, all) = f.create_token("read:*", None).await;
    for token in [named, all] {
        let answer = f.query(&token, "missing", "SELECT 1").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json(), json!({ "error": "query error: database not found: missing" }));
    }
}

#[tokio::test]
async fn an_error_behind_the_first_rows_breaks_the_stream() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let lines: String = (0..60_000).map(|n| format!("cpu v={n}i {n}\n")).collect();
    assert_eq!(f.write(&token, "a", &lines).await.status, 204);
    for format in ["json", "jsonl", "csv"] {
        let q = "SELECT 1/(59999 - v) AS x FROM cpu";
        let body = json!({ "db": "a", "q": q, "format": format }).to_string();
        let query = request("POST", "/api/v3/query_sql", Some(&format!("Bearer {token}")), body);
        let mut response = f.router.clone().oneshot(query).await.unwrap();
        assert_eq!(response.status(), 200, "{format}");
        let mut frames = Vec::new();
        while let Some(frame) = response.body_mut().frame().await {
            frames.push(frame.is_ok());
        }
        assert!(frames.len() > 1 && frames[0], "{format}: rows were sent");
        assert_eq!(frames.last(), Some(&false), "{format}: the client must not take a part for the whole");
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let f = fixture().await;
    f.create_database("a").await;
    let soon = Timestamp::from_micros(f.clock.now().micros() + 3_600_000_000);
    let (_, token) = f.create_token("read:a write:a", Some(soon)).await;
    let lines: String = (0..50_000).map(|n| format!("cpu v={n}i {n}\n")).collect();
    assert_eq!(f.write(&token, "a", &lines).await.status, 204);
    let body = json!({ "db": "a", "q": "SELECT * FROM cpu", "format": "jsonl" }).to_string();
    let mut query = request("POST", "/api/v3/query_sql", Some(&format!("Bearer {token}")), body);
    let cutoff = Cutoff::default();
    query.extensions_mut().insert(cutoff.clone());
    let mut response = f.router.clone().oneshot(query).await.unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    f.clock.advance(3_600_000_001);
    assert_eq!(f.query(&token, "a", "SELECT 1").await.status, 401, "nothing new from the instant on");
    cutoff.requested().await;
    assert!(response.body_mut().frame().await.unwrap().is_err(), "the rest never comes, and the client can see it");
    assert!(response.body_mut().frame().await.is_none());
}

#[tokio::test]
async fn retention_hides_old_rows() {
    let f = fixture().await;
    let hour = 3_600_000_000_000_i64;
    f.manage("POST", "/databases", json!({ "name": "a", "retentionPeriod": hour })).await;
    let (_, token) = f.create_token("read:a write:a", None).await;
    let now = f.clock.now().nanos();
    let lines = format!("cpu,age=young f=1 {}\ncpu,age=old f=1 {}", now - hour / 2, now - hour - hour / 10);
    assert_eq!(f.write(&token, "a", &lines).await.status, 204, "an old point is accepted");
    let ages = "SELECT age FROM cpu ORDER BY age";
    assert_eq!(f.rows(&token, "a", ages).await, json!([{ "age": "young" }]));
    assert_eq!(f.rows(&token, "a", "SELECT count(*) AS n FROM cpu").await, json!([{ "n": 1 }]));
    f.clock.advance(hour / 1000);
    assert_eq!(f.rows(&token, "a", ages).await, json!([]), "time alone hides it");
}
