//! The three write endpoints (data-plane contract §4).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde::de::DeserializeOwned;
use tidegate_line_protocol::Precision;
use tidegate_model::{Action, CredentialId, DatabaseId, DatabaseName, DatabaseNameError};
use tidegate_service::{Entry, Forbidden, Service, ServiceError, WriteBatch};

use super::body;
use super::caller::{Otherwise, enter};
use super::description::ContentEncoding;
use super::error::{Dialect, V1Refused, V2Refused, V3Refused, partial_write};
use super::parameters::{
    OrganizationParameters, V1Parameters, V2Parameters, V3Parameters, precision_v1_v2, precision_v3, switch,
    v1_database,
};
use super::written;
use crate::Peer;
use crate::v2::is_v1_name;

/// Writes line protocol, as v1 clients do. All lines or none.
#[utoipa::path(post, path = "/write", tag = "write", operation_id = "WriteV1",
    security(("database_token" = []), ("database_token_scheme" = []), ("database_token_basic" = []),
        ("database_token_parameter" = [])),
    params(V1Parameters, ContentEncoding),
    request_body(content = String, content_type = "text/plain", description = "Line protocol"),
    responses((status = 204, description = "Written and synced to disk"), V1Refused<400>, V1Refused<401>,
        V1Refused<403>, V1Refused<404>, V1Refused<413>, V1Refused<500>, V1Refused<503>))]
pub(super) async fn write_v1(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let dialect = Dialect::V1;
    let parameters = parse(query.as_deref()).unwrap_or_default();
    let entry = enter(&service, dialect, peer, &headers, Otherwise::Passwords(parameters)).await?;
    let invalid = |reason| dialect.invalid(format!("failed to deserialize db/rp/precision in request: {reason}"));
    if query.is_none() {
        return Err(dialect.invalid("no db destination provided"));
    }
    let parameters: V1Parameters = parse(query.as_deref()).map_err(invalid)?;
    let db = parameters.db.ok_or_else(|| invalid("missing field `db`".to_owned()))?;
    let precision = precision_v1_v2(parameters.precision.as_deref()).map_err(invalid)?;
    let database = v1_target(&service, &entry, &db, parameters.rp.as_deref()).map_err(|missing| match missing {
        NoTarget::Hidden => dialect.forbidden(Forbidden::NoGrant),
        NoTarget::BadName(error) => bad_name(dialect, &error),
    })?;
    let target = Target { database, precision, accept_partial: false };
    write(&service, dialect, entry, target, &headers, body).await
}

/// Writes line protocol, as v2 clients do. All lines or none.
#[utoipa::path(post, path = "/api/v2/write", tag = "write", operation_id = "WriteV2",
    security(("database_token" = []), ("database_token_scheme" = []), ("database_token_basic" = [])),
    params(V2Parameters, ("org" = Option<String>, Query,
        description = "Ignored but with a session, where it must be the session's own"), ContentEncoding),
    request_body(content = String, content_type = "text/plain", description = "Line protocol"),
    responses((status = 204, description = "Written and synced to disk"), V2Refused<400>, V2Refused<401>,
        V2Refused<403>, V2Refused<404>, V2Refused<413>, V2Refused<500>, V2Refused<503>))]
pub(super) async fn write_v2(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let dialect = Dialect::V2;
    let entry = enter(&service, dialect, peer, &headers, Otherwise::Session(method, uri)).await?;
    if query.is_none() {
        return Err(dialect.invalid("no org/bucket destination provided"));
    }
    let invalid = |reason| dialect.invalid(format!("failed to deserialize org/bucket/precision in request: {reason}"));
    let parameters: V2Parameters = parse(query.as_deref()).map_err(invalid)?;
    let bucket =
        parameters.bucket.filter(|bucket| !bucket.is_empty()).ok_or_else(|| dialect.invalid("missing bucket value"))?;
    let precision = precision_v1_v2(parameters.precision.as_deref()).map_err(invalid)?;
    if matches!(entry.credential_id(), CredentialId::Session(_)) {
        let meant: OrganizationParameters = parse(query.as_deref()).map_err(invalid)?;
        if !meant.is_or_is_none(service.organization_of(&entry), &service) {
            return Err(dialect.answer(StatusCode::NOT_FOUND, "not found", "organization not found"));
        }
    }
    let database = v2_target(&service, &entry, &bucket).map_err(|error| bad_name(dialect, &error))?;
    let target = Target { database, precision, accept_partial: false };
    write(&service, dialect, entry, target, &headers, body).await
}

