//! The Management API: databases and tokens from birth to revocation (management-api contract §§2–9, 14).

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Api, Fresh, grants, send};

/// A well-formed token that nobody issued.
pub(crate) const UNKNOWN_TOKEN: &str =
    "apiv1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const UNKNOWN_ID: &str = "00000000-0000-4000-8000-000000000000";

async fn refused_bodies(api: &Api, path: &str, bodies: &[Value]) {
    for body in bodies {
        let answer = api.post(path, body).await;
        assert_eq!(answer.status, 400, "{body} was answered by {answer:?}");
        assert_eq!(answer.json()["code"], 400);
        assert!(answer.json()["message"].is_string());
    }
}

#[tokio::test]
async fn a_database_is_created_listed_and_deleted() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    assert_eq!(api.get("/databases").await.expect_status(200).json(), json!([]));

    let created = api.post("/databases", &json!({ "name": "plant7" })).await.expect_status(200).json();
    assert_eq!(created["name"], "plant7");
    assert_eq!((&created["maxTables"], &created["maxColumnsPerTable"]), (&json!(500), &json!(200)));
    assert_eq!(created["retentionPeriod"], 0);
    assert!(created.get("partitionTemplate").is_none());
    assert!(created["accountId"].is_string() && created["clusterId"].is_string());

    let full = json!({
        "name": "a/b", "maxTables": 7, "maxColumnsPerTable": 9, "retentionPeriod": 3_600_000_000_000_i64,
        "partitionTemplate": [{ "type": "tag", "value": "line" }, { "type": "time", "value": "%Y-%m" }],
    });
    let answer = api.post("/databases", &full).await.expect_status(200).json();
    for key in ["name", "maxTables", "maxColumnsPerTable", "retentionPeriod", "partitionTemplate"] {
        assert_eq!(answer[key], full[key], "{key}");
    }
    let names: Vec<Value> =
        api.get("/databases").await.json().as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, ["a/b", "plant7"]);

    let deleted = api.delete("/databases/a%2Fb").await.expect_status(204);
    assert_eq!(deleted.body, "");
    api.delete("/databases/a%2Fb").await.expect_status(404);
    api.delete("/databases/a%252Fb").await.expect_status(404);
    assert_eq!(api.get("/databases").await.json().as_array().unwrap().len(), 1);

    api.delete("/databases/plant7").await.expect_status(204);
    let again = api.post("/databases", &json!({ "name": "plant7" })).await.expect_status(200).json();
    assert_ne!(again["id"], created["id"], "an id is never used twice");
}

#[tokio::test]
async fn database_names_and_limits_are_checked() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
    for name in ["a", "A", longest.as_str(), "7", "a_b-c/d", "rename", "undelete", "tables"] {
        api.post("/databases", &json!({ "name": name })).await.expect_status(200);
    }
    let names = ["", &too_long, "a b", "a.b", "a@b", "_x", "ü", "a\u{0}b", "a\nb"].map(|name| json!({ "name": name }));
    refused_bodies(api, "/databases", &names).await;
    let values = [
        json!({}),
        json!({ "name": null }),
        json!({ "name": 5 }),
        json!({ "name": "b", "retentionPeriod": -1 }),
        json!({ "name": "b", "retentionPeriod": 1.5 }),
        json!({ "name": "b", "retentionPeriod": "0" }),
        json!({ "name": "b", "retentionPeriod": 9_223_372_036_854_775_808_u64 }),
        json!({ "name": "b", "maxTables": 0 }),
        json!({ "name": "b", "maxTables": 2_147_483_648_u64 }),
        json!({ "name": "b", "maxColumnsPerTable": 0 }),
        json!({ "name": "b", "maxColumnsPerTable": 1001 }),
        json!({ "name": "b", "partitionTemplate": [] }),
        json!({ "name": "b", "partitionTemplate": [{ "type": "tag", "value": "line" }] }),
        json!({ "name": "b", "partitionTemplate": [{ "type": "time", "value": "%H" }] }),
    ];
    refused_bodies(api, "/databases", &values).await;
    api.post("/databases", &json!({ "name": "b", "retentionPeriod": null, "other": 1 })).await.expect_status(200);
    api.post("/databases", &json!({ "name": "b" })).await.expect_status(409);
}

