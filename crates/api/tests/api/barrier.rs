//! The barrier where a socket would only get in the way: queries that ignore cancellation, commits that do not end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tidegate_api::Cutoff;
use tidegate_model::{Clock as _, PlainToken, Timestamp};
use tidegate_service::Settings;
use tower::ServiceExt as _;

use crate::fixture::{Fixture, fixture, fixture_with, request};

/// A function that computes until it is told to stop, whatever happens to its query.
fn spin(stop: Arc<AtomicBool>, spinning: Arc<AtomicBool>) -> Arc<ScalarUDF> {
    let body = move |arguments: &[ColumnarValue]| {
        spinning.store(true, Ordering::SeqCst);
        while !stop.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Ok(arguments[0].clone())
    };
    Arc::new(create_udf("spin", vec![DataType::Int64], DataType::Int64, Volatility::Volatile, Arc::new(body)))
}

async fn revoke(f: &Fixture, id: &str) -> u16 {
    f.manage("DELETE", &format!("/tokens/{id}"), Value::Null).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_ignores_cancellation_is_cut_off() {
    let (stop, spinning) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let f = Arc::new(fixture_with(Settings::default(), vec![spin(stop.clone(), spinning.clone())]).await);
    f.create_database("a").await;
    let (id, token) = f.create_token("read:a write:a", None).await;
    assert_eq!(f.write(&token, "a", "cpu v=1i 1").await.status, 204);
    let query = {
        let (f, token) = (f.clone(), token.clone());
        tokio::spawn(async move { f.query(&token, "a", "SELECT spin(v) FROM cpu").await.status })
    };
    while !spinning.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    assert_eq!(revoke(&f, &id).await, 204, "the revocation does not wait for the computation");
    assert_eq!(query.await.unwrap(), 401);
    // Another token's queries still get their turn.
    let (_, other) = f.create_token("read:a", None).await;
    assert_eq!(f.query(&other, "a", "SELECT v FROM cpu").await.status, 200);
    stop.store(true, Ordering::SeqCst);
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_cut_off() {
    let f = fixture().await;
    f.create_database("a").await;
    let (id, token) = f.create_token("read:a write:a", None).await;
    let lines: String = (0..50_000).map(|n| format!("cpu v={n}i {n}\n")).collect();
    assert_eq!(f.write(&token, "a", &lines).await.status, 204);
    let body = json!({ "db": "a", "q": "SELECT * FROM cpu", "format": "jsonl" }).to_string();
    cut_off_in_mid_stream(&f, &id, &token, body).await;
}

#[tokio::test]
async fn a_parquet_file_is_cut_off_between_two_row_groups() {
    let f = fixture().await;
    f.create_database("a").await;
    let (id, token) = f.create_token("read:a", None).await;
    let q = "SELECT value AS a, value * 7919 AS b, value * 104729 AS c, -value AS d FROM generate_series(1, 1000000)";
    let body = json!({ "db": "a", "q": q, "format": "parquet" }).to_string();
    cut_off_in_mid_stream(&f, &id, &token, body).await;
}

/// Reads the first frame of a query's answer, revokes the token, and looks for what comes of the rest.
async fn cut_off_in_mid_stream(f: &Fixture, id: &str, token: &str, body: String) {
    let mut query = request("POST", "/api/v3/query_sql", Some(&format!("Bearer {token}")), body);
    let cutoff = Cutoff::default();
    query.extensions_mut().insert(cutoff.clone());
    let mut response = f.router.clone().oneshot(query).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    assert!(cutoff.requested().now_or_never().is_none());
    assert_eq!(revoke(f, id).await, 204, "the client does not read, and is not waited for");
    assert!(cutoff.requested().now_or_never().is_some(), "the listener is told, as nobody asks for the rest");
    assert!(response.body_mut().frame().await.unwrap().is_err(), "the rest never comes, and the client can see it");
    assert!(response.body_mut().frame().await.is_none());
}

/// Sends a request and takes the first frame of its answer, which the carrier then holds for a client without window.
async fn taken_but_not_sent(f: &Fixture, mut request: Request<Body>) -> (Response<Body>, Cutoff) {
    let cutoff = Cutoff::default();
    request.extensions_mut().insert(cutoff.clone());
    let mut response = f.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    assert!(cutoff.requested().now_or_never().is_none());
    (response, cutoff)
}

#[tokio::test]
async fn an_answer_of_one_piece_is_cut_off_while_it_is_on_its_way() {
    let f = fixture().await;
    f.create_database("a").await;
    for format in ["pretty", "csv", "json", "parquet"] {
        let (id, token) = f.create_token("read:a write:a", None).await;
        assert_eq!(f.write(&token, "a", "cpu v=1i 1").await.status, 204);
        let path = format!("/api/v3/query_sql?db=a&q=SELECT%20*%20FROM%20cpu&format={format}");
        let query = request("GET", &path, Some(&format!("Bearer {token}")), "");
        let (_response, cutoff) = taken_but_not_sent(&f, query).await;
        assert_eq!(revoke(&f, &id).await, 204);
        assert!(cutoff.requested().now_or_never().is_some(), "{format}");
    }
}

#[tokio::test]
async fn what_a_management_token_asked_to_see_is_cut_off_with_it() {
    let f = fixture().await;
    f.create_token("read:a", None).await;
    let first = format!("Bearer {}", f.management);
    let tokens = f.account_path("/management-tokens");
    for path in [f.path("/tokens"), f.path("/databases"), tokens.clone(), "/metrics".to_owned()] {
        let second = f.send(request("POST", &tokens, Some(&first), "{}")).await.json();
        let authorization = format!("Bearer {}", second["accessToken"].as_str().unwrap());
        let (_response, cutoff) = taken_but_not_sent(&f, request("GET", &path, Some(&authorization), "")).await;
        let id = second["id"].as_str().unwrap();
        let revoked = f.send(request("DELETE", &format!("{tokens}/{id}"), Some(&first), "")).await;
        assert_eq!(revoked.status, 204);
        assert!(cutoff.requested().now_or_never().is_some(), "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_to_its_end_is_not_cut_off() {
    let f = fixture().await;
    f.create_database("a").await;
    let (_, token) = f.create_token("read:a write:a", None).await;
    assert_eq!(f.write(&token, "a", "cpu v=1i 1").await.status, 204);
    for method in ["GET", "HEAD"] {
        let path = "/api/v3/query_sql?db=a&q=SELECT%20*%20FROM%20cpu";
        let mut query = request(method, path, Some(&format!("Bearer {token}")), "");
        let cutoff = Cutoff::default();
        query.extensions_mut().insert(cutoff.clone());
        assert_eq!(f.send(query).await.status, 200);
        assert!(cutoff.requested().now_or_never().is_none(), "{method}");
    }
}

#[tokio::test]
async fn a_commit_that_does_not_end_is_reported_as_still_draining() {
    let settings = Settings { revocation_bound: Duration::from_millis(10), ..Settings::default() };
    let f = fixture_with(settings, Vec::new()).await;
    let (id, token) = f.create_token("write:a", None).await;
    let presented = PlainToken::from_presented(token.clone());
    let entry = f.service.enter(&presented, tidegate_service::Door::Data, [192, 0, 2, 1].into()).await.unwrap();
    entry.begin_commit().unwrap();
    for _ in 0..2 {
        let answer = f.manage("DELETE", &format!("/tokens/{id}"), Value::Null).await;
        assert_eq!(answer.status, 503, "durable, but not final yet");
        assert!(answer.json()["message"].as_str().unwrap().starts_with("revoked, still draining"));
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert!(f.service.enter(&presented, tidegate_service::Door::Data, [192, 0, 2, 1].into()).await.is_err());
    drop(entry);
    assert_eq!(revoke(&f, &id).await, 204);
}

/// A clock that was wrong for a moment makes tokens expire, but does not stop the time of data.
#[tokio::test]
async fn the_time_of_rows_follows_the_clock_back() {
    const DAY: i64 = 24 * 3_600_000_000;
    let f = fixture().await;
    let body = json!({ "name": "a", "retentionPeriod": 3_600_000_000_000_i64 });
    assert_eq!(f.manage("POST", "/databases", body).await.status, 200);
    let (_, token) = f.create_token("read:a write:a", None).await;
    let (_, expiring) = f.create_token("read:a", Some(Timestamp::from_micros(f.clock.now().micros() + DAY / 2))).await;
    f.clock.advance(DAY);
    assert_eq!(f.query(&expiring, "a", "SELECT 1").await.status, 401);
    f.clock.advance(-DAY);
    for value in 0..2 {
        assert_eq!(f.write(&token, "a", &format!("cpu v={value}i")).await.status, 204);
        f.clock.advance(1_000_000);
    }
    let rows = f.query(&token, "a", "SELECT count(*) AS n FROM cpu").await;
    assert_eq!(rows.text(), r#"[{"n":2}]"#, "neither overwritten nor hidden by retention");
    assert_eq!(f.query(&expiring, "a", "SELECT 1").await.status, 401, "and the expired token stays dead");
}

/// A stream of rows of the database `a`, of which the first ones have arrived, and a token for it.
async fn open_stream(f: &Fixture) -> (Response<Body>, String) {
    let token = f.database_and_token("a").await;
    let lines: String = (0..50_000).map(|n| format!("cpu v={n}i {n}\n")).collect();
    assert_eq!(f.write(&token, "a", &lines).await.status, 204);
    let body = json!({ "db": "a", "q": "SELECT * FROM cpu", "format": "jsonl" }).to_string();
    let query = request("POST", "/api/v3/query_sql", Some(&format!("Bearer {token}")), body);
    let mut response = f.router.clone().oneshot(query).await.unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    (response, token)
}

#[tokio::test]
async fn deleting_a_database_ends_streams_on_it() {
    let f = fixture().await;
    let (mut response, token) = open_stream(&f).await;
    assert_eq!(f.manage("DELETE", "/databases/a", Value::Null).await.status, 204);
    assert!(response.body_mut().frame().await.unwrap().is_err());
    // The grant goes by name: it matches a new database of that name, which is empty.
    assert_eq!(f.write(&token, "a", "cpu v=1i 1").await.status, 403);
    f.create_database("a").await;
    assert_eq!(f.write(&token, "a", "mem v=1i 1").await.status, 204);
    assert_eq!(f.query(&token, "a", "SELECT * FROM cpu").await.status, 400);
}

#[tokio::test]
async fn renaming_a_database_ends_streams_on_it() {
    let f = fixture().await;
    let (mut response, token) = open_stream(&f).await;
    assert_eq!(f.manage("PUT", "/databases/a/rename", json!({ "name": "b" })).await.status, 200);
    assert!(response.body_mut().frame().await.unwrap().is_err());
    assert_eq!(f.write(&token, "a", "cpu v=1i 1").await.status, 403);
    // What starts under the new name is not touched by the end of the old one.
    let (_, reader) = f.create_token("read:b", None).await;
    assert_eq!(f.rows(&reader, "b", "SELECT count(*) AS n FROM cpu").await, json!([{ "n": 50_000 }]));
}
