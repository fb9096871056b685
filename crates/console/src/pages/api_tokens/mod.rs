//! Load Data › API Tokens (v2 API contract §7).

mod bulk;
mod create;
mod delete;
mod detail;
mod list;
mod permissions;
mod row;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use tidegate_model::ApiTokenId;

use crate::Console;
use crate::failure::Failure;

const LIST: &str = "/console/api-tokens";

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/api-tokens", get(list::show))
        .route("/console/api-tokens/new", get(create::show).post(create::create))
        .route("/console/api-tokens/all-access", get(create::show_all_access).post(create::create_all_access))
        .route("/console/api-tokens/delete", post(bulk::delete))
        .route("/console/api-tokens/{id}", get(detail::show))
        .route("/console/api-tokens/{id}/rename", post(detail::rename))
        .route("/console/api-tokens/{id}/status", post(detail::set_status))
        .route("/console/api-tokens/{id}/clone", post(create::clone_token))
        .route("/console/api-tokens/{id}/delete", get(delete::show).post(delete::delete))
}

/// The token that the path names.
struct TokenId(ApiTokenId);

impl<S: Send + Sync> FromRequestParts<S> for TokenId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        id.parse().map(Self).map_err(|_| Failure::NotFound)
    }
}
