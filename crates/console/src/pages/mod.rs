//! The pages, one module each.

mod api_tokens;
mod buckets;
mod databases;
mod first_line;
mod home;
mod organizations;
mod overview;
mod set_up;
mod sign_in;
mod tables;
mod tokens;
mod users;

use std::sync::Arc;

use axum::Router;

use crate::Console;
use crate::failure::Failure;

/// Every page.
pub(crate) fn routes() -> Router<Arc<Console>> {
    [
        home::routes(),
        sign_in::routes(),
        overview::routes(),
        api_tokens::routes(),
        buckets::routes(),
        tokens::routes(),
        databases::routes(),
        tables::routes(),
        set_up::routes(),
        first_line::routes(),
        users::routes(),
        organizations::routes(),
    ]
    .into_iter()
    .fold(Router::new(), Router::merge)
    .route("/console/{*rest}", axum::routing::any(async || Failure::NotFound))
    .method_not_allowed_fallback(async || Failure::NotFound)
}
