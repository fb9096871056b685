//! Request bodies (contract §4): JSON objects of at most 1 MiB.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{Deserialize as _, DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::Value;
use tidegate_service::{Entry, ServiceError};

use super::ManagementError;
use crate::json::{Unambiguous, whole_number};

const MAX_BODY: usize = 1024 * 1024;

/// Reads a JSON object. Ends at once when the caller's rights end.
pub(crate) async fn object<T: DeserializeOwned>(
    caller: &Entry,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ManagementError> {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        let message = "the body must be JSON, with Content-Type: application/json";
        return Err(ManagementError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let read = caller
        .run(Limited::new(body, MAX_BODY).collect())
        .await
        .map_err(|reason| ManagementError::from(ServiceError::ended(reason, None)))?;
    let bytes = match read {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(ManagementError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB"));
        }
        Err(_) => return Err(ManagementError::bad_request("the body could not be read")),
    };
    let invalid = |error| ManagementError::bad_request(format!("invalid JSON: {error}"));
    let Unambiguous(value) = serde_json::from_slice(&bytes).map_err(invalid)?;
    // A list would be read as the members of the object in their order.
    if !value.is_object() {
        return Err(ManagementError::bad_request("the body must be a JSON object"));
    }
    serde_json::from_value(value).map_err(invalid)
}

/// A member that must be a list of objects, and the type of those. `None` if it is something else.
pub(crate) fn objects<T: DeserializeOwned>(value: Value) -> Option<Vec<T>> {
    let Value::Array(items) = value else { return None };
    items.into_iter().map(|item| if item.is_object() { serde_json::from_value(item).ok() } else { None }).collect()
}

/// A member that must be a string, if it is there.
pub(crate) fn string(name: &str, value: Option<Value>) -> Result<Option<String>, ManagementError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ManagementError::bad_request(format!("{name} must be a string"))),
    }
}

/// A member that must be a whole number, if it is there.
pub(crate) fn integer(name: &str, value: Option<Value>) -> Result<Option<i64>, ManagementError> {
    let Some(value) = value else { return Ok(None) };
    let invalid = || ManagementError::bad_request(format!("{name} must be a whole number of 64 bits"));
    whole_number(&value).map(Some).ok_or_else(invalid)
}

/// Whether a member is there at all, `null` included.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
