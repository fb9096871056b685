//! Answers of the v2 dialect: JSON that names its encoding, since clients look for it.

use std::cell::Cell;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::{Serialize, Serializer};
use tidegate_service::Entry;

use crate::{Cutoff, respond};

const CODE: HeaderName = HeaderName::from_static("x-platform-error-code");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer with a JSON body.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    named(respond::json(status, body))
}

/// An error answer: the code is in a header as well, for clients that get no body.
pub(crate) fn error<T: Serialize>(status: StatusCode, code: &str, body: &T) -> Response {
    let mut response = json(status, body);
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert(CODE, code);
    }
    response
}

/// An answer that tells what the caller may see: it ends with the caller's rights, also on its way.
pub(super) fn guarded<T: Serialize>(body: &T, caller: Entry, cutoff: Cutoff) -> Response {
    named(respond::guarded_json(body, caller, cutoff))
}

/// What is deleted or stored has no body.
pub(super) fn no_content() -> Response {
    respond::empty(StatusCode::NO_CONTENT)
}

fn named(mut response: Response) -> Response {
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A JSON array, made one record at a time.
pub(super) struct Sequence<I>(Cell<Option<I>>);

impl<I: Iterator> Sequence<I> {
    pub(super) fn new(records: I) -> Self {
        Self(Cell::new(Some(records)))
    }
}

impl<I: Iterator<Item: Serialize>> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}
