//! HTTP conventions of the Management API: edge cases 1 and 36 to 39 of the contract's §16.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, bare_request, fixture, request};

const UNKNOWN_ID: &str = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";

/// Method and path of every operation.
fn operations(f: &Fixture) -> Vec<(&'static str, String)> {
    let mut operations = Vec::new();
    for (methods, path) in [
        (vec!["GET", "POST"], f.path("/databases")),
        (vec!["GET", "POST"], f.path("/databases/")),
        (vec!["PATCH", "DELETE"], f.path("/databases/plant7")),
        (vec!["PUT"], f.path("/databases/plant7/rename")),
        (vec!["PUT"], f.path("/databases/1/undelete")),
        (vec!["GET", "POST"], f.path("/databases/plant7/tables")),
        (vec!["DELETE"], f.path("/databases/plant7/tables/press")),
        (vec!["PUT"], f.path("/databases/plant7/tables/press/rename")),
        (vec!["PUT"], f.path("/databases/plant7/tables/1/undelete")),
        (vec!["PUT"], f.path("/databases/plant7/tables/press/iceberg")),
        (vec!["GET", "POST"], f.path("/tokens")),
        (vec!["GET", "POST"], f.path("/tokens/")),
        (vec!["GET", "PATCH", "DELETE"], f.path(&format!("/tokens/{UNKNOWN_ID}"))),
        (vec!["GET", "POST"], f.account_path("/management-tokens")),
        (vec!["GET", "POST"], f.account_path("/management-tokens/")),
        (vec!["DELETE"], f.account_path(&format!("/management-tokens/{UNKNOWN_ID}"))),
        (vec!["GET"], f.account_path("/clusters")),
        (vec!["GET"], f.account_path("/users")),
        (vec!["GET", "POST"], "/api/v0/databases".to_owned()),
        (vec!["PATCH", "DELETE"], "/api/v0/databases/plant7".to_owned()),
        (vec!["GET", "POST"], "/api/v0/tokens".to_owned()),
        (vec!["GET", "PATCH", "DELETE"], format!("/api/v0/tokens/{UNKNOWN_ID}")),
        (vec!["GET", "POST"], "/api/v0/management-tokens".to_owned()),
    ] {
        operations.extend(methods.into_iter().map(|method| (method, path.clone())));
    }
    operations
}

fn assert_error(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/json", "{what}");
    let body = answer.json();
    assert_eq!(body["code"], status, "{what}");
    assert!(!body["message"].as_str().unwrap().is_empty(), "{what}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{what}");
}

async fn post(f: &Fixture, path: &str, content_type: Option<&str>, body: impl Into<axum::body::Body>) -> Answer {
    let authorization = format!("Bearer {}", f.management);
    let mut headers = vec![("authorization", authorization.as_bytes())];
    headers.extend(content_type.map(|value| ("content-type", value.as_bytes())));
    f.send(bare_request("POST", path, &headers, body)).await
}

