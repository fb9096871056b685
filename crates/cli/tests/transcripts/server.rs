//! A server that remembers nothing: each request has one answer.

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::influx_server;

pub(crate) const ACCOUNT: &str = "6b0d4a1e-52c7-4f0a-9d3b-0f6a7c9e2b11";
pub(crate) const CLUSTER: &str = "c2f1e7d0-8a34-4b6e-a1f5-3d9b70e4c622";
const GATEWAY: &str = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";
const DASHBOARDS: &str = "a9e37b10-2c55-4e0d-8f61-7be4c1d2036a";
const DEPLOY: &str = "0d7be1c4-93aa-4f12-b6c8-2e5f80a1d973";

/// Starts it and gives its port.
pub(crate) async fn start() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = axum::Router::new().fallback(async |method: Method, uri: Uri| answer(&method, &uri));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

fn answer(method: &Method, uri: &Uri) -> Response {
    let target = uri.to_string();
    let cluster = format!("/api/v0/accounts/{ACCOUNT}/clusters/{CLUSTER}");
    let account = format!("/api/v0/accounts/{ACCOUNT}");
    let path = target
        .strip_prefix(&cluster)
        .filter(|rest| !rest.is_empty())
        .or_else(|| target.strip_prefix(&account))
        .or_else(|| target.strip_prefix("/api/v0"))
        .unwrap_or(&target);
    match (method.as_str(), path) {
        ("GET", "/databases") => {
            Json(json!([database(1204, "plant7", 0), database(1311, "plant7/raw", 30)])).into_response()
        }
        ("GET", "/databases?status=deleted") => Json(json!([deleted(database(1100, "old", 7))])).into_response(),
        ("POST", "/databases")
        | ("PATCH", "/databases/plant7")
        | ("PUT", "/databases/plant7/rename" | "/databases/1100/undelete") => {
            Json(database(1204, "plant7", 0)).into_response()
        }
        ("GET", "/databases/plant7/tables") => Json(json!([table(88, "press"), table(91, "oven")])).into_response(),
        ("GET", "/databases/plant7/tables?status=deleted") => {
            Json(json!([deleted(table(70, "press"))])).into_response()
        }
        ("POST", "/databases/plant7/tables") | ("PUT", "/databases/plant7/tables/70/undelete") => {
            Json(table(70, "press")).into_response()
        }
        ("PUT", "/databases/plant7/tables/press/rename") => Json(table(88, "press_line")).into_response(),
        ("GET", "/tokens") => {
            Json(json!([token(GATEWAY, "press line gateway"), token(DASHBOARDS, "dashboards")])).into_response()
        }
        ("GET", "/tokens?includeRevoked=true") => {
            let mut revoked = token(DASHBOARDS, "dashboards");
            revoked["revokedAt"] = json!("2026-03-10T09:00:00Z");
            Json(json!([token(GATEWAY, "press line gateway"), revoked])).into_response()
        }
        ("POST", "/tokens") => created(token(GATEWAY, "press line gateway"), "apiv1_the-secret-of-the-new-token"),
        ("GET" | "PATCH", path) if path == format!("/tokens/{GATEWAY}") => {
            Json(token(GATEWAY, "press line gateway")).into_response()
        }
        ("GET", "/management-tokens") => Json(json!([management_token()])).into_response(),
        ("POST", "/management-tokens") => created(management_token(), "mgmt1_the-secret-of-the-new-token"),
        ("GET", "/clusters") => Json(json!([details()])).into_response(),
        ("GET", path) if path == format!("/clusters/{CLUSTER}") => Json(details()).into_response(),
        ("GET", "/users") => Json(json!([user()])).into_response(),
        ("DELETE", "/databases/plant7" | "/databases/plant7/tables/press") => StatusCode::NO_CONTENT.into_response(),
        ("DELETE", path) if path == format!("/tokens/{GATEWAY}") || path == format!("/management-tokens/{DEPLOY}") => {
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", "/api/v2/write?bucket=plant7&precision=ns") => StatusCode::NO_CONTENT.into_response(),
        ("POST", "/api/v3/query_sql") => ROWS.into_response(),
        ("POST", "/device") => Json(json!({
            "device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example.org/device",
            "interval": 0, "expires_in": 60
        }))
        .into_response(),
        ("POST", "/token") => Json(json!({"access_token": "login-token", "expires_in": 3600})).into_response(),
        (_, path) if ["/api/v2/", "/private/", "/health"].iter().any(|start| path.starts_with(start)) => {
            influx_server::answer(method, path)
        }
        _ => (StatusCode::NOT_FOUND, Json(json!({"code": 404, "message": "not found"}))).into_response(),
    }
}

const ROWS: &str = r#"{"bar":4.5,"line":"L1","ticks":120,"time":"2026-03-01T08:00:00"}
{"bar":4.75,"line":"L2","ticks":98,"time":"2026-03-01T08:01:00"}
"#;

fn database(id: i64, name: &str, days: i64) -> Value {
    json!({
        "accountId": ACCOUNT, "clusterId": CLUSTER, "id": id, "name": name, "maxTables": 500,
        "maxColumnsPerTable": 250, "retentionPeriod": days * 86_400_000_000_000
    })
}

fn table(id: i64, name: &str) -> Value {
    json!({
        "accountId": ACCOUNT, "clusterId": CLUSTER, "databaseName": "plant7", "id": id, "name": name,
        "icebergEnabled": false
    })
}

fn deleted(mut item: Value) -> Value {
    item["deletedAt"] = json!("2026-03-01T00:00:00Z");
    item
}

fn token(id: &str, description: &str) -> Value {
    json!({
        "accountId": ACCOUNT, "clusterId": CLUSTER, "id": id, "description": description,
        "permissions": [{"action": "read", "resource": "plant7"}, {"action": "write", "resource": "*"}],
        "createdAt": "2026-03-09T07:41:12.330Z", "expiresAt": "2999-01-31T12:00:00Z"
    })
}

fn management_token() -> Value {
    json!({
        "accountId": ACCOUNT, "id": DEPLOY, "prefix": "mgmt1_q7Za", "description": "ci deploy",
        "createdAt": "2026-02-03T08:15:00Z"
    })
}

fn created(mut token: Value, secret: &str) -> Response {
    token["accessToken"] = json!(secret);
    Json(token).into_response()
}

fn details() -> Value {
    json!({
        "accountId": ACCOUNT, "clusterId": CLUSTER, "name": "plant7", "url": "plant7.example.org", "state": "ready",
        "createdAt": "2026-03-01T00:00:00Z", "category": 1
    })
}

fn user() -> Value {
    json!({
        "id": "e81f0b57-64d2-4c9a-8a10-95b3d7f2046c", "accountId": ACCOUNT, "firstName": "Ada",
        "lastName": "Lovelace", "email": "ada@example.org", "role": "admin"
    })
}
