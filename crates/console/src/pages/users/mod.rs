//! Users.

mod change;
mod create;
mod list;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use tidegate_model::UserId;

use crate::Console;
use crate::failure::Failure;

const LIST: &str = "/console/users";

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/users", get(list::show))
        .route("/console/users/new", get(create::show).post(create::create))
        .route("/console/users/{id}", get(change::show))
        .route("/console/users/{id}/rename", post(change::rename))
        .route("/console/users/{id}/password", post(change::set_password))
        .route("/console/users/{id}/status", post(change::set_status))
        .route("/console/users/{id}/delete", get(change::ask_delete).post(change::delete))
}

/// The user whom the path names.
struct User(UserId);

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        id.parse().map(Self).map_err(|_| Failure::NotFound)
    }
}
