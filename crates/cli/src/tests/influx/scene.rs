//! A home directory with a config, and a server that answers only what a test has told it.

use serde_json::{Value, json};

use super::super::harness::{Outcome, Request, Scene};
use crate::ExitStatus;

pub(super) const TOKEN: &str =
    "-Sk3_test-token-of-eighty-eight-characters_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG==";

pub(super) const ORG: &str = "0a0b0c0d0e0f0001";
pub(super) const USER: &str = "0a0b0c0d0e0f0002";
pub(super) const BUCKET: &str = "0a0b0c0d0e0f0003";
pub(super) const AUTHORIZATION: &str = "0a0b0c0d0e0f0004";

pub(super) const JSON: &[(&str, &str)] =
    &[("content-type", "application/json; charset=utf-8"), ("x-influxdb-build", "OSS")];

/// A scene for this face.
pub(super) struct Place(pub(super) Scene);

impl Place {
    /// With one config that leads to the server.
    pub(super) async fn new() -> Self {
        let place = Self::without_configs().await;
        place.configs(&format!(
            "[test]\n  url = \"http://127.0.0.1:{}\"\n  token = \"{TOKEN}\"\n  org = \"plant\"\n  active = true\n",
            place.0.port
        ));
        place
    }

    pub(super) async fn without_configs() -> Self {
        Self(Scene::without_configuration().await)
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    pub(super) fn configs_path(&self) -> std::path::PathBuf {
        self.0.home().join(".influxdbv2/configs")
    }

    /// Writes the file of configs.
    pub(super) fn configs(&self, text: &str) {
        let path = self.configs_path();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn read_configs(&self) -> String {
        std::fs::read_to_string(self.configs_path()).unwrap()
    }

    /// The server will answer one such request with this JSON.
    pub(super) fn answer(&self, method: &str, target: &str, status: u16, body: &Value) {
        self.0.answer_with_headers(method, target, status, JSON, body);
    }

    /// The server will answer one such request with this and nothing else.
    pub(super) fn answer_empty(&self, method: &str, target: &str, status: u16) {
        self.0.answer_with_headers(method, target, status, &[], "");
    }

    /// The server will refuse one such request.
    pub(super) fn refuse(&self, method: &str, target: &str, status: u16, code: &str, message: &str) {
        self.answer(method, target, status, &json!({ "code": code, "message": message }));
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Outcome {
        let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        let outcome = self.0.run_with(async |io| -> ExitStatus { crate::influx::run(&arguments, io).await }).await;
        assert!(!outcome.stderr.contains(TOKEN), "{outcome:?}");
        outcome
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.0.requests()
    }
}

impl Outcome {
    /// Failed with 1, printed no result, and said this as its error.
    #[track_caller]
    pub(super) fn told(self, reason: &str) {
        self.failed_with(&format!("Error: {reason}\n"));
    }

    /// Succeeded and said nothing but this.
    #[track_caller]
    pub(super) fn printed(self, stdout: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (0, stdout, ""));
    }
}

pub(super) fn authorization() -> Value {
    json!({
        "id": AUTHORIZATION, "token": "redacted", "status": "active", "description": "gateway", "orgID": ORG,
        "org": "plant", "userID": USER, "user": "ada",
        "permissions": [
            { "action": "read", "resource": { "type": "buckets", "orgID": ORG, "id": BUCKET, "name": "press" } },
            { "action": "write", "resource": { "type": "users" } },
        ],
        "links": { "self": format!("/api/v2/authorizations/{AUTHORIZATION}"), "user": format!("/api/v2/users/{USER}") },
        "createdAt": "2026-03-09T07:41:12.330Z", "updatedAt": "2026-03-09T07:41:12.330Z",
    })
}

pub(super) fn bucket(id: &str, name: &str) -> Value {
    json!({ "id": id, "orgID": ORG, "type": "user", "name": name, "retentionRules": [], "labels": [], "links": {} })
}
