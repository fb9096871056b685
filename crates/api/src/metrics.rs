//! `GET /metrics`: what the server counts and times of itself, as Prometheus reads it (data-plane contract §8).
//!
//! Labels come from closed sets: templates of routes, known methods, classes of status, words for refusals. Nothing that a
//! client sends can become one.

use std::fmt::{self, Debug};
use std::sync::{Arc, Weak};
use std::time::Instant;

use axum::extract::{Extension, FromRequestParts as _, MatchedPath, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tidegate_service::{Counts, Service};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::management::{Caller, ErrorBody, ManagementError};
use crate::openapi::Refusal;
use crate::{Cutoff, carrier};

const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
/// Requests without a route.
const NO_ROUTE: &str = "none";
const REQUEST_SECONDS: [f64; 12] = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];
const NANOSECONDS: f64 = 1e9;

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Whoever holds a management token.
    ManagementTokens,
    /// Everybody who can reach the server.
    Everybody,
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What the edge measures, and the registry of everything.
pub(crate) struct Metrics {
    access: MetricsAccess,
    registry: Registry,
    requests: Family<Served, Histogram, fn() -> Histogram>,
    refused: Family<Refused, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

impl Metrics {
    pub(crate) fn new(service: &Arc<Service>, access: MetricsAccess) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(REQUEST_SECONDS);
        let (requests, refused) = (Family::new_with_constructor(histogram), Family::default());
        let mut registry = Registry::with_prefix("tidegate");
        registry.register_with_unit(
            "http_request_duration",
            "Time until an answer begins, by route, method and class of status",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register(
            "http_refused_requests",
            "Requests that were answered with a refusal, by reason",
            refused.clone(),
        );
        registry.register_collector(Box::new(OfService(Arc::downgrade(service))));
        Self { access, registry, requests, refused }
    }

    /// Serves a request and counts it.
    pub(crate) async fn measure(&self, request: Request, next: Next) -> Response {
        let start = Instant::now();
        let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
        let method = known_method(request.method());
        let response = next.run(request).await;
        let status = class(response.status());
        self.requests.get_or_create(&Served { route, method, status }).observe(start.elapsed().as_secs_f64());
        if let Some(reason) = refusal(response.status()) {
            self.refused.get_or_create(&Refused { reason }).inc();
        }
        response
    }
}

fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// Why a request was not served. Says no more than the answer did: an unknown token counts as a revoked one does.
fn refusal(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNPROCESSABLE_ENTITY => "limit",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        status if status.is_client_error() => "invalid",
        status if status.is_server_error() => "internal",
        _ => return None,
    })
}

/// What the service measures. Does not keep it alive.
struct OfService(Weak<Service>);

impl Debug for OfService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfService")
    }
}

impl Collector for OfService {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(service) = self.0.upgrade() else { return Ok(()) };
        let measured = service.measurements();
        for (name, help, histogram) in [
            ("token_check_duration", "Time to find out who is calling", &measured.token_checks),
            ("write_duration", "Time of stored writes, from parsing to the sync of the log", &measured.writes),
            ("query_duration", "Time of queries until their last row or their end", &measured.queries),
            ("revocation_duration", "Time until nothing of a revoked token was left", &measured.revocations),
        ] {
            encode_counts(&mut encoder, name, help, Some(&Unit::Seconds), NANOSECONDS, &histogram.counts())?;
        }
        let help = "Requests without a usable credential, also of clients that did not wait for the answer";
        let refused = measured.refused_credentials.count();
        encoder
            .encode_descriptor("refused_credentials", help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&refused, None)?;
        let (lines, bytes) = (measured.write_lines.counts(), measured.write_bytes.counts());
        encode_counts(&mut encoder, "write_lines", "Lines of stored writes", None, 1.0, &lines)?;
        encode_counts(&mut encoder, "write_size", "Line protocol of stored writes", Some(&Unit::Bytes), 1.0, &bytes)?;
        for (name, help, value) in [
            ("credentials", "Credentials that can be used", service.credential_count()),
            ("running_queries", "Queries at work", service.running_queries()),
        ] {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

/// Writes a histogram whose values are `per_unit` times those to be shown.
fn encode_counts(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    per_unit: f64,
    counts: &Counts,
) -> fmt::Result {
    let bound = |bound: Option<u64>| bound.map_or(f64::INFINITY, |bound| bound as f64 / per_unit);
    let buckets: Vec<(f64, u64)> = counts.buckets.iter().map(|(upper, count)| (bound(*upper), *count)).collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(counts.sum as f64 / per_unit, count, &buckets, None)
}

/// What the server counts and times of itself, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", security(("management_token" = [])),
    responses((status = 200, description = "The metrics",
            content((String = "text/plain"), (String = "application/openmetrics-text"))),
        Refusal<ErrorBody, 401>, Refusal<ErrorBody, 500>))]
async fn metrics(
    State(service): State<Arc<Service>>,
    Extension(metrics): Extension<Arc<Metrics>>,
    Extension(cutoff): Extension<Cutoff>,
    request: Request,
) -> Response {
    let (mut parts, _body) = request.into_parts();
    let caller = match metrics.access {
        MetricsAccess::Everybody => None,
        MetricsAccess::ManagementTokens => match Caller::from_request_parts(&mut parts, &service).await {
            Ok(Caller(entry)) => Some(entry),
            Err(error) => return error.into_response(),
        },
    };
    let mut text = String::new();
    if encode(&mut text, &metrics.registry).is_err() {
        return ManagementError::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be shown").into_response();
    }
    let body = match caller {
        Some(entry) => carrier::guarded(stream::iter([Ok(text.into())]), entry, cutoff),
        None => text.into(),
    };
    let mut response = Response::new(body);
    let content_type = if wants_open_metrics(&parts.headers) { OPEN_METRICS } else { PROMETHEUS };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accept.flat_map(|value| value.split(',')).any(|range| range.trim().starts_with("application/openmetrics-text"))
}