#[tokio::test]
async fn of_parallel_creations_of_one_name_exactly_one_succeeds() {
    let fresh = Fresh::start().await;
    let body = json!({ "name": "raced" });
    let statuses = futures::future::join_all((0..16).map(|_| fresh.api.post("/databases", &body))).await;
    let mut statuses: Vec<u16> = statuses.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
}

#[tokio::test]
async fn a_token_is_created_read_updated_and_revoked() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let wanted = grants(&[("read", "plant7"), ("write", "*"), ("read", "plant7")]);
    let stored = grants(&[("read", "plant7"), ("write", "*")]);
    let body = json!({ "description": "line", "permissions": wanted, "expiresAt": "2999-01-02T03:04:05.5+01:00" });
    let created = api.post("/tokens", &body).await.expect_status(200).json();
    let text = created["accessToken"].as_str().unwrap();
    assert!(text.starts_with("apiv1_") && text.len() == 92, "{text}");
    assert_eq!(created["permissions"], stored);
    assert_eq!(created["expiresAt"], "2999-01-02T02:04:05.500000Z");
    assert!(created["createdAt"].as_str().unwrap().ends_with('Z'));

    let id = created["id"].as_str().unwrap();
    let path = format!("/tokens/{id}");
    let mut expected = created.clone();
    expected.as_object_mut().unwrap().remove("accessToken");
    assert_eq!(api.get(&path).await.expect_status(200).json(), expected);
    assert_eq!(api.get(&path.to_uppercase().replace("/TOKENS", "/tokens")).await.json(), expected);
    assert_eq!(api.get("/tokens").await.expect_status(200).json(), json!([expected]));

    let described = api.patch(&path, &json!({ "description": "new" })).await.expect_status(200).json();
    assert_eq!((&described["description"], &described["permissions"]), (&json!("new"), &stored));
    assert!(described.get("accessToken").is_none());
    let emptied = api.patch(&path, &json!({ "permissions": [] })).await.expect_status(200).json();
    assert_eq!((&emptied["description"], &emptied["permissions"]), (&json!("new"), &json!([])));

    assert_eq!(api.delete(&path).await.expect_status(204).body, "");
    api.get(&path).await.expect_status(404);
    assert_eq!(api.get("/tokens").await.json(), json!([]));
    let revoked = api.get(&format!("{path}?includeRevoked=true")).await.expect_status(200).json();
    assert!(revoked["revokedAt"].is_string());
    assert_eq!(api.get("/tokens?includeRevoked=true").await.json(), json!([revoked]));
    api.patch(&path, &json!({ "description": "x" })).await.expect_status(409);
    api.delete(&path).await.expect_status(204);
    assert_eq!(api.get(&format!("{path}?includeRevoked=true")).await.json(), revoked, "a repetition changes nothing");
}

