//! `/api/v2/dbrps` (contract §5.6): which bucket a v1 database and retention policy mean.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tidegate_model::{Mapping, MappingId, OrganizationId, ResourceId};
use tidegate_service::{Entry, MappingChange, MappingRequest, Profile, Service, VisibleMapping};
use utoipa::{IntoParams, ToSchema};

use super::answer;
use super::authorization::organization_named;
use super::body::object;
use super::buckets::database_id;
use super::caller::V2Caller;
use super::description::{given_id, given_id_or_empty, id as id_schema};
use super::error::{ApiError, Refused};
use super::given;
use super::parameters::{IdOfPath, Parameters};
use crate::Cutoff;

/// A mapping.
#[derive(Serialize, ToSchema)]
pub(super) struct Dbrp {
    #[schema(schema_with = id_schema)]
    id: String,
    #[serde(rename = "orgID")]
    #[schema(schema_with = id_schema)]
    org_id: String,
    #[serde(rename = "bucketID")]
    #[schema(schema_with = id_schema)]
    bucket_id: String,
    /// The v1 database.
    database: String,
    /// The v1 retention policy.
    retention_policy: String,
    /// Whether this is what the v1 database means without a retention policy.
    default: bool,
    /// True if nobody made it: it follows from the name of the bucket and cannot be changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    r#virtual: bool,
}

/// One mapping, or all of them.
#[derive(Serialize, ToSchema)]
pub(super) struct Content<T> {
    content: T,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct CreateDbrp {
    /// Letters, digits, `_`, `-` and `.`.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    database: Option<String>,
    /// Letters, digits, `_`, `-` and `.`.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    retention_policy: Option<String>,
    #[serde(default, rename = "bucketID", deserialize_with = "given::id")]
    #[schema(schema_with = given_id, required = true)]
    bucket_id: Option<ResourceId>,
    #[serde(default, rename = "orgID", deserialize_with = "given::id")]
    #[schema(schema_with = given_id, required = true)]
    org_id: Option<OrganizationId>,
    /// The name of the organization, in place of its id.
    #[schema(ignore)]
    org: Option<String>,
    /// The first mapping of a v1 database is the default one in any case.
    default: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct UpdateDbrp {
    default: Option<bool>,
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    retention_policy: Option<String>,
}

/// Which organization is meant.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct OfOrg {
    /// The organization; its name as `org` does as well.
    #[param(rename = "orgID", pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")]
    org_id: String,
}

/// Which mappings are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct Filter {
    #[param(schema_with = given_id_or_empty, required = false)]
    id: Option<String>,
    #[param(rename = "bucketID", schema_with = given_id_or_empty, required = false)]
    bucket_id: Option<String>,
    /// The v1 database.
    db: Option<String>,
    /// The v1 retention policy.
    rp: Option<String>,
    default: Option<bool>,
}

impl Dbrp {
    fn new(mapping: &Mapping, is_virtual: bool) -> Self {
        Self {
            id: mapping.id.to_string(),
            org_id: mapping.organization.to_string(),
            bucket_id: ResourceId::from(mapping.database).to_string(),
            database: mapping.v1_database.clone(),
            retention_policy: mapping.retention_policy.clone(),
            default: mapping.is_default,
            r#virtual: is_virtual,
        }
    }

    fn of(visible: &VisibleMapping) -> Self {
        Self::new(&visible.mapping, visible.is_virtual)
    }
}

/// The organization that the query string names.
fn organization(service: &Service, caller: &Entry, parameters: &Parameters) -> Result<OrganizationId, ApiError> {
    chosen(service, caller, parameters.id("orgID")?, parameters.get("org"))
}

fn chosen(
    service: &Service,
    caller: &Entry,
    id: Option<OrganizationId>,
    name: Option<&str>,
) -> Result<OrganizationId, ApiError> {
    match (id, name) {
        (Some(id), _) => Ok(id),
        (None, Some(name)) => organization_named(service, name),
        (None, None) if service.profile() == Profile::Cloud => Ok(service.organization_of(caller)),
        (None, None) => Err(ApiError::invalid("either 'org' or 'orgID' must be provided")),
    }
}

