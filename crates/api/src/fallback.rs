//! Requests that no route takes: a stranger learns nothing from them but that a credential is needed.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use tidegate_model::TokenKind;
use tidegate_service::{Door, Service};
use utoipa::openapi::{OpenApi, PathItem};

use crate::Peer;
use crate::credential::{self, Presented, Scheme};
use crate::data::Dialect;
use crate::management::ManagementError;
use crate::openapi::{methods, operations};
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

/// The methods of each route.
pub(crate) struct Methods(HashMap<String, OfRoute>);

#[derive(Default)]
struct OfRoute {
    /// Such as `GET, POST`.
    list: String,
    /// Whether none of them needs a credential, so that everybody may know what there is.
    are_open: bool,
}

impl Methods {
    pub(crate) fn of(documents: impl IntoIterator<Item = OpenApi>) -> Self {
        let paths = documents.into_iter().flat_map(|document| document.paths.paths);
        let of_route = |(path, mut item): (String, PathItem)| {
            let list = methods(&item).join(", ");
            let are_open = operations(&mut item).all(|operation| operation.security.is_none());
            (path, OfRoute { list, are_open })
        };
        Self(paths.map(of_route).collect())
    }

    fn of_route(&self, template: &str) -> Option<&OfRoute> {
        self.0.get(template).or_else(|| self.0.get(template.trim_end_matches('/')))
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

/// A known path with another method: 405, without a usable credential 401 unless the path needs none. Writers take 405
/// for "this server does not have this version of the API", so data endpoints answer as if the path were unknown.
pub(crate) async fn wrong_method(
    State(service): State<Arc<Service>>,
    Extension(allowed): Extension<Arc<Methods>>,
    route: Option<MatchedPath>,
    request: Request,
) -> Response {
    const STATUS: StatusCode = StatusCode::METHOD_NOT_ALLOWED;
    const MESSAGE: &str = "method not allowed";
    let (parts, _body) = request.into_parts();
    let path = parts.uri.path();
    let none = OfRoute::default();
    let allowed = route.as_ref().and_then(|route| allowed.of_route(route.as_str())).unwrap_or(&none);
    match Area::of(path) {
        Area::Management => refuse_management(&service, &parts, STATUS, MESSAGE).await,
        Area::V2 if allowed.are_open => ApiError::method_not_allowed(&allowed.list).into_response(),
        Area::V2 => refuse_v2(&service, &parts, ApiError::method_not_allowed(&allowed.list)).await,
        Area::Data if allowed.are_open => Dialect::of_path(path).answer(STATUS, MESSAGE, MESSAGE),
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
