//! The overview.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::Console;
use crate::frame::{Frame, Section};
use crate::visit::{Anybody, Visit};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/console", get(show)).route("/console/", get(show))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    credentials: usize,
}

async fn show(State(console): State<Arc<Console>>, visit: Visit<Anybody>) -> Response {
    let frame = visit.frame("Overview", Section::Overview);
    let page = OverviewPage { frame, credentials: console.service.credential_count() };
    visit.show(&page)
}
