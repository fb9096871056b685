//! The OpenAPI document of the v2 API, generated from its routes. It has one of its own: its errors, credentials and
//! conventions are others than those of the rest.

use std::sync::Arc;

use tidegate_model::{Description, Name};
use tidegate_service::Service;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Object, ObjectBuilder, OpenApi};
use utoipa::{IntoResponses, Modify, OpenApi as _};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::error::{ApiErrorBody, Refused};
use crate::credential::SESSION_COOKIE;
use crate::openapi::operations;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Tidegate, v2 API", description = "Authorizations, users, organizations and buckets"),
    components(schemas(ApiErrorBody)),
    modifiers(&Schemes)
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token"));
        let token =
            ApiKeyValue::with_description("Authorization", "An API token after the word Token and a blank: `Token …`");
        let session = ApiKeyValue::with_description(SESSION_COOKIE, "The key of a session");
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some("User name and password"));
        components.add_security_scheme("api_token", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("api_token_scheme", SecurityScheme::ApiKey(ApiKey::Header(token)));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        components.add_security_scheme("password", SecurityScheme::Http(basic.build()));
    }
}

pub(super) fn base() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Document::openapi())
}

/// The OpenAPI document of the v2 API.
pub fn document() -> OpenApi {
    super::routes().split_for_parts().1
}

/// Registers routes. Each is also reached with a trailing slash, which the document does not repeat.
pub(super) fn register(
    mut router: OpenApiRouter<Arc<Service>>,
    (schemas, paths, methods): UtoipaMethodRouter<Arc<Service>>,
) -> OpenApiRouter<Arc<Service>> {
    for (path, mut item) in paths.paths {
        for operation in operations(&mut item) {
            let answers = &mut operation.responses.responses;
            if operation.security.is_some() {
                answers.extend(Refused::<401>::responses());
            }
            answers.extend(Refused::<500>::responses());
            answers.extend(Refused::<503>::responses());
        }
        router = router.route(&format!("{path}/"), methods.clone());
        let mut described = Paths::new();
        described.paths.insert(path, item);
        router = router.routes((schemas.clone(), described, methods.clone()));
    }
    router
}

/// The schema of an id in an answer.
pub(super) fn id() -> Object {
    text_like("^[0-9a-f]{16}$")
}

/// The schema of an id in a request, which is not zero.
pub(super) fn given_id() -> Object {
    text_like("^(?!0{16}$)[0-9A-Fa-f]{16}$")
}

/// The same where an empty text counts as absent.
pub(super) fn given_id_or_empty() -> Object {
    text_like("^((?!0{16}$)[0-9A-Fa-f]{16})?$")
}

/// The schema of a name of a user or an organization: not only blanks, no control characters.
pub(super) fn given_name() -> Object {
    named_like(SchemaType::new(Type::String))
}

/// The same for a member that may be `null`, which means absent.
pub(super) fn given_name_or_null() -> Object {
    named_like(SchemaType::from_iter([Type::String, Type::Null]))
}

fn named_like(schema_type: SchemaType) -> Object {
    const CONTROLS: &str = r"\u0000-\u001f\u007f-\u009f";
    let pattern = format!(r"^[^{CONTROLS}]*[^\s{CONTROLS}][^{CONTROLS}]*$");
    ObjectBuilder::new()
        .schema_type(schema_type)
        .pattern(Some(pattern))
        .min_length(Some(1))
        .max_length(Some(Name::MAX_LENGTH))
        .build()
}

/// The schema of a description in a request.
pub(super) fn given_text_or_null() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("Free text, at most 4096 bytes"))
        .pattern(Some(r"^[^\u0000]*$"))
        .max_length(Some(Description::MAX_LENGTH))
        .build()
}

fn text_like(pattern: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}
