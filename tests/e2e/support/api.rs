//! Clients of the Management API and of the data endpoints.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::PATIENCE;
use super::server::{Launch, Server};

/// A client builder that ignores proxies and the system's certificates.
pub(crate) fn http_client() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("nothing else installs a provider");
    });
    reqwest::Client::builder()
        .no_proxy()
        .tls_built_in_root_certs(false)
        .timeout(PATIENCE)
        // Sooner than the server gives up a connection: a request that meets its end would fail.
        .pool_idle_timeout(Duration::from_secs(5))
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {self:?}"),
        }
    }

    /// The answer if its status is this one.
    #[track_caller]
    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Status, headers and body, without what may differ between two equal answers.
    pub(crate) fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .filter(|(name, _)| !matches!(name.as_str(), "date" | "request-id" | "x-request-id" | "trace-id"))
            .collect();
        headers.sort();
        (self.status, headers, self.body.clone())
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn try_send(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await?;
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Sends a request that must be answered.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.expect("the server answers")
}

/// What the server wrote for its first user.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) profile: toml::Table,
}

impl Credentials {
    pub(crate) fn read(data_dir: &Path) -> Self {
        let text = std::fs::read_to_string(data_dir.join("credentials.toml")).unwrap();
        let file: toml::Table = toml::from_str(&text).unwrap();
        let profile = file["profile"][0].as_table().unwrap().clone();
        Self { profile }
    }

    pub(crate) fn text(&self, key: &str) -> String {
        self.profile[key].as_str().unwrap().to_owned()
    }

    pub(crate) fn management_token(&self) -> Option<String> {
        self.profile.get("mgmt_token").map(|value| value.as_str().unwrap().to_owned())
    }
}

/// A database token as its creator sees it.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// A server's interfaces, spoken to with one management token.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) http: reqwest::Client,
    /// Scheme, host and port.
    pub(crate) url: String,
    /// `…/api/v0/accounts/{account}`
    pub(crate) account: String,
    /// `…/api/v0/accounts/{account}/clusters/{cluster}`
    pub(crate) cluster: String,
    pub(crate) management_token: String,
}

impl Api {
    /// With the management token that the server made at its first start.
    pub(crate) fn of(server: &Server) -> Self {
        let credentials = Credentials::read(&server.data_dir);
        let token = credentials.management_token().expect("credentials.toml has a management token");
        Self::with_token(server, &credentials, token)
    }

    pub(crate) fn with_token(server: &Server, credentials: &Credentials, management_token: String) -> Self {
        let account = format!("{}/api/v0/accounts/{}", server.url, credentials.text("account_id"));
        let cluster = format!("{account}/clusters/{}", credentials.text("cluster_id"));
        Self { http: http_client().build().unwrap(), url: server.url.clone(), account, cluster, management_token }
    }

    /// The same server with another management token.
    pub(crate) fn as_manager(&self, token: &str) -> Self {
        Self { management_token: token.to_owned(), ..self.clone() }
    }

    /// The same from another address of this machine, so that the delay for wrong answers to one address does not
    /// slow the others down. Other systems than Linux have only one address without being set up for more.
    pub(crate) fn at_address(&self, number: u8) -> Self {
        let client = http_client();
        let client =
            if cfg!(target_os = "linux") { client.local_address(IpAddr::from([127, 0, 1, number])) } else { client };
        Self { http: client.build().unwrap(), ..self.clone() }
    }

    /// Host and port, for connections made by hand.
    pub(crate) fn authority(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// A request to the Management API; `path` follows the cluster.
    pub(crate) fn manage(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.cluster)).bearer_auth(&self.management_token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.manage(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.manage(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.manage(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.manage(Method::DELETE, path)).await
    }

    pub(crate) async fn create_database(&self, name: &str) {
        self.post("/databases", &json!({ "name": name })).await.expect_status(200);
    }

    /// Makes a database token; each permission is (action, database).
    pub(crate) async fn create_token(&self, permissions: &[(&str, &str)]) -> Token {
        self.create_token_of(&json!({ "description": "test", "permissions": grants(permissions) })).await
    }

    /// Makes a database token of this body.
    pub(crate) async fn create_token_of(&self, body: &Value) -> Token {
        let answer = self.post("/tokens", body).await.expect_status(200).json();
        Token {
            id: answer["id"].as_str().unwrap().to_owned(),
            text: answer["accessToken"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn revoke(&self, id: &str) -> Answer {
        self.delete(&format!("/tokens/{id}")).await
    }

    /// Makes a management token.
    pub(crate) async fn create_management_token(&self, description: &str) -> Token {
        let request = self
            .http
            .post(format!("{}/management-tokens", self.account))
            .bearer_auth(&self.management_token)
            .json(&json!({ "description": description }));
        let answer = send(request).await.expect_status(200).json();
        Token {
            id: answer["id"].as_str().unwrap().to_owned(),
            text: answer["accessToken"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn revoke_management_token(&self, id: &str) -> RequestBuilder {
        self.http.delete(format!("{}/management-tokens/{id}", self.account)).bearer_auth(&self.management_token)
    }

    /// A write of line protocol to the v3 endpoint.
    pub(crate) fn write_request(&self, token: &str, database: &str, lines: impl Into<reqwest::Body>) -> RequestBuilder {
        self.http
            .post(format!("{}/api/v3/write_lp", self.url))
            .query(&[("db", database), ("precision", "nanosecond")])
            .bearer_auth(token)
            .body(lines)
    }

    pub(crate) async fn write(&self, token: &str, database: &str, lines: &str) -> Answer {
        send(self.write_request(token, database, lines.to_owned())).await
    }

    /// A query of the v3 endpoint with JSON rows.
    pub(crate) fn query_request(&self, token: &str, database: &str, sql: &str) -> RequestBuilder {
        self.query_in("json", token, database, sql)
    }

    /// A query of the v3 endpoint in a format.
    pub(crate) fn query_in(&self, format: &str, token: &str, database: &str, sql: &str) -> RequestBuilder {
        self.http
            .get(format!("{}/api/v3/query_sql", self.url))
            .query(&[("db", database), ("q", sql), ("format", format)])
            .bearer_auth(token)
    }

    pub(crate) async fn query(&self, token: &str, database: &str, sql: &str) -> Answer {
        send(self.query_request(token, database, sql)).await
    }

    /// The rows of a query that must succeed.
    pub(crate) async fn rows(&self, token: &str, database: &str, sql: &str) -> Vec<Value> {
        let answer = self.query(token, database, sql).await.expect_status(200);
        answer.json().as_array().unwrap().clone()
    }
}

/// The permission list of a request body.
pub(crate) fn grants(permissions: &[(&str, &str)]) -> Value {
    permissions.iter().map(|(action, resource)| json!({ "action": action, "resource": resource })).collect()
}

/// A server with its interfaces, a data directory that vanishes, and nothing in it.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) server: Server,
    pub(crate) api: Api,
    pub(crate) directory: tempfile::TempDir,
}

impl Fresh {
    pub(crate) async fn start() -> Self {
        Self::start_with(|launch| launch).await
    }

    /// With changes to how the server is started.
    pub(crate) async fn start_with(change: impl FnOnce(Launch) -> Launch) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = change(Launch::new(directory.path().join("data"))).start().await;
        Self { api: Api::of(&server), server, directory }
    }

    /// Starts the server again on the same data directory; the old one must have ended.
    pub(crate) async fn restart(&mut self) {
        self.server = Launch::new(&self.server.data_dir).start().await;
        self.api = Api::of(&self.server);
    }
}
