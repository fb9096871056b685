//! Load Data › Buckets: databases, for those who reach them by their permissions.

mod change;
mod create;
mod list;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::get;
use tidegate_model::DatabaseId;

use crate::Console;
use crate::failure::Failure;

const LIST: &str = "/console/buckets";

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/buckets", get(list::show))
        .route("/console/buckets/new", get(create::show).post(create::create))
        .route("/console/buckets/{id}", get(change::show).post(change::update))
        .route("/console/buckets/{id}/delete", get(change::ask_delete).post(change::delete))
}

/// The bucket that the path names.
struct Bucket(DatabaseId);

impl<S: Send + Sync> FromRequestParts<S> for Bucket {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        id.parse().ok().and_then(DatabaseId::from_resource).map(Self).ok_or(Failure::NotFound)
    }
}
