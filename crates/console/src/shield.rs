//! What is around all pages: headers that tell browsers what not to do, and pages for failures.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cookie::Jar;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::visit::{Anybody, Visit, wants_json};
use crate::{Console, cookie, respond};

/// `same-origin`, not `no-referrer`: with the latter browsers do not say where a form comes from.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (X_FRAME_OPTIONS, "DENY"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    title: &'static str,
    message: String,
}

/// Answers requests for pages.
pub(crate) async fn shield(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let asked = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failed(&console, &asked, &failure).await;
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn failed(console: &Console, asked: &Parts, failure: &Failure) -> Response {
    if matches!(failure, Failure::SignedOut) {
        return sign_in_first(asked);
    }
    if wants_json(asked) {
        return failure.status().into_response();
    }
    let visit = Visit::<Anybody>::enter(asked, console).await;
    let frame = match &visit {
        Some(visit) => visit.frame(failure.title(), Section::None),
        None => Frame::new(failure.title(), Section::None, None),
    };
    let page = FailurePage { frame, title: failure.title(), message: failure.message() };
    match visit {
        Some(visit) => visit.show_with(failure.status(), &page),
        None => respond::page(failure.status(), &page),
    }
}

/// A browser is sent to the sign-in page, and afterwards to where it wanted to go.
fn sign_in_first(asked: &Parts) -> Response {
    let encrypted = cookie::is_encrypted(&asked.extensions);
    let had_session = cookie::find(&asked.headers, Jar::Session, encrypted).is_some();
    let mut response = if wants_json(asked) {
        StatusCode::UNAUTHORIZED.into_response()
    } else {
        let ended = if had_session { "ended=1&" } else { "" };
        let wanted = asked.uri.path_and_query().filter(|_| asked.method == Method::GET);
        let then = wanted.map(|wanted| format!("then={}", utf8_percent_encode(wanted.as_str(), NON_ALPHANUMERIC)));
        respond::see(&format!("/console/sign-in?{ended}{}", then.unwrap_or_default()))
    };
    // The script loads the page anew, and that answer says that the session has ended: it still needs the cookie.
    let ends_here = had_session && !wants_json(asked);
    if let Some(cleared) = cookie::clear(Jar::Session, encrypted).filter(|_| ends_here) {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
    response
}