#[tokio::test]
async fn edge_01_what_is_no_usable_management_token_is_refused() {
    let f = fixture().await;
    f.create_database("plant7").await;
    let (_, database_token) = f.create_token("read:* write:*", None).await;
    // An access token of an identity provider, expired in 2001.
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjEwMDAwMDAwMDB9.c2lnbmF0dXJl";
    let authorizations = [
        None,
        Some(format!("Bearer {jwt}")),
        Some(format!("Bearer {database_token}")),
        Some(format!("Token {}", f.management)),
        Some(f.management.clone()),
        Some(format!("Bearer  {}", f.management)),
        Some(format!("Bearer {} x", f.management)),
        Some("Bearer".to_owned()),
    ];
    // Each is tried once or twice only: wrong credentials are answered more and more slowly.
    let operations = operations(&f);
    for (n, authorization) in authorizations.iter().enumerate() {
        for (method, path) in [&operations[n], &operations[operations.len() - 1 - n]] {
            let answer = f.send(request(method, path, authorization.as_deref(), "{}")).await;
            assert_error(&answer, 401, &format!("{method} {path} {authorization:?}"));
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
    let (status, left) = {
        let answer = f.manage("GET", "/databases", Value::Null).await;
        (answer.status, answer.json().as_array().unwrap().len())
    };
    assert_eq!((status.as_u16(), left), (200, 1), "nothing was deleted or created");
}

#[tokio::test]
async fn edge_01_the_scheme_is_read_in_any_case() {
    let f = fixture().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {}", f.management);
        assert_eq!(f.send(request("GET", &f.path("/tokens"), Some(&authorization), "")).await.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn edge_36_bodies() {
    let f = fixture().await;
    let (id, _) = f.create_token("read:a", None).await;
    let posts = [f.path("/databases"), f.path("/tokens"), f.account_path("/management-tokens")];
    let bodies: [&[u8]; 17] = [
        b"",
        b" ",
        b"[]",
        b"null",
        b"\"text\"",
        b"{",
        b"{}x",
        b"{} {}",
        b"{'description':'x'}",
        b"{\"description\":\"x\",}",
        b"\xef\xbb\xbf{\"description\":\"x\",\"name\":\"x\"}",
        b"{\"description\":\"\xff\",\"name\":\"x\"}",
        b"{\"description\":\"\\ud800\",\"name\":\"x\"}",
        b"{\"description\":\"x\",\"description\":\"y\",\"name\":\"x\"}",
        b"{\"description\":\"x\",\"name\":\"x\",\"name\":\"y\",\"descri\\u0070tion\":\"x\"}",
        b"[\"x\", [], null, null]",
        b"{\"description\":\"x\",\"name\":\"x\",\"unknown\":{\"a\":1,\"a\":2}}",
    ];
    for body in bodies {
        for path in &posts {
            let what = format!("{path} {:?}", String::from_utf8_lossy(body));
            assert_error(&post(&f, path, Some("application/json"), body).await, 400, &what);
        }
        let authorization = format!("Bearer {}", f.management);
        let answer = f.send(request("PATCH", &f.path(&format!("/tokens/{id}")), Some(&authorization), body)).await;
        assert_error(&answer, 400, &String::from_utf8_lossy(body));
    }
    // A grant of which two readers could see two things is refused.
    let grants = br#"{"description":"x","permissions":[{"action":"read","action":"write","resource":"a"}]}"#;
    assert_error(&post(&f, &posts[1], Some("application/json"), &grants[..]).await, 400, "duplicate action");
    let deep = format!(r#"{{"description":"x","name":"x","unknown":{}}}"#, "[".repeat(100_000));
    assert_error(&post(&f, &posts[1], Some("application/json"), deep).await, 400, "deep nesting");
    assert_eq!(f.manage("GET", "/databases", Value::Null).await.json(), json!([]));
    assert_eq!(f.manage("GET", "/tokens", Value::Null).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn edge_36_content_types() {
    let f = fixture().await;
    let path = f.path("/tokens");
    let body = r#"{"description":"x"}"#;
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(post(&f, &path, Some(content_type), body).await.status, 200, "{content_type}");
    }
    for content_type in
        [None, Some(""), Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")]
    {
        assert_error(&post(&f, &path, content_type, body).await, 415, &format!("{content_type:?}"));
    }
}

#[tokio::test]
async fn edge_36_a_body_may_have_one_mebibyte() {
    let f = fixture().await;
    let path = f.path("/tokens");
    let padded = |size: usize| {
        let start = r#"{"description":"x""#;
        format!("{start}{}}}", " ".repeat(size - start.len() - 1))
    };
    assert_eq!(post(&f, &path, Some("application/json"), padded(1 << 20)).await.status, 200);
    let over = post(&f, &path, Some("application/json"), padded((1 << 20) + 1)).await;
    assert_error(&over, 413, "one byte more");
    assert_error(&post(&f, &path, Some("application/json"), padded(2 << 20)).await, 413, "2 MiB");
}

#[tokio::test]
async fn edge_37_deletes_answer_nothing_and_errors_always_the_same_members() {
    let f = fixture().await;
    f.create_database("plant7").await;
    let (id, _) = f.create_token("read:a", None).await;
    let authorization = format!("Bearer {}", f.management);
    let made = post(&f, &f.account_path("/management-tokens"), Some("application/json"), "{}").await.json();
    let management = f.account_path(&format!("/management-tokens/{}", made["id"].as_str().unwrap()));
    for path in [f.path("/databases/plant7"), f.path(&format!("/tokens/{id}")), management] {
        let answer = f.send(bare_request("DELETE", &path, &[("authorization", authorization.as_bytes())], "")).await;
        assert_eq!(answer.status, 204, "{path}");
        assert!(answer.body.is_empty());
        assert_eq!(answer.headers.get("content-type"), None);
    }
    for (method, path, body, status) in [
        ("DELETE", "/databases/plant7".to_owned(), Value::Null, 404),
        ("DELETE", "/tokens/x".to_owned(), Value::Null, 400),
        ("GET", format!("/tokens/{UNKNOWN_ID}"), Value::Null, 404),
        ("PATCH", format!("/tokens/{id}"), json!({ "description": "x" }), 409),
        ("PUT", "/tokens".to_owned(), json!({}), 405),
        ("GET", "/nothing".to_owned(), Value::Null, 404),
    ] {
        assert_error(&f.manage(method, &path, body).await, status, &path);
    }
    assert_error(&f.send(request("GET", "/api/v0/nothing", Some(&authorization), "")).await, 404, "unknown path");
}

#[tokio::test]
async fn edge_38_empty_lists() {
    let f = fixture().await;
    for path in ["/databases", "/databases/", "/databases?status=deleted", "/tokens", "/tokens?includeRevoked=true"] {
        let answer = f.manage("GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.text(), "[]", "{path}");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn edge_39_trailing_slashes_of_collections() {
    let f = fixture().await;
    let created = f.manage("POST", "/databases/", json!({ "name": "a" })).await;
    assert_eq!(created.status, 200);
    assert_eq!(f.manage("GET", "/databases/", Value::Null).await.json(), json!([created.json()]));
    assert_eq!(f.manage("POST", "/tokens/", json!({ "description": "x" })).await.status, 200);
    assert_eq!(f.manage("GET", "/tokens/", Value::Null).await.json().as_array().unwrap().len(), 1);
    let path = f.account_path("/management-tokens/");
    assert_eq!(post(&f, &path, Some("application/json"), "{}").await.status, 200);
    assert_eq!(f.manage("DELETE", "/databases/", Value::Null).await.status, 405, "no name is no database");
}

#[tokio::test]
async fn edge_39_methods_that_a_collection_does_not_have() {
    let f = fixture().await;
    let (_, database_token) = f.create_token("read:* write:*", None).await;
    f.create_database("plant7").await;
    for path in ["/databases", "/databases/", "/tokens", "/tokens/", "/databases/plant7/tables"] {
        for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let answer = f.manage(method, path, Value::Null).await;
            assert_error(&answer, 405, &format!("{method} {path}"));
            let allow = answer.headers["allow"].to_str().unwrap().to_owned();
            assert!(allow.contains("GET") && allow.contains("POST") && !allow.contains("DELETE"), "{allow}");
        }
        let head = f.manage("HEAD", path, Value::Null).await;
        assert_eq!(head.status, 200, "HEAD {path}");
        assert!(head.body.is_empty());
    }
    // A credential from elsewhere is none here.
    let authorization = format!("Bearer {database_token}");
    let answer = f.send(request("PUT", &f.path("/databases"), Some(&authorization), "")).await;
    assert_error(&answer, 401, "database token");
    assert_error(&f.send(request("GET", "/api/v0/nothing", Some(&authorization), "")).await, 401, "database token");
    let authorization = format!("Token {}", f.management);
    assert_error(&f.send(request("GET", "/api/v0/nothing", Some(&authorization), "")).await, 401, "scheme");
}
