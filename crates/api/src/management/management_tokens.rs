//! Management tokens: an extension of the Management API (contract §14).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{Identity, PermissionSet, Timestamp, TokenId, TokenRecord};
use tidegate_service::{Service, TokenRequest};
use utoipa::ToSchema;

use super::body::{object, string};
use super::caller::{Caller, TokenOfPath};
use super::error::{ErrorBody, ManagementError};
use super::tokens::{description, expiry};
use crate::{Cutoff, respond};

/// A management token. The secret is in the answer to its creation only.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManagementToken {
    account_id: String,
    id: String,
    /// The first characters of the secret.
    prefix: String,
    description: String,
    /// RFC 3339, UTC.
    created_at: String,
    /// The management token that made it; absent for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
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
pub(super) struct CreateManagementToken {
    /// Free text, at most 4096 bytes.
    #[schema(value_type = Option<String>)]
    description: Option<Value>,
    /// RFC 3339; absent = never expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Value>,
}

impl ManagementToken {
    fn new(identity: Identity, record: &TokenRecord) -> Self {
        Self {
            account_id: identity.account.to_string(),
            id: record.id.to_string(),
            prefix: record.prefix.clone(),
            description: record.description.as_str().to_owned(),
            created_at: record.created_at.to_string(),
            created_by: record.created_by.as_ref().map(TokenId::to_string),
            access_token: None,
            expires_at: record.expires_at.as_ref().map(Timestamp::to_string),
            revoked_at: record.revoked_at.as_ref().map(Timestamp::to_string),
        }
    }
}

/// Lists all management tokens, revoked ones included, by id.
#[utoipa::path(get, path = "/api/v0/accounts/{accountId}/management-tokens", tag = "management tokens",
    operation_id = "GetManagementTokens", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path)),
    responses((status = 200, body = Vec<ManagementToken>), (status = "default", body = ErrorBody)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
) -> Result<Response, ManagementError> {
    let records = service.management_tokens(&caller).await?;
    let identity = service.identity();
    let tokens: Vec<_> = records.iter().map(|record| ManagementToken::new(identity, record)).collect();
    Ok(respond::guarded_json(&tokens, caller, cutoff))
}

/// Creates a management token. The answer is the only place where its secret is shown.
#[utoipa::path(post, path = "/api/v0/accounts/{accountId}/management-tokens", tag = "management tokens",
    operation_id = "CreateManagementToken", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path)),
    request_body = CreateManagementToken,
    responses((status = 200, body = ManagementToken), (status = "default", body = ErrorBody)))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: CreateManagementToken = object(&caller, &headers, body).await?;
    let text = string("description", request.description)?.unwrap_or_default();
    let request = TokenRequest {
        description: description(&text)?,
        permissions: PermissionSet::none(),
        expires_at: expiry(request.expires_at, None)?,
    };
    let created = service.create_management_token(caller, request).await?;
    let token = ManagementToken {
        access_token: Some(created.token.expose().to_owned()),
        ..ManagementToken::new(service.identity(), &created.record)
    };
    Ok(respond::json(StatusCode::OK, &token))
}

/// Revokes a management token, perhaps the one that asks. When this answers 204, the token can do nothing more.
#[utoipa::path(delete, path = "/api/v0/accounts/{accountId}/management-tokens/{tokenId}", tag = "management tokens",
    operation_id = "DeleteManagementToken", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("tokenId" = uuid::Uuid, Path)),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn revoke(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    TokenOfPath(id): TokenOfPath,
) -> Result<Response, ManagementError> {
    service.revoke_management_token(caller, id).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}
