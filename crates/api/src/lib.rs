//! The HTTP dialects. Each translates requests into use cases of [`tidegate_service`] and their outcomes back; no rule
//! about who may do what lives here.
//!
//! Every route is registered together with its description in the OpenAPI document, so that a test can call each of
//! them without sufficient rights. Routes that need no credential are listed in `tests/open-routes.txt`.

mod bounded;
mod carrier;
mod cors;
mod credential;
mod data;
mod fallback;
mod health;
mod json;
mod management;
mod metrics;
mod openapi;
mod origin;
mod respond;
mod unread;
mod v2;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Extension, Router};
use tidegate_service::{Profile, Service};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use fallback::Methods;
use metrics::Metrics;

pub use carrier::guarded;
pub use metrics::MetricsAccess;
pub use openapi::document;
pub use v2::document as document_v2;

/// Who is at the other end of the connection. The listener puts it into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The request came over an encrypted connection. The listener puts it into every such request.
#[derive(Debug, Clone, Copy)]
pub struct Encrypted;

/// The wish to end what carries a request's answer, even though the client does not read it: the connection of
/// HTTP/1.1, the stream of HTTP/2. The listener puts one into every request and heeds it.
#[derive(Debug, Clone, Default)]
pub struct Cutoff(CancellationToken);

impl Cutoff {
    /// Asks for the end.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Resolves when the end has been asked for.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }
}

const CLUSTER_UUID: HeaderName = HeaderName::from_static("cluster-uuid");
const BUILD: HeaderName = HeaderName::from_static("x-influxdb-build");
const VERSION: HeaderName = HeaderName::from_static("x-influxdb-version");

/// All dialects over one service. `metrics` says who may see them.
pub fn router_with(service: Arc<Service>, metrics: MetricsAccess) -> Router {
    let cluster = HeaderValue::from_str(&service.identity().cluster.to_string()).ok();
    let build = HeaderValue::from_static(match service.profile() {
        Profile::SelfHosted => "OSS",
        Profile::Cloud => "Cloud",
    });
    let (router, document) = routes().split_for_parts();
    let (v2, v2_document) = v2::routes().split_for_parts();
    let methods = Arc::new(Methods::of([document, v2_document]));
    let metrics = Arc::new(Metrics::new(&service, metrics));
    let measured = metrics.clone();
    router
        .merge(v2)
        .fallback(fallback::unknown_route)
        .method_not_allowed_fallback(fallback::wrong_method)
        .with_state(service)
        .layer(middleware::from_fn(cors::share))
        .layer(middleware::from_fn(unread::announce_close))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let (cluster, build) = (cluster.clone(), build.clone());
            async move { name_server(next.run(request).await, cluster, build) }
        }))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let metrics = measured.clone();
            async move { metrics.measure(request, next).await }
        }))
        .layer(Extension(metrics))
        .layer(Extension(methods))
        .layer(Extension(v2::Started::now()))
}

/// All dialects over one service; metrics are for management tokens only.
pub fn router(service: Arc<Service>) -> Router {
    router_with(service, MetricsAccess::ManagementTokens)
}

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    openapi::base().merge(management::routes()).merge(data::routes()).merge(health::routes()).merge(metrics::routes())
}

/// Says which server answers. Clients choose by the build what they ask of it.
fn name_server(mut response: Response, cluster: Option<HeaderValue>, build: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(BUILD, build);
    headers.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    if let Some(cluster) = cluster {
        headers.insert(CLUSTER_UUID, cluster);
    }
    response
}
