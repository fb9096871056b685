//! Reading authorizations (v2 API contract §4.3; edge cases 21 to 28).

use serde_json::{Value, json};

use crate::fixture::percent_encoded;
use crate::v2_fixture::{AUTHORIZATIONS, NOBODY, refusal, refused, v2};

#[tokio::test]
async fn edge_21_a_token_is_shown_once() {
    let v = v2().await;
    let (id, token) = v.token("read:buckets").await;
    let path = format!("{AUTHORIZATIONS}/{id}");
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("GET", AUTHORIZATIONS.to_owned(), Value::Null),
        ("GET", path.clone(), Value::Null),
        ("PATCH", path.clone(), json!({ "description": "d" })),
        ("GET", format!("{AUTHORIZATIONS}?token={token}"), Value::Null),
    ] {
        answers.push(v.done(200, method, &path, body).await);
    }
    for answer in &answers {
        let text = answer.to_string();
        assert!(!text.contains(&token) && !text.contains(&v.operator), "{text}");
    }
    assert_eq!(answers[1]["token"], "redacted");
    assert_eq!(answers[2]["token"], "redacted");
    for one in answers[0]["authorizations"].as_array().unwrap() {
        assert_eq!(one["token"], "redacted");
    }
}

#[tokio::test]
async fn edge_22_what_may_not_be_seen_does_not_exist() {
    let v = v2().await;
    let (id, _) = v.token("read:buckets").await;
    let (_, blind) = v.token("read:buckets write:users").await;
    assert!(v.listed(&blind, "").await.is_empty());
    let unseen = v.call(&blind, "GET", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await;
    let unknown = v.call(&blind, "GET", &format!("{AUTHORIZATIONS}/{NOBODY}"), Value::Null).await;
    assert_eq!(refused(&unseen), refusal(404, "not found", "authorization not found"));
    assert_eq!(refused(&unseen), refused(&unknown));
    for method in ["PATCH", "DELETE"] {
        let unseen = v.call(&blind, method, &format!("{AUTHORIZATIONS}/{id}"), json!({})).await;
        assert_eq!(refused(&unseen), refusal(404, "not found", "authorization not found"), "{method}");
    }
}

#[tokio::test]
async fn edge_23_tokens_of_users_that_may_not_be_seen() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (hidden, _) = v.token_of(&user, "read:buckets").await;
    let (own, token) = v.token("read:authorizations").await;
    let listed = v.listed(&token, "").await;
    assert!(listed.contains(&own) && listed.contains(&v.authorization) && !listed.contains(&hidden), "{listed:?}");
    assert!(v.listed(&token, "?user=user2").await.is_empty());
    assert_eq!(v.call(&token, "GET", &format!("{AUTHORIZATIONS}/{hidden}"), Value::Null).await.status, 404);
    let (_, sees) = v.token(&format!("read:authorizations read:users/{user}")).await;
    assert_eq!(v.listed(&sees, "?user=user2").await, [hidden]);
}

#[tokio::test]
async fn edge_24_filters_by_user_and_organization() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (theirs, _) = v.token_of(&user, "read:buckets").await;
    let all = v.listed(&v.operator, "").await;
    assert_eq!(v.listed(&v.operator, "?user=user2").await, std::slice::from_ref(&theirs));
    assert_eq!(v.listed(&v.operator, &format!("?userID={user}")).await, [theirs]);
    assert_eq!(v.listed(&v.operator, "?user=&userID=&org=&orgID=").await, all);
    assert_eq!(v.listed(&v.operator, "?org=my-org").await, all);
    assert_eq!(v.listed(&v.operator, &format!("?orgID={}", v.org)).await, all);
    for query in [format!("?userID={NOBODY}"), format!("?orgID={NOBODY}"), format!("?user=user2&orgID={NOBODY}")] {
        assert!(v.listed(&v.operator, &query).await.is_empty(), "{query}");
    }
    for (query, expected) in [
        ("?user=nobody", refusal(404, "not found", "user not found")),
        ("?org=nowhere", refusal(404, "not found", "organization name \"nowhere\" not found")),
        ("?userID=xyz", refusal(400, "invalid", "id must have a length of 16 bytes")),
        ("?orgID=0000000000000000", refusal(400, "invalid", "invalid ID")),
        ("?userID=xyz&user=nobody", refusal(400, "invalid", "id must have a length of 16 bytes")),
    ] {
        let answer = v.call(&v.operator, "GET", &format!("{AUTHORIZATIONS}{query}"), Value::Null).await;
        assert_eq!(refused(&answer), expected, "{query}");
    }
}

