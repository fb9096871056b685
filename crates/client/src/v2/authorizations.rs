//! Authorizations (v2 API contract §4), and those of v1 (§5.8), whose token is a user name.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_model::PlainToken;

use super::error::{Codes, Result};
use super::records::{Authorization, Permission};
use super::transport::Client;
use crate::management::segment;
use crate::wire::empty_if_null;

/// Which authorizations a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizationKind {
    /// Those with a token.
    Token,
    /// Those of v1, with user name and password.
    V1,
}

impl AuthorizationKind {
    const fn path(self) -> &'static str {
        match self {
            Self::Token => "/api/v2/authorizations",
            Self::V1 => "/private/legacy/authorizations",
        }
    }

    /// What makes the refusal of a read, and of a change, readable.
    const fn codes(self) -> Codes {
        match self {
            Self::Token => Codes::AnyIfUnauthorized,
            Self::V1 => Codes::Known,
        }
    }
}

/// Which authorizations a list holds. Members that are empty do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuthorizationFilter {
    /// v1: the user name of the authorization.
    #[serde(rename = "token", skip_serializing_if = "String::is_empty")]
    pub v1_username: String,
    /// v1: the id.
    #[serde(rename = "authID", skip_serializing_if = "String::is_empty")]
    pub v1_id: String,
    /// The owner's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The owner's id.
    #[serde(rename = "userID", skip_serializing_if = "String::is_empty")]
    pub user_id: String,
    /// The organization's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub org: String,
    /// The organization's id.
    #[serde(rename = "orgID", skip_serializing_if = "String::is_empty")]
    pub org_id: String,
}

/// An authorization to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewAuthorization {
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The organization.
    #[serde(rename = "orgID")]
    pub org_id: String,
    /// What it may do; `None` travels as `null`.
    pub permissions: Option<Vec<Permission>>,
    /// v1: the user name.
    #[serde(rename = "token", skip_serializing_if = "Option::is_none")]
    pub v1_username: Option<String>,
    /// The owner; the caller's own user if absent.
    #[serde(rename = "userID", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default, deserialize_with = "empty_if_null")]
    authorizations: Vec<Authorization>,
}

impl Client {
    /// Those that the caller may see.
    pub async fn authorizations(
        &self,
        kind: AuthorizationKind,
        filter: &AuthorizationFilter,
    ) -> Result<Vec<Authorization>> {
        let list: List = self.document(self.get(kind.path()).query(filter), kind.codes()).await?;
        Ok(list.authorizations)
    }

    /// One of them.
    pub async fn authorization(&self, kind: AuthorizationKind, id: &str) -> Result<Authorization> {
        self.document(self.get(&format!("{}/{}", kind.path(), segment(id)?)), kind.codes()).await
    }

    /// Makes one. The answer holds the token, this once.
    pub async fn create_authorization(&self, kind: AuthorizationKind, new: &NewAuthorization) -> Result<Authorization> {
        self.document(self.post(kind.path()).json(new), kind.codes()).await
    }

    /// Sets the status to `active` or `inactive`.
    pub async fn set_authorization_status(
        &self,
        kind: AuthorizationKind,
        id: &str,
        status: &str,
    ) -> Result<Authorization> {
        let request = self.patch(&format!("{}/{}", kind.path(), segment(id)?)).json(&json!({ "status": status }));
        self.document(request, Codes::Known).await
    }

    /// Deletes one: its token is dead when this returns.
    pub async fn delete_authorization(&self, kind: AuthorizationKind, id: &str) -> Result<()> {
        self.done(self.delete(&format!("{}/{}", kind.path(), segment(id)?)), kind.codes()).await
    }

    /// Sets the password of a v1 authorization.
    pub async fn set_v1_password(&self, id: &str, password: &PlainToken) -> Result<()> {
        let path = format!("{}/{}/password", AuthorizationKind::V1.path(), segment(id)?);
        self.done(self.post(&path).json(&json!({ "password": password.expose() })), Codes::Known).await
    }
}
