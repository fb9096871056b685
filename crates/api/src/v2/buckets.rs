//! `/api/v2/buckets` (contract §5.5). A bucket is a database under its v2 name.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tidegate_model::{
    Database, DatabaseChange, DatabaseId, DatabaseLimits, DatabaseName, DatabaseNameError, NewDatabase, OrganizationId,
    ResourceId, Retention,
};
use tidegate_service::{DatabaseUpdate, Entry, Profile, Service};
use utoipa::openapi::Object;
use utoipa::{IntoParams, ToSchema};

use super::answer;
use super::authorization::organization_named;
use super::body::{integer, object};
use super::caller::V2Caller;
use super::description::{given_id, given_id_or_empty, given_text_or_null, id as id_schema};
use super::error::{ApiError, Refused};
use super::given;
use super::paging::{Page, PageLinks, Paged, Paging};
use super::parameters::{IdOfPath, Parameters};
use crate::Cutoff;
use crate::openapi::{one_of, one_of_or_null};

const PATH: &str = "/api/v2/buckets";
const SECOND: i64 = 1_000_000_000;
/// How long the cloud service keeps rows unless it is told otherwise.
const CLOUD_RETENTION: i64 = 30 * 24 * 60 * 60 * SECOND;

/// A bucket.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bucket {
    #[schema(schema_with = id_schema)]
    id: String,
    #[serde(rename = "orgID")]
    #[schema(schema_with = id_schema)]
    org_id: String,
    #[serde(rename = "type")]
    #[schema(schema_with = types)]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    description: String,
    #[schema(schema_with = schema_types)]
    schema_type: &'static str,
    /// At most one; none keeps rows for ever.
    retention_rules: Vec<RetentionRule>,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    labels: [(); 0],
    links: BucketLinks,
}

/// How long rows are kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RetentionRule {
    #[serde(rename = "type")]
    #[schema(schema_with = rule_types)]
    kind: &'static str,
    #[schema(minimum = 1)]
    every_seconds: i64,
}

