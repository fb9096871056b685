//! Management tokens (management API contract §§11 and 14, and edge case 1 of §16).

use serde_json::{Value, json};
use tidegate_model::{Clock as _, Timestamp};

use crate::fixture::{Answer, Fixture, fixture, request};

const HOUR: i64 = 3_600_000_000;

async fn call(f: &Fixture, token: &str, method: &str, rest: &str, body: &str) -> Answer {
    let path = f.account_path(&format!("/management-tokens{rest}"));
    f.send(request(method, &path, Some(&format!("Bearer {token}")), body.to_owned())).await
}

/// The record and the secret of a new token.
async fn create(f: &Fixture, body: Value) -> (Value, String) {
    let answer = call(f, &f.management, "POST", "", &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut record = answer.json();
    let secret = record.as_object_mut().unwrap().remove("accessToken").unwrap();
    (record, secret.as_str().unwrap().to_owned())
}

async fn list(f: &Fixture) -> Vec<Value> {
    call(f, &f.management, "GET", "", "").await.json().as_array().unwrap().clone()
}

#[tokio::test]
async fn records_say_who_made_them_and_hide_the_secret() {
    let f = fixture().await;
    let first = list(&f).await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].get("createdBy"), None);
    let expires_at = "2099-01-31T12:00:00.000000Z";
    let (record, secret) = create(&f, json!({ "description": "ci", "expiresAt": expires_at })).await;
    assert_eq!(secret.len(), "mgmt1_".len() + 86);
    assert!(secret.starts_with("mgmt1_"));
    assert!(secret.starts_with(record["prefix"].as_str().unwrap()));
    assert!(record["prefix"].as_str().unwrap().len() < 16);
    assert_eq!(record["accountId"], f.service.identity().account.to_string());
    assert_eq!(record["description"], "ci");
    assert_eq!(record["expiresAt"], expires_at);
    assert_eq!(record["createdBy"], first[0]["id"]);
    assert_eq!(record.get("clusterId"), None);
    let listed = call(&f, &f.management, "GET", "", "").await;
    assert!(listed.json().as_array().unwrap().contains(&record));
    assert!(!listed.text().contains(&secret) && !listed.text().contains(&f.management));
    assert!(!listed.text().contains("accessToken"));
    let (bare, _) = create(&f, json!({ "description": null, "expiresAt": null })).await;
    assert_eq!(bare["description"], "");
    let ids: Vec<_> = list(&f).await.iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() == 3 && ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn bad_requests_create_nothing() {
    let f = fixture().await;
    for body in [
        "",
        "[]",
        "null",
        r#"{"description":1}"#,
        r#"{"expiresAt":"2001-01-31T12:00:00Z"}"#,
        r#"{"expiresAt":"soon"}"#,
        r#"{"expiresAt":1}"#,
    ] {
        let answer = call(&f, &f.management, "POST", "", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["code"], 400);
    }
    assert_eq!(list(&f).await.len(), 1);
}

#[tokio::test]
async fn a_revoked_one_stays_listed_and_can_do_nothing_more() {
    let f = fixture().await;
    let (record, secret) = create(&f, json!({})).await;
    let id = record["id"].as_str().unwrap();
    assert_eq!(call(&f, &secret, "GET", "", "").await.status, 200);
    assert_eq!(call(&f, &f.management, "DELETE", &format!("/{id}"), "").await.status, 204);
    assert_eq!(call(&f, &secret, "GET", "", "").await.status, 401);
    let shown = async || list(&f).await.into_iter().find(|token| token["id"] == id).unwrap();
    let revoked_at = shown().await["revokedAt"].clone();
    assert!(revoked_at.is_string());
    f.clock.advance(HOUR);
    assert_eq!(call(&f, &f.management, "DELETE", &format!("/{id}"), "").await.status, 204);
    assert_eq!(shown().await["revokedAt"], revoked_at);
    let unknown = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";
    assert_eq!(call(&f, &f.management, "DELETE", &format!("/{unknown}"), "").await.status, 404);
    assert_eq!(call(&f, &f.management, "DELETE", "/1", "").await.status, 400);
}

#[tokio::test]
async fn one_may_revoke_itself() {
    let f = fixture().await;
    let (record, secret) = create(&f, json!({})).await;
    let id = record["id"].as_str().unwrap();
    assert_eq!(call(&f, &secret, "DELETE", &format!("/{id}"), "").await.status, 204);
    assert_eq!(call(&f, &secret, "DELETE", &format!("/{id}"), "").await.status, 401);
}

#[tokio::test]
async fn the_two_kinds_are_not_listed_or_revoked_as_each_other() {
    let f = fixture().await;
    let (database_token, secret) = f.create_token("read:a", None).await;
    let first = list(&f).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(call(&f, &f.management, "DELETE", &format!("/{database_token}"), "").await.status, 404);
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({ "description": "x" })), ("DELETE", Value::Null)] {
        let answer = f.manage(method, &format!("/tokens/{first}"), body).await;
        assert_eq!(answer.status, 404, "{method}");
    }
    assert_eq!(list(&f).await.len(), 1);
    assert_eq!(f.manage("GET", "/tokens", Value::Null).await.json().as_array().unwrap().len(), 1);
    assert_eq!(call(&f, &secret, "GET", "", "").await.status, 401);
}

#[tokio::test]
async fn expiry_ends_a_management_token() {
    let f = fixture().await;
    let soon = Timestamp::from_micros(f.clock.now().micros() + HOUR);
    let (record, secret) = create(&f, json!({ "expiresAt": soon.to_string() })).await;
    assert_eq!(call(&f, &secret, "GET", "", "").await.status, 200);
    f.clock.advance(HOUR + 1);
    assert_eq!(call(&f, &secret, "GET", "", "").await.status, 401);
    f.clock.advance(-2 * HOUR);
    assert_eq!(call(&f, &secret, "GET", "", "").await.status, 401, "it has been refused once");
    let id = record["id"].as_str().unwrap();
    assert_eq!(call(&f, &f.management, "DELETE", &format!("/{id}"), "").await.status, 204);
}
