//! What cannot be ended for good in time is reported as still draining, as often as somebody asks (v2 API contract §4.3).

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_model::PlainToken;
use tidegate_service::{Door, Entry, Settings};

use crate::v2_fixture::V2;

async fn impatient() -> V2 {
    V2::with(Settings { revocation_bound: Duration::from_millis(10), ..Settings::default() }).await
}

/// A request on a token whose commit does not end before this is dropped.
async fn open_commit(v: &V2, token: String) -> Entry {
    let token = PlainToken::from_presented(token);
    let entry = v.f.service.enter(&token, Door::Data, [192, 0, 2, 1].into()).await.unwrap();
    entry.begin_commit().unwrap();
    entry
}

/// Deletes again and again while a commit is held open, and once more when it has ended.
async fn delete_while_it_drains(v: &V2, path: &str, commit: Entry) {
    for _ in 0..3 {
        let answer = v.call(&v.operator, "DELETE", path, Value::Null).await;
        assert_eq!(answer.status, 503, "{path}: durable, but not final yet: {}", answer.text());
        assert!(answer.headers.contains_key("retry-after"), "{path}");
    }
    let (_, outsider) = v.token("read:buckets").await;
    assert_eq!(v.call(&outsider, "DELETE", path, Value::Null).await.status, 404, "{path} is not told to everybody");
    drop(commit);
    assert_eq!(v.call(&v.operator, "DELETE", path, Value::Null).await.status, 404, "{path}");
}

#[tokio::test]
async fn a_user_whose_requests_drain() {
    let v = impatient().await;
    let user = v.new_user("leaving").await;
    let commit = open_commit(&v, v.token_of(&user, "write:orgs/ORG/buckets").await.1).await;
    delete_while_it_drains(&v, &format!("/api/v2/users/{user}"), commit).await;
}

#[tokio::test]
async fn a_member_whose_requests_drain() {
    let v = impatient().await;
    let user = v.new_user("leaving").await;
    let members = format!("/api/v2/orgs/{}/members", v.org);
    v.done(201, "POST", &members, json!({ "id": user })).await;
    let commit = open_commit(&v, v.token_of(&user, "write:orgs/ORG/buckets").await.1).await;
    delete_while_it_drains(&v, &format!("{members}/{user}"), commit).await;
}

#[tokio::test]
async fn an_organization_whose_requests_drain() {
    let v = impatient().await;
    let org = v.done(201, "POST", "/api/v2/orgs", json!({ "name": "leaving" })).await;
    let org = org["id"].as_str().unwrap();
    let permissions = json!([{ "action": "write", "resource": { "type": "buckets", "orgID": org } }]);
    let body = json!({ "orgID": org, "permissions": permissions });
    let made = v.done(201, "POST", "/api/v2/authorizations", body).await;
    let commit = open_commit(&v, made["token"].as_str().unwrap().to_owned()).await;
    delete_while_it_drains(&v, &format!("/api/v2/orgs/{org}"), commit).await;
}
