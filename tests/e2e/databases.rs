//! Renaming, deleting and bringing back databases and tables, with requests under way on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Api, Fresh, Token, send};
use super::support::raw::RawConnection;
use super::support::streams::{Stalled, fill_big};
use super::support::{alone, in_time};

const DATABASE: &str = "plant7";

/// A server with a database that has a long table, and a token that may read and write it.
async fn plant() -> (Fresh, Token) {
    let fresh = Fresh::start().await;
    fresh.api.create_database(DATABASE).await;
    let token = fresh.api.create_token(&[("read", DATABASE), ("write", DATABASE)]).await;
    fresh.api.write(&token.text, DATABASE, "m x=1 1").await.expect_status(204);
    (fresh, token)
}

async fn put(api: &Api, path: &str, body: Option<Value>) -> super::support::api::Answer {
    let request = api.manage(Method::PUT, path);
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn rename(api: &Api, path: &str, name: &str) -> Value {
    put(api, &format!("{path}/rename"), Some(json!({ "name": name }))).await.expect_status(200).json()
}

async fn count(api: &Api, token: &Token, table: &str) -> Value {
    api.rows(&token.text, DATABASE, &format!("SELECT count(*) AS n FROM {table}")).await[0]["n"].clone()
}

/// A write whose body lacks its last byte.
async fn begin_upload(api: &Api, token: &Token) -> RawConnection {
    const BODY: &[u8] = b"slow x=1 1\nslow x=2 2\n";
    let mut connection = RawConnection::open(api.authority()).await;
    let (bearer, length) = (format!("Bearer {}", token.text), (BODY.len() + 1).to_string());
    let headers = [("Authorization", bearer.as_str()), ("Content-Length", &length)];
    connection.send_head("POST /api/v3/write_lp?db=plant7", &headers).await;
    connection.send(BODY).await.unwrap();
    connection
}

#[tokio::test]
async fn renaming_a_database_ends_what_goes_on_under_the_old_name() {
    let _turn = alone().await;
    let (mut fresh, token) = plant().await;
    fill_big(&fresh.api, &token.text, DATABASE).await;
    let stalled = Stalled::open(&fresh.api, &token.text, DATABASE).await;
    let mut upload = begin_upload(&fresh.api, &token).await;
    let renamed = rename(&fresh.api, "/databases/plant7", "plant8").await;
    assert_eq!(renamed["name"], "plant8");
    assert!(!stalled.resume().await.is_complete_chunked());
    // Nothing of what was on its way lands under either name.
    upload.send(b"\n").await.unwrap();
    assert_eq!(upload.receive_answer().await.status(), Some(403));
    let other = fresh.api.create_token(&[("read", "plant8")]).await;
    for round in 0..2 {
        fresh.api.write(&token.text, DATABASE, "m x=2 2").await.expect_status(403);
        fresh.api.query(&token.text, "plant8", "SELECT * FROM m").await.expect_status(403);
        fresh.api.query(&other.text, "plant8", "SELECT * FROM slow").await.expect_status(400);
        let rows = fresh.api.rows(&other.text, "plant8", "SELECT x FROM m").await;
        assert_eq!(rows, [json!({ "x": 1.0 })], "round {round}");
        fresh.server.kill();
        fresh.restart().await;
    }
    fresh.api.create_database(DATABASE).await;
    fresh.api.write(&token.text, DATABASE, "m x=3 3").await.expect_status(204);
    assert_eq!(count(&fresh.api, &token, "m").await, 1, "the namesake starts empty");
}

#[tokio::test]
async fn an_undeleted_database_has_all_its_rows_and_the_tokens_work_again() {
    let (mut fresh, token) = plant().await;
    fresh.api.delete("/databases/plant7").await.expect_status(204);
    fresh.api.query(&token.text, DATABASE, "SELECT * FROM m").await.expect_status(404);
    fresh.api.write(&token.text, DATABASE, "m x=2 2").await.expect_status(403);
    fresh.server.kill();
    fresh.restart().await;
    let deleted = fresh.api.get("/databases?status=deleted").await.expect_status(200).json();
    assert_eq!(deleted[0]["name"], DATABASE);
    let id = deleted[0]["id"].as_i64().unwrap();
    put(&fresh.api, &format!("/databases/{id}/undelete"), None).await.expect_status(200);
    assert_eq!(count(&fresh.api, &token, "m").await, 1);
    fresh.api.write(&token.text, DATABASE, "m x=2 2").await.expect_status(204);
    fresh.server.kill();
    fresh.restart().await;
    assert_eq!(count(&fresh.api, &token, "m").await, 2);
    put(&fresh.api, &format!("/databases/{id}/undelete"), None).await.expect_status(400);
}

#[tokio::test]
async fn a_renamed_table_is_reached_by_both_names_also_after_restarts() {
    let (mut fresh, token) = plant().await;
    let renamed = rename(&fresh.api, "/databases/plant7/tables/m", "n").await;
    for rows in [1, 2] {
        assert_eq!(count(&fresh.api, &token, "m").await, rows);
        assert_eq!(count(&fresh.api, &token, "n").await, rows);
        let both = format!("m y=1 {}\nn z=2 {}\n", rows + 1, rows + 1);
        fresh.api.write(&token.text, DATABASE, &both).await.expect_status(204);
        fresh.server.kill();
        fresh.restart().await;
    }
    let row = fresh.api.rows(&token.text, DATABASE, "SELECT x, y, z FROM n ORDER BY time DESC LIMIT 1").await;
    assert_eq!(row, [json!({ "y": 1.0, "z": 2.0 })], "both lines of a body are one row of the one table");
    let listed = fresh.api.get("/databases/plant7/tables").await.expect_status(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["name"], &listed[0]["id"]), (&json!("n"), &renamed["id"]));
    fresh.api.post("/databases/plant7/tables", &json!({ "name": "m" })).await.expect_status(409);
}

