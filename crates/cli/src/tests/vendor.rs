//! A server made of the tables of the management API contract (§§2, 4 to 9) and of the documented write endpoint, and
//! nothing else: whatever it does not find there, it refuses and remembers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::harness::{ACCOUNT, CLUSTER, DATABASE_TOKEN, MANAGEMENT_TOKEN};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Dedicated,
    Clustered,
}

/// What a request's body must and may hold.
struct Members {
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

/// One row of §5. In `path`, `{name}` is a name, `{id}` an integer of at least 1, `{uuid}` a UUID.
struct Route {
    method: &'static str,
    path: &'static str,
    /// `None`: no body.
    body: Option<Members>,
    answer: Answer,
}

#[derive(Clone, Copy)]
enum Answer {
    Nothing,
    Databases,
    Database,
    Table,
    Tokens,
    Token,
    CreatedToken,
}

const fn members(required: &'static [&'static str], optional: &'static [&'static str]) -> Option<Members> {
    Some(Members { required, optional })
}

const LIMITS: &[&str] = &["maxTables", "maxColumnsPerTable", "retentionPeriod"];
const DATABASE: &[&str] = &["maxTables", "maxColumnsPerTable", "retentionPeriod", "partitionTemplate"];
const NAME: &[&str] = &["name"];

const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/databases", body: None, answer: Answer::Databases },
    Route { method: "POST", path: "/databases", body: members(NAME, DATABASE), answer: Answer::Database },
    Route { method: "PATCH", path: "/databases/{name}", body: members(&[], LIMITS), answer: Answer::Database },
    Route { method: "DELETE", path: "/databases/{name}", body: None, answer: Answer::Nothing },
    Route { method: "PUT", path: "/databases/{name}/rename", body: members(NAME, &[]), answer: Answer::Database },
    Route { method: "PUT", path: "/databases/{id}/undelete", body: None, answer: Answer::Database },
    Route {
        method: "POST",
        path: "/databases/{name}/tables",
        body: members(NAME, &["partitionTemplate"]),
        answer: Answer::Table,
    },
    Route { method: "DELETE", path: "/databases/{name}/tables/{name}", body: None, answer: Answer::Nothing },
    Route {
        method: "PUT",
        path: "/databases/{name}/tables/{name}/rename",
        body: members(NAME, &[]),
        answer: Answer::Table,
    },
    Route { method: "PUT", path: "/databases/{name}/tables/{id}/undelete", body: None, answer: Answer::Table },
    Route { method: "GET", path: "/tokens", body: None, answer: Answer::Tokens },
    Route {
        method: "POST",
        path: "/tokens",
        body: members(&["description"], &["permissions", "expiresAt"]),
        answer: Answer::CreatedToken,
    },
    Route { method: "GET", path: "/tokens/{uuid}", body: None, answer: Answer::Token },
    Route {
        method: "PATCH",
        path: "/tokens/{uuid}",
        body: members(&[], &["description", "permissions"]),
        answer: Answer::Token,
    },
    Route { method: "DELETE", path: "/tokens/{uuid}", body: None, answer: Answer::Nothing },
];

pub(super) const SECRET: &str = "apiv1_the-secret-of-a-new-token-0123456789-0123456789-0123456789";

impl Answer {
    /// Only members that the contract requires, and none that are our own.
    fn of(self, product: Product) -> Option<Value> {
        let with_ids = |mut object: Value| {
            if product == Product::Dedicated {
                object["accountId"] = json!(ACCOUNT);
                object["clusterId"] = json!(CLUSTER);
            }
            object
        };
        let database =
            with_ids(json!({"name": "plant7", "maxTables": 500, "maxColumnsPerTable": 250, "retentionPeriod": 0}));
        let token = with_ids(json!({
            "id": "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64", "description": "gateway", "permissions": [],
            "createdAt": "2026-03-09T07:41:12.330Z"
        }));
        Some(match self {
            Self::Nothing => return None,
            Self::Databases => json!([database]),
            Self::Database => database,
            Self::Table => with_ids(json!({"databaseName": "plant7", "name": "press"})),
            Self::Tokens => json!([token]),
            Self::Token => token,
            Self::CreatedToken => {
                let mut created = token;
                created["accessToken"] = json!(SECRET);
                created
            }
        })
    }
}

#[derive(Clone)]
pub(super) struct Vendor {
    product: Product,
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    routes: BTreeSet<(String, &'static str)>,
    surprises: Vec<String>,
}

impl Vendor {
    pub(super) async fn start(product: Product) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor = Self { product, port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let router = axum::Router::new().fallback(serve).with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        vendor
    }

    /// Everything undocumented that was asked for since the last call.
    pub(super) fn take_surprises(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap().surprises)
    }

    /// The rows of the contract that nobody has used.
    pub(super) fn unused(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let rows = ROUTES.iter().map(|route| (route.method.to_owned(), route.path));
        rows.filter(|row| !seen.routes.contains(row)).map(|(method, path)| format!("{method} {path}")).collect()
    }

