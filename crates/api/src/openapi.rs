//! The OpenAPI document, generated from the routes.

use std::sync::Arc;

use tidegate_service::Service;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Tidegate", description = "Management API, writes and queries"),
    modifiers(&Schemes)
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        for (name, text) in [
            ("management_token", "A management token"),
            ("database_token", "A database token; `Token` and `Basic` (as password) are accepted as well"),
        ] {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

pub(crate) fn base() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Document::openapi())
}

/// The OpenAPI document of all routes.
pub fn document() -> OpenApi {
    crate::routes().split_for_parts().1
}
