//! Management tokens: an extension of the Management API (contract §14).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{PermissionSet, TokenId, TokenRecord};
use tidegate_service::{Service, TokenRequest};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{object, string};
use super::caller::{Caller, TokenOfPath};
use super::error::{ManagementError, Refused};
use super::forms::PathForm;
use super::token_record::{Created, TokenMembers, description, expiry};
use crate::respond::Shown;
use crate::{Cutoff, respond};

/// A management token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManagementToken {
    #[serde(flatten)]
    members: TokenMembers,
    /// The first characters of the secret.
    prefix: String,
    /// The management token that made it; absent for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Uuid, required = false)]
    created_by: Option<Uuid>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateManagementToken {
    /// Free text, at most 4096 bytes.
    #[schema(value_type = Option<String>, max_length = 4096, pattern = r"^[^\x00]*$")]
    description: Option<Value>,
    /// RFC 3339; absent = never expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Value>,
}

impl ManagementToken {
    fn new(record: &TokenRecord) -> Self {
        Self {
            members: TokenMembers::new(record),
            prefix: record.prefix.clone(),
            created_by: record.created_by.map(TokenId::as_uuid),
        }
    }
}

/// Lists all management tokens, revoked ones included, by id.
#[utoipa::path(get, path = "/management-tokens", tag = "management tokens",
    operation_id = "GetManagementTokens", security(("management_token" = [])),
    responses((status = 200, description = "The tokens", body = Vec<ManagementToken>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
) -> Result<Response, ManagementError> {
    let records = service.management_tokens(&caller).await?;
    let tokens =
        Shown { records: &records, show: |record: &TokenRecord| form.in_account(ManagementToken::new(record)) };
    Ok(respond::guarded_json(&tokens, caller, cutoff))
}

/// Creates a management token. The answer is the only place where its secret is shown.
#[utoipa::path(post, path = "/management-tokens", tag = "management tokens",
    operation_id = "CreateManagementToken", security(("management_token" = [])),
    request_body = CreateManagementToken,
    responses((status = 200, description = "The new token", body = Created<ManagementToken>),
        Refused<400>, Refused<413>, Refused<415>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
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
    let token = Created::new(&created.token, ManagementToken::new(&created.record));
    Ok(respond::json(StatusCode::OK, &form.in_account(token)))
}

/// Revokes a management token, perhaps the one that asks. When this answers 204, the token can do nothing more.
#[utoipa::path(delete, path = "/management-tokens/{tokenId}", tag = "management tokens",
    operation_id = "DeleteManagementToken", security(("management_token" = [])),
    params(("tokenId" = Uuid, Path)),
    responses((status = 204, description = "Revoked"), Refused<400>, Refused<404>))]
pub(super) async fn revoke(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    TokenOfPath(id): TokenOfPath,
) -> Result<Response, ManagementError> {
    service.revoke_management_token(caller, id).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}
