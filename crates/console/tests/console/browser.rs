//! A service on a temporary data directory, and browsers that hold cookies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tidegate_api::{Cutoff, Encrypted, Peer};
use tidegate_model::{
    Clock, DatabaseName, Description, OsRandomness, PlainToken, Retention, SystemClock, Timestamp, TokenKind,
};
use tidegate_service::{Door, Entry, Service, SetUp, Settings, SetupAuthority, SetupRequest};
use tidegate_sql::QueryRuntime;
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "my-long-password";
const HOST: &str = "db.example:8181";

/// The system's clock, moved by what a test says.
#[derive(Debug, Default)]
pub(crate) struct MovableClock(AtomicI64);

impl MovableClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().micros() + self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Server {
    _directory: TempDir,
    pub(crate) service: Arc<Service>,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) management: PlainToken,
    router: Router,
}

/// A new server that nobody has set up.
pub(crate) async fn server() -> Server {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(MovableClock::default());
    let settings = Settings::default();
    let queries = QueryRuntime::start(settings.queries.clone()).unwrap();
    let service =
        Service::open_with(directory.path(), settings, queries, clock.clone(), Arc::new(OsRandomness)).await.unwrap();
    let management = PlainToken::generate(TokenKind::Management, &OsRandomness);
    service.install_first_management_token(&management, Description::default()).await.unwrap();
    let router = tidegate_console::router(service.clone());
    Server { _directory: directory, service, clock, management, router }
}

/// A server with the user `ana`, the organization `plant` and the bucket `sensors`.
pub(crate) async fn server_set_up() -> (Server, SetUp) {
    let server = server().await;
    let done = server.set_up("ana", "plant").await;
    (server, done)
}

pub(crate) fn token(text: &str) -> PlainToken {
    PlainToken::from_presented(text)
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 4711))
}

impl Server {
    pub(crate) async fn set_up(&self, user: &str, organization: &str) -> SetUp {
        let request = SetupRequest {
            username: user.parse().unwrap(),
            password: Some(token(PASSWORD)),
            organization: organization.parse().unwrap(),
            database: "sensors".parse::<DatabaseName>().unwrap(),
            retention: Retention::FOREVER,
            token: None,
        };
        self.service.set_up(request, SetupAuthority::Local).await.unwrap()
    }

    pub(crate) async fn enter(&self, token: &PlainToken, door: Door) -> Entry {
        self.service.enter(token, door, peer().ip()).await.unwrap()
    }

    pub(crate) async fn is_usable(&self, token: &PlainToken, door: Door) -> bool {
        self.service.enter(token, door, peer().ip()).await.is_ok()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            peer: peer(),
            host: HOST.to_owned(),
            encrypted: false,
        }
    }

    pub(crate) async fn browser_with_token(&self, token: &PlainToken) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(&[("by", "token"), ("token", token.expose())]).await;
        assert_eq!(answer.location(), "/console", "{}", answer.text);
        browser
    }

    pub(crate) async fn browser_with_password(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(&[("username", user), ("password", PASSWORD)]).await;
        assert_eq!(answer.location(), "/console", "{}", answer.text);
        browser
    }
}

/// Somebody's browser.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) peer: SocketAddr,
    pub(crate) host: String,
    pub(crate) encrypted: bool,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Where it leads; empty if nowhere.
    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map(|location| location.to_str().unwrap()).unwrap_or_default()
    }

    /// The secret of its forms.
    pub(crate) fn form_secret(&self) -> String {
        self.between("name=\"form_secret\" value=\"", "\"").to_owned()
    }

    /// The text between two others.
    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.text.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {}", self.text));
        rest.split_once(after).unwrap().0
    }
}

impl Browser {
    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if self.encrypted {
            request = request.extension(Encrypted);
        }
        request.extension(Peer(self.peer)).extension(Cutoff::default()).body(body.into()).unwrap()
    }

    /// The answer, its body not read yet.
    pub(crate) async fn begin(&self, path: &str) -> Response<Body> {
        self.router.clone().oneshot(self.request("GET", path, &[], String::new())).await.unwrap()
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let request = self.request(method, path, headers, body);
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], String::new()).await
    }

    /// Posts exactly these fields, as one of our own pages does.
    pub(crate) async fn post_bare(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("{}://{}", if self.encrypted { "https" } else { "http" }, self.host);
        let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        self.send("POST", path, &headers, serde_urlencoded::to_string(fields).unwrap()).await
    }

    /// Posts these fields and the secret of the session's forms.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let secret = self.get("/console").await.form_secret();
        let mut all = vec![("form_secret", secret.as_str())];
        all.extend(fields);
        self.post_bare(path, &all).await
    }

    pub(crate) async fn sign_in(&mut self, fields: &[(&str, &str)]) -> Answer {
        let secret = self.get("/console/sign-in").await.form_secret();
        let mut all = vec![("form_secret", secret.as_str())];
        all.extend(fields);
        self.post_bare("/console/sign-in", &all).await
    }

    /// Whether the session is good.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        self.clone().get("/console").await.status == 200
    }
}
