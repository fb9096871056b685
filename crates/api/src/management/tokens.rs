//! Database tokens (contract §9).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{Action, Description, Grant, Identity, PermissionSet, Resource, Timestamp, TokenRecord};
use tidegate_service::{Created, Service, TokenChange, TokenRequest};
use utoipa::{IntoParams, ToSchema};

use super::body::{object, objects, string};
use super::caller::{Caller, TokenOfPath};
use super::error::{ErrorBody, ManagementError};
use crate::{Cutoff, respond};

/// What a token may do to one database.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Permission {
    /// `read` or `write`.
    action: String,
    /// The name of a database, or `*` for all of them.
    resource: String,
}

/// A database token. The secret is in the answer to its creation only.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    account_id: String,
    cluster_id: String,
    id: String,
    description: String,
    permissions: Vec<Permission>,
    /// RFC 3339, UTC.
    created_at: String,
    /// The secret, in the answer to its creation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// From when on the token is dead; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// When the token was revoked; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateToken {
    /// Free text, at most 4096 bytes.
    #[schema(value_type = String)]
    description: Option<Value>,
    /// What the token may do; absent = nothing.
    #[schema(value_type = Option<Vec<Permission>>)]
    permissions: Option<Value>,
    /// RFC 3339; absent = never expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Value>,
    /// `datetime` or `noExpiration`.
    #[schema(value_type = Option<String>)]
    expiration_type: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateToken {
    /// Replaces the description.
    #[schema(value_type = Option<String>)]
    description: Option<Value>,
    /// Replaces all permissions.
    #[schema(value_type = Option<Vec<Permission>>)]
    permissions: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    expires_at: bool,
}

/// Whether revoked tokens are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Revoked {
    /// Also show revoked tokens.
    #[serde(default)]
    include_revoked: bool,
}

/// Whether a member is there at all, `null` included.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Token {
    fn new(identity: Identity, record: &TokenRecord) -> Self {
        Self {
            account_id: identity.account.to_string(),
            cluster_id: identity.cluster.to_string(),
            id: record.id.to_string(),
            description: record.description.as_str().to_owned(),
            permissions: record.permissions.grants().iter().map(Permission::new).collect(),
            created_at: record.created_at.to_string(),
            access_token: None,
            expires_at: record.expires_at.as_ref().map(Timestamp::to_string),
            revoked_at: record.revoked_at.as_ref().map(Timestamp::to_string),
        }
    }

    fn created(identity: Identity, created: &Created) -> Self {
        Self { access_token: Some(created.token.expose().to_owned()), ..Self::new(identity, &created.record) }
    }
}

impl Permission {
    fn new(grant: &Grant) -> Self {
        Self { action: grant.action.to_string(), resource: grant.resource.as_str().to_owned() }
    }
}

/// Lists all database tokens, by id.
#[utoipa::path(get, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/tokens", tag = "database tokens",
    operation_id = "GetDatabaseTokens", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path), Revoked),
    responses((status = 200, body = Vec<Token>), (status = "default", body = ErrorBody)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    query: Result<Query<Revoked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ManagementError> {
    let include_revoked = include_revoked(query)?;
    let records = service.tokens(&caller, include_revoked).await?;
    let identity = service.identity();
    let tokens: Vec<_> = records.iter().map(|record| Token::new(identity, record)).collect();
    Ok(respond::guarded_json(&tokens, caller, cutoff))
}

/// Creates a database token. The answer is the only place where its secret is shown.
#[utoipa::path(post, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/tokens", tag = "database tokens",
    operation_id = "CreateDatabaseToken", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path)),
    request_body = CreateToken,
    responses((status = 200, body = Token), (status = "default", body = ErrorBody)))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: CreateToken = object(&caller, &headers, body).await?;
    let Some(text) = string("description", request.description)? else {
        return Err(ManagementError::bad_request("description is required"));
    };
    let request = TokenRequest {
        description: description(&text)?,
        permissions: permissions(request.permissions)?.unwrap_or_default(),
        expires_at: expiry(request.expires_at, request.expiration_type)?,
    };
    let created = service.create_token(caller, request).await?;
    Ok(respond::json(StatusCode::OK, &Token::created(service.identity(), &created)))
}

