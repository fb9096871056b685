//! The Management API (management API contract).

mod body;
mod caller;
mod clusters;
mod databases;
mod error;
mod forms;
mod management_tokens;
mod partition;
mod status;
mod tables;
mod token_record;
mod tokens;

use std::sync::Arc;

use tidegate_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::Caller;
pub(crate) use error::{ErrorBody, ManagementError};
use forms::{Scope, register};

pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    let of_cluster = [
        routes!(databases::list, databases::create),
        routes!(databases::update, databases::delete),
        routes!(databases::rename),
        routes!(databases::undelete),
        routes!(tables::list, tables::create),
        routes!(tables::delete),
        routes!(tables::rename),
        routes!(tables::undelete),
        routes!(tables::switch_iceberg),
        routes!(tokens::list, tokens::create),
        routes!(tokens::get, tokens::update, tokens::revoke),
    ];
    let of_account = [
        routes!(management_tokens::list, management_tokens::create),
        routes!(management_tokens::revoke),
        routes!(clusters::list),
        routes!(clusters::get),
        routes!(clusters::users),
    ];
    let mut router = OpenApiRouter::new();
    for routes in of_cluster {
        router = register(router, Scope::Cluster, routes);
    }
    for routes in of_account {
        router = register(router, Scope::Account, routes);
    }
    router
}
