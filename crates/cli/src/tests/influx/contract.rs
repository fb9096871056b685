//! A server made of the tables of the v2 API contract (§§4 and 5), and nothing else: whatever it does not find there, it
//! refuses and remembers.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::scene::{AUTHORIZATION, BUCKET, ORG, TOKEN, USER, authorization, bucket};

/// The token that a new authorization has.
pub(super) const SECRET: &str =
    "pQ8vZb3kX0fT5m-Rr7_yWc2hLsN9dJuEoGiA1tKxVwS6BnMqCzYeDPaHgUjFlO4kI3XvTb8Rm0_Zy2WcQs5NdA==";

const SESSION: &str = "influxdb-oss-session=Kx9_-==; Path=/api/; HttpOnly; SameSite=Strict";

/// What a request's body must and may hold.
enum Body {
    None,
    Json { required: &'static [&'static str], optional: &'static [&'static str] },
    Lines,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Open,
    Token,
    Basic,
}

/// One row. In `path`, `{id}` is 16 hexadecimal digits.
struct Route {
    method: &'static str,
    path: &'static str,
    query: &'static [&'static str],
    body: Body,
    proof: Proof,
    status: u16,
    answer: fn() -> Value,
}

const fn route(method: &'static str, path: &'static str, answer: fn() -> Value) -> Route {
    Route { method, path, query: &[], body: Body::None, proof: Proof::Token, status: 200, answer }
}

impl Route {
    const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    const fn json(self, required: &'static [&'static str], optional: &'static [&'static str]) -> Self {
        Self { body: Body::Json { required, optional }, ..self }
    }

    const fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    const fn proof(self, proof: Proof) -> Self {
        Self { proof, ..self }
    }
}

const ORGANIZATION: &[&str] = &["org", "orgID"];

const ROUTES: &[Route] = &[
    route("GET", "/health", || json!({ "name": "influxdb", "status": "pass" })).proof(Proof::Open),
    route("GET", "/api/v2/setup", || json!({ "allowed": true })).proof(Proof::Open),
    route(
        "POST",
        "/api/v2/setup",
        || json!({ "user": user(), "org": organization(), "bucket": bucket(BUCKET, "press"), "auth": created() }),
    )
    .json(&["username", "org", "bucket"], &["password", "token", "retentionPeriodSeconds"])
    .status(201)
    .proof(Proof::Open),
    route("POST", "/api/v2/signin", || Value::Null).status(204).proof(Proof::Basic),
    route("GET", "/api/v2/resources", || json!(["authorizations", "buckets", "orgs", "users", "instance"])),
    route("GET", "/api/v2/authorizations", || json!({ "links": links(), "authorizations": [authorization()] }))
        .query(&["userID", "user", "orgID", "org", "token"]),
    route("POST", "/api/v2/authorizations", created)
        .json(&["orgID", "permissions"], &["status", "description", "userID"])
        .status(201),
    route("GET", "/api/v2/authorizations/{id}", authorization),
    route("PATCH", "/api/v2/authorizations/{id}", authorization).json(&[], &["status", "description"]),
    route("DELETE", "/api/v2/authorizations/{id}", || Value::Null).status(204),
    route("GET", "/api/v2/users", || json!({ "links": links(), "users": [user()] })).query(&["id", "name"]),
    route("POST", "/api/v2/users", user).json(&["name"], &["status"]).status(201),
    route("GET", "/api/v2/users/{id}", user),
    route("PATCH", "/api/v2/users/{id}", user).json(&[], &["name", "status"]),
    route("DELETE", "/api/v2/users/{id}", || Value::Null).status(204),
    route("POST", "/api/v2/users/{id}/password", || Value::Null).json(&["password"], &[]).status(204),
    route("GET", "/api/v2/orgs", || json!({ "links": links(), "orgs": [organization()] })).query(&[
        "org",
        "orgID",
        "userID",
        "limit",
        "offset",
        "descending",
    ]),
    route("POST", "/api/v2/orgs", organization).json(&["name"], &["description"]).status(201),
    route("GET", "/api/v2/orgs/{id}", organization),
    route("PATCH", "/api/v2/orgs/{id}", organization).json(&[], &["name", "description"]),
    route("DELETE", "/api/v2/orgs/{id}", || Value::Null).status(204),
    route("GET", "/api/v2/orgs/{id}/members", || json!({ "links": links(), "users": [] })),
    route("POST", "/api/v2/orgs/{id}/members", || member("member")).json(&["id"], &[]).status(201),
    // The user is an owner.
    route("DELETE", "/api/v2/orgs/{id}/members/{id}", not_found).status(404),
    route("GET", "/api/v2/orgs/{id}/owners", || json!({ "links": links(), "users": [member("owner")] })),
    route("POST", "/api/v2/orgs/{id}/owners", || member("owner")).json(&["id"], &[]).status(201),
    route("DELETE", "/api/v2/orgs/{id}/owners/{id}", || Value::Null).status(204),
    route("GET", "/api/v2/buckets", || json!({ "links": links(), "buckets": [bucket(BUCKET, "press")] })).query(&[
        "org",
        "orgID",
        "name",
        "id",
        "limit",
        "offset",
        "after",
        "descending",
    ]),
    route("POST", "/api/v2/buckets", || bucket(BUCKET, "press"))
        .json(&["orgID", "name"], &["description", "rp", "retentionRules", "schemaType"])
        .status(201),
    route("PATCH", "/api/v2/buckets/{id}", || bucket(BUCKET, "press"))
        .json(&[], &["name", "description", "retentionRules"]),
    route("DELETE", "/api/v2/buckets/{id}", || Value::Null).status(204),
    route("GET", "/api/v2/dbrps", || json!({ "content": [mapping(false), mapping(true)] }))
        .query(&["org", "orgID", "id", "bucketID", "db", "rp", "default"]),
    route("POST", "/api/v2/dbrps", || mapping(false))
        .json(&["bucketID", "database", "retention_policy", "orgID"], &["default"])
        .status(201),
    route("GET", "/api/v2/dbrps/{id}", || json!({ "content": mapping(false) })).query(ORGANIZATION),
    route("PATCH", "/api/v2/dbrps/{id}", || json!({ "content": mapping(false) }))
        .query(ORGANIZATION)
        .json(&[], &["default", "retention_policy"]),
    route("DELETE", "/api/v2/dbrps/{id}", || Value::Null).query(ORGANIZATION).status(204),
    route("GET", "/private/legacy/authorizations", || json!({ "links": links(), "authorizations": [authorization()] }))
        .query(&["token", "authID", "user", "userID", "org", "orgID", "id"]),
    route("POST", "/private/legacy/authorizations", authorization)
        .json(&["orgID", "permissions", "token"], &["status", "description", "userID"])
        .status(201),
    route("GET", "/private/legacy/authorizations/{id}", authorization),
    route("PATCH", "/private/legacy/authorizations/{id}", authorization).json(&[], &["status", "description"]),
    route("DELETE", "/private/legacy/authorizations/{id}", || Value::Null).status(204),
    route("POST", "/private/legacy/authorizations/{id}/password", || Value::Null).json(&["password"], &[]).status(204),
    Route {
        method: "POST",
        path: "/api/v2/write",
        query: &["bucket", "org", "precision"],
        body: Body::Lines,
        proof: Proof::Token,
        status: 204,
        answer: || Value::Null,
    },
    route("POST", "/api/v2/query", || Value::Null).query(ORGANIZATION).json(&["query", "type", "dialect"], &["extern"]),
    route("POST", "/api/v2/delete", || Value::Null)
        .query(&["org", "orgID", "bucket", "bucketID"])
        .json(&["start", "stop"], &["predicate"])
        .status(204),
];

