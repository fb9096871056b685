//! Database tokens (contract §9).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{ActionError, Grant, PermissionSet, ResourceError, TokenRecord};
use tidegate_service::{Service, TokenChange, TokenRequest};
use utoipa::openapi::Object;
use utoipa::{IntoParams, ToSchema};

use super::body::{object, objects, present, string};
use super::caller::{Caller, TokenOfPath};
use super::error::{ManagementError, Refused};
use super::forms::PathForm;
use super::token_record::{Created, TokenMembers, description, expiry};
use crate::openapi::{one_of, one_of_or_null};
use crate::respond::Shown;
use crate::{Cutoff, respond};

/// What a token may do to one database.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Permission {
    #[schema(schema_with = actions)]
    action: String,
    /// The name of a database, or `*` for all of them.
    #[schema(pattern = r"^(\*|[A-Za-z0-9/-][A-Za-z0-9_/-]{0,63})$")]
    resource: String,
}

/// A database token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    #[serde(flatten)]
    members: TokenMembers,
    permissions: Vec<Permission>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateToken {
    /// Free text, at most 4096 bytes.
    #[schema(value_type = String, max_length = 4096, pattern = r"^[^\x00]*$")]
    description: Option<Value>,
    /// What the token may do; absent = nothing.
    #[schema(value_type = Option<Vec<Permission>>)]
    permissions: Option<Value>,
    /// RFC 3339; absent = never expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Value>,
    /// Goes with `expiresAt`: `datetime` needs it, `noExpiration` excludes it.
    #[schema(schema_with = expiration_types, required = false)]
    expiration_type: Option<Value>,
}

/// At least one of the members.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(min_properties = 1)]
pub(super) struct UpdateToken {
    /// Replaces the description.
    #[schema(value_type = Option<String>, max_length = 4096, pattern = r"^[^\x00]*$")]
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

fn actions() -> Object {
    one_of(&["read", "write"])
}

fn expiration_types() -> Object {
    one_of_or_null(&["datetime", "noExpiration"])
}

impl Token {
    fn new(record: &TokenRecord) -> Self {
        Self {
            members: TokenMembers::new(record),
            permissions: record.permissions.grants().iter().map(Permission::new).collect(),
        }
    }
}

impl Permission {
    fn new(grant: &Grant) -> Self {
        Self { action: grant.action.to_string(), resource: grant.resource.as_str().to_owned() }
    }
}

/// Lists all database tokens, by id.
#[utoipa::path(get, path = "/tokens", tag = "database tokens",
    operation_id = "GetDatabaseTokens", security(("management_token" = [])),
    params(Revoked),
    responses((status = 200, description = "The tokens", body = Vec<Token>), Refused<400>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
    query: Result<Query<Revoked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ManagementError> {
    let include_revoked = include_revoked(query)?;
    let records = service.tokens(&caller, include_revoked).await?;
    let tokens = Shown { records: &records, show: |record: &TokenRecord| form.in_cluster(Token::new(record)) };
    Ok(respond::guarded_json(&tokens, caller, cutoff))
}

/// Creates a database token. The answer is the only place where its secret is shown.
#[utoipa::path(post, path = "/tokens", tag = "database tokens",
    operation_id = "CreateDatabaseToken", security(("management_token" = [])),
    request_body = CreateToken,
    responses((status = 200, description = "The new token", body = Created<Token>),
        Refused<400>, Refused<413>, Refused<415>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
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
    let token = Created::new(&created.token, Token::new(&created.record));
    Ok(respond::json(StatusCode::OK, &form.in_cluster(token)))
}

/// Shows one database token.
#[utoipa::path(get, path = "/tokens/{tokenId}",
    tag = "database tokens", operation_id = "GetDatabaseToken", security(("management_token" = [])),
    params(("tokenId" = Uuid, Path), Revoked),
    responses((status = 200, description = "The token", body = Token), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
    TokenOfPath(id): TokenOfPath,
    query: Result<Query<Revoked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ManagementError> {
    let include_revoked = include_revoked(query)?;
    let record = service.token(&caller, id, include_revoked).await?;
    Ok(respond::guarded_json(&form.in_cluster(Token::new(&record)), caller, cutoff))
}

/// Replaces the description, the permissions or both. When this answers, no request goes on with a permission that
/// was taken away.
#[utoipa::path(patch, path = "/tokens/{tokenId}",
    tag = "database tokens", operation_id = "UpdateDatabaseToken", security(("management_token" = [])),
    params(("tokenId" = Uuid, Path)),
    request_body = UpdateToken,
    responses((status = 200, description = "The token as it is now", body = Token),
        Refused<400>, Refused<404>, Refused<409>, Refused<413>, Refused<415>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
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
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Token::new(&record))))
}

/// Revokes a database token. When this answers 204, the token can do nothing more, anywhere. 503 means that it is
/// revoked for good but something that it started has not ended yet: repeat the request to wait for the rest.
#[utoipa::path(delete, path = "/tokens/{tokenId}",
    tag = "database tokens", operation_id = "DeleteDatabaseToken", security(("management_token" = [])),
    params(("tokenId" = Uuid, Path)),
    responses((status = 204, description = "Revoked"), Refused<400>, Refused<404>))]
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

fn permissions(value: Option<Value>) -> Result<Option<PermissionSet>, ManagementError> {
    let Some(value) = value else { return Ok(None) };
    let listed: Vec<Permission> = objects(value).ok_or_else(|| {
        ManagementError::bad_request("permissions must be a list of objects with the strings action and resource")
    })?;
    listed.into_iter().map(grant).collect::<Result<_, _>>().map(Some)
}

fn grant(permission: Permission) -> Result<Grant, ManagementError> {
    let bad = |error: &dyn std::fmt::Display| ManagementError::bad_request(error.to_string());
    Ok(Grant {
        action: permission.action.parse().map_err(|error: ActionError| bad(&error))?,
        resource: permission.resource.parse().map_err(|error: ResourceError| bad(&error))?,
    })
}
