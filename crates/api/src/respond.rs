//! Building answers.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures::StreamExt as _;
use serde::{Serialize, Serializer};
use tidegate_service::Entry;

use crate::{Cutoff, carrier};

/// An answer with a JSON body that tells what the caller may see: it ends with the caller's rights, also on its way.
pub(crate) fn guarded_json<T: Serialize>(body: &T, caller: Entry, cutoff: Cutoff) -> Response {
    let whole = json(StatusCode::OK, body);
    let (parts, bytes) = whole.into_parts();
    let bytes = bytes.into_data_stream().map(|frame| frame.map_err(std::io::Error::other));
    Response::from_parts(parts, carrier::guarded(bytes, caller, cutoff))
}

/// A JSON array of what `show` makes of each record, one at a time: a long list takes little memory beside its text.
pub(crate) struct Shown<'a, R, F> {
    pub(crate) records: &'a [R],
    pub(crate) show: F,
}

impl<R, T: Serialize, F: Fn(&R) -> T> Serialize for Shown<'_, R, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(&self.show))
    }
}

/// An answer with a JSON body.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut response = match serde_json::to_vec(body) {
        Ok(bytes) => Response::new(Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "cannot encode an answer");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return response;
        }
    };
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match status {
        StatusCode::UNAUTHORIZED => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
