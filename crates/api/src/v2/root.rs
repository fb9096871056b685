//! What the API has, and whether it is there (contract §5.2).

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use tidegate_model::{Clock as _, ResourceType, SystemClock, Timestamp, TypeScope};
use tidegate_service::{Profile, Service};
use utoipa::ToSchema;

use super::answer;
use super::caller::V2Caller;

/// When this server began to answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Started {
    at: Timestamp,
    since: Instant,
}

impl Started {
    pub(crate) fn now() -> Self {
        Self { at: SystemClock.now(), since: Instant::now() }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// Always `ready`: a server that is not ready does not listen yet.
    #[schema(value_type = String)]
    status: &'static str,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    started: String,
    /// How long ago that was, such as `1h2m3.4s`.
    up: String,
}

/// Lists the paths of the API. Those of things that this server does not have are listed as well: clients take the
/// list for the names of what there could be.
#[utoipa::path(get, path = "/api/v2", tag = "v2 server", operation_id = "GetRoutes",
    responses((status = 200, description = "Paths by name", body = Object)))]
pub(super) async fn routes() -> Response {
    answer::json(StatusCode::OK, &paths())
}

fn paths() -> Value {
    let plain = [
        "authorizations",
        "backup",
        "buckets",
        "checks",
        "dashboards",
        "dbrps",
        "delete",
        "flags",
        "labels",
        "me",
        "notificationEndpoints",
        "notificationRules",
        "orgs",
        "plugins",
        "resources",
        "restore",
        "scrapers",
        "setup",
        "signin",
        "signout",
        "sources",
        "swagger",
        "tasks",
        "telegrafs",
        "users",
        "variables",
        "write",
    ];
    let mut paths: serde_json::Map<_, _> =
        plain.into_iter().map(|name| (name.to_owned(), Value::from(format!("/api/v2/{name}")))).collect();
    let query = |rest: &str| format!("/api/v2/query{rest}");
    let groups = [
        ("external", json!({ "statusFeed": "https://www.influxdata.com/feed/json" })),
        (
            "query",
            json!({
                "self": query(""),
                "ast": query("/ast"),
                "analyze": query("/analyze"),
                "suggestions": query("/suggestions"),
            }),
        ),
        ("system", json!({ "metrics": "/metrics", "debug": "/debug/pprof", "health": "/health", "ready": "/ready" })),
    ];
    paths.extend(groups.map(|(name, group)| (name.to_owned(), group)));
    Value::Object(paths)
}

/// Lists the types of resources that permissions can be about.
#[utoipa::path(get, path = "/api/v2/resources", tag = "v2 server", operation_id = "GetResources",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    responses((status = 200, description = "The types", body = Vec<String>)))]
pub(super) async fn resources(State(service): State<Arc<Service>>, V2Caller(_caller): V2Caller) -> Response {
    answer::json(StatusCode::OK, &types(service.profile()))
}

fn types(profile: Profile) -> Vec<&'static str> {
    let unknown = match profile {
        Profile::SelfHosted => TypeScope::Cloud,
        Profile::Cloud => TypeScope::SelfHosted,
    };
    ResourceType::ALL.iter().filter(|kind| kind.scope() != unknown).map(|kind| kind.as_str()).collect()
}

/// Says since when the server is ready.
#[utoipa::path(get, path = "/ready", tag = "v2 server", operation_id = "GetReady",
    responses((status = 200, description = "The server is ready", body = Ready)))]
pub(super) async fn ready(Extension(started): Extension<Started>) -> Response {
    let up = duration(started.since.elapsed().as_millis());
    answer::json(StatusCode::OK, &Ready { status: "ready", started: started.at.to_string(), up })
}

/// Such as `1h2m3.4s`, without leading zeros.
fn duration(millis: u128) -> String {
    let (seconds, minutes, hours) = (millis / 1000 % 60, millis / 60_000 % 60, millis / 3_600_000);
    let fraction = format!("{:03}", millis % 1000);
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{fraction}s"),
        (0, _) => format!("{minutes}m{seconds}{fraction}s"),
        _ => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_by_unit() {
        for (millis, text) in
            [(0, "0s"), (3_400, "3.4s"), (60_000, "1m0s"), (3_723_400, "1h2m3.4s"), (360_000_007, "100h0m0.007s")]
        {
            assert_eq!(duration(millis), text);
        }
    }

    #[test]
    fn each_profile_has_its_types_beside_the_common_ones() {
        let (own, cloud) = (types(Profile::SelfHosted), types(Profile::Cloud));
        assert_eq!((own.len(), cloud.len()), (23, 20));
        assert_eq!(own[..17], cloud[..17]);
        assert!(own.contains(&"instance") && cloud.contains(&"flows"));
    }

    #[test]
    fn groups_are_objects_and_the_rest_are_paths() {
        let paths = paths();
        assert_eq!(paths["authorizations"], "/api/v2/authorizations");
        assert_eq!(paths["query"]["self"], "/api/v2/query");
        assert_eq!(paths["system"]["ready"], "/ready");
    }
}
