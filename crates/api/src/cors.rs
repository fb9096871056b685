//! Lets web pages of any origin use the data endpoints (data-plane contract §1). A page gets no further than with a
//! token of its own: there is nothing that a browser would add to its requests by itself.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::respond;

const ANY: HeaderValue = HeaderValue::from_static("*");
/// The wildcard does not cover `Authorization`.
const ANY_HEADER: HeaderValue = HeaderValue::from_static("*, Authorization");
const ONE_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Answers preflights, which browsers send without a credential, and marks every other answer, errors included.
pub(crate) async fn share(request: Request, next: Next) -> Response {
    if !is_shared(request.uri().path()) {
        return next.run(request).await;
    }
    if request.method() != Method::OPTIONS {
        let mut response = next.run(request).await;
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        return response;
    }
    let mut response = respond::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, ANY);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY_HEADER);
    headers.insert(ACCESS_CONTROL_MAX_AGE, ONE_DAY);
    response
}

/// Not the Management API, nor the management part of v2, nor the metrics, which may be public on a private network.
fn is_shared(path: &str) -> bool {
    path == "/api/v2/write" || path != "/metrics" && !(path.starts_with("/api/v0/") || path.starts_with("/api/v2/"))
}
