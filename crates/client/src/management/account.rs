//! What belongs to an account: management tokens, clusters, users. All of it is extension (management API contract §14).

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::json;
use tidegate_model::{ClusterId, Timestamp, TokenId};

use super::{ManagementClient, add_expiry};
use crate::error::{Error, Result};
use crate::{ClusterItem, Created, Listing, ManagementTokenItem, UserItem};

const TOKENS: (&str, &str) = ("/management-tokens", "the administration of management tokens");
const CLUSTERS: (&str, &str) = ("/clusters", "showing clusters");
const USERS: (&str, &str) = ("/users", "listing users");

/// What a new management token gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewManagementToken {
    /// Free text.
    pub description: String,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
}

impl ManagementClient {
    /// All management tokens, revoked ones included.
    pub async fn management_tokens(&self) -> Result<Listing<ManagementTokenItem>> {
        self.all(TOKENS).await
    }

    /// Creates a management token. Its secret is in this answer and nowhere else.
    pub async fn create_management_token(&self, new: &NewManagementToken) -> Result<Created<ManagementTokenItem>> {
        let (path, feature) = TOKENS;
        let mut body = json!({ "description": new.description });
        add_expiry(&mut body, new.expires_at);
        match self.document(self.account(Method::POST, path).json(&body)).await {
            Err(error) => Err(self.without_extension(error, feature).await),
            outcome => outcome,
        }
    }

    /// Revokes a management token for good.
    pub async fn revoke_management_token(&self, id: TokenId) -> Result<()> {
        match self.done(self.account(Method::DELETE, &format!("{}/{id}", TOKENS.0))).await {
            Err(error) => Err(self.without_item::<ManagementTokenItem>(error, TOKENS).await),
            Ok(()) => Ok(()),
        }
    }

    /// All clusters of the account.
    pub async fn clusters(&self) -> Result<Listing<ClusterItem>> {
        self.all(CLUSTERS).await
    }

    /// One cluster.
    pub async fn cluster_details(&self, id: ClusterId) -> Result<ClusterItem> {
        match self.document(self.account(Method::GET, &format!("{}/{id}", CLUSTERS.0))).await {
            Err(error) => Err(self.without_item::<ClusterItem>(error, CLUSTERS).await),
            outcome => outcome,
        }
    }

    /// All users of the account.
    pub async fn users(&self) -> Result<Listing<UserItem>> {
        self.all(USERS).await
    }

    async fn all<T: DeserializeOwned>(&self, (path, feature): (&str, &'static str)) -> Result<Listing<T>> {
        match self.listing(self.account(Method::GET, path)).await {
            Err(error) => Err(self.without_extension(error, feature).await),
            outcome => outcome,
        }
    }

    /// What the refusal of one item means. On 404 the list tells whether only the item is unknown.
    async fn without_item<T: DeserializeOwned>(&self, error: Error, collection: (&str, &'static str)) -> Error {
        if !error.is_not_found() {
            return self.without_extension(error, collection.1).await;
        }
        match self.all::<T>(collection).await {
            Err(unsupported @ Error::Unsupported { .. }) => unsupported,
            _ => error,
        }
    }
}