#[derive(Serialize, ToSchema)]
struct BucketLinks {
    #[serde(rename = "self")]
    this: String,
    org: String,
    members: String,
    owners: String,
    labels: String,
    write: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Buckets {
    links: PageLinks,
    buckets: Vec<Bucket>,
}

/// How long rows are to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GivenRule {
    #[serde(rename = "type")]
    #[schema(schema_with = rule_types_or_null, required = false)]
    kind: Option<String>,
    /// 0 keeps rows for ever.
    #[serde(default, deserialize_with = "integer")]
    #[schema(value_type = i64, required = true, minimum = 0, maximum = 9223372036i64)]
    every_seconds: Option<i64>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateBucket {
    /// 1 to 64 of ASCII letters, digits, `_`, `-` and `/`; no leading `_`.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9/-][A-Za-z0-9_/-]{0,63}$")]
    name: Option<String>,
    #[serde(default, rename = "orgID", deserialize_with = "given::id_or_zero")]
    #[schema(schema_with = given_id, required = true)]
    org_id: Option<OrganizationId>,
    #[schema(schema_with = given_text_or_null, required = false)]
    description: Option<String>,
    /// At most one; none keeps rows for ever.
    #[schema(max_items = 1)]
    retention_rules: Option<Vec<GivenRule>>,
    /// There are only implicit schemas here.
    #[schema(schema_with = given_schema_types, required = false)]
    schema_type: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateBucket {
    /// 1 to 64 of ASCII letters, digits, `_`, `-` and `/`; no leading `_`.
    #[schema(pattern = "^[A-Za-z0-9/-][A-Za-z0-9_/-]{0,63}$")]
    name: Option<String>,
    #[schema(schema_with = given_text_or_null, required = false)]
    description: Option<String>,
    /// At most one; none keeps rows for ever, absent leaves it as it is.
    #[schema(max_items = 1)]
    retention_rules: Option<Vec<GivenRule>>,
}

/// Which buckets are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct Filter {
    /// Only those of the organization with this name, unless `orgID` is given.
    org: Option<String>,
    /// Only those of this organization.
    #[param(rename = "orgID", schema_with = given_id_or_empty, required = false)]
    org_id: Option<String>,
    /// Only those with this name.
    name: Option<String>,
    /// Only this one.
    #[param(schema_with = given_id_or_empty, required = false)]
    id: Option<String>,
}

fn types() -> Object {
    one_of(&["user", "system"])
}

fn schema_types() -> Object {
    one_of(&["implicit", "explicit"])
}

fn given_schema_types() -> Object {
    one_of_or_null(&["implicit"])
}

fn rule_types() -> Object {
    one_of(&["expire"])
}

fn rule_types_or_null() -> Object {
    one_of_or_null(&["expire"])
}

impl Bucket {
    pub(super) fn new(database: &Database) -> Self {
        let (id, organization) = (ResourceId::from(database.id), database.organization);
        let below = |rest: &str| format!("{PATH}/{id}/{rest}");
        Self {
            id: id.to_string(),
            org_id: organization.to_string(),
            kind: "user",
            name: database.name.to_string(),
            description: database.description.as_str().to_owned(),
            schema_type: "implicit",
            retention_rules: RetentionRule::of(database.retention).into_iter().collect(),
            created_at: database.created_at.to_string(),
            updated_at: database.updated_at.to_string(),
            labels: [],
            links: BucketLinks {
                this: format!("{PATH}/{id}"),
                org: format!("/api/v2/orgs/{organization}"),
                members: below("members"),
                owners: below("owners"),
                labels: below("labels"),
                write: format!("/api/v2/write?org={organization}&bucket={id}"),
            },
        }
    }
}

impl RetentionRule {
    /// A period that is no whole number of seconds is shown as the next longer one: rows are never gone sooner than
    /// this says.
    fn of(retention: Retention) -> Option<Self> {
        let nanos = retention.nanos();
        let every_seconds = nanos / SECOND + i64::from(nanos % SECOND != 0);
        (nanos != 0).then_some(Self { kind: "expire", every_seconds })
    }
}

/// Lists the buckets that the caller may see, by id.
#[utoipa::path(get, path = "/api/v2/buckets", tag = "buckets", operation_id = "GetBuckets",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(Filter, Paging),
    responses((status = 200, description = "The buckets", body = Buckets), Refused<400>, Refused<404>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let page = Page::of(&parameters)?;
    let databases = wanted(&service, &caller, &parameters)?;
    let number = |database: &Arc<Database>| ResourceId::from(database.id).get();
    let Paged { records, links } = page.cut(databases, number, PATH, &parameters);
    let buckets = Buckets { links, buckets: records.iter().map(|database| Bucket::new(database)).collect() };
    Ok(answer::guarded(&buckets, caller, cutoff))
}

fn wanted(service: &Service, caller: &Entry, parameters: &Parameters) -> Result<Vec<Arc<Database>>, ApiError> {
    let (id, given_organization) = (parameters.id::<ResourceId>("id")?, parameters.id("orgID")?);
    let organization = match (service.profile(), given_organization, parameters.get("org")) {
        // There a token knows no organization but its own, whatever it asks for.
        (Profile::Cloud, _, _) => Some(service.organization_of(caller)),
        (Profile::SelfHosted, None, Some(name)) => Some(organization_named(service, name)?),
        (Profile::SelfHosted, id, _) => id,
    };
    let mut databases = service.visible_databases(caller, organization);
    if let Some(id) = id {
        databases.retain(|database| ResourceId::from(database.id) == id);
        if databases.is_empty() {
            return Err(ApiError::not_found("bucket not found"));
        }
    }
    if let Some(name) = parameters.get("name") {
        databases.retain(|database| database.name.as_str() == name);
        if databases.is_empty() && service.profile() == Profile::SelfHosted && organization.is_some() {
            return Err(ApiError::not_found(format!("bucket \"{name}\" not found")));
        }
    }
    Ok(databases)
}

/// Creates a bucket.
#[utoipa::path(post, path = "/api/v2/buckets", tag = "buckets", operation_id = "PostBuckets",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    request_body = CreateBucket,
    responses((status = 201, description = "The new bucket", body = Bucket),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    body: Body,
) -> Result<Response, ApiError> {
    let request: CreateBucket = object(&caller, body).await?;
    let organization = request.org_id.ok_or_else(|| ApiError::invalid("organization id must be provided"))?;
    let new = NewDatabase {
        name: bucket_name(request.name.as_deref())?,
        description: given::description(request.description)?.unwrap_or_default(),
        retention: retention(request.retention_rules)?.unwrap_or(default_retention(service.profile())),
        limits: DatabaseLimits::default(),
        partition_template: None,
    };
    match request.schema_type.as_deref() {
        None | Some("" | "implicit") => {}
        Some("explicit") => return Err(ApiError::unprocessable("explicit schemas are not supported here")),
        Some(_) => return Err(ApiError::invalid("schemaType must be implicit or explicit")),
    }
    let database = service.create_database_in(caller, organization, new).await?;
    Ok(answer::json(StatusCode::CREATED, &Bucket::new(&database)))
}

/// Shows one bucket.
#[utoipa::path(get, path = "/api/v2/buckets/{bucketID}", tag = "buckets", operation_id = "GetBucketsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("bucketID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The bucket", body = Bucket), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ResourceId>,
) -> Result<Response, ApiError> {
    let database = service.visible_database(&caller, database_id(id)?)?;
    Ok(answer::guarded(&Bucket::new(&database), caller, cutoff))
}

