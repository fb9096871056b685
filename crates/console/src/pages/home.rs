//! `/`: leads to where the visitor can go on.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::{Console, respond};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/", get(home))
}

/// The overview sends whoever has no session to the sign-in page.
async fn home(State(console): State<Arc<Console>>) -> Response {
    respond::see(if console.service.setup_allowed() { "/console/set-up" } else { "/console" })
}
