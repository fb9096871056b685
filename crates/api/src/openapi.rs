//! The OpenAPI document, generated from the routes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;
use tidegate_service::Service;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, Object, ObjectBuilder, OpenApi, Ref, RefOr};
use utoipa::{IntoResponses, Modify, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::data::{V1Error, V2Error, V3Error};
use crate::management::ErrorBody;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Tidegate", description = "Management API, writes and queries"),
    components(schemas(ErrorBody, V1Error, V2Error, V3Error)),
    modifiers(&Schemes)
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = |text: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text));
            SecurityScheme::Http(scheme.build())
        };
        let basic = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("A database token or an API token as the password; the user name does not matter"));
        let token = ApiKeyValue::with_description(
            "Authorization",
            "A database token or an API token after the word Token and a blank: `Token apiv1_…`",
        );
        let parameter =
            ApiKeyValue::with_description("p", "A database token or an API token, if there is no Authorization header");
        components
            .add_security_scheme("management_token", bearer("A management token, or an API token of an operator"));
        components.add_security_scheme("database_token", bearer("A database token or an API token"));
        components.add_security_scheme("database_token_scheme", SecurityScheme::ApiKey(ApiKey::Header(token)));
        components.add_security_scheme("database_token_basic", SecurityScheme::Http(basic.build()));
        components.add_security_scheme("database_token_parameter", SecurityScheme::ApiKey(ApiKey::Query(parameter)));
    }
}

pub(crate) fn base() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Document::openapi())
}

/// The OpenAPI document of all routes.
pub fn document() -> OpenApi {
    crate::routes().split_for_parts().1
}

/// The schema of a text that is one of these words.
pub(crate) fn one_of(words: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build()
}

/// The same for a member that may be `null`, which means absent.
pub(crate) fn one_of_or_null(words: &[&str]) -> Object {
    let words = words.iter().map(|word| Value::from(*word)).chain([Value::Null]);
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])).enum_values(Some(words)).build()
}

/// What can be done at a path.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// The methods of a path, in the order of their names.
pub(crate) fn methods(item: &PathItem) -> Vec<&'static str> {
    let listed = [
        ("DELETE", &item.delete),
        ("GET", &item.get),
        ("PATCH", &item.patch),
        ("POST", &item.post),
        ("PUT", &item.put),
    ];
    listed.into_iter().filter_map(|(method, operation)| operation.as_ref().map(|_| method)).collect()
}

/// In the description of an operation: an error answer of this status, with this body.
pub(crate) struct Refusal<B, const STATUS: u16>(PhantomData<B>);

impl<B: ToSchema, const STATUS: u16> IntoResponses for Refusal<B, STATUS> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let content = Content::new(Some(Ref::from_schema_name(B::name())));
        let mut response = ResponseBuilder::new().description(meaning(STATUS)).content("application/json", content);
        for (name, kind, description) in headers(STATUS) {
            let schema = ObjectBuilder::new().schema_type(kind.clone()).build();
            let header = HeaderBuilder::new().schema(Some(schema)).description(Some(*description));
            response = response.header(*name, header.build());
        }
        [(STATUS.to_string(), response.build().into())].into()
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request breaks a rule",
        401 => "No usable credential",
        403 => "The credential does not allow this",
        404 => "There is no such thing",
        409 => "It is in conflict with what exists",
        413 => "The body is too large",
        415 => "The body is not application/json",
        405 => "The path has other methods",
        422 => "A limit is reached, or it is in conflict with what exists",
        501 => "This server has nothing of the kind; the message says what to use instead",
        503 => "Not now, or not yet finished: repeat the request",
        _ => "A fault of the server",
    }
}

fn headers(status: u16) -> &'static [(&'static str, Type, &'static str)] {
    match status {
        401 => &[("WWW-Authenticate", Type::String, "The scheme to use")],
        503 => &[("Retry-After", Type::Integer, "Seconds to wait")],
        _ => &[],
    }
}