    fn refuse(&self, status: u16, reason: String) -> Response {
        self.seen.lock().unwrap().surprises.push(reason);
        let status = StatusCode::from_u16(status).unwrap();
        let message = status.canonical_reason().unwrap().to_lowercase();
        (status, axum::Json(json!({"code": status.as_u16(), "message": message}))).into_response()
    }

    fn prefix(&self) -> String {
        match self.product {
            Product::Dedicated => format!("/api/v0/accounts/{ACCOUNT}/clusters/{CLUSTER}"),
            Product::Clustered => "/api/v0".to_owned(),
        }
    }

    fn manage(&self, method: &Method, path: &str, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
        let fault = |text: &str| format!("{method} {uri}: {text}");
        if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {MANAGEMENT_TOKEN}")) {
            return self.refuse(401, fault("credential"));
        }
        let on_path: Vec<&Route> = ROUTES.iter().filter(|route| matches(route.path, path)).collect();
        if on_path.is_empty() {
            return self.refuse(404, fault("path"));
        }
        let Some(route) = on_path.into_iter().find(|route| route.method == method.as_str()) else {
            return self.refuse(405, fault("method"));
        };
        if uri.query().is_some() {
            return self.refuse(400, fault("query parameter"));
        }
        let body_fault = match &route.body {
            None => (!body.is_empty()).then(|| "a body".to_owned()),
            Some(_) if headers.get("content-type").is_none_or(|value| value != "application/json") => {
                Some("content type".to_owned())
            }
            Some(members) => members.fault(body),
        };
        if let Some(text) = body_fault {
            return self.refuse(400, fault(&text));
        }
        self.seen.lock().unwrap().routes.insert((method.to_string(), route.path));
        match route.answer.of(self.product) {
            Some(answer) => axum::Json(answer).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        }
    }

    /// `POST /api/v2/write` (data-plane contract §5).
    fn write(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
        let fault = |text: &str| format!("{method} {uri}: {text}");
        let parameters = uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap());
        let unknown = parameters.into_iter().find(|name| !["bucket", "org", "precision"].contains(name));
        if method != Method::POST || body.is_empty() {
            return self.refuse(405, fault("method or body"));
        }
        if let Some(name) = unknown {
            return self.refuse(400, fault(name));
        }
        if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {DATABASE_TOKEN}")) {
            return self.refuse(401, fault("credential"));
        }
        StatusCode::NO_CONTENT.into_response()
    }
}

pub(super) async fn serve(
    State(vendor): State<Vendor>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if uri.path() == "/api/v2/write" {
        return vendor.write(&method, &uri, &headers, &body);
    }
    match uri.path().strip_prefix(&vendor.prefix()) {
        Some(path) => vendor.manage(&method, path, &uri, &headers, &body),
        None => vendor.refuse(404, format!("{method} {uri}: path")),
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(pattern, segment)| match *pattern {
            "{name}" => !segment.is_empty(),
            "{id}" => segment.parse::<i64>().is_ok_and(|id| id >= 1),
            "{uuid}" => uuid::Uuid::parse_str(segment).is_ok(),
            word => word == *segment,
        })
}

impl Members {
    fn fault(&self, body: &Bytes) -> Option<String> {
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return Some("not an object".to_owned()) };
        if let Some(name) = self.required.iter().find(|name| !object.contains_key(**name)) {
            return Some(format!("{name} is missing"));
        }
        if object.is_empty() {
            return Some("no member".to_owned());
        }
        object
            .iter()
            .find(|(name, value)| {
                let is_known = [self.required, self.optional].concat().contains(&name.as_str());
                !(is_known && has_documented_type(name, value))
            })
            .map(|(name, value)| format!("member {name} {value}"))
    }
}

/// The types of §6.
fn has_documented_type(name: &str, value: &Value) -> bool {
    let int32 = |value: &Value| value.as_i64().is_some_and(|number| (1..=i64::from(i32::MAX)).contains(&number));
    match name {
        "maxTables" | "maxColumnsPerTable" => int32(value),
        "retentionPeriod" => value.as_i64().is_some_and(|nanos| nanos >= 0),
        "partitionTemplate" => {
            value.as_array().is_some_and(|parts| (1..=8).contains(&parts.len()) && parts.iter().all(is_part))
        }
        "permissions" => value.as_array().is_some_and(|grants| {
            grants.iter().all(|grant| {
                has_exactly(grant, &["action", "resource"])
                    && matches!(grant["action"].as_str(), Some("read" | "write"))
                    && grant["resource"].is_string()
            })
        }),
        "expiresAt" => value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok()),
        _ => value.as_str().is_some_and(|text| !text.is_empty()),
    }
}

fn is_part(part: &Value) -> bool {
    let value = &part["value"];
    has_exactly(part, &["type", "value"])
        && match part["type"].as_str() {
            Some("time" | "tag") => value.as_str().is_some_and(|text| !text.is_empty()),
            Some("bucket") => {
                has_exactly(value, &["tagName", "numberOfBuckets"])
                    && value["tagName"].is_string()
                    && value["numberOfBuckets"].as_i64().is_some_and(|number| (1..=100_000).contains(&number))
            }
            _ => false,
        }
}

fn has_exactly(value: &Value, members: &[&str]) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == members.len() && members.iter().all(|member| object.contains_key(*member))
    })
}
