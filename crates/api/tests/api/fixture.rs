//! A service on a temporary data directory, and requests to its router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use datafusion::logical_expr::ScalarUDF;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_api::{Cutoff, Peer};
use tidegate_model::{Clock, Description, OsRandomness, PlainToken, SystemClock, Timestamp, TokenKind};
use tidegate_service::{Service, Settings};
use tidegate_sql::QueryRuntime;
use tower::ServiceExt as _;

/// The system's clock, moved by what a test says.
#[derive(Debug, Default)]
pub(crate) struct MovableClock(AtomicI64);

impl MovableClock {
    pub(crate) fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().micros() + self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Fixture {
    directory: TempDir,
    pub(crate) service: Arc<Service>,
    pub(crate) router: Router,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) management: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// Whether the body is JSON; v2 answers name its encoding as well.
    pub(crate) fn is_json(&self) -> bool {
        let content_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        matches!(content_type, Some("application/json" | "application/json; charset=utf-8"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

pub(crate) async fn fixture() -> Fixture {
    fixture_with(Settings::default(), Vec::new()).await
}

pub(crate) async fn fixture_with(settings: Settings, functions: Vec<Arc<ScalarUDF>>) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(MovableClock::default());
    let service = open(&directory, settings, functions, clock.clone()).await;
    let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
    service.install_first_management_token(&token, Description::default()).await.unwrap();
    let router = tidegate_api::router(service.clone());
    Fixture { directory, service, router, clock, management: token.expose().to_owned() }
}

async fn open(
    directory: &TempDir,
    settings: Settings,
    functions: Vec<Arc<ScalarUDF>>,
    clock: Arc<MovableClock>,
) -> Arc<Service> {
    let queries = QueryRuntime::start_with(settings.queries.clone(), functions).unwrap();
    Service::open_with(directory.path(), settings, queries, clock, Arc::new(OsRandomness)).await.unwrap()
}

pub(crate) fn request(method: &str, path: &str, authorization: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let peer = Peer(SocketAddr::from(([192, 0, 2, 1], 4711)));
    request
        .header("content-type", "application/json")
        .extension(peer)
        .extension(Cutoff::default())
        .body(body.into())
        .unwrap()
}

/// Headers and body as given, and nothing else.
pub(crate) fn bare_request(
    method: &str,
    path: &str,
    headers: &[(&str, &[u8])],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = Peer(SocketAddr::from(([192, 0, 2, 1], 4711)));
    request.extension(peer).extension(Cutoff::default()).body(body.into()).unwrap()
}

/// Text as part of a query string or path.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Fixture {
    /// The same data, by a service with other settings.
    pub(crate) async fn reopened(self, settings: Settings) -> Self {
        self.service.close().await;
        let service = open(&self.directory, settings, Vec::new(), self.clock.clone()).await;
        Self { router: tidegate_api::router(service.clone()), service, ..self }
    }

    /// A database and a token that may read and write it.
    pub(crate) async fn database_and_token(&self, name: &str) -> String {
        self.create_database(name).await;
        self.create_token(&format!("read:{name} write:{name}"), None).await.1
    }

    /// Posts with a database token.
    pub(crate) async fn post(&self, path: &str, token: &str, body: impl Into<Body>) -> Answer {
        let authorization = format!("Token {token}");
        self.send(bare_request("POST", path, &[("authorization", authorization.as_bytes())], body)).await
    }

    /// The rows of a query that succeeds.
    pub(crate) async fn rows(&self, token: &str, database: &str, sql: &str) -> Value {
        let answer = self.query(token, database, sql).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.json()
    }

    /// The path of a management resource.
    pub(crate) fn path(&self, rest: &str) -> String {
        let identity = self.service.identity();
        format!("/api/v0/accounts/{}/clusters/{}{rest}", identity.account, identity.cluster)
    }

    pub(crate) fn account_path(&self, rest: &str) -> String {
        format!("/api/v0/accounts/{}{rest}", self.service.identity().account)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Calls the Management API with the first management token.
    pub(crate) async fn manage(&self, method: &str, rest: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {}", self.management);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request(method, &self.path(rest), Some(&authorization), body)).await
    }

    pub(crate) async fn create_database(&self, name: &str) {
        let answer = self.manage("POST", "/databases", json!({ "name": name })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Creates a token from grants such as `read:a write:*`. Returns its id and secret.
    pub(crate) async fn create_token(&self, grants: &str, expires_at: Option<Timestamp>) -> (String, String) {
        let permissions: Vec<_> = grants
            .split_whitespace()
            .map(|grant| {
                let (action, resource) = grant.split_once(':').unwrap();
                json!({ "action": action, "resource": resource })
            })
            .collect();
        let expires_at = expires_at.map(|time| time.to_string());
        let body = json!({ "description": grants, "permissions": permissions, "expiresAt": expires_at });
        let answer = self.manage("POST", "/tokens", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json();
        (token["id"].as_str().unwrap().to_owned(), token["accessToken"].as_str().unwrap().to_owned())
    }

    /// Creates a management token. Returns its id and secret.
    pub(crate) async fn create_management_token(&self, expires_at: Option<Timestamp>) -> (String, String) {
        let body = json!({ "expiresAt": expires_at.map(|time| time.to_string()) }).to_string();
        let authorization = format!("Bearer {}", self.management);
        let path = self.account_path("/management-tokens");
        let answer = self.send(request("POST", &path, Some(&authorization), body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json();
        (token["id"].as_str().unwrap().to_owned(), token["accessToken"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn write(&self, token: &str, database: &str, lines: &str) -> Answer {
        let path = format!("/api/v3/write_lp?db={database}");
        self.send(request("POST", &path, Some(&format!("Bearer {token}")), lines.to_owned())).await
    }

    pub(crate) async fn query(&self, token: &str, database: &str, sql: &str) -> Answer {
        let body = json!({ "db": database, "q": sql }).to_string();
        self.send(request("POST", "/api/v3/query_sql", Some(&format!("Bearer {token}")), body)).await
    }
}
