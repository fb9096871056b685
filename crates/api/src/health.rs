//! Is the server there? Open to everybody, says nothing beyond the documented members.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use tidegate_service::Service;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::respond;

pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(ping)).routes(routes!(health)).routes(routes!(health_v1))
}

#[derive(Serialize, ToSchema)]
struct Health {
    name: &'static str,
    status: &'static str,
    message: &'static str,
    version: &'static str,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    checks: [(); 0],
}

/// Answers 204 with the version in its headers.
#[utoipa::path(get, path = "/ping", tag = "health", operation_id = "Ping",
    responses((status = 204, description = "The server is there", headers(
        ("X-Influxdb-Version" = String, description = "Version of this server"),
        ("X-Influxdb-Build" = String, description = "OSS or Cloud")))))]
async fn ping() -> Response {
    respond::empty(StatusCode::NO_CONTENT)
}

/// Answers `OK`, or JSON if the client asks for it.
#[utoipa::path(get, path = "/health", tag = "health", operation_id = "Health",
    responses((status = 200, description = "Ready for queries and writes",
        content((Health = "application/json"), (String = "text/plain")))))]
async fn health(headers: HeaderMap) -> Response {
    healthy(&headers)
}

/// The same under its v1 path.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", operation_id = "HealthV1",
    responses((status = 200, description = "Ready for queries and writes",
        content((Health = "application/json"), (String = "text/plain")))))]
async fn health_v1(headers: HeaderMap) -> Response {
    healthy(&headers)
}

fn healthy(headers: &HeaderMap) -> Response {
    let names_json = |header| headers.get(header).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    // The JavaScript client of InfluxDB 2 names no type that it accepts, and says that its empty request is JSON.
    if names_json(ACCEPT) || names_json(CONTENT_TYPE) {
        let body = Health {
            name: "influxdb",
            status: "pass",
            message: "ready for queries and writes",
            version: env!("CARGO_PKG_VERSION"),
            checks: [],
        };
        return respond::json(StatusCode::OK, &body);
    }
    let mut response = Response::new(Body::from("OK"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn is_json(media_types: &str) -> bool {
    media_types.contains("json")
}