fn links() -> Value {
    json!({ "self": "/api/v2" })
}

fn not_found() -> Value {
    json!({ "code": "not found", "message": "user not found" })
}

fn created() -> Value {
    let mut created = authorization();
    created["token"] = json!(SECRET);
    created
}

fn user() -> Value {
    json!({ "id": USER, "name": "ada", "status": "active", "links": links() })
}

fn member(role: &str) -> Value {
    json!({ "id": USER, "name": "ada", "status": "active", "role": role, "links": links() })
}

fn organization() -> Value {
    json!({ "id": ORG, "name": "plant", "description": "", "links": links() })
}

fn mapping(is_virtual: bool) -> Value {
    json!({
        "id": "0a0b0c0d0e0f0005", "orgID": ORG, "bucketID": BUCKET, "database": "press", "retention_policy": "autogen",
        "default": true, "virtual": is_virtual,
    })
}

#[derive(Clone)]
pub(super) struct Contract {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    routes: BTreeSet<(&'static str, &'static str)>,
    surprises: Vec<String>,
}

impl Contract {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let contract = Self { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let router = axum::Router::new().fallback(serve).with_state(contract.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        contract
    }

    /// Everything undocumented that was asked for since the last call.
    pub(super) fn take_surprises(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap().surprises)
    }

    /// The rows that nobody has used.
    pub(super) fn unused(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let rows = ROUTES.iter().map(|route| (route.method, route.path));
        rows.filter(|row| !seen.routes.contains(row)).map(|(method, path)| format!("{method} {path}")).collect()
    }

    fn refuse(&self, status: u16, code: &str, reason: String) -> Response {
        self.seen.lock().unwrap().surprises.push(reason.clone());
        let status = StatusCode::from_u16(status).unwrap();
        (status, axum::Json(json!({ "code": code, "message": reason }))).into_response()
    }
}

