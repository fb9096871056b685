//! A server that answers only what a test has told it, and a place to call commands from.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tempfile::TempDir;
use tidegate_model::{Clock, Timestamp};

use crate::{Environment, ExitStatus, Face, Io};

pub(super) const ACCOUNT: &str = "6b0d4a1e-52c7-4f0a-9d3b-0f6a7c9e2b11";
pub(super) const CLUSTER: &str = "c2f1e7d0-8a34-4b6e-a1f5-3d9b70e4c622";
pub(super) const MANAGEMENT_TOKEN: &str = "mgmt1_test-management-secret-0123456789";
pub(super) const DATABASE_TOKEN: &str = "apiv1_test-database-secret-0123456789";

/// The path of the cluster in the management API, then `rest`.
pub(super) fn cluster_path(rest: &str) -> String {
    format!("/api/v0/accounts/{ACCOUNT}/clusters/{CLUSTER}{rest}")
}

/// The path of the account in the management API, then `rest`.
pub(super) fn account_path(rest: &str) -> String {
    format!("/api/v0/accounts/{ACCOUNT}{rest}")
}

/// The words of every command that has no subcommands, help aside.
pub(super) fn leaves(command: &clap::Command) -> Vec<Vec<String>> {
    let subcommands = command.get_subcommands().filter(|sub| sub.get_name() != "help");
    let words = subcommands.flat_map(|sub| {
        let name = vec![sub.get_name().to_owned()];
        let below = if sub.has_subcommands() { leaves(sub) } else { vec![Vec::new()] };
        below.into_iter().map(move |words| [name.clone(), words].concat())
    });
    words.collect()
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Request {
    pub(super) fn authorization(&self) -> &str {
        self.headers["authorization"].to_str().unwrap()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server says to one request.
struct Answer {
    /// 0 means that none ever comes.
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

#[derive(Default)]
struct Script {
    answers: HashMap<(String, String), VecDeque<Answer>>,
    requests: Vec<Request>,
    surprises: Vec<String>,
}

#[derive(Clone, Default)]
struct Stub(Arc<Mutex<Script>>);

async fn answer(State(stub): State<Stub>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = uri.to_string();
    let key = (method.to_string(), target.clone());
    let answer = {
        let mut script = stub.0.lock().unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        script.requests.push(Request { target: target.clone(), headers, body });
        let answer = script.answers.get_mut(&key).and_then(VecDeque::pop_front);
        if answer.is_none() {
            script.surprises.push(format!("{method} {target}"));
        }
        answer
    };
    match answer {
        Some(Answer { status: 0, .. }) => std::future::pending().await,
        Some(Answer { status, headers, body }) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        None => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}

#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Noon of 2026-03-09.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-03-09T12:00:00Z".parse().unwrap()
    }
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: u8,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Outcome {
    #[track_caller]
    pub(super) fn succeeded(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// Failed with 1, printed no result, and the error says `reason`.
    #[track_caller]
    pub(super) fn failed(self, reason: &str) -> Self {
        assert_ne!(reason, "", "any error would do");
        assert_eq!(self.status, 1, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let errors = self.stderr.lines().filter(|line| line.starts_with("error\t")).collect::<Vec<_>>().join("\n");
        assert!(errors.contains(reason), "{self:?}");
        self
    }

    /// Failed with 1, printed no result, and said exactly this on standard error.
    #[track_caller]
    pub(super) fn failed_with(self, stderr: &str) -> Self {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (1, "", stderr));
        self
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// A home directory, a current directory, and a server.
pub(super) struct Scene {
    directory: TempDir,
    stub: Stub,
    pub(super) port: u16,
    pub(super) face: Face,
    pub(super) variables: HashMap<OsString, OsString>,
    pub(super) stdin: String,
    pauses: Arc<Mutex<Vec<Duration>>>,
}

impl Scene {
    /// With a configuration whose only profile leads to the server.
    pub(super) async fn new() -> Self {
        let scene = Self::without_configuration().await;
        scene.configure(&scene.dedicated_profile());
        scene
    }

    pub(super) async fn without_configuration() -> Self {
        let stub = Stub::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = axum::Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("current")).unwrap();
        let variables = HashMap::from([("HOME".into(), directory.path().join("home").into())]);
        Self { directory, stub, port, face: Face::Influxctl, variables, stdin: String::new(), pauses: Arc::default() }
    }

    pub(super) fn dedicated_profile(&self) -> String {
        let port = self.port;
        format!(
            r#"
[[profile]]
name = "default"
product = "dedicated"
account_id = "{ACCOUNT}"
cluster_id = "{CLUSTER}"
host = "127.0.0.1"
port = "{port}"
database = "plant7"
token = "{DATABASE_TOKEN}"
mgmt_token = "{MANAGEMENT_TOKEN}"
management_url = "http://127.0.0.1:{port}"
  [profile.tls]
  disable = true
"#
        )
    }

    pub(super) fn clustered_profile(&self) -> String {
        let port = self.port;
        format!(
            r#"
[[profile]]
name = "default"
product = "clustered"
host = "127.0.0.1"
port = "{port}"
database = "plant7"
token = "{DATABASE_TOKEN}"
mgmt_token = "{MANAGEMENT_TOKEN}"
  [profile.tls]
  disable = true
"#
        )
    }

    /// Writes the file in influxctl's default place.
    pub(super) fn configure(&self, text: &str) {
        let path = self.default_configuration();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn default_configuration(&self) -> PathBuf {
        let base = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
        self.home().join(base).join("influxctl/config.toml")
    }

    /// Writes a file below the current directory.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join("current").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.into(), value.into());
    }

    /// The server will answer one such request with this. Status 0 means never.
    pub(super) fn answer(&self, method: &str, target: &str, status: u16, body: impl ToString) {
        self.will_answer(method, target, Answer { status, headers: Vec::new(), body: body.to_string() });
    }

    /// The server will answer one query with these rows, and tell their columns.
    pub(super) fn answer_with_columns(&self, columns: &'static str, rows: &str) {
        let headers = vec![("x-tidegate-columns", columns)];
        self.will_answer("POST", "/api/v3/query_sql", Answer { status: 200, headers, body: rows.to_owned() });
    }

    /// The server will answer one such request with this and these headers.
    pub(super) fn answer_with_headers(
        &self,
        method: &str,
        target: &str,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: impl ToString,
    ) {
        self.will_answer(method, target, Answer { status, headers: headers.to_vec(), body: body.to_string() });
    }

    fn will_answer(&self, method: &str, target: &str, answer: Answer) {
        let mut script = self.stub.0.lock().unwrap();
        script.answers.entry((method.to_owned(), target.to_owned())).or_default().push_back(answer);
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_until(arguments, std::future::pending()).await
    }

    pub(super) async fn run_until(&self, arguments: &[&str], interrupt: impl Future<Output = ()>) -> Outcome {
        let command = crate::command(self.face);
        let arguments: Vec<OsString> =
            std::iter::once(self.face.name()).chain(arguments.iter().copied()).map(OsString::from).collect();
        let outcome = self.run_with(async |io| match crate::parse(&command, &arguments, io) {
            Ok(matches) => crate::run_interruptible(self.face, &command, &matches, io, interrupt).await,
            Err(status) => status,
        });
        let outcome = outcome.await;
        for secret in [MANAGEMENT_TOKEN, DATABASE_TOKEN] {
            assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
        }
        outcome
    }

    /// Runs something in these surroundings.
    pub(super) async fn run_with(&self, program: impl AsyncFnOnce(&mut Io) -> ExitStatus) -> Outcome {
        let (stdout, stderr) = (Sink::default(), Sink::default());
        let environment =
            Environment { variables: self.variables.clone(), current_dir: self.directory.path().join("current") };
        let stdin = std::io::Cursor::new(self.stdin.clone().into_bytes());
        let mut io = Io::new(stdin, stdout.clone(), stderr.clone(), environment, Arc::new(Noon));
        let pauses = Arc::clone(&self.pauses);
        io.pause = Arc::new(move |time| {
            pauses.lock().unwrap().push(time);
            Box::pin(std::future::ready(()))
        });
        let ExitStatus(status) = program(&mut io).await;
        Outcome { status, stdout: stdout.text(), stderr: stderr.text() }
    }

    /// The requests so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.stub.0.lock().unwrap().requests.clone()
    }

    #[track_caller]
    pub(super) fn no_requests(&self) {
        assert_eq!(self.requests().len(), 0, "{:?}", self.requests());
    }

    /// How long commands would have waited, without having done so.
    pub(super) fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(super) fn has_requests(&self) -> bool {
        !self.stub.0.lock().unwrap().requests.is_empty()
    }
}

/// No request may have been made that the test does not know of, and none may be missing that it has foreseen. A command
/// may give up waiting for an answer before the server has seen its request.
impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let script = self.stub.0.lock().unwrap();
        assert_eq!(script.surprises, Vec::<String>::new());
        let is_unused = |answers: &VecDeque<Answer>| answers.iter().any(|answer| answer.status != 0);
        let unused: Vec<&(String, String)> =
            script.answers.iter().filter(|(_, answers)| is_unused(answers)).map(|(request, _)| request).collect();
        assert!(unused.is_empty(), "these requests have not been made: {unused:?}");
    }
}