#[tokio::test]
async fn edge_25_which_filter_wins() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (theirs, secret) = v.token_of(&user, "read:buckets").await;
    let (own, _) = v.token("read:buckets").await;
    assert_eq!(v.listed(&v.operator, &format!("?userID={user}&user=my-user")).await, std::slice::from_ref(&theirs));
    assert_eq!(
        v.listed(&v.operator, &format!("?token={}", percent_encoded(&secret))).await,
        std::slice::from_ref(&theirs)
    );
    assert_eq!(v.listed(&v.operator, &format!("?token={secret}&token=b")).await, std::slice::from_ref(&theirs));
    assert!(v.listed(&v.operator, &format!("?token=a&token={secret}")).await.is_empty());
    assert!(v.listed(&v.operator, "?token=unknown").await.is_empty());
    assert_eq!(v.listed(&v.operator, &format!("?id={own}&user=user2")).await, [own]);
    let unknown = v.call(&v.operator, "GET", &format!("{AUTHORIZATIONS}?id={NOBODY}"), Value::Null).await;
    assert_eq!(refused(&unknown), refusal(404, "not found", "authorization not found"));
    // Who may not see it does not find it by its value either.
    let (_, blind) = v.token("read:users").await;
    assert!(v.listed(&blind, &format!("?token={secret}")).await.is_empty());
}

#[tokio::test]
async fn edge_26_there_are_no_pages() {
    let v = v2().await;
    let mut ids = vec![v.authorization.clone()];
    for _ in 0..30 {
        ids.push(v.token("read:buckets").await.0);
    }
    ids.sort();
    assert_eq!(v.listed(&v.operator, "").await, ids);
    assert_eq!(v.listed(&v.operator, "?limit=1&offset=2&after=0000000000000001&descending=true").await, ids);
}

#[tokio::test]
async fn edge_27_names_follow_what_they_name() {
    let v = v2().await;
    let bucket = v.new_bucket("before").await;
    let (id, _) = v.token(&format!("read:orgs/ORG/buckets/{bucket}")).await;
    let name = async || {
        let token = v.done(200, "GET", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await;
        token["permissions"][0]["resource"].get("name").cloned()
    };
    let path = format!("/api/v2/buckets/{bucket}");
    assert_eq!(name().await, Some(json!("before")));
    v.done(200, "PATCH", &path, json!({ "name": "after" })).await;
    assert_eq!(name().await, Some(json!("after")));
    v.done(204, "DELETE", &path, Value::Null).await;
    assert_eq!(name().await, None);
    v.new_bucket("after").await;
    assert_eq!(name().await, None, "not that of a namesake");
}

#[tokio::test]
async fn edge_28_trailing_slash_and_head() {
    let v = v2().await;
    let plain = v.call(&v.operator, "GET", AUTHORIZATIONS, Value::Null).await;
    let slash = v.call(&v.operator, "GET", &format!("{AUTHORIZATIONS}/"), Value::Null).await;
    assert_eq!((plain.status.as_u16(), &plain.body), (200, &slash.body));
    for path in [AUTHORIZATIONS.to_owned(), format!("{AUTHORIZATIONS}/"), "/api/v2/me/".to_owned()] {
        let head = v.call(&v.operator, "HEAD", &path, Value::Null).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
        assert_eq!(head.headers["content-type"], "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn tokens_of_a_deleted_user_are_shown_to_nobody() {
    let v = v2().await;
    let user = v.new_user("user2").await;
    let (id, _) = v.token_of(&user, "read:buckets").await;
    v.done(204, "DELETE", &format!("/api/v2/users/{user}"), Value::Null).await;
    assert!(!v.listed(&v.operator, "").await.contains(&id));
    assert!(v.listed(&v.operator, &format!("?userID={user}")).await.is_empty());
    assert_eq!(v.call(&v.operator, "GET", &format!("{AUTHORIZATIONS}/{id}"), Value::Null).await.status, 404);
}
