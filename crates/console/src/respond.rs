//! Building answers.

use askama::Template;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use tidegate_api::Cutoff;
use tidegate_service::Entry;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page that tells nothing which somebody's rights must cover, or a secret that its maker is shown once.
pub(crate) fn page(status: StatusCode, page: &impl Template) -> Response {
    let Ok(text) = page.render().inspect_err(|error| tracing::error!(%error, "cannot render a page")) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HTML);
    response
}

/// The same answer, whose body ends with the rights of `entry`.
pub(crate) fn guarded(whole: Response, entry: Entry, cutoff: Cutoff) -> Response {
    let (parts, bytes) = whole.into_parts();
    let bytes = bytes.into_data_stream().map(|frame| frame.map_err(std::io::Error::other));
    Response::from_parts(parts, tidegate_api::guarded(bytes, entry, cutoff))
}

/// Sends the browser to a page of the console after a change, so that reloading does not repeat it.
pub(crate) fn see(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(path) {
        Ok(path) => response.headers_mut().insert(LOCATION, path),
        Err(_) => response.headers_mut().insert(LOCATION, HeaderValue::from_static("/console")),
    };
    response
}