pub(super) async fn serve(
    State(contract): State<Contract>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = |text: &str| format!("{method} {uri}: {text}");
    let on_path: Vec<&Route> = ROUTES.iter().filter(|route| matches(route.path, uri.path())).collect();
    if on_path.is_empty() {
        return contract.refuse(404, "not found", fault("path"));
    }
    let Some(route) = on_path.into_iter().find(|route| route.method == method.as_str()) else {
        return contract.refuse(405, "method not allowed", fault("method"));
    };
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap());
    let expected = format!("Token {TOKEN}");
    let is_proved = match route.proof {
        Proof::Open => authorization.is_none(),
        Proof::Token => authorization == Some(&expected),
        Proof::Basic => authorization.is_some_and(|value| value.starts_with("Basic ")),
    };
    if !is_proved {
        return contract.refuse(401, "unauthorized", fault("credential"));
    }
    let names = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    if let Some(name) = names.filter(|name| !name.is_empty()).find(|name| !route.query.contains(name)) {
        return contract.refuse(400, "invalid", fault(name));
    }
    if let Some(text) = route.body.fault(&headers, &body) {
        return contract.refuse(400, "invalid", fault(&text));
    }
    contract.seen.lock().unwrap().routes.insert((route.method, route.path));
    let status = StatusCode::from_u16(route.status).unwrap();
    match (route.answer)() {
        Value::Null if route.proof == Proof::Basic => (status, [("set-cookie", SESSION)]).into_response(),
        Value::Null => status.into_response(),
        answer => (status, [("x-influxdb-build", "OSS")], axum::Json(answer)).into_response(),
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(pattern, segment)| match *pattern {
            "{id}" => is_id(segment),
            word => word == *segment,
        })
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && text.bytes().any(|byte| byte != b'0')
}

impl Body {
    fn fault(&self, headers: &HeaderMap, body: &Bytes) -> Option<String> {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        match self {
            Self::None => (!body.is_empty()).then(|| "a body".to_owned()),
            Self::Lines => {
                let mut lines = String::new();
                let read = flate2::read::GzDecoder::new(&**body).read_to_string(&mut lines);
                let is_right = header("content-encoding") == "gzip"
                    && header("content-type").starts_with("text/plain")
                    && read.is_ok()
                    && lines.lines().all(|line| !line.trim().is_empty());
                (!is_right).then(|| "no compressed lines".to_owned())
            }
            Self::Json { .. } if !header("content-type").starts_with("application/json") => {
                Some("content type".to_owned())
            }
            Self::Json { required, optional } => {
                let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
                    return Some("not an object".to_owned());
                };
                if let Some(name) = required.iter().find(|name| !object.contains_key(**name)) {
                    return Some(format!("{name} is missing"));
                }
                object
                    .iter()
                    .find(|(name, value)| {
                        let is_known = [*required, *optional].concat().contains(&name.as_str());
                        !(is_known && has_documented_type(name, value))
                    })
                    .map(|(name, value)| format!("member {name} {value}"))
            }
        }
    }
}

fn has_documented_type(name: &str, value: &Value) -> bool {
    let is_time = |value: &Value| value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok());
    match name {
        "id" | "orgID" | "userID" | "bucketID" => value.as_str().is_some_and(is_id),
        "status" => matches!(value.as_str(), Some("active" | "inactive")),
        "schemaType" => matches!(value.as_str(), Some("implicit" | "explicit")),
        "retentionPeriodSeconds" => value.as_i64().is_some_and(|seconds| seconds >= 0),
        "default" => value.is_boolean(),
        "start" | "stop" => is_time(value),
        "type" => value == "flux",
        "dialect" => {
            *value == json!({ "annotations": ["group", "datatype", "default"], "delimiter": ",", "header": true })
        }
        "extern" => value["type"] == "File",
        "retentionRules" => {
            value.is_null() || value.as_array().is_some_and(|rules| rules.len() == 1 && rules.iter().all(is_rule))
        }
        "permissions" => {
            value.as_array().is_some_and(|permissions| !permissions.is_empty() && permissions.iter().all(is_permission))
        }
        _ => value.as_str().is_some_and(|text| !text.is_empty()),
    }
}

fn is_rule(rule: &Value) -> bool {
    let known = ["type", "everySeconds", "shardGroupDurationSeconds"];
    rule["type"] == "expire"
        && rule["everySeconds"].is_i64()
        && rule.as_object().is_some_and(|members| members.keys().all(|name| known.contains(&name.as_str())))
}

fn is_permission(permission: &Value) -> bool {
    let types = crate::influx::tree::RESOURCE_TYPES;
    let resource = &permission["resource"];
    let scopes = ["id", "orgID"];
    permission.as_object().is_some_and(|members| members.len() == 2)
        && matches!(permission["action"].as_str(), Some("read" | "write"))
        && resource["type"].as_str().is_some_and(|name| types.contains(&name))
        && resource.as_object().is_some_and(|members| {
            members.iter().all(|(name, value)| {
                name == "type" || (scopes.contains(&name.as_str()) && value.as_str().is_some_and(is_id))
            })
        })
}

/// The id of the record that the tests ask for.
pub(super) const ID: &str = AUTHORIZATION;
