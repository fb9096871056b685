//! What ends rights by the v2 API ends what goes on by them (v2 API contract §4.3: the effect is immediate).

use axum::body::Body;
use axum::http::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fixture::request;
use crate::v2_fixture::{AUTHORIZATIONS, V2, v2};

/// Rows of a query that has more of them than fit on their way; the first ones have arrived.
async fn open_stream(v: &V2, token: &str, bucket: &str) -> Response<Body> {
    let q = "SELECT value AS a, value * 7919 AS b FROM generate_series(1, 1000000)";
    let body = json!({ "db": bucket, "q": q, "format": "jsonl" }).to_string();
    let query = request("POST", "/api/v3/query_sql", Some(&format!("Token {token}")), body);
    let mut response = v.f.router.clone().oneshot(query).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    response
}

#[tokio::test]
async fn streams_end_with_the_rights_to_them() {
    let v = v2().await;
    let endings = [
        ("DELETE", "/api/v2/authorizations/TOKEN", Value::Null),
        ("PATCH", "/api/v2/authorizations/TOKEN", json!({ "status": "inactive" })),
        ("DELETE", "/api/v2/users/OWNER", Value::Null),
        ("PATCH", "/api/v2/users/OWNER", json!({ "status": "inactive" })),
        ("DELETE", "/api/v2/orgs/ORG/members/OWNER", Value::Null),
        ("DELETE", "/api/v2/buckets/STREAMED", Value::Null),
        ("PATCH", "/api/v2/buckets/STREAMED", json!({ "name": "renamed" })),
    ];
    for (number, (method, path, body)) in endings.into_iter().enumerate() {
        let name = format!("b{number}");
        let (bucket, user) = (v.new_bucket(&name).await, v.new_user(&name).await);
        v.done(201, "POST", &format!("/api/v2/orgs/{}/members", v.org), json!({ "id": user })).await;
        let (id, token) = v.token_of(&user, "read:orgs/ORG/buckets").await;
        let (_, other) = v.token("read:orgs/ORG/buckets").await;
        let mut ended = open_stream(&v, &token, &name).await;
        let mut untouched = open_stream(&v, &other, "my-bucket").await;
        let path = path.replace("TOKEN", &id).replace("OWNER", &user).replace("STREAMED", &bucket);
        let answer = v.call(&v.operator, method, &path.replace("ORG", &v.org), body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text());
        assert!(ended.body_mut().frame().await.unwrap().is_err(), "{method} {path}");
        assert!(untouched.body_mut().frame().await.unwrap().is_ok(), "{method} {path}");
    }
}

#[tokio::test]
async fn changes_that_take_no_right_end_nothing() {
    let v = v2().await;
    let (id, token) = v.token("read:orgs/ORG/buckets").await;
    let mut stream = open_stream(&v, &token, "my-bucket").await;
    v.done(200, "PATCH", &format!("{AUTHORIZATIONS}/{id}"), json!({ "status": "active", "description": "d" })).await;
    v.done(200, "PATCH", &format!("/api/v2/users/{}", v.user), json!({ "name": "renamed" })).await;
    v.done(200, "PATCH", &format!("/api/v2/buckets/{}", v.bucket), json!({ "description": "d", "name": "my-bucket" }))
        .await;
    v.done(200, "PATCH", &format!("/api/v2/orgs/{}", v.org), json!({ "name": "renamed" })).await;
    assert!(stream.body_mut().frame().await.unwrap().is_ok());
}
