//! The error body of the Management API (contract §4): `code` and `message`, always both.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidegate_service::{ServiceError, Unauthenticated};
use utoipa::ToSchema;

use crate::openapi::Refusal;
use crate::respond;

/// An error answer.
#[derive(Debug)]
pub(crate) struct ManagementError {
    status: StatusCode,
    message: String,
}

/// Every error of the Management API.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// Equals the HTTP status.
    code: u16,
    /// What went wrong, and what to do about it.
    message: String,
}

/// Such an answer in the description of an operation.
pub(super) type Refused<const STATUS: u16> = Refusal<ErrorBody, STATUS>;

impl ManagementError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized")
    }
}

impl From<Unauthenticated> for ManagementError {
    fn from(_: Unauthenticated) -> Self {
        Self::unauthorized()
    }
}

impl From<ServiceError> for ManagementError {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::Unauthenticated => return Self::unauthorized(),
            ServiceError::Forbidden => StatusCode::FORBIDDEN,
            ServiceError::TokenNotFound(_)
            | ServiceError::DatabaseNotFound(_)
            | ServiceError::NoSuchDatabaseId(_)
            | ServiceError::TableNotFound(..)
            | ServiceError::NoSuchTableId(_) => StatusCode::NOT_FOUND,
            ServiceError::TokenRevoked(_)
            | ServiceError::DatabaseExists(_)
            | ServiceError::TableExists(_)
            | ServiceError::TokenUsedBefore => StatusCode::CONFLICT,
            ServiceError::TemplateTooWide { .. }
            | ServiceError::ExpiryInThePast
            | ServiceError::TooManyTables(_)
            | ServiceError::NotDeleted
            | ServiceError::NameTaken => StatusCode::BAD_REQUEST,
            ServiceError::StillDraining(_) | ServiceError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ManagementError {
    fn into_response(self) -> Response {
        respond::json(self.status, &ErrorBody { code: self.status.as_u16(), message: self.message })
    }
}
