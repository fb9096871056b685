//! Databases: the numbered edge cases of the management API contract §16.

use std::collections::BTreeSet;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::fixture::{Fixture, fixture, percent_encoded, request};

async fn create(f: &Fixture, body: Value) -> u16 {
    f.manage("POST", "/databases", body).await.status.as_u16()
}

async fn delete(f: &Fixture, name_in_path: &str) -> u16 {
    f.manage("DELETE", &format!("/databases/{name_in_path}"), Value::Null).await.status.as_u16()
}

async fn names(f: &Fixture, query: &str) -> Vec<String> {
    let listed = f.manage("GET", &format!("/databases{query}"), Value::Null).await.json();
    listed.as_array().unwrap().iter().map(|database| database["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn edge_03_account_and_cluster_of_the_path() {
    let f = fixture().await;
    let identity = f.service.identity();
    let (account, cluster) = (identity.account.to_string(), identity.cluster.to_string());
    let other = "6b0d4a1e-52c7-4f0a-9d3b-0f6a7c9e2b11";
    let authorization = format!("Bearer {}", f.management);
    for (account, cluster, status) in [
        (account.as_str(), cluster.as_str(), 200),
        (&account.to_uppercase(), &cluster.to_uppercase(), 200),
        ("1", &cluster, 400),
        (&account, "not-a-uuid", 400),
        (&account.replace('-', ""), &cluster, 400),
        (other, &cluster, 404),
        (&account, other, 404),
        (&cluster, &account, 404),
    ] {
        for resource in ["databases", "tokens"] {
            let path = format!("/api/v0/accounts/{account}/clusters/{cluster}/{resource}");
            let answer = f.send(request("GET", &path, Some(&authorization), "")).await;
            assert_eq!(answer.status, status, "{path}");
            // Who may not ask learns nothing about the ids.
            assert_eq!(f.send(request("GET", &path, None, "")).await.status, 401, "{path}");
        }
    }
    let created = f.manage("POST", "/databases", json!({ "name": "a" })).await.json();
    assert_eq!(created["accountId"], account, "answered in lower case");
    assert_eq!(created["clusterId"], cluster);
}

#[tokio::test]
async fn edge_04_only_a_name_gives_the_defaults() {
    let f = fixture().await;
    let identity = f.service.identity();
    let answer = f.manage("POST", "/databases", json!({ "name": "plant7" })).await;
    assert_eq!(answer.status, 200);
    let mut created = answer.json();
    let id = created.as_object_mut().unwrap().remove("id").unwrap();
    assert!(id.as_i64().unwrap() >= 1);
    let expected = json!({
        "accountId": identity.account.to_string(), "clusterId": identity.cluster.to_string(), "name": "plant7",
        "maxTables": 500, "maxColumnsPerTable": 200, "retentionPeriod": 0,
    });
    assert_eq!(created, expected, "no partitionTemplate, no null members");
    let listed = f.manage("GET", "/databases", Value::Null).await.json();
    let mut expected = expected;
    expected["id"] = id;
    assert_eq!(listed, json!([expected]));
}

#[tokio::test]
async fn edge_05_names() {
    let f = fixture().await;
    let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
    let with_umlaut = format!("{}ü", "x".repeat(63));
    let many_umlauts = "ü".repeat(64);
    for name in ["a", longest.as_str(), "A", "a/b", "/", "-", "0", "a//b", "telegraf/autogen"] {
        assert_eq!(create(&f, json!({ "name": name })).await, 200, "{name}");
    }
    for name in [
        "",
        &too_long,
        &with_umlaut,
        &many_umlauts,
        "ü",
        "a.b",
        "a b",
        "a@b",
        "_x",
        "_internal",
        "*",
        "a%2Fb",
        "a\n",
        "a\0",
    ] {
        assert_eq!(create(&f, json!({ "name": name })).await, 400, "{name:?}");
    }
    for body in [json!({}), json!({ "name": null }), json!({ "name": 1 }), json!({ "name": ["a"] })] {
        assert_eq!(create(&f, body.clone()).await, 400, "{body}");
    }
    let mut expected: Vec<_> =
        ["a", longest.as_str(), "A", "a/b", "/", "-", "0", "a//b", "telegraf/autogen"].map(str::to_owned).into();
    expected.sort();
    assert_eq!(names(&f, "").await, expected, "ordered by name, case-sensitive");
}

#[tokio::test]
async fn edge_06_slashes_are_percent_encoded_once() {
    let f = fixture().await;
    f.create_database("a/b").await;
    assert_eq!(delete(&f, "a%252Fb").await, 404);
    assert_eq!(delete(&f, "a").await, 404);
    assert_eq!(delete(&f, "b").await, 404);
    assert_eq!(delete(&f, "a/b").await, 404, "no such route");
    assert_eq!(names(&f, "").await, ["a/b"]);
    assert_eq!(delete(&f, "a%2fb").await, 204, "hexadecimal digits in any case");
    f.create_database("a/b").await;
    assert_eq!(delete(&f, &percent_encoded("a/b")).await, 204);
    assert_eq!(delete(&f, "%FF").await, 400, "not UTF-8");
}

#[tokio::test]
async fn edge_07_names_that_look_like_parts_of_a_path() {
    let f = fixture().await;
    let odd = ["rename", "undelete", "tables", "12345", "databases", "tokens", "/", "//", "-"];
    for name in odd {
        f.create_database(name).await;
    }
    let (_, token) = f.create_token("read:* write:*", None).await;
    for name in odd {
        let db = percent_encoded(name);
        assert_eq!(f.write(&token, &db, "cpu f=1 1").await.status, 204, "{name}");
        assert_eq!(delete(&f, &db).await, 204, "{name}");
        assert_eq!(delete(&f, &db).await, 404, "{name}");
    }
    assert_eq!(names(&f, "").await, [""; 0]);
    // A dot segment is no name, and not resolved away either.
    f.create_database("kept").await;
    for name in ["%2E%2E", ".", "kept%2F..", "..%2Fkept", "kept%00", "*", "%2A"] {
        assert_eq!(delete(&f, name).await, 404, "{name}");
    }
    assert_eq!(names(&f, "").await, ["kept"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn edge_08_a_taken_name_is_409_and_parallel_creates_have_one_winner() {
    let f = fixture().await;
    f.create_database("plant7").await;
    let again = f.manage("POST", "/databases", json!({ "name": "plant7", "maxTables": 3 })).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.json(), json!({ "code": 409, "message": "database \"plant7\" already exists" }));
    let f = Arc::new(f);
    let attempts = (0..16).map(|_| {
        let f = f.clone();
        tokio::spawn(async move { create(&f, json!({ "name": "new" })).await })
    });
    let mut statuses: Vec<_> =
        futures::future::join_all(attempts).await.into_iter().map(|status| status.unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
    assert_eq!(names(&f, "?status=all").await, ["new", "plant7"]);
}

#[tokio::test]
async fn edge_09_retention_period_values() {
    let f = fixture().await;
    // As text, since a JSON value cannot hold them all.
    for (n, (period, stored)) in [
        ("0", 0),
        ("1", 1),
        ("9223372036854775807", i64::MAX),
        ("null", 0),
        ("3600000000000", 3_600_000_000_000),
        ("1.0", 1),
        ("3.6e12", 3_600_000_000_000),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(r#"{{"name":"db{n}","retentionPeriod":{period}}}"#);
        let answer = post_text(&f, &body).await;
        assert_eq!(answer.status, 200, "{period}");
        assert_eq!(answer.json()["retentionPeriod"], stored, "{period}");
    }
    for period in ["-1", "-1.0", "9223372036854775808", "1e17", "-1e300", "1.5", "\"0\"", "[]", "{}", "true", "1e400"] {
        let answer = post_text(&f, &format!(r#"{{"name":"x","retentionPeriod":{period}}}"#)).await;
        assert_eq!(answer.status, 400, "{period}");
        assert_eq!(answer.json()["code"], 400);
    }
    assert_eq!(names(&f, "").await.len(), 7);
}

async fn post_text(f: &Fixture, body: &str) -> crate::fixture::Answer {
    let authorization = format!("Bearer {}", f.management);
    f.send(request("POST", &f.path("/databases"), Some(&authorization), body.to_owned())).await
}

#[tokio::test]
async fn edge_10_limits() {
    let f = fixture().await;
    for (n, (member, value, status)) in [
        ("maxTables", "0", 400),
        ("maxTables", "-1", 400),
        ("maxTables", "1", 200),
        ("maxTables", "2147483647", 200),
        ("maxTables", "2147483648", 400),
        ("maxTables", "1.5", 400),
        ("maxTables", "\"1\"", 400),
        ("maxTables", "null", 200),
        ("maxColumnsPerTable", "0", 400),
        ("maxColumnsPerTable", "1", 200),
        ("maxColumnsPerTable", "1000", 200),
        ("maxColumnsPerTable", "1001", 400),
        ("maxColumnsPerTable", "4294967297", 400),
        ("maxColumnsPerTable", "null", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = post_text(&f, &format!(r#"{{"name":"db{n}","{member}":{value}}}"#)).await;
        assert_eq!(answer.status, status, "{member} {value}");
        if status == 200 {
            let default = if member == "maxTables" { 500 } else { 200 };
            assert_eq!(answer.json()[member], value.parse().unwrap_or(default), "{member} {value}");
        }
    }
}

#[tokio::test]
async fn edge_10_a_database_keeps_to_its_limits() {
    let f = fixture().await;
    assert_eq!(create(&f, json!({ "name": "a", "maxTables": 1, "maxColumnsPerTable": 3 })).await, 200);
    let (_, token) = f.create_token("read:a write:a", None).await;
    assert_eq!(f.write(&token, "a", "cpu,t=x f=1 1").await.status, 204, "time, t and f are three columns");
    assert_eq!(f.write(&token, "a", "cpu g=1 1").await.status, 400);
    assert_eq!(f.write(&token, "a", "mem f=1 1").await.status, 400);
    assert_eq!(f.rows(&token, "a", "SELECT f, t FROM cpu").await, json!([{ "f": 1.0, "t": "x" }]));
}

#[tokio::test]
async fn edge_13_deleting_twice() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    f.create_database("b").await;
    let gone = f.manage("DELETE", "/databases/a", Value::Null).await;
    assert_eq!(gone.status, 204);
    let again = f.manage("DELETE", "/databases/a", Value::Null).await;
    assert_eq!(again.status, 404);
    assert_eq!(again.json(), json!({ "code": 404, "message": "database \"a\" not found" }));
    assert_eq!(names(&f, "").await, ["b"]);
    assert_eq!(names(&f, "?status=active").await, ["b"]);
    assert_eq!(names(&f, "?status=deleted").await, ["a"]);
    assert_eq!(names(&f, "?status=all").await, ["a", "b"]);
    assert_eq!(f.manage("GET", "/databases?status=gone", Value::Null).await.status, 400);
    assert_eq!(names(&f, "?unknown=1").await, ["b"], "unknown parameters are ignored");
    let deleted = f.manage("GET", "/databases?status=all", Value::Null).await.json();
    assert!(deleted[0]["deletedAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(deleted[1].get("deletedAt"), None);
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 403);
    assert_eq!(f.query(&token, "a", "SELECT 1").await.status, 404);
}

#[tokio::test]
async fn edge_14_a_deleted_name_can_be_used_again_with_a_new_id() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 204);
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        let listed = f.manage("GET", "/databases", Value::Null).await.json();
        assert!(ids.insert(listed[0]["id"].as_i64().unwrap()), "an id is never used again");
        assert_eq!(delete(&f, "a").await, 204);
        f.create_database("a").await;
    }
    // The grant goes by name, the rows went with the old database.
    assert_eq!(f.query(&token, "a", "SELECT * FROM cpu").await.status, 400);
    assert_eq!(f.write(&token, "a", "cpu f=\"text\" 1").await.status, 204, "nor does its schema bind");
    assert_eq!(names(&f, "?status=deleted").await, ["a", "a", "a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn edge_40_lists_are_snapshots_while_others_change_them() {
    let f = Arc::new(fixture().await);
    f.create_database("kept").await;
    let changer = f.clone();
    let changes = tokio::spawn(async move {
        for _ in 0..20 {
            changer.create_database("b").await;
            assert_eq!(delete(&changer, "b").await, 204);
        }
    });
    while !changes.is_finished() {
        let listed = names(&f, "").await;
        assert!(listed == ["b", "kept"] || listed == ["kept"], "{listed:?}");
    }
    changes.await.unwrap();
}
