//! The Management API, in the path form of Dedicated (management API contract).

mod body;
mod caller;
mod databases;
mod error;
mod json;
mod management_tokens;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tidegate_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::Caller;
pub(crate) use error::{ErrorBody, ManagementError};

pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(databases::list, databases::create))
        .routes(routes!(databases::delete))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::get, tokens::update, tokens::revoke))
        .routes(routes!(management_tokens::list, management_tokens::create))
        .routes(routes!(management_tokens::revoke))
}

/// Collections are also reached with a trailing slash (contract §4).
pub(crate) fn aliases() -> Router<Arc<Service>> {
    const CLUSTER: &str = "/api/v0/accounts/{accountId}/clusters/{clusterId}";
    Router::new()
        .route(&format!("{CLUSTER}/databases/"), get(databases::list).post(databases::create))
        .route(&format!("{CLUSTER}/tokens/"), get(tokens::list).post(tokens::create))
        .route(
            "/api/v0/accounts/{accountId}/management-tokens/",
            get(management_tokens::list).post(management_tokens::create),
        )
}
