//! Changing and deleting authorizations (v2 API contract §4.3; edge cases 29 to 38).

use std::time::Duration;

use axum::body::Body;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::fixture::bare_request;
use crate::v2_fixture::{AUTHORIZATIONS, NOBODY, refusal, refused, unauthorized, v2, with_headers};

#[tokio::test]
async fn edge_29_only_status_and_description_change() {
    let v = v2().await;
    let (id, token) = v.token("write:orgs/ORG/buckets/BUCKET").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    let before = v.done(200, "GET", &path, Value::Null).await;
    let mut untouched = v.done(200, "PATCH", &path, json!({})).await;
    assert!(untouched["updatedAt"].as_str() > before["updatedAt"].as_str());
    untouched["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(untouched, before);

    let paused = v.call(&v.operator, "PATCH", &path, json!({ "status": "paused", "description": "new" })).await;
    assert_eq!(refused(&paused), refusal(400, "invalid", "invalid status: must be active or inactive"));
    assert_eq!(v.done(200, "GET", &path, Value::Null).await["description"], before["description"]);

    // What some clients send: the whole object.
    let mut whole = before.clone();
    whole["permissions"] = v.permissions("write:buckets read:buckets");
    whole["orgID"] = NOBODY.into();
    whole["token"] = "mine".into();
    whole["description"] = "new".into();
    let after = v.done(200, "PATCH", &path, whole).await;
    assert_eq!((&after["permissions"], &after["orgID"]), (&before["permissions"], &before["orgID"]));
    assert_eq!(after["description"], "new");
    v.new_bucket("other").await;
    assert_eq!(v.write(&token, "other").await.status, 403);
    for body in ["", "[]", "{", "5", r#"{"status":5}"#] {
        let authorization = format!("Token {}", v.operator);
        let answer = v.f.send(with_headers("PATCH", &path, &[("authorization", &authorization)], body)).await;
        assert_eq!(answer.status, 400, "{body}");
    }
}

#[tokio::test]
async fn edge_30_a_token_can_put_itself_out_of_use() {
    let v = v2().await;
    let (id, token) = v.token("read:authorizations write:authorizations write:buckets").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    let answer = v.call(&token, "PATCH", &path, json!({ "status": "inactive" })).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("inactive")));
    assert_eq!(refused(&v.call(&token, "PATCH", &path, json!({ "status": "active" })).await), unauthorized());
    assert_eq!(refused(&v.write(&token, "my-bucket").await), unauthorized());
    v.done(200, "PATCH", &path, json!({ "status": "inactive" })).await;
    v.done(200, "PATCH", &path, json!({ "status": "active" })).await;
    assert_eq!(v.write(&token, "my-bucket").await.status, 204);
}

#[tokio::test]
async fn edge_31_descriptions_are_any_text_within_limits() {
    let v = v2().await;
    let (id, _) = v.token("read:buckets").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    for text in ["say \"yes\"", "two\nlines", "🌊 Gezeiten", "\\u0041\t", &"x".repeat(4096)] {
        assert_eq!(v.done(200, "PATCH", &path, json!({ "description": text })).await["description"], text);
        assert_eq!(v.done(200, "GET", &path, Value::Null).await["description"], text);
    }
    let long = v.call(&v.operator, "PATCH", &path, json!({ "description": "x".repeat(1_000_000) })).await;
    assert_eq!((refused(&long).0, refused(&long).1.as_str()), (400, "invalid"));
    assert_eq!(v.done(200, "PATCH", &path, json!({ "description": "" })).await["description"], "");
}

#[tokio::test]
async fn edge_32_reading_is_not_changing() {
    let v = v2().await;
    let (id, _) = v.token("read:buckets").await;
    let (_, reader) = v.token("read:authorizations").await;
    let message = format!("write:orgs/{}/authorizations/{id} is unauthorized", v.org);
    for method in ["PATCH", "DELETE"] {
        let answer = v.call(&reader, method, &format!("{AUTHORIZATIONS}/{id}"), json!({ "status": "inactive" })).await;
        assert_eq!(refused(&answer), refusal(401, "unauthorized", &message), "{method}");
    }
    let user = v.new_user("user2").await;
    let (theirs, _) = v.token_of(&user, "read:buckets").await;
    let (_, token) = v.token(&format!("read:authorizations write:authorizations read:users/{user}")).await;
    let message = format!("write:users/{user} is unauthorized");
    for method in ["PATCH", "DELETE"] {
        let answer = v.call(&token, method, &format!("{AUTHORIZATIONS}/{theirs}"), json!({})).await;
        assert_eq!(refused(&answer), refusal(401, "unauthorized", &message), "{method}");
    }
}

