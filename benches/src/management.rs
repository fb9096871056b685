//! The few calls of the Management API that the benchmarks need.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::json;

use crate::http::{Connection, request};

/// What the server wrote about itself at its first start.
#[derive(Deserialize)]
struct Credentials {
    profile: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    account_id: String,
    cluster_id: String,
    mgmt_token: String,
}

/// A connection with the management token of the first start.
pub(crate) struct Management {
    connection: Connection,
    profile: Profile,
}

/// A database token that was just made.
#[derive(Deserialize)]
pub(crate) struct Created {
    pub(crate) id: String,
    #[serde(rename = "accessToken")]
    pub(crate) secret: String,
}

impl Management {
    pub(crate) fn connect(address: SocketAddr, data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join("credentials.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // The reason of a failure is left out: it would quote the file.
        let Ok(Credentials { profile }) = toml::from_str(&text) else {
            bail!("{} has not the expected form", path.display());
        };
        let profile = profile.into_iter().next().context("credentials.toml has no profile")?;
        Ok(Self { connection: Connection::open(address).context("cannot connect")?, profile })
    }

    /// The secret that gives access to the Management API.
    pub(crate) fn token(&self) -> &str {
        &self.profile.mgmt_token
    }

    /// The path of `resource`, such as `tokens`.
    pub(crate) fn path(&self, resource: &str) -> String {
        let Profile { account_id, cluster_id, .. } = &self.profile;
        format!("/api/v0/accounts/{account_id}/clusters/{cluster_id}/{resource}")
    }

    pub(crate) fn create_database(&mut self, name: &str) -> anyhow::Result<()> {
        self.call("POST", "databases", &serde_json::to_vec(&json!({ "name": name }))?, 200)?;
        Ok(())
    }

    /// Makes a token that reads and writes one database.
    pub(crate) fn create_token(&mut self, description: &str, database: &str) -> anyhow::Result<Created> {
        let grants = ["read", "write"].map(|action| json!({ "action": action, "resource": database }));
        let body = serde_json::to_vec(&json!({ "description": description, "permissions": grants }))?;
        let answer = self.call("POST", "tokens", &body, 200)?;
        serde_json::from_slice(&answer).ok().context("the answer is not a token")
    }

    /// Changes the description of a token.
    pub(crate) fn describe(&mut self, id: &str, description: &str) -> anyhow::Result<()> {
        let body = serde_json::to_vec(&json!({ "description": description }))?;
        self.call("PATCH", &format!("tokens/{id}"), &body, 200)?;
        Ok(())
    }

    /// The list of all tokens, as it came.
    pub(crate) fn tokens(&mut self) -> anyhow::Result<Vec<u8>> {
        self.call("GET", "tokens", &[], 200)
    }

    pub(crate) fn revoke(&mut self, id: &str) -> anyhow::Result<()> {
        self.call("DELETE", &format!("tokens/{id}"), &[], 204)?;
        Ok(())
    }

    fn call(&mut self, method: &str, resource: &str, body: &[u8], status: u16) -> anyhow::Result<Vec<u8>> {
        let request = request(method, &self.path(resource), Some(self.token()), body);
        self.connection.send(&request)?.expect(status).with_context(|| format!("{method} {resource} failed"))
    }
}
