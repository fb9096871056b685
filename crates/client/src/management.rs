//! The management API (`/api/v0`), in the path forms of both products.

mod account;
mod databases;
mod tables;
mod tokens;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tidegate_model::{AccountId, ClusterId, PartitionTemplate, TemplatePart, Timestamp};

use crate::Listing;
use crate::answer;
use crate::connection::Connection;
use crate::error::{Error, Result};

pub use account::NewManagementToken;
pub use tokens::{NewDatabaseToken, TokenChanges};

/// Unreserved characters of RFC 3986 stay; a `/` in a name becomes `%2F`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Which form the paths have (management API contract §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One console for all accounts: paths name account and cluster.
    Dedicated {
        /// The account.
        account: AccountId,
        /// The cluster.
        cluster: ClusterId,
    },
    /// The cluster itself is the server.
    Clustered,
}

impl Scope {
    fn account_prefix(self) -> String {
        match self {
            Self::Dedicated { account, .. } => format!("/api/v0/accounts/{account}"),
            Self::Clustered => "/api/v0".to_owned(),
        }
    }

    fn cluster_prefix(self) -> String {
        match self {
            Self::Dedicated { account, cluster } => format!("/api/v0/accounts/{account}/clusters/{cluster}"),
            Self::Clustered => "/api/v0".to_owned(),
        }
    }
}

/// Which databases or tables a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusFilter {
    /// Those in use.
    #[default]
    Active,
    /// Deleted ones that can still be restored.
    Deleted,
}

/// Client of the management API.
#[derive(Debug, Clone)]
pub struct ManagementClient {
    connection: Connection,
    scope: Scope,
}

impl ManagementClient {
    /// A client that sends the connection's credential, which must be a management token.
    pub fn new(connection: Connection, scope: Scope) -> Self {
        Self { connection, scope }
    }

    fn cluster(&self, method: Method, path: &str) -> RequestBuilder {
        self.connection.request(method, &format!("{}{path}", self.scope.cluster_prefix()))
    }

    fn account(&self, method: Method, path: &str) -> RequestBuilder {
        self.connection.request(method, &format!("{}{path}", self.scope.account_prefix()))
    }

    async fn document<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.connection.send(request).await?;
        answer::document(&self.connection, response).await
    }

    async fn listing<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Listing<T>> {
        let response = self.connection.send(request).await?;
        answer::listing(&self.connection, response).await
    }

    async fn done(&self, request: RequestBuilder) -> Result<()> {
        self.connection.send(request).await.map(drop)
    }

    /// What the refusal of a route of §14 means. A server without it answers 405 or 501, or 404, which can also mean
    /// that the account, cluster or database in the path is unknown: a documented route then tells which.
    async fn without_extension(&self, error: Error, feature: &'static str) -> Error {
        match error.status() {
            Some(405 | 501) => Error::Unsupported { feature },
            Some(404) if self.databases(StatusFilter::Active).await.is_ok() => Error::Unsupported { feature },
            _ => error,
        }
    }

    /// Like [`Self::without_extension`] for a documented route with a query parameter of §14: a server that does not
    /// know the parameter may also answer 400.
    async fn without_parameter(&self, error: Error, feature: &'static str) -> Error {
        match error.status() {
            Some(400) => Error::Unsupported { feature },
            _ => self.without_extension(error, feature).await,
        }
    }
}

/// A name as one segment of a path. The segments `.` and `..` would lead to another resource, also when encoded.
pub(crate) fn segment(name: &str) -> Result<String> {
    match name {
        "" | "." | ".." => Err(Error::Name(name.to_owned())),
        _ => Ok(utf8_percent_encode(name, SEGMENT).to_string()),
    }
}

fn add_expiry(body: &mut Value, expires_at: Option<Timestamp>) {
    if let (Some(expiry), Some(body)) = (expires_at, body.as_object_mut()) {
        body.insert("expiresAt".to_owned(), Value::from(expiry.to_string()));
    }
}

fn add_template(body: &mut Map<String, Value>, template: Option<&PartitionTemplate>) {
    if let Some(template) = template {
        let parts = template.parts().iter().map(template_part).collect();
        body.insert("partitionTemplate".to_owned(), Value::Array(parts));
    }
}

fn template_part(part: &TemplatePart) -> Value {
    match part {
        TemplatePart::Time(format) => json!({ "type": "time", "value": format }),
        TemplatePart::Tag(tag) => json!({ "type": "tag", "value": tag }),
        TemplatePart::Bucket { tag, buckets } => {
            json!({ "type": "bucket", "value": { "tagName": tag, "numberOfBuckets": buckets } })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_to_another_resource() {
        assert_eq!(segment("a b/c?d#e%f").unwrap(), "a%20b%2Fc%3Fd%23e%25f");
        assert_eq!(segment("...").unwrap(), "...");
        assert_eq!(segment("🦀").unwrap(), "%F0%9F%A6%80");
        for name in ["", ".", ".."] {
            assert!(matches!(segment(name), Err(Error::Name(_))), "{name:?}");
        }
    }
}