/// What one writer had acknowledged: row numbers, and whether each was begun after the deletion had answered.
async fn keep_writing(api: Api, token: Token, writer: usize, deleted: Arc<AtomicBool>) -> Vec<(u64, bool)> {
    let mut acknowledged = Vec::new();
    let mut after = 0;
    for seq in 1.. {
        let began_after = deleted.load(Ordering::SeqCst);
        let line = format!("m,writer={writer} seq={seq}i {seq}");
        api.write(&token.text, DATABASE, &line).await.expect_status(204);
        acknowledged.push((seq, began_after));
        after += usize::from(began_after);
        if after == 20 {
            break;
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_deleted_under_its_writers_comes_back_as_a_new_one_and_loses_no_row() {
    let _turn = alone().await;
    let (mut fresh, token) = plant().await;
    let deleted = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|writer| tokio::spawn(keep_writing(fresh.api.clone(), token.clone(), writer, deleted.clone())))
        .collect();
    let rows = async || count(&fresh.api, &token, "m").await.as_u64().filter(|&rows| rows > 100);
    super::support::eventually("the writers are at work", rows).await;
    fresh.api.delete("/databases/plant7/tables/m").await.expect_status(204);
    deleted.store(true, Ordering::SeqCst);
    let mut acknowledged = Vec::new();
    for (writer, task) in writers.into_iter().enumerate() {
        let rows = in_time("a writer ends", task).await.unwrap();
        acknowledged.extend(rows.into_iter().map(|(seq, after)| (writer.to_string(), seq, after)));
    }
    let in_new = fresh.api.rows(&token.text, DATABASE, "SELECT writer, seq FROM m WHERE seq IS NOT NULL").await;
    let is_in =
        |rows: &[Value], writer: &str, seq: u64| rows.iter().any(|row| row["writer"] == writer && row["seq"] == seq);
    for (writer, seq, _) in acknowledged.iter().filter(|(_, _, after)| *after) {
        assert!(is_in(&in_new, writer, *seq), "writer {writer} row {seq} was written after the deletion");
    }
    // The deleted table comes back beside: every acknowledged row is in one of the two, and in one only.
    rename(&fresh.api, "/databases/plant7/tables/m", "second").await;
    fresh.server.kill();
    fresh.restart().await;
    let listed = fresh.api.get("/databases/plant7/tables?status=deleted").await.expect_status(200).json();
    let id = listed[0]["id"].as_i64().unwrap();
    let path = format!("/databases/plant7/tables/{id}/undelete");
    put(&fresh.api, &path, None).await.expect_status(400);
    fresh.api.delete("/databases/plant7/tables/second").await.expect_status(204);
    put(&fresh.api, &path, None).await.expect_status(200);
    let in_old = fresh.api.rows(&token.text, DATABASE, "SELECT writer, seq FROM m WHERE seq IS NOT NULL").await;
    for (writer, seq, _) in &acknowledged {
        assert!(is_in(&in_old, writer, *seq) != is_in(&in_new, writer, *seq), "writer {writer} row {seq}");
    }
    assert!(!in_old.is_empty() && in_old.len() + in_new.len() == acknowledged.len());
}
