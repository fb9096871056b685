//! The v2 API: authorizations, users, organizations, buckets (v2 API contract). The words of that API live only here;
//! below they are API tokens, users, organizations and databases.

mod answer;
mod body;
mod caller;
mod description;
mod error;
mod paging;
mod parameters;
mod root;

use std::sync::Arc;

use tidegate_service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::enter;
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

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    let all = [routes!(root::routes), routes!(root::ready)];
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