#[tokio::test]
async fn token_bodies_are_checked() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let future = "2999-01-01T00:00:00Z";
    let permission = |value: Value| json!({ "description": "x", "permissions": [value] });
    let refused = [
        json!({}),
        json!({ "description": null }),
        json!({ "description": "x".repeat(4097) }),
        json!({ "description": "x", "expiresAt": "2001-01-01T00:00:00Z" }),
        json!({ "description": "x", "expiresAt": "tomorrow" }),
        json!({ "description": "x", "expiresAt": 5 }),
        json!({ "description": "x", "expirationType": "datetime" }),
        json!({ "description": "x", "expirationType": "noExpiration", "expiresAt": future }),
        json!({ "description": "x", "expirationType": "never" }),
        permission(json!({ "action": "admin", "resource": "a" })),
        permission(json!({ "action": "read" })),
        permission(json!({ "resource": "a" })),
        permission(json!("read:a")),
    ];
    refused_bodies(api, "/tokens", &refused).await;
    let accepted = [
        json!({ "description": "" }),
        json!({ "description": "x".repeat(4096) }),
        json!({ "description": "x", "permissions": null, "expiresAt": null }),
        json!({ "description": "x", "expirationType": "noExpiration" }),
        json!({ "description": "x", "expirationType": "datetime", "expiresAt": future }),
        json!({ "description": "x", "expiresAt": future, "unknown": true }),
        permission(json!({ "action": "read", "resource": "no-such-database" })),
    ];
    for body in &accepted {
        let answer = api.post("/tokens", body).await.expect_status(200).json();
        assert!(answer["permissions"].is_array(), "{answer}");
        assert!(answer.get("expirationType").is_none() && answer.get("revokedAt").is_none(), "{answer}");
    }
    assert_eq!(api.get("/tokens").await.json().as_array().unwrap().len(), accepted.len());

    let token = api.create_token(&[("read", "a")]).await;
    let path = format!("/tokens/{}", token.id);
    let before = api.get(&path).await.json();
    for body in [json!({}), json!({ "unknown": 1 }), json!({ "description": "x", "expiresAt": future }), json!([])] {
        assert_eq!(api.patch(&path, &body).await.status, 400, "{body}");
    }
    assert_eq!(api.get(&path).await.json(), before);
    for (method, path) in [(Method::GET, "/tokens/17"), (Method::DELETE, "/tokens/x"), (Method::PATCH, "/tokens/-")] {
        send(api.manage(method, path).json(&json!({ "description": "x" }))).await.expect_status(400);
    }
    let unknown = format!("/tokens/{UNKNOWN_ID}");
    api.get(&unknown).await.expect_status(404);
    api.delete(&unknown).await.expect_status(404);
    api.patch(&unknown, &json!({ "description": "x" })).await.expect_status(404);
}

#[tokio::test]
async fn lists_are_ordered_by_id_and_hide_every_secret() {
    let fresh = Fresh::start().await;
    let mut secrets = Vec::new();
    for _ in 0..20 {
        secrets.push(fresh.api.create_token(&[("read", "*")]).await.text);
    }
    let answer = fresh.api.get("/tokens").await;
    let ids: Vec<String> =
        answer.json().as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 20);
    assert!(secrets.iter().all(|secret| !answer.body.contains(&secret[6..])));
}

#[tokio::test]
async fn management_tokens_are_created_listed_and_revoked() {
    let fresh = Fresh::start().await;
    let (api, path) = (&fresh.api, format!("{}/management-tokens", fresh.api.account));
    let list = async || send(api.http.get(&path).bearer_auth(&api.management_token)).await.expect_status(200);
    assert_eq!(list().await.json().as_array().unwrap().len(), 1, "the one made at the first start");

    let second = api.create_management_token("second").await;
    assert!(second.text.starts_with("mgmt1_") && second.text.len() == 92);
    let as_second = api.as_manager(&second.text);
    as_second.get("/tokens").await.expect_status(200);
    send(api.revoke_management_token(&second.id)).await.expect_status(204);
    as_second.get("/tokens").await.expect_status(401);
    send(api.revoke_management_token(&second.id)).await.expect_status(204);
    send(api.revoke_management_token(UNKNOWN_ID)).await.expect_status(404);

    let listed = list().await;
    assert!(!listed.body.contains(&second.text[10..]), "no secret beyond the visible prefix");
    let entries = listed.json();
    let entry = entries.as_array().unwrap().iter().find(|entry| entry["id"] == second.id.as_str()).unwrap();
    assert!(entry["revokedAt"].is_string(), "revoked ones stay listed: {entry}");
}

