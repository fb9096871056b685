//! Database tokens: edge cases 23 to 30 of the management API contract §16.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_model::{Clock as _, Timestamp};

use crate::fixture::{Answer, Fixture, fixture, request};

const HOUR: i64 = 3_600_000_000;

async fn create(f: &Fixture, body: Value) -> Answer {
    f.manage("POST", "/tokens", body).await
}

async fn get(f: &Fixture, id: &str, query: &str) -> Answer {
    f.manage("GET", &format!("/tokens/{id}{query}"), Value::Null).await
}

async fn patch(f: &Fixture, id: &str, body: Value) -> Answer {
    f.manage("PATCH", &format!("/tokens/{id}"), body).await
}

async fn revoke(f: &Fixture, id: &str) -> Answer {
    f.manage("DELETE", &format!("/tokens/{id}"), Value::Null).await
}

fn after(f: &Fixture, micros: i64) -> Timestamp {
    Timestamp::from_micros(f.clock.now().micros() + micros)
}

#[tokio::test]
async fn edge_23_permissions() {
    let f = fixture().await;
    let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
    let read = |resource: &str| json!({ "action": "read", "resource": resource });
    let write = |resource: &str| json!({ "action": "write", "resource": resource });
    let thousand: Value = (0..1000).map(|n| read(&format!("db{n}"))).collect();
    for (given, kept) in [
        (Value::Null, json!([])),
        (json!([]), json!([])),
        (thousand.clone(), thousand),
        (json!([read("*"), read("a"), write("b")]), json!([read("*"), read("a"), write("b")])),
        (json!([write("b"), read("a"), write("b"), read("a")]), json!([write("b"), read("a")])),
        (json!([read(&longest), read("no/such")]), json!([read(&longest), read("no/such")])),
        (json!([{ "action": "read", "resource": "a", "note": 1 }]), json!([read("a")])),
    ] {
        let answer = create(&f, json!({ "description": "d", "permissions": given })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["permissions"], kept);
        let shown = get(&f, answer.json()["id"].as_str().unwrap(), "").await;
        assert_eq!(shown.json()["permissions"], kept);
    }
    let absent = create(&f, json!({ "description": "d" })).await;
    assert_eq!(absent.json()["permissions"], json!([]));
    let before = f.manage("GET", "/tokens", Value::Null).await.json();
    for permissions in [
        json!([{ "action": "delete", "resource": "a" }]),
        json!([{ "action": "Read", "resource": "a" }]),
        json!([{ "action": "a", "resource": "read" }]),
        json!([{ "action": null, "resource": "a" }]),
        json!([{ "action": "read" }]),
        json!([{ "resource": "a" }]),
        json!([read("")]),
        json!([read(&too_long)]),
        json!([read("_x")]),
        json!([read("a*")]),
        json!([read("a"), read("a b")]),
        json!([null]),
        json!(["read"]),
        json!([["read", "a"]]),
        json!({ "action": "read", "resource": "a" }),
        json!("read"),
        json!(0),
    ] {
        let answer = create(&f, json!({ "description": "d", "permissions": permissions })).await;
        assert_eq!(answer.status, 400, "{permissions}");
        assert_eq!(answer.json()["code"], 400);
    }
    assert_eq!(f.manage("GET", "/tokens", Value::Null).await.json(), before, "nothing was created");
}

#[tokio::test]
async fn edge_23_descriptions() {
    let f = fixture().await;
    for description in [String::new(), "x".repeat(4096), "ü \" \\ \n 🍭".to_owned()] {
        let answer = create(&f, json!({ "description": description })).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["description"], description);
    }
    for body in [
        json!({}),
        json!({ "description": null }),
        json!({ "description": 1 }),
        json!({ "description": "x".repeat(4097) }),
        json!({ "description": "ü".repeat(2049) }),
    ] {
        assert_eq!(create(&f, body).await.status, 400);
    }
    // Two tokens may share a description.
    for _ in 0..2 {
        assert_eq!(create(&f, json!({ "description": "same" })).await.status, 200);
    }
    let listed = f.manage("GET", "/tokens", Value::Null).await.json();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted(), "ordered by id");
}

