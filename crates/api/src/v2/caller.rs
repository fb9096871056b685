//! Who calls the v2 API. A handler that takes a [`V2Caller`] cannot be reached without an API token or a session.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tidegate_service::{Door, Entry, Service};

use super::error::ApiError;
use crate::Peer;
use crate::credential::{self, Presented};

/// A request that came with a usable API token, or in a session.
pub(super) struct V2Caller(pub(super) Entry);

impl FromRequestParts<Arc<Service>> for V2Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, ApiError> {
        enter(service, parts).await.map(Self)
    }
}

/// Lets a request in. A token in the header wins over the cookie; `Basic` counts as no token here.
pub(crate) async fn enter(service: &Service, parts: &Parts) -> Result<Entry, ApiError> {
    let Some(&Peer(peer)) = parts.extensions.get::<Peer>() else {
        tracing::error!("a request came without the address of its peer");
        return Err(ApiError::unauthorized());
    };
    if let Presented::Token(_, token) = credential::from_headers(&parts.headers) {
        return Ok(service.enter(&token, Door::Api, peer.ip()).await?);
    }
    match credential::session_key(&parts.method, &parts.uri, &parts.headers) {
        Some(key) => Ok(service.enter_session(&key, peer.ip()).await?),
        None => Err(service.missing_credential(peer.ip()).await.into()),
    }
}