#[tokio::test]
async fn edge_33_deleting() {
    let v = v2().await;
    let (id, token) = v.token("write:buckets").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    let deleted = v.call(&v.operator, "DELETE", &path, Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    assert!(!deleted.headers.contains_key("content-type"));
    assert_eq!(refused(&v.write(&token, "my-bucket").await), unauthorized());
    for path in [path, format!("{AUTHORIZATIONS}/{NOBODY}")] {
        let again = v.call(&v.operator, "DELETE", &path, Value::Null).await;
        assert_eq!(refused(&again), refusal(404, "not found", "authorization not found"));
    }
    for (id, message) in [
        ("null", "id must have a length of 16 bytes"),
        ("0000000000000000", "invalid ID"),
        ("zzzzzzzzzzzzzzzz", "invalid ID"),
        ("%ff%ff", "invalid ID"),
    ] {
        let answer = v.call(&v.operator, "DELETE", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await;
        assert_eq!(refused(&answer), refusal(400, "invalid", message), "{id}");
    }
}

#[tokio::test]
async fn edge_34_a_token_can_delete_itself_and_the_last_one() {
    let v = v2().await;
    let (id, token) = v.token("write:authorizations").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    assert_eq!(v.call(&token, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(refused(&v.call(&token, "DELETE", &path, Value::Null).await), unauthorized());
    assert_eq!(v.listed(&v.operator, "").await, std::slice::from_ref(&v.authorization));
    v.done(204, "DELETE", &format!("{AUTHORIZATIONS}/{}", v.authorization), Value::Null).await;
    let after = v.call(&v.operator, "GET", AUTHORIZATIONS, Value::Null).await;
    assert_eq!(refused(&after), unauthorized());
}

#[tokio::test]
async fn a_token_with_authorizations_alone_manages_those_of_its_user() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (id, _) = v.token_of(&user, "read:buckets").await;
    let (own, token) = v.token_of(&user, "read:orgs/ORG/authorizations write:orgs/ORG/authorizations").await;
    let mut expected = vec![id.clone(), own];
    expected.sort();
    assert_eq!(v.listed(&token, "?user=user2").await, expected);
    assert_eq!(v.call(&token, "DELETE", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await.status, 204);
    let other = v.call(&token, "DELETE", &format!("{AUTHORIZATIONS}/{}", v.authorization), Value::Null).await;
    assert_eq!(refused(&other), refusal(404, "not found", "authorization not found"));
}

#[tokio::test]
async fn edge_35_a_write_in_flight_ends_with_its_token() {
    let v = v2().await;
    let (id, token) = v.token("write:buckets read:buckets").await;
    let (sender, receiver) = mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = Body::from_stream(futures::stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await;
        piece.map(|piece| (piece, receiver))
    }));
    let authorization = format!("Token {token}");
    let headers = [("authorization", authorization.as_bytes())];
    let request = bare_request("POST", "/api/v2/write?bucket=my-bucket", &headers, body);
    let mut writing = Box::pin(v.f.router.clone().oneshot(request));
    assert!((&mut writing).now_or_never().is_none());
    sender.send(Ok(b"m f=1 1\n".to_vec())).await.unwrap();
    assert!((&mut writing).now_or_never().is_none(), "the body has not ended");
    // The deletion waits for the write, which ends at once.
    let path = format!("{AUTHORIZATIONS}/{id}");
    let delete = v.done(204, "DELETE", &path, Value::Null);
    let (answer, _) = timeout(Duration::from_secs(30), futures::future::join(&mut writing, delete)).await.unwrap();
    assert_eq!(answer.unwrap().status(), 401);
    drop(sender);
    let (_, reader) = v.token("read:buckets").await;
    let tables =
        v.f.rows(&reader, "my-bucket", "SELECT table_name FROM information_schema.tables WHERE table_schema = 'iox'")
            .await;
    assert_eq!(tables, json!([]), "nothing of the write is left");
}

#[tokio::test]
async fn a_long_list_ends_with_the_rights_to_it() {
    let v = v2().await;
    let (id, token) = v.token("read:authorizations").await;
    let authorization = format!("Token {token}");
    let request = bare_request("GET", AUTHORIZATIONS, &[("authorization", authorization.as_bytes())], "");
    let response = v.f.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body().into_data_stream();
    v.done(204, "DELETE", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await;
    assert!(body.next().await.unwrap().is_err(), "no byte after the end of rights");
}

#[tokio::test]
async fn edge_37_clients_send_a_content_type_without_content() {
    let v = v2().await;
    let (id, _) = v.token("read:buckets").await;
    let authorization = format!("Token {}", v.operator);
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json; charset=utf-8"),
        ("content-length", "0"),
    ];
    assert_eq!(v.f.send(with_headers("GET", AUTHORIZATIONS, &headers, "")).await.status, 200);
    let path = format!("{AUTHORIZATIONS}/{id}");
    assert_eq!(v.f.send(with_headers("DELETE", &path, &headers, "")).await.status, 204);
}

#[tokio::test]
async fn edge_38_nobody_deletes_a_collection() {
    let v = v2().await;
    for (path, allowed) in [
        (AUTHORIZATIONS, "GET, POST"),
        ("/api/v2/orgs", "GET, POST"),
        ("/api/v2/users", "GET, POST"),
        ("/api/v2/buckets", "GET, POST"),
        ("/api/v2/dbrps", "GET, POST"),
        ("/private/legacy/authorizations", "GET, POST"),
    ] {
        for path in [path.to_owned(), format!("{path}/")] {
            let answer = v.call(&v.operator, "DELETE", &path, Value::Null).await;
            assert_eq!(refused(&answer), refusal(405, "method not allowed", &format!("allow: {allowed}")), "{path}");
            let header = answer.headers["allow"].to_str().unwrap();
            assert!(header.contains("GET") && header.contains("POST") && !header.contains("DELETE"), "{header}");
            let stranger = v.f.send(with_headers("DELETE", &path, &[], "")).await;
            assert_eq!(refused(&stranger), unauthorized(), "{path}");
        }
    }
    assert_eq!(v.listed(&v.operator, "").await, std::slice::from_ref(&v.authorization));
    assert_eq!(v.done(200, "GET", &format!("/api/v2/orgs/{}", v.org), Value::Null).await["name"], "my-org");
    assert_eq!(v.done(200, "GET", "/api/v2/buckets?name=my-bucket", Value::Null).await["buckets"][0]["id"], v.bucket);
}

#[tokio::test]
async fn a_token_is_activated_by_who_may_do_all_that_it_may() {
    let v = v2().await;
    let (id, token) = v.token("write:orgs/ORG/buckets/BUCKET").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    let manages = "read:orgs/ORG/authorizations write:orgs/ORG/authorizations";
    let (_, manager) = v.token(manages).await;
    let (_, holder) = v.token(&format!("{manages} write:orgs/ORG/buckets/BUCKET")).await;
    // To take away is free, and so is what changes nothing about what it may.
    for change in [json!({ "status": "inactive" }), json!({ "description": "d" })] {
        assert_eq!(v.call(&manager, "PATCH", &path, change).await.status, 200);
    }
    for change in [json!({ "status": "active" }), json!({ "status": "active", "description": "x" })] {
        assert_eq!(refused(&v.call(&manager, "PATCH", &path, change).await).0, 403);
    }
    assert_eq!(v.write(&token, "my-bucket").await.status, 401);
    assert_eq!(v.done(200, "GET", &path, Value::Null).await["description"], "d");
    assert_eq!(v.call(&holder, "PATCH", &path, json!({ "status": "active" })).await.status, 200);
    assert_eq!(v.write(&token, "my-bucket").await.status, 204);
}