#[tokio::test]
async fn edge_24_expiration_type_and_expiry() {
    let f = fixture().await;
    let later = after(&f, HOUR).to_string();
    for (kind, expires_at, status) in [
        (Value::Null, Value::Null, 200),
        (Value::Null, json!(later), 200),
        (json!("datetime"), json!(later), 200),
        (json!("datetime"), Value::Null, 400),
        (json!("noExpiration"), Value::Null, 200),
        (json!("noExpiration"), json!(later), 400),
        (json!("never"), Value::Null, 400),
        (json!("never"), json!(later), 400),
        (json!("DateTime"), json!(later), 400),
        (json!(""), Value::Null, 400),
        (json!(1), Value::Null, 400),
    ] {
        let mut body = json!({ "description": "d" });
        for (member, value) in [("expirationType", &kind), ("expiresAt", &expires_at)] {
            if !value.is_null() {
                body[member] = value.clone();
            }
        }
        let answer = create(&f, body).await;
        assert_eq!(answer.status, status, "{kind} {expires_at}");
        if status == 200 {
            assert_eq!(answer.json().get("expiresAt").cloned().unwrap_or_default(), expires_at);
            assert_eq!(answer.json().get("expirationType"), None);
        }
    }
    // A misspelt member is unknown and ignored; a `null` counts as absent.
    let body = json!({ "description": "d", "expirationType": null, "expiresAt": null, "expiresAt:": later });
    let answer = create(&f, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().get("expiresAt"), None);
}

#[tokio::test]
async fn edge_24_forms_of_the_expiry() {
    let f = fixture().await;
    for (given, shown) in [
        ("2099-01-31T12:00:00Z", "2099-01-31T12:00:00.000000Z"),
        ("2099-01-31T12:00:00.5Z", "2099-01-31T12:00:00.500000Z"),
        ("2099-01-31T14:30:00+02:30", "2099-01-31T12:00:00.000000Z"),
        ("2099-01-30T23:00:00-13:00", "2099-01-31T12:00:00.000000Z"),
        ("2099-01-31T12:00:00.123456789Z", "2099-01-31T12:00:00.123456Z"),
    ] {
        let answer = create(&f, json!({ "description": "d", "expiresAt": given })).await;
        assert_eq!(answer.status, 200, "{given}");
        assert_eq!(answer.json()["expiresAt"], shown, "{given}");
    }
    let ahead = after(&f, 5_000_000).to_string();
    assert_eq!(create(&f, json!({ "description": "d", "expiresAt": ahead })).await.status, 200);
    let (now, past) = (f.clock.now().to_string(), after(&f, -HOUR).to_string());
    for given in [
        json!(now),
        json!(past),
        json!("1970-01-01T00:00:00Z"),
        json!("2099-01-31"),
        json!("2099-01-31T12:00:00"),
        json!("2099-02-30T12:00:00Z"),
        json!("tomorrow"),
        json!(""),
        json!(4_105_080_000_i64),
    ] {
        let answer = create(&f, json!({ "description": "d", "expiresAt": given })).await;
        assert_eq!(answer.status, 400, "{given}");
    }
}

#[tokio::test]
async fn edge_25_the_secret_is_shown_once() {
    let f = fixture().await;
    let created = create(&f, json!({ "description": "d" })).await.json();
    let secret = created["accessToken"].as_str().unwrap();
    let text = secret.strip_prefix("apiv1_").unwrap();
    assert_eq!(text.len(), 86);
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{}", text.len());
    let other = create(&f, json!({ "description": "d" })).await.json();
    assert_ne!(other["accessToken"], created["accessToken"]);
    let id = created["id"].as_str().unwrap();
    let answers = [
        get(&f, id, "").await,
        f.manage("GET", "/tokens", Value::Null).await,
        patch(&f, id, json!({ "description": "e" })).await,
        f.write(secret, "missing", "cpu f=1").await,
        f.send(request("GET", "/nothing", Some(&format!("Bearer {secret}")), "")).await,
        revoke(&f, id).await,
        get(&f, id, "?includeRevoked=true").await,
        f.query(secret, "missing", "SELECT 1").await,
    ];
    for answer in answers {
        assert!(!answer.text().contains(text), "{}", answer.status);
        assert!(!answer.text().contains("accessToken"));
        assert!(answer.headers.values().all(|value| !value.as_bytes().windows(86).any(|part| part == text.as_bytes())));
    }
}

