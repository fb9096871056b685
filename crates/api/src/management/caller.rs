//! Who calls the Management API. A handler that takes a [`Caller`] cannot be reached without a management token, nor
//! with an account or cluster in its path that is not this server's.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use tidegate_model::{AccountId, ClusterId, DatabaseId, DatabaseName, ParseIdError, TableId, TokenId};
use tidegate_service::{Door, Entry, Service};

use super::ManagementError;
use crate::Peer;
use crate::credential::{self, Presented, Scheme};

/// A request that came with a usable management token.
pub(crate) struct Caller(pub(crate) Entry);

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = ManagementError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, ManagementError> {
        let Some(&Peer(peer)) = parts.extensions.get::<Peer>() else {
            tracing::error!("a request came without the address of its peer");
            return Err(ManagementError::unauthorized());
        };
        let entry = match credential::from_headers(&parts.headers) {
            Presented::Token(Scheme::Bearer, token) => service.enter(&token, Door::Management, peer.ip()).await?,
            _ => return Err(service.missing_credential(peer.ip()).await.into()),
        };
        check_path(parts, service).await?;
        Ok(Self(entry))
    }
}

/// The database that the path names. A text that cannot be a name is the name of no database.
pub(crate) struct DatabaseOfPath(pub(crate) DatabaseName);

/// The id by which the path names a deleted database.
pub(crate) struct DeletedDatabaseOfPath(pub(crate) DatabaseId);

/// The table that the path names.
pub(crate) struct TableOfPath(pub(crate) String);

/// The id by which the path names a deleted table.
pub(crate) struct DeletedTableOfPath(pub(crate) TableId);

/// The token that the path names.
pub(crate) struct TokenOfPath(pub(crate) TokenId);

impl<S: Send + Sync> FromRequestParts<S> for DatabaseOfPath {
    type Rejection = ManagementError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ManagementError> {
        let name = path_parameter(parts, state, "databaseName").await?;
        let unknown = || ManagementError::not_found(format!("database {name:?} not found"));
        name.parse().map(Self).map_err(|_| unknown())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DeletedDatabaseOfPath {
    type Rejection = ManagementError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ManagementError> {
        number_of_path(parts, state, "databaseId", DatabaseId::new).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TableOfPath {
    type Rejection = ManagementError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ManagementError> {
        path_parameter(parts, state, "tableName").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DeletedTableOfPath {
    type Rejection = ManagementError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ManagementError> {
        number_of_path(parts, state, "tableId", TableId::new).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TokenOfPath {
    type Rejection = ManagementError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ManagementError> {
        let id = path_parameter(parts, state, "tokenId").await?;
        id.parse().map(Self).map_err(|error: ParseIdError| ManagementError::bad_request(error.to_string()))
    }
}

async fn number_of_path<S: Send + Sync, T>(
    parts: &mut Parts,
    state: &S,
    name: &str,
    new: fn(i64) -> Option<T>,
) -> Result<T, ManagementError> {
    let text = path_parameter(parts, state, name).await?;
    let invalid = || ManagementError::bad_request(format!("{name} must be a whole number of 64 bits, at least 1"));
    text.parse().ok().and_then(new).ok_or_else(invalid)
}

async fn path_parameter<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, ManagementError> {
    let parameters = path_parameters(parts, state).await?;
    Ok(parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default())
}

async fn path_parameters<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, ManagementError> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| ManagementError::bad_request("the path is not valid UTF-8"))
}

async fn check_path(parts: &mut Parts, service: &Arc<Service>) -> Result<(), ManagementError> {
    let identity = service.identity();
    let parameters = path_parameters(parts, service).await?;
    let invalid = |error: ParseIdError| ManagementError::bad_request(error.to_string());
    for (name, value) in &parameters {
        let known = match name {
            "accountId" => value.parse::<AccountId>().map_err(invalid)? == identity.account,
            "clusterId" => value.parse::<ClusterId>().map_err(invalid)? == identity.cluster,
            _ => true,
        };
        if !known {
            let what = if name == "accountId" { "account" } else { "cluster" };
            return Err(ManagementError::not_found(format!("{what} {value} not found")));
        }
    }
    Ok(())
}
