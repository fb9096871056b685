//! `/api/v2/setup` (contract §5.8): the first user, organization, bucket and token of a new server.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{FORWARDED, ORIGIN, VIA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tidegate_model::{PlainToken, Retention};
use tidegate_service::{Door, Service, SetupAuthority, SetupRequest};
use utoipa::ToSchema;

use super::answer;
use super::authorization::Authorization;
use super::body::{integer, object_of_anybody};
use super::buckets::{Bucket, bucket_name};
use super::description::given_name;
use super::error::{ApiError, Refused};
use super::given;
use super::orgs::Org;
use super::refuse_in_cloud;
use super::users::User;
use crate::Peer;
use crate::credential::{self, Presented};

const SECOND: i64 = 1_000_000_000;

#[derive(Serialize, ToSchema)]
pub(super) struct Allowed {
    /// Whether the server can be set up: true while there was never a user.
    allowed: bool,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct SetUp {
    #[schema(schema_with = given_name, required = true)]
    username: Option<String>,
    #[schema(schema_with = given_name, required = true)]
    org: Option<String>,
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9/-][A-Za-z0-9_/-]{0,63}$")]
    bucket: Option<String>,
    /// Of the user; absent = nobody can sign in as this user yet.
    #[schema(min_length = 8, max_length = 1024)]
    password: Option<String>,
    /// The token to use; absent = one is made.
    token: Option<String>,
    /// How long rows are kept, in seconds; 0 or absent keeps them for ever.
    #[serde(default, rename = "retentionPeriodSeconds", deserialize_with = "integer")]
    #[schema(minimum = 0, maximum = 9223372036i64)]
    seconds: Option<i64>,
    /// The same in nanoseconds.
    #[serde(default, rename = "retentionPeriodHrs", deserialize_with = "integer")]
    #[schema(minimum = 0, maximum = 9223372036854775807i64)]
    nanos: Option<i64>,
}

/// What the server has now. This answer is the only place where the token is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct SetupDone {
    user: User,
    org: Org,
    bucket: Bucket,
    auth: Authorization,
}

/// Says whether the server can be set up.
#[utoipa::path(get, path = "/api/v2/setup", tag = "setup", operation_id = "GetSetup",
    responses((status = 200, description = "Whether it can", body = Allowed), Refused<404>))]
pub(super) async fn allowed(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    Ok(answer::json(StatusCode::OK, &Allowed { allowed: service.setup_allowed() }))
}

/// Makes the first user, who owns the organization, and a token that may do everything. Needs a management token, or
/// must come from this machine itself.
#[utoipa::path(post, path = "/api/v2/setup", tag = "setup", operation_id = "PostSetup",
    request_body = SetUp,
    responses((status = 201, description = "What the server has now", body = SetupDone),
        Refused<400>, Refused<401>, Refused<403>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn set_up(
    State(service): State<Arc<Service>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let authority = match credential::from_headers(&headers) {
        Presented::Token(_, token) => {
            SetupAuthority::Management(service.enter(&token, Door::Management, peer.ip()).await?)
        }
        _ if comes_from_this_machine(peer, &headers) => SetupAuthority::Local,
        _ => SetupAuthority::Remote,
    };
    // Whoever may not do this need not send what he wants.
    service.check_setup(&authority)?;
    let request = request(object_of_anybody(body).await?)?;
    let done = service.set_up(request, authority).await?;
    let auth = Authorization::new(&service, &done.record, "/api/v2/authorizations")?.with_secret(&done.token);
    let shown = SetupDone {
        user: User::new(&done.user),
        org: Org::new(&done.organization),
        bucket: Bucket::new(&done.database),
        auth,
    };
    Ok(answer::json(StatusCode::CREATED, &shown))
}

fn request(given: SetUp) -> Result<SetupRequest, ApiError> {
    let there = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if !(there(&given.username) && there(&given.org) && there(&given.bucket)) {
        let message = "onboarding failed: missing required fields [username,org,bucket]";
        return Err(ApiError::unprocessable(message));
    }
    let secret = |text: Option<String>| text.filter(|text| !text.is_empty()).map(PlainToken::from_presented);
    Ok(SetupRequest {
        username: given::name(given.username.as_deref(), "user name is empty")?,
        password: secret(given.password),
        organization: given::name(given.org.as_deref(), "org name is empty")?,
        database: bucket_name(given.bucket.as_deref())?,
        retention: retention(given.seconds, given.nanos)?,
        token: secret(given.token),
    })
}

fn retention(seconds: Option<i64>, nanos: Option<i64>) -> Result<Retention, ApiError> {
    let nanos = match seconds {
        Some(seconds) => seconds.checked_mul(SECOND),
        None => Some(nanos.unwrap_or_default()),
    };
    let invalid = || ApiError::invalid("the retention period must not be negative, nor longer than 292 years");
    nanos.and_then(Retention::from_nanos).ok_or_else(invalid)
}

/// Whether the request was made on this machine, and by no proxy or web page on behalf of somebody else.
fn comes_from_this_machine(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let speaks_for_another = headers.keys().any(|name| {
        [FORWARDED, VIA, ORIGIN].contains(name) || name == "x-real-ip" || name.as_str().starts_with("x-forwarded")
    });
    peer.ip().to_canonical().is_loopback() && !speaks_for_another
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_this_machine_itself_is_local() {
        let headers =
            |name: &'static str| HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("x"))]);
        for local in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            let local = local.parse().unwrap();
            assert!(comes_from_this_machine(local, &headers("user-agent")), "{local}");
            for name in ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "origin"] {
                assert!(!comes_from_this_machine(local, &headers(name)), "{local} {name}");
            }
        }
        for remote in ["192.0.2.1:1", "[2001:db8::1]:1", "0.0.0.0:1"] {
            assert!(!comes_from_this_machine(remote.parse().unwrap(), &HeaderMap::new()), "{remote}");
        }
    }

    #[test]
    fn seconds_win_over_nanoseconds() {
        assert_eq!(retention(None, None), Ok(Retention::FOREVER));
        assert_eq!(retention(Some(1), Some(5)).map(Retention::nanos), Ok(SECOND));
        assert_eq!(retention(None, Some(5)).map(Retention::nanos), Ok(5));
        assert!(retention(Some(i64::MAX), None).is_err());
        assert!(retention(Some(-1), None).is_err());
    }

    #[test]
    fn all_three_names_are_needed() {
        let full = r#"{"username":"u","org":"o","bucket":"b","token":"","password":null}"#;
        let read = |text: &str| request(serde_json::from_str(text).unwrap());
        assert!(read(full).is_ok_and(|request| request.token.is_none() && request.password.is_none()));
        for text in [full.replace(r#""u""#, "null"), full.replace(r#""o""#, r#""""#), full.replace("bucket", "x")] {
            let refused = read(&text).unwrap_err();
            assert_eq!(refused.message(), "onboarding failed: missing required fields [username,org,bucket]", "{text}");
        }
    }
}