#[tokio::test]
async fn edge_26_updates() {
    let f = fixture().await;
    let permission = |action: &str| json!([{ "action": action, "resource": "a" }]);
    let expires_at = after(&f, HOUR).to_string();
    let body = json!({ "description": "d", "permissions": permission("read"), "expiresAt": expires_at });
    let mut expected = create(&f, body).await.json();
    expected.as_object_mut().unwrap().remove("accessToken");
    let id = expected["id"].as_str().unwrap().to_owned();
    for (body, description, permissions) in [
        (json!({ "description": "e" }), "e", permission("read")),
        (json!({ "permissions": permission("write") }), "e", permission("write")),
        (json!({ "description": "", "permissions": permission("read") }), "", permission("read")),
        (json!({ "description": "f", "permissions": null, "unknown": 1 }), "f", permission("read")),
        (json!({ "permissions": [] }), "f", json!([])),
    ] {
        let answer = patch(&f, &id, body.clone()).await;
        assert_eq!(answer.status, 200, "{body}");
        expected["description"] = json!(description);
        expected["permissions"] = permissions;
        assert_eq!(answer.json(), expected, "{body}: everything else stays");
        assert_eq!(get(&f, &id, "").await.json(), expected);
    }
    for body in [
        json!({}),
        json!({ "unknown": 1 }),
        json!({ "description": null }),
        json!({ "description": null, "permissions": null }),
        json!({ "expiresAt": "2099-01-31T12:00:00Z" }),
        json!({ "description": "x", "expiresAt": "2099-01-31T12:00:00Z" }),
        json!({ "description": 1 }),
        json!({ "description": "x", "permissions": [{ "action": "own", "resource": "a" }] }),
    ] {
        assert_eq!(patch(&f, &id, body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(get(&f, &id, "").await.json(), expected, "refused changes change nothing");
    let unknown = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";
    assert_eq!(patch(&f, unknown, json!({ "description": "x" })).await.status, 404);
    assert_eq!(patch(&f, "not-a-uuid", json!({ "description": "x" })).await.status, 400);
}

#[tokio::test]
async fn edge_26_permissions_hold_from_the_answer_on() {
    let f = fixture().await;
    f.create_database("a").await;
    let (id, token) = f.create_token("read:a write:a", None).await;
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 204);
    for (permissions, write, query) in [
        (json!([{ "action": "read", "resource": "a" }]), 403, 200),
        (json!([{ "action": "write", "resource": "*" }]), 204, 403),
        (json!([]), 403, 403),
        (json!([{ "action": "read", "resource": "*" }, { "action": "write", "resource": "a" }]), 204, 200),
    ] {
        assert_eq!(patch(&f, &id, json!({ "permissions": permissions })).await.status, 200);
        assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, write, "{permissions}");
        assert_eq!(f.query(&token, "a", "SELECT * FROM cpu").await.status, query, "{permissions}");
    }
}

#[tokio::test]
async fn edge_27_revoking() {
    let f = fixture().await;
    f.create_database("a").await;
    let (id, token) = f.create_token("read:a write:a", None).await;
    let (other, _) = f.create_token("read:a", None).await;
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 204);
    assert_eq!(revoke(&f, &id).await.status, 204);
    assert_eq!(f.write(&token, "a", "cpu f=1 2").await.status, 401);
    assert_eq!(f.query(&token, "a", "SELECT * FROM cpu").await.status, 401);
    assert_eq!(get(&f, &id, "").await.status, 404);
    let shown = get(&f, &id, "?includeRevoked=true").await.json();
    let revoked_at = shown["revokedAt"].as_str().unwrap().to_owned();
    f.clock.advance(HOUR);
    assert_eq!(revoke(&f, &id.to_uppercase()).await.status, 204, "again, and in another case");
    assert_eq!(get(&f, &id, "?includeRevoked=true").await.json()["revokedAt"], revoked_at, "the first time counts");
    assert_eq!(patch(&f, &id, json!({ "description": "x" })).await.status, 409);
    assert_eq!(get(&f, &id, "?includeRevoked=true").await.json(), shown);
    let ids = async |query: &str| -> Vec<String> {
        let listed = f.manage("GET", &format!("/tokens{query}"), Value::Null).await.json();
        listed.as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, [other.as_str()]);
    assert_eq!(ids("?includeRevoked=false").await, [other.as_str()]);
    assert_eq!(ids("?includeRevoked=true&x=1").await.len(), 2);
    for query in ["?includeRevoked=1", "?includeRevoked=", "?includeRevoked=TRUE"] {
        assert_eq!(f.manage("GET", &format!("/tokens{query}"), Value::Null).await.status, 400, "{query}");
    }
    assert_eq!(revoke(&f, "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64").await.status, 404);
    let malformed = revoke(&f, "not-a-uuid").await;
    assert_eq!(malformed.status, 400);
    assert!(malformed.json()["message"].as_str().unwrap().contains("tokenId"));
}

