//! Organizations and who belongs to them.

mod change;
mod list;
mod members;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use tidegate_model::OrganizationId;

use crate::Console;
use crate::failure::Failure;

const LIST: &str = "/console/organizations";

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/organizations", get(list::show))
        .route("/console/organizations/new", get(list::show_create).post(list::create))
        .route("/console/organizations/{id}", get(change::show).post(change::update))
        .route("/console/organizations/{id}/delete", get(change::ask_delete).post(change::delete))
        .route("/console/organizations/{id}/members", post(members::add))
        .route("/console/organizations/{id}/members/remove", post(members::remove))
}

/// The organization that the path names.
struct Organization(OrganizationId);

impl<S: Send + Sync> FromRequestParts<S> for Organization {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        id.parse().map(Self).map_err(|_| Failure::NotFound)
    }
}