/// Shows one database token.
#[utoipa::path(get, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/tokens/{tokenId}",
    tag = "database tokens", operation_id = "GetDatabaseToken", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path), ("tokenId" = uuid::Uuid, Path), Revoked),
    responses((status = 200, body = Token), (status = "default", body = ErrorBody)))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    TokenOfPath(id): TokenOfPath,
    query: Result<Query<Revoked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ManagementError> {
    let include_revoked = include_revoked(query)?;
    let record = service.token(&caller, id, include_revoked).await?;
    Ok(respond::guarded_json(&Token::new(service.identity(), &record), caller, cutoff))
}

/// Replaces the description, the permissions or both. When this answers, no request goes on with a permission that
/// was taken away.
#[utoipa::path(patch, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/tokens/{tokenId}",
    tag = "database tokens", operation_id = "UpdateDatabaseToken", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path), ("tokenId" = uuid::Uuid, Path)),
    request_body = UpdateToken,
    responses((status = 200, body = Token), (status = "default", body = ErrorBody)))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    TokenOfPath(id): TokenOfPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: UpdateToken = object(&caller, &headers, body).await?;
    if request.expires_at {
        return Err(ManagementError::bad_request("expiresAt cannot be changed, create a new token"));
    }
    let change = TokenChange {
        description: string("description", request.description)?.as_deref().map(description).transpose()?,
        permissions: permissions(request.permissions)?,
    };
    if change.description.is_none() && change.permissions.is_none() {
        return Err(ManagementError::bad_request("give description, permissions or both"));
    }
    let record = service.update_token(caller, id, change).await?;
    Ok(respond::json(StatusCode::OK, &Token::new(service.identity(), &record)))
}

/// Revokes a database token. When this answers 204, the token can do nothing more, anywhere. 503 means that it is
/// revoked for good but something that it started has not ended yet: repeat the request to wait for the rest.
#[utoipa::path(delete, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/tokens/{tokenId}",
    tag = "database tokens", operation_id = "DeleteDatabaseToken", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path), ("tokenId" = uuid::Uuid, Path)),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn revoke(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    TokenOfPath(id): TokenOfPath,
) -> Result<Response, ManagementError> {
    service.revoke_token(caller, id).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

fn include_revoked(
    query: Result<Query<Revoked>, axum::extract::rejection::QueryRejection>,
) -> Result<bool, ManagementError> {
    match query {
        Ok(Query(revoked)) => Ok(revoked.include_revoked),
        Err(_) => Err(ManagementError::bad_request("includeRevoked must be true or false")),
    }
}

pub(super) fn description(text: &str) -> Result<Description, ManagementError> {
    Description::new(text).map_err(|error| ManagementError::bad_request(error.to_string()))
}

/// `expiresAt` and `expirationType` by the table of contract §9.
pub(super) fn expiry(
    expires_at: Option<Value>,
    expiration_type: Option<Value>,
) -> Result<Option<Timestamp>, ManagementError> {
    let expires_at = string("expiresAt", expires_at)?;
    let expiration_type = string("expirationType", expiration_type)?;
    match (expiration_type.as_deref(), &expires_at) {
        (None, _) | (Some("datetime"), Some(_)) | (Some("noExpiration"), None) => {}
        (Some("datetime"), None) => {
            return Err(ManagementError::bad_request("expirationType datetime needs expiresAt"));
        }
        (Some("noExpiration"), Some(_)) => {
            return Err(ManagementError::bad_request("expirationType noExpiration does not go with expiresAt"));
        }
        (Some(_), _) => {
            return Err(ManagementError::bad_request("expirationType must be datetime or noExpiration"));
        }
    }
    expires_at
        .map(|text| text.parse().map_err(|error| ManagementError::bad_request(format!("expiresAt is {error}"))))
        .transpose()
}

fn permissions(value: Option<Value>) -> Result<Option<PermissionSet>, ManagementError> {
    let Some(value) = value else { return Ok(None) };
    let listed: Vec<Permission> = objects(value).ok_or_else(|| {
        ManagementError::bad_request("permissions must be a list of objects with the strings action and resource")
    })?;
    listed.into_iter().map(grant).collect::<Result<_, _>>().map(Some)
}

fn grant(permission: Permission) -> Result<Grant, ManagementError> {
    let action = match permission.action.as_str() {
        "read" => Action::Read,
        "write" => Action::Write,
        _ => return Err(ManagementError::bad_request("action must be read or write")),
    };
    let resource: Resource = permission
        .resource
        .parse()
        .map_err(|error: tidegate_model::ResourceError| ManagementError::bad_request(error.to_string()))?;
    Ok(Grant { action, resource })
}