#[tokio::test]
async fn edge_28_expired_tokens_are_shown_and_can_be_revoked() {
    let f = fixture().await;
    f.create_database("a").await;
    let (id, token) = f.create_token("read:a write:a", Some(after(&f, HOUR))).await;
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 204);
    f.clock.advance(HOUR + 1);
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 401);
    assert_eq!(f.query(&token, "a", "SELECT 1").await.status, 401);
    let shown = get(&f, &id, "").await;
    assert_eq!(shown.status, 200);
    assert_eq!(shown.json().get("revokedAt"), None);
    assert_eq!(f.manage("GET", "/tokens", Value::Null).await.json().as_array().unwrap().len(), 1);
    assert_eq!(patch(&f, &id, json!({ "description": "still here" })).await.status, 200);
    assert_eq!(f.write(&token, "a", "cpu f=1 1").await.status, 401, "a change revives nothing");
    assert_eq!(revoke(&f, &id).await.status, 204);
    assert!(get(&f, &id, "?includeRevoked=true").await.json()["revokedAt"].is_string());
}

#[tokio::test]
async fn edge_29_setting_the_clock_back_revives_nothing() {
    let f = fixture().await;
    f.create_database("a").await;
    let (id, revoked) = f.create_token("read:a write:a", None).await;
    let (_, expired) = f.create_token("read:a write:a", Some(after(&f, HOUR))).await;
    assert_eq!(revoke(&f, &id).await.status, 204);
    f.clock.advance(2 * HOUR);
    assert_eq!(f.write(&expired, "a", "cpu f=1 1").await.status, 401);
    f.clock.advance(-48 * HOUR);
    assert_eq!(f.write(&revoked, "a", "cpu f=1 1").await.status, 401);
    assert_eq!(f.write(&expired, "a", "cpu f=1 1").await.status, 401, "it has been refused once");
    assert_eq!(get(&f, &id, "").await.status, 404);
    assert_eq!(revoke(&f, &id).await.status, 204);
}

#[tokio::test]
async fn edge_30_every_answer_names_account_and_cluster() {
    let f = fixture().await;
    let identity = f.service.identity();
    let (id, _) = f.create_token("read:a", None).await;
    let listed = f.manage("GET", "/tokens", Value::Null).await.json();
    let changed = patch(&f, &id, json!({ "description": "x" })).await.json();
    for token in [
        create(&f, json!({ "description": "d" })).await.json(),
        get(&f, &id, "").await.json(),
        changed,
        listed[0].clone(),
    ] {
        assert_eq!(token["accountId"], identity.account.to_string());
        assert_eq!(token["clusterId"], identity.cluster.to_string());
        assert!(token["createdAt"].as_str().unwrap().ends_with('Z'));
        assert!(token.as_object().unwrap().values().all(|member| !member.is_null()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn edge_40_tokens_come_and_go_while_others_list_them() {
    let f = Arc::new(fixture().await);
    let (kept, _) = f.create_token("read:a", None).await;
    let changer = f.clone();
    let changes = tokio::spawn(async move {
        for _ in 0..20 {
            let (id, _) = changer.create_token("read:b", None).await;
            assert_eq!(revoke(&changer, &id).await.status, 204);
        }
    });
    while !changes.is_finished() {
        let listed = f.manage("GET", "/tokens", Value::Null).await;
        assert_eq!(listed.status, 200);
        let listed = listed.json();
        let listed = listed.as_array().unwrap();
        assert!(listed.len() <= 2 && listed.iter().any(|token| token["id"] == kept), "{listed:?}");
    }
    changes.await.unwrap();
}
