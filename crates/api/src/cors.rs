//! Lets web pages of any origin use the data endpoints (data-plane contract §1) and the v2 API (its contract §1). A page
//! gets no further than with a token of its own: there is nothing that a browser would add to its requests by itself,
//! for no answer allows it to send cookies along.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::{respond, v2};

const ANY: HeaderValue = HeaderValue::from_static("*");
/// The wildcard does not cover `Authorization`.
const ANY_HEADER: HeaderValue = HeaderValue::from_static("*, Authorization");
const ONE_DAY: HeaderValue = HeaderValue::from_static("86400");
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const V2_METHODS: HeaderValue = HeaderValue::from_static("POST, GET, OPTIONS, PUT, DELETE, PATCH");
const V2_HEADERS: HeaderValue =
    HeaderValue::from_static("Accept, Content-Type, Content-Length, Accept-Encoding, Authorization, User-Agent");

/// Answers preflights, which browsers send without a credential, and marks every other answer, errors included.
pub(crate) async fn share(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if v2::owns(path) {
        share_v2(request, next).await
    } else if is_shared(path) {
        share_data(request, next).await
    } else {
        next.run(request).await
    }
}

async fn share_data(request: Request, next: Next) -> Response {
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

/// Only who names an origin is told that it may. `OPTIONS` without one is a method like any other.
async fn share_v2(request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return next.run(request).await };
    if request.method() != Method::OPTIONS {
        let mut response = next.run(request).await;
        allow(response.headers_mut(), origin);
        return response;
    }
    let mut response = respond::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    allow(headers, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, V2_METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, V2_HEADERS);
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, BY_ORIGIN);
}

/// Not the Management API, nor the metrics, which may be public on a private network.
fn is_shared(path: &str) -> bool {
    path != "/metrics" && !path.starts_with("/api/v0/")
}