#[tokio::test]
async fn without_a_valid_management_token_every_route_answers_the_same_401() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let database_token = api.create_token(&[("read", "*"), ("write", "*")]).await;
    let revoked = api.create_management_token("revoked").await;
    send(api.revoke_management_token(&revoked.id)).await.expect_status(204);

    let token_path = format!("{}/tokens/{}", api.cluster, database_token.id);
    let management_tokens = format!("{}/management-tokens", api.account);
    let routes = [
        (Method::GET, format!("{}/databases", api.cluster)),
        (Method::POST, format!("{}/databases", api.cluster)),
        (Method::DELETE, format!("{}/databases/plant7", api.cluster)),
        (Method::GET, format!("{}/tokens", api.cluster)),
        (Method::POST, format!("{}/tokens", api.cluster)),
        (Method::GET, token_path.clone()),
        (Method::PATCH, token_path.clone()),
        (Method::DELETE, token_path.clone()),
        (Method::GET, management_tokens.clone()),
        (Method::POST, management_tokens.clone()),
        (Method::DELETE, format!("{management_tokens}/{}", revoked.id)),
    ];
    let wrong_scheme = format!("Token {}", api.management_token);
    let headers = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some(format!("Bearer {UNKNOWN_TOKEN}")),
        Some(format!("Bearer {}", database_token.text)),
        Some(format!("Bearer {}", revoked.text)),
        Some("Digest x".to_owned()),
        Some("Basic Og==".to_owned()),
    ];
    for (method, url) in &routes {
        let mut answers = BTreeSet::new();
        for header in &headers {
            let mut request = api.http.request(method.clone(), url).json(&json!({ "name": "x", "description": "x" }));
            if let Some(value) = header {
                request = request.header("authorization", value);
            }
            let answer = send(request).await.expect_status(401);
            assert_eq!(answer.json(), json!({ "code": 401, "message": "unauthorized" }), "{method} {url} {header:?}");
            answers.insert(answer.comparable());
        }
        assert_eq!(answers.len(), 1, "the answers of {method} {url} differ: {answers:?}");
    }
    let answer = send(api.http.get(&token_path).header("authorization", wrong_scheme)).await;
    assert_eq!(answer.status, 401, "the Management API takes Bearer only");
    assert_eq!(api.get("/databases").await.json().as_array().unwrap().len(), 1, "nothing was changed");
    api.get(&format!("/tokens/{}", database_token.id)).await.expect_status(200);
}

#[tokio::test]
async fn account_and_cluster_of_the_path_are_checked() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let get = async |url: String| send(api.http.get(url).bearer_auth(&api.management_token)).await.status;
    let account = api.account.rsplit_once('/').unwrap().1;
    let cluster = api.cluster.rsplit_once('/').unwrap().1;
    let url = |account: &str, cluster: &str| format!("{}/api/v0/accounts/{account}/clusters/{cluster}/tokens", api.url);
    assert_eq!(get(url(account, cluster)).await, 200);
    assert_eq!(get(url(&account.to_uppercase(), &cluster.to_uppercase())).await, 200);
    assert_eq!(get(format!("{}/", url(account, cluster))).await, 200);
    for (account, cluster, status) in
        [(UNKNOWN_ID, cluster, 404), (account, UNKNOWN_ID, 404), ("17", cluster, 400), (account, "x", 400)]
    {
        assert_eq!(get(url(account, cluster)).await, status, "{account} {cluster}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_in_full() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let post = |body: &'static str, kind: &'static str| {
        send(api.manage(Method::POST, "/databases").header("content-type", kind).body(body))
    };
    for (body, kind, status) in [
        (r#"{"name":"x"}"#, "text/plain", 415),
        (r#"{"name":"#, "application/json", 400),
        ("", "application/json", 400),
        ("[]", "application/json", 400),
        (r#""x""#, "application/json", 400),
        (r#"{"name":"ok"}"#, "application/json; charset=utf-8", 200),
    ] {
        let answer = post(body, kind).await.expect_status(status);
        if status != 200 {
            assert_eq!(answer.json()["code"], status, "{body:?}");
        }
    }
    let huge = json!({ "name": "x", "padding": "y".repeat(1024 * 1024) });
    api.post("/databases", &huge).await.expect_status(413);

    let answer = send(api.manage(Method::PUT, "/databases")).await.expect_status(405);
    assert_eq!(answer.json()["code"], 405);
    let allow = answer.headers["allow"].to_str().unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    assert_eq!(api.get("/nothing").await.expect_status(404).json()["code"], 404);
}
