//! Requests that no route takes: a stranger learns nothing from them but that a credential is needed.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use tidegate_model::TokenKind;
use tidegate_service::{Door, Service};
use utoipa::openapi::OpenApi;

use crate::Peer;
use crate::credential::{self, Presented, Scheme};
use crate::data::Dialect;
use crate::management::ManagementError;
use crate::openapi::methods;
use crate::v2::{self, ApiError};

const NOT_FOUND: &str = "not found";

/// Whose conventions hold for a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Area {
    Management,
    V2,
    Data,
}

impl Area {
    fn of(path: &str) -> Self {
        if path.starts_with("/api/v0/") {
            Self::Management
        } else if v2::owns(path) {
            Self::V2
        } else {
            Self::Data
        }
    }
}

/// The methods of each route, such as `GET, POST`.
pub(crate) struct Methods(HashMap<String, String>);

impl Methods {
    pub(crate) fn of(mut document: OpenApi) -> Self {
        let paths = document.paths.paths.iter_mut();
        Self(paths.map(|(path, item)| (path.clone(), methods(item).join(", "))).collect())
    }

    fn of_route(&self, template: &str) -> &str {
        let methods = self.0.get(template).or_else(|| self.0.get(template.trim_end_matches('/')));
        methods.map(String::as_str).unwrap_or_default()
    }
}

/// Any path that has no route: 401 without a usable credential, 404 with one.
pub(crate) async fn unknown_route(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    match Area::of(parts.uri.path()) {
        Area::Management => refuse_management(&service, &parts, StatusCode::NOT_FOUND, NOT_FOUND).await,
        Area::V2 => refuse_v2(&service, &parts, ApiError::path_not_found()).await,
        Area::Data => refuse_data(&service, &parts).await,
    }
}

/// A known path with another method: 405. Writers take 405 for "this server does not have this version of the API", so
/// data endpoints answer as if the path were unknown.
pub(crate) async fn wrong_method(
    State(service): State<Arc<Service>>,
    Extension(allowed): Extension<Arc<Methods>>,
    route: Option<MatchedPath>,
    request: Request,
) -> Response {
    let (parts, _body) = request.into_parts();
    match Area::of(parts.uri.path()) {
        Area::Management => {
            refuse_management(&service, &parts, StatusCode::METHOD_NOT_ALLOWED, "method not allowed").await
        }
        Area::V2 => {
            let allowed = route.as_ref().map(|route| allowed.of_route(route.as_str())).unwrap_or_default();
            refuse_v2(&service, &parts, ApiError::method_not_allowed(allowed)).await
        }
        Area::Data => refuse_data(&service, &parts).await,
    }
}

async fn refuse_management(service: &Service, parts: &Parts, status: StatusCode, message: &str) -> Response {
    let entered = match (parts.extensions.get::<Peer>(), credential::from_headers(&parts.headers)) {
        (Some(Peer(peer)), Presented::Token(Scheme::Bearer, token)) => {
            service.enter(&token, Door::Management, peer.ip()).await.is_ok()
        }
        (peer, _) => is_anonymous(service, peer).await,
    };
    if entered { ManagementError::new(status, message) } else { ManagementError::unauthorized() }.into_response()
}

async fn refuse_v2(service: &Service, parts: &Parts, refusal: ApiError) -> Response {
    v2::enter(service, parts).await.map_or_else(ApiError::into_response, |_| refusal.into_response())
}

async fn refuse_data(service: &Service, parts: &Parts) -> Response {
    let dialect = Dialect::of_path(parts.uri.path());
    let token = match credential::from_headers(&parts.headers) {
        Presented::Token(_, token) | Presented::Basic { password: token, .. } => Some(token),
        Presented::Missing | Presented::Malformed => None,
    };
    let entered = match (parts.extensions.get::<Peer>(), token) {
        (Some(Peer(peer)), Some(token)) => {
            let is_management = token.verified_kind() == Some(TokenKind::Management);
            let door = if is_management { Door::Management } else { Door::Data };
            service.enter(&token, door, peer.ip()).await.is_ok()
        }
        (peer, _) => is_anonymous(service, peer).await,
    };
    if entered { dialect.answer(StatusCode::NOT_FOUND, NOT_FOUND, NOT_FOUND) } else { dialect.unauthorized() }
}

/// Notes a request without a credential, which is never let in.
async fn is_anonymous(service: &Service, peer: Option<&Peer>) -> bool {
    if let Some(Peer(peer)) = peer {
        service.missing_credential(peer.ip()).await;
    }
    false
}
