//! Error bodies of the data endpoints (data-plane contract §§3.4, 4.5, 6.3).

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tidegate_model::DatabaseName;
use tidegate_service::{Forbidden, RejectedLine, ServiceError, SqlError};
use utoipa::ToSchema;

use crate::openapi::Refusal;
use crate::respond;
use crate::v2::answer as v2_answer;

/// Which form of error body a client of this path expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V1,
    V2,
    V3,
}

/// Error body of v1. The other members are there if lines or the database are at fault.
#[derive(Serialize, ToSchema)]
pub(crate) struct V1Error {
    /// What went wrong.
    error: String,
    /// A word such as `invalid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    code: Option<&'static str>,
    /// What went wrong, once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    message: Option<String>,
    /// The first line that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, minimum = 1, required = false)]
    line: Option<usize>,
}

/// Error body of `/api/v2`.
#[derive(Serialize, ToSchema)]
pub(crate) struct V2Error {
    /// A word such as `invalid` or `unauthorized`.
    code: String,
    /// What went wrong.
    message: String,
    /// The first line that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, minimum = 1, required = false)]
    line: Option<usize>,
}

/// Error body of `/api/v3`.
#[derive(Serialize, ToSchema)]
pub(crate) struct V3Error {
    /// What went wrong.
    error: String,
    /// The lines that were refused, or the one because of which all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Lines, required = false)]
    data: Option<Lines>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Lines {
    /// The line because of which nothing was written.
    One(RefusedLine),
    /// The lines that were not written.
    All(Vec<RefusedLine>),
}

/// A line that was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedLine {
    error_message: String,
    #[schema(value_type = i64, minimum = 1)]
    line_number: usize,
    /// Its beginning.
    original_line: String,
}

impl RefusedLine {
    fn new(line: &RejectedLine) -> Self {
        Self { error_message: line.message.clone(), line_number: line.number, original_line: line.excerpt.clone() }
    }
}

/// Error answers in the description of an operation, in the form of its path.
pub(super) type V1Refused<const STATUS: u16> = Refusal<V1Error, STATUS>;
pub(super) type V2Refused<const STATUS: u16> = Refusal<V2Error, STATUS>;
pub(super) type V3Refused<const STATUS: u16> = Refusal<V3Error, STATUS>;

const MALFORMED: &str = "Authorization header was malformed, the request was not in the form of \
    'Authorization: <auth-scheme> <token>', supported auth-schemes are Bearer, Token and Basic";
/// Refused lines that a v1 or v2 message lists.
const LISTED_LINES: usize = 10;

impl Dialect {
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/api/v2/") {
            Self::V2
        } else if path.starts_with("/api/v3/") {
            Self::V3
        } else {
            Self::V1
        }
    }

    /// An error answer; `code` is the word of the v2 form.
    pub(crate) fn answer(self, status: StatusCode, code: &str, message: impl Into<String>) -> Response {
        let message = message.into();
        match self {
            Self::V2 => v2_answer::error(status, code, &V2Error { code: code.to_owned(), message, line: None }),
            Self::V1 => respond::json(status, &V1Error { error: message, code: None, message: None, line: None }),
            Self::V3 => respond::json(status, &V3Error { error: message, data: None }),
        }
    }

    pub(crate) fn invalid(self, message: impl Into<String>) -> Response {
        self.answer(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub(crate) fn malformed_credential(self) -> Response {
        self.invalid(MALFORMED)
    }

    pub(crate) fn unauthorized(self) -> Response {
        self.answer(StatusCode::UNAUTHORIZED, "unauthorized", "unauthorized access")
    }

    pub(crate) fn service_error(self, error: ServiceError) -> Response {
        match error {
            ServiceError::Unauthenticated => self.unauthorized(),
            ServiceError::Forbidden => self.answer(StatusCode::FORBIDDEN, "forbidden", "forbidden"),
            ServiceError::DatabaseNotFound(name) => self.database_not_found(&name),
            ServiceError::WriteEmpty => self.invalid(error.to_string()),
            ServiceError::WriteRejected(lines) => self.rejected_write(&lines),
            ServiceError::Query(error) => self.query_error(&error),
            ServiceError::Unavailable(_) | ServiceError::TooManyPasswordChecks => {
                self.answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string())
            }
            other => self.answer(StatusCode::INTERNAL_SERVER_ERROR, "internal error", other.to_string()),
        }
    }

    /// The v1 form has the members of v2 and, for Telegraf, the words by which it keeps a batch.
    fn database_not_found(self, name: &DatabaseName) -> Response {
        let message = format!("database \"{name}\" not found");
        if self == Self::V1 {
            let error = format!("database not found: {name}");
            let body = V1Error { error, code: Some("not found"), message: Some(message), line: None };
            return respond::json(StatusCode::NOT_FOUND, &body);
        }
        self.answer(StatusCode::NOT_FOUND, "not found", message)
    }

    /// The request holds no grant for what it asks, or no longer.
    pub(crate) fn forbidden(self, forbidden: Forbidden) -> Response {
        self.service_error(forbidden.into())
    }

    fn query_error(self, error: &SqlError) -> Response {
        let (status, code) = match error {
            SqlError::Invalid(_) | SqlError::Failed(_) => (StatusCode::BAD_REQUEST, "invalid"),
            SqlError::Limit(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable entity"),
            SqlError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            SqlError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
        };
        self.answer(status, code, error.to_string())
    }

    /// Nothing was written, because these lines are bad.
    fn rejected_write(self, lines: &[RejectedLine]) -> Response {
        let Some(first) = lines.first() else {
            return self.invalid("line protocol parsing error");
        };
        let status = StatusCode::BAD_REQUEST;
        if self == Self::V3 {
            let data = Some(Lines::One(RefusedLine::new(first)));
            return respond::json(status, &V3Error { error: "line protocol parsing error".to_owned(), data });
        }
        let mut message = "nothing was written, errors encountered on line(s):".to_owned();
        for line in lines.iter().take(LISTED_LINES) {
            message.push_str(&format!("\nline {}: {}", line.number, line.message));
        }
        let (code, line) = ("invalid", Some(first.number));
        if self == Self::V1 {
            let body = V1Error { error: message.clone(), code: Some(code), message: Some(message), line };
            return respond::json(status, &body);
        }
        v2_answer::error(status, code, &V2Error { code: code.to_owned(), message, line })
    }
}

/// The good lines were written, these were not (v3 only), or none was good.
pub(crate) fn partial_write(lines: &[RejectedLine], some_were_written: bool) -> Response {
    let status = if some_were_written && lines.iter().any(|line| line.limit) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::BAD_REQUEST
    };
    let data = Some(Lines::All(lines.iter().map(RefusedLine::new).collect()));
    respond::json(status, &V3Error { error: "partial write of line protocol occurred".to_owned(), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_nobody_has_checked_may_be_right() {
        for dialect in [Dialect::V1, Dialect::V2, Dialect::V3] {
            let answer = dialect.service_error(ServiceError::TooManyPasswordChecks);
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{dialect:?}");
            assert_eq!(answer.headers()["retry-after"], "1", "{dialect:?}");
        }
    }
}