/// Changes name, description or retention. When this answers, no request goes on under the old name.
#[utoipa::path(patch, path = "/api/v2/buckets/{bucketID}", tag = "buckets", operation_id = "PatchBucketsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("bucketID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = UpdateBucket,
    responses((status = 200, description = "The bucket as it is now", body = Bucket),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ResourceId>,
    body: Body,
) -> Result<Response, ApiError> {
    let request: UpdateBucket = object(&caller, body).await?;
    let update = DatabaseUpdate {
        name: request.name.map(|name| bucket_name(Some(&name))).transpose()?,
        change: DatabaseChange {
            description: given::description(request.description)?,
            retention: retention(request.retention_rules)?,
            ..DatabaseChange::default()
        },
    };
    let database = service.update_database_by_id(caller, database_id(id)?, update).await?;
    Ok(answer::json(StatusCode::OK, &Bucket::new(&database)))
}

/// Deletes a bucket. When this answers 204, no request goes on on it.
#[utoipa::path(delete, path = "/api/v2/buckets/{bucketID}", tag = "buckets", operation_id = "DeleteBucketsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("bucketID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ResourceId>,
) -> Result<Response, ApiError> {
    service.delete_database_by_id(caller, database_id(id)?).await?;
    Ok(answer::no_content())
}

/// The database that a bucket's id means. There are more ids than databases can have.
pub(super) fn database_id(id: ResourceId) -> Result<DatabaseId, ApiError> {
    DatabaseId::from_resource(id).ok_or_else(|| ApiError::not_found("bucket not found"))
}

pub(super) fn bucket_name(name: Option<&str>) -> Result<DatabaseName, ApiError> {
    let name = name.unwrap_or_default();
    if name.is_empty() {
        return Err(ApiError::invalid("bucket name is empty"));
    }
    name.parse().map_err(|error| match error {
        DatabaseNameError::Reserved => {
            ApiError::invalid(format!("bucket name {name} is invalid. Buckets may not start with underscore"))
        }
        other => ApiError::invalid(format!("bucket name {name} is invalid: {other}")),
    })
}

/// `None` if nothing is said about it.
fn retention(rules: Option<Vec<GivenRule>>) -> Result<Option<Retention>, ApiError> {
    let Some(rules) = rules else { return Ok(None) };
    let [rule] = rules.as_slice() else {
        let none = rules.is_empty().then_some(Some(Retention::FOREVER));
        return none.ok_or_else(|| ApiError::unprocessable("a bucket has at most one retention rule"));
    };
    if rule.kind.as_deref().is_some_and(|kind| kind != "expire") {
        return Err(ApiError::unprocessable("the type of a retention rule must be expire"));
    }
    let nanos = rule.every_seconds.and_then(|seconds| seconds.checked_mul(SECOND)).and_then(Retention::from_nanos);
    nanos.map(Some).ok_or_else(|| ApiError::unprocessable("everySeconds must be between 0 and 9223372036"))
}

fn default_retention(profile: Profile) -> Retention {
    match profile {
        Profile::SelfHosted => Retention::FOREVER,
        Profile::Cloud => Retention::from_nanos(CLOUD_RETENTION).unwrap_or(Retention::FOREVER),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(rules: Value) -> Result<Option<i64>, String> {
        let rules = serde_json::from_value(rules).map_err(|error| error.to_string())?;
        retention(rules).map(|read| read.map(Retention::nanos)).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn retention_rules() {
        assert_eq!(read(json!(null)), Ok(None));
        assert_eq!(read(json!([])), Ok(Some(0)));
        assert_eq!(read(json!([{ "type": "expire", "everySeconds": 0 }])), Ok(Some(0)));
        assert_eq!(read(json!([{ "everySeconds": 3600, "shardGroupDurationSeconds": 1 }])), Ok(Some(3600 * SECOND)));
        for rules in [
            json!([{ "type": "expire", "everySeconds": 1 }, { "type": "expire", "everySeconds": 1 }]),
            json!([{ "type": "keep", "everySeconds": 1 }]),
            json!([{ "type": "expire", "everySeconds": -1 }]),
            json!([{ "type": "expire", "everySeconds": i64::MAX }]),
            json!([{ "type": "expire" }]),
        ] {
            assert!(read(rules.clone()).is_err(), "{rules}");
        }
    }

    #[test]
    fn periods_are_shown_in_seconds_that_are_not_too_short() {
        let shown = |nanos| RetentionRule::of(Retention::from_nanos(nanos).unwrap()).map(|rule| rule.every_seconds);
        assert_eq!(shown(0), None);
        assert_eq!(shown(1), Some(1));
        assert_eq!(shown(SECOND), Some(1));
        assert_eq!(shown(SECOND + 1), Some(2));
        assert_eq!(shown(i64::MAX), Some(i64::MAX / SECOND + 1));
    }

    #[test]
    fn names_are_refused_in_the_words_of_the_api() {
        let refused = |name| bucket_name(name).unwrap_err().message().to_owned();
        assert_eq!(refused(None), "bucket name is empty");
        assert_eq!(refused(Some("_x")), "bucket name _x is invalid. Buckets may not start with underscore");
        assert!(refused(Some("a\"b")).starts_with("bucket name a\"b is invalid: "));
    }
}
