//! Error answers of the v2 dialect (contract §1.2): `code` and `message`, the code once more in a header.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidegate_model::ParseHexIdError;
use tidegate_service::{ServiceError, Unauthenticated};
use utoipa::ToSchema;

use super::answer;
use crate::openapi::Refusal;

/// An error answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// Every error of the v2 dialect.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiErrorBody {
    /// A word such as `invalid` or `unauthorized`.
    #[schema(value_type = String)]
    code: &'static str,
    /// What went wrong.
    message: String,
}

/// Such an answer in the description of an operation.
pub(super) type Refused<const STATUS: u16> = Refusal<ApiErrorBody, STATUS>;

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "unauthorized access")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", message)
    }

    pub(crate) fn path_not_found() -> Self {
        Self::not_found("path not found")
    }

    /// `allowed` is the list of methods, such as `GET, POST`.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", format!("allow: {allowed}"))
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "request too large", message)
    }

    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable entity", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "conflict", message)
    }

    pub(crate) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "not implemented", message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Unauthenticated> for ApiError {
    fn from(_: Unauthenticated) -> Self {
        Self::unauthorized()
    }
}

impl From<ParseHexIdError> for ApiError {
    fn from(error: ParseHexIdError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unauthenticated => Self::unauthorized(),
            // The credential is known but does not hold this. The dialect says 401 here as well.
            ServiceError::PermissionMissing(_) => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthorized", error.to_string())
            }
            ServiceError::Forbidden
            | ServiceError::Escalation(_)
            | ServiceError::OnlyOneOrganization
            | ServiceError::UsersByRecovery
            | ServiceError::FirstOrganization
            | ServiceError::SetupForbidden
            | ServiceError::WeakToken => Self::forbidden(error.to_string()),
            ServiceError::ApiTokenNotFound
            | ServiceError::UserNotFound
            | ServiceError::OrganizationNotFound
            | ServiceError::MemberNotFound => Self::not_found(error.to_string()),
            ServiceError::MappingNotFound => Self::not_found("unable to find DBRP"),
            ServiceError::DatabaseIdNotFound(_) => Self::not_found("bucket not found"),
            ServiceError::DatabaseNotFound(name) => Self::not_found(format!("bucket \"{name}\" not found")),
            ServiceError::DatabaseExists(name) => Self::conflict(format!("bucket with name {name} already exists")),
            ServiceError::MappingExists => Self::conflict("DBRP mapping already exists"),
            ServiceError::UserExists(_)
            | ServiceError::OrganizationExists(_)
            | ServiceError::LegacyNameTaken
            | ServiceError::AlreadySetUp
            | ServiceError::TokenUsedBefore => Self::conflict(error.to_string()),
            ServiceError::PermissionOfOtherOrganization(..)
            | ServiceError::TooManyPermissions(_)
            | ServiceError::OwnerOrOrganizationMissing
            | ServiceError::ExpiryInThePast
            | ServiceError::BadToken
            | ServiceError::BadPassword { .. } => Self::invalid(error.to_string()),
            ServiceError::StillDraining(_) | ServiceError::Unavailable(_) | ServiceError::TooManyPasswordChecks => {
                Self::unavailable(error.to_string())
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error", error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        answer::error(self.status, self.code, &ApiErrorBody { code: self.code, message: self.message })
    }
}
