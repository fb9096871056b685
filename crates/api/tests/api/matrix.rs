//! The permission matrix: credential × action × resource → outcome, compared with a checked-in file.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tidegate_model::{Clock as _, Timestamp};

use crate::fixture::{Fixture, fixture, request};
use crate::openapi::assert_file;

const HOUR: i64 = 3_600_000_000;
const DATABASES: [&str; 3] = ["a", "b", "missing"];

async fn data_outcome(f: &Fixture, token: Option<&str>, action: &str, database: &str) -> String {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let (path, body) = match action {
        "write v1" => (format!("/write?db={database}"), "cpu f=1 1".to_owned()),
        "write v2" => (format!("/api/v2/write?bucket={database}"), "cpu f=1 1".to_owned()),
        "write v3" => (format!("/api/v3/write_lp?db={database}"), "cpu f=1 1".to_owned()),
        "query sql" => ("/api/v3/query_sql".to_owned(), json!({ "db": database, "q": "SELECT 1" }).to_string()),
        other => panic!("unknown action {other}"),
    };
    f.send(request("POST", &path, authorization.as_deref(), body)).await.status.as_u16().to_string()
}

async fn management_outcome(f: &Fixture, token: Option<&str>, action: &str) -> String {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let (id, _) = f.create_token("read:a", None).await;
    let name = format!("made-{id}").chars().take(40).collect::<String>();
    let (method, path, body) = match action {
        "list databases" => ("GET", f.path("/databases"), Value::Null),
        "create database" => ("POST", f.path("/databases"), json!({ "name": name })),
        "delete database" => ("DELETE", f.path("/databases/missing"), Value::Null),
        "update database" => ("PATCH", f.path("/databases/missing"), json!({ "maxTables": 1 })),
        "rename database" => ("PUT", f.path("/databases/missing/rename"), json!({ "name": "x" })),
        "undelete database" => ("PUT", f.path("/databases/999999/undelete"), Value::Null),
        "list tables" => ("GET", f.path("/databases/a/tables"), Value::Null),
        "create table" => ("POST", f.path("/databases/a/tables"), json!({ "name": name })),
        "delete table" => ("DELETE", f.path("/databases/a/tables/missing"), Value::Null),
        "rename table" => ("PUT", f.path("/databases/a/tables/missing/rename"), json!({ "name": "x" })),
        "undelete table" => ("PUT", f.path("/databases/a/tables/999999/undelete"), Value::Null),
        "switch iceberg" => ("PUT", f.path("/databases/a/tables/x/iceberg"), json!({ "enabled": true })),
        "list clusters" => ("GET", f.account_path("/clusters"), Value::Null),
        "get cluster" => ("GET", f.account_path(&format!("/clusters/{}", f.service.identity().cluster)), Value::Null),
        "list users" => ("GET", f.account_path("/users"), Value::Null),
        "list tokens" => ("GET", f.path("/tokens"), Value::Null),
        "create token" => ("POST", f.path("/tokens"), json!({ "description": "x" })),
        "get token" => ("GET", f.path(&format!("/tokens/{id}")), Value::Null),
        "update token" => ("PATCH", f.path(&format!("/tokens/{id}")), json!({ "description": "y" })),
        "revoke token" => ("DELETE", f.path(&format!("/tokens/{id}")), Value::Null),
        "list management tokens" => ("GET", f.account_path("/management-tokens"), Value::Null),
        "create management token" => ("POST", f.account_path("/management-tokens"), json!({})),
        "revoke management token" => {
            ("DELETE", f.account_path("/management-tokens/4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64"), Value::Null)
        }
        other => panic!("unknown action {other}"),
    };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    f.send(request(method, &path, authorization.as_deref(), body)).await.status.as_u16().to_string()
}

const MANAGEMENT_ACTIONS: [&str; 23] = [
    "list databases",
    "create database",
    "delete database",
    "update database",
    "rename database",
    "undelete database",
    "list tables",
    "create table",
    "delete table",
    "rename table",
    "undelete table",
    "switch iceberg",
    "list clusters",
    "get cluster",
    "list users",
    "list tokens",
    "create token",
    "get token",
    "update token",
    "revoke token",
    "list management tokens",
    "create management token",
    "revoke management token",
];

#[tokio::test]
async fn rights_are_as_checked_in() {
    let f = fixture().await;
    f.create_database("a").await;
    f.create_database("b").await;
    let mut credentials = vec![("no credential".to_owned(), None)];
    for grants in ["", "read:a", "write:a", "read:a write:b", "read:*", "write:*", "read:* write:*"] {
        let (_, token) = f.create_token(grants, None).await;
        let grants = if grants.is_empty() { "no grants" } else { grants };
        credentials.push((format!("database token ({grants})"), Some(token)));
    }
    let (id, revoked) = f.create_token("read:* write:*", None).await;
    f.manage("DELETE", &format!("/tokens/{id}"), Value::Null).await;
    let soon = Timestamp::from_micros(f.clock.now().micros() + HOUR);
    let (_, expired) = f.create_token("read:* write:*", Some(soon)).await;
    let (id, revoked_management) = f.create_management_token(None).await;
    let gone = f.account_path(&format!("/management-tokens/{id}"));
    let authorization = format!("Bearer {}", f.management);
    assert_eq!(f.send(request("DELETE", &gone, Some(&authorization), "")).await.status, 204);
    let (_, expired_management) = f.create_management_token(Some(soon)).await;
    f.clock.advance(2 * HOUR);
    for (name, token) in [
        ("text that is no token", "x".to_owned()),
        ("database token, revoked", revoked),
        ("database token, expired", expired),
        ("management token", f.management.clone()),
        ("management token, revoked", revoked_management),
        ("management token, expired", expired_management),
    ] {
        credentials.push((name.to_owned(), Some(token)));
    }

    let mut matrix = String::from(
        "# Who may do what: credential | action | resource | HTTP status.\n\
         # Written by the test `rights_are_as_checked_in`; a change of rights shows here as a diff.\n\
         # Databases a and b exist; `missing` does not.\n",
    );
    for (name, token) in &credentials {
        for action in ["write v1", "write v2", "write v3", "query sql"] {
            for database in DATABASES {
                let outcome = data_outcome(&f, token.as_deref(), action, database).await;
                writeln!(matrix, "{name} | {action} | {database} | {outcome}").unwrap();
            }
        }
        for action in MANAGEMENT_ACTIONS {
            let outcome = management_outcome(&f, token.as_deref(), action).await;
            writeln!(matrix, "{name} | {action} | - | {outcome}").unwrap();
        }
    }
    matrix.push_str(
        "# The v2 API. Organization home has users first (owner) and second (member) and buckets a and b, other has bucket c.\n",
    );
    matrix.push_str(&crate::matrix_v2::rows().await);
    assert_file("tests/permission-matrix.txt", &matrix);
}
