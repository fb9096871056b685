//! Writes and queries over HTTP (data-plane contract).

mod body;
mod caller;
mod description;
mod error;
mod negotiate;
mod parameters;
mod query;
mod write;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use tidegate_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::respond;
pub(crate) use error::{Dialect, V1Error, V2Error, V3Error};

pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(write::write_v1))
        .routes(routes!(write::write_v2))
        .routes(routes!(write::write_v3))
        .routes(routes!(query::query_sql_get, query::query_sql_post))
}

/// An answer without a body, for writes that succeeded.
fn written() -> Response {
    respond::empty(StatusCode::NO_CONTENT)
}
