//! The same for the v2 API.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const ORG: &str = "05b7c1d2e3f40506";
const ADA: &str = "05b7c1d2e3f40a0a";
const BOB: &str = "05b7c1d2e3f40b0b";
const PRESS: &str = "05b7c1d2e3f40c01";
const GATEWAY: &str = "05b7c1d2e3f40d01";
const DASHBOARDS: &str = "05b7c1d2e3f40d02";
const MAPPING: &str = "05b7c1d2e3f40e01";

pub(crate) fn answer(method: &Method, target: &str) -> Response {
    let path = target.replace(ORG, "ORG").replace(ADA, "ADA").replace(BOB, "BOB").replace(PRESS, "PRESS");
    let path = path.replace(GATEWAY, "GATEWAY").replace(MAPPING, "MAPPING");
    match (method.as_str(), path.as_str()) {
        ("GET", "/health") => Json(json!({"name": "influxdb", "status": "pass"})).into_response(),
        ("GET", "/api/v2/setup") => Json(json!({"allowed": true})).into_response(),
        ("POST", "/api/v2/setup") => created(json!({
            "user": user(ADA, "ada"), "org": org(), "bucket": bucket(),
            "auth": with_secret(authorization(GATEWAY, "ada's Token")),
        })),
        ("GET", "/api/v2/authorizations") => {
            authorizations(&[authorization(GATEWAY, "press line gateway"), authorization(DASHBOARDS, "dashboards")])
        }
        ("GET", "/api/v2/authorizations?user=bob") => authorizations(&[]),
        ("POST", "/api/v2/authorizations") => created(with_secret(authorization(GATEWAY, "press line gateway"))),
        ("GET" | "PATCH", "/api/v2/authorizations/GATEWAY") => {
            Json(authorization(GATEWAY, "press line gateway")).into_response()
        }
        ("GET", "/api/v2/users") => Json(json!({"users": [user(ADA, "ada"), user(BOB, "bob")]})).into_response(),
        ("GET", "/api/v2/users?name=") => Json(json!({"users": [user(ADA, "ada")]})).into_response(),
        ("POST", "/api/v2/users") => created(user(BOB, "bob")),
        ("GET" | "PATCH", "/api/v2/users/BOB") => Json(user(BOB, "bob")).into_response(),
        ("GET", "/api/v2/users/ADA") => Json(user(ADA, "ada")).into_response(),
        ("GET", "/api/v2/orgs" | "/api/v2/orgs?org=plant") => Json(json!({"orgs": [org()]})).into_response(),
        ("POST", "/api/v2/orgs") => created(org()),
        ("GET" | "PATCH", "/api/v2/orgs/ORG") => Json(org()).into_response(),
        ("GET", "/api/v2/orgs/ORG/owners") => Json(json!({"users": [user(ADA, "ada")]})).into_response(),
        ("GET", "/api/v2/orgs/ORG/members") => Json(json!({"users": [user(BOB, "bob")]})).into_response(),
        ("POST", "/api/v2/orgs/ORG/members") => created(user(BOB, "bob")),
        ("GET", path) if path.starts_with("/api/v2/buckets?") => Json(json!({"buckets": [bucket()]})).into_response(),
        ("POST", "/api/v2/buckets") => created(bucket()),
        ("PATCH", "/api/v2/buckets/PRESS") => Json(bucket()).into_response(),
        ("GET", "/api/v2/dbrps?org=plant") => Json(json!({"content": [mapping(false)]})).into_response(),
        ("POST", "/api/v2/dbrps") => created(mapping(false)),
        ("GET" | "PATCH", "/api/v2/dbrps/MAPPING?org=plant") => Json(json!({"content": mapping(true)})).into_response(),
        ("GET", "/private/legacy/authorizations") => authorizations(&[legacy()]),
        ("GET", "/private/legacy/authorizations?token=line1") => authorizations(&[]),
        ("POST", "/private/legacy/authorizations") => created(legacy()),
        ("GET" | "PATCH", "/private/legacy/authorizations/GATEWAY") => Json(legacy()).into_response(),
        ("POST", path) if path.ends_with("/password") || path == "/api/v2/delete?org=plant&bucket=press" => {
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", "/api/v2/write?bucket=press&org=plant&precision=ns") => StatusCode::NO_CONTENT.into_response(),
        ("POST", "/api/v2/query?org=plant") => ([("content-type", "text/csv; charset=utf-8")], ROWS).into_response(),
        ("DELETE", _) => StatusCode::NO_CONTENT.into_response(),
        _ => {
            let body = json!({"code": "not found", "message": "there is nothing with this id"});
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    }
}

const ROWS: &str = "#group,false,false,true,false,false\r\n\
    #datatype,string,long,string,dateTime:RFC3339,double\r\n\
    #default,_result,,,,\r\n\
    ,result,table,line,_time,_value\r\n\
    ,,0,L1,2026-03-01T08:00:00Z,4.5\r\n\
    ,,1,L2,2026-03-01T08:01:00Z,4.75\r\n";

fn created(value: Value) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

fn authorizations(found: &[Value]) -> Response {
    Json(json!({"authorizations": found})).into_response()
}

fn authorization(id: &str, description: &str) -> Value {
    let resource = json!({"type": "buckets", "orgID": ORG, "id": PRESS, "name": "press"});
    json!({
        "id": id, "token": "redacted", "status": "active", "description": description, "orgID": ORG, "org": "plant",
        "userID": ADA, "user": "ada",
        "permissions": [{"action": "read", "resource": resource}, {"action": "write", "resource": resource}],
    })
}

fn with_secret(mut authorization: Value) -> Value {
    authorization["token"] = json!("the-token-which-is-shown-this-once==");
    authorization
}

fn legacy() -> Value {
    let mut legacy = authorization(GATEWAY, "press line gateway");
    legacy["token"] = json!("line1");
    legacy
}

fn user(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "status": "active", "links": {"self": format!("/api/v2/users/{id}")}})
}

fn org() -> Value {
    json!({"id": ORG, "name": "plant", "description": ""})
}

fn bucket() -> Value {
    json!({
        "id": PRESS, "orgID": ORG, "type": "user", "name": "press", "labels": [],
        "retentionRules": [{"type": "expire", "everySeconds": 2_592_000}],
    })
}

fn mapping(is_default: bool) -> Value {
    json!({
        "id": MAPPING, "orgID": ORG, "bucketID": PRESS, "database": "press", "retention_policy": "autogen",
        "default": is_default, "virtual": false,
    })
}
