//! Who reads or writes data: a database token in the `Authorization` header, or in `p` for the v1 paths.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use tidegate_model::PlainToken;
use tidegate_service::{Door, Entry, Service};

use super::error::Dialect;
use crate::Peer;
use crate::credential::{self, Presented};

/// Lets a request in. `fallback` is the token of the parameter `p`, which counts only if the header holds none.
pub(crate) async fn enter(
    service: &Arc<Service>,
    dialect: Dialect,
    peer: Peer,
    headers: &HeaderMap,
    fallback: Option<String>,
) -> Result<Entry, Response> {
    let fallback = fallback.filter(|token| !token.is_empty());
    let token = match (credential::from_headers(headers), fallback) {
        (Presented::Token(_, token) | Presented::Basic { password: token, .. }, _) => token,
        (Presented::Malformed | Presented::Missing, Some(token)) => PlainToken::from_presented(token),
        (Presented::Malformed, None) => return Err(dialect.malformed_credential()),
        (Presented::Missing, None) => {
            service.missing_credential(peer.0.ip()).await;
            return Err(dialect.unauthorized());
        }
    };
    service.enter(&token, Door::Data, peer.0.ip()).await.map_err(|_| dialect.unauthorized())
}