/// Lists the mappings that the caller may see: those that somebody made, by id, then those that follow from the names of
/// buckets.
#[utoipa::path(get, path = "/api/v2/dbrps", tag = "dbrps", operation_id = "GetDBRPs",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(OfOrg, Filter),
    responses((status = 200, description = "The mappings", body = Content<Vec<Dbrp>>), Refused<400>, Refused<404>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (id, bucket) = (parameters.id::<MappingId>("id")?, parameters.id::<ResourceId>("bucketID")?);
    let default = parameters.switch("default")?;
    let organization = organization(&service, &caller, &parameters)?;
    let (db, rp) = (parameters.get("db"), parameters.get("rp"));
    let mut mappings = service.mappings(&caller, organization);
    mappings.retain(|VisibleMapping { mapping, .. }| {
        id.is_none_or(|id| mapping.id == id)
            && bucket.is_none_or(|bucket| ResourceId::from(mapping.database) == bucket)
            && db.is_none_or(|db| mapping.v1_database == db)
            && rp.is_none_or(|rp| mapping.retention_policy == rp)
            && default.is_none_or(|default| mapping.is_default == default)
    });
    let content: Vec<_> = mappings.iter().map(Dbrp::of).collect();
    Ok(answer::guarded(&Content { content }, caller, cutoff))
}

/// Makes a mapping.
#[utoipa::path(post, path = "/api/v2/dbrps", tag = "dbrps", operation_id = "PostDBRP",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    request_body = CreateDbrp,
    responses((status = 201, description = "The new mapping", body = Dbrp),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    body: Body,
) -> Result<Response, ApiError> {
    let request: CreateDbrp = object(&caller, body).await?;
    let missing = |what: &str| ApiError::invalid(format!("{what} is required"));
    let v1_database = v1_name("database", &request.database.ok_or_else(|| missing("database"))?)?;
    let policy = request.retention_policy.ok_or_else(|| missing("retention_policy"))?;
    let retention_policy = v1_name("retention_policy", &policy)?;
    let bucket = request.bucket_id.ok_or_else(|| missing("bucketID"))?;
    let name = request.org.as_deref().filter(|name| !name.is_empty());
    let organization = chosen(&service, &caller, request.org_id, name)?;
    let request = MappingRequest {
        organization,
        database: database_id(bucket)?,
        v1_database,
        retention_policy,
        is_default: request.default.unwrap_or_default(),
    };
    let mapping = service.create_mapping(caller, request).await?;
    Ok(answer::json(StatusCode::CREATED, &Dbrp::new(&mapping, false)))
}

/// Shows one mapping.
#[utoipa::path(get, path = "/api/v2/dbrps/{dbrpID}", tag = "dbrps", operation_id = "GetDBRPsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("dbrpID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$"), OfOrg),
    responses((status = 200, description = "The mapping", body = Content<Dbrp>), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<MappingId>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let organization = organization(&service, &caller, &parameters)?;
    let found = service.mapping(&caller, organization, id)?;
    Ok(answer::guarded(&Content { content: Dbrp::of(&found) }, caller, cutoff))
}

/// Changes a mapping that somebody made.
#[utoipa::path(patch, path = "/api/v2/dbrps/{dbrpID}", tag = "dbrps", operation_id = "PatchDBRPID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("dbrpID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$"), OfOrg), request_body = UpdateDbrp,
    responses((status = 200, description = "The mapping as it is now", body = Content<Dbrp>),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<MappingId>,
    parameters: Parameters,
    body: Body,
) -> Result<Response, ApiError> {
    let organization = organization(&service, &caller, &parameters)?;
    let request: UpdateDbrp = object(&caller, body).await?;
    let retention_policy = request.retention_policy.map(|name| v1_name("retention_policy", &name)).transpose()?;
    let change = MappingChange { default: request.default, retention_policy };
    let mapping = service.update_mapping(caller, organization, id, change).await?;
    Ok(answer::json(StatusCode::OK, &Content { content: Dbrp::new(&mapping, false) }))
}

/// Deletes a mapping that somebody made.
#[utoipa::path(delete, path = "/api/v2/dbrps/{dbrpID}", tag = "dbrps", operation_id = "DeleteDBRPID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("dbrpID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$"), OfOrg),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<MappingId>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let organization = organization(&service, &caller, &parameters)?;
    service.delete_mapping(caller, organization, id).await?;
    Ok(answer::no_content())
}

/// Longest v1 name, in bytes.
const LONGEST_V1_NAME: usize = 64;

fn v1_name(member: &str, name: &str) -> Result<String, ApiError> {
    if is_v1_name(name) {
        return Ok(name.to_owned());
    }
    Err(ApiError::invalid(format!("{member} must have 1 to {LONGEST_V1_NAME} letters, digits, '_', '-' and '.'")))
}

/// Whether there can be a mapping of a v1 database or retention policy that is called so.
pub(crate) fn is_v1_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=LONGEST_V1_NAME).contains(&name.len()) && name.bytes().all(allowed)
}
