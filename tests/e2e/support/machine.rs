//! A data directory, and the commands `tidegate setup` and `tidegate recovery` that are run on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use super::api::{Answer, Api, Credentials, http_client, send};
use super::cli::{Cli, Said};
use super::server::{Launch, Server};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const NAMES: [&str; 7] = ["setup", "--username", "my-user", "--org", "my-org", "--bucket", "plant7"];
pub(crate) const LINE: &str = "press,line=L1 speed=1 1000000000";

/// A data directory, and the commands that are run on it.
pub(crate) struct Machine {
    pub(crate) directory: tempfile::TempDir,
}

impl Machine {
    /// With a server that has been started and stopped.
    pub(crate) async fn stopped() -> Self {
        let machine = Self { directory: tempfile::tempdir().unwrap() };
        assert_eq!(machine.launch().start().await.stop(), Some(0));
        machine
    }

    /// The same, set up; with the token of the operator.
    pub(crate) async fn set_up() -> (Self, String) {
        let machine = Self::stopped().await;
        let token = machine.setup(&[], "").success().last_line().to_owned();
        (machine, token)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn launch(&self) -> Launch {
        Launch::new(self.data_dir())
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Said {
        run_at(&self.data_dir(), arguments, input)
    }

    pub(crate) fn setup(&self, more: &[&str], input: &str) -> Said {
        self.run(&[&NAMES, more].concat(), input)
    }

    pub(crate) fn recovery(&self, arguments: &[&str]) -> Said {
        self.run(&[&["recovery"], arguments].concat(), "")
    }

    /// A private file beside the data directory.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Every file below the data directory, but the lock, which says who had it last.
    pub(crate) fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut content = BTreeMap::new();
        let mut directories = vec![self.data_dir()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.file_name().unwrap() != "LOCK" {
                    content.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        content
    }
}

pub(crate) fn run_at(data_dir: &Path, arguments: &[&str], input: &str) -> Said {
    let place = ["--data-dir", data_dir.to_str().unwrap()];
    Cli::bare(data_dir.parent().unwrap()).run_with_input(&[arguments, &place].concat(), input)
}

pub(crate) fn setup_of(server: &Server, more: &[&str], input: &str) -> Said {
    run_at(&server.data_dir, &[&NAMES, more].concat(), input)
}

/// The v2 API with one token.
pub(crate) struct V2 {
    http: reqwest::Client,
    url: String,
    pub(crate) token: String,
}

impl V2 {
    pub(crate) fn of(server: &Server, token: &str) -> Self {
        let http = http_client().danger_accept_invalid_certs(true).build().unwrap();
        Self { http, url: server.url.clone(), token: token.to_owned() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let header = format!("Token {}", self.token);
        self.http.request(method, format!("{}{path}", self.url)).header("authorization", header)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn names(&self, path: &str, list: &str) -> Vec<String> {
        let answer = self.get(path).await.expect_status(200).json();
        answer[list].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    /// That this is an operator's token: good for everything in the v2 API, for data, and for the Management API.
    pub(crate) async fn expect_operator(&self, server: &Server) {
        let me = self.get("/api/v2/me").await.expect_status(200).json();
        let user = json!({ "name": format!("made-by-{}", me["id"].as_str().unwrap()), "status": "inactive" });
        let made = send(self.request(Method::POST, "/api/v2/users").json(&user)).await.expect_status(201).json();
        let path = format!("/api/v2/users/{}", made["id"].as_str().unwrap());
        send(self.request(Method::DELETE, &path)).await.expect_status(204);
        let write = self.request(Method::POST, "/api/v2/write?bucket=plant7&org=my-org").body(LINE);
        send(write).await.expect_status(204);
        let api = Api::with_token(server, &Credentials::read(&server.data_dir), self.token.clone());
        let databases = api.get("/databases").await.expect_status(200).json();
        assert!(databases.as_array().unwrap().iter().any(|database| database["name"] == "plant7"), "{databases}");
    }

    pub(crate) async fn expect_dead(&self) {
        self.get("/api/v2/me").await.expect_status(401);
    }
}

pub(crate) async fn sign_in(server: &Server, user: &str, password: &str) -> u16 {
    let http = http_client().build().unwrap();
    let request = http.post(format!("{}/api/v2/signin", server.url)).basic_auth(user, Some(password));
    send(request).await.status
}
