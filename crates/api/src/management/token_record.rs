//! What database tokens and management tokens have in common: members of their answers and of the requests for them.

use serde::Serialize;
use serde_json::Value;
use tidegate_model::{Description, Timestamp, TokenRecord};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::string;
use super::error::ManagementError;

/// What every token has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenMembers {
    id: Uuid,
    description: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// From when on the token is dead; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    expires_at: Option<String>,
    /// When the token was revoked; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    revoked_at: Option<String>,
}

/// A token that has just been made. This answer is the only place where its secret is shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created<T> {
    /// The secret.
    #[schema(min_length = 64)]
    access_token: String,
    #[serde(flatten)]
    token: T,
}

impl TokenMembers {
    pub(super) fn new(record: &TokenRecord) -> Self {
        Self {
            id: record.id.as_uuid(),
            description: record.description.as_str().to_owned(),
            created_at: record.created_at.to_string(),
            expires_at: record.expires_at.as_ref().map(Timestamp::to_string),
            revoked_at: record.revoked_at.as_ref().map(Timestamp::to_string),
        }
    }
}

impl<T> Created<T> {
    pub(super) fn new(secret: &tidegate_model::PlainToken, token: T) -> Self {
        Self { access_token: secret.expose().to_owned(), token }
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