/// Writes line protocol. Good lines are written even if others are bad, unless `accept_partial=false`.
#[utoipa::path(post, path = "/api/v3/write_lp", tag = "write", operation_id = "WriteV3",
    security(("database_token" = []), ("database_token_scheme" = []), ("database_token_basic" = [])),
    params(V3Parameters, ContentEncoding),
    request_body(content = String, content_type = "text/plain", description = "Line protocol"),
    responses((status = 204, description = "Written and synced to disk"), V3Refused<400>, V3Refused<401>,
        V3Refused<403>, V3Refused<404>, V3Refused<413>, V3Refused<422>, V3Refused<500>, V3Refused<503>))]
pub(super) async fn write_v3(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let dialect = Dialect::V3;
    let entry = enter(&service, dialect, peer, &headers, Otherwise::Nothing).await?;
    if query.is_none() {
        return Err(dialect.invalid("missing query parameter 'db'"));
    }
    let invalid = |reason| dialect.invalid(format!("serde error: {reason}"));
    let parameters: V3Parameters = parse(query.as_deref()).map_err(invalid)?;
    let db = parameters.db.ok_or_else(|| invalid("missing field `db`".to_owned()))?;
    let precision = precision_v3(parameters.precision.as_deref()).map_err(invalid)?;
    let accept_partial = switch("accept_partial", parameters.accept_partial.as_deref(), true).map_err(invalid)?;
    switch("no_sync", parameters.no_sync.as_deref(), false).map_err(invalid)?;
    let database = db.parse().map_err(|error| bad_name(dialect, &error))?;
    let target = Target { database, precision, accept_partial };
    write(&service, dialect, entry, target, &headers, body).await
}

/// Why a v1 request means no database.
enum NoTarget {
    /// There is none, which is not for this caller to know.
    Hidden,
    BadName(DatabaseNameError),
}

/// The database that a v1 request means: where a mapping leads, else the one that is called so.
fn v1_target(service: &Service, entry: &Entry, db: &str, rp: Option<&str>) -> Result<DatabaseName, NoTarget> {
    let policy = rp.filter(|rp| !rp.is_empty());
    if let Some(mapped) = service.mapped_database_for(entry, db, policy) {
        return Ok(mapped);
    }
    // No database can be called so, but a mapping may: whether there is one is not for everybody.
    let can_be_mapped = is_v1_name(db) && policy.is_none_or(is_v1_name);
    v1_database(db, rp).parse().map_err(|error| {
        let is_hidden = can_be_mapped && !entry.covers_every_database(Action::Write);
        if is_hidden { NoTarget::Hidden } else { NoTarget::BadName(error) }
    })
}

/// The database that a v2 request means: by name, else by id.
fn v2_target(service: &Service, entry: &Entry, bucket: &str) -> Result<DatabaseName, DatabaseNameError> {
    let name: DatabaseName = bucket.parse()?;
    let organization = service.organization_of(entry);
    if service.find_database(organization, &name).is_some() {
        return Ok(name);
    }
    let id = bucket.parse().ok().and_then(DatabaseId::from_resource);
    Ok(id.and_then(|id| service.database_name(id, Some(organization))).unwrap_or(name))
}

/// Where the lines go, and how they are read.
struct Target {
    database: DatabaseName,
    precision: Precision,
    accept_partial: bool,
}

async fn write(
    service: &Arc<Service>,
    dialect: Dialect,
    entry: Entry,
    target: Target,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let Target { database, precision, accept_partial } = target;
    let permit = service.permit(&entry, Action::Write, &database).map_err(|forbidden| dialect.forbidden(forbidden))?;
    let body::Text { text: body, budget: _budget } = body::text(dialect, &entry, headers, body).await?;
    match service.write(entry, permit, WriteBatch { body, precision, accept_partial }).await {
        Ok(outcome) if outcome.rejected.is_empty() => Ok(written()),
        Ok(outcome) => Err(partial_write(&outcome.rejected, true)),
        Err(ServiceError::WriteRejected(lines)) if accept_partial => Err(partial_write(&lines, false)),
        Err(error) => Err(dialect.service_error(error)),
    }
}

fn parse<T: DeserializeOwned + Default>(query: Option<&str>) -> Result<T, String> {
    query.map_or_else(|| Ok(T::default()), |query| serde_urlencoded::from_str(query).map_err(|error| error.to_string()))
}

fn bad_name(dialect: Dialect, error: &DatabaseNameError) -> Response {
    dialect.invalid(error.to_string())
}
