//! Writes and queries over HTTP (data-plane contract).

mod body;
mod caller;
mod description;
mod error;
mod negotiate;
mod parameters;
mod query;
mod write;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use tidegate_model::TokenKind;
use tidegate_service::{Door, Service};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Peer;
use crate::credential::{self, Presented, Scheme};
use crate::management::ManagementError;
use crate::respond;
use error::Dialect;
pub(crate) use error::{V1Error, V2Error, V3Error};

pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(write::write_v1))
        .routes(routes!(write::write_v2))
        .routes(routes!(write::write_v3))
        .routes(routes!(query::query_sql_get, query::query_sql_post))
}

/// Any path that has no route: 401 without a usable credential, 404 with one.
pub(crate) async fn unknown_route(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    refuse(&service, &parts, StatusCode::NOT_FOUND, "not found").await
}

/// A known path with another method. The Management API answers 405. Writers take 405 for "this server does not have
/// this version of the API", so data endpoints answer as if the path were unknown.
pub(crate) async fn wrong_method(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    if parts.uri.path().starts_with(MANAGEMENT) {
        refuse(&service, &parts, StatusCode::METHOD_NOT_ALLOWED, "method not allowed").await
    } else {
        refuse(&service, &parts, StatusCode::NOT_FOUND, "not found").await
    }
}

const MANAGEMENT: &str = "/api/v0/";

async fn refuse(service: &Service, parts: &Parts, status: StatusCode, message: &str) -> Response {
    let is_known = is_authenticated(service, parts).await;
    let path = parts.uri.path();
    match (path.starts_with(MANAGEMENT), is_known) {
        (true, true) => ManagementError::new(status, message).into_response(),
        (true, false) => ManagementError::unauthorized().into_response(),
        (false, true) => Dialect::of_path(path).answer(status, message, message),
        (false, false) => Dialect::of_path(path).unauthorized(),
    }
}

/// Whether the request came with a credential that is good for something here.
async fn is_authenticated(service: &Service, parts: &Parts) -> bool {
    let Some(&Peer(peer)) = parts.extensions.get::<Peer>() else { return false };
    let is_management = parts.uri.path().starts_with(MANAGEMENT);
    let token = match credential::from_headers(&parts.headers) {
        Presented::Token(scheme, token) if !is_management || scheme == Scheme::Bearer => token,
        _ => {
            service.missing_credential(peer.ip()).await;
            return false;
        }
    };
    let is_management = is_management || token.verified_kind() == Some(TokenKind::Management);
    let door = if is_management { Door::Management } else { Door::Data };
    service.enter(&token, door, peer.ip()).await.is_ok()
}

/// An answer without a body, for writes that succeeded.
fn written() -> Response {
    respond::empty(StatusCode::NO_CONTENT)
}
