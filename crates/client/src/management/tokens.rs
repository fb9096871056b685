//! Database tokens (management API contract §9).

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use tidegate_model::{Grant, Timestamp, TokenId};

use super::{ManagementClient, add_expiry};
use crate::error::Result;
use crate::{Created, DatabaseTokenItem, Listing};

const REVOKED: &str = "showing revoked tokens";

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

/// What to change of a database token. `None` leaves things as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenChanges {
    /// The new description.
    pub description: Option<String>,
    /// The new permissions, instead of all old ones.
    pub permissions: Option<Vec<Grant>>,
}

impl ManagementClient {
    /// All database tokens. Revoked ones are an extension of the API (§14).
    pub async fn tokens(&self, include_revoked: bool) -> Result<Listing<DatabaseTokenItem>> {
        let outcome = self.listing(with_revoked(self.cluster(Method::GET, "/tokens"), include_revoked)).await;
        match outcome {
            Err(error) if include_revoked => Err(self.without_parameter(error, REVOKED).await),
            outcome => outcome,
        }
    }

    /// One database token. Finding it although it is revoked is an extension of the API (§14).
    pub async fn token(&self, id: TokenId, include_revoked: bool) -> Result<DatabaseTokenItem> {
        let request = self.cluster(Method::GET, &format!("/tokens/{id}"));
        match self.document(with_revoked(request, include_revoked)).await {
            Err(error) if include_revoked && !error.is_not_found() => Err(self.without_parameter(error, REVOKED).await),
            outcome => outcome,
        }
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
}

fn with_revoked(request: RequestBuilder, include_revoked: bool) -> RequestBuilder {
    if include_revoked { request.query(&[("includeRevoked", "true")]) } else { request }
}

fn permissions(grants: &[Grant]) -> Value {
    grants.iter().map(|grant| json!({ "action": grant.action.as_str(), "resource": grant.resource.as_str() })).collect()
}
