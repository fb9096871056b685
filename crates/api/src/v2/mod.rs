//! The v2 API: authorizations, users, organizations, buckets (v2 API contract). The words of that API live only here;
//! below they are API tokens, users, organizations and databases.

pub(crate) mod answer;
mod authorization;
mod authorizations;
mod body;
mod buckets;
mod caller;
mod dbrps;
mod description;
mod error;
mod given;
mod legacy;
mod links;
mod members;
mod orgs;
mod paging;
mod parameters;
mod permission;
mod root;
mod session;
mod setup;
mod unsupported;
mod users;

use std::sync::Arc;

use tidegate_service::{Profile, Service};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::enter;
pub(crate) use dbrps::is_v1_name;
pub use description::document;
pub(crate) use error::ApiError;
pub(crate) use root::Started;

use description::register;

/// Whether the conventions of this API hold for a path. Writing is a matter of the data endpoints.
pub(crate) fn owns(path: &str) -> bool {
    let is_below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (is_below("/api/v2") || is_below("/private")) && path != "/api/v2/write"
}

/// What the cloud profile does not have is a path that it does not know.
fn refuse_in_cloud(service: &Service) -> Result<(), ApiError> {
    if service.profile() == Profile::Cloud { Err(ApiError::path_not_found()) } else { Ok(()) }
}

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    let all = [
        routes!(root::routes),
        routes!(root::ready),
        routes!(root::resources),
        routes!(setup::allowed, setup::set_up),
        routes!(session::sign_in),
        routes!(session::sign_out),
        routes!(users::me),
        routes!(users::list, users::create),
        routes!(users::get, users::update, users::delete),
        routes!(users::set_password),
        routes!(orgs::list, orgs::create),
        routes!(orgs::get, orgs::update, orgs::delete),
        routes!(members::list_members, members::add_member),
        routes!(members::remove_member),
        routes!(members::list_owners, members::add_owner),
        routes!(members::remove_owner),
        routes!(buckets::list, buckets::create),
        routes!(buckets::get, buckets::update, buckets::delete),
        routes!(dbrps::list, dbrps::create),
        routes!(dbrps::get, dbrps::update, dbrps::delete),
        routes!(authorizations::list, authorizations::create),
        routes!(authorizations::get, authorizations::update, authorizations::delete),
        routes!(legacy::list, legacy::create),
        routes!(legacy::get, legacy::update, legacy::delete),
        routes!(legacy::set_password),
        routes!(unsupported::query),
        routes!(unsupported::delete),
    ];
    all.into_iter().fold(description::base(), register)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_owns_what_is_below_it_but_writing() {
        for path in ["/api/v2", "/api/v2/", "/api/v2/x", "/api/v2/write/", "/private/legacy/authorizations"] {
            assert!(owns(path), "{path}");
        }
        for path in ["/api/v2/write", "/api/v2x", "/api/v0/tokens", "/write", "/privateer"] {
            assert!(!owns(path), "{path}");
        }
    }
}
