//! Databases, database tokens and management tokens.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use tidegate_model::{AccountId, ClusterId, DatabaseName, Grant, NewDatabase, TemplatePart, Timestamp, TokenId};

use crate::connection::Connection;
use crate::error::Result;
use crate::{Created, DatabaseItem, DatabaseTokenItem, ManagementTokenItem, answer};

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

/// Which databases a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DatabaseStatus {
    /// Those in use.
    #[default]
    Active,
    /// Deleted ones that can still be restored.
    Deleted,
}

/// What a new database token gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDatabaseToken {
    /// Free text.
    pub description: String,
    /// What it may do; may be empty.
    pub permissions: Vec<Grant>,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
}

/// What a new management token gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewManagementToken {
    /// Free text.
    pub description: String,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
}

/// What to change of a database token. `None` leaves things as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenChanges {
    /// The new description.
    pub description: Option<String>,
    /// The new permissions, instead of all old ones.
    pub permissions: Option<Vec<Grant>>,
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

    /// All databases of this status. `Deleted` is an extension of the API (§14).
    pub async fn databases(&self, status: DatabaseStatus) -> Result<Vec<DatabaseItem>> {
        let request = self.cluster(Method::GET, "/databases");
        let request = match status {
            DatabaseStatus::Active => request,
            DatabaseStatus::Deleted => request.query(&[("status", "deleted")]),
        };
        self.document(request).await
    }

    /// Creates a database.
    pub async fn create_database(&self, new: &NewDatabase) -> Result<DatabaseItem> {
        let mut body = json!({
            "name": new.name.as_str(),
            "maxTables": new.limits.max_tables,
            "maxColumnsPerTable": new.limits.max_columns_per_table,
            "retentionPeriod": new.retention.nanos(),
        });
        if let (Some(template), Some(body)) = (&new.partition_template, body.as_object_mut()) {
            let parts = template.parts().iter().map(template_part).collect();
            body.insert("partitionTemplate".to_owned(), Value::Array(parts));
        }
        self.document(self.cluster(Method::POST, "/databases").json(&body)).await
    }

    /// Deletes a database softly.
    pub async fn delete_database(&self, name: &DatabaseName) -> Result<()> {
        let name = utf8_percent_encode(name.as_str(), SEGMENT);
        self.done(self.cluster(Method::DELETE, &format!("/databases/{name}"))).await
    }

    /// All database tokens. Revoked ones are an extension of the API (§14).
    pub async fn tokens(&self, include_revoked: bool) -> Result<Vec<DatabaseTokenItem>> {
        self.document(with_revoked(self.cluster(Method::GET, "/tokens"), include_revoked)).await
    }

    /// One database token. Finding it although it is revoked is an extension of the API (§14).
    pub async fn token(&self, id: TokenId, include_revoked: bool) -> Result<DatabaseTokenItem> {
        let request = self.cluster(Method::GET, &format!("/tokens/{id}"));
        self.document(with_revoked(request, include_revoked)).await
    }

    /// Creates a database token. Its secret is in this answer and nowhere else.
    pub async fn create_token(&self, new: &NewDatabaseToken) -> Result<Created<DatabaseTokenItem>> {
        let mut body = json!({ "description": new.description, "permissions": permissions(&new.permissions) });
        add_expiry(&mut body, new.expires_at);
        self.document(self.cluster(Method::POST, "/tokens").json(&body)).await
    }

    /// Changes a database token.
    pub async fn update_token(&self, id: TokenId, changes: &TokenChanges) -> Result<DatabaseTokenItem> {
        let mut body = Map::new();
        if let Some(description) = &changes.description {
            body.insert("description".to_owned(), Value::from(description.as_str()));
        }
        if let Some(grants) = &changes.permissions {
            body.insert("permissions".to_owned(), permissions(grants));
        }
        self.document(self.cluster(Method::PATCH, &format!("/tokens/{id}")).json(&body)).await
    }

    /// Revokes a database token for good.
    pub async fn revoke_token(&self, id: TokenId) -> Result<()> {
        self.done(self.cluster(Method::DELETE, &format!("/tokens/{id}"))).await
    }

    /// All management tokens, revoked ones included (extension, §14).
    pub async fn management_tokens(&self) -> Result<Vec<ManagementTokenItem>> {
        self.document(self.account(Method::GET, "/management-tokens")).await
    }

    /// Creates a management token (extension, §14). Its secret is in this answer and nowhere else.
    pub async fn create_management_token(&self, new: &NewManagementToken) -> Result<Created<ManagementTokenItem>> {
        let mut body = json!({ "description": new.description });
        add_expiry(&mut body, new.expires_at);
        self.document(self.account(Method::POST, "/management-tokens").json(&body)).await
    }

    /// Revokes a management token for good (extension, §14).
    pub async fn revoke_management_token(&self, id: TokenId) -> Result<()> {
        self.done(self.account(Method::DELETE, &format!("/management-tokens/{id}"))).await
    }

    fn cluster(&self, method: Method, path: &str) -> RequestBuilder {
        self.connection.request(method, &format!("{}{path}", self.scope.cluster_prefix()))
    }

    fn account(&self, method: Method, path: &str) -> RequestBuilder {
        self.connection.request(method, &format!("{}{path}", self.scope.account_prefix()))
    }

    async fn document<T: serde::de::DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let response = self.connection.send(request).await?;
        answer::document(&self.connection, response).await
    }

    async fn done(&self, request: RequestBuilder) -> Result<()> {
        self.connection.send(request).await.map(drop)
    }
}

fn with_revoked(request: RequestBuilder, include_revoked: bool) -> RequestBuilder {
    if include_revoked { request.query(&[("includeRevoked", "true")]) } else { request }
}

fn add_expiry(body: &mut Value, expires_at: Option<Timestamp>) {
    if let (Some(expiry), Some(body)) = (expires_at, body.as_object_mut()) {
        body.insert("expiresAt".to_owned(), Value::from(expiry.to_string()));
    }
}

fn permissions(grants: &[Grant]) -> Value {
    grants.iter().map(|grant| json!({ "action": grant.action.as_str(), "resource": grant.resource.as_str() })).collect()
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
